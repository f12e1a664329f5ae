//! What a node tells its worker and what the worker answers.
//!
//! Carried over a Unix socket as length-prefixed frames (see `framing`), each a bincode envelope made by package
//! `store`. Variants are only ever appended. Configuration crosses as JSON bytes (`Start::spec`), because tagged
//! enums need a self-describing format.

use serde::{Deserialize, Serialize};

use crate::config::{ResourcesConfig, SessionConfig, StrategyConfig};
use crate::evaluation::seal::SealMark;
use crate::ids::{Epoch, SessionId};

/// Oldest protocol this build speaks.
pub const PROTOCOL_MIN: u16 = 1;
/// Newest protocol this build speaks. 2 brought [`WorkerEvent::Confined`].
pub const PROTOCOL_MAX: u16 = 2;
/// Environment variable with what a worker imposes upon itself as its first act: [`WorkerLimits`] as JSON. A node that
/// speaks protocol 1 does not set it, and its worker then runs as it was started and tells nothing of limits.
pub const LIMITS_VARIABLE: &str = "TM_WORKER_LIMITS";
/// Largest frame in either direction, in bytes.
pub const FRAME_BYTES_MAX: usize = 8 << 20;
/// Exit code of a worker that did its work.
pub const EXIT_DONE: i32 = 0;
/// Exit code: the spec is bad; never restarted.
pub const EXIT_BAD_SPEC: i32 = 64;
/// Exit code: the protocol was broken; never restarted.
pub const EXIT_PROTOCOL: i32 = 65;
/// Exit code: we are wrong.
pub const EXIT_INTERNAL: i32 = 70;
/// Exit code: the device is lost.
pub const EXIT_DEVICE: i32 = 71;
/// Exit code: out of memory.
pub const EXIT_MEMORY: i32 = 72;
/// Exit code: a checkpoint could not be written or read.
pub const EXIT_CHECKPOINT: i32 = 73;
/// Exit code: stopped on request.
pub const EXIT_STOPPED: i32 = 75;
/// Exit code: the lease ran out.
pub const EXIT_LEASE: i32 = 76;

/// Node → worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WorkerCommand {
    /// The first frame: what to do.
    Start {
        /// Whose work this is.
        session: SessionId,
        /// Which assignment of it.
        epoch: Epoch,
        /// A [`WorkerSpec`] as JSON.
        spec: Vec<u8>,
    },
    /// The worker may go on until then (boot-time clock, milliseconds). Sent every 2 s.
    Lease {
        /// Boot-time clock, milliseconds.
        until_ms: u64,
    },
    /// Stop between two iterations and wait.
    Pause,
    /// Go on.
    Resume,
    /// Write a checkpoint now.
    Checkpoint,
    /// End in good order: write a checkpoint, answer `Done`.
    Stop {
        /// Time to do so, in milliseconds; then the process is killed.
        deadline_ms: u64,
    },
    /// Are you there?
    Ping {
        /// Returned in `Pong`.
        nonce: u64,
    },
}

/// Worker → node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WorkerEvent {
    /// The first frame, before `Start` is read.
    Hello {
        /// Oldest protocol spoken.
        proto_min: u16,
        /// Newest protocol spoken.
        proto_max: u16,
        /// Version of this build.
        build: String,
        /// Version of libtorch.
        libtorch: String,
        /// Devices seen.
        devices: Vec<String>,
    },
    /// Inputs are read and checked; the loop begins.
    Ready,
    /// At least twice a second while running.
    Progress(Progress),
    /// Metric points in order; a point is never sent twice by one process.
    Metrics(Vec<MetricPoint>),
    /// A line for the session's log.
    Log {
        /// `error`, `warn`, `info` or `debug`.
        level: String,
        /// The text, one line.
        text: String,
    },
    /// A checkpoint is durable in the session's directory.
    CheckpointWritten(CheckpointWritten),
    /// The loop stands still after `Pause`.
    Paused,
    /// The loop moves again after `Resume`.
    Resumed,
    /// Something went wrong; the process ends afterwards.
    Fault {
        /// Stable word: `bad_spec`, `data`, `checkpoint`, `memory`, `device`, `diverged`, `protocol`, `lease`,
        /// `internal`.
        kind: String,
        /// What happened and what to do.
        text: String,
        /// Whether a restart from the last checkpoint can help.
        restartable: bool,
    },
    /// The work is done; the process exits with 0 (or 75 when it was stopped).
    Done(WorkerResult),
    /// Answer to `Ping`.
    Pong {
        /// The nonce of the ping.
        nonce: u64,
    },
    /// Follows `Hello` (protocol 2): what the worker imposed upon itself, and what it could not.
    Confined {
        /// One entry for each limit.
        limits: Vec<WorkerLimit>,
    },
}

