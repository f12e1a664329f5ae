//! What can go wrong between asking an actor and its answer, each with the code a client may rely on.
//!
//! Refusals say what was wanted, what was found and what to do; passing errors may work later; faults are ours.

use std::collections::BTreeMap;

use engine::config::Violation;
use engine::error::{Coded, ErrorCode};
use serde_json::Value;

use crate::views::ProblemView;

/// Everything a handle may answer instead of a result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ActorsError {
    /// There is no such thing.
    #[error("{what} {id} was not found: {reason}")]
    NotFound {
        /// `strategy`, `dataset`, `session`, `report`, …
        what: &'static str,
        /// Its identifier, as asked for.
        id: String,
        /// Why, and what to do.
        reason: String,
    },
    /// One or more fields are not acceptable.
    #[error("{} is not acceptable: {}", fields(.errors.len()), first(.errors))]
    Invalid {
        /// All of them, with pointers relative to the request's body.
        errors: Vec<Violation>,
    },
    /// The request makes no sense as a whole.
    #[error("{detail}")]
    Malformed {
        /// Wanted, found, next step.
        detail: String,
    },
    /// `after` was not made by this list.
    #[error("the page cursor '{got}' was not made by this list; start again without a cursor")]
    BadCursor {
        /// What was given.
        got: String,
    },
    /// Collides with what is there.
    #[error("{detail}")]
    Conflict {
        /// Wanted, found, next step.
        detail: String,
        /// Names and numbers that belong to it.
        params: BTreeMap<String, Value>,
    },
    /// The object's state does not allow this command.
    #[error("cannot {command} while {state}; {hint}")]
    IllegalTransition {
        /// What was asked for.
        command: String,
        /// The state found.
        state: String,
        /// What to do.
        hint: String,
    },
    /// Still referenced.
    #[error("{what} {id} is used by {}; remove or end them first", .by.join(", "))]
    InUse {
        /// What was to be removed.
        what: &'static str,
        /// Its identifier.
        id: String,
        /// Who uses it (at most ten are named).
        by: Vec<String>,
    },
    /// Somebody else changed it in between.
    #[error(
        "{what} was changed by somebody else: revision {wanted} was expected, it is now {current}; read it again"
    )]
    StaleRevision {
        /// What was to be changed.
        what: &'static str,
        /// The revision the caller knew.
        wanted: u64,
        /// The revision now.
        current: u64,
    },
    /// Larger than allowed.
    #[error("{what} may have at most {limit}, found {got}; make it smaller")]
    TooLarge {
        /// What and in which unit, for example `the file in bytes`.
        what: &'static str,
        /// Most allowed.
        limit: u64,
        /// What was found.
        got: u64,
    },
    /// The same command id came with other content.
    #[error("this command id was used for something else ({found}); use a new idempotency key")]
    IdempotencyMismatch {
        /// What it was used for.
        found: String,
    },
    /// The same command is still running.
    #[error(
        "this command is still running ({what}); wait for it, or repeat the request with the same key"
    )]
    InProgress {
        /// What it does.
        what: String,
    },
    /// The caller may not do this.
    #[error("{detail}")]
    Forbidden {
        /// Wanted, found, next step.
        detail: String,
    },
    /// A queue with a limit is full.
    #[error("{what} is full ({limit}); try again in a moment")]
    Overloaded {
        /// Which queue.
        what: &'static str,
        /// Its limit.
        limit: u64,
    },
    /// The actor is between two lives.
    #[error("{actor} is restarting; try again in a moment")]
    Restarting {
        /// Its name.
        actor: String,
    },
    /// The node is going down.
    #[error("this node is shutting down; ask another node or try again later")]
    Draining,
    /// No answer in time: whether it took effect is not known.
    #[error(
        "{actor} did not answer: {reason}; repeat the request with the same key to learn the outcome"
    )]
    Unanswered {
        /// Who was asked.
        actor: String,
        /// What was seen.
        reason: String,
    },
    /// Another node does not answer.
    #[error("node {node} does not answer: {reason}; look at its links, or ask it directly")]
    NodeUnreachable {
        /// Which.
        node: String,
        /// What was seen.
        reason: String,
    },
    /// Control state cannot be changed now.
    #[error("the control state cannot be changed now: {detail}")]
    NoQuorum {
        /// What was seen.
        detail: String,
    },
    /// The disk or what is on it failed us.
    #[error("stored state could not be used: {detail}")]
    Store {
        /// What was wanted and found.
        detail: String,
    },
    /// The platform could not be started.
    #[error("{detail}")]
    Boot {
        /// Wanted, found, next step.
        detail: String,
    },
    /// We are wrong.
    #[error("internal error: {detail}")]
    Internal {
        /// What does not fit together.
        detail: String,
    },
}

