//! What routers have ever said to each other is readable for ever.
//!
//! `UPDATE_GOLDEN=1` writes files that are missing; a file that exists is never rewritten.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::fmt::Debug;
use std::path::PathBuf;

use cluster::router::envelope::{Envelope, FrameHeader, Probe, frame};
use cluster::router::{Class, Kind, Refused, Source, Traceparent};
use store::codec::{self, Record, schema};

fn golden<R: Record + PartialEq + Debug>(sample: &R, part: &str) {
    let name = format!("{}{part}_v{}.bin", schema::name(R::SCHEMA), R::VERSION);
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let bytes = codec::encode(sample).unwrap();
    if !file.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &bytes).unwrap();
    }
    let stored = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert_eq!(codec::decode::<R>(&stored).as_ref(), Ok(sample), "{}", file.display());
    assert_eq!(stored, bytes, "{}: variants and fields are only appended", file.display());
}

fn envelope(kind: Kind, class: Class) -> Envelope {
    Envelope {
        schema: 7,
        version: 2,
        kind,
        class,
        source: Source { node: "node-1".to_owned(), incarnation: 3 },
        key: "session/s-1".to_owned(),
        epoch: 4,
        message_id: 5,
        in_reply_to: (kind == Kind::Reply).then_some(6),
        sent_at_ms: 1_000,
        ttl_ms: 5_000,
        traceparent: Traceparent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
            .unwrap(),
        payload: vec![1, 2, 3],
    }
}

#[test]
fn envelopes_of_each_kind() {
    golden(&envelope(Kind::Request, Class::Normal), "_request");
    golden(&envelope(Kind::Reply, Class::Control), "_reply");
    golden(&envelope(Kind::Event, Class::Normal), "_event");
    golden(&envelope(Kind::Ack, Class::Control), "_ack");
}

#[test]
fn probes_and_every_refusal() {
    golden(&Probe { ask: Some(1), echo: Some(2) }, "");
    let reason = "why".to_owned();
    let key = "session/s-1".to_owned();
    let each = [
        Refused::NotHere { key, owner: Some("node-2".to_owned()) },
        Refused::Unsupported { schema: 1, version: 2 },
        Refused::Overloaded { retry_after_ms: 3 },
        Refused::StaleEpoch { current: 4, found: 5 },
        Refused::DeadlineExceeded { age_ms: 6, ttl_ms: 7 },
        Refused::Undecodable { reason: reason.clone() },
        Refused::Unreachable { node: "node-3".to_owned() },
        Refused::Failed { reason },
    ];
    for refused in each {
        golden(&refused, &format!("_{}", refused.name()));
    }
}

#[test]
fn a_frame_is_its_header_and_its_envelope() {
    let mut bytes = frame(&envelope(Kind::Event, Class::Normal)).unwrap();
    FrameHeader { token: 0x0102, seq: 3, ack: 4 }.write(&mut bytes);
    let head = [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4];
    assert_eq!(bytes[..24], head);
    assert_eq!(&bytes[24..28], b"TMC1");
}
