//! What nodes ask each other through the router.
//!
//! Rows of the journal travel in the journal's own layout. What people are shown travels as JSON, so that a node may add
//! a field before its neighbours know it.

use std::collections::BTreeMap;

use engine::ids::SessionId;
use serde::{Deserialize, Serialize};
use store::codec::{Record, schema};
use store::records::log_line::LogLineRecord;
use store::records::metric::MetricBatchRecord;

use crate::views::ProgressView;

/// What is asked of a session's holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TailAsk {
    /// Which session.
    pub(crate) session: SessionId,
    /// Which assignment.
    pub(crate) epoch: u64,
    /// Number of the first point wanted.
    pub(crate) points_from: u64,
    /// Lines after this number are wanted.
    pub(crate) lines_after: u64,
}

/// What the holder answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TailAnswer {
    /// Rows of points; as many as fit.
    pub(crate) metrics: Vec<MetricBatchRecord>,
    /// Lines; as many as fit.
    pub(crate) lines: Vec<LogLineRecord>,
    /// How far the session is.
    pub(crate) progress: ProgressView,
    /// Newest value of each metric.
    pub(crate) newest: BTreeMap<String, Option<f64>>,
}

/// A question to a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Question {
    /// What a session that is held there recorded beyond what is known here: [`Answer::Tail`].
    Tail(TailAsk),
    /// Its links: [`Answer::Json`] of a list of `views::LinkView`.
    Links,
    /// Its tree of actors: [`Answer::Json`] of a list of `views::ActorView`.
    Actors,
    /// How far the sessions are that are held there: [`Answer::Json`] of a list of `views::SeenView`.
    Seen,
}

impl Record for Question {
    const SCHEMA: u32 = schema::SCHEMA_NODE_QUESTION;
    const VERSION: u16 = 1;
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// To [`Question::Tail`].
    Tail(TailAnswer),
    /// To the others.
    Json(#[serde(with = "serde_bytes")] Vec<u8>),
    /// It has none, for this reason.
    Refused(String),
}

impl Record for Answer {
    const SCHEMA: u32 = schema::SCHEMA_NODE_ANSWER;
    const VERSION: u16 = 1;
    const BYTES_MAX: usize = 1 << 20;
}