impl From<Violation> for ActorsError {
    /// A refusal of one field.
    fn from(violation: Violation) -> Self {
        Self::Invalid { errors: vec![violation] }
    }
}

impl ActorsError {
    /// Returns a refusal of one field.
    ///
    /// `pointer` is a JSON pointer into the request's body; `detail` says what was wanted and found.
    #[must_use]
    pub fn invalid(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        Violation::new(pointer, code, detail).into()
    }

    /// Returns a fault of ours.
    #[must_use]
    pub fn internal(detail: impl std::fmt::Display) -> Self {
        Self::Internal { detail: detail.to_string() }
    }

    /// Returns what the gateway shows: code, sentence, fields.
    #[must_use]
    pub fn problem(&self) -> ProblemView {
        let errors = if let Self::Invalid { errors } = self { errors.clone() } else { Vec::new() };
        ProblemView { code: self.code(), detail: self.to_string(), params: self.params(), errors }
    }

    fn params(&self) -> BTreeMap<String, Value> {
        let text = |value: &str| Value::String(value.to_owned());
        let pairs: Vec<(&str, Value)> = match self {
            Self::Conflict { params, .. } => return params.clone(),
            Self::NotFound { what, id, .. } => vec![("what", text(what)), ("id", text(id))],
            Self::IllegalTransition { command, state, .. } => {
                vec![("command", text(command)), ("state", text(state))]
            }
            Self::InUse { by, .. } => vec![("by", Value::from(by.clone()))],
            Self::StaleRevision { wanted, current, .. } => {
                vec![("wanted", Value::from(*wanted)), ("revision", Value::from(*current))]
            }
            Self::TooLarge { limit, got, .. } => {
                vec![("limit", Value::from(*limit)), ("got", Value::from(*got))]
            }
            Self::Overloaded { limit, .. } => vec![("limit", Value::from(*limit))],
            Self::NodeUnreachable { node, .. } => vec![("node", text(node))],
            Self::Restarting { actor } | Self::Unanswered { actor, .. } => {
                vec![("actor", text(actor))]
            }
            Self::Invalid { .. }
            | Self::Malformed { .. }
            | Self::BadCursor { .. }
            | Self::IdempotencyMismatch { .. }
            | Self::InProgress { .. }
            | Self::Forbidden { .. }
            | Self::Draining
            | Self::NoQuorum { .. }
            | Self::Store { .. }
            | Self::Boot { .. }
            | Self::Internal { .. } => Vec::new(),
        };
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl Coded for ActorsError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Invalid { .. } => ErrorCode::ValidationFailed,
            Self::Malformed { .. } => ErrorCode::Malformed,
            Self::BadCursor { .. } => ErrorCode::BadCursor,
            Self::Conflict { .. } => ErrorCode::Conflict,
            Self::IllegalTransition { .. } => ErrorCode::IllegalTransition,
            Self::InUse { .. } => ErrorCode::InUse,
            Self::StaleRevision { .. } => ErrorCode::StaleRevision,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::IdempotencyMismatch { .. } => ErrorCode::IdempotencyMismatch,
            Self::InProgress { .. } => ErrorCode::CommandInProgress,
            Self::Forbidden { .. } => ErrorCode::Forbidden,
            Self::Overloaded { .. } | Self::Restarting { .. } => ErrorCode::Overloaded,
            Self::Draining => ErrorCode::Draining,
            Self::Unanswered { .. } => ErrorCode::DeadlineExceeded,
            Self::NodeUnreachable { .. } => ErrorCode::NodeUnreachable,
            Self::NoQuorum { .. } => ErrorCode::NoQuorum,
            Self::Store { .. } | Self::Boot { .. } | Self::Internal { .. } => ErrorCode::Internal,
        }
    }
}

impl From<cluster::control::ControlError> for ActorsError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other package may add faults")]
    fn from(error: cluster::control::ControlError) -> Self {
        use cluster::control::ControlError;
        match error {
            ControlError::Refused(refusal) => refusal.into(),
            ControlError::Overloaded { limit } => Self::Overloaded {
                what: "the queue of changes",
                limit: u64::try_from(limit).unwrap_or(u64::MAX),
            },
            ControlError::TooLarge { limit, found } => Self::TooLarge {
                what: "a change in bytes",
                limit: u64::try_from(limit).unwrap_or(u64::MAX),
                got: u64::try_from(found).unwrap_or(u64::MAX),
            },
            ControlError::Unknown { reason } => {
                Self::Unanswered { actor: "control state".to_owned(), reason }
            }
            ControlError::NoLeader { reason } => Self::NoQuorum {
                detail: format!(
                    "no majority of the voters is reached ({reason}); try again in a few seconds"
                ),
            },
            other => Self::Store { detail: other.to_string() },
        }
    }
}

