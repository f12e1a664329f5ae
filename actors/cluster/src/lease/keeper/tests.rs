//! The keeper under paused time, with peers that the test decides.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::*;

/// How a peer behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Peer {
    /// Grants.
    Leads,
    /// Says who leads.
    Names(&'static str),
    /// Never answers.
    Silent,
    /// Refuses.
    Refuses(RenewRefusal),
}

#[derive(Default)]
struct Peers {
    by_name: Mutex<BTreeMap<&'static str, Peer>>,
    calls: Mutex<Vec<(String, Instant)>>,
    leader: Mutex<Option<&'static str>>,
    report_bytes: AtomicU64,
}

impl Caller for Peers {
    fn call<'a>(
        &'a self,
        peer: &'a str,
        method: &'a str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Boxed<'a, Result<Vec<u8>, CallError>> {
        assert_eq!(method, METHOD_RENEW);
        let renewal: Renewal = codec::decode(&body).unwrap();
        self.report_bytes.store(renewal.report.len() as u64, Ordering::SeqCst);
        self.calls.lock().unwrap().push((peer.to_owned(), Instant::now()));
        let behaviour = self.by_name.lock().unwrap().get(peer).cloned().unwrap_or(Peer::Silent);
        Box::pin(async move {
            let reports = vec![NodeReport {
                node: peer.into(),
                incarnation: 1,
                age_ms: 0,
                bytes: Vec::new(),
            }];
            let answer = match behaviour {
                Peer::Leads => RenewAnswer::Granted { term: 4, applied: 9, reports },
                Peer::Names(leader) => RenewAnswer::NotLeader { leader: Some(leader.to_owned()) },
                Peer::Refuses(refusal) => RenewAnswer::Refused(refusal),
                Peer::Silent => {
                    tokio::time::sleep(deadline).await;
                    return Err(CallError { peer: peer.to_owned(), reason: "silent".into() });
                }
            };
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok(codec::encode(&answer).unwrap())
        })
    }
}

