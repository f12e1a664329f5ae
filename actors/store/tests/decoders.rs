//! Arbitrary and damaged bytes never panic and are never taken for something else.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use proptest::prelude::*;
use store::codec::{self, CodecError, Record, frame};
use store::raft_log::{SnapshotMark, Vote};
use store::records::metric::{MetricBatchRecord, PackedPoint};
use store::records::session::{StatusRecord, TransitionRecord};
use store::records::value::ValueRecord;

fn sample() -> TransitionRecord {
    TransitionRecord {
        seq: 1,
        at_ms: 2,
        from: Some("a".into()),
        to: "b".into(),
        reason: "c".into(),
        actor: "d".into(),
    }
}

fn all_refuse(bytes: &[u8]) -> bool {
    codec::decode::<TransitionRecord>(bytes).is_err()
        && codec::decode::<StatusRecord>(bytes).is_err()
        && codec::decode::<MetricBatchRecord>(bytes).is_err()
        && codec::decode::<ValueRecord>(bytes).is_err()
        && codec::decode::<Vote>(bytes).is_err()
        && codec::decode::<SnapshotMark>(bytes).is_err()
}

/// An envelope that is right in every respect but its payload.
fn wrapped<R: Record>(payload: &[u8]) -> Vec<u8> {
    let mut head = R::SCHEMA.to_be_bytes().to_vec();
    head.extend_from_slice(&R::VERSION.to_be_bytes());
    head.push(codec::CODEC_BINCODE);
    head.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&head), payload);
    let mut bytes = codec::MAGIC.to_vec();
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(&crc.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(all_refuse(&bytes));
    }

    #[test]
    fn arbitrary_payloads_in_a_right_envelope_never_panic(payload in prop::collection::vec(any::<u8>(), 0..300)) {
        let one = codec::decode::<TransitionRecord>(&wrapped::<TransitionRecord>(&payload));
        let two = codec::decode::<MetricBatchRecord>(&wrapped::<MetricBatchRecord>(&payload));
        let three = codec::decode::<SnapshotMark>(&wrapped::<SnapshotMark>(&payload));
        prop_assert!(one.is_ok() || one.is_err());
        prop_assert!(two.is_ok() || two.is_err());
        prop_assert!(three.is_ok() || three.is_err());
    }

    #[test]
    fn any_flipped_bit_is_noticed(at: prop::sample::Index, bit in 0_u8..8) {
        let mut bytes = codec::encode(&sample()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(codec::decode::<TransitionRecord>(&bytes).is_err());
    }

    #[test]
    fn cut_or_lengthened_bytes_are_refused(keep: prop::sample::Index, extra in prop::collection::vec(any::<u8>(), 1..20)) {
        let bytes = codec::encode(&sample()).unwrap();
        let cut = &bytes[..keep.index(bytes.len())];
        prop_assert!(codec::decode::<TransitionRecord>(cut).is_err());
        let longer = [bytes.as_slice(), &extra].concat();
        prop_assert!(codec::decode::<TransitionRecord>(&longer).is_err());
    }

    #[test]
    fn what_is_written_is_read(
        first: u64,
        names in prop::collection::vec("[a-z_]{1,20}", 0..5),
        points in prop::collection::vec((any::<u16>(), any::<u64>(), prop::option::of(-1e300_f64..1e300)), 0..50),
    ) {
        let points = points.into_iter().map(|(name, step, value)| PackedPoint { name, step, value }).collect();
        let record = MetricBatchRecord { first, stored_at_ms: 5, names, points };
        prop_assert_eq!(codec::decode::<MetricBatchRecord>(&codec::encode(&record).unwrap()).unwrap(), record);
    }

    #[test]
    fn arbitrary_streams_of_frames_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut stream = &bytes[..];
        let mut steps = 0;
        while let Ok(Some(payload)) = frame::read(&mut stream, 64) {
            prop_assert!(payload.len() <= 64);
            steps += 1;
            prop_assert!(steps <= bytes.len());
        }
    }
}

#[test]
fn another_kind_or_a_newer_version_is_named() {
    let bytes = codec::encode(&sample()).unwrap();
    assert!(matches!(codec::decode::<StatusRecord>(&bytes), Err(CodecError::Schema { .. })));
    let mut payload = wrapped::<TransitionRecord>(&[]);
    payload[8..10].copy_from_slice(&9_u16.to_be_bytes());
    let crc = crc32c::crc32c(&payload[4..15]);
    payload[15..19].copy_from_slice(&crc.to_be_bytes());
    let error = codec::decode::<TransitionRecord>(&payload).unwrap_err();
    assert!(matches!(error, CodecError::Version { found: 9, newest: 1, .. }), "{error}");
}

#[test]
fn a_length_that_lies_does_not_take_memory() {
    // A string of 2^63 bytes, announced in a payload of 8.
    let payload = (1_u64 << 63).to_le_bytes();
    let error =
        codec::decode::<ValueRecord>(&wrapped::<ValueRecord>(&[&[0; 4][..], &payload].concat()))
            .unwrap_err();
    assert!(matches!(error, CodecError::Payload { .. }), "{error}");
}
