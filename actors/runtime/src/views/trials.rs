//! The trial ledger and the seal as the world is shown them: everything that was ever tried on the way to a strategy, and
//! what nobody has seen yet.

use engine::config::SessionKind;
use engine::evaluation::trials::TrialOutcome;
use engine::ids::{DatasetId, SessionId, StrategyId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Page;

/// One trial: a training, a back-test or an evaluation that a node was given. Nothing of it changes once it has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialView {
    /// The session it was; the trial's name.
    pub session_id: SessionId,
    /// Name of the session.
    pub name: String,
    /// `training`, `backtest` or `evaluation`.
    pub kind: SessionKind,
    /// The lineage: everything that was tried on the way to one strategy.
    pub strategy_id: StrategyId,
    /// Its version.
    pub strategy_version: u32,
    /// SHA-256 of the canonical JSON of strategy and session.
    pub config_sha256: String,
    /// The data set.
    pub dataset_id: DatasetId,
    /// Name of the data set at submission.
    pub dataset_name: String,
    /// The data snapshot.
    pub dataset_sha256: String,
    /// Rows that it was judged on: `valid` of a training, else the segment that was run.
    pub segment: String,
    /// SHA-256 of what those rows are: snapshot, cut and segment.
    pub segment_sha256: String,
    /// Seeds it was run with; of trained models their training sessions.
    pub seeds: Vec<String>,
    /// What it was judged by: `total_return`, `sharpe` or `deflated_sharpe`.
    pub objective: String,
    /// How it ended; absent while it has not.
    pub outcome: Option<TrialOutcome>,
    /// Sharpe ratio per year, where it is known.
    pub sharpe: Option<f64>,
    /// The report with its returns, where there is one; kept for as long as the ledger names it.
    pub report_sha256: Option<String>,
    /// When it was submitted, RFC 3339 UTC.
    pub submitted_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Whether its session was removed; the trial stays.
    pub removed: bool,
}

/// One page of the trials of a strategy.
#[derive(Debug, Clone)]
pub struct TrialsView {
    /// The trials, newest first.
    pub page: Page<TrialView>,
    /// Trials of the strategy in all.
    pub started_count: u32,
    /// The newest evaluation of the strategy that was finished: it knows how many independent trials there were.
    pub evaluation: Option<SessionId>,
}

/// How a strategy's seal stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SealView {
    /// The lineage.
    pub strategy_id: StrategyId,
    /// Share of the newest rows that is sealed: the largest of all versions; 0 where nothing is.
    pub share: f64,
    /// Who opened it; absent while it is closed.
    pub opening: Option<SealOpeningView>,
}

/// The one opening of a seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SealOpeningView {
    /// Who opened it.
    pub by: UserId,
    /// Why.
    pub reason: String,
    /// When, RFC 3339 UTC.
    pub opened_at: String,
}
