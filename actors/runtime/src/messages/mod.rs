//! Per actor: its messages (private to the package), its reply types and its handle (public).
//!
//! Callers hold a handle, never an address: it asks the directory for the current actor and never waits for ever.

pub(crate) mod collect;
pub mod data;
pub(crate) mod drafts;
pub(crate) mod follower;
pub(crate) mod host;
pub mod identity;
pub mod inspect;
pub mod library;
pub mod logs;
pub mod metrics;
pub mod nodes;
pub mod reports;
pub mod scheduler;
pub(crate) mod session;
pub mod sessions;
pub mod topics;
pub(crate) mod warden;
mod wishes;

use std::fmt;
use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{Message, RpcReplyPort};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::directory::Directory;
use crate::error::ActorsError;

/// How long a handle waits for an answer, in milliseconds.
pub(crate) const CALL_TIMEOUT_MS: u64 = 10_000;
/// How long a handle waits where files are parsed, in milliseconds.
pub(crate) const LONG_CALL_TIMEOUT_MS: u64 = 120_000;
/// Most rows of one page.
pub(crate) const PAGE_LIMIT_MAX: u32 = 500;
/// Rows of a page when the caller names none (0).
pub(crate) const PAGE_LIMIT_DEFAULT: u32 = 50;

/// Names one command of a client: repeating it returns the first answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub [u8; 16]);

impl CommandId {
    /// Returns a new, random id: for commands that nobody repeats.
    #[must_use]
    pub fn random() -> Self {
        Self(*Uuid::new_v4().as_bytes())
    }

    /// Returns the UUID of what this command makes: repeating the command names the same thing again.
    #[must_use]
    pub fn derive(&self, kind: &str) -> Uuid {
        let mut hash = Sha256::new();
        hash.update(kind.as_bytes());
        hash.update([0]);
        hash.update(self.0);
        let digest = hash.finalize();
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Who asks for a change, and why.
#[derive(Debug, Clone)]
pub struct Command {
    /// Its name; repeated commands carry the same.
    pub id: CommandId,
    /// User id of who asks, or the name of the part of the platform that does.
    pub actor: String,
    /// Why, in the asker's words.
    pub reason: Option<String>,
}

impl Command {
    /// Returns a command nobody repeats, without a reason.
    #[must_use]
    pub fn once(actor: impl Into<String>) -> Self {
        Self { id: CommandId::random(), actor: actor.into(), reason: None }
    }
}

/// Answers a question; a caller that stopped waiting is no error.
pub(crate) fn answer<T: Send + 'static>(port: RpcReplyPort<T>, value: T) {
    if port.send(value).is_err() {
        tracing::debug!("caller stopped waiting for an answer");
    }
}

/// Asks the actor called `name` and waits at most [`CALL_TIMEOUT_MS`].
///
/// # Errors
/// Returns the actor's refusal, or that it is restarting or did not answer.
pub(crate) async fn ask<M, T, F>(
    directory: &Directory,
    name: &'static str,
    make: F,
) -> Result<T, ActorsError>
where
    M: Message,
    T: Send + 'static,
    F: FnOnce(RpcReplyPort<Result<T, ActorsError>>) -> M + Send,
{
    ask_within(directory, name, CALL_TIMEOUT_MS, make).await
}

/// Asks the actor called `name` and waits at most `timeout_ms`.
///
/// # Errors
/// Returns the actor's refusal, or that it is restarting or did not answer.
pub(crate) async fn ask_within<M, T, F>(
    directory: &Directory,
    name: &'static str,
    timeout_ms: u64,
    make: F,
) -> Result<T, ActorsError>
where
    M: Message,
    T: Send + 'static,
    F: FnOnce(RpcReplyPort<Result<T, ActorsError>>) -> M + Send,
{
    let actor = directory.get::<M>(name)?;
    let unanswered = |reason: String| ActorsError::Unanswered { actor: name.to_owned(), reason };
    match actor.call(make, Some(Duration::from_millis(timeout_ms))).await {
        Ok(CallResult::Success(answer)) => answer,
        Ok(CallResult::Timeout) => Err(unanswered(format!("no answer within {timeout_ms} ms"))),
        Ok(CallResult::SenderError) => Err(unanswered("it ended before it answered".to_owned())),
        Err(_) => Err(ActorsError::Restarting { actor: name.to_owned() }),
    }
}

/// Returns the rows per page to use: 0 means the default, more than the most means the most.
pub(crate) fn page_limit(asked: u32) -> usize {
    let limit = if asked == 0 { PAGE_LIMIT_DEFAULT } else { asked.min(PAGE_LIMIT_MAX) };
    usize::try_from(limit).unwrap_or(1)
}
