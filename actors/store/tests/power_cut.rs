//! After a power cut everything that was acknowledged is there.
//!
//! The journal lies on an ext4 of its own in a loop device. The victim is this test program itself, started as a child
//! that runs only `victim`; it tells each acknowledgement on its standard output, which the parent keeps outside. At a
//! random moment the parent stops it (SIGSTOP) and takes the file system down without writing anything more
//! (`EXT4_IOC_SHUTDOWN`, no log flush): what was only in memory is gone, as in a power cut. Then it kills the victim,
//! mounts again and compares.
//!
//! Needs root, loop devices, mkfs.ext4, mount and python3 (for the ioctl); says loudly when it was not run.
//! `TM_POWER_CUT_SEED` repeats a run, `TM_POWER_CUTS` sets the number of cuts.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use store::raft_log::{ENTRY_BYTES_MAX, LogEntry, LogId, RaftLog, Vote};
use store::records::value::ValueRecord;
use store::tables::value_id;
use store::{Journal, Tables};
use tempfile::TempDir;

/// Longest wait for anything.
const DEADLINE: Duration = Duration::from_secs(60);
const IMAGE_BYTES: u64 = 512 << 20;
const CUTS: u64 = 6;
const KIND: u16 = 7;
const SLOTS: u64 = 24;
const ENTRIES_MAX: u64 = 3;
const SHUTDOWN: &str = "import fcntl, os, struct, sys\n\
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))";

/// A fixed walk from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed);
    std::iter::repeat_with(|| random.next().to_be_bytes()).flatten().take(length).collect()
}

/// The value that write `number` puts into both of its slots: up to 4,096 bytes, and the number itself.
fn value(number: u64) -> ValueRecord {
    let length = usize::try_from(number * 1_237 % 4_097).unwrap();
    let mut body = number.to_be_bytes().to_vec();
    body.extend(content(number, length));
    ValueRecord { layout: 1, body }
}

fn slots(number: u64) -> [u64; 2] {
    [number % SLOTS, (number * 7 + 11) % SLOTS]
}

fn slot_id(slot: u64) -> [u8; 32] {
    value_id(&format!("slot {slot}"))
}

fn entry(index: u64) -> LogEntry {
    let length = usize::try_from(index * 9_973).unwrap() % (ENTRY_BYTES_MAX + 1);
    LogEntry { id: LogId { term: 1, node: 1, index }, payload: content(index, length) }
}

fn vote(term: u64) -> Vote {
    Vote { term, node: term % 5, committed: term.is_multiple_of(2) }
}

fn numbers(tables: &Tables) -> BTreeMap<u64, u64> {
    let mut found = BTreeMap::new();
    for slot in 0..SLOTS {
        if let Some(stored) = tables.values.get(KIND, &slot_id(slot)).unwrap() {
            let number = u64::from_be_bytes(*stored.body.first_chunk().unwrap());
            assert_eq!(stored, value(number), "slot {slot}");
            found.insert(slot, number);
        }
    }
    found
}

/// Runs only as a child: goes on from what is stored, tells each acknowledgement, until its power is cut.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os("TM_POWER_CUT_DIR").map(PathBuf::from) else { return };
    let journal = Journal::open(&dir).unwrap();
    let tables = Tables::open(&journal);
    let mut log = RaftLog::open(&journal).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut number = numbers(&tables).into_values().max().unwrap_or(0);
    let mut term = log.vote().unwrap().map_or(0, |vote| vote.term);
    loop {
        number += 1;
        let [one, other] = slots(number);
        let mut changes = vec![(KIND, slot_id(one), Some(value(number)))];
        if one != other {
            changes.push((KIND, slot_id(other), Some(value(number))));
        }
        runtime.block_on(tables.values.change(&changes)).unwrap();
        tell("values", number);
        let first = log.last().index + 1;
        let entries: Vec<LogEntry> = (first..=first + number % ENTRIES_MAX).map(entry).collect();
        log.append(&entries).unwrap().wait_blocking().unwrap();
        tell("entry", log.last().index);
        if number.is_multiple_of(8) {
            term += 1;
            log.save_vote(vote(term)).unwrap();
            tell("vote", term);
        }
        if number.is_multiple_of(32) {
            let last = log.last();
            log.purge(LogId { index: last.index - 5, ..last }).unwrap();
            tell("purged", last.index - 5);
        }
    }
}

