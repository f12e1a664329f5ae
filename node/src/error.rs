//! What can go wrong on the command line, and the exit code of each.

use serde_json::Value;

/// A command did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The gateway refused or failed.
    #[error("{detail}")]
    Problem {
        /// HTTP status.
        status: u16,
        /// Stable code of the problem document.
        code: String,
        /// What was wanted, found, and what to do.
        detail: String,
        /// Violations by field: pointer and sentence.
        fields: Vec<(String, String)>,
    },
    /// Nobody answers at the address.
    #[error(
        "no node answers at {url}: {reason}; start one with `tm node start`, or name another with --url or TM_URL"
    )]
    Unreachable {
        /// Address asked.
        url: String,
        /// What the system said.
        reason: String,
    },
    /// No answer within the time allowed.
    #[error(
        "{what} was not done within {seconds} s; it goes on at the node. Look again with `{look}`"
    )]
    TimedOut {
        /// What was waited for.
        what: String,
        /// Seconds waited.
        seconds: u64,
        /// Command that shows the state.
        look: String,
    },
    /// Not logged in, or not any more.
    #[error("not logged in at {url}: run `tm login`")]
    LoggedOut {
        /// Address asked.
        url: String,
    },
    /// The arguments do not make sense together.
    #[error("{0}")]
    Usage(String),
    /// A name or identifier matches nothing.
    #[error("{0}")]
    NotFound(String),
    /// The work itself ended badly.
    #[error("{0}")]
    Failed(String),
    /// A file or the terminal.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The reader of our output went away, which is no failure.
    #[error("output closed")]
    ClosedPipe,
}

impl CliError {
    /// Returns the exit code: 0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 conflict, 6 unavailable, 7 timed out.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Problem { status, .. } => match *status {
                401 | 403 => 4,
                404 => 3,
                409 | 412 | 428 => 5,
                429 | 502 | 503 => 6,
                504 => 7,
                _ => 1,
            },
            Self::Unreachable { .. } => 6,
            Self::TimedOut { .. } => 7,
            Self::LoggedOut { .. } => 4,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Failed(_) | Self::Io { .. } => 1,
            Self::ClosedPipe => 0,
        }
    }

    /// Returns the violations, pointer and sentence, that the error's own sentence does not tell already.
    pub(crate) fn untold_fields(&self) -> Vec<(&str, &str)> {
        let Self::Problem { detail, fields, .. } = self else {
            return Vec::new();
        };
        fields
            .iter()
            .map(|(pointer, sentence)| (pointer.as_str(), sentence.as_str()))
            .filter(|(pointer, sentence)| !detail.contains(&format!("{pointer} {sentence}")))
            .collect()
    }

    /// Reads a problem document, or makes the best of what is there.
    pub(crate) fn from_problem(status: u16, body: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
        let fields = document
            .get("errors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|entry| {
                let part = |key: &str| {
                    entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                (part("pointer"), part("detail"))
            })
            .collect();
        Self::Problem {
            status,
            code: text("code").unwrap_or_else(|| "internal".to_owned()),
            detail: text("detail").or_else(|| text("title")).unwrap_or_else(|| {
                format!("the node answered with status {status} and no explanation")
            }),
            fields,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_become_the_exit_codes_of_the_manual() {
        for (status, code) in [
            (404, 3),
            (401, 4),
            (403, 4),
            (409, 5),
            (412, 5),
            (503, 6),
            (504, 7),
            (422, 1),
            (500, 1),
        ] {
            assert_eq!(CliError::from_problem(status, b"{}").exit_code(), code, "{status}");
        }
    }

    #[test]
    fn a_field_that_the_sentence_tells_is_not_told_again() {
        let body = |detail: &str| {
            serde_json::json!({ "detail": detail, "errors": [
                { "pointer": "/file", "detail": "is binary" },
                { "pointer": "/name", "detail": "is empty" },
            ] })
            .to_string()
        };
        let told = CliError::from_problem(422, body("1 field: /file is binary").as_bytes());
        assert_eq!(told.untold_fields(), [("/name", "is empty")]);
        let untold = CliError::from_problem(422, body("2 fields").as_bytes());
        assert_eq!(untold.untold_fields().len(), 2);
    }

    #[test]
    fn a_body_that_is_no_problem_document_still_gives_a_sentence() {
        let error = CliError::from_problem(502, b"<html>");
        assert_eq!(error.to_string(), "the node answered with status 502 and no explanation");
    }
}
