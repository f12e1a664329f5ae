//! What the world is shown: plain values returned by handles, serialised as they are by the gateway.
//!
//! Times are milliseconds since 1970 UTC as JSON numbers in series and RFC 3339 UTC text with milliseconds elsewhere.
//! Undefined is `null`. Identifiers are prefixed text.

mod cluster;
mod data;
mod operating;
mod trials;

use std::collections::BTreeMap;

use engine::config::{ResourcesConfig, SessionConfig, SessionKind, StrategyConfig};
use engine::error::ErrorCode;
use engine::ids::{CheckpointId, DatasetId, Epoch, NodeId, SessionId, StrategyId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::cluster::{ClusterView, LinkView, MemberView, SeenView};
pub use self::data::{
    BarsView, ConsumerView, ConsumersView, DatasetView, DerivedView, ExampleView, FindingView,
    InspectedView, InspectionView, PreviewView, QualityView, SegmentView, SourceHeadView,
    VerificationView, VerifiedAs,
};
pub use self::operating::{
    AmountView, CapacityView, ConsideredView, NodeRoomView, QuotaView, RoomView, WhyView,
};
pub use self::trials::{SealOpeningView, SealView, TrialView, TrialsView};

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Text to ask the next page with; absent on the last.
    pub next: Option<String>,
}

/// A strategy with its newest version's number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrategyView {
    /// Identifier.
    pub id: StrategyId,
    /// Name, unique among those not archived.
    pub name: String,
    /// Free text.
    pub description: String,
    /// `dqn` and so on: the newest version's algorithm.
    pub algorithm: String,
    /// Newest version, from 1.
    pub version: u32,
    /// Counts every change of this object; `ETag`.
    pub revision: u64,
    /// Who made it.
    pub owner: UserId,
    /// Hidden from lists and closed to new versions.
    pub archived: bool,
    /// RFC 3339 UTC.
    pub created_at: String,
    /// RFC 3339 UTC.
    pub updated_at: String,
}

/// One immutable version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrategyVersionView {
    /// The strategy.
    pub strategy_id: StrategyId,
    /// From 1.
    pub version: u32,
    /// SHA-256 of the canonical JSON of `config`.
    pub hash: String,
    /// The configuration, whole.
    pub config: StrategyConfig,
    /// Who saved it.
    pub author: UserId,
    /// RFC 3339 UTC.
    pub created_at: String,
}

/// Where a session is in its life.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(extend("x-extensible" = true))]
pub enum SessionState {
    /// Waits for resources; the reason says which.
    Pending,
    /// A node was chosen.
    Placed,
    /// Its worker is starting.
    Starting,
    /// Works.
    Running,
    /// Was told to pause; finishes its iteration.
    Pausing,
    /// Stands still.
    Paused,
    /// Was told to stop; finishes its iteration.
    Stopping,
    /// Lost its worker or node; starts again from the last checkpoint.
    Recovering,
    /// Did all its work.
    Completed,
    /// Ended on request.
    Stopped,
    /// Ended by an error after all retries.
    Failed,
}

impl SessionState {
    /// Whether nothing follows.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Completed | Self::Stopped | Self::Failed => true,
            Self::Pending
            | Self::Placed
            | Self::Starting
            | Self::Running
            | Self::Pausing
            | Self::Paused
            | Self::Stopping
            | Self::Recovering => false,
        }
    }
}

