//! Why a message was not carried out, in types that travel, and why a sender got no answer.

use serde::{Deserialize, Serialize};
use store::codec::{Record, schema};

/// A receiver's or router's refusal. Except for [`Refused::Failed`], nothing took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Nobody of that key runs on the node that was asked.
    #[error("nobody answers to {key} here{}", owner.as_ref().map(|node| format!(": ask {node}")).unwrap_or_default())]
    NotHere {
        /// The key.
        key: String,
        /// Who owns it by this node's applied placements.
        owner: Option<String>,
    },
    /// The receiver does not know this kind of content or this version of it.
    #[error("content of kind {schema} version {version} is not understood here: upgrade that node")]
    Unsupported {
        /// Kind of the content.
        schema: u32,
        /// Version of it.
        version: u16,
    },
    /// Too much is waiting already.
    #[error("too much is waiting already: try again in {retry_after_ms} ms")]
    Overloaded {
        /// When to try again, in ms.
        retry_after_ms: u32,
    },
    /// The sender acts for an epoch that is over.
    #[error("epoch {found} is over, the current one is {current}")]
    StaleEpoch {
        /// The highest epoch known.
        current: u64,
        /// The message's.
        found: u64,
    },
    /// It arrived, or its turn came, after its time to live.
    #[error("the message was {age_ms} ms old and might live {ttl_ms} ms")]
    DeadlineExceeded {
        /// How old it was, in ms.
        age_ms: u64,
        /// How long it might live, in ms.
        ttl_ms: u32,
    },
    /// The content cannot be read.
    #[error("the content cannot be read: {reason}")]
    Undecodable {
        /// What the decoder said.
        reason: String,
    },
    /// No link leads there at this moment.
    #[error("{node} is not reached at this moment")]
    Unreachable {
        /// The node.
        node: String,
    },
    /// The receiver failed while it worked on it. Unknown whether it took effect.
    #[error("the receiver failed: {reason}")]
    Failed {
        /// What is known.
        reason: String,
    },
}

impl Record for Refused {
    const SCHEMA: u32 = schema::SCHEMA_ROUTER_REFUSAL;
    const VERSION: u16 = 1;
    const BYTES_MAX: usize = 4096;
}

/// Refusals by type, for counters.
pub const REFUSAL_NAMES: [&str; 8] = [
    "not_here",
    "unsupported",
    "overloaded",
    "stale_epoch",
    "deadline_exceeded",
    "undecodable",
    "unreachable",
    "failed",
];

impl Refused {
    /// Position in [`REFUSAL_NAMES`].
    #[must_use]
    pub fn index(&self) -> usize {
        match self {
            Self::NotHere { .. } => 0,
            Self::Unsupported { .. } => 1,
            Self::Overloaded { .. } => 2,
            Self::StaleEpoch { .. } => 3,
            Self::DeadlineExceeded { .. } => 4,
            Self::Undecodable { .. } => 5,
            Self::Unreachable { .. } => 6,
            Self::Failed { .. } => 7,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        REFUSAL_NAMES.get(self.index()).copied().unwrap_or_default()
    }

    /// As it travels: long texts are cut so that a refusal always fits.
    #[must_use]
    pub fn bounded(self) -> Self {
        let cut = |text: String| text.chars().take(256).collect::<String>();
        match self {
            Self::Undecodable { reason } => Self::Undecodable { reason: cut(reason) },
            Self::Failed { reason } => Self::Failed { reason: cut(reason) },
            Self::NotHere { key, owner } => Self::NotHere { key: cut(key), owner: owner.map(cut) },
            Self::Unreachable { node } => Self::Unreachable { node: cut(node) },
            other @ (Self::Unsupported { .. }
            | Self::Overloaded { .. }
            | Self::StaleEpoch { .. }
            | Self::DeadlineExceeded { .. }) => other,
        }
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// It was refused here or there.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It is too large to send; nothing was sent.
    #[error(
        "{what} may have {limit} bytes, found {found}: put the content into a blob and send its hash"
    )]
    TooLarge {
        /// Payload or key.
        what: &'static str,
        /// Bytes allowed.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// Nothing came back within the time to live. Unknown whether it took effect.
    #[error("{node} did not answer within {ttl_ms} ms: unknown whether it took effect")]
    NoAnswer {
        /// Who was asked.
        node: String,
        /// The time to live, in ms.
        ttl_ms: u32,
    },
    /// The link ended while the answer was awaited. Unknown whether it took effect.
    #[error("the link to {node} ended before the answer: unknown whether it took effect")]
    LinkLost {
        /// Who was asked.
        node: String,
    },
}

impl RouteError {
    /// Whether it is unknown if the request took effect; a retry must carry the same message id.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::LinkLost { .. } => true,
            Self::Refused(refused) => matches!(refused, Refused::Failed { .. }),
            Self::TooLarge { .. } => false,
        }
    }
}