fn tell(what: &str, number: u64) {
    let mut out = std::io::stdout();
    out.write_all(format!("\nack {what} {number}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Says something that the test harness does not keep to itself.
fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

#[derive(Debug, Default)]
struct Acknowledged {
    number: u64,
    entry: u64,
    term: u64,
    purged: u64,
}

impl Acknowledged {
    /// Notes a line; whether it was an acknowledgement.
    fn note(&mut self, line: &str) -> bool {
        let Some(rest) = line.strip_prefix("ack ") else { return false };
        let (what, number) = rest.split_once(' ').unwrap();
        let number: u64 = number.parse().unwrap();
        match what {
            "values" => self.number = number,
            "entry" => self.entry = number,
            "vote" => self.term = number,
            "purged" => self.purged = number,
            other => panic!("'{other}' is not told by the victim"),
        }
        true
    }

    /// Opens what the power cut left and compares. At most one change was under way and may be there or not, whole.
    /// What is found counts from now on: it may not go either.
    fn check(&mut self, dir: &Path) {
        let outside = std::fs::read_dir(dir.join("blobs"));
        assert_eq!(
            outside.map_or(0, Iterator::count),
            0,
            "values outside the log are never durable"
        );
        let journal = Journal::open(dir).unwrap();
        let found = numbers(&Tables::open(&journal));
        let newest = found.values().copied().max().unwrap_or(0);
        assert!((self.number..=self.number + 1).contains(&newest), "{newest} after {self:?}");
        for number in newest.saturating_sub(SLOTS * 4).max(1)..=newest {
            for slot in slots(number) {
                let stored = found.get(&slot).copied().unwrap_or(0);
                assert!(number <= stored, "slot {slot} went back to {stored} from {number}");
            }
        }
        let log = RaftLog::open(&journal).unwrap();
        let (purged, last) = (log.purged().index, log.last().index);
        assert!((self.entry..=self.entry + ENTRIES_MAX).contains(&last), "{last} after {self:?}");
        assert!(self.purged <= purged, "{purged} after {self:?}");
        let entries = log.read(0..=u64::MAX, usize::MAX).unwrap();
        assert_eq!(entries.len() as u64, last - purged, "no hole");
        for (index, stored) in (purged + 1..).zip(entries) {
            assert!(stored == entry(index), "entry {index} is another");
        }
        let stored = log.vote().unwrap().unwrap_or_default();
        assert!((self.term..=self.term + 1).contains(&stored.term), "{stored:?} after {self:?}");
        assert!(stored == Vote::default() || stored == vote(stored.term));
        *self = Self { number: newest, entry: last, term: stored.term, purged };
    }
}

/// A file system in a file. Taken down whatever happens.
struct Disk {
    dir: TempDir,
    mounted: bool,
}

impl Disk {
    /// Makes it, or names the capability that is missing.
    fn new() -> Result<Self, String> {
        if !geteuid().is_root() {
            return Err("root".to_owned());
        }
        if !Path::new("/dev/loop-control").exists() {
            return Err("loop".to_owned());
        }
        for (program, argument) in [
            ("mkfs.ext4", "-V"),
            ("mount", "--version"),
            ("umount", "--version"),
            ("python3", "-V"),
        ] {
            if Command::new(program).arg(argument).output().is_err() {
                return Err(program.to_owned());
            }
        }
        let mut disk = Self { dir: tempfile::tempdir().unwrap(), mounted: false };
        std::fs::File::create(disk.image()).unwrap().set_len(IMAGE_BYTES).unwrap();
        std::fs::create_dir(disk.root()).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk.image())).unwrap();
        disk.mount().map_err(|error| format!("mount -o loop ({error})"))?;
        // Shutting down is not possible everywhere.
        disk.cut_power().map_err(|error| format!("EXT4_IOC_SHUTDOWN ({error})"))?;
        disk.unmount();
        disk.mount().unwrap();
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn journal(&self) -> PathBuf {
        self.root().join("journal")
    }

    fn mount(&mut self) -> Result<(), String> {
        let mut command = Command::new("mount");
        run(command.args(["-t", "ext4", "-o", "loop"]).arg(self.image()).arg(self.root()))?;
        self.mounted = true;
        Ok(())
    }

    fn cut_power(&self) -> Result<(), String> {
        run(Command::new("python3").args(["-c", SHUTDOWN]).arg(self.root()))
    }

    /// Unmounts as soon as nobody uses it: sled closes its files a moment after it was dropped.
    fn unmount(&mut self) {
        let begun = Instant::now();
        while let Err(error) = run(Command::new("umount").arg(self.root())) {
            assert!(begun.elapsed() < DEADLINE, "{error}");
            std::thread::sleep(Duration::from_millis(20));
        }
        self.mounted = false;
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted
            && let Err(error) = run(Command::new("umount").arg("-l").arg(self.root()))
        {
            say(&format!("{} stays mounted: {error}", self.root().display()));
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// The child. Killed whatever happens.
struct Victim {
    child: Child,
    lines: Receiver<String>,
}

impl Victim {
    fn start(journal: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "victim", "--nocapture", "--test-threads=1"])
            .env("TM_POWER_CUT_DIR", journal)
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    /// Stops every thread of it: nothing is told from now on.
    fn stop(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        let begun = Instant::now();
        while !self.stopped() {
            assert!(begun.elapsed() < DEADLINE, "the victim does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Gone already, unless the test failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn setting(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

#[test]
fn power_cut_at_random_moments_nothing_acknowledged_is_lost() {
    let mut disk = match Disk::new() {
        Ok(disk) => disk,
        Err(missing) => return say(&format!("MISSING CAPABILITY {missing}: power_cut NOT RUN")),
    };
    let seed =
        setting("TM_POWER_CUT_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    say(&format!("power_cut: TM_POWER_CUT_SEED={seed}"));
    let mut random = Random(seed);
    let mut acknowledged = Acknowledged::default();
    for cut in 1..=setting("TM_POWER_CUTS").unwrap_or(CUTS) {
        let mut victim = Victim::start(&disk.journal());
        // From during its start to deep in its work, anywhere within a write.
        let mut wanted = random.below(4) * random.below(150);
        while wanted > 0 {
            let line = victim.lines.recv_timeout(DEADLINE).expect("the victim goes on");
            wanted -= u64::from(acknowledged.note(&line));
        }
        std::thread::sleep(Duration::from_micros(random.below(30_000)));
        victim.stop();
        disk.cut_power().unwrap();
        victim.kill();
        for line in victim.lines.iter() {
            acknowledged.note(&line);
        }
        disk.unmount();
        disk.mount().unwrap();
        acknowledged.check(&disk.journal());
        say(&format!("power_cut: cut {cut} of seed {seed} held {acknowledged:?}"));
    }
    assert!(0 < acknowledged.number && 0 < acknowledged.entry, "the victim got somewhere");
}
