//! A node of the agreement is killed at every named point of the store; what it acknowledged is there afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use cluster::control::CommandOutput;

mod support;

use support::{Group, QUICK, key, put};

/// Returns a group of one in a directory that survives it.
async fn alone(dir: &std::path::Path, first: bool) -> Group {
    let mut group = Group::new(QUICK);
    group.fixed = Some(dir.to_owned());
    // Snapshots and purges within a few commands.
    group.snapshot_every = 7;
    if first {
        group.form(1).await;
    } else {
        group.start(0);
        group.leader(&[0]).await;
    }
    group.control(0).barrier().await.unwrap();
    group
}

/// Runs only as a child: proposes one document after the other and tells each answer, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victim() {
    let Some(dir) = std::env::var_os("TM_VICTIM_DIR").map(std::path::PathBuf::from) else { return };
    let group = alone(&dir, false).await;
    let mut number = group.control(0).read(|state| state.documents.count());
    loop {
        let output = group.control(0).execute(key(number), put(number, 2_000)).await.unwrap();
        assert_eq!(output, CommandOutput::Revisions(vec![1]));
        let mut out = std::io::stdout();
        out.write_all(format!("\nack {number}\n").as_bytes()).unwrap();
        out.flush().unwrap();
        number += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_named_point_forgets_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    alone(dir.path(), true).await.kill(0).await;
    let mut answered = 0;
    for point in store::faults::POINTS {
        // The first times belong to opening and electing; later ones to commands, snapshots and purges.
        for nth in [1, 9] {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "victim", "--nocapture", "--test-threads=1"])
                .env("TM_VICTIM_DIR", dir.path())
                .env("TM_CRASH_AT", format!("{point}:{nth}"))
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            for line in BufReader::new(child.stdout.take().unwrap()).lines() {
                if let Some(number) = line.unwrap().strip_prefix("ack ") {
                    answered = number.parse::<u64>().unwrap() + 1;
                }
            }
            let signal = child.wait().unwrap().signal();
            assert_eq!(signal, Some(9), "{point}:{nth} was to kill the child");
            let mut group = alone(dir.path(), false).await;
            let ids: Vec<u64> = group.control(0).read(|state| {
                state.documents.list("things").map(|(id, _)| id.parse().unwrap()).collect()
            });
            let count = ids.len() as u64;
            assert!(count >= answered, "{point}:{nth}: {count} of {answered}");
            assert!((0..count).all(|id| ids.contains(&id)), "{point}:{nth}: no gap");
            group.kill(0).await;
        }
    }
    assert!(answered > 20);
}
