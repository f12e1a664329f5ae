//! A full disk is said, loses nothing acknowledged, and the journal opens again afterwards.
//!
//! Needs a small file system: a tmpfs in its own mount namespace. Where that is not allowed the test says so.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::io::Write;
use std::path::Path;
use std::process::Command;

use store::journal::Options;
use store::records::value::ValueRecord;
use store::{Batch, Journal, Key, StoreError};

fn key(number: u32) -> Key {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Key::node_value(1, &id)
}

fn count(journal: &Journal) -> usize {
    journal.scan::<ValueRecord>(&Key::node_values(1), None, usize::MAX).unwrap().len()
}

/// Runs only as a child inside the small file system.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os("TM_SMALL_DIR").map(std::path::PathBuf::from) else { return };
    let ballast = dir.join("ballast");
    std::fs::write(&ballast, vec![1; 2 << 20]).unwrap();
    let options = Options { ballast: Some(ballast.clone()) };
    let journal = Journal::open_with(&dir.join("journal"), &options).unwrap();
    let mut acknowledged = 0_u32;
    let error = loop {
        let mut batch = Batch::default();
        batch.put(key(acknowledged), &ValueRecord { layout: 1, body: vec![7; 3_900] }).unwrap();
        match journal.commit_blocking(batch) {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Poisoned { .. }), "{error}");
    assert!(error.to_string().contains("No space"), "{error}");
    assert!(!ballast.exists(), "the ballast makes room for an orderly end");
    assert!(journal.failed().borrow().is_some());
    assert!(matches!(journal.submit(Batch::default()), Err(StoreError::Poisoned { .. })));
    match journal.get::<ValueRecord>(&key(0)) {
        // sled itself may refuse to read on, as it moves pages while it reads; it must not call that damage.
        Ok(found) => assert!(found.is_some()),
        Err(error) => assert!(matches!(error, StoreError::Io { .. }), "{error}"),
    }
    drop(journal);
    let journal = Journal::open(&dir.join("journal")).unwrap();
    assert!(count(&journal) >= acknowledged as usize);
    std::io::stdout().write_all(format!("\nlasted {acknowledged}\n").as_bytes()).unwrap();
}

#[test]
fn a_full_disk_poisons_and_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=16m tmpfs \"$TM_SMALL_DIR\" || exit 77; exec \"$0\" --exact victim --nocapture";
    let run = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("TM_SMALL_DIR", Path::new(dir.path()))
        .output();
    let Ok(output) = run else { return skipped("unshare is not installed") };
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || text.contains("unshare") {
        return skipped("this user may not mount a file system");
    }
    assert!(output.status.success() && text.contains("lasted "), "{text}");
}

fn skipped(why: &str) {
    let line = format!("SKIPPED a_full_disk_poisons_and_loses_nothing_acknowledged: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
