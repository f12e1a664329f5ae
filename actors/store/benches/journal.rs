//! How many commits a second are acknowledged as durable: `cargo bench -p store --bench journal`.
//!
//! One and 256 callers with values of 256 bytes, five seconds each; the figures go to `docs/benchmarks.md`.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop on an error")]

use std::io::Write;
use std::time::{Duration, Instant};

use store::records::value::ValueRecord;
use store::{Batch, Journal, Key};

const SECONDS: u64 = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for callers in [1_u8, 255] {
        let dir = tempfile::tempdir_in(".").unwrap();
        let journal = Journal::open(&dir.path().join("journal")).unwrap();
        let until = Instant::now() + Duration::from_secs(SECONDS);
        let mut latencies = runtime.block_on(async {
            let tasks: Vec<_> = (0..callers)
                .map(|caller| tokio::spawn(write(journal.clone(), caller, until)))
                .collect();
            let mut all = Vec::new();
            for task in tasks {
                all.extend(task.await.unwrap());
            }
            all
        });
        latencies.sort_unstable();
        let at = |share: usize| latencies[(latencies.len() - 1) * share / 100];
        let rate = latencies.len() as u64 / SECONDS;
        let line = format!(
            "{callers:>3} callers: {rate:>7} acked/s  p50 {:?}  p99 {:?}\n",
            at(50),
            at(99)
        );
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
}

async fn write(journal: Journal, caller: u8, until: Instant) -> Vec<Duration> {
    let (mut latencies, mut number) = (Vec::new(), 0_u16);
    let record = ValueRecord { layout: 1, body: vec![caller; 230] };
    while Instant::now() < until {
        let started = Instant::now();
        let mut batch = Batch::default();
        batch.put(Key::node_value(number, &[caller; 32]), &record).unwrap();
        journal.commit(batch).await.unwrap();
        latencies.push(started.elapsed());
        number = number.wrapping_add(1);
    }
    latencies
}
