//! Starting a session's worker: from where, with which inputs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

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

/// How long to wait before nodes that have what is needed are asked again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Why a worker cannot be started now.
enum Lack {
    /// Nodes that have what it needs are not reached.
    Away(String),
    /// Anything else.
    Failed(Failure),
}

/// Returns the checkpoints to resume from, the best first: trusted, with all their points stored, the newest first.
pub(super) fn usable<'a>(
    manifests: &'a [Manifest],
    distrusted: &BTreeSet<BlobHash>,
    stored_points: u64,
) -> impl Iterator<Item = &'a Manifest> {
    manifests.iter().rev().filter(move |manifest| {
        manifest.metric_count <= stored_points && !distrusted.contains(&BlobHash(manifest.sha256))
    })
}

impl SessionState {
    pub(super) async fn launch(
        &mut self,
        myself: &ActorRef<SessionMsg>,
        run: u64,
    ) -> Result<Vec<Step>, ActorsError> {
        let now_ms = self.context.clock.boot_ms();
        let (checkpoint, start) = match self.prepare().await {
            Ok(prepared) => prepared,
            Err(Lack::Failed(failure)) => return Ok(self.course.launch_failed(failure, now_ms)),
            Err(Lack::Away(why)) => return Ok(self.course.launch_delayed(&why, ASK_AGAIN)),
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

    /// Brings everything here that the worker needs.
    async fn prepare(&mut self) -> Result<(Option<Manifest>, WorkerCommand), Lack> {
        let dir = self.work_dir();
        if let Err(error) = tokio::fs::create_dir_all(&dir).await {
            let text = format!("the session's directory {} cannot be made: {error}", dir.display());
            return Err(Lack::Failed(passing(text)));
        }
        // Before anything is logged: lines of an assignment that is over are forgotten, too.
        let taken = self.context.mirror.take_over(self.id, self.epoch).await.map_err(away)?;
        self.bring("the data snapshot", &self.spec.dataset_sha256).await?;
        if let Some(sha256) = &self.spec.model_sha256 {
            self.bring("the model", sha256).await?;
        }
        for sha256 in &self.spec.judged.models {
            self.bring("a model", sha256).await?;
        }
        let trials = self.trials().await?;
        let checkpoint = self.checkpoint().await?;
        if taken.anew {
            self.tell_resumed(checkpoint.as_ref(), taken.points_lost);
        }
        let start = self.start_command(checkpoint.as_ref(), trials).map_err(Lack::Failed)?;
        Ok((checkpoint, start))
    }

    /// Marks in the log that another node's work is taken up.
    fn tell_resumed(&self, checkpoint: Option<&Manifest>, points_lost: u64) {
        let from = checkpoint.map_or_else(
            || "started again from the beginning".to_owned(),
            |manifest| format!("resumed from the checkpoint at step {}", manifest.step),
        );
        let lost = match points_lost {
            0 => String::new(),
            count => format!(" ({count} points)"),
        };
        let node = &self.context.node;
        self.log("warn", format!("{from} on {node}; the work since then{lost} is done again"));
    }

    /// Fetches a file that the worker needs unless it is here.
    async fn bring(&self, what: &str, sha256: &str) -> Result<(), Lack> {
        // Not a hash: refused where it is used.
        let Ok(hash) = sha256.parse::<BlobHash>() else { return Ok(()) };
        let Err(error) = self.fetch(what, hash, &[]).await else { return Ok(()) };
        let ActorsError::NotFound { reason, .. } = error else { return Err(away(error)) };
        let text = if self.context.depot.alone() {
            format!("{what} {sha256} is not on this node; import it again")
        } else {
            format!("{what} {sha256} is lost: {reason}")
        };
        Err(Lack::Failed(Failure { kind: FailureKind::Final, text }))
    }

    /// Brings the reports of earlier trials here; returns those that are not lost. A trial counts without its report.
    async fn trials(&self) -> Result<Vec<String>, Lack> {
        let mut here = Vec::new();
        for sha256 in &self.spec.judged.trials {
            match self.bring("the report of an earlier back-test", sha256).await {
                Ok(()) => here.push(sha256.clone()),
                Err(Lack::Failed(failure)) => self.log("warn", failure.text),
                Err(Lack::Away(why)) => return Err(Lack::Away(why)),
            }
        }
        Ok(here)
    }

    async fn fetch(
        &self,
        what: &str,
        hash: BlobHash,
        hints: &[String],
    ) -> Result<PathBuf, ActorsError> {
        let tell = |peer: &str| self.log("info", format!("fetching {what} {hash} from {peer}"));
        self.context.depot.ensure_told(hash, hints, tell).await
    }

    /// Returns the newest checkpoint whose file can be had; nothing where the session begins from nothing.
    async fn checkpoint(&self) -> Result<Option<Manifest>, Lack> {
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
        let stored = patiently(|| self.metrics.count(self.id)).await.map_err(away)?;
        let mut unreached = None;
        for manifest in usable(&manifests, &self.distrusted, stored) {
            let what = format!("the checkpoint at step {}", manifest.step);
            match self.fetch(&what, BlobHash(manifest.sha256), &manifest.nodes).await {
                Ok(_) => return Ok(Some(manifest.clone())),
                Err(ActorsError::NotFound { reason, .. }) => {
                    self.log("warn", format!("{what} is lost: {reason}"));
                }
                Err(error) => {
                    self.log("warn", format!("{what} cannot be had now: {error}"));
                    unreached.get_or_insert(error);
                }
            }
        }
        // Rather wait for a node than throw all the work away.
        unreached.map_or(Ok(None), |error| Err(away(error)))
    }

    fn start_command(
        &self,
        checkpoint: Option<&Manifest>,
        trials: Vec<String>,
    ) -> Result<WorkerCommand, Failure> {
        let judged = &self.spec.judged;
        let lost = judged.trials.len() - trials.len();
        let each = |what: &str, hashes: &[String]| {
            hashes.iter().map(|sha256| self.input(what, sha256)).collect::<Result<Vec<_>, _>>()
        };
        // What is sealed belongs to the lineage: a version that seals less sees no more.
        let mut strategy = self.spec.strategy.clone();
        if let Some(strategy) = &mut strategy {
            strategy.seal.share = self.spec.sealed_share;
        }
        let spec = WorkerSpec {
            strategy,
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
            models: each("a model", &judged.models)?,
            trials: each("the report of an earlier back-test", &trials)?,
            trials_lost: judged.trials_lost.saturating_add(u32::try_from(lost).unwrap_or(u32::MAX)),
            seal: self.seal_mark().map_err(|error| passing(error.to_string()))?,
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

fn away(error: ActorsError) -> Lack {
    Lack::Away(format!("what the worker needs cannot be had now: {error}"))
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
    fn the_newest_usable_checkpoints_come_first() {
        let all = [manifest(1, 1, 10), manifest(2, 2, 20), manifest(3, 3, 30)];
        let none = BTreeSet::new();
        let steps = |distrusted: &BTreeSet<BlobHash>, stored| -> Vec<u64> {
            usable(&all, distrusted, stored).map(|manifest| manifest.step).collect()
        };
        assert_eq!(steps(&none, 30), [3, 2, 1]);
        assert_eq!(steps(&none, 25), [2, 1]);
        assert_eq!(steps(&BTreeSet::from([BlobHash([3; 32])]), 30), [2, 1]);
        assert!(steps(&none, 5).is_empty());
    }
}