impl Peers {
    fn new(behaviours: &[(&'static str, Peer)], leader: Option<&'static str>) -> Arc<Self> {
        let peers = Self::default();
        peers.by_name.lock().unwrap().extend(behaviours.iter().cloned());
        *peers.leader.lock().unwrap() = leader;
        Arc::new(peers)
    }

    fn set(&self, name: &'static str, peer: Peer) {
        self.by_name.lock().unwrap().insert(name, peer);
    }

    fn keeper(self: &Arc<Self>, report_bytes: usize) -> Keeper {
        let (begin, known) = (Instant::now(), Arc::clone(self));
        Keeper::start(KeeperSettings {
            node: "me".into(),
            incarnation: 1,
            boot_id: [1; 16],
            times: LeaseTimes::default(),
            caller: Arc::clone(self) as Arc<dyn Caller>,
            targets: Arc::new(move || Targets {
                leader: known.leader.lock().unwrap().map(str::to_owned),
                voters: ["a", "b", "c"].map(str::to_owned).to_vec(),
            }),
            report: Arc::new(move || vec![1; report_bytes]),
            clock: Arc::new(move || {
                1_000_000 + u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
            }),
        })
    }
}

async fn until(keeper: &Keeper, wanted: impl Fn(&LeaseState) -> bool) -> LeaseState {
    let mut state = keeper.watch();
    let found = tokio::time::timeout(Duration::from_secs(120), state.wait_for(wanted)).await;
    found.expect("the state is reached").expect("the keeper runs").clone()
}

/// Waits for the question after a gap and answers it.
async fn hold(keeper: &Keeper) {
    let state = until(keeper, |state| matches!(state.phase, Phase::Checking { .. })).await;
    let Phase::Checking { round, applied } = state.phase else { panic!("{state:?}") };
    assert!(!keeper.gate().may_act());
    assert_eq!(applied, 9);
    keeper.rechecked(round).await;
    until(keeper, |state| !state.fenced).await;
}

#[tokio::test(start_paused = true)]
async fn acts_after_the_question_is_answered_and_renews_every_two_seconds() {
    let peers = Peers::new(&[("a", Peer::Leads)], Some("a"));
    let keeper = peers.keeper(REPORT_BYTES_MAX);
    hold(&keeper).await;
    assert!(keeper.gate().may_act());
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(keeper.gate().may_act());
    let calls = peers.calls.lock().unwrap().clone();
    assert!(calls.iter().all(|(peer, _)| peer == "a"), "{calls:?}");
    assert!(calls.windows(2).all(|pair| pair[1].1 - pair[0].1 >= Duration::from_secs(2)));
    assert!((10..=11).contains(&calls.len()), "{}", calls.len());
    assert_eq!(keeper.reports().borrow()[0].node, "a");
    assert_eq!(peers.report_bytes.load(Ordering::SeqCst), REPORT_BYTES_MAX as u64);
    assert_eq!(keeper.watch().borrow().term, 4);
}

#[tokio::test(start_paused = true)]
async fn fences_seven_seconds_after_the_last_send_when_everybody_falls_silent() {
    let peers = Peers::new(&[("a", Peer::Leads)], Some("a"));
    let keeper = peers.keeper(0);
    hold(&keeper).await;
    let granted = keeper.watch().borrow().fence_boot_ms;
    peers.set("a", Peer::Silent);
    let state = until(&keeper, |state| state.fenced).await;
    assert!(!keeper.gate().may_act() && !state.readmit && state.exit.is_none());
    assert!(granted <= state.fence_boot_ms && state.until_boot_ms == state.fence_boot_ms + 3_000);
    // All voters are asked, half a second apart.
    let calls = peers.calls.lock().unwrap().clone();
    assert!(["b", "c"].iter().all(|name| calls.iter().any(|(peer, _)| peer == name)));
    peers.set("c", Peer::Leads);
    hold(&keeper).await;
    assert!(keeper.gate().may_act());
}

#[tokio::test(start_paused = true)]
async fn finds_a_new_leader_through_a_hint_without_fencing() {
    let peers = Peers::new(&[("a", Peer::Leads)], Some("a"));
    let keeper = peers.keeper(0);
    hold(&keeper).await;
    // The old leader is silent, the new one is no voter this node knows, and only `b` names it.
    let asked = peers.calls.lock().unwrap().len();
    peers.set("a", Peer::Silent);
    peers.set("b", Peer::Names("d"));
    peers.set("d", Peer::Leads);
    let before = keeper.watch().borrow().until_boot_ms;
    let state = until(&keeper, |state| before < state.until_boot_ms).await;
    assert!(!state.fenced);
    // Found within the 0.6 s that the times allow for it, once the old leader failed to answer.
    let calls = peers.calls.lock().unwrap().clone();
    let silent = calls[asked..].iter().find(|(peer, _)| peer == "a").unwrap().1;
    let found = calls[asked..].iter().find(|(peer, _)| peer == "d").unwrap().1;
    assert!(found - silent <= Duration::from_millis(600), "{:?}", found - silent);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_given_up_stops_at_once_and_comes_back() {
    let peers = Peers::new(&[("a", Peer::Leads)], Some("a"));
    let keeper = peers.keeper(0);
    hold(&keeper).await;
    peers.set("a", Peer::Refuses(RenewRefusal::GivenUp));
    let state = until(&keeper, |state| state.readmit).await;
    assert!(state.fenced && !keeper.gate().may_act());
    peers.set("a", Peer::Leads);
    hold(&keeper).await;
    assert!(!keeper.watch().borrow().readmit);
}

#[tokio::test(start_paused = true)]
async fn a_displaced_process_is_told_to_end_and_asks_no_more() {
    let refusal = RenewRefusal::DuplicateNode { incarnation: 1 };
    let peers = Peers::new(&[("a", Peer::Refuses(refusal.clone()))], Some("a"));
    let keeper = peers.keeper(0);
    let state = until(&keeper, |state| state.exit.is_some()).await;
    assert_eq!((state.exit, state.phase), (Some(refusal), Phase::Ended));
    let asked = peers.calls.lock().unwrap().len();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(peers.calls.lock().unwrap().len(), asked);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_too_large_does_not_cost_the_lease() {
    let peers = Peers::new(&[("a", Peer::Leads)], None);
    let keeper = peers.keeper(REPORT_BYTES_MAX + 1);
    hold(&keeper).await;
    assert_eq!(peers.report_bytes.load(Ordering::SeqCst), 0);
}

#[test]
fn a_gate_reads_the_clock_itself() {
    let now = Arc::new(AtomicU64::new(100));
    let state = LeaseState { fence_boot_ms: 200, ..LeaseState::default() };
    let (_sender, watch) = watch::channel(state);
    let clock = Arc::clone(&now);
    let gate = LeaseGate::new(watch, Arc::new(move || clock.load(Ordering::SeqCst)));
    assert!(gate.may_act());
    // Nobody told the gate: the process stood still, only the clock went on.
    now.store(200, Ordering::SeqCst);
    assert!(!gate.may_act());
}