/// A session as lists and pages show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionView {
    /// Identifier.
    pub id: SessionId,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: SessionKind,
    /// State.
    pub state: SessionState,
    /// A sentence a person understands: why it waits, recovers or failed.
    pub reason: String,
    /// Who submitted it.
    pub owner: UserId,
    /// The strategy; absent where the kind needs none.
    pub strategy_id: Option<StrategyId>,
    /// Name of the strategy at submission.
    pub strategy_name: Option<String>,
    /// Its version.
    pub strategy_version: Option<u32>,
    /// The data set.
    pub dataset_id: DatasetId,
    /// Name of the data set at submission.
    pub dataset_name: String,
    /// The pinned data snapshot.
    pub dataset_sha256: String,
    /// The node it runs on.
    pub node: Option<NodeId>,
    /// Which assignment.
    pub epoch: Epoch,
    /// What it does.
    pub config: SessionConfig,
    /// What it reserved.
    pub resources: ResourcesConfig,
    /// Higher first.
    pub priority: i32,
    /// Labels.
    pub tags: Vec<String>,
    /// How far.
    pub progress: ProgressView,
    /// Newest value of each metric.
    pub last_metrics: BTreeMap<String, Option<f64>>,
    /// Failed starts since the last success.
    pub retry_count: u32,
    /// First error, kept.
    pub first_error: Option<String>,
    /// Best model, once there is one.
    pub model_sha256: Option<String>,
    /// Report, once there is one.
    pub report_sha256: Option<String>,
    /// Same configuration, data and seed give equal results: `exact` (CPU, one thread) or `tolerance`.
    pub reproducibility: String,
    /// Version of the program that runs it.
    pub build: String,
    /// What limits and confines its worker, and what this machine does not grant; absent before it first started.
    pub limits: Option<Vec<LimitView>>,
    /// RFC 3339 UTC.
    pub created_at: String,
    /// RFC 3339 UTC; first step.
    pub started_at: Option<String>,
    /// RFC 3339 UTC.
    pub finished_at: Option<String>,
    /// Counts changes; `ETag`.
    pub revision: u64,
}

/// One limit of a session's worker: what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitView {
    /// Stable word: `memory`, `cpu_time`, `threads`, `gpus`, `processes`, `time`, `niceness`, `cores`, `open_files`,
    /// `core_dumps`, `oom_score`, `privileges`, `capabilities`, `files`, `tcp`, `signals`, `network`; `confinement`
    /// where the worker told nothing.
    pub name: String,
    /// Whether it holds.
    pub applied: bool,
    /// What holds, or why it does not.
    pub detail: String,
}

/// How far a session is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProgressView {
    /// 0 to 1; absent before anything is known.
    pub ratio: Option<f64>,
    /// Environment steps done.
    pub step: u64,
    /// Environment steps in all.
    pub step_count: u64,
    /// Epoch being worked on, from 0.
    pub epoch_index: u32,
    /// Epochs in all.
    pub epoch_count: u32,
    /// What the worker is doing.
    pub phase: String,
    /// Environment steps per second.
    pub steps_per_second: Option<f64>,
    /// Seconds left, estimated.
    pub eta_seconds: Option<f64>,
}

/// A session that waits for resources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueEntryView {
    /// The session.
    pub session_id: SessionId,
    /// Its name.
    pub name: String,
    /// Place in the queue, from 1.
    pub position: u32,
    /// Higher goes first.
    pub priority: i32,
    /// What it waits for, a sentence.
    pub reason: String,
    /// The same as a code that clients translate.
    pub reason_code: String,
    /// What the sentence speaks of, by name. Amounts are in thousandths of a core, MiB or GPUs, times in milliseconds.
    pub reason_params: BTreeMap<String, String>,
    /// RFC 3339 UTC.
    pub created_at: String,
}

/// One change of a session's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransitionView {
    /// Counts from 1 within the session.
    pub seq: u64,
    /// RFC 3339 UTC.
    pub at: String,
    /// State before; absent for the first.
    pub from: Option<SessionState>,
    /// State after.
    pub to: SessionState,
    /// Why.
    pub reason: String,
    /// Who: a user id, `scheduler`, `host` or `worker`.
    pub actor: String,
}

/// A committed checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointView {
    /// Identifier.
    pub id: CheckpointId,
    /// Environment steps done.
    pub step: u64,
    /// Epoch, from 0.
    pub epoch_index: u32,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Size of its file.
    pub size_bytes: u64,
    /// RFC 3339 UTC.
    pub created_at: String,
}

/// One metric's history, binned: `x` is the last step of each bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesView {
    /// Name of the metric.
    pub name: String,
    /// Unit, as in the engine's list.
    pub unit: String,
    /// What it means, one sentence.
    pub meaning: String,
    /// Points per bin.
    pub stride: u32,
    /// Environment step of the last point in each bin.
    pub x: Vec<f64>,
    /// Smallest defined value; absent where none is defined.
    pub min: Vec<Option<f64>>,
    /// Largest defined value.
    pub max: Vec<Option<f64>>,
    /// Last value.
    pub last: Vec<Option<f64>>,
    /// Points in the bin.
    pub n: Vec<u32>,
}

