//! Messages between two processes on loopback: over our links, plain and behind certificates, beside the bare library
//! in the same run; and small calls while bulk moves beside them.
//!
//! `cargo bench -p cluster --bench router` prints a table. `TM_BENCH_QUICK=1` measures a tenth.
#![allow(clippy::unwrap_used, reason = "a panic is how a measurement fails")]
#![allow(
    clippy::print_stdout,
    reason = "the table is the result; a node process answers on standard output"
)]

#[path = "../tests/nodes/mod.rs"]
mod nodes;
#[path = "router/ours.rs"]
mod ours;
#[path = "router/raw.rs"]
mod raw;
#[path = "router/timing.rs"]
mod timing;

use nodes::{Node, Part, ports};

/// One way of sending, and what it is called in the table.
#[derive(Clone, Copy)]
struct Way {
    title: &'static str,
    role: &'static str,
    certificates: bool,
}

const WAYS: [Way; 3] = [
    Way { title: "bare library, TCP", role: "raw", certificates: false },
    Way { title: "our link, TCP", role: "ours", certificates: false },
    Way { title: "our link, mTLS", role: "ours", certificates: true },
];

/// What is measured: its title and the line that the asking node is told.
const MEASURES: [(&str, &str, u64); 8] = [
    ("call 64 B, 1 caller", "calls 64 1", 20_000),
    ("call 64 B, 64 callers", "calls 64 64", 200_000),
    ("call 64 B, 256 callers", "calls 64 256", 200_000),
    ("call 64 KiB, 1 caller", "calls 65536 1", 2_000),
    ("call 64 KiB, 16 callers", "calls 65536 16", 8_000),
    ("cast 64 B", "casts 64", 500_000),
    ("cast 64 KiB", "casts 65536", 10_000),
    ("call 64 B beside 1 GiB of bulk", "bulk", 1_024),
];

fn main() {
    if let Some(part) = Part::from_environment() {
        match std::env::args().nth(1).as_deref() {
            Some("raw") => raw::run(part),
            Some("ours") => ours::run(part),
            other => panic!("no such role: {other:?}"),
        }
        return;
    }
    let quick = std::env::var_os("TM_BENCH_QUICK").is_some();
    let mut rows = Vec::new();
    for way in WAYS {
        rows.push(measure(way, if quick { 10 } else { 1 }));
    }
    println!("\nTwo processes on loopback, {} processors. Times in µs.\n", processors());
    println!("| what | way | per s | MB/s | p50 | p99 | p99.9 | max |");
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for (at, (what, _, _)) in MEASURES.iter().enumerate() {
        for (way, answers) in WAYS.iter().zip(&rows) {
            println!("{}", row(what, way.title, &answers[at]));
        }
    }
    for (at, (what, _, count)) in MEASURES.iter().enumerate() {
        for (way, answers) in WAYS.iter().zip(&rows) {
            if let Some(refused) = value(&answers[at], "refused").filter(|refused| *refused > 0.0) {
                println!(
                    "\n{what}, {}: {refused:.0} of {count} refused by the receiver's lane",
                    way.title
                );
            }
        }
    }
    println!("\n| what | our mTLS link ÷ bare library: per s | p50 | p99 |");
    println!("|---|---:|---:|---:|");
    for (at, (what, _, _)) in MEASURES.iter().enumerate() {
        let ratio = |name: &str| match (value(&rows[0][at], name), value(&rows[2][at], name)) {
            (Some(bare), Some(ours)) if bare > 0.0 => format!("{:.2}", ours / bare),
            _ => "–".to_owned(),
        };
        println!("| {what} | {} | {} | {} |", ratio("rate"), ratio("p50"), ratio("p99"));
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(0, std::num::NonZero::get)
}

/// Starts a pair of nodes, lets them measure everything, and returns their answers.
fn measure(way: Way, divisor: u64) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let certificates = way.certificates.then(|| {
        nodes::certify(directory.path(), &["a", "b"]);
        directory.path().to_owned()
    });
    let [a, b] = ports();
    let mut asking = Part::new("a", a, &[("b", b)]);
    let mut answering = Part::new("b", b, &[("a", a)]);
    asking.certificates.clone_from(&certificates);
    answering.certificates = certificates;
    let _answering = Node::start(&answering, &[way.role]);
    let mut asking = Node::start(&asking, &[way.role]);
    MEASURES
        .iter()
        .map(|(_, line, count)| asking.ask(&format!("{line} {}", (count / divisor).max(8))))
        .collect()
}

fn value(answer: &str, name: &str) -> Option<f64> {
    let prefix = format!("{name}=");
    answer.split_whitespace().find_map(|word| word.strip_prefix(&prefix))?.parse().ok()
}

fn row(what: &str, way: &str, answer: &str) -> String {
    let show = |name: &str| {
        value(answer, name).map_or_else(|| "–".to_owned(), |value| format!("{value:.0}"))
    };
    let cells = ["rate", "megabytes", "p50", "p99", "p999", "max"].map(show);
    format!("| {what} | {way} | {} |", cells.join(" | "))
}
