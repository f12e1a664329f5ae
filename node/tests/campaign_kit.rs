//! What the campaigns rely on is checked itself: histories known to be good pass and histories known to be bad do not,
//! cuts cut what they say, clocks jump, disks fill and lose power, and nothing is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod cluster_kit;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use cluster_kit::client::{Ask, Client};
use cluster_kit::effects::{
    Committed, Effect, Event, alive, first_step_after, overlap, two_owners,
};
use cluster_kit::linear::{Action, Held, Operation, Outcome, check};
use cluster_kit::process::{Launch, Process, is_alive};
use cluster_kit::space::{Forwarder, Spaces, address, connect};
use cluster_kit::{Random, clock, disk, janitor, missing, run, space};

const BEGINS: Held = Held { revision: 1, value: 0 };

fn operation(called_ns: u64, returned_ns: u64, action: Action) -> Operation {
    Operation { action, called_ns, returned_ns }
}

fn read(revision: u64, value: u64) -> Action {
    Action::Read(Held { revision, value })
}

fn write(expected: u64, value: u64, outcome: Outcome) -> Action {
    Action::Write { expected, value, outcome }
}

#[test]
fn one_after_the_other_is_possible() {
    let history = [
        operation(0, 1, read(1, 0)),
        operation(2, 3, write(1, 7, Outcome::Done)),
        operation(4, 5, read(2, 7)),
        operation(6, 7, write(1, 8, Outcome::Stale)),
        operation(8, 9, read(2, 7)),
    ];
    assert_eq!(check(BEGINS, &history), Ok(()));
    assert_eq!(check(BEGINS, &[]), Ok(()));
}

#[test]
fn reads_beside_a_write_may_see_either_value_but_not_go_back() {
    let beside = operation(0, 10, write(1, 7, Outcome::Done));
    for seen in [read(1, 0), read(2, 7)] {
        assert_eq!(check(BEGINS, &[beside, operation(3, 4, seen)]), Ok(()));
    }
    let back = [beside, operation(2, 3, read(2, 7)), operation(4, 5, read(1, 0))];
    assert!(check(BEGINS, &back).is_err(), "the new value was seen, then the old one");
}

#[test]
fn a_stale_read_is_found() {
    let history = [operation(0, 1, write(1, 7, Outcome::Done)), operation(2, 3, read(1, 0))];
    let found = check(BEGINS, &history).unwrap_err();
    assert_eq!(found.placed, 1);
    assert_eq!(found.held, Held { revision: 2, value: 7 });
    assert_eq!(found.stuck, [history[1]]);
}

#[test]
fn a_lost_acknowledged_write_is_found() {
    let history = [
        operation(0, 1, write(1, 7, Outcome::Done)),
        operation(2, 3, write(1, 8, Outcome::Done)),
        operation(4, 5, read(2, 8)),
    ];
    assert!(check(BEGINS, &history).is_err());
}

#[test]
fn two_winners_of_one_revision_are_found() {
    let history =
        [operation(0, 9, write(1, 7, Outcome::Done)), operation(0, 9, write(1, 8, Outcome::Done))];
    assert!(check(BEGINS, &history).is_err());
}

#[test]
fn a_write_without_an_answer_may_have_happened_or_not_at_any_time_after() {
    let unknown = operation(0, 1, write(1, 7, Outcome::Unknown));
    assert_eq!(check(BEGINS, &[unknown]), Ok(()));
    assert_eq!(check(BEGINS, &[unknown, operation(2, 3, read(1, 0))]), Ok(()));
    assert_eq!(check(BEGINS, &[unknown, operation(2, 3, read(2, 7))]), Ok(()));
    let late = [unknown, operation(2, 3, read(1, 0)), operation(4, 5, read(2, 7))];
    assert_eq!(check(BEGINS, &late), Ok(()), "it took effect between the reads");
    let undone = [unknown, operation(2, 3, read(2, 7)), operation(4, 5, read(1, 0))];
    assert!(check(BEGINS, &undone).is_err(), "what has happened stays");
    let early = [operation(0, 1, read(2, 7)), operation(2, 3, write(1, 7, Outcome::Unknown))];
    assert!(check(BEGINS, &early).is_err(), "nothing happens before it was asked for");
}

#[test]
fn a_refusal_needs_another_revision() {
    assert!(check(BEGINS, &[operation(0, 1, write(1, 7, Outcome::Stale))]).is_err());
    let beside =
        [operation(0, 9, write(1, 7, Outcome::Done)), operation(0, 9, write(1, 8, Outcome::Stale))];
    assert_eq!(check(BEGINS, &beside), Ok(()));
}

