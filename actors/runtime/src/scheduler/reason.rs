//! Why a session waits, and why one was told to leave: a code with parameters for the web UI, a sentence for people.

use std::fmt;

use engine::ids::{NodeId, SessionId};

use crate::placement::amounts::{Dimension, plural};

/// Whose quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A user's.
    User,
    /// A team's.
    Team,
}

impl Scope {
    /// Returns the word that the web UI translates.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Team => "team",
        }
    }
}

/// Why a session waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The node that comes closest lacks this.
    Missing {
        /// The first thing it lacks.
        dimension: Dimension,
        /// How much of it.
        missing: u64,
        /// Which node.
        node: NodeId,
    },
    /// Others leave this node to make room.
    MakingRoom {
        /// Where it will start.
        node: NodeId,
    },
    /// There is room, but it is held back for those that go first.
    Behind {
        /// How many go first.
        ahead: u32,
    },
    /// The owner or team has as much as it may have.
    Quota {
        /// Whose quota.
        scope: Scope,
        /// Of which user or team.
        name: String,
        /// Of what; `None` counts sessions.
        dimension: Option<Dimension>,
        /// What it may have.
        limit: u64,
        /// What it has, with what is promised to its sessions that go first.
        used: u64,
        /// What this session (or its gang) would add.
        wanted: u64,
    },
    /// Not all members of the gang were submitted yet.
    GangIncomplete {
        /// How many are there.
        present: u32,
        /// How many it takes.
        size: u32,
    },
    /// Only some members of the gang would fit now.
    GangPartly {
        /// How many would.
        fitting: u32,
        /// How many must.
        size: u32,
    },
    /// The gang would not fit at once into the empty cluster.
    GangTooLarge {
        /// How many would fit.
        fitting: u32,
        /// How many must.
        size: u32,
    },
    /// There is no node at all.
    NoNode,
    /// No node has the label.
    NoLabel {
        /// Name of the label.
        label: String,
        /// Wanted value.
        value: String,
    },
    /// No node has the role.
    NoRole {
        /// Which.
        role: String,
    },
    /// The one node it may go to does not exist.
    UnknownNode {
        /// Which.
        node: NodeId,
    },
    /// There are nodes with each label and the role, but none with all of them.
    NoMatch,
    /// All nodes that could take it are closed to new sessions: cordoned, draining or down.
    Closed {
        /// How many.
        nodes: u32,
    },
    /// It keeps away from all nodes that could take it.
    Avoided {
        /// How many.
        nodes: u32,
    },
    /// No node is large enough even when empty.
    TooLarge {
        /// What there is too little of.
        dimension: Dimension,
        /// How much it asks for.
        wanted: u64,
        /// The most a node has.
        largest: u64,
    },
    /// It failed and pauses, or the nodes that could take it refused lately.
    BackOff {
        /// For how long yet, milliseconds.
        left_ms: u64,
        /// The node that refused; `None`: the session itself pauses.
        node: Option<NodeId>,
    },
    /// The cluster has no majority: nothing is placed.
    NoMajority,
}

