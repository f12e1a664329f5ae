//! The driver of one: what it answered survives a restart and a kill, snapshots replace the log, limits hold.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cluster::control::{
    CommandId, CommandOutput, ControlCommand, ControlError, ControlHandle, ControlState,
    DocumentChange, DocumentKey, Effect, Expected, LocalConfig, LocalDriver,
};
use store::raft_log::RaftLog;
use store::{Blobs, Journal};

fn open(dir: &Path, snapshot_every: u64) -> ControlHandle {
    let journal = Journal::open(&dir.join("journal")).unwrap();
    let blobs = Blobs::open(&dir.join("blobs")).unwrap();
    // A clock that goes back now and then: entries must not.
    let ticks = AtomicU64::new(0);
    let clock = move || 1_000_000 - ticks.fetch_add(1, Ordering::Relaxed) % 7 * 100;
    LocalDriver::start(
        &journal,
        &blobs,
        LocalConfig { node: "n-test".into(), clock: Arc::new(clock), snapshot_every },
    )
    .unwrap()
}

fn key(number: u64) -> CommandId {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.to_be_bytes());
    CommandId(key)
}

fn put(id: u64, size: usize) -> ControlCommand {
    let key = DocumentKey::new("things", id.to_string());
    let bytes = vec![u8::try_from(id % 251).unwrap(); size];
    ControlCommand::ChangeDocuments {
        changes: vec![DocumentChange::Put { key, expected: Expected::Absent, schema: 1, bytes }],
    }
}

fn whole(control: &ControlHandle) -> ControlState {
    control.read(Clone::clone)
}

#[tokio::test]
async fn a_restart_restores_exactly_with_and_without_snapshots() {
    for snapshot_every in [3, 10, 1_000_000] {
        let dir = tempfile::tempdir().unwrap();
        let mut before = ControlState::default();
        for round in 0..4_u64 {
            let control = open(dir.path(), snapshot_every);
            assert_eq!(whole(&control), before);
            for number in round * 10..round * 10 + 10 {
                let output = control.execute(key(number), put(number, 3_000)).await.unwrap();
                assert_eq!(output, CommandOutput::Revisions(vec![1]));
            }
            let repeated = control.propose(key(0), put(0, 3_000)).await.unwrap();
            assert_eq!(
                repeated.result,
                Ok(CommandOutput::Revisions(vec![1])),
                "the first answer, after a restart too"
            );
            before = whole(&control);
        }
        assert_eq!(before.documents.count(), 40);
    }
}

#[tokio::test]
async fn a_snapshot_replaces_the_log_and_only_the_newest_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let control = open(dir.path(), 5);
    for number in 0..23 {
        control.execute(key(number), put(number, 100)).await.unwrap();
    }
    drop(control);
    let journal = Journal::open(&dir.path().join("journal")).unwrap();
    let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
    let log = RaftLog::open(&journal).unwrap();
    assert_eq!((log.purged().index, log.last().index), (20, 23));
    let mark = log.snapshot().unwrap().unwrap();
    let stored: Vec<[u8; 32]> = blobs.list().unwrap().iter().map(|info| info.sha256.0).collect();
    assert_eq!(stored, [mark.sha256]);
}

#[tokio::test]
async fn many_proposals_share_entries_and_followers_hear_of_each_change() {
    let dir = tempfile::tempdir().unwrap();
    let control = open(dir.path(), 1_000_000);
    let (mut changes, index) = (control.changes(), control.watch());
    let tasks: Vec<_> = (0..500)
        .map(|number| {
            let control = control.clone();
            tokio::spawn(async move { control.execute(key(number), put(number, 300)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert!(*index.borrow() < 500, "{} entries for 500 commands", *index.borrow());
    let mut heard = 0;
    while heard < 500 {
        let effects = changes.recv().await.unwrap().effects.clone();
        heard +=
            effects.iter().filter(|effect| matches!(effect, Effect::DocumentChanged(_))).count();
    }
    assert_eq!(heard, 500);
}

#[tokio::test]
async fn limits_refuse_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let control = open(dir.path(), 1_000_000);
    let changes = (0..5_u8)
        .map(|id| DocumentChange::Put {
            key: DocumentKey::new("large", id.to_string()),
            expected: Expected::Any,
            schema: 1,
            bytes: vec![0; 16 << 10],
        })
        .collect();
    let refused = control.propose(key(1), ControlCommand::ChangeDocuments { changes }).await;
    assert!(matches!(refused, Err(ControlError::TooLarge { .. })));
    assert_eq!(*control.watch().borrow(), 0);
    // Futures that are not awaited are on their way all the same.
    let (mut accepted, mut overloaded) = (Vec::new(), 0);
    for number in 10..30_000 {
        let control = control.clone();
        let mut proposal =
            Box::pin(async move { control.propose(key(number), put(number, 2_000)).await });
        match futures_poll_once(&mut proposal) {
            Some(Err(ControlError::Overloaded { limit: 4_096 })) => overloaded += 1,
            Some(other) => assert!(other.is_ok(), "{other:?}"),
            None => accepted.push(proposal),
        }
    }
    assert!(overloaded > 0, "thirty thousand proposals in a tight loop outrun the disk");
    for proposal in accepted {
        proposal.await.unwrap().result.unwrap();
    }
}

/// Polls once: enough to submit.
fn futures_poll_once<F: std::future::Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

/// Runs only as a child: proposes one document after the other and tells each answer, until it is killed.
#[tokio::test]
async fn victim() {
    let Some(dir) = std::env::var_os("TM_VICTIM_DIR").map(std::path::PathBuf::from) else { return };
    let control = open(&dir, 7);
    let mut number = control.read(|state| state.documents.count());
    loop {
        let output = control.execute(key(number), put(number, 2_000)).await.unwrap();
        assert_eq!(output, CommandOutput::Revisions(vec![1]));
        let mut out = std::io::stdout();
        out.write_all(format!("\nack {number}\n").as_bytes()).unwrap();
        out.flush().unwrap();
        number += 1;
    }
}

#[test]
fn a_kill_at_any_named_point_forgets_nothing_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut answered = 0;
    for point in store::faults::POINTS {
        for nth in [1, 4] {
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
            assert_eq!(
                child.wait().unwrap().signal(),
                Some(9),
                "{point}:{nth} was to kill the child"
            );
            let control = open(dir.path(), 7);
            let state = whole(&control);
            assert!(
                state.documents.count() >= answered,
                "{point}: {} of {answered}",
                state.documents.count()
            );
            let ids: Vec<u64> =
                state.documents.list("things").map(|(id, _)| id.parse().unwrap()).collect();
            assert_eq!(ids.len() as u64, state.documents.count());
            assert!((0..state.documents.count()).all(|id| ids.contains(&id)), "no gap");
        }
    }
    assert!(answered > 20);
}