impl From<store::StoreError> for ActorsError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other package may add faults")]
    fn from(error: store::StoreError) -> Self {
        use store::StoreError;
        match error {
            StoreError::Overloaded { limit } => Self::Overloaded {
                what: "the journal's queue",
                limit: u64::try_from(limit).unwrap_or(u64::MAX),
            },
            StoreError::Refused { .. } => {
                Self::Conflict { detail: error.to_string(), params: BTreeMap::new() }
            }
            other => Self::Store { detail: other.to_string() },
        }
    }
}

impl From<cluster::control::Refusal> for ActorsError {
    fn from(refusal: cluster::control::Refusal) -> Self {
        use cluster::control::{Expected, Refusal};
        let text = refusal.to_string();
        match refusal {
            Refusal::DocumentChanged {
                expected: Expected::Revision(wanted),
                found: Some(current),
                ..
            } => Self::StaleRevision { what: "this object", wanted, current },
            Refusal::DocumentChanged { .. }
            | Refusal::SessionExists { .. }
            | Refusal::AlreadyPlaced { .. }
            | Refusal::StaleEpoch { .. }
            | Refusal::StepNotIncreasing { .. }
            | Refusal::NodeNotReady { .. }
            | Refusal::NoCapacity { .. }
            | Refusal::StaleIncarnation { .. }
            | Refusal::PhaseNotNext { .. }
            | Refusal::NodeNameTaken { .. }
            | Refusal::NodeNotLost { .. }
            | Refusal::NodeNotDraining { .. }
            | Refusal::TermOver { .. }
            | Refusal::AlreadyInitialised
            | Refusal::VersionNotRising { .. }
            | Refusal::VersionTooOld { .. }
            | Refusal::VersionUnknown { .. } => {
                Self::Conflict { detail: text, params: BTreeMap::new() }
            }
            Refusal::DocumentMissing { key } => Self::NotFound {
                what: "document",
                id: format!("{}/{}", key.kind, key.id),
                reason: text,
            },
            Refusal::DocumentInUse { key, session } => {
                let session = engine::ids::SessionId::from_uuid(uuid::Uuid::from_bytes(session));
                Self::InUse { what: "document", id: key.id, by: vec![session.to_string()] }
            }
            Refusal::OverLimit { limit, found, .. } => {
                Self::TooLarge { what: "a part of the request", limit, got: found }
            }
            Refusal::SessionMissing { session } => Self::NotFound {
                what: "session",
                id: engine::ids::SessionId::from_uuid(uuid::Uuid::from_bytes(session)).to_string(),
                reason: "there is none of that id; list the sessions to see which there are"
                    .to_owned(),
            },
            Refusal::SessionEnded { outcome, .. } => Self::IllegalTransition {
                command: "change the session".to_owned(),
                state: format!("{outcome:?}").to_lowercase(),
                hint: "it has ended; submit a new one".to_owned(),
            },
            Refusal::SessionNotEnded { .. } => Self::IllegalTransition {
                command: "remove the session".to_owned(),
                state: "running".to_owned(),
                hint: "stop it first".to_owned(),
            },
            Refusal::SessionStopping { .. } => Self::IllegalTransition {
                command: "change the session".to_owned(),
                state: "stopping".to_owned(),
                hint: "stopping is final; submit a new one".to_owned(),
            },
            Refusal::NodeMissing { node } => {
                Self::NotFound { what: "node", id: node, reason: text }
            }
            Refusal::KeyReused { .. } => {
                Self::IdempotencyMismatch { found: "another change".to_owned() }
            }
        }
    }
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field".to_owned() } else { format!("{count} fields") }
}

fn first(errors: &[Violation]) -> String {
    errors
        .first()
        .map_or_else(String::new, |violation| format!("{} {}", violation.pointer, violation.detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_revision_tells_the_current_one() {
        let problem =
            ActorsError::StaleRevision { what: "strategy", wanted: 3, current: 5 }.problem();
        assert_eq!(problem.code, ErrorCode::StaleRevision);
        assert_eq!(problem.params["revision"], Value::from(5));
    }

    #[test]
    fn violations_reach_the_problem() {
        let problem = ActorsError::invalid("/name", "required", "must not be empty").problem();
        assert_eq!(problem.errors.len(), 1);
        assert_eq!(problem.detail, "1 field is not acceptable: /name must not be empty");
    }
}
