//! Who runs what, where, and what happens when it dies.
//!
//! ```text
//! Platform (handles) ──► directory ──► actor ──► pure core ──► store, control state, topics
//!                                        ▲
//!                    root supervisor ────┘  restarts within a budget, else the process ends
//! ```
//!
//! Read in this order: [`views`] (what the world is shown), [`messages`] (what can be asked), [`boot`] (how a node
//! starts and ends), `tree` (who supervises whom), then one folder per actor: a thin shell around pure functions.

pub mod boot;
pub mod clock;
pub mod directory;
pub mod error;
pub mod messages;
pub mod planning;
pub mod tree;
pub mod views;

mod collect;
mod data;
mod depot;
mod documents;
mod follow;
mod follower;
mod host;
mod identity;
mod inspect;
mod library;
mod logs;
mod metrics;
mod mirror;
mod nodes;
mod peers;
mod placement;
mod reports;
mod rules;
mod scheduler;
mod session;
mod tasks;
mod topics;
mod warden;
mod worker;

pub use boot::{
    ClusterConfig, Platform, PlatformConfig, Running, boot, init_cluster, join_cluster,
};
pub use clock::{Clock, ManualClock, SystemClock, rfc3339};
pub use collect::CollectTimes;
pub use data::columns::mappings;
pub use data::folder::{join_folder, pack_file};
pub use data::import::BYTES_MAX as SENT_BYTES_MAX;
pub use data::inspect::{assess_file, inspect_file};
pub use data::plan::{
    ADJUSTMENTS, CALENDARS, CLOCK_CHANGES, ImportPlan, Steps, clock_change, zone,
};
pub use data::quality::{QualityQuery, SplitText};
pub use directory::Directory;
pub use error::ActorsError;
pub use messages::data::{
    DataHandle, DatasetSnapshot, ImportRequest, ImportSource, InspectRequest,
};
pub use messages::identity::{
    Credentials, IdentityHandle, NewUser, ROLES, Rotation, Signature, TokenHash,
};
pub use messages::inspect::InspectHandle;
pub use messages::library::{LibraryHandle, ListStrategies, NewStrategy, StrategyEdit};
pub use messages::logs::LogsHandle;
pub use messages::metrics::{BINS_MAX, HistoryQuery, MetricsHandle};
pub use messages::nodes::{NodeVerb, NodesHandle, Standing};
pub use messages::reports::ReportsHandle;
pub use messages::scheduler::{QuotaLimits, QuotaScope, SchedulerHandle};
pub use messages::sessions::{ListSessions, ListTrials, NewSession, SessionsHandle, Wishes};
pub use messages::topics::{
    SeriesPatch, Since, Start, Subscription, TopicClass, TopicUpdate, TopicsHandle, TopicsStatus,
    Updates,
};
pub use messages::{Command, CommandId};
pub use nodes::{Gpu, Gpus, machine_memory_mib};
pub use session::RetryPolicy;
pub use worker::{WorkerProgram, WorkerTimes};
