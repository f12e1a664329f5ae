//! What a worker wrote becomes a blob, and only then counts: checkpoints, models, reports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::control::state::{Manifest, Segment};
use cluster::control::{ControlCommand, ControlError, Refusal};
use engine::session::protocol::{CheckpointWritten, WorkerResult};
use serde::Deserialize;
use store::blob::{BlobHash, BlobRef, Blobs};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::course::Step;
use super::{SessionState, passes, patiently};
use crate::error::ActorsError;
use crate::messages::CommandId;
use crate::messages::sessions::Facts;
use crate::worker::process::Cause;

/// How long a second node is sought for a result, and how often.
const SPREAD_WITHIN: Duration = Duration::from_secs(60);
const SPREAD_AGAIN: Duration = Duration::from_secs(2);
/// Figures of a back-test that lists show.
const FIGURES: [&str; 3] = ["total_return", "sharpe", "max_drawdown"];

impl SessionState {
    /// Puts a checkpoint into the blobs and commits its manifest.
    pub(super) async fn commit(
        &mut self,
        written: CheckpointWritten,
    ) -> Result<Vec<Step>, ActorsError> {
        let CheckpointWritten { step, epoch_index, metric_count, file, sha256, .. } = written;
        if self.stands(step, &sha256) {
            self.log("info", format!("the checkpoint at step {step} stands already"));
            // Whoever asked for it sees that it was answered.
            patiently(|| self.sessions.learn(self.id, self.epoch, Facts::default())).await?;
            return Ok(Vec::new());
        }
        let blob = match self.take_in(&file, &sha256).await {
            Ok(blob) => blob,
            Err(text) => {
                self.log("error", format!("the checkpoint at step {step} does not count: {text}"));
                return Ok(Vec::new());
            }
        };
        let size_bytes = blob.size_bytes;
        let (nodes, archive) = match self.kept_twice(blob.sha256, metric_count).await {
            Ok(kept) => kept,
            Err(error) => {
                let text = format!(
                    "the checkpoint at step {step} does not count: {error}; training goes on, the next checkpoint is tried again"
                );
                self.log("warn", text);
                return Ok(Vec::new());
            }
        };
        let manifest = Manifest {
            id: *Uuid::new_v4().as_bytes(),
            step,
            sha256: blob.sha256.0,
            size_bytes,
            metric_count,
            epoch_index,
            nodes,
            at_ms: 0,
        };
        let session = *self.id.uuid().as_bytes();
        let epoch = self.epoch;
        let command = ControlCommand::CommitCheckpoint { session, epoch, manifest, archive };
        let key = cluster::control::CommandId(CommandId::random().0);
        match self.context.control.execute(key, command).await {
            Ok(_) => {}
            Err(ControlError::Refused(Refusal::StepNotIncreasing { .. })) => return Ok(Vec::new()),
            Err(ControlError::Refused(
                refusal @ (Refusal::StaleEpoch { .. } | Refusal::SessionEnded { .. }),
            )) => {
                self.log(
                    "warn",
                    format!("the checkpoint at step {step} does not count: {refusal}"),
                );
                return Ok(vec![Step::Kill(Cause::Disowned)]);
            }
            Err(error) => {
                let error = ActorsError::from(error);
                if !passes(&error) {
                    return Err(error);
                }
                self.log(
                    "warn",
                    format!(
                        "the checkpoint at step {step} was not agreed upon ({error}); training goes on, the next checkpoint is tried again"
                    ),
                );
                return Ok(Vec::new());
            }
        }
        self.course.committed();
        self.log("info", format!("checkpoint at step {step} ({size_bytes} bytes)"));
        // Progress and newest metrics are kept with it.
        patiently(|| self.sessions.learn(self.id, self.epoch, Facts::default())).await?;
        Ok(Vec::new())
    }

    /// Puts a checkpoint, and what was recorded up to it, on a second node where there is one.
    async fn kept_twice(
        &self,
        checkpoint: BlobHash,
        metric_count: u64,
    ) -> Result<(Vec<String>, Option<Vec<Segment>>), ActorsError> {
        let nodes = self.context.depot.replicate(checkpoint).await?;
        let archive = self.context.mirror.file(self.id, metric_count, true).await?;
        Ok((nodes, archive))
    }

    /// Puts everything that was recorded into files, before the end is told. Should that not be possible, what was
    /// filed with the last checkpoint stands.
    pub(super) async fn file_all(&self) -> Option<Vec<Segment>> {
        let filed = async {
            let count = patiently(|| self.metrics.count(self.id)).await?;
            patiently(|| self.context.mirror.file(self.id, count, false)).await
        };
        match filed.await {
            Ok(archive) => archive,
            Err(error) => {
                tracing::error!(session = %self.id, %error, "what a session recorded was not put into files");
                None
            }
        }
    }

    /// Puts a result on a second node where there is one; where none takes it for a while, it is kept here and told.
    async fn spread(&self, what: &str, file: BlobHash) {
        let begun = Instant::now();
        loop {
            let Err(error) = self.context.depot.replicate(file).await else { return };
            if SPREAD_WITHIN <= begun.elapsed() {
                self.log("warn", format!("{what} is kept on this node only for now: {error}"));
                return;
            }
            sleep(SPREAD_AGAIN).await;
        }
    }

