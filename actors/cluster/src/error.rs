//! What can go wrong in the control plane and between peers, told apart by what the caller can do.

use crate::control::apply::Divergence;
use crate::control::refusal::Refusal;

/// A proposal was not carried out, or it is not known whether it was.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The command was agreed upon and refused; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many proposals wait; nothing was written, try again later.
    #[error("{limit} proposals already wait: try again in a moment")]
    Overloaded {
        /// How many may wait.
        limit: usize,
    },
    /// A command is larger than an entry may be; nothing was written.
    #[error("a command may have {limit} bytes, found {found}")]
    TooLarge {
        /// Bytes allowed.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// The driver ended before it answered. Unknown whether it took effect: ask again with the same key.
    #[error(
        "the control plane ended before it answered ({reason}): ask again with the same command id"
    )]
    Unknown {
        /// Why it ended, as far as known.
        reason: String,
    },
    /// The log could not be read or written.
    #[error("the control log failed: {0}")]
    Store(#[from] store::StoreError),
    /// Log and state do not fit; the process must end.
    #[error(transparent)]
    Divergence(#[from] Divergence),
    /// Nobody leads at this moment, or this node is cut off from the majority; nothing was written.
    #[error("no majority is reached at this moment ({reason}): try again in a few seconds")]
    NoLeader {
        /// What is known.
        reason: String,
    },
    /// Voters and learners could not be changed, or the answer whether they were is missing.
    #[error("the members were not changed as asked: {reason}")]
    Members {
        /// What stands in the way.
        reason: String,
    },
    /// A thread could not be started.
    #[error("the control thread could not be started: {reason}")]
    Thread {
        /// What the system said.
        reason: String,
    },
}

/// A peer was not reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// Nobody answers at the address, or not in time.
    #[error("{peer} is not reached at {address}: {reason}")]
    Unreachable {
        /// Who was wanted.
        peer: String,
        /// Where.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// Somebody answers, but does not prove to be the peer, or does not accept us.
    #[error(
        "{address} does not prove to be {peer}: {reason}; check both nodes' certificates with `tm cert show`"
    )]
    Untrusted {
        /// Who was wanted.
        peer: String,
        /// Where.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// No address of the peer is known.
    #[error("no address of {peer} is known: it is no member")]
    Unknown {
        /// Who was wanted.
        peer: String,
    },
}
