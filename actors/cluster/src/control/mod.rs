//! The control plane's door: propose a change, read the state, follow along.
//!
//! ```text
//! ControlHandle ─propose→ Driver ─entry→ log (durable) ─apply→ ControlState ─answer→ caller
//!                 │                                              └effects→ followers
//!                 ├ LocalDriver: one voter, this disk.
//!                 └ RaftDriver: several voters. It stores entries in the same `store::raft_log` and feeds committed
//!                   ones to the same [`Machine`].
//! ```
//!
//! Once a proposal was answered it is not forgotten. An unknown outcome is asked again with the same key.

pub mod apply;
pub mod command;
mod local;
mod machine;
mod network;
mod proposer;
pub mod raft;
pub mod refusal;
pub mod state;
pub mod storage;
mod v1;
mod v2;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{broadcast, watch};

pub use apply::Effect;
pub use command::{
    CommandId, ControlCommand, DesiredState, DocumentChange, DocumentKey, Expected, NewSession,
    Proposed, SessionClass, SessionKey,
};
pub use local::{Clock, LocalConfig, LocalDriver};
pub use machine::{Changes, Machine};
pub use raft::{MemberView, RaftAdmin, RaftDriver, RaftSettings, RaftTiming, RaftView, Role};
pub use refusal::{CommandOutput, CommandResult, Dimension, Refusal};
pub use state::ControlState;

pub use crate::error::ControlError;

/// An answered proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Index of the entry that carried the command.
    pub index: u64,
    /// What the command said.
    pub result: CommandResult,
}

/// What a driver's proposal resolves to.
pub type Proposal = Pin<Box<dyn Future<Output = Result<Applied, ControlError>> + Send>>;

/// What a driver's check that its state is current resolves to.
pub type Barrier = Pin<Box<dyn Future<Output = Result<u64, ControlError>> + Send>>;

/// Who leads, as far as this node knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leadership {
    /// Name of the leader; absent while nobody is known to lead.
    pub leader: Option<String>,
    /// Whether this node leads.
    pub here: bool,
    /// The term; grows with every election.
    pub term: u64,
}

/// Makes entries durable and applies them in order: the only part that a cluster replaces.
///
/// Promises: an answer is given only after its entry is durable and applied; every durable entry is applied exactly
/// once, in order; at most a stated number of proposals wait.
pub trait Driver: Send + Sync + 'static {
    /// Proposes a command. The proposal is on its way when this returns; the future only waits for the answer.
    fn propose(&self, proposed: Proposed) -> Proposal;

    /// Resolves with the reason when the driver cannot go on; the process should then end.
    fn failed(&self) -> watch::Receiver<Option<String>>;

    /// Follows who leads. Alone, a node always leads itself.
    fn leadership(&self) -> watch::Receiver<Leadership>;

    /// Resolves with an applied index that contains everything answered anywhere before this call.
    fn barrier(&self) -> Barrier;
}

/// Everything the rest of the program needs of the control plane. Cheap to clone.
#[derive(Clone)]
pub struct ControlHandle {
    driver: Arc<dyn Driver>,
    machine: Arc<Machine>,
}

impl ControlHandle {
    /// Joins a driver with the machine it feeds.
    #[must_use]
    pub fn new(driver: Arc<dyn Driver>, machine: Arc<Machine>) -> Self {
        Self { driver, machine }
    }

    /// Returns a handle on the same state whose proposals go through another driver, for example one that fails them.
    #[must_use]
    pub fn through(&self, driver: Arc<dyn Driver>) -> Self {
        Self { driver, machine: Arc::clone(&self.machine) }
    }

    /// Proposes a command and waits until it is durable and applied. Repeating a key gives the first answer.
    ///
    /// # Errors
    /// [`ControlError::Overloaded`] and [`ControlError::TooLarge`]: nothing was written. [`ControlError::Unknown`]:
    /// ask again with the same key. A refusal is not an error here but part of [`Applied`].
    pub async fn propose(
        &self,
        key: CommandId,
        command: ControlCommand,
    ) -> Result<Applied, ControlError> {
        self.driver.propose(Proposed { key, command }).await
    }

    /// As [`Self::propose`], with a refusal as an error.
    ///
    /// # Errors
    /// As [`Self::propose`], and [`ControlError::Refused`].
    pub async fn execute(
        &self,
        key: CommandId,
        command: ControlCommand,
    ) -> Result<CommandOutput, ControlError> {
        Ok(self.propose(key, command).await?.result?)
    }

    /// Follows who leads.
    #[must_use]
    pub fn leadership(&self) -> watch::Receiver<Leadership> {
        self.driver.leadership()
    }

    /// Waits until this node's state contains everything that was answered anywhere before this call, and returns
    /// the applied index: a read after it is linearizable.
    ///
    /// # Errors
    /// [`ControlError::NoLeader`] when no majority is reached.
    pub async fn barrier(&self) -> Result<u64, ControlError> {
        self.driver.barrier().await
    }

    /// Reads the state as applied on this node. The closure must be short: it holds off the next entry.
    pub fn read<R>(&self, question: impl FnOnce(&ControlState) -> R) -> R {
        self.machine.read(question)
    }

    /// Follows the index of the last applied entry.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.machine.watch()
    }

    /// Follows what changes; a receiver that lags reads the state again.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Arc<Changes>> {
        self.machine.changes()
    }

    /// Holds the reason once the driver cannot go on; the process should then end.
    #[must_use]
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.driver.failed()
    }
}
