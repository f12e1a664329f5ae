//! The envelope around everything stored or sent: magic, schema, version, codec, length, crc32c, bytes.
//!
//! bincode is not self-describing: newer bytes decode into an older struct without error. So every envelope names its
//! schema and version, and every byte must be consumed. Records are frozen once written; a change is a new version
//! with [`Record::decode_older`] (see [`upcast`]).
//!
//! ```text
//! offset  0      4          8           10        11          15        19
//!         magic  schema u32 version u16 codec u8  length u32  crc32c u32  bytes …      (all big-endian)
//! ```
//!
//! The crc covers schema, version, codec, length and bytes. The journal uses the short form without magic and length
//! (see `journal::chunks`), because its keys and parts already carry them.

pub mod frame;
pub mod schema;
pub mod upcast;

use bincode::config::{self, Config};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The first four bytes of every envelope.
pub const MAGIC: [u8; 4] = *b"TMC1";
/// Bytes before the payload.
pub const HEADER_BYTES: usize = 19;
/// Largest payload of an ordinary record.
pub const RECORD_BYTES_MAX: usize = 8 << 20;
/// Largest payload of a record that says so (the control snapshot).
pub const LARGE_RECORD_BYTES_MAX: usize = 256 << 20;
/// The one codec: bincode, legacy configuration (fixed integers, little-endian).
pub const CODEC_BINCODE: u8 = 1;

/// Something that can be stored or sent: plain data under a schema id and a version.
///
/// Fields are never reordered, enum variants only appended, no `HashMap`, no `usize`.
pub trait Record: Serialize + DeserializeOwned {
    /// A constant of [`schema`].
    const SCHEMA: u32;
    /// The version that is written.
    const VERSION: u16;
    /// Largest payload.
    const BYTES_MAX: usize = RECORD_BYTES_MAX;

    /// Decodes a payload of an older version; `None` when that version never existed.
    #[must_use]
    fn decode_older(version: u16, payload: &[u8]) -> Option<Result<Self, CodecError>> {
        let _unused = (version, payload);
        None
    }
}

/// Bytes could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// Fewer bytes than a header.
    #[error("wanted an envelope of at least {HEADER_BYTES} bytes, found {found}")]
    Short {
        /// Bytes found.
        found: usize,
    },
    /// Not an envelope of ours.
    #[error(
        "wanted the envelope mark {MAGIC:02x?}, found {found:02x?}: this is not a TradeMaster record"
    )]
    Magic {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// Another kind of record.
    #[error("wanted a record of kind {}, found kind {} ({found})", schema::name(*.wanted), schema::name(*.found))]
    Schema {
        /// The schema asked for.
        wanted: u32,
        /// The schema in the header.
        found: u32,
    },
    /// A version that this build does not know.
    #[error("record {} has version {found}, this build reads up to {newest}: upgrade before reading it", schema::name(*.schema))]
    Version {
        /// The record's schema.
        schema: u32,
        /// The version in the header.
        found: u16,
        /// Newest version known.
        newest: u16,
    },
    /// A codec that this build does not know.
    #[error("wanted codec {CODEC_BINCODE}, found {found}: upgrade before reading it")]
    Codec {
        /// The codec byte.
        found: u8,
    },
    /// The length in the header differs from the bytes.
    #[error("the header announces {announced} bytes, found {found}: the record is cut or glued")]
    Length {
        /// Bytes announced.
        announced: u64,
        /// Bytes found.
        found: u64,
    },
    /// The checksum differs: the bytes are damaged.
    #[error("checksum of a {} record differs (wanted {wanted:08x}, found {found:08x}): the bytes are damaged", schema::name(*.schema))]
    Checksum {
        /// The record's schema.
        schema: u32,
        /// As stored.
        wanted: u32,
        /// As computed.
        found: u32,
    },
    /// Larger than a record of this kind may be.
    #[error("a {} record may have {limit} bytes, found {found}", schema::name(*.schema))]
    TooLarge {
        /// The record's schema.
        schema: u32,
        /// The limit.
        limit: usize,
        /// What was found.
        found: usize,
    },
    /// The payload does not have the shape of its version.
    #[error("a {} record cannot be read: {reason}", schema::name(*.schema))]
    Payload {
        /// The record's schema.
        schema: u32,
        /// What the decoder said.
        reason: String,
    },
}

/// Returns the envelope of `record`.
///
/// # Errors
/// Refuses a record over its limit or one that bincode cannot write.
pub fn encode<T: Record>(record: &T) -> Result<Vec<u8>, CodecError> {
    let payload = encode_payload(record)?;
    let length = u32::try_from(payload.len()).map_err(|_| too_large::<T>(payload.len()))?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&T::SCHEMA.to_be_bytes());
    bytes.extend_from_slice(&T::VERSION.to_be_bytes());
    bytes.push(CODEC_BINCODE);
    bytes.extend_from_slice(&length.to_be_bytes());
    let crc = checksum(&bytes[4..15], &payload);
    bytes.extend_from_slice(&crc.to_be_bytes());
    bytes.extend_from_slice(&payload);
    Ok(bytes)
}

