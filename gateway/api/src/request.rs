//! A request after dispatch: route parameters, checked query and body, the caller, the command.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use actors::{Command, CommandId};
use bytes::Bytes;
use engine::error::ErrorCode;
use engine::ids::UserId;
use serde::de::DeserializeOwned;
use serde_json::Value;
use warp::http::HeaderMap;

use crate::answer::{Answer, Handled};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::dto::list::ListDto;
use crate::problem::{Problem, violation};
use crate::query::Query;

/// A body that was read and counted.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// None was sent, or the route has none.
    None,
    /// JSON of the right shape.
    Json(Value),
    /// Bytes of one of the route's types.
    Raw(Bytes),
}

/// What a handler gets.
pub(crate) struct Request {
    /// Shared state.
    pub(crate) app: Arc<App>,
    /// The path below `/api/v1`.
    pub(crate) path: String,
    /// Route parameters.
    pub(crate) params: BTreeMap<&'static str, String>,
    /// Query parameters.
    pub(crate) query: Query,
    /// The body.
    pub(crate) body: Body,
    /// Who calls; absent on public routes.
    pub(crate) caller: Option<Caller>,
    /// Name of the command.
    pub(crate) command: CommandId,
    /// Revision of `If-Match`, where one was sent.
    pub(crate) revision: Option<u64>,
    /// All headers.
    pub(crate) headers: HeaderMap,
    /// Who connected.
    pub(crate) address: IpAddr,
}

impl Request {
    /// Returns the caller.
    ///
    /// # Errors
    /// `unauthenticated` on public routes; the table asks for a caller everywhere else.
    pub(crate) fn caller(&self) -> Result<&Caller, Problem> {
        self.caller
            .as_ref()
            .ok_or_else(|| Problem::new(ErrorCode::Unauthenticated, "sign in first"))
    }

    /// Returns the identifier in the path. One that cannot exist is not found.
    ///
    /// # Errors
    /// `not_found`.
    pub(crate) fn id<T: FromStr>(&self, what: &str) -> Result<T, Problem> {
        let text = self.params.get("id").map_or("", String::as_str);
        text.parse().map_err(|_| Problem::not_found(&format!("{what} {text}")))
    }

    /// Returns a route parameter.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    /// Reads the body into its type; its shape was checked before.
    ///
    /// # Errors
    /// `validation_failed` where the type is stricter than its schema.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let Body::Json(value) = &self.body else {
            return Err(Problem::field("", "missing_field", "a JSON body is required"));
        };
        serde_json::from_value(value.clone()).map_err(|error| unreadable(&error.to_string()))
    }

    /// Returns the command for the actors.
    ///
    /// # Errors
    /// `unauthenticated` without a caller.
    pub(crate) fn command(&self, reason: Option<String>) -> Result<Command, Problem> {
        Ok(Command { id: self.command, actor: self.caller()?.user.to_string(), reason })
    }

    /// Returns the revision of `If-Match`.
    ///
    /// # Errors
    /// `precondition_required`; routes marked as edits have been checked before.
    pub(crate) fn revision(&self) -> Result<u64, Problem> {
        self.revision.map_or_else(|| crate::revision::if_match(None), Ok)
    }

    /// Asks to change an object of `owner`.
    ///
    /// # Errors
    /// `forbidden`.
    pub(crate) fn need_ownership(&self, owner: UserId) -> Result<(), Problem> {
        self.caller()?.need_ownership(owner)
    }

    /// Returns page size and where the page begins.
    ///
    /// # Errors
    /// `bad_cursor`.
    pub(crate) fn page(&self) -> Result<(u32, Option<String>), Problem> {
        let limit = self.query.small("limit").unwrap_or(50);
        let cursor = self.query.text("cursor");
        let after = cursor
            .map(|text| self.app.cursors.open(text, &self.filters(), self.app.now_ms()))
            .transpose()?;
        Ok((limit, after))
    }

    /// Answers one page with a signed cursor to the next.
    ///
    /// # Errors
    /// As [`Answer::json`].
    pub(crate) fn list<T: serde::Serialize>(&self, items: Vec<T>, next: Option<String>) -> Handled {
        let next_cursor = self.cursor(next);
        Answer::ok(&ListDto { items, next_cursor, as_of: self.app.now_text() })
    }

    /// Returns the signed cursor to the next page.
    pub(crate) fn cursor(&self, next: Option<String>) -> Option<String> {
        next.map(|next| self.app.cursors.sign(&next, &self.filters(), self.app.now_ms()))
    }

    /// Answers a list of numbered items: the next page begins after the number in `next_cursor`.
    ///
    /// # Errors
    /// As [`Answer::json`].
    pub(crate) fn tail<T: serde::Serialize>(&self, items: Vec<T>, next: Option<String>) -> Handled {
        Answer::ok(&ListDto { items, next_cursor: next, as_of: self.app.now_text() })
    }

    fn filters(&self) -> String {
        format!("{}?{}", self.path, self.query.fingerprint(&["cursor", "limit"]))
    }
}

/// A value of the right shape that still cannot be read.
pub(crate) fn unreadable(reason: &str) -> Problem {
    Problem::invalid(vec![violation("", "unreadable", reason).with("reason", reason)])
}