    /// Whether a checkpoint was committed before. Its file is gone then: it was moved among the blobs.
    fn stands(&self, step: u64, sha256: &str) -> bool {
        let Ok(wanted) = sha256.parse::<BlobHash>() else { return false };
        self.context.control.read(|state| {
            state.sessions.get(self.id.uuid().as_bytes()).is_some_and(|session| {
                let same = |one: &Manifest| one.step == step && one.sha256 == wanted.0;
                session.checkpoints.iter().any(same)
            })
        })
    }

    /// Puts what a session produced into the blobs.
    pub(super) async fn keep(&mut self, result: WorkerResult) -> Result<Vec<Step>, ActorsError> {
        let (file, sha256) = match &result {
            WorkerResult::Training { model_file, model_sha256, .. } => (model_file, model_sha256),
            WorkerResult::Backtest { report_file, report_sha256 } => (report_file, report_sha256),
        };
        // Stopped before its first evaluation: there is no model.
        if file.is_empty() {
            return Ok(Vec::new());
        }
        let kept = self.take_in(file, sha256).await;
        match (kept, &result) {
            (Err(text), _) => {
                self.log("error", format!("the result does not count: {text}"));
                self.course.keep_failed(format!("the worker's result could not be kept: {text}"));
            }
            (Ok(blob), WorkerResult::Training { best_epoch_index, best_score, .. }) => {
                let score = best_score
                    .map_or_else(|| "not defined".to_owned(), |score| format!("{score:.6}"));
                self.spread("the model", blob.sha256).await;
                self.log("info", format!("best model of epoch {best_epoch_index}, score {score}"));
                let facts =
                    Facts { model_sha256: Some(blob.sha256.to_string()), ..Facts::default() };
                patiently(|| self.sessions.learn(self.id, self.epoch, facts.clone())).await?;
            }
            (Ok(blob), WorkerResult::Backtest { .. }) => {
                self.spread("the report", blob.sha256).await;
                let facts = Facts {
                    report_sha256: Some(blob.sha256.to_string()),
                    metrics: self.figures(blob.sha256).await,
                    ..Facts::default()
                };
                patiently(|| self.sessions.learn(self.id, self.epoch, facts.clone())).await?;
            }
        }
        Ok(Vec::new())
    }

    /// Returns what a report says of its agent in short; nothing where it cannot be read, which is told.
    async fn figures(&self, report: BlobHash) -> BTreeMap<String, Option<f64>> {
        let blobs = self.context.blobs.clone();
        let read = tokio::task::spawn_blocking(move || {
            let bytes = blobs.read(report).map_err(|error| error.to_string())?;
            figures(&bytes).map_err(|error| error.to_string())
        });
        let found = read.await.unwrap_or_else(|error| Err(error.to_string()));
        found.unwrap_or_else(|error| {
            self.log("warn", format!("the report's figures cannot be shown in lists: {error}"));
            BTreeMap::new()
        })
    }

    /// Puts a file of the session's directory into the blobs and removes it there.
    async fn take_in(&self, file: &str, sha256: &str) -> Result<BlobRef, String> {
        let path = inside(&self.work_dir(), file)?;
        let wanted: BlobHash = sha256.parse().map_err(|_| format!("'{sha256}' is no SHA-256"))?;
        let blobs = self.context.blobs.clone();
        let put = tokio::task::spawn_blocking(move || put(&blobs, &path, wanted));
        put.await.map_err(|error| format!("putting it among the files failed: {error}"))?
    }
}

fn put(blobs: &Blobs, path: &Path, wanted: BlobHash) -> Result<BlobRef, String> {
    let blob = blobs.put_file(path).map_err(|error| error.to_string())?;
    if blob.sha256 != wanted {
        return Err(format!(
            "{} has SHA-256 {}, the worker said {wanted}",
            path.display(),
            blob.sha256
        ));
    }
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(path = %path.display(), %error, "a file that is kept elsewhere was not removed");
    }
    Ok(blob)
}

/// As much of a report as lists show.
#[derive(Deserialize)]
struct Summary {
    agent: AgentSummary,
}

#[derive(Deserialize)]
struct AgentSummary {
    metrics: BTreeMap<String, Option<f64>>,
}

fn figures(report: &[u8]) -> Result<BTreeMap<String, Option<f64>>, serde_json::Error> {
    let Summary { agent: AgentSummary { mut metrics } } = serde_json::from_slice(report)?;
    metrics.retain(|name, _| FIGURES.contains(&name.as_str()));
    Ok(metrics)
}

/// Returns the path of a file directly inside `dir`.
fn inside(dir: &Path, file: &str) -> Result<PathBuf, String> {
    let plain = !file.is_empty()
        && !file.contains('/')
        && !file.contains('\0')
        && file != "."
        && file != "..";
    if plain {
        return Ok(dir.join(file));
    }
    Err(format!("'{file}' is no file name within the session's directory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_sessions_own_directory_are_taken() {
        for file in ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\0"] {
            assert!(inside(Path::new("/d"), file).is_err(), "{file:?}");
        }
        assert_eq!(
            inside(Path::new("/d"), "best.safetensors"),
            Ok(PathBuf::from("/d/best.safetensors"))
        );
    }
}
