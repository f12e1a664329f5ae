//! What the planner is shown and the rules it keeps: plain data, made from control state and load reports by the
//! shell. Nothing here knows where it came from, so that a test can draw any cluster.

use std::collections::{BTreeMap, BTreeSet};

use engine::ids::{NodeId, SessionId};

use crate::placement::amounts::{Amounts, Dimension};

/// Everything a plan depends on, but the time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// Whether this node may speak for a majority. Without one nothing is placed.
    pub majority: bool,
    /// All nodes that are members, whatever their state. Names are unique.
    pub nodes: Vec<NodePicture>,
    /// All sessions that wait or are placed. Identifiers are unique.
    pub sessions: Vec<SessionPicture>,
    /// What users and teams may have.
    pub quotas: Quotas,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePicture {
    /// Its name.
    pub name: NodeId,
    /// What it has.
    pub capacity: Amounts,
    /// What stays unpromised, for the machine itself.
    pub reserve: Amounts,
    /// Whether new sessions may go there: ready, neither cordoned nor draining.
    pub open: bool,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// Roles, for example `trade`.
    pub roles: BTreeSet<String>,
    /// Until when (milliseconds) it is left out for sessions that need a dimension it refused for lack of it.
    pub excluded_until: BTreeMap<Dimension, u64>,
}

/// A session that waits or is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPicture {
    /// Which.
    pub id: SessionId,
    /// Its class.
    pub class: Class,
    /// Higher goes first within a class; beyond ±499 it counts as ±499.
    pub priority: i32,
    /// Whose it is.
    pub owner: String,
    /// The owner's team.
    pub team: Option<String>,
    /// What it reserves.
    pub need: Amounts,
    /// What a node must have.
    pub requires: Requires,
    /// The gang it starts with.
    pub gang: Option<Gang>,
    /// Whether it may be told to write a checkpoint and leave. Live sessions, their guards and members of gangs never
    /// are, whatever stands here.
    pub preemptible: bool,
    /// Where it is. It takes its room until this is cleared, `evicting` or not.
    pub placed: Option<Placed>,
    /// Whether it was already told to leave.
    pub evicting: bool,
    /// Since when it waits, milliseconds. Waits add up: a session that comes back after a preemption begins at the
    /// time it came back minus what it had waited before. Of a placed one: unchanged since it waited.
    pub waiting_since_ms: u64,
    /// Not before this time, milliseconds: the back-off after a failure.
    pub not_before_ms: Option<u64>,
    /// Order of submission.
    pub order: u64,
    /// Never on these nodes.
    pub avoid: BTreeSet<NodeId>,
    /// Only on this node: a move that was asked for.
    pub target: Option<NodeId>,
    /// Nodes that have its data snapshot or checkpoint.
    pub data_on: BTreeSet<NodeId>,
}

impl SessionPicture {
    /// Returns whether it waits for a node.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.placed.is_none()
    }
}

/// Where a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// On which node. One that is not in the picture counts for quotas only.
    pub node: NodeId,
    /// Since when, milliseconds.
    pub since_ms: u64,
}

/// Classes, the lowest first. A higher class goes first and may displace a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Short work that can be repeated: back-tests, evaluations, labelling.
    Backtest,
    /// Training, which goes on from a checkpoint.
    Training,
    /// Trading on paper.
    Paper,
    /// What watches over live trading. Never displaced.
    Guard,
    /// Trading for money. Never displaced, never moved.
    Live,
}

impl Class {
    /// Returns whether it ends by itself. Room taken by others is not waited for.
    #[must_use]
    pub const fn ends(self) -> bool {
        matches!(self, Self::Backtest | Self::Training)
    }

    /// Returns whether it is live trading or watches over it.
    #[must_use]
    pub const fn trades(self) -> bool {
        matches!(self, Self::Live | Self::Guard)
    }
}

/// What a session asks of a node beside room.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requires {
    /// Labels with these values.
    pub labels: BTreeMap<String, String>,
    /// This role.
    pub role: Option<String>,
    /// This node.
    pub node: Option<NodeId>,
}

/// Sessions that start together or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gang {
    /// Which gang.
    pub id: u128,
    /// How many they are. Members already placed count.
    pub size: u32,
}

/// What users and teams may have at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quotas {
    /// By owner.
    pub users: BTreeMap<String, Quota>,
    /// By team.
    pub teams: BTreeMap<String, Quota>,
    /// Of users without one.
    pub user_default: Quota,
    /// Of teams without one.
    pub team_default: Quota,
}

/// What one user or team may have at once; `None` is without limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// By dimension.
    pub max: BTreeMap<Dimension, u64>,
    /// Placed sessions.
    pub sessions_max: Option<u32>,
    /// Share at equal priority: twice the weight, twice the share. 0 counts as 1.
    pub weight: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { max: BTreeMap::new(), sessions_max: None, weight: 1 }
    }
}

/// What the planner keeps to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// A session that waited so long is next, before all priorities but live trading. Each quarter of it counts as
    /// one class.
    pub starving_after_ms: u64,
    /// For how many, from the head of the queue, room is held back.
    pub holds_max: usize,
    /// How many may be on their way out at once.
    pub evicting_max: usize,
    /// Moves for balance in a minute.
    pub moves_per_minute: usize,
    /// A session runs at least so long before it is moved for balance.
    pub move_after_ms: u64,
    /// Fullness of two nodes, in thousandths, must differ by more than this before a session is moved.
    pub move_gap: u32,
    /// Limits of the queue.
    pub queue: QueueRules,
}

/// How many sessions may wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRules {
    /// In all.
    pub total_max: u32,
    /// Of one user.
    pub user_max: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            starving_after_ms: 4 * 3_600_000,
            holds_max: 64,
            evicting_max: 64,
            moves_per_minute: 4,
            move_after_ms: 10 * 60_000,
            move_gap: 250,
            queue: QueueRules { total_max: 10_000, user_max: 4_096 },
        }
    }
}
