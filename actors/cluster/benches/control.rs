//! The agreement: commits per second and latency by nodes and callers, reads behind a barrier, and how long a killed
//! leader is missed. Nodes live in one process and talk over pipes; the times of the agreement are the binding ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench ends where something is wrong"
)]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cluster::control::{ControlHandle, RaftTiming};

#[path = "../tests/support/mod.rs"]
mod support;

use support::{Group, key, put};

/// How long each row is measured.
const MEASURED: Duration = Duration::from_secs(4);
/// Leaders killed.
const KILLS: usize = 25;

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
}

/// Microseconds, sorted.
struct Latencies(Vec<u64>);

impl Latencies {
    fn at(&self, share: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        #[expect(clippy::cast_possible_truncation, reason = "an index below the length")]
        #[expect(clippy::cast_sign_loss, reason = "a share is not negative")]
        let index = ((self.0.len() - 1) as f64 * share) as usize;
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let millis = self.0[index] as f64 / 1_000.0;
        millis
    }
}

/// Lets `callers` ask one after the other, each as fast as it is answered.
async fn measure<F, A>(callers: usize, ask: F) -> (f64, Latencies)
where
    F: Fn() -> A + Clone + Send + 'static,
    A: Future<Output = ()> + Send,
{
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let ask = ask.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while begin.elapsed() < MEASURED {
                    let asked = Instant::now();
                    ask().await;
                    latencies.push(u64::try_from(asked.elapsed().as_micros()).unwrap());
                }
                latencies
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = all.len() as f64 / begin.elapsed().as_secs_f64();
    (rate, Latencies(all))
}

fn row(what: &str, nodes: usize, callers: usize, (rate, latencies): &(f64, Latencies)) {
    say(&format!(
        "| {what} | {nodes} | {callers} | {rate:.0} | {:.2} | {:.2} |",
        latencies.at(0.5),
        latencies.at(0.99)
    ));
}

async fn rates(nodes: usize, next: &Arc<AtomicU64>) {
    let group = Group::formed(nodes, RaftTiming::default()).await;
    let running = group.running();
    let leader = group.leader(&running).await;
    let mut doors = vec![("commit, asked at the leader", leader)];
    if nodes > 1 {
        doors.push(("commit, asked elsewhere", (leader + 1) % nodes));
    }
    for (what, node) in doors {
        for callers in [1, 64] {
            let (control, next) = (group.control(node).clone(), Arc::clone(next));
            let ask = move || {
                let (control, number) = (control.clone(), next.fetch_add(1, Ordering::Relaxed));
                async move {
                    // The same few documents again and again, so that the state stays small.
                    control.propose(key(number), put(number % 1_000, 200)).await.unwrap();
                }
            };
            row(what, nodes, callers, &measure(callers, ask).await);
        }
    }
    let control = group.control(leader).clone();
    let ask = move || {
        let control = control.clone();
        async move { assert!(control.barrier().await.is_ok()) }
    };
    row("barrier at the leader", nodes, 64, &measure(64, ask).await);
}

/// Kills the leader under load and waits for the first command that another node accepts.
async fn failovers(next: &Arc<AtomicU64>) {
    let mut group = Group::formed(3, RaftTiming::default()).await;
    let (mut elected, mut accepted) = (Vec::new(), Vec::new());
    for _ in 0..KILLS {
        let all = group.running();
        let leader = group.leader(&all).await;
        let others: Vec<usize> = all.into_iter().filter(|node| *node != leader).collect();
        let load: Vec<_> = others
            .iter()
            .map(|node| load(group.control(*node).clone(), Arc::clone(next)))
            .collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let killed = Instant::now();
        group.kill(leader).await;
        let number = next.fetch_add(1, Ordering::Relaxed);
        let control = group.control(others[0]).clone();
        let first = tokio::spawn(async move {
            while control.propose(key(number), put(number % 1_000, 200)).await.is_err() {}
            killed.elapsed()
        });
        group.leader(&others).await;
        elected.push(killed.elapsed().as_millis());
        accepted.push(first.await.unwrap().as_millis());
        load.into_iter().for_each(|task| task.abort());
        group.start(leader);
        let mut caught_up = group.admin(leader).caught_up();
        drop(caught_up.wait_for(|caught_up| *caught_up).await.unwrap());
    }
    say("");
    say("| leader killed under load, ms | median | worst | kills |");
    say("|---|---|---|---|");
    for (what, mut times) in [("next leader", elected), ("next command accepted", accepted)] {
        times.sort_unstable();
        let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
        say(&format!("| {what} | {median} | {worst} | {KILLS} |"));
    }
}

fn load(control: ControlHandle, next: Arc<AtomicU64>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            // Unknown outcomes are part of the load.
            drop(control.propose(key(number), put(number % 1_000, 200)).await);
        }
    })
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let next = Arc::new(AtomicU64::new(0));
    runtime.block_on(async {
        say("| what | nodes | callers | per second | p50 ms | p99 ms |");
        say("|---|---|---|---|---|---|");
        for nodes in [1, 3] {
            rates(nodes, &next).await;
        }
        if std::env::var_os("TM_BENCH_SHORT").is_none() {
            failovers(&next).await;
        }
    });
}
