//! Who is let in, and that the layout of the first words never changes.

use proptest::prelude::*;
use tokio::io::duplex;

use super::*;

fn hello(node: &str) -> Hello {
    Hello {
        cluster_id: "c-1".into(),
        node_id: node.into(),
        incarnation: 5,
        boot_id: 77,
        proto_min: 1,
        proto_max: 2,
        build: "0.1.0".into(),
        sent_at_ms: 1_234,
        extensions: Vec::new(),
    }
}

fn known(latest: Option<(u64, u128)>) -> Known {
    Known { certificate: "b".into(), latest }
}

#[test]
fn the_layout_is_for_ever() {
    let mut said = hello("b");
    said.extensions.push((9, vec![1, 2]));
    let mut wanted = b"TMHI\x00\x39\x03c-1\x01b".to_vec();
    wanted.extend([0, 0, 0, 0, 0, 0, 0, 5]);
    wanted.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 77]);
    wanted.extend([0, 1, 0, 2]);
    wanted.extend(b"\x050.1.0");
    wanted.extend([0, 0, 0, 0, 0, 0, 4, 210]);
    wanted.extend([0, 9, 0, 2, 1, 2]);
    wanted[5] = u8::try_from(wanted.len() - 6).unwrap();
    assert_eq!(said.encode(), wanted);
    assert_eq!(Hello::decode(&wanted).unwrap(), said);
}

#[test]
fn each_way_not_to_fit_has_its_name() {
    let ours = hello("a");
    let fits = |change: fn(&mut Hello), latest| {
        let mut theirs = hello("b");
        change(&mut theirs);
        refuse(&ours, &theirs, &known(latest)).map(|refusal| refusal.code())
    };
    assert_eq!(fits(|_| {}, None), None);
    assert_eq!(fits(|_| {}, Some((5, 77))), None, "the same start again");
    assert_eq!(fits(|_| {}, Some((4, 1))), None, "a later start");
    assert_eq!(fits(|theirs| theirs.cluster_id = "c-2".into(), None), Some(1));
    assert_eq!(fits(|theirs| theirs.node_id = "c".into(), None), Some(2));
    assert_eq!(fits(|theirs| (theirs.proto_min, theirs.proto_max) = (3, 9), None), Some(3));
    assert_eq!(fits(|theirs| (theirs.proto_min, theirs.proto_max) = (0, 0), None), Some(3));
    assert_eq!(fits(|theirs| (theirs.proto_min, theirs.proto_max) = (2, 1), None), Some(3));
    assert_eq!(fits(|_| {}, Some((6, 1))), Some(4));
    assert_eq!(fits(|_| {}, Some((5, 78))), Some(5));
    let ourselves = Known { certificate: "a".into(), latest: None };
    assert_eq!(refuse(&ours, &ours, &ourselves).map(|refusal| refusal.code()), Some(5));
    let mut newer = hello("b");
    newer.proto_max = 7;
    assert_eq!(agreed(&ours, &newer), Some(2));
}

#[tokio::test(start_paused = true)]
async fn both_learn_who_the_other_is_and_how_far_away() {
    let (mut left, mut right) = duplex(32);
    let (a, b) = (hello("a"), hello("b"));
    let within = HELLO_WITHIN;
    let (one, two) = tokio::join!(exchange(&mut left, &a, Role::Dialer, within), async {
        tokio::time::sleep(Duration::from_millis(40)).await;
        exchange(&mut right, &b, Role::Acceptor, within).await
    });
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.hello, two.hello), (b, a));
    assert!(Duration::from_millis(40) <= one.round_trip && one.round_trip < HELLO_WITHIN);
    assert!(two.round_trip < Duration::from_millis(40));
}

#[tokio::test]
async fn who_is_refused_is_told_why_on_both_sides() {
    let no = || Some(HelloRefusal::StaleIncarnation { known: 9, found: 5 });
    for dialer_refuses in [true, false] {
        let (mut left, mut right) = duplex(4_096);
        let (a, b) = (hello("a"), hello("b"));
        let (one, two) = tokio::join!(
            meet(&mut left, &a, Role::Dialer, HELLO_WITHIN, |_| no().filter(|_| dialer_refuses)),
            meet(&mut right, &b, Role::Acceptor, HELLO_WITHIN, |_| no()
                .filter(|_| !dialer_refuses)),
        );
        let (refuser, refused) = if dialer_refuses { (one, two) } else { (two, one) };
        assert_eq!(refuser.unwrap_err(), HelloError::Refused(no().unwrap()));
        let Err(HelloError::RefusedByPeer { code, reason }) = refused else { panic!("was let in") };
        assert_eq!(
            (code, reason.as_str()),
            (4, "it is start 5 of its node, but start 9 is known already")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn silence_and_nonsense_end_the_exchange() {
    let (mut left, right) = duplex(4_096);
    let late = exchange(&mut left, &hello("a"), Role::Dialer, HELLO_WITHIN).await;
    assert_eq!(late.unwrap_err(), HelloError::Late(HELLO_WITHIN));
    drop(right);
    let too_long = [b"TMHI".as_slice(), &[0xff, 0xff]].concat();
    for words in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), too_long, hello("b").encode()[..20].to_vec()]
    {
        let (mut left, mut right) = duplex(4_096);
        right.write_all(&words).await.unwrap();
        drop(right);
        assert!(exchange(&mut left, &hello("a"), Role::Acceptor, HELLO_WITHIN).await.is_err());
    }
}

proptest! {
    #[test]
    fn what_is_said_is_understood_and_noise_is_no_hello(
        cluster_id in ".{0,40}", node_id in ".{0,40}", build in ".{0,40}",
        numbers in any::<(u64, u128, u16, u16, u64)>(),
        extensions in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..50)), 0..5),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        cut in any::<prop::sample::Index>(),
    ) {
        let (incarnation, boot_id, proto_min, proto_max, sent_at_ms) = numbers;
        let said = Hello {
            cluster_id, node_id, incarnation, boot_id, proto_min, proto_max, build, sent_at_ms, extensions,
        };
        let frame = said.encode();
        prop_assert_eq!(Hello::decode(&frame), Ok(said));
        prop_assert!(Hello::decode(&frame[..cut.index(frame.len())]).is_err());
        prop_assert!(Hello::decode(&noise).is_err() || noise.starts_with(b"TMHI"));
    }
}
