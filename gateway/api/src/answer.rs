//! What a handler returns: status, headers, bytes. Turned into a warp response in one place.

use bytes::Bytes;
use serde::Serialize;
use warp::http::{HeaderName, HeaderValue, StatusCode};

use crate::problem::Problem;

/// An answer before it becomes HTTP; small enough to be stored for repeated commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// Headers in the order they were set.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: Bytes,
}

/// What handlers return.
pub(crate) type Handled = Result<Answer, Problem>;

impl Answer {
    /// An answer of bytes.
    pub(crate) fn bytes(status: StatusCode, content_type: &str, body: Bytes) -> Self {
        Self { status, headers: vec![("content-type", content_type.to_owned())], body }
    }

    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// A JSON answer.
    ///
    /// # Errors
    /// Refuses values that JSON cannot hold; that is a mistake of ours.
    pub(crate) fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Handled {
        let body = serde_json::to_vec(value).map_err(|error| {
            Problem::new(
                engine::error::ErrorCode::Internal,
                format!("the answer could not be written: {error}"),
            )
        })?;
        Ok(Self::bytes(status, "application/json", Bytes::from(body)))
    }

    /// A JSON answer with 200.
    ///
    /// # Errors
    /// As [`Answer::json`].
    pub(crate) fn ok<T: Serialize + ?Sized>(value: &T) -> Handled {
        Self::json(StatusCode::OK, value)
    }

    /// Sets a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Becomes a response; a header that HTTP cannot carry is left out.
    pub(crate) fn into_response(self) -> warp::reply::Response {
        let mut response = warp::reply::Response::new(self.body.into());
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            match HeaderValue::try_from(value) {
                Ok(value) => {
                    response.headers_mut().append(HeaderName::from_static(name), value);
                }
                Err(error) => tracing::warn!(name, %error, "header left out"),
            }
        }
        response
    }
}
