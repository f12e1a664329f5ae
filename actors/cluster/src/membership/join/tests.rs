//! Who is admitted, case by case.

use super::*;
use crate::version::{PROTOCOL_MAX, PROTOCOL_MIN};

const TOKEN: &[u8] = b"a long secret";
const CLUSTER: [u8; 16] = [9; 16];

fn signed(mut request: JoinRequest) -> JoinRequest {
    let claim =
        Claim { node: &request.node, incarnation: request.incarnation, boot_id: &request.boot_id };
    request.proof = proof::prove(TOKEN, &claim);
    request
}

fn request() -> JoinRequest {
    signed(JoinRequest {
        proof: [0; 32],
        node: "n2".into(),
        incarnation: 4,
        boot_id: [2; 16],
        cluster: None,
        lost_log: false,
        cluster_address: "10.0.0.2:7700".into(),
        gateway_url: String::new(),
        protocol_min: PROTOCOL_MIN,
        protocol_max: PROTOCOL_MAX,
        build: "0.1.0".into(),
        labels: BTreeMap::from([("zone".into(), "a".into())]),
        roles: vec!["trade".into()],
        capacity: vec![1, 2, 3],
    })
}

fn leads() -> Leadership {
    Leadership { leader: Some("n1".into()), here: true, term: 2 }
}

fn facts(leadership: &Leadership) -> JoinFacts<'_> {
    JoinFacts {
        token: TOKEN,
        cluster: Some(CLUSTER),
        version: 1,
        leadership,
        leader_address: Some("10.0.0.1:7700".into()),
        known: None,
    }
}

fn known() -> KnownNode {
    KnownNode {
        incarnation: 4,
        boot_id: [2; 16],
        state: NodeState::Ready,
        live: true,
        condemned: false,
    }
}

fn asked(request: &JoinRequest, known: Option<KnownNode>) -> Result<Admission, JoinRefusal> {
    decide(request, "n2", &JoinFacts { known, ..facts(&leads()) })
}

#[test]
fn a_stranger_with_the_token_is_admitted() {
    let admission = Admission { renumber: false, protocol: PROTOCOL_MAX };
    assert_eq!(asked(&request(), None), Ok(admission));
    let again = JoinRequest { cluster: Some(CLUSTER), ..request() };
    assert_eq!(asked(&again, Some(known())), Ok(admission));
}

#[test]
fn without_the_token_nothing_else_is_said() {
    let follower = Leadership { here: false, ..leads() };
    let wrong = JoinRequest { proof: [7; 32], node: String::new(), ..request() };
    assert_eq!(decide(&wrong, "other", &facts(&follower)), Err(JoinRefusal::WrongToken));
    // A proof for one node is of no use to another, and an empty token is nobody's.
    let stolen = JoinRequest { node: "n3".into(), ..request() };
    assert_eq!(decide(&stolen, "n3", &facts(&leads())), Err(JoinRefusal::WrongToken));
    let mut open = request();
    open.proof = proof::prove(b"", &Claim { node: "n2", incarnation: 4, boot_id: &[2; 16] });
    let facts = JoinFacts { token: b"", ..facts(&follower) };
    assert_eq!(decide(&open, "n2", &facts), Err(JoinRefusal::WrongToken));
}

#[test]
fn the_name_must_be_the_certificates() {
    let refusal = JoinRefusal::NameMismatch { certificate: "n9".into(), name: "n2".into() };
    assert_eq!(decide(&request(), "n9", &facts(&leads())), Err(refusal));
}

#[test]
fn whoever_does_not_lead_says_who_does() {
    let follower = Leadership { here: false, ..leads() };
    let refusal = decide(&request(), "n2", &facts(&follower)).unwrap_err();
    let ask = NextTry::Ask { leader: "n1".into(), address: "10.0.0.1:7700".into() };
    assert_eq!(next_try(&refusal), ask);
    let nobody = Leadership::default();
    let facts = JoinFacts { leader_address: None, ..facts(&nobody) };
    assert_eq!(next_try(&decide(&request(), "n2", &facts).unwrap_err()), NextTry::Later);
}

