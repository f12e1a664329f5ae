//! Supervision: children are restarted with back-off, a spent budget fails upwards.
//!
//! ractor knows no restart policy, and its default handler stops the parent when any child ends. A [`Supervisor`]
//! starts its children in order from [`ChildSpec`]s, restarts what fails (a new address: callers ask a directory,
//! which the spec's start closure or the [`Observer`] updates), and returns an error from its own handler when a
//! budget is spent, so that its parent sees a failure. Supervisors nest: a start closure may spawn one.

mod actor;
mod budget;
mod children;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use ractor::{ActorCell, ActorProcessingErr, RpcReplyPort};
use ractor_cluster_derive::RactorMessage;

pub use actor::Supervisor;
pub use budget::{Backoff, Budget, RestartLimit, Verdict};

/// What a child's end means to its supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartPolicy {
    /// A failure restarts it within the budget; an orderly stop stays stopped.
    Restart,
    /// Whatever its end, it stays ended; for work that finishes.
    Stop,
    /// Its failure is its supervisor's failure at once.
    Escalate,
}

/// What happens to the siblings when a child is restarted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Nothing.
    #[default]
    OneForOne,
    /// Those that were started after it are stopped and started again in order.
    RestForOne,
}

/// What starting a child answers.
pub type Started = Pin<Box<dyn Future<Output = Result<ActorCell, ActorProcessingErr>> + Send>>;

/// Starts a child linked to the given supervisor and makes it known in the directory.
pub type StartChild = Arc<dyn Fn(ActorCell) -> Started + Send + Sync>;

/// A child described: enough to start it any number of times.
#[derive(Clone)]
pub struct ChildSpec {
    /// Unique among its siblings; shown in the actor tree.
    pub name: String,
    /// What its end means.
    pub policy: RestartPolicy,
    /// How often it may be restarted.
    pub limit: RestartLimit,
    /// How long to wait before a restart.
    pub backoff: Backoff,
    /// Starts it; must use `Actor::spawn_linked` with the given cell.
    pub start: StartChild,
}

impl ChildSpec {
    /// Describes a child with the usual budget and back-off.
    ///
    /// `start` spawns the actor linked to the cell it is given and returns the new actor's cell:
    ///
    /// ```text
    /// ChildSpec::new("metrics", RestartPolicy::Restart, move |supervisor| {
    ///     let directory = directory.clone();
    ///     async move {
    ///         let (actor, _) = Actor::spawn_linked(None, Metrics, (), supervisor).await?;
    ///         directory.set_metrics(actor.clone());
    ///         Ok(actor.get_cell())
    ///     }
    /// })
    /// ```
    #[must_use]
    pub fn new<S, F>(name: impl Into<String>, policy: RestartPolicy, start: S) -> Self
    where
        S: Fn(ActorCell) -> F + Send + Sync + 'static,
        F: Future<Output = Result<ActorCell, ActorProcessingErr>> + Send + 'static,
    {
        let name = name.into();
        let seed = name
            .bytes()
            .fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Self {
            name,
            policy,
            limit: RestartLimit::default(),
            backoff: Backoff { seed, ..Backoff::default() },
            start: Arc::new(move |supervisor| Box::pin(start(supervisor))),
        }
    }
}

impl std::fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Told of every start and end of a child; keeps a directory current. Must not block.
pub trait Observer: Send + Sync + 'static {
    /// A child has a new address.
    fn started(&self, supervisor: &str, child: &str, cell: &ActorCell);
    /// A child has no address any more.
    fn ended(&self, supervisor: &str, child: &str, reason: &str);
}

/// An observer that does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn started(&self, _supervisor: &str, _child: &str, _cell: &ActorCell) {}
    fn ended(&self, _supervisor: &str, _child: &str, _reason: &str) {}
}

/// What a supervisor is made of.
#[derive(Clone)]
pub struct SupervisorSpec {
    /// Shown in the actor tree.
    pub name: String,
    /// What happens to siblings.
    pub strategy: Strategy,
    /// Started in order.
    pub children: Vec<ChildSpec>,
    /// Told of starts and ends.
    pub observer: Arc<dyn Observer>,
}

impl SupervisorSpec {
    /// Describes a one-for-one supervisor without an observer.
    #[must_use]
    pub fn new(name: impl Into<String>, children: Vec<ChildSpec>) -> Self {
        Self {
            name: name.into(),
            strategy: Strategy::OneForOne,
            children,
            observer: Arc::new(Unobserved),
        }
    }
}

/// Everything a supervisor can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub enum SupervisorMsg {
    /// Starts one more child; refused when one of that name runs.
    StartChild {
        /// The child.
        spec: ChildSpec,
        /// Its cell, or why it could not be started.
        reply: RpcReplyPort<Result<ActorCell, SupervisionError>>,
    },
    /// Stops a child in good order and forgets it; harmless when there is none.
    StopChild {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The supervisor's and its children's state.
    GetStatus {
        /// The answer.
        reply: RpcReplyPort<SupervisorStatus>,
    },
    /// The wait before a restart is over; sent by the supervisor to itself.
    RestartDue {
        /// The child.
        name: String,
        /// Which wait; an older one is ignored.
        generation: u64,
    },
}

/// A child could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SupervisionError {
    /// A child of that name runs already.
    #[error("child {name} runs already under {supervisor}")]
    NameTaken {
        /// The supervisor.
        supervisor: String,
        /// The name.
        name: String,
    },
    /// It failed while starting.
    #[error("child {name} could not be started: {reason}")]
    StartFailed {
        /// The name.
        name: String,
        /// What it said.
        reason: String,
    },
}

/// Where a child is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildState {
    /// Runs.
    Running,
    /// Waits for its restart.
    Restarting,
    /// Ended and stays so.
    Stopped,
}

/// A child as the actor tree shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildStatus {
    /// Its name.
    pub name: String,
    /// Where it is in its life.
    pub state: ChildState,
    /// Restarts since its supervisor started.
    pub restart_count: u32,
    /// What it last failed with.
    pub last_error: Option<String>,
}

/// A supervisor as the actor tree shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisorStatus {
    /// Its name.
    pub name: String,
    /// Its children in the order of their start.
    pub children: Vec<ChildStatus>,
}
