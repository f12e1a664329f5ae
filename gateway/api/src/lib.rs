//! HTTP and WebSocket in, handles out: the only package that serves HTTP.
//!
//! ```text
//! socket ─► server (limits, timeouts) ─► warp ─┬─► dispatch ─► RouteSpec ─► handler ─► actors' handles
//!                                              ├─► socket (tm.v1) ─► topics
//!                                              └─► pages (web UI), health
//! ```
//!
//! One table of routes ([`openapi`] is made from it) says everything about a route: who may call, what it reads and
//! answers, what it costs. Losing a gateway never changes a running session.

mod answer;
mod app;
mod auth;
mod config;
mod consistency;
mod cursor;
mod dispatch;
mod dto;
mod headers;
mod idempotency;
mod json;
mod matching;
mod openapi;
mod pages;
mod problem;
mod query;
mod rate;
mod request;
mod revision;
mod routes;
mod server;
mod shape;
mod socket;
mod spec;
mod text;
mod trace;
mod transport;

pub use auth::first_admin::{
    FirstAdmin, ensure_first_admin, ensure_first_admin_at_cost, reset_password,
};
pub use config::{ConnectionLimits, GatewayConfig, PasswordCost, Rate, Rates, SocketLimits};
pub use pages::{Encodings, PageFile, Pages};
pub use routes::{RouteSummary, route_summaries};
pub use server::{Gateway, serve};

use engine::error::{Coded, ErrorCode};

/// Why a gateway could not be started.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Plain HTTP may only be spoken on this machine.
    #[error(
        "the gateway would listen on {listen} without TLS: passwords would cross the network in the clear. \
         Listen on a loopback address such as 127.0.0.1:8080 and reach it through an SSH tunnel or a TLS proxy"
    )]
    NotLoopback {
        /// What was asked for.
        listen: std::net::SocketAddr,
    },
    /// The address cannot be listened on.
    #[error(
        "the gateway cannot listen on {listen}: {reason}. Free the port or choose another with --listen"
    )]
    Listen {
        /// What was asked for.
        listen: std::net::SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// Something the gateway needs did not answer.
    #[error("the gateway cannot start: {detail}")]
    Platform {
        /// Its code.
        code: ErrorCode,
        /// What it said.
        detail: String,
    },
}

impl Coded for GatewayError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::NotLoopback { .. } => ErrorCode::Forbidden,
            Self::Listen { .. } => ErrorCode::Conflict,
            Self::Platform { code, .. } => *code,
        }
    }
}

impl From<problem::Problem> for GatewayError {
    fn from(problem: problem::Problem) -> Self {
        Self::Platform { code: problem.code, detail: problem.detail }
    }
}

/// Returns the OpenAPI 3.1 document of this gateway, made from the table of routes and the types they use.
#[must_use]
pub fn openapi() -> serde_json::Value {
    openapi::document(&routes::table())
}