/// Draws a history of a real register: every operation takes effect at a moment within its span.
fn drawn(random: &mut Random, count: u64) -> Vec<Operation> {
    let mut held = BEGINS;
    let mut history = Vec::new();
    for number in 1..=count {
        let moment = number * 100;
        let (called, returned) =
            (moment.saturating_sub(random.below(350)), moment + 1 + random.below(350));
        let action = if random.below(3) == 0 {
            Action::Read(held)
        } else {
            let expected = held.revision.saturating_sub(random.below(2));
            let applies = expected == held.revision;
            let lost = random.below(8) == 0;
            if applies && !(lost && random.below(2) == 0) {
                held = Held { revision: expected + 1, value: number };
                write(expected, number, if lost { Outcome::Unknown } else { Outcome::Done })
            } else {
                write(expected, number, if lost { Outcome::Unknown } else { Outcome::Stale })
            }
        };
        // A refusal of a write that would have applied is no history: it was lost before it came.
        history.push(operation(called, returned, action));
    }
    history
}

#[test]
fn drawn_histories_pass_and_changed_ones_do_not() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let mut history = drawn(&mut random, 400);
        assert_eq!(check(BEGINS, &history), Ok(()), "seed {seed}");
        // Somebody reads a value that nobody wrote.
        let place = random.place(history.len());
        history[place].action = read(40, 1_000_000);
        assert!(check(BEGINS, &history).is_err(), "seed {seed}");
    }
}

fn effect(epoch: u64, ns: u64, event: Event, step: u64) -> Effect {
    Effect {
        session: "s".to_owned(),
        epoch,
        node: "a".to_owned(),
        pid: std::process::id(),
        ns,
        event,
        step,
        sha256: if event == Event::Checkpoint { format!("{epoch}-{step}") } else { String::new() },
    }
}

fn commits(list: &[(u64, u64)]) -> BTreeMap<String, Vec<Committed>> {
    let one =
        |(epoch, step): &(u64, u64)| Committed { step: *step, sha256: format!("{epoch}-{step}") };
    BTreeMap::from([("s".to_owned(), list.iter().map(one).collect())])
}

#[test]
fn an_owner_that_was_replaced_may_work_on_but_not_commit() {
    let log = [
        effect(1, 10, Event::Start, 0),
        effect(1, 20, Event::Checkpoint, 5),
        effect(2, 30, Event::Start, 5),
        effect(1, 40, Event::Checkpoint, 10),
        effect(2, 50, Event::Checkpoint, 10),
    ];
    assert!(two_owners(&log, &commits(&[(1, 5), (2, 10)])).is_empty());
    assert!(two_owners(&log, &commits(&[(1, 5)])).is_empty());
    let late = two_owners(&log, &commits(&[(1, 5), (1, 10)]));
    assert_eq!(late.len(), 1, "{late:?}");
    let back = two_owners(&log, &commits(&[(2, 10), (1, 5)]));
    assert_eq!(back.len(), 1, "{back:?}");
    let invented = two_owners(&log, &commits(&[(3, 99)]));
    assert_eq!(invented.len(), 1, "{invented:?}");
    assert!((overlap(&log) - 10e-9).abs() < 1e-12);
}

#[test]
fn the_first_step_of_the_next_assignment_is_found() {
    let log = [
        effect(1, 10, Event::Step, 1),
        effect(1, 40, Event::Step, 2),
        effect(2, 50, Event::Start, 1),
        effect(2, 60, Event::Step, 2),
    ];
    assert_eq!(first_step_after(&log, "s", 1, 30).map(|effect| effect.ns), Some(60));
    assert_eq!(first_step_after(&log, "s", 2, 30), None);
    // A worker lives until it says that it stops, or is no process any more.
    let log = [effect(1, 10, Event::Start, 0), effect(2, 20, Event::Start, 0)];
    assert_eq!(alive(&log)["s"].len(), 2);
    let log = [log.to_vec(), vec![effect(1, 30, Event::Stop, 3)]].concat();
    assert_eq!(alive(&log)["s"].len(), 1);
}

/// A program that serves HTTP inside a namespace.
fn server(dir: &std::path::Path, space: &str, bind: &str, mark: &str) -> Process {
    let words = ["python3", "-m", "http.server", "--bind", bind, "--directory"];
    let mut words: Vec<String> = words.map(str::to_owned).to_vec();
    words.extend([dir.to_string_lossy().into_owned(), "8080".to_owned()]);
    Process::start(&Launch {
        words,
        space: Some(space.to_owned()),
        environment: BTreeMap::new(),
        log: dir.join("log"),
        mark: mark.to_owned(),
    })
}