/// Returns the record inside an envelope of any version ever written.
///
/// # Errors
/// Refuses everything that is not exactly one intact envelope of this kind: see [`CodecError`].
pub fn decode<T: Record>(bytes: &[u8]) -> Result<T, CodecError> {
    let header = Header::parse(bytes)?;
    let payload = bytes.get(HEADER_BYTES..).unwrap_or_default();
    if header.schema != T::SCHEMA {
        return Err(CodecError::Schema { wanted: T::SCHEMA, found: header.schema });
    }
    if u64::from(header.length) != payload.len() as u64 {
        return Err(CodecError::Length {
            announced: u64::from(header.length),
            found: payload.len() as u64,
        });
    }
    let found = checksum(bytes.get(4..15).unwrap_or_default(), payload);
    if found != header.crc {
        return Err(CodecError::Checksum { schema: header.schema, wanted: header.crc, found });
    }
    decode_version::<T>(header.version, header.codec, payload)
}

/// What an envelope says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Kind of the record.
    pub schema: u32,
    /// Version of its layout.
    pub version: u16,
    /// How the payload is written.
    pub codec: u8,
    /// Bytes of the payload.
    pub length: u32,
    /// Checksum.
    pub crc: u32,
}

impl Header {
    /// Reads the header without looking at the payload.
    ///
    /// # Errors
    /// Refuses fewer bytes than a header and a foreign magic.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let Some(head) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(CodecError::Short { found: bytes.len() });
        };
        let [m0, m1, m2, m3, s0, s1, s2, s3, v0, v1, codec, l0, l1, l2, l3, c0, c1, c2, c3] = *head;
        let magic = [m0, m1, m2, m3];
        if magic != MAGIC {
            return Err(CodecError::Magic { found: magic });
        }
        Ok(Self {
            schema: u32::from_be_bytes([s0, s1, s2, s3]),
            version: u16::from_be_bytes([v0, v1]),
            codec,
            length: u32::from_be_bytes([l0, l1, l2, l3]),
            crc: u32::from_be_bytes([c0, c1, c2, c3]),
        })
    }
}

/// Returns the bincode bytes of `record`, without any header.
///
/// # Errors
/// Refuses a record over its limit or one that bincode cannot write.
pub fn encode_payload<T: Record>(record: &T) -> Result<Vec<u8>, CodecError> {
    let payload = bincode::serde::encode_to_vec(record, config::legacy())
        .map_err(|error| CodecError::Payload { schema: T::SCHEMA, reason: error.to_string() })?;
    if payload.len() > T::BYTES_MAX.min(LARGE_RECORD_BYTES_MAX) {
        return Err(too_large::<T>(payload.len()));
    }
    Ok(payload)
}

/// Returns the record in a payload whose header was already checked.
///
/// # Errors
/// Refuses an unknown codec or version and a payload that is not consumed to its last byte.
pub fn decode_version<T: Record>(version: u16, codec: u8, payload: &[u8]) -> Result<T, CodecError> {
    if codec != CODEC_BINCODE {
        return Err(CodecError::Codec { found: codec });
    }
    if version == T::VERSION {
        return decode_payload(payload);
    }
    let unknown = CodecError::Version { schema: T::SCHEMA, found: version, newest: T::VERSION };
    if version > T::VERSION {
        return Err(unknown);
    }
    T::decode_older(version, payload).unwrap_or(Err(unknown))
}

/// Returns the record in bincode bytes of its newest version.
///
/// # Errors
/// Refuses what is too large, has another shape or is not consumed to its last byte.
pub fn decode_payload<T: Record>(payload: &[u8]) -> Result<T, CodecError> {
    if payload.len() > T::BYTES_MAX.min(LARGE_RECORD_BYTES_MAX) {
        return Err(too_large::<T>(payload.len()));
    }
    if T::BYTES_MAX <= RECORD_BYTES_MAX {
        decode_with(payload, config::legacy().with_limit::<RECORD_BYTES_MAX>())
    } else {
        decode_with(payload, config::legacy().with_limit::<LARGE_RECORD_BYTES_MAX>())
    }
}

fn decode_with<T: Record, C: Config>(payload: &[u8], config: C) -> Result<T, CodecError> {
    let (record, consumed) = bincode::serde::decode_from_slice(payload, config)
        .map_err(|error| CodecError::Payload { schema: T::SCHEMA, reason: error.to_string() })?;
    if consumed != payload.len() {
        let reason = format!("{} bytes are left over", payload.len() - consumed);
        return Err(CodecError::Payload { schema: T::SCHEMA, reason });
    }
    Ok(record)
}

fn too_large<T: Record>(found: usize) -> CodecError {
    CodecError::TooLarge {
        schema: T::SCHEMA,
        limit: T::BYTES_MAX.min(LARGE_RECORD_BYTES_MAX),
        found,
    }
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(head), payload)
}
