//! What a worker wrote becomes a blob, and only then counts: models, reports; checkpoints in [`super::commit`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::control::state::Segment;
use engine::session::protocol::WorkerResult;
use serde::Deserialize;
use store::blob::{BlobHash, BlobRef, Blobs};
use tokio::time::{Instant, sleep};

use super::course::Step;
use super::{SessionState, patiently};
use crate::error::ActorsError;
use crate::messages::sessions::Facts;

/// How long a second node is sought for a result, and how often.
const SPREAD_WITHIN: Duration = Duration::from_secs(60);
const SPREAD_AGAIN: Duration = Duration::from_secs(2);
/// The policy of an evaluation that is judged; the others are what it is held against.
const AGENT: &str = "agent";
/// Figures of a back-test or an evaluation that lists show.
const FIGURES: [&str; 3] = ["total_return", "sharpe", "max_drawdown"];

impl SessionState {
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

    /// Puts what a session produced into the blobs.
    pub(super) async fn keep(&mut self, result: WorkerResult) -> Result<Vec<Step>, ActorsError> {
        let (file, sha256) = match &result {
            WorkerResult::Training { model_file, model_sha256, .. } => (model_file, model_sha256),
            WorkerResult::Report { report_file, report_sha256 } => (report_file, report_sha256),
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
            (Ok(blob), WorkerResult::Report { .. }) => {
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
    pub(super) async fn take_in(&self, file: &str, sha256: &str) -> Result<BlobRef, String> {
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

/// As much of a report as lists show. A labelling has neither part.
#[derive(Deserialize)]
struct Summary {
    /// Of a back-test.
    agent: Option<AgentSummary>,
    /// Of an evaluation.
    #[serde(default)]
    policies: Vec<PolicySummary>,
}

#[derive(Deserialize)]
struct AgentSummary {
    metrics: BTreeMap<String, Option<f64>>,
}

#[derive(Deserialize)]
struct PolicySummary {
    name: String,
    sheet: SheetSummary,
}

#[derive(Deserialize)]
struct SheetSummary {
    figures: BTreeMap<String, Option<f64>>,
}

fn figures(report: &[u8]) -> Result<BTreeMap<String, Option<f64>>, serde_json::Error> {
    let Summary { agent, policies } = serde_json::from_slice(report)?;
    let judged = policies.into_iter().find(|policy| policy.name == AGENT);
    let judged = judged.map(|policy| policy.sheet.figures);
    let mut metrics = agent.map(|agent| agent.metrics).or(judged).unwrap_or_default();
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
    use engine::metrics::Figure;
    use engine::metrics::tear_sheet::TearSheet;
    use engine::session::evaluation::JudgedPolicy;
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_show_the_agents_figures_of_either_report() {
        let figures = |report: serde_json::Value| figures(report.to_string().as_bytes()).unwrap();
        let wanted = BTreeMap::from([("sharpe".to_owned(), Some(1.25))]);
        let metrics = json!({"sharpe": 1.25, "var_95": 0.01});
        assert_eq!(figures(json!({"agent": {"metrics": metrics}})), wanted);
        let judged = |name: &str, sharpe: f64| JudgedPolicy {
            name: name.to_owned(),
            equity: Vec::new(),
            drawdown: Vec::new(),
            sheet: TearSheet {
                figures: [(Figure::Sharpe, Some(sharpe)), (Figure::WorstDay, None)].into(),
                drawdowns: Vec::new(),
                periods: BTreeMap::new(),
                autocorrelation: Vec::new(),
            },
            costs: 0.0,
            refusal_count: 0,
        };
        let policies = [judged("buy_and_hold", 0.5), judged("agent", 1.25)];
        assert_eq!(figures(json!({ "policies": policies })), wanted);
        assert_eq!(figures(json!({"labels": []})), BTreeMap::new());
    }

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