impl Reason {
    /// Returns the key of the sentence in the dictionaries of the web UI.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::MakingRoom { .. } => "making_room",
            Self::Behind { .. } => "behind",
            Self::Quota { dimension: Some(_), .. } => "quota",
            Self::Quota { dimension: None, .. } => "quota_sessions",
            Self::GangIncomplete { .. } => "gang_incomplete",
            Self::GangPartly { .. } => "gang_partly",
            Self::GangTooLarge { .. } => "gang_too_large",
            Self::NoNode => "no_node",
            Self::NoLabel { .. } => "no_label",
            Self::NoRole { .. } => "no_role",
            Self::UnknownNode { .. } => "unknown_node",
            Self::NoMatch => "no_match",
            Self::Closed { .. } => "closed",
            Self::Avoided { .. } => "avoided",
            Self::TooLarge { .. } => "too_large",
            Self::BackOff { node: Some(_), .. } => "back_off_node",
            Self::BackOff { node: None, .. } => "back_off",
            Self::NoMajority => "no_majority",
        }
    }

    /// Returns what the sentence speaks of, by name. Amounts are numbers in the unit of their dimension (thousandths
    /// of a core, MiB, GPUs), times are milliseconds.
    #[must_use]
    pub fn params(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Missing { dimension, missing, node } => vec![
                ("dimension", dimension.to_string()),
                ("missing", missing.to_string()),
                ("node", node.to_string()),
            ],
            Self::MakingRoom { node } | Self::UnknownNode { node } => {
                vec![("node", node.to_string())]
            }
            Self::Behind { ahead } => vec![("ahead", ahead.to_string())],
            Self::Quota { scope, name, dimension, limit, used, wanted } => {
                let mut params = vec![
                    ("scope", scope.code().to_owned()),
                    ("name", name.clone()),
                    ("limit", limit.to_string()),
                    ("used", used.to_string()),
                    ("wanted", wanted.to_string()),
                ];
                params.extend(dimension.map(|dimension| ("dimension", dimension.to_string())));
                params
            }
            Self::GangIncomplete { present, size } => {
                vec![("present", present.to_string()), ("size", size.to_string())]
            }
            Self::GangPartly { fitting, size } | Self::GangTooLarge { fitting, size } => {
                vec![("fitting", fitting.to_string()), ("size", size.to_string())]
            }
            Self::NoLabel { label, value } => {
                vec![("label", label.clone()), ("value", value.clone())]
            }
            Self::NoRole { role } => vec![("role", role.clone())],
            Self::Closed { nodes } | Self::Avoided { nodes } => {
                vec![("nodes", nodes.to_string())]
            }
            Self::TooLarge { dimension, wanted, largest } => vec![
                ("dimension", dimension.to_string()),
                ("wanted", wanted.to_string()),
                ("largest", largest.to_string()),
            ],
            Self::BackOff { left_ms, node } => {
                let mut params = vec![("left_ms", left_ms.to_string())];
                params.extend(node.as_ref().map(|node| ("node", node.to_string())));
                params
            }
            Self::NoNode | Self::NoMatch | Self::NoMajority => Vec::new(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { dimension, missing, node } => {
                write!(f, "waiting for {} on {node}", dimension.say(*missing))
            }
            Self::MakingRoom { node } => write!(f, "others are leaving {node} to make room for it"),
            Self::Behind { ahead: 1 } => f.write_str("behind 1 session that goes first"),
            Self::Behind { ahead } => write!(f, "behind {ahead} sessions that go first"),
            Self::Quota { scope, name, dimension, limit, used, wanted } => {
                let say = |amount: u64| match dimension {
                    Some(dimension) => dimension.say(amount),
                    None => plural(amount, "session"),
                };
                let scope = scope.code();
                write!(f, "{scope} {name} may have {} at once, ", say(*limit))?;
                write!(f, "has or is promised {} and this asks for {}", say(*used), say(*wanted))
            }
            Self::GangIncomplete { present, size } => {
                write!(f, "its gang has {present} of {size} members yet")
            }
            Self::GangPartly { fitting, size } => {
                write!(f, "only {fitting} of {size} of its gang fit now")
            }
            Self::GangTooLarge { fitting, size } => write!(
                f,
                "only {fitting} of {size} of its gang would fit at once into the empty cluster"
            ),
            Self::NoNode => f.write_str("the cluster has no node"),
            Self::NoLabel { label, value } => write!(f, "no node has the label {label}={value}"),
            Self::NoRole { role } => write!(f, "no node has the role {role}"),
            Self::UnknownNode { node } => write!(f, "there is no node {node}"),
            Self::NoMatch => f.write_str("no node has all labels and roles it requires"),
            Self::Closed { nodes } => {
                let nodes = plural(u64::from(*nodes), "node");
                write!(f, "{nodes} could take it, closed at the moment: cordoned, draining or down")
            }
            Self::Avoided { nodes } => {
                let nodes = plural(u64::from(*nodes), "node");
                write!(f, "{nodes} could take it, and it keeps away from there")
            }
            Self::TooLarge { dimension, wanted, largest } => write!(
                f,
                "asks for {}, the largest node has {}; stop it and submit it with less",
                dimension.say(*wanted),
                dimension.say(*largest)
            ),
            Self::BackOff { left_ms, node: Some(node) } => {
                write!(
                    f,
                    "{node} refused it for lack of room, tried again in {}",
                    seconds(*left_ms)
                )
            }
            Self::BackOff { left_ms, node: None } => {
                write!(f, "failed, tried again in {}", seconds(*left_ms))
            }
            Self::NoMajority => {
                f.write_str("the cluster has no majority; nothing new starts until it has")
            }
        }
    }
}

fn seconds(ms: u64) -> String {
    format!("{} s", ms.div_ceil(1_000))
}

/// Why a session was told to leave its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvictReason {
    /// A session of higher priority needs the room.
    Preempted {
        /// Which.
        by: SessionId,
        /// On which node.
        node: NodeId,
    },
}

impl EvictReason {
    /// Returns the key of the sentence in the dictionaries of the web UI.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Preempted { .. } => "preempted",
        }
    }

    /// Returns what the sentence speaks of, by name.
    #[must_use]
    pub fn params(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Preempted { by, node } => {
                vec![("by", by.to_string()), ("node", node.to_string())]
            }
        }
    }
}

impl fmt::Display for EvictReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preempted { by, node } => {
                write!(f, "makes room on {node} for {by}, which has a higher priority")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_sentence_with_its_numbers_and_a_code_with_parameters() {
        let node: NodeId = "gpu-3".parse().unwrap();
        let reason = Reason::Missing { dimension: Dimension::Gpu, missing: 2, node };
        assert_eq!(reason.to_string(), "waiting for 2 GPUs on gpu-3");
        assert_eq!(reason.code(), "missing");
        assert_eq!(
            reason.params(),
            [
                ("dimension", "gpu".to_owned()),
                ("missing", "2".to_owned()),
                ("node", "gpu-3".to_owned())
            ]
        );
    }

    #[test]
    fn a_quota_says_whose_how_much_and_what_was_asked() {
        let reason = Reason::Quota {
            scope: Scope::Team,
            name: "alpha".to_owned(),
            dimension: Some(Dimension::Cpu),
            limit: 8_000,
            used: 6_000,
            wanted: 4_000,
        };
        assert_eq!(
            reason.to_string(),
            "team alpha may have 8 cores at once, has or is promised 6 cores and this asks for 4 cores"
        );
    }
}