/// Waits until a connection from a namespace succeeds or fails, as wanted.
fn reaches(spaces: &Spaces, from: usize, to: SocketAddr, wanted: bool) {
    let space = spaces.name(from);
    for _ in 0..20 {
        if connect(Some(&space), to).is_ok() == wanted {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{from} reaches {to}: {}", !wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn namespaces_join_cut_and_leave_nothing() {
    if let Some(reason) = space::unavailable() {
        return missing(&reason, "campaign_kit: namespaces");
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("hello"), "{\"a\":1}").unwrap();
    let id = format!("{}-k", std::process::id());
    let spaces = Spaces::new(&id, 3);
    let inner = SocketAddr::from(([127, 0, 0, 1], 8080));
    let outer = SocketAddr::from((address(1), 8080));
    let mark = format!("{id}-http");
    let hidden = server(dir.path(), &spaces.name(0), "127.0.0.1", &mark);
    let open = server(dir.path(), &spaces.name(1), "10.77.0.2", &mark);
    let forwarder = Forwarder::start(&spaces.name(0), inner);
    let url = format!("http://{}", forwarder.address);
    let client = Client::default();
    for _ in 0..50 {
        if client.send(&url, &Ask::get("/hello")).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(client.send(&url, &Ask::get("/hello")).await.unwrap().body["a"], 1);

    reaches(&spaces, 0, outer, true);
    spaces.cut(0, 1);
    reaches(&spaces, 0, outer, false);
    reaches(&spaces, 2, outer, true);
    assert_eq!(client.send(&url, &Ask::get("/hello")).await.unwrap().status, 200, "REST stays");
    spaces.heal();
    reaches(&spaces, 0, outer, true);
    spaces.cut(1, 0);
    reaches(&spaces, 0, outer, false);
    reaches(&spaces, 2, outer, true);
    spaces.heal();
    reaches(&spaces, 0, outer, true);
    assert!(connect(Some(&spaces.hub()), outer).is_ok(), "strangers come from the bridge");

    let pids = [hidden.pid(), open.pid()];
    hidden.signal_all("STOP");
    assert_eq!(janitor::marked(&mark).len(), 2);
    drop((hidden, open));
    assert!(!pids.into_iter().any(is_alive), "a frozen one ends too");
    let name = spaces.name(0);
    drop(spaces);
    let left = run(std::process::Command::new("ip").args(["netns", "list"])).unwrap();
    assert!(!left.contains(&name), "{left}");
}

#[test]
fn disks_fill_lose_what_was_not_durable_and_come_back() {
    if let Some(reason) = disk::unavailable() {
        return missing(&reason, "campaign_kit: disks");
    }
    let dir = tempfile::tempdir().unwrap();
    let mut disk = disk::Disk::new(dir.path(), 64).unwrap();
    let (durable, lost) = (disk.data().join("durable"), disk.data().join("lost"));
    std::fs::write(&durable, "1").unwrap();
    std::fs::File::open(&durable).unwrap().sync_all().unwrap();
    std::fs::File::open(disk.data()).unwrap().sync_all().unwrap();
    assert!(8 << 20 < disk.fill());
    assert!(std::fs::write(disk.data().join("more"), vec![1; 8192]).is_err(), "it is full");
    disk.free();
    std::fs::write(&lost, vec![1; 4096]).unwrap();
    disk.cut_power().unwrap();
    disk.remount();
    assert_eq!(std::fs::read_to_string(&durable).unwrap(), "1");
    assert!(!lost.exists(), "what was not synced is gone");
}

#[test]
fn wall_clocks_jump_while_a_program_runs() {
    if let Some(reason) = clock::unavailable() {
        return missing(&reason, "campaign_kit: clocks");
    }
    let dir = tempfile::tempdir().unwrap();
    let clock = clock::Clock::new(dir.path()).unwrap();
    let script = "import sys, time\nfor _ in sys.stdin: print(int(time.time()), int(time.monotonic()), flush=True)";
    let mut child = std::process::Command::new("python3")
        .args(["-c", script])
        .envs(clock.environment())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut now = || {
        use std::io::{BufRead, Write};
        input.write_all(b"\n").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let (wall, monotonic) = line.trim().split_once(' ').unwrap();
        (wall.parse::<i64>().unwrap(), monotonic.parse::<i64>().unwrap())
    };
    let before = now();
    clock.jump(-86_400);
    let back = now();
    clock.jump(0);
    let after = now();
    assert!((before.0 - back.0 - 86_400).abs() < 5, "{before:?} {back:?}");
    assert!((after.0 - before.0).abs() < 5 && back.1 - before.1 < 5, "{after:?}");
    drop(input);
    child.wait().unwrap();
}
