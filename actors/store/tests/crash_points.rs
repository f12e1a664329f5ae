//! Killed at any moment, nothing that was acknowledged is lost: at every named point, and at random times.
//!
//! The victim is this test program itself, started as a child that runs only `victim`; it tells each acknowledgement
//! on its standard output, which the parent keeps.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use store::raft_log::{LogEntry, LogId, RaftLog};
use store::tables::Point;
use store::{BlobHash, Blobs, Journal, Tables};

const SESSION: [u8; 16] = [3; 16];
const POINTS: u64 = 60;

fn points(round: u64) -> Vec<Point> {
    (round * POINTS..(round + 1) * POINTS)
        .map(|index| Point { name: "loss".into(), step: index, value: Some(0.5) })
        .collect()
}

fn entry(index: u64) -> LogEntry {
    let size = usize::try_from((index * 977) % 20_000).unwrap();
    LogEntry {
        id: LogId { term: 1, node: 1, index },
        payload: vec![u8::try_from(index % 251).unwrap(); size],
    }
}

fn blob(round: u64) -> Vec<u8> {
    round.to_be_bytes().repeat(500)
}

/// Runs only as a child: goes on from what is stored, tells each acknowledgement, until it is killed.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os("TM_VICTIM_DIR").map(std::path::PathBuf::from) else { return };
    let journal = Journal::open(&dir.join("journal")).unwrap();
    let blobs = Blobs::open(&dir.join("blobs")).unwrap();
    let mut log = RaftLog::open(&journal).unwrap();
    let tables = Tables::open(&journal);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut round = tables.metrics.count(&SESSION).unwrap() / POINTS;
    loop {
        runtime
            .block_on(tables.metrics.append(&SESSION, round * POINTS, &points(round), 1))
            .unwrap();
        tell("points", round);
        log.append(&[entry(log.last().index + 1)]).unwrap().wait_blocking().unwrap();
        tell("entry", log.last().index);
        if round % 4 == 3 {
            blobs.put_bytes(&blob(round)).unwrap();
            tell("blob", round);
        }
        if round % 16 == 15 {
            let last = log.last();
            let upto = LogId { index: last.index - 5, ..last };
            log.purge(upto).unwrap();
            tell("purged", upto.index);
        }
        round += 1;
    }
}

fn tell(what: &str, number: u64) {
    let mut out = std::io::stdout();
    out.write_all(format!("\nack {what} {number}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

#[derive(Default)]
struct Acknowledged {
    rounds: u64,
    entry: u64,
    purged: u64,
    blobs: Vec<u64>,
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("ack ") else { return };
        let (what, number) = rest.split_once(' ').unwrap();
        let number: u64 = number.parse().unwrap();
        match what {
            "points" => self.rounds = number + 1,
            "entry" => self.entry = number,
            "purged" => self.purged = number,
            _ => self.blobs.push(number),
        }
    }

    /// Opens what the victim left and compares.
    fn check(&self, dir: &Path) {
        let journal = Journal::open(&dir.join("journal")).unwrap();
        let blobs = Blobs::open(&dir.join("blobs")).unwrap();
        let tables = Tables::open(&journal);
        let count = tables.metrics.count(&SESSION).unwrap();
        assert!(
            count >= self.rounds * POINTS,
            "{count} points stored, {} acknowledged",
            self.rounds * POINTS
        );
        let found: Vec<Point> = tables
            .metrics
            .read(&SESSION, 0, usize::MAX)
            .unwrap()
            .into_iter()
            .map(|row| row.point)
            .collect();
        let wanted: Vec<Point> =
            (0..count.div_ceil(POINTS)).flat_map(points).take(found.len()).collect();
        assert_eq!((found.len() as u64, &found), (count, &wanted), "no gap, nothing twice");
        let log = RaftLog::open(&journal).unwrap();
        assert!(log.last().index >= self.entry && log.purged().index >= self.purged);
        for stored in log.read(0..=u64::MAX, usize::MAX).unwrap() {
            assert_eq!(stored, entry(stored.id.index));
        }
        for round in &self.blobs {
            let bytes = blob(*round);
            assert_eq!(blobs.read(BlobHash::of(&bytes)).unwrap(), bytes);
        }
    }
}

fn spawn(dir: &Path, crash_at: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "victim", "--nocapture", "--test-threads=1"])
        .env("TM_VICTIM_DIR", dir);
    if let Some(point) = crash_at {
        command.env("TM_CRASH_AT", point);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Reads acknowledgements until the child is gone; kills it itself after `kill_after` of them.
fn watch(mut child: Child, acknowledged: &mut Acknowledged, kill_after: Option<(usize, Duration)>) {
    let mut seen = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        acknowledged.note(&line);
        seen += usize::from(line.starts_with("ack "));
        if let Some((_, wait)) = kill_after.filter(|(count, _)| *count == seen) {
            // Anywhere within the following writes, not at a fixed place of one.
            std::thread::sleep(wait);
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "the victim was to be killed, it ended with {status}");
}

#[test]
fn a_crash_at_any_named_point_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::default();
    for point in store::faults::POINTS {
        for nth in [1, 9] {
            // Puts and purges are rarer than commits.
            let nth = if point.starts_with("blob") || point.contains("purge") {
                (nth + 1) / 2
            } else {
                nth
            };
            watch(spawn(dir.path(), Some(&format!("{point}:{nth}"))), &mut acknowledged, None);
            acknowledged.check(dir.path());
        }
    }
    assert!(acknowledged.rounds > 50 && acknowledged.purged > 0, "the victim got somewhere");
}

#[test]
fn killed_at_twenty_random_moments_nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::default();
    for round in 0..20_u64 {
        // A fixed sequence that looks random: the moment within a write varies with the machine anyway.
        let random = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let count = usize::try_from(random >> 58).unwrap() + 1;
        let wait = Duration::from_micros(random >> 20 & 0x7ff);
        watch(spawn(dir.path(), None), &mut acknowledged, Some((count, wait)));
        acknowledged.check(dir.path());
    }
    assert!(acknowledged.rounds > 50);
}
