//! Messages between nodes: versioned envelopes with deadlines, credits, epochs and typed refusals.
//!
//! ```text
//! RouterHandle ─request→ credits (1,024 messages, 4 MiB per peer) ─frame→ link ─→ peer's ClusterRouter
//!      ↑                    └ none left: Overloaded at once                          │ session? deadline? key? epoch?
//!      └──────── reply ── link ←── receiver ←── lane (1,024 messages, 8 MiB per key) ┘ └ no: typed refusal back
//! ```
//!
//! Delivery is at most once; in order per source and key while one link session lives. At least once is the sender's
//! journal outbox plus retries with the same message id; effectively once is [`dedup`] in the receiver's journal, in
//! the batch of the effect. Nothing is delivered after its deadline; wall clocks play no part ([`deadline`]).
//!
//! The router is the only actor that other nodes know: one variant, one process group. Streams of high rate get
//! their own connection, not a second router.

mod actor;
mod counters;
pub mod credits;
pub mod deadline;
pub mod dedup;
pub mod envelope;
mod handle;
mod hub;
mod keeper;
mod lane;
pub mod refusal;
mod session;
pub mod table;

use std::sync::Arc;

use crate::net::Boxed;

pub(crate) use actor::ClusterRouter;
pub use actor::{ROUTER_GROUP, RouterMsg};
pub use counters::{DEAD_LETTERS_MAX, DeadLetter, RouterCounts};
pub use envelope::{Class, Kind, PAYLOAD_BYTES_MAX, Source, Traceparent};
pub use handle::{Registration, Request, RouterHandle};
pub(crate) use hub::Core;
pub use hub::boot_ms;
pub use lane::LaneLimits;
pub use refusal::{REFUSAL_NAMES, Refused, RouteError};
pub(crate) use session::{Session, SessionSpec};
pub use table::Owner;

/// A message as its receiver sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Who sent it; proven by the link it came over.
    pub source: Source,
    /// The key it was sent to.
    pub key: String,
    /// Request or event.
    pub kind: Kind,
    /// Kind of the content.
    pub schema: u32,
    /// Version of the content.
    pub version: u16,
    /// The epoch it was sent for.
    pub epoch: u64,
    /// How urgent it is.
    pub class: Class,
    /// Unique per source and incarnation; a retry carries the same: what [`dedup`] wants.
    pub message_id: u64,
    /// How long it was under way, in ms.
    pub age_ms: u64,
    /// How long it may live, in ms.
    pub ttl_ms: u32,
    /// The trace it belongs to.
    pub traceparent: Traceparent,
    /// The content.
    pub payload: Vec<u8>,
}

impl Received {
    fn new(envelope: envelope::Envelope, age_ms: u64) -> Self {
        Self {
            source: envelope.source,
            key: envelope.key,
            kind: envelope.kind,
            schema: envelope.schema,
            version: envelope.version,
            epoch: envelope.epoch,
            class: envelope.class,
            message_id: envelope.message_id,
            age_ms,
            ttl_ms: envelope.ttl_ms,
            traceparent: envelope.traceparent,
            payload: envelope.payload,
        }
    }

    fn about(&self) -> hub::About {
        hub::About {
            source: self.source.clone(),
            key: self.key.clone(),
            schema: self.schema,
            version: self.version,
            kind: self.kind,
            class: self.class,
            epoch: self.epoch,
            message_id: self.message_id,
            ttl_ms: self.ttl_ms,
            traceparent: self.traceparent,
        }
    }
}

/// Answers to a key.
pub trait Receiver: Send + Sync + 'static {
    /// Acts on a message and answers it; the answer to an event goes nowhere. Calls begin in the order in which
    /// messages arrived and may run side by side: whoever needs one after the other casts to an actor before the
    /// first await.
    fn receive(&self, received: Received) -> Boxed<'_, Result<Vec<u8>, Refused>>;

    /// Whether this kind and version of content is understood; refused as unsupported before it is queued otherwise.
    fn accepts(&self, _schema: u32, _version: u16) -> bool {
        true
    }

    /// What may wait.
    fn limits(&self) -> LaneLimits {
        LaneLimits::default()
    }
}

/// Knows who owns a key: applied control state. Must not block.
pub trait Placements: Send + Sync + 'static {
    /// Returns the owner.
    fn owner(&self, key: &str) -> Option<Owner>;
}

/// Nothing is placed anywhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPlacements;

impl Placements for NoPlacements {
    fn owner(&self, _key: &str) -> Option<Owner> {
        None
    }
}

impl<F: Fn(&str) -> Option<Owner> + Send + Sync + 'static> Placements for F {
    fn owner(&self, key: &str) -> Option<Owner> {
        self(key)
    }
}

/// A link as seen from here.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LinkView {
    /// The other end.
    pub peer: String,
    /// Where the link is in its life.
    pub state: crate::link::LinkState,
    /// Last measured round trip in ms; absent before the first.
    pub rtt_ms: Option<f64>,
    /// For how long it has been in this state, in ms.
    pub since_ms: u64,
    /// Connections made after the first.
    pub redials: u64,
    /// Bytes received in all sessions.
    pub bytes_in: u64,
    /// Bytes sent in all sessions.
    pub bytes_out: u64,
    /// Messages not sent or not answered because the link refused them.
    pub drops: u64,
    /// Messages sent and not yet taken in by the peer.
    pub messages_under_way: usize,
    /// Bytes of these.
    pub bytes_under_way: usize,
    /// Why it is not ready, or was not before.
    pub reason: Option<String>,
}

/// What the router needs of the links to show them.
pub(crate) trait LinkTable: Send + Sync + 'static {
    fn views(&self) -> Vec<LinkView>;
}

pub(crate) type SharedLinks = Arc<dyn LinkTable>;
