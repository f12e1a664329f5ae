//! What a session's worker says of itself first: its build, and what limits it. Shown on the session.

use std::path::PathBuf;
use std::time::Duration;

use engine::session::protocol::{WorkerCommand, WorkerLimit};
use jiff::Timestamp;

use super::{SessionState, patiently};
use crate::error::ActorsError;
use crate::messages::sessions::Facts;
use crate::views::{LimitView, SessionView};
use crate::worker::limits::Grant;

impl SessionState {
    /// The worker said hello: keeps its build and what limits it from outside, and sends `Start`.
    pub(super) async fn introduce(
        &mut self,
        build: String,
        libtorch: &str,
        devices: &[String],
    ) -> Result<(), ActorsError> {
        let text = format!("worker {build} says hello: libtorch {libtorch}, devices {devices:?}");
        self.log("info", text);
        let mut limits = self.outside();
        self.log_limits("limits set by the node", &limits);
        // Until it tells more, which a worker of an earlier build never does.
        limits.push(LimitView {
            name: "confinement".to_owned(),
            applied: false,
            detail: "not reported by the worker".to_owned(),
        });
        let facts = Facts { build: Some(build), limits: Some(limits), ..Facts::default() };
        patiently(|| self.sessions.learn(self.id, self.epoch, facts.clone())).await?;
        if let Some(start) = self.prepared.take() {
            self.send(start);
        }
        Ok(())
    }

    /// The worker said what it imposed upon itself.
    pub(super) async fn confined(&mut self, own: Vec<WorkerLimit>) -> Result<(), ActorsError> {
        let view = |WorkerLimit { name, applied, detail }| LimitView { name, applied, detail };
        let own: Vec<LimitView> = own.into_iter().map(view).collect();
        self.log_limits("limits set by the worker", &own);
        let limits = self.outside().into_iter().chain(own).collect();
        let facts = Facts { limits: Some(limits), ..Facts::default() };
        patiently(|| self.sessions.learn(self.id, self.epoch, facts.clone())).await?;
        Ok(())
    }

    fn outside(&self) -> Vec<LimitView> {
        self.worker.as_ref().map(|worker| worker.limits.clone()).unwrap_or_default()
    }

    fn log_limits(&self, what: &str, limits: &[LimitView]) {
        let listed = |applied: bool| {
            let chosen = limits.iter().filter(|limit| limit.applied == applied);
            chosen.map(|limit| format!("{}: {}", limit.name, limit.detail)).collect::<Vec<_>>()
        };
        let (holds, missing) = (listed(true), listed(false));
        self.log("info", format!("{what}: {}", holds.join("; ")));
        if !missing.is_empty() {
            self.log("info", format!("not enforced here: {}", missing.join("; ")));
        }
    }

    /// Returns what the worker of start number `run` may use and see, given the command that will start it.
    pub(super) fn grant(&self, run: u64, start: &WorkerCommand) -> Grant {
        Grant {
            name: format!("{}.{run}", self.id),
            resources: self.spec.resources.clone(),
            devices: self.devices.clone(),
            read: inputs(start),
            write: vec![self.work_dir()],
        }
    }

    /// Returns the wall time it may take.
    pub(super) fn time_limit(&self) -> Option<Duration> {
        let seconds = self.spec.resources.time_limit_seconds?;
        Some(Duration::from_secs(u64::from(seconds)))
    }

    /// Returns how long ago it made its first step, by wall time: the machine may have been started anew since. Nothing
    /// where it has made none.
    pub(super) fn since_first_step(&self, view: &SessionView) -> Option<Duration> {
        let first: Timestamp = view.started_at.as_ref()?.parse().ok()?;
        let passed_ms = self.context.clock.wall_ms().saturating_sub(first.as_millisecond());
        Some(Duration::from_millis(u64::try_from(passed_ms).unwrap_or(0)))
    }
}

/// Returns the files that a `Start` names.
fn inputs(start: &WorkerCommand) -> Vec<PathBuf> {
    let WorkerCommand::Start { spec, .. } = start else { return Vec::new() };
    let Ok(spec) = serde_json::from_slice::<engine::session::protocol::WorkerSpec>(spec) else {
        return Vec::new();
    };
    let files = [Some(spec.dataset), spec.checkpoint, spec.model].into_iter().flatten();
    let files = files.chain(spec.models).chain(spec.trials);
    files.map(|file| PathBuf::from(file.path)).collect()
}
