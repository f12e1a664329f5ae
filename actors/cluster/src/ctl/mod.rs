//! The `ctl/1` plane: one question, one answer, both bytes, over streams whose other end is proven.
//!
//! ```text
//! CtlClient ─call(peer, "raft/append", bytes, deadline)→ one HTTP/2 connection per peer ─→ serve
//!                                                          Services: "raft" → Service ┘
//! ```
//!
//! The caller's name comes from its certificate, never from the message. A message has at most 4 MiB. Every call has a
//! deadline, kept at both ends. A silent connection is found out by pings after 2 s and closed 4 s later.

mod client;
mod codec;
mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::net::Boxed;

pub use client::CtlClient;
pub use server::serve;

/// Largest message, either way.
pub const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// Longest deadline: longer ones are cut to it.
pub const DEADLINE_MAX: Duration = Duration::from_secs(60);
/// A connection without traffic is asked for a sign of life after this time.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
/// Without an answer for this time it is closed.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(4);
/// Longest text of a refusal.
const DETAIL_BYTES_MAX: usize = 1_024;

/// A call was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CtlError {
    /// The peer is not reached, or the connection broke.
    #[error("{peer} is not reached: {reason}")]
    Unreachable {
        /// Who was called.
        peer: String,
        /// What is known.
        reason: String,
        /// Whether the question may have got there.
        sent: bool,
    },
    /// No answer within the deadline; the question may have got there.
    #[error("no answer within the deadline")]
    Deadline,
    /// The peer answered that it will not.
    #[error("refused ({code}): {detail}")]
    Refused {
        /// Which refusal; lower-case words joined by underscores.
        code: String,
        /// A sentence.
        detail: String,
    },
    /// A message over its limit.
    #[error("a message may have {MESSAGE_BYTES_MAX} bytes")]
    TooLarge,
}

impl CtlError {
    /// Returns a refusal; its text is cut to 1 KiB.
    #[must_use]
    pub fn refused(code: &str, detail: impl Into<String>) -> Self {
        let mut detail: String = detail.into();
        let mut end = DETAIL_BYTES_MAX.min(detail.len());
        while !detail.is_char_boundary(end) {
            end -= 1;
        }
        detail.truncate(end);
        Self::Refused { code: code.to_owned(), detail }
    }

    /// Whether it is certain that the peer has not seen the question.
    #[must_use]
    pub fn never_sent(&self) -> bool {
        match self {
            Self::Unreachable { sent, .. } => !sent,
            Self::TooLarge => true,
            Self::Deadline | Self::Refused { .. } => false,
        }
    }
}

/// Answers calls of one prefix.
pub trait Service: Send + Sync + 'static {
    /// Answers one call. `caller` is the name in the caller's certificate; `method` is the whole name.
    fn call(
        &self,
        caller: &str,
        method: &str,
        body: Vec<u8>,
    ) -> Boxed<'_, Result<Vec<u8>, CtlError>>;
}

/// Who answers which prefix. Cheap to share; services may be added while calls are answered.
#[derive(Default)]
pub struct Services {
    by_prefix: RwLock<BTreeMap<&'static str, Arc<dyn Service>>>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by_prefix = self.by_prefix.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(by_prefix.keys()).finish()
    }
}

impl Services {
    /// Returns an empty table.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Lets `service` answer methods `prefix/…`; replaces who did so before.
    pub fn register(&self, prefix: &'static str, service: Arc<dyn Service>) {
        self.by_prefix.write().unwrap_or_else(PoisonError::into_inner).insert(prefix, service);
    }

    /// Ends answering methods `prefix/…`.
    pub fn remove(&self, prefix: &str) {
        self.by_prefix.write().unwrap_or_else(PoisonError::into_inner).remove(prefix);
    }

    /// Answers one call.
    ///
    /// # Errors
    /// What the service says, and a refusal `unknown_method`.
    pub async fn call(
        &self,
        caller: &str,
        method: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, CtlError> {
        let prefix = method.split('/').next().unwrap_or_default();
        let service = {
            let by_prefix = self.by_prefix.read().unwrap_or_else(PoisonError::into_inner);
            by_prefix.get(prefix).cloned()
        };
        let Some(service) = service else {
            return Err(CtlError::refused("unknown_method", format!("nobody answers {method}")));
        };
        service.call(caller, method, body).await
    }
}
