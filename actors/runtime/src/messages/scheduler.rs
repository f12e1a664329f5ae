//! The scheduler: who goes next, and why the others wait; what is left to reserve; what users and teams may have.

use engine::ids::{NodeId, SessionId};
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;
use serde::{Deserialize, Serialize};

use super::{Command, ask};
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::views::{CapacityView, QuotaView, WhyView};

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "scheduler";

/// Whose quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaScope {
    /// A user's.
    User,
    /// A team's.
    Team,
}

impl QuotaScope {
    /// Returns the word in identifiers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Team => "team",
        }
    }
}

/// What a user or team may have at once; absent is without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuotaLimits {
    /// Placed sessions.
    pub sessions_max: Option<u32>,
    /// Cores.
    pub cpu_max: Option<u32>,
    /// MiB of memory.
    pub memory_mib_max: Option<u32>,
    /// GPUs.
    pub gpus_max: Option<u32>,
    /// Share at equal priority; 0 counts as 1.
    pub weight: u32,
}

type Reply<T> = RpcReplyPort<Result<T, ActorsError>>;

/// Everything the scheduler can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum SchedulerMsg {
    /// Control state moved on, or it is time to look again.
    Look,
    /// Why does a session wait, or where is it?
    Why { session: SessionId, reply: Reply<WhyView> },
    /// What may still be reserved.
    Capacity { reply: Reply<CapacityView> },
    /// Every quota.
    Quotas { reply: Reply<Vec<QuotaView>> },
    /// Writes a quota; revision 0 makes a new one.
    PutQuota {
        command: Command,
        scope: QuotaScope,
        name: String,
        revision: u64,
        limits: QuotaLimits,
        reply: Reply<QuotaView>,
    },
    /// Removes a quota.
    RemoveQuota {
        command: Command,
        scope: QuotaScope,
        name: String,
        revision: u64,
        reply: Reply<()>,
    },
    /// Moves a session to another node; to any other where none is named.
    Move { command: Command, session: SessionId, to: Option<NodeId>, reply: Reply<()> },
}

/// The door to the scheduler.
#[derive(Debug, Clone)]
pub struct SchedulerHandle {
    directory: Directory,
}

impl SchedulerHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// Returns why a session waits, or where it is and since when.
    ///
    /// # Errors
    /// Refuses when there is no session of that id.
    pub async fn why(&self, session: SessionId) -> Result<WhyView, ActorsError> {
        ask(&self.directory, NAME, |reply| SchedulerMsg::Why { session, reply }).await
    }

    /// Returns what may still be reserved.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn capacity(&self) -> Result<CapacityView, ActorsError> {
        ask(&self.directory, NAME, |reply| SchedulerMsg::Capacity { reply }).await
    }

    /// Returns every quota by id.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn quotas(&self) -> Result<Vec<QuotaView>, ActorsError> {
        ask(&self.directory, NAME, |reply| SchedulerMsg::Quotas { reply }).await
    }

    /// Writes a quota; `revision` 0 makes a new one.
    ///
    /// # Errors
    /// Refuses a stale revision.
    pub async fn put_quota(
        &self,
        command: Command,
        (scope, name): (QuotaScope, String),
        revision: u64,
        limits: QuotaLimits,
    ) -> Result<QuotaView, ActorsError> {
        ask(&self.directory, NAME, |reply| SchedulerMsg::PutQuota {
            command,
            scope,
            name,
            revision,
            limits,
            reply,
        })
        .await
    }

    /// Removes a quota: its user or team falls back on the default.
    ///
    /// # Errors
    /// Refuses a stale revision and one that is not there.
    pub async fn remove_quota(
        &self,
        command: Command,
        (scope, name): (QuotaScope, String),
        revision: u64,
    ) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| SchedulerMsg::RemoveQuota {
            command,
            scope,
            name,
            revision,
            reply,
        })
        .await
    }

    /// Moves a session to another node: its holder writes a checkpoint and gives it up, then it starts there.
    ///
    /// # Errors
    /// Refuses a session that is on no node or has ended, and a node that is unknown or takes no sessions.
    pub async fn relocate(
        &self,
        command: Command,
        session: SessionId,
        to: Option<NodeId>,
    ) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| SchedulerMsg::Move { command, session, to, reply }).await
    }
}
