//! Every error as RFC 9457 `application/problem+json`: one table maps the closed list of codes to status and title.

use std::collections::BTreeMap;

use actors::views::ProblemView;
use bytes::Bytes;
use engine::config::Violation;
use engine::error::ErrorCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use warp::http::StatusCode;

use crate::answer::Answer;

/// Returns status and title of a code. The only place where a code meets HTTP.
pub(crate) fn status_and_title(code: ErrorCode) -> (StatusCode, &'static str) {
    match code {
        ErrorCode::Malformed => (StatusCode::BAD_REQUEST, "Malformed request"),
        ErrorCode::BadCursor => (StatusCode::BAD_REQUEST, "Bad cursor"),
        ErrorCode::UnknownParameter => (StatusCode::BAD_REQUEST, "Unknown query parameter"),
        ErrorCode::IdempotencyKeyRequired => (StatusCode::BAD_REQUEST, "Idempotency-Key required"),
        ErrorCode::Unauthenticated => (StatusCode::UNAUTHORIZED, "Not signed in"),
        ErrorCode::TokenExpired => (StatusCode::UNAUTHORIZED, "Access token expired"),
        ErrorCode::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
        ErrorCode::StepUpRequired => (StatusCode::FORBIDDEN, "Second factor required"),
        ErrorCode::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        ErrorCode::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
        ErrorCode::Conflict => (StatusCode::CONFLICT, "Conflict"),
        ErrorCode::IllegalTransition => (StatusCode::CONFLICT, "Not possible in this state"),
        ErrorCode::CommandInProgress => (StatusCode::CONFLICT, "Command still running"),
        ErrorCode::InUse => (StatusCode::CONFLICT, "In use"),
        ErrorCode::StaleRevision => (StatusCode::PRECONDITION_FAILED, "Changed in the meantime"),
        ErrorCode::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        ErrorCode::UnsupportedMediaType => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported content type")
        }
        ErrorCode::ValidationFailed => (StatusCode::UNPROCESSABLE_ENTITY, "Validation failed"),
        ErrorCode::RiskDenied => (StatusCode::UNPROCESSABLE_ENTITY, "Refused by a risk guard"),
        ErrorCode::IdempotencyMismatch => {
            (StatusCode::UNPROCESSABLE_ENTITY, "Idempotency-Key used before")
        }
        ErrorCode::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, "If-Match required"),
        ErrorCode::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        ErrorCode::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
        ErrorCode::NoQuorum => (StatusCode::SERVICE_UNAVAILABLE, "No majority of nodes"),
        ErrorCode::Draining => (StatusCode::SERVICE_UNAVAILABLE, "Going down"),
        ErrorCode::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "Overloaded"),
        ErrorCode::AuditUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "Audit unavailable"),
        ErrorCode::NodeUnreachable => (StatusCode::SERVICE_UNAVAILABLE, "Node unreachable"),
        ErrorCode::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "Not answered in time"),
        ErrorCode::PasswordChangeRequired => (StatusCode::FORBIDDEN, "Password must be changed"),
    }
}

/// Returns the code as clients read it, for example `validation_failed`.
pub(crate) fn code_text(code: ErrorCode) -> String {
    match serde_json::to_value(code) {
        Ok(Value::String(text)) => text,
        Ok(_) | Err(_) => "internal".to_owned(),
    }
}

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    /// Stable code.
    pub(crate) code: ErrorCode,
    /// English sentence: wanted, found, next step.
    pub(crate) detail: String,
    /// Numbers and names for translations.
    pub(crate) params: BTreeMap<String, Value>,
    /// Violations by field, pointers into the request body.
    pub(crate) errors: Vec<Violation>,
    /// Further headers, for example `Retry-After`.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Problem {
    /// Starts a problem.
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            params: BTreeMap::new(),
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Adds a parameter for translations.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a response header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// All violations of a request at once.
    pub(crate) fn invalid(errors: Vec<Violation>) -> Self {
        let count = errors.len();
        let detail = match count {
            1 => "1 field is not acceptable".to_owned(),
            _ => format!("{count} fields are not acceptable"),
        };
        Self { errors, ..Self::new(ErrorCode::ValidationFailed, detail) }
    }

    /// One field that is not acceptable.
    pub(crate) fn field(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![violation(pointer, code, detail)])
    }

    /// Nothing there, or nothing the caller may see.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("{what} does not exist, or you may not see it"))
    }

    /// Renders the answer.
    pub(crate) fn answer(self, path: &str, trace_id: &str) -> Answer {
        let (status, title) = status_and_title(self.code);
        let code = code_text(self.code);
        let document = ProblemDocument {
            kind: format!("urn:tm:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            instance: path.to_owned(),
            code: self.code,
            params: self.params,
            trace_id: trace_id.to_owned(),
            errors: self.errors,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut answer = Answer::bytes(status, "application/problem+json", Bytes::from(body));
        for (name, value) in self.headers {
            answer = answer.header(name, value);
        }
        answer
    }
}

/// Makes one violation without parameters.
pub(crate) fn violation(pointer: &str, code: &str, detail: impl Into<String>) -> Violation {
    Violation::new(pointer, code, detail)
}

impl From<ProblemView> for Problem {
    fn from(view: ProblemView) -> Self {
        Self {
            code: view.code,
            detail: view.detail,
            params: view.params,
            errors: view.errors,
            headers: Vec::new(),
        }
    }
}

impl From<actors::ActorsError> for Problem {
    fn from(error: actors::ActorsError) -> Self {
        error.problem().into()
    }
}

/// What clients read (RFC 9457).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemDocument {
    /// `urn:tm:problem:` and the code.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Short English title of the code.
    pub(crate) title: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// English sentence: wanted, found, next step.
    pub(crate) detail: String,
    /// Path of the request.
    pub(crate) instance: String,
    /// Stable code.
    pub(crate) code: ErrorCode,
    /// Numbers and names for translations.
    pub(crate) params: BTreeMap<String, Value>,
    /// Trace to quote when asking for help.
    pub(crate) trace_id: String,
    /// Violations by field; pointers (RFC 6901) into the request body.
    pub(crate) errors: Vec<Violation>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_error_status_and_its_own_title() {
        let mut titles = std::collections::BTreeSet::new();
        for code in ErrorCode::ALL {
            let (status, title) = status_and_title(code);
            assert!(status.is_client_error() || status.is_server_error(), "{code:?}");
            assert!(titles.insert(title), "{title} twice");
        }
    }

    #[test]
    fn a_problem_names_code_trace_and_every_violation() {
        let problem = Problem::invalid(vec![
            violation("/config/gamma", "out_of_range", "must be at most 1"),
            violation("/name", "missing_field", "is missing"),
        ]);
        let answer = problem.answer("/api/v1/strategies", "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let document: ProblemDocument = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(document.kind, "urn:tm:problem:validation_failed");
        assert_eq!(document.errors.len(), 2);
        assert_eq!(document.errors[0].pointer, "/config/gamma");
        assert_eq!(document.detail, "2 fields are not acceptable");
        assert_eq!(document.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    }
}
