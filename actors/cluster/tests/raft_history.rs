//! Random kills, cuts and one-way cuts under load: nothing acknowledged is lost, nothing is done twice, and a read after
//! an answer sees it on any node. `TM_SEED=<n>` runs one schedule again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cluster::control::{CommandOutput, ControlError, ControlHandle};
use tokio::sync::watch;

mod support;

use support::{Group, PATIENCE, QUICK, key, name, put};

const NODES: usize = 3;
const CLIENTS: u64 = 6;
const FAULTS: u64 = 8;

/// Deterministic numbers (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn node(&mut self) -> usize {
        usize::try_from(self.below(NODES as u64)).unwrap()
    }
}

/// The doors of the nodes that run now, for clients.
type Doors = watch::Receiver<BTreeMap<usize, ControlHandle>>;

/// What a client was told: the command's number and the index of its entry.
type Told = Vec<(u64, u64)>;

struct Client {
    seed: u64,
    doors: Doors,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Client {
    async fn run(self, mut numbers: Numbers) -> Told {
        let mut told = Told::new();
        while !self.stop.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            told.push((number, self.propose(number, &mut numbers).await));
            if numbers.below(4) == 0 {
                self.read(number, &mut numbers).await;
            }
        }
        told
    }

    fn door(&self, numbers: &mut Numbers) -> Option<ControlHandle> {
        self.doors.borrow().get(&numbers.node()).cloned()
    }

    /// Asks with one key, on one node after the other, until there is an answer.
    async fn propose(&self, number: u64, numbers: &mut Numbers) -> u64 {
        loop {
            let Some(door) = self.door(numbers) else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            match door.propose(key(number), put(number, 60)).await {
                Ok(applied) => {
                    let once = Ok(CommandOutput::Revisions(vec![1]));
                    assert_eq!(applied.result, once, "seed {}: {number} was done twice", self.seed);
                    return applied.index;
                }
                Err(
                    ControlError::Unknown { .. }
                    | ControlError::NoLeader { .. }
                    | ControlError::Overloaded { .. },
                ) => {}
                Err(error) => panic!("seed {}: {error}", self.seed),
            }
        }
    }

    /// Reads on any node, behind a barrier: what was answered before must be there.
    async fn read(&self, number: u64, numbers: &mut Numbers) {
        let Some(door) = self.door(numbers) else { return };
        if door.barrier().await.is_ok() {
            let there =
                door.read(|state| state.documents.get("things", &number.to_string()).is_some());
            assert!(there, "seed {}: {number} was answered but is not read", self.seed);
        }
    }
}

async fn fault(
    group: &mut Group,
    doors: &watch::Sender<BTreeMap<usize, ControlHandle>>,
    numbers: &mut Numbers,
) {
    let (one, other) = (numbers.node(), numbers.node());
    let pause = Duration::from_millis(200 + numbers.below(1_500));
    match numbers.below(4) {
        0 => {
            doors.send_modify(|doors| drop(doors.remove(&one)));
            group.kill(one).await;
            tokio::time::sleep(pause).await;
            group.start(one);
            doors.send_modify(|doors| drop(doors.insert(one, group.control(one).clone())));
        }
        1 => {
            group.net.isolate(&name(one));
            tokio::time::sleep(pause).await;
        }
        2 => {
            group.net.cut(&name(one), &name(other));
            tokio::time::sleep(pause).await;
        }
        _ => {
            // The leader, if there is one at this moment.
            let leads = |node: &usize| group.control(*node).leadership().borrow().here;
            if let Some(leader) = (0..NODES).find(leads) {
                group.net.isolate(&name(leader));
                tokio::time::sleep(pause).await;
            }
        }
    }
    group.net.heal_all();
    tokio::time::sleep(Duration::from_millis(numbers.below(600))).await;
}

async fn schedule(seed: u64) {
    let mut numbers = Numbers(seed);
    let mut group = Group::new(QUICK);
    group.propose_max = Duration::from_secs(3);
    // Often enough that snapshots are installed, too.
    group.snapshot_every = 40;
    group.form(NODES).await;
    let all = (0..NODES).map(|node| (node, group.control(node).clone())).collect();
    let (doors, open) = watch::channel(all);
    let (next, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let client = Client {
                seed,
                doors: open.clone(),
                next: Arc::clone(&next),
                stop: Arc::clone(&stop),
            };
            tokio::spawn(client.run(Numbers(numbers.next())))
        })
        .collect();
    for _ in 0..FAULTS {
        fault(&mut group, &doors, &mut numbers).await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut told = BTreeMap::new();
    for client in clients {
        told.extend(tokio::time::timeout(PATIENCE, client).await.unwrap().unwrap());
    }
    group.agreed_state().await;
    let asked = next.load(Ordering::SeqCst);
    assert_eq!(told.len() as u64, asked, "seed {seed}: each client heard of each of its commands");
    for node in group.running() {
        group.control(node).barrier().await.unwrap();
        let found = group.control(node).read(|state| state.documents.count());
        assert_eq!(found, asked, "seed {seed}: node {node} has all of them and no other");
    }
    let mut out = std::io::stdout();
    writeln!(out, "\nseed {seed}: {asked} commands, {FAULTS} faults").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_random_faults_exactly_once() {
    match std::env::var("TM_SEED") {
        Ok(seed) => schedule(seed.parse().unwrap()).await,
        Err(_) => {
            for seed in [1, 2, 3] {
                schedule(seed).await;
            }
        }
    }
}
