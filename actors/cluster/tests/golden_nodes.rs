//! What nodes say to each other about leases and joining is readable for ever, and garbage is refused.
//!
//! `UPDATE_GOLDEN=1` writes files that are missing; a file that exists is never rewritten.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use cluster::lease::{NodeReport, RenewAnswer, RenewRefusal, Renewal};
use cluster::membership::join::{Admitted, JoinAnswer, JoinRefusal, JoinRequest, MemberAddress};
use cluster::membership::proof::{self, Claim};
use proptest::prelude::*;
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

#[test]
fn renewals_and_every_answer() {
    let node = "node-1".to_owned();
    let report = b"{}".to_vec();
    golden(&Renewal { node: node.clone(), incarnation: 2, boot_id: [3; 16], report }, "");
    let reports = vec![NodeReport { node, incarnation: 2, age_ms: 4, bytes: b"{}".to_vec() }];
    golden(&RenewAnswer::Granted { term: 5, applied: 6, reports }, "_granted");
    golden(&RenewAnswer::NotLeader { leader: Some("node-2".to_owned()) }, "_not_leader");
    golden(&RenewAnswer::Unproven { reason: "no majority".to_owned() }, "_unproven");
    let (certificate, name) = ("node-1".to_owned(), "node-2".to_owned());
    let each = [
        ("stale", RenewRefusal::StaleIncarnation { current: 2, found: 1 }),
        ("duplicate", RenewRefusal::DuplicateNode { incarnation: 2 }),
        ("no_member", RenewRefusal::NotMember),
        ("not_admitted", RenewRefusal::NotAdmitted { admitted: 1, found: 2 }),
        ("given_up", RenewRefusal::GivenUp),
        ("name", RenewRefusal::NameMismatch { certificate, name }),
    ];
    for (part, refusal) in each {
        golden(&RenewAnswer::Refused(refusal), &format!("_{part}"));
    }
}

fn request() -> JoinRequest {
    let claim = Claim { node: "node-1", incarnation: 1, boot_id: &[2; 16] };
    JoinRequest {
        proof: proof::prove(b"a token", &claim),
        node: "node-1".to_owned(),
        incarnation: 1,
        boot_id: [2; 16],
        cluster: Some([3; 16]),
        lost_log: true,
        cluster_address: "10.0.0.1:7700".to_owned(),
        gateway_url: "https://10.0.0.1:8443".to_owned(),
        protocol_min: 1,
        protocol_max: 2,
        build: "1.0.0".to_owned(),
        labels: BTreeMap::from([("zone".to_owned(), "a".to_owned())]),
        roles: vec!["compute".to_owned()],
        capacity: b"{}".to_vec(),
    }
}

#[test]
fn requests_to_join_and_every_answer() {
    golden(&request(), "");
    let node = "node-1".to_owned();
    let address = "10.0.0.1:7700".to_owned();
    let members = vec![MemberAddress { node, raft_id: 1, address, voter: true }];
    let admitted = Admitted { raft_id: 2, cluster: [3; 16], version: 1, members };
    golden(&JoinAnswer::Admitted(admitted), "_admitted");
    let (certificate, name) = ("node-1".to_owned(), "node-2".to_owned());
    let range = JoinRefusal::VersionRange { needed_min: 2, needed_max: 3, min: 1, max: 1 };
    let not_leader = JoinRefusal::NotLeader {
        leader: Some("node-2".to_owned()),
        address: Some("10.0.0.2:7700".to_owned()),
    };
    let each = [
        ("token", JoinRefusal::WrongToken),
        ("name", JoinRefusal::NameMismatch { certificate, name }),
        ("field", JoinRefusal::Field { field: "the name".to_owned(), limit: 63, found: 64 }),
        ("cluster", JoinRefusal::WrongCluster),
        ("versions", range),
        ("not_leader", not_leader),
        ("taken", JoinRefusal::NameTaken { node: "node-1".to_owned() }),
        ("stale", JoinRefusal::StaleIncarnation { known: 3, found: 1, issued: 4 }),
        ("try_again", JoinRefusal::TryAgain { reason: "later".to_owned() }),
    ];
    for (part, refusal) in each {
        golden(&JoinAnswer::Refused(refusal), &format!("_{part}"));
    }
}

proptest! {
    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(codec::decode::<Renewal>(&bytes).is_err());
        prop_assert!(codec::decode::<RenewAnswer>(&bytes).is_err());
        prop_assert!(codec::decode::<JoinRequest>(&bytes).is_err());
        prop_assert!(codec::decode::<JoinAnswer>(&bytes).is_err());
    }

    #[test]
    fn a_changed_byte_never_passes(at: prop::sample::Index, bit in 0_u32..8) {
        let mut bytes = codec::encode(&request()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(codec::decode::<JoinRequest>(&bytes).is_err());
    }
}
