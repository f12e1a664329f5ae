//! A session's log: a bounded tail of what its worker said and what the node says about it.

use std::sync::{Arc, Weak};

use engine::ids::SessionId;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;
use store::records::log_line::LogLineRecord;

use super::ask;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::mirror::Mirror;
use crate::views::{LogLineView, Page};

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "logs";

type Reply<T> = RpcReplyPort<Result<T, ActorsError>>;

/// A line to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewLine {
    /// `error`, `warn`, `info` or `debug`.
    pub(crate) level: String,
    /// The text, one line.
    pub(crate) text: String,
}

/// Everything the logs actor can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum LogsMsg {
    /// Lines of a session, in order.
    Append { session: SessionId, lines: Vec<NewLine> },
    /// Stored lines, those after `after`.
    Tail { session: SessionId, after: Option<u64>, limit: u32, reply: Reply<Page<LogLineView>> },
    /// Lines that another node numbered and stored.
    Restore { session: SessionId, lines: Vec<LogLineRecord>, reply: Reply<()> },
    /// Forget the lines after number `last`; those up to number `shown` are not shown again when they come back.
    Truncate { session: SessionId, last: u64, shown: u64, reply: Reply<()> },
    /// Time to store what came in.
    Flush,
    /// Answered once everything told before is stored.
    Flushed { reply: Reply<()> },
}

/// The door to the logs of sessions.
#[derive(Debug, Clone)]
pub struct LogsHandle {
    directory: Directory,
    /// Weak: a door that is kept must not keep the journal open.
    mirror: Option<Weak<Mirror>>,
}

impl LogsHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory, mirror: None }
    }

    /// Returns a door that brings the lines of sessions held elsewhere here before it answers.
    pub(crate) fn mirrored(directory: Directory, mirror: &Arc<Mirror>) -> Self {
        Self { directory, mirror: Some(Arc::downgrade(mirror)) }
    }

    /// Returns stored lines in order: those after line `after`, or the newest `limit` where it is absent.
    ///
    /// `Page::next` is the number to pass as `after` for the lines that follow; absent where none are stored yet.
    ///
    /// # Errors
    /// Tells when stored lines cannot be read.
    pub async fn tail(
        &self,
        session: SessionId,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Page<LogLineView>, ActorsError> {
        if let Some(mirror) = self.mirror.as_ref().and_then(Weak::upgrade) {
            mirror.freshen(session).await?;
        }
        ask(&self.directory, NAME, |reply| LogsMsg::Tail { session, after, limit, reply }).await
    }

    /// Keeps lines. Best effort: lines told while the actor restarts are lost.
    pub(crate) fn append(&self, session: SessionId, lines: Vec<NewLine>) {
        let told = match self.directory.get::<LogsMsg>(NAME) {
            Ok(actor) => actor.cast(LogsMsg::Append { session, lines }).is_ok(),
            Err(_) => false,
        };
        if !told {
            tracing::debug!(%session, "log lines were dropped: the logs actor is restarting");
        }
    }

    /// Keeps lines that another node numbered and stored; those that are here already are dropped.
    ///
    /// # Errors
    /// Tells when the journal does not write.
    pub(crate) async fn restore(
        &self,
        session: SessionId,
        lines: Vec<LogLineRecord>,
    ) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| LogsMsg::Restore { session, lines, reply }).await
    }

    /// Forgets the lines after number `last`; those up to number `shown` are not shown again when they come back.
    ///
    /// # Errors
    /// Tells when the journal does not write.
    pub(crate) async fn truncate(
        &self,
        session: SessionId,
        last: u64,
        shown: u64,
    ) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| LogsMsg::Truncate { session, last, shown, reply }).await
    }

    /// Waits until everything told before is stored.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub(crate) async fn flushed(&self) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| LogsMsg::Flushed { reply }).await
    }
}
