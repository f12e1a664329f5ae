//! Values in parts: sled keeps a page above 128 KiB in a side file that nothing syncs, so no value exceeds 4,096 bytes.
//!
//! ```text
//! part 0   crc32c u32 | schema u32 | version u16 | codec u8 | parts u16 | length u32 | bytes …
//! part n   bytes …
//! ```
//!
//! Big-endian. The crc covers everything after itself, over all parts. This is the short form of the codec's envelope.

use crate::codec::{self, CodecError, Record};
use crate::error::StoreError;

/// Largest value on disk, header included.
pub(crate) const VALUE_BYTES_MAX: usize = 4_096;
/// Largest record, all parts together; beyond that it is a blob.
pub(crate) const CHUNKED_BYTES_MAX: usize = 64 << 10;
/// Bytes before the payload of part 0.
pub(crate) const VALUE_HEADER_BYTES: usize = 17;

/// What part 0 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValueHeader {
    pub(crate) crc: u32,
    pub(crate) schema: u32,
    pub(crate) version: u16,
    pub(crate) codec: u8,
    pub(crate) parts: u16,
    pub(crate) length: u32,
}

impl ValueHeader {
    pub(crate) fn parse(first: &[u8]) -> Option<Self> {
        let [c0, c1, c2, c3, s0, s1, s2, s3, v0, v1, codec, p0, p1, l0, l1, l2, l3] =
            *first.first_chunk::<VALUE_HEADER_BYTES>()?;
        Some(Self {
            crc: u32::from_be_bytes([c0, c1, c2, c3]),
            schema: u32::from_be_bytes([s0, s1, s2, s3]),
            version: u16::from_be_bytes([v0, v1]),
            codec,
            parts: u16::from_be_bytes([p0, p1]),
            length: u32::from_be_bytes([l0, l1, l2, l3]),
        })
    }
}

/// Returns the parts of a record.
pub(crate) fn split<R: Record>(record: &R) -> Result<Vec<Vec<u8>>, StoreError> {
    let payload = codec::encode_payload(record)?;
    split_payload((R::SCHEMA, R::VERSION), &payload)
}

/// Returns the parts of a payload under its schema and version.
pub(crate) fn split_payload(kind: (u32, u16), payload: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    let total = payload.len() + VALUE_HEADER_BYTES;
    let too_large = StoreError::TooLarge {
        what: "a record's bytes",
        limit: CHUNKED_BYTES_MAX - VALUE_HEADER_BYTES,
        found: payload.len(),
    };
    if total > CHUNKED_BYTES_MAX {
        return Err(too_large);
    }
    let (Ok(count), Ok(length)) =
        (u16::try_from(total.div_ceil(VALUE_BYTES_MAX)), u32::try_from(payload.len()))
    else {
        return Err(too_large);
    };
    let mut all = Vec::with_capacity(total);
    all.extend_from_slice(&[0; 4]);
    all.extend_from_slice(&kind.0.to_be_bytes());
    all.extend_from_slice(&kind.1.to_be_bytes());
    all.push(codec::CODEC_BINCODE);
    all.extend_from_slice(&count.to_be_bytes());
    all.extend_from_slice(&length.to_be_bytes());
    all.extend_from_slice(payload);
    let crc = crc32c::crc32c(all.get(4..).unwrap_or_default());
    if let Some(head) = all.first_chunk_mut::<4>() {
        *head = crc.to_be_bytes();
    }
    Ok(all.chunks(VALUE_BYTES_MAX).map(<[u8]>::to_vec).collect())
}

/// Returns header and payload of joined parts, or what is wrong with them.
pub(crate) fn check(all: &[u8]) -> Result<(ValueHeader, &[u8]), String> {
    let header = ValueHeader::parse(all)
        .ok_or_else(|| format!("{} bytes are shorter than a header", all.len()))?;
    let payload = all.get(VALUE_HEADER_BYTES..).unwrap_or_default();
    if payload.len() as u64 != u64::from(header.length) {
        return Err(format!("wanted {} bytes, found {}", header.length, payload.len()));
    }
    if all.len().div_ceil(VALUE_BYTES_MAX) != usize::from(header.parts) {
        return Err(format!("wanted {} parts for {} bytes", header.parts, all.len()));
    }
    let found = crc32c::crc32c(all.get(4..).unwrap_or_default());
    if found != header.crc {
        return Err(format!("wanted checksum {:08x}, found {found:08x}", header.crc));
    }
    Ok((header, payload))
}

/// Returns the record in joined and checked parts.
pub(crate) fn record<R: Record>(header: ValueHeader, payload: &[u8]) -> Result<R, CodecError> {
    if header.schema != R::SCHEMA {
        return Err(CodecError::Schema { wanted: R::SCHEMA, found: header.schema });
    }
    codec::decode_version(header.version, header.codec, payload)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_joined_are_the_payload_again(payload in prop::collection::vec(any::<u8>(), 0..20_000)) {
            let parts = split_payload((21, 1), &payload).unwrap();
            prop_assert!(parts.iter().all(|part| part.len() <= VALUE_BYTES_MAX));
            let all = parts.concat();
            let (header, found) = check(&all).unwrap();
            prop_assert_eq!(usize::from(header.parts), parts.len());
            prop_assert_eq!(found, &payload[..]);
        }

        #[test]
        fn any_flipped_bit_is_noticed(payload in prop::collection::vec(any::<u8>(), 0..5_000), at: prop::sample::Index, bit in 0_u8..8) {
            let mut all = split_payload((21, 1), &payload).unwrap().concat();
            let at = at.index(all.len());
            all[at] ^= 1 << bit;
            prop_assert!(check(&all).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(all in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(check(&all).is_err());
        }
    }

    #[test]
    fn refuses_more_than_64_kib() {
        let limit = CHUNKED_BYTES_MAX - VALUE_HEADER_BYTES;
        assert_eq!(split_payload((21, 1), &vec![0; limit]).unwrap().len(), 16);
        assert!(matches!(
            split_payload((21, 1), &vec![0; limit + 1]),
            Err(StoreError::TooLarge { .. })
        ));
    }
}