/// One raw metric point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PointView {
    /// Position in the session's series of all points, from 0.
    pub index: u64,
    /// Name of the metric.
    pub name: String,
    /// Environment step.
    pub step: u64,
    /// Value; absent where undefined.
    pub value: Option<f64>,
    /// When the node stored it, milliseconds since 1970 UTC.
    pub stored_ms: f64,
}

/// One line of a session's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogLineView {
    /// Counts from 1 within the session; gaps where old lines were dropped.
    pub seq: u64,
    /// RFC 3339 UTC.
    pub at: String,
    /// `error`, `warn`, `info` or `debug`.
    pub level: String,
    /// The text.
    pub text: String,
}

/// A node and what it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeView {
    /// Identifier.
    pub id: NodeId,
    /// `joining`, `ready`, `cordoned`, `draining`, `drained`, `left`.
    pub state: String,
    /// Why it is in its state; empty where nobody said.
    pub reason: String,
    /// Whether its lease is in force.
    pub up: bool,
    /// Since when its lease is over, RFC 3339 UTC; absent while it is up.
    pub down_since: Option<String>,
    /// `host:port` where its peers reach it; empty where it stands alone.
    pub address: String,
    /// URL of its gateway; empty where it did not say.
    pub gateway_url: String,
    /// Labels, for placement.
    pub labels: BTreeMap<String, String>,
    /// Roles, for placement.
    pub roles: Vec<String>,
    /// Version of its program.
    pub version: String,
    /// Starts counted.
    pub incarnation: u64,
    /// RFC 3339 UTC.
    pub started_at: String,
    /// Cores that may be reserved.
    pub cpu_capacity: u32,
    /// Cores reserved.
    pub cpu_reserved: u32,
    /// Cores in use, 0 to 1 of all cores.
    pub cpu_ratio: Option<f64>,
    /// MiB that may be reserved.
    pub memory_capacity_mib: u64,
    /// MiB reserved.
    pub memory_reserved_mib: u64,
    /// Bytes in use on the machine.
    pub memory_used_bytes: Option<f64>,
    /// GPUs that may be reserved.
    pub gpu_capacity: u32,
    /// GPUs reserved.
    pub gpu_reserved: u32,
    /// Sessions placed here that have not ended.
    pub session_count: u32,
    /// Free share of the data directory's file system, 0 to 1.
    pub disk_free_ratio: Option<f64>,
    /// Sample time, RFC 3339 UTC.
    pub sampled_at: Option<String>,
}

/// One actor in a node's tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActorView {
    /// The node it belongs to.
    pub node: NodeId,
    /// Name.
    pub name: String,
    /// Name of its supervisor; absent for the root.
    pub supervisor: Option<String>,
    /// `running`, `restarting`, `stopped`.
    pub state: String,
    /// Restarts since the node started.
    pub restart_count: u32,
    /// Last error.
    pub last_error: Option<String>,
    /// How long a question that was put into its mailbox just now waited for its answer, ms: the age of the oldest
    /// message there, and the time of one cheap answer. 1000 stands for longer; absent where it takes no questions.
    pub queue_age_ms: Option<u64>,
}

/// A user without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserView {
    /// Identifier.
    pub id: UserId,
    /// Login name.
    pub name: String,
    /// `viewer`, `ordinary`, `advanced`, `admin`, `operator`.
    pub role: String,
    /// The password was generated and should be changed.
    pub must_change_password: bool,
    /// RFC 3339 UTC.
    pub created_at: String,
}

/// What is wrong, in the terms clients rely on. The gateway adds status, title and trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemView {
    /// Stable code.
    pub code: ErrorCode,
    /// English sentence: wanted, found, next step.
    pub detail: String,
    /// Numbers and names for translations.
    #[serde(default)]
    pub params: BTreeMap<String, serde_json::Value>,
    /// Violations by field.
    #[serde(default)]
    pub errors: Vec<engine::config::Violation>,
}
