//! Leases: who may act, until when, and how everybody knows.
//!
//! ```text
//! every node                                   leader
//! keeper ──"lease/renew", every 2 s──────────► service ─► one quorum round for all that wait (≤ 10 per s)
//!   │  ◄──granted: term, applied, reports───────┤
//!   ▼                                           ▼
//! rules (holder, pure): act until 7 s           book (pure): granted when, given up after 15 s
//! after the *send* of what was granted
//! ```
//!
//! Two promises make one: the holder stops by its own clock before the leader may give its work to another, and after
//! a gap it looks at the agreed state before it goes on. `tests/lease_model.rs` checks both exhaustively, and that each
//! rule here is needed.
//!
//! Modules in reading order: [`times`], [`rules`], [`messages`], [`book`], [`pace`], [`keeper`], [`service`],
//! [`ctl`].

pub mod book;
pub mod ctl;
pub mod keeper;
pub mod messages;
pub mod pace;
pub mod rules;
pub mod service;
pub mod times;

use std::sync::Arc;

pub use ctl::CtlCaller;
pub use keeper::{CallError, Caller, Keeper, KeeperSettings, LeaseGate, LeaseState, Targets};
pub use messages::{NodeReport, RenewAnswer, RenewRefusal, Renewal};
pub use service::{LeaseService, ServiceSettings};
pub use times::{LeaseTimes, LeaseTimesError};

/// The method that renews a lease.
pub const METHOD_RENEW: &str = "lease/renew";
/// Largest load report in bytes.
pub const REPORT_BYTES_MAX: usize = 4 << 10;

/// Returns milliseconds of a clock that also runs while the machine sleeps; its zero means nothing.
pub type BootClock = Arc<dyn Fn() -> u64 + Send + Sync>;
