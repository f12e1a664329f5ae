//! Starting a session's worker: from where, with which inputs.

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster::control::state::Manifest;
use engine::ids::Epoch;
use engine::session::protocol::{InputFile, WorkerCommand, WorkerSpec};
use ractor::ActorRef;
use store::blob::BlobHash;

use super::course::Step;
use super::retry::{Failure, FailureKind, RestartFrom, restart_from};
use super::{SessionState, patiently};
use crate::error::ActorsError;
use crate::messages::session::SessionMsg;
use crate::worker::process::{self, Launch};

/// Returns the newest checkpoint to resume from: trusted, its file here, and all its points stored.
pub(super) fn choose<'a>(
    manifests: &'a [Manifest],
    distrusted: &BTreeSet<BlobHash>,
    stored_points: u64,
    here: impl Fn(BlobHash) -> bool,
) -> Option<&'a Manifest> {
    manifests.iter().rev().find(|manifest| {
        let hash = BlobHash(manifest.sha256);
        manifest.metric_count <= stored_points && !distrusted.contains(&hash) && here(hash)
    })
}

impl SessionState {
    pub(super) async fn launch(
        &mut self,
        myself: &ActorRef<SessionMsg>,
        run: u64,
    ) -> Result<Vec<Step>, ActorsError> {
        let now_ms = self.context.clock.boot_ms();
        let dir = self.work_dir();
        if let Err(error) = tokio::fs::create_dir_all(&dir).await {
            let text = format!("the session's directory {} cannot be made: {error}", dir.display());
            return Ok(self.course.launch_failed(passing(text), now_ms));
        }
        let checkpoint = self.checkpoint().await?;
        let start = match self.start_command(checkpoint.as_ref()) {
            Ok(start) => start,
            Err(failure) => return Ok(self.course.launch_failed(failure, now_ms)),
        };
        let from = checkpoint.as_ref().map_or_else(
            || "from the beginning".to_owned(),
            |manifest| format!("from the checkpoint at step {}", manifest.step),
        );
        self.log("info", format!("starting the worker {from}"));
        self.resumed_from = checkpoint.as_ref().map(|manifest| BlobHash(manifest.sha256));
        let session = myself.clone();
        let launch = Launch {
            run,
            program: self.context.program.clone(),
            grant: self.grant(run, &start),
            limiter: Arc::clone(&self.context.limiter),
            times: self.context.times,
            clock: Arc::clone(&self.context.clock),
            deliver: Arc::new(move |notice| session.cast(SessionMsg::Noticed(notice)).is_ok()),
        };
        match process::start(&self.context.spawner, launch).await {
            Ok(worker) => {
                self.course.launched(checkpoint.map_or(0, |manifest| manifest.metric_count));
                tracing::info!(session = %self.id, run, pid = worker.pid, "worker started");
                self.prepared = Some(start);
                self.worker = Some(worker);
                Ok(Vec::new())
            }
            Err(error) => {
                let text = format!(
                    "the worker {} cannot be started: {error}; check the node's worker program",
                    self.context.program.path.display()
                );
                let gone = error.kind() == std::io::ErrorKind::NotFound;
                let kind = if gone { FailureKind::Final } else { FailureKind::Passing };
                Ok(self.course.launch_failed(Failure { kind, text }, now_ms))
            }
        }
    }

    async fn checkpoint(&self) -> Result<Option<Manifest>, ActorsError> {
        if restart_from(self.spec.writes_checkpoints()) == RestartFrom::Start {
            return Ok(None);
        }
        let key = *self.id.uuid().as_bytes();
        let manifests = self
            .context
            .control
            .read(|state| state.sessions.get(&key).map(|session| session.checkpoints.clone()))
            .unwrap_or_default();
        if manifests.is_empty() {
            return Ok(None);
        }
        let stored = patiently(|| self.metrics.count(self.id)).await?;
        let here = |hash| self.context.blobs.path(hash).is_some();
        Ok(choose(&manifests, &self.distrusted, stored, here).cloned())
    }

    fn start_command(&self, checkpoint: Option<&Manifest>) -> Result<WorkerCommand, Failure> {
        let spec = WorkerSpec {
            strategy: self.spec.strategy.clone(),
            session: self.spec.config.clone(),
            resources: self.spec.resources.clone(),
            dataset: self.input("the data snapshot", &self.spec.dataset_sha256)?,
            dataset_name: self.spec.dataset_name.clone(),
            synthetic: self.spec.synthetic,
            work_dir: self.work_dir().to_string_lossy().into_owned(),
            checkpoint: checkpoint
                .map(|manifest| self.input("the checkpoint", &super::hexadecimal(&manifest.sha256)))
                .transpose()?,
            model: self
                .spec
                .model_sha256
                .as_ref()
                .map(|sha256| self.input("the model", sha256))
                .transpose()?,
        };
        let spec = serde_json::to_vec(&spec).map_err(|error| Failure {
            kind: FailureKind::Final,
            text: format!("the spec is no JSON: {error}"),
        })?;
        Ok(WorkerCommand::Start { session: self.id, epoch: Epoch(self.epoch), spec })
    }

    fn input(&self, what: &str, sha256: &str) -> Result<InputFile, Failure> {
        let path = sha256.parse::<BlobHash>().ok().and_then(|hash| self.context.blobs.path(hash));
        match path {
            Some(path) => Ok(InputFile {
                path: path.to_string_lossy().into_owned(),
                sha256: sha256.to_owned(),
            }),
            None => Err(Failure {
                kind: FailureKind::Final,
                text: format!("{what} {sha256} is not on this node; import it again"),
            }),
        }
    }
}

fn passing(text: String) -> Failure {
    Failure { kind: FailureKind::Passing, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(step: u64, byte: u8, metric_count: u64) -> Manifest {
        Manifest {
            id: [byte; 16],
            step,
            sha256: [byte; 32],
            size_bytes: 1,
            metric_count,
            epoch_index: 0,
            nodes: Vec::new(),
            at_ms: 0,
        }
    }

    #[test]
    fn the_newest_usable_checkpoint_is_chosen() {
        let all = [manifest(1, 1, 10), manifest(2, 2, 20), manifest(3, 3, 30)];
        let none = BTreeSet::new();
        assert_eq!(choose(&all, &none, 30, |_| true).map(|m| m.step), Some(3));
        assert_eq!(choose(&all, &none, 25, |_| true).map(|m| m.step), Some(2));
        assert_eq!(
            choose(&all, &BTreeSet::from([BlobHash([3; 32])]), 30, |_| true).map(|m| m.step),
            Some(2)
        );
        assert_eq!(
            choose(&all, &none, 30, |hash| hash != BlobHash([3; 32])).map(|m| m.step),
            Some(2)
        );
        assert!(choose(&all, &none, 5, |_| true).is_none());
    }
}
