//! What travels between routers: one envelope per message, one frame per envelope.
//!
//! ```text
//! frame     token u64 │ seq u64 │ ack u64 │ store::codec envelope of [`Envelope`]          (big-endian)
//! ```
//!
//! `token` was issued by the receiver when the link session was made: it says which session a frame belongs to, so a
//! peer can speak for nobody but itself, and nothing of an earlier session passes. `seq` counts what takes credit
//! (0: takes none), `ack` is the highest `seq` taken in from the other side. The layout of a frame never changes; the
//! envelope is versioned.

use serde::{Deserialize, Serialize};
use store::codec::{self, CodecError, Record, schema};

/// Largest frame: the limit of the link below.
pub const FRAME_BYTES_MAX: usize = 1 << 20;
/// Largest payload of an envelope; what is larger goes into a blob and its hash is sent.
pub const PAYLOAD_BYTES_MAX: usize = FRAME_BYTES_MAX - 4096;
/// Kept free in a frame for what the library below adds to it.
const LIBRARY_BYTES: usize = 1024;
/// Largest key in bytes.
pub const KEY_BYTES_MAX: usize = 512;
/// Bytes of a frame before the envelope.
pub const FRAME_HEADER_BYTES: usize = 24;

/// What an envelope is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Wants an answer.
    Request,
    /// An answer, or a refusal.
    Reply,
    /// Wants none.
    Event,
    /// Between the two routers: what was taken in, and how long a frame takes to go and come back.
    Ack,
}

/// How urgent a message is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Class {
    /// Cancel, kill, risk: a part of the credits is kept for these.
    Control,
    /// Everything else.
    #[default]
    Normal,
}

/// Who sent an envelope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// Name of the node.
    pub node: String,
    /// Which start of it.
    pub incarnation: u64,
}

/// A W3C trace context in binary: version 1 byte, trace id 16, parent id 8, flags 1. All zero: none.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Traceparent(pub [u8; 26]);

impl Traceparent {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0 == [0; 26]
    }

    /// Reads the header form, `00-<32 hex>-<16 hex>-<2 hex>`; anything else is `None`.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let mut bytes = [0; 26];
        let mut at = 0;
        for length in [1, 16, 8, 1] {
            let part = parts.next()?.as_bytes();
            if part.len() != length * 2 {
                return None;
            }
            for pair in part.chunks_exact(2) {
                let digits = std::str::from_utf8(pair).ok()?;
                *bytes.get_mut(at)? = u8::from_str_radix(digits, 16).ok()?;
                at += 1;
            }
        }
        parts.next().is_none().then_some(Self(bytes))
    }
}

impl std::fmt::Display for Traceparent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 1 | 17 | 25) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// One message between routers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// What the payload is: a constant of `store::codec::schema`.
    pub schema: u32,
    /// The version of that.
    pub version: u16,
    /// What the envelope is.
    pub kind: Kind,
    /// How urgent it is.
    pub class: Class,
    /// Who sent it.
    pub source: Source,
    /// Who it is for: `kind/id`, for example `session/s-1` or `node/a`.
    pub key: String,
    /// The owner's epoch as the sender knows it.
    pub epoch: u64,
    /// Unique per source and incarnation; a retry carries the same.
    pub message_id: u64,
    /// Which request this answers.
    pub in_reply_to: Option<u64>,
    /// The sender's boot-time clock in ms.
    pub sent_at_ms: u64,
    /// How long it may take to be acted upon, in ms.
    pub ttl_ms: u32,
    /// The trace it belongs to.
    pub traceparent: Traceparent,
    /// The content.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

impl Record for Envelope {
    const SCHEMA: u32 = schema::SCHEMA_ROUTER_ENVELOPE;
    const VERSION: u16 = 1;
    const BYTES_MAX: usize = FRAME_BYTES_MAX - LIBRARY_BYTES;
}

/// What precedes the envelope in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// The session, as named by the receiver.
    pub token: u64,
    /// Position among what takes credit; 0 takes none.
    pub seq: u64,
    /// Highest position taken in from the other side.
    pub ack: u64,
}

impl FrameHeader {
    /// Reads the header; `None` when there are not enough bytes.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let number = |at: usize| {
            frame.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes)
        };
        Some(Self { token: number(0)?, seq: number(8)?, ack: number(16)? })
    }

    /// Writes the header over the first bytes of a frame.
    pub fn write(self, frame: &mut [u8]) {
        let numbers = [self.token, self.seq, self.ack];
        for (place, number) in frame.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
    }
}

/// Returns a frame with an empty header; [`FrameHeader::write`] fills it in when the frame's place is known.
///
/// # Errors
/// Refuses an envelope over [`FRAME_BYTES_MAX`].
pub fn frame(envelope: &Envelope) -> Result<Vec<u8>, CodecError> {
    let body = codec::encode(envelope)?;
    let mut frame = Vec::with_capacity(FRAME_HEADER_BYTES + body.len());
    frame.resize(FRAME_HEADER_BYTES, 0);
    frame.extend_from_slice(&body);
    Ok(frame)
}

/// Returns the envelope inside a frame.
///
/// # Errors
/// Refuses everything that is not exactly one intact envelope.
pub fn open(frame: &[u8]) -> Result<Envelope, CodecError> {
    codec::decode(frame.get(FRAME_HEADER_BYTES..).unwrap_or_default())
}

/// The payload of [`Kind::Ack`]: a question about the time a frame takes, an answer to one, or neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The sender's clock in microseconds; comes back as `echo`.
    pub ask: Option<u64>,
    /// The asker's clock as it was asked.
    pub echo: Option<u64>,
}

impl Record for Probe {
    const SCHEMA: u32 = schema::SCHEMA_ROUTER_PROBE;
    const VERSION: u16 = 1;
    const BYTES_MAX: usize = 64;
}
