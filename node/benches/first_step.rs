//! From `POST /sessions` to the first training step, and to the first metric, on a real node. Run with
//! `cargo bench -p node --bench first_step` (the worker must be built: `make worker`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measuring program speaks and panics"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Api, NodeProcess};

/// Sessions measured.
const RUNS: usize = 10;

fn main() {
    // `cargo test --benches` passes other flags and expects a quick end.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let node = NodeProcess::start(folder.path());
    println!("node process to serving           {:8.3} s", begun.elapsed().as_secs_f64());
    let api = Api::first_login(&node.url, node.password.as_deref().unwrap()).await;
    let dataset = api.synthetic("market", 2_000).await;
    let strategy = api.strategy("small").await;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        let id = api.train(&strategy, &dataset, 1).await;
        let stepped =
            |session: &Value| session["progress"]["step"].as_u64().is_some_and(|step| 0 < step);
        api.until(&id, "stepping", stepped).await;
        times.push(begun.elapsed());
        api.until(&id, "done", |session| {
            matches!(session["state"].as_str(), Some("completed" | "failed"))
        })
        .await;
    }
    times.sort();
    let seconds = |time: Duration| time.as_secs_f64();
    println!(
        "submit to first reported step, median of {RUNS}: {:.3} s, worst {:.3} s",
        seconds(times[RUNS / 2]),
        seconds(times[RUNS - 1])
    );
}
