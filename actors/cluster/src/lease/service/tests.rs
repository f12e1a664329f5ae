//! The service under paused time, with a quorum round that the test decides.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;

struct Quorum {
    rounds: AtomicU64,
    reached: AtomicBool,
    hangs: AtomicBool,
    elected: Mutex<Option<Leadership>>,
    leadership: watch::Sender<Leadership>,
}

fn leads(term: u64) -> Leadership {
    Leadership { leader: Some("me".into()), here: true, term }
}

fn setup() -> (Arc<Quorum>, Arc<LeaseService>) {
    let quorum = Arc::new(Quorum {
        rounds: AtomicU64::new(0),
        reached: AtomicBool::new(true),
        hangs: AtomicBool::new(false),
        elected: Mutex::new(None),
        leadership: watch::channel(leads(1)).0,
    });
    let round = Arc::clone(&quorum);
    let barrier: BarrierFn = Arc::new(move || {
        let quorum = Arc::clone(&round);
        Box::pin(async move {
            let number = quorum.rounds.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(30)).await;
            if quorum.hangs.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if let Some(next) = quorum.elected.lock().unwrap().take() {
                quorum.leadership.send_replace(next);
            }
            if quorum.reached.load(Ordering::SeqCst) {
                Ok(100 + number)
            } else {
                Err(ControlError::NoLeader { reason: "cut off".into() })
            }
        })
    });
    let begin = Instant::now();
    let settings = ServiceSettings {
        times: LeaseTimes::default(),
        leadership: quorum.leadership.subscribe(),
        barrier,
        standing: Arc::new(|node| {
            let down = node == "down";
            (7, Some(Standing { incarnation: 1, boot_id: Some([1; 16]), down }))
        }),
        clock: Arc::new(move || u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)),
    };
    (quorum, Arc::new(LeaseService::start(settings)))
}

async fn renew(service: &LeaseService, node: &str) -> RenewAnswer {
    let report = node.as_bytes().to_vec();
    let renewal = Renewal { node: node.into(), incarnation: 1, boot_id: [1; 16], report };
    let bytes = service.renew(node, &codec::encode(&renewal).unwrap()).await.unwrap();
    codec::decode(&bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_round_serves_all_that_wait_and_everybody_gets_all_reports() {
    let (quorum, service) = setup();
    let calls = (0..40).map(|number| {
        let service = Arc::clone(&service);
        async move { renew(&service, &format!("n{number:02}")).await }
    });
    let answers = futures_util::future::join_all(calls).await;
    for answer in answers {
        assert!(matches!(answer, RenewAnswer::Granted { term: 1, .. }), "{answer:?}");
    }
    assert_eq!(quorum.rounds.load(Ordering::SeqCst), 1);
    let RenewAnswer::Granted { applied, reports, .. } = renew(&service, "n00").await else {
        panic!("not granted")
    };
    // The renewal came after the first round began, so it needed its own.
    assert_eq!((applied, reports.len()), (101, 40));
    assert_eq!(reports[7].bytes, b"n07");
}

#[tokio::test(start_paused = true)]
async fn no_more_than_ten_rounds_per_second() {
    let (quorum, service) = setup();
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        renew(&service, "a").await;
    }
    let rounds = quorum.rounds.load(Ordering::SeqCst);
    assert!((15..=21).contains(&rounds), "{rounds} rounds in two seconds of the paused clock");
}

#[tokio::test(start_paused = true)]
async fn a_leader_without_a_majority_grants_nothing() {
    let (quorum, service) = setup();
    quorum.reached.store(false, Ordering::SeqCst);
    assert!(matches!(renew(&service, "a").await, RenewAnswer::Unproven { .. }));
    quorum.hangs.store(true, Ordering::SeqCst);
    assert!(matches!(renew(&service, "a").await, RenewAnswer::Unproven { .. }));
    assert!(service.reports().is_empty() && !service.live("a"));
}

#[tokio::test(start_paused = true)]
async fn a_term_that_ends_during_the_round_grants_nothing() {
    let (quorum, service) = setup();
    let next = Leadership { leader: Some("b".into()), here: false, term: 2 };
    *quorum.elected.lock().unwrap() = Some(next);
    assert_eq!(renew(&service, "a").await, RenewAnswer::NotLeader { leader: Some("b".into()) });
    // Elected again while the round ran: it proves the old term, not the new one.
    quorum.leadership.send_replace(leads(3));
    *quorum.elected.lock().unwrap() = Some(leads(5));
    assert!(matches!(renew(&service, "a").await, RenewAnswer::NotLeader { .. }));
    assert!(matches!(renew(&service, "a").await, RenewAnswer::Granted { term: 5, .. }));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_lead_names_the_leader_at_once() {
    let (quorum, service) = setup();
    let other = Leadership { leader: Some("b".into()), here: false, term: 2 };
    quorum.leadership.send_replace(other);
    assert_eq!(renew(&service, "a").await, RenewAnswer::NotLeader { leader: Some("b".into()) });
    assert_eq!(quorum.rounds.load(Ordering::SeqCst), 0);
    assert_eq!(service.overdue([("a", 1)]), None);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_the_certificates_is_refused() {
    let (_quorum, service) = setup();
    let renewal =
        Renewal { node: "a".into(), incarnation: 1, boot_id: [1; 16], report: Vec::new() };
    let bytes = service.renew("b", &codec::encode(&renewal).unwrap()).await.unwrap();
    let answer: RenewAnswer = codec::decode(&bytes).unwrap();
    assert!(matches!(answer, RenewAnswer::Refused(RenewRefusal::NameMismatch { .. })));
    assert!(service.renew("b", b"noise").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_silent_are_overdue_after_fifteen_seconds_and_get_nothing_until_settled() {
    let (_quorum, service) = setup();
    assert!(matches!(renew(&service, "a").await, RenewAnswer::Granted { .. }));
    let granted = Instant::now();
    let overdue = loop {
        let (term, overdue) = service.overdue([("a", 1)]).unwrap();
        assert_eq!(term, 1);
        if let Some(first) = overdue.into_iter().next() {
            break first;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert!(Duration::from_millis(14_900) <= granted.elapsed(), "{:?}", granted.elapsed());
    assert_eq!((overdue.node.as_str(), overdue.incarnation), ("a", 1));
    assert!(service.condemned("a"));
    assert_eq!(renew(&service, "a").await, RenewAnswer::Refused(RenewRefusal::GivenUp));
    service.settle("a");
    assert!(matches!(renew(&service, "a").await, RenewAnswer::Granted { .. }));
    assert_eq!(renew(&service, "down").await, RenewAnswer::Refused(RenewRefusal::GivenUp));
}