/// How far a worker is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Environment steps done since the session's first start.
    pub step: u64,
    /// Environment steps in all, as far as known.
    pub step_count: u64,
    /// Epoch being worked on, from 0.
    pub epoch_index: u32,
    /// Epochs in all.
    pub epoch_count: u32,
    /// `collect`, `evaluate`, `backtest`, `checkpoint` or `paused`.
    pub phase: String,
    /// Environment steps per second over the last second.
    pub steps_per_second: f64,
}

/// One value of one series. Carries no time: equal runs give equal points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    /// A name of `metrics::MetricName`.
    pub name: String,
    /// Environment steps done.
    pub step: u64,
    /// The value; absent where undefined.
    pub value: Option<f64>,
}

/// A checkpoint as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointWritten {
    /// Environment steps done.
    pub step: u64,
    /// Epoch, from 0.
    pub epoch_index: u32,
    /// Metric points emitted up to this state since the session's first start: what comes after it is repeated by a
    /// worker that resumes here, and dropped by the node up to this count.
    pub metric_count: u64,
    /// File name within the session's directory; one file holds everything.
    pub file: String,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// Size of the file.
    pub size_bytes: u64,
}

/// What a session produced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WorkerResult {
    /// A training session.
    Training {
        /// Safetensors file of the best model within the session's directory.
        model_file: String,
        /// SHA-256 of that file, lower-case hexadecimal.
        model_sha256: String,
        /// Epoch of the best model, from 0.
        best_epoch_index: u32,
        /// Its score on the validation segment (total return).
        best_score: Option<f64>,
        /// Whether it was stopped before its last epoch.
        stopped: bool,
    },
    /// A report as JSON in a file of the session's directory: `evaluation::report::BacktestReport` of a back-test,
    /// `session::labelling::LabellingReport` of a labelling, `session::evaluation::EvaluationReport` of an evaluation.
    Report {
        /// File name within the session's directory.
        report_file: String,
        /// SHA-256 of that file, lower-case hexadecimal.
        report_sha256: String,
    },
}

/// Everything a worker needs to know. Crosses as JSON inside `Start`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerSpec {
    /// The strategy's version, whole; absent where the session needs none.
    pub strategy: Option<StrategyConfig>,
    /// What to do.
    pub session: SessionConfig,
    /// What may be used.
    pub resources: ResourcesConfig,
    /// The data snapshot.
    pub dataset: InputFile,
    /// Name of the data set, for reports.
    pub dataset_name: String,
    /// Whether the data is synthetic; reports say so.
    pub synthetic: bool,
    /// The session's own directory: checkpoints, models and reports are written here and nowhere else.
    pub work_dir: String,
    /// Resume from this file of the session's directory.
    pub checkpoint: Option<InputFile>,
    /// A trained model for a back-test.
    pub model: Option<InputFile>,
    /// Trained models for an evaluation, each of a seed of its own.
    #[serde(default)]
    pub models: Vec<InputFile>,
    /// Reports of earlier back-tests of the strategy over the same data: what an evaluation counts as trials.
    #[serde(default)]
    pub trials: Vec<InputFile>,
    /// Earlier trials whose reports are lost; they count, too.
    #[serde(default)]
    pub trials_lost: u32,
    /// What the report says about sealed rows. How many there are stands in the strategy.
    #[serde(default, skip_serializing_if = "SealMark::is_none")]
    pub seal: SealMark,
}

/// A file and what it must hash to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Absolute path.
    pub path: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// What a worker imposes upon itself before it starts a thread or reads an input. Crosses as JSON in
/// [`LIMITS_VARIABLE`]; unknown fields are ignored, absent ones mean that nothing is imposed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkerLimits {
    /// Newest protocol that the node speaks.
    pub protocol: u16,
    /// Added to the process's niceness, 0 to 19.
    pub niceness: i32,
    /// The only cores to run on, by index; empty: as started.
    pub cores: Vec<u32>,
    /// Open files at most.
    pub open_files: Option<u64>,
    /// Processes and threads at most.
    pub processes: Option<u64>,
    /// How gladly the kernel ends this process when the machine's memory is exhausted, 0 to 1000.
    pub oom_score: Option<i32>,
    /// Hides every file but `read` and `write` (and the system's libraries), and the network.
    pub confine: bool,
    /// Files and directories that may be read.
    pub read: Vec<String>,
    /// Directories that may be read and written.
    pub write: Vec<String>,
    /// GPUs that may be used; their device files stay visible.
    pub gpus: u32,
}

/// One limit of a worker: what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerLimit {
    /// Stable word: `niceness`, `cores`, `open_files`, `processes`, `core_dumps`, `oom_score`, `privileges`,
    /// `capabilities`, `files`, `tcp`, `signals`, `network`.
    pub name: String,
    /// Whether it holds.
    pub applied: bool,
    /// What holds, or why it does not.
    pub detail: String,
}