#[test]
fn data_of_another_cluster_is_refused() {
    let foreign = JoinRequest { cluster: Some([8; 16]), ..request() };
    assert_eq!(asked(&foreign, None), Err(JoinRefusal::WrongCluster));
}

#[test]
fn versions_must_overlap_and_reach_what_is_written() {
    let newer =
        JoinRequest { protocol_min: PROTOCOL_MAX + 1, protocol_max: PROTOCOL_MAX + 2, ..request() };
    let refusal = asked(&newer, None).unwrap_err();
    assert!(matches!(refusal, JoinRefusal::VersionRange { .. }), "{refusal:?}");
    let leads = leads();
    let written = JoinFacts { version: u32::from(PROTOCOL_MAX) + 1, ..facts(&leads) };
    let refusal = decide(&request(), "n2", &written).unwrap_err();
    assert!(matches!(refusal, JoinRefusal::VersionRange { .. }), "{refusal:?}");
}

#[test]
fn a_live_name_is_taken_and_a_dead_one_goes_on_with_the_next_start() {
    let twin = signed(JoinRequest { boot_id: [3; 16], ..request() });
    assert_eq!(asked(&twin, Some(known())), Err(JoinRefusal::NameTaken { node: "n2".into() }));
    let dead = KnownNode { live: false, ..known() };
    let stale = JoinRefusal::StaleIncarnation { known: 4, found: 4, issued: 5 };
    assert_eq!(asked(&twin, Some(dead.clone())), Err(stale.clone()));
    assert_eq!(next_try(&stale), NextTry::UseIncarnation(5));
    let emptied = signed(JoinRequest { incarnation: 1, boot_id: [3; 16], ..request() });
    let stale = JoinRefusal::StaleIncarnation { known: 4, found: 1, issued: 5 };
    assert_eq!(asked(&emptied, Some(dead)), Err(stale));
    let gone = KnownNode { state: NodeState::Left, ..known() };
    assert!(matches!(asked(&emptied, Some(gone)), Err(JoinRefusal::StaleIncarnation { .. })));
}

#[test]
fn a_newer_start_is_admitted_even_while_the_lease_of_the_older_one_runs() {
    let restarted = signed(JoinRequest { incarnation: 5, boot_id: [3; 16], ..request() });
    assert_eq!(asked(&restarted, Some(known())).map(|admission| admission.renumber), Ok(false));
    let emptied = JoinRequest { lost_log: true, ..restarted };
    assert_eq!(asked(&emptied, Some(known())).map(|admission| admission.renumber), Ok(true));
    assert_eq!(asked(&emptied, None).map(|admission| admission.renumber), Ok(false));
}

#[test]
fn nobody_is_admitted_while_being_marked_down() {
    let condemned = KnownNode { condemned: true, ..known() };
    let refusal = asked(&request(), Some(condemned)).unwrap_err();
    assert_eq!(next_try(&refusal), NextTry::Later);
}

type Change = fn(&mut JoinRequest, &str);

#[test]
fn every_field_has_a_limit() {
    let long = "x".repeat(limits::NAME_BYTES_MAX + 1);
    let changes: [Change; 7] = [
        |r, _| r.cluster_address = String::new(),
        |r, _| r.build = String::new(),
        |r, long| r.gateway_url = long.to_owned(),
        |r, long| r.roles = vec![long.to_owned()],
        |r, _| r.roles = vec![String::new(); limits::LABEL_COUNT_MAX + 1],
        |r, long| r.labels = BTreeMap::from([("k".into(), long.to_owned())]),
        |r, _| r.capacity = vec![0; CAPACITY_BYTES_MAX + 1],
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut request = request();
        change(&mut request, &long);
        let refusal = asked(&request, None).unwrap_err();
        assert!(matches!(refusal, JoinRefusal::Field { .. }), "{number}: {refusal:?}");
        assert_eq!(next_try(&refusal), NextTry::GiveUp);
    }
    let name = "x".repeat(NODE_NAME_BYTES_MAX + 1);
    let request = signed(JoinRequest { node: name.clone(), ..request() });
    let refusal = decide(&request, &name, &facts(&leads())).unwrap_err();
    assert!(matches!(refusal, JoinRefusal::Field { .. }));
}
