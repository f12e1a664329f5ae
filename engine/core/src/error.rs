//! The closed list of error codes that clients may rely on, and the trait by which every error names its code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of refusal or fault this is. Closed: the gateway maps each to one status in one table.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(extend("x-extensible" = true))]
pub enum ErrorCode {
    /// The request could not be read at all.
    Malformed,
    /// The page cursor is foreign, stale or tampered with.
    BadCursor,
    /// A query parameter is not known.
    UnknownParameter,
    /// A command came without an `Idempotency-Key`.
    IdempotencyKeyRequired,
    /// No or wrong credentials.
    Unauthenticated,
    /// The access token has expired.
    TokenExpired,
    /// Known, but not allowed.
    Forbidden,
    /// Allowed only with a second factor for this very request.
    StepUpRequired,
    /// Does not exist, or the caller may not know that it does.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Collides with what is there.
    Conflict,
    /// The object's state does not allow this command.
    IllegalTransition,
    /// The same command is still running.
    CommandInProgress,
    /// Referenced by something else.
    InUse,
    /// The caller's revision is old.
    StaleRevision,
    /// Larger than allowed.
    TooLarge,
    /// Not a content type we read.
    UnsupportedMediaType,
    /// One or more fields are not acceptable.
    ValidationFailed,
    /// A risk guard refused.
    RiskDenied,
    /// Same key, different body.
    IdempotencyMismatch,
    /// `If-Match` is missing.
    PreconditionRequired,
    /// Too many requests.
    RateLimited,
    /// We are wrong.
    Internal,
    /// No majority of voters can be reached.
    NoQuorum,
    /// This node is going down.
    Draining,
    /// A bounded queue is full.
    Overloaded,
    /// The audit record cannot be made durable.
    AuditUnavailable,
    /// The owning node does not answer.
    NodeUnreachable,
    /// Not answered in time; whether it took effect is not known.
    DeadlineExceeded,
    /// Signed in with a generated password: until it is changed only that is allowed.
    PasswordChangeRequired,
}

impl ErrorCode {
    /// Every code, for tables and tests.
    pub const ALL: [Self; 30] = [
        Self::Malformed,
        Self::BadCursor,
        Self::UnknownParameter,
        Self::IdempotencyKeyRequired,
        Self::Unauthenticated,
        Self::TokenExpired,
        Self::Forbidden,
        Self::StepUpRequired,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::IllegalTransition,
        Self::CommandInProgress,
        Self::InUse,
        Self::StaleRevision,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::ValidationFailed,
        Self::RiskDenied,
        Self::IdempotencyMismatch,
        Self::PreconditionRequired,
        Self::RateLimited,
        Self::Internal,
        Self::NoQuorum,
        Self::Draining,
        Self::Overloaded,
        Self::AuditUnavailable,
        Self::NodeUnreachable,
        Self::DeadlineExceeded,
        Self::PasswordChangeRequired,
    ];
}

/// An error that knows its code.
pub trait Coded {
    /// Returns the code a client may rely on.
    fn code(&self) -> ErrorCode;
}

/// What the engine cannot do, and why. Data errors of importers have a type of their own; they arrive here as text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// The request does not fit the data or the configuration; nothing was changed.
    #[error("{what}: {detail}")]
    Refused {
        /// What was asked for, for example `back-test`.
        what: &'static str,
        /// What was wanted, what was found, what to do next.
        detail: String,
    },
    /// A saved state belongs to something else or is damaged; nothing was changed.
    #[error("the saved state of {what} cannot be restored: {detail}")]
    State {
        /// Whose state, for example `environment`.
        what: &'static str,
        /// What was wanted and what was found.
        detail: String,
    },
    /// The caller asked to stop.
    #[error("stopped on request before the end; nothing was produced")]
    Cancelled,
    /// We are wrong: something that always holds did not hold.
    #[error("internal error in {what}: {detail}; please report it together with the configuration")]
    Invariant {
        /// Where.
        what: &'static str,
        /// What did not hold.
        detail: String,
    },
}

impl Coded for EngineError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Refused { .. } | Self::State { .. } => ErrorCode::ValidationFailed,
            Self::Cancelled => ErrorCode::Conflict,
            Self::Invariant { .. } => ErrorCode::Internal,
        }
    }
}

/// Names that a message lists before it counts the others.
const NAMES_MAX: usize = 12;

/// Lists names in a message: the first of them, and how many more there are.
pub(crate) fn few<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let mut names = names.into_iter();
    let first: Vec<&str> = names.by_ref().take(NAMES_MAX).map(String::as_str).collect();
    match names.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::few;

    #[test]
    fn long_lists_of_names_end_in_a_count() {
        let names: Vec<String> = (0..14).map(|number| format!("c{number}")).collect();
        assert_eq!(few(&names[..2]), "c0, c1");
        assert_eq!(few(&names[..12]).matches(", ").count(), 11);
        assert!(few(&names).ends_with("c11 and 2 more"));
        assert_eq!(few(&[]), "");
    }
}
