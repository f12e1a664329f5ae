//! Nodes as processes of their own over loopback: requests answered once, a killed node replaced, a copied one refused,
//! a frozen one noticed, a slow one refused at once. Each test starts this program again in the part of a node.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "a node process answers on standard output")]

#[path = "links/node.rs"]
mod node;
mod nodes;

use std::path::Path;
use std::time::{Duration, Instant};

use nodes::{Node, Part, number, ports};
use rustix::process::Signal;

/// The way back into [`node_process`].
const PART: [&str; 3] = ["node_process", "--exact", "--nocapture"];

/// Not a test: the part of a node, in a process that a test below has started.
#[test]
fn node_process() {
    if let Some(part) = Part::from_environment() {
        node::run(part);
    }
}

fn start(part: &Part) -> Node {
    Node::start(part, &PART)
}

/// Parts of `a` and `b` that know each other.
fn pair() -> (Part, Part) {
    let [a, b] = ports();
    (Part::new("a", a, &[("b", b)]), Part::new("b", b, &[("a", a)]))
}

fn linked(from: &mut Node, to: &str) {
    assert_eq!(from.ask(&format!("wait {to} ready")), "ok", "{} to {to}", from.name);
}

/// Asks until an answer shows that the node has noticed, and returns how long that took.
fn until(node: &mut Node, line: &str, wanted: &str) -> Duration {
    let began = Instant::now();
    while node.ask(line) != wanted {
        assert!(began.elapsed() < Duration::from_secs(40), "{line} never gave {wanted}");
        std::thread::sleep(Duration::from_millis(20));
    }
    began.elapsed()
}

#[test]
fn ten_thousand_requests_are_answered_once_between_two() {
    let (a, b) = pair();
    let (mut a, mut b) = (start(&a), start(&b));
    linked(&mut a, "b");
    linked(&mut b, "a");
    let there = a.ask("flood b 10000 64");
    let back = b.ask("flood a 10000 64");
    for answer in [&there, &back] {
        assert_eq!((number(answer, "ok"), number(answer, "wrong")), (10_000, 0), "{answer}");
    }
    assert_eq!(b.number("seen", "requests"), 10_000);
    assert_eq!(b.number("seen", "ids"), 10_000, "every one once");
    assert_eq!(a.number("seen", "requests"), 10_000);
    let link = a.ask("link b");
    assert_eq!(number(&link, "redials"), 0, "{link}");
    assert!(number(&link, "bytes_in") > 500_000, "{link}");
    assert!(link.contains("rtt=some"), "{link}");
}

#[test]
fn three_nodes_serve_each_other() {
    three(None);
}

#[test]
fn three_nodes_serve_each_other_behind_certificates() {
    let directory = tempfile::tempdir().unwrap();
    nodes::certify(directory.path(), &["a", "b", "c"]);
    three(Some(directory.path()));
}

fn three(certificates: Option<&Path>) {
    let [pa, pb, pc] = ports();
    let mut parts = [
        Part::new("a", pa, &[("b", pb), ("c", pc)]),
        Part::new("b", pb, &[("a", pa), ("c", pc)]),
        Part::new("c", pc, &[("a", pa), ("b", pb)]),
    ];
    for part in &mut parts {
        part.certificates = certificates.map(Path::to_owned);
    }
    let mut nodes: Vec<Node> = parts.iter().map(start).collect();
    let names = ["a", "b", "c"];
    for node in &mut nodes {
        for peer in names {
            if peer != node.name {
                linked(node, peer);
            }
        }
    }
    // All six directions at once.
    for node in &mut nodes {
        for peer in names {
            if peer != node.name {
                node.tell(&format!("flood {peer} 2000 16"));
            }
        }
    }
    for node in &nodes {
        for _ in 0..2 {
            let answer = node.answer();
            assert_eq!((number(&answer, "ok"), number(&answer, "wrong")), (2_000, 0), "{answer}");
        }
    }
    for node in &mut nodes {
        let seen = node.ask("seen");
        assert_eq!((number(&seen, "requests"), number(&seen, "ids")), (4_000, 4_000), "{seen}");
    }
}

#[test]
fn a_killed_node_comes_back_as_a_newer_start() {
    for victim in ["a", "b"] {
        let (a, b) = pair();
        let (mut dead, alive) = if victim == "a" { (a, b) } else { (b, a) };
        let mut survivor = start(&alive);
        let mut first = start(&dead);
        linked(&mut survivor, victim);
        linked(&mut first, &alive.node);
        // Requests are under way when it dies: each has a typed end, none hangs.
        survivor.tell(&format!("hold {victim} 100"));
        assert_eq!(survivor.answer(), "holding");
        first.kill();
        let ends = survivor.answer();
        assert_eq!(number(&ends, "unknown") + number(&ends, "refused"), 100, "{ends}");
        assert_eq!(survivor.ask(&format!("refused {victim}")), "unreachable");
        dead.incarnation += 1;
        dead.boot_id += 1;
        let mut second = start(&dead);
        linked(&mut survivor, victim);
        linked(&mut second, &alive.node);
        let answer = survivor.ask(&format!("flood {victim} 1000 16"));
        assert_eq!(number(&answer, "ok"), 1_000, "{answer}");
        assert_eq!(number(&survivor.ask(&format!("link {victim}")), "redials"), 1);
    }
}

#[test]
fn a_copied_and_an_earlier_process_are_refused() {
    let (mut a, b) = pair();
    a.incarnation = 5;
    let (mut first, mut server) = (start(&a), start(&b));
    linked(&mut first, "b");
    linked(&mut server, "a");
    for (incarnation, boot_id, reason) in
        [(5, 9, "two processes say they are start 5 of a"), (4, 8, "start 5 is known already")]
    {
        let [port] = ports();
        let copied = Part { incarnation, boot_id, port, ..a.clone() };
        let mut second = start(&copied);
        let told = second.ask("refusal b");
        assert!(told.contains(reason), "{told}");
        assert_eq!(second.ask("refused b"), "unreachable");
    }
    // The first one did not notice.
    let answer = first.ask("flood b 1000 16");
    assert_eq!(number(&answer, "ok"), 1_000, "{answer}");
    assert_eq!(number(&first.ask("link b"), "redials"), 0);
}

#[test]
fn a_frozen_node_is_noticed_and_nothing_takes_effect_late() {
    let (a, b) = pair();
    let (mut a, mut b) = (start(&a), start(&b));
    linked(&mut a, "b");
    linked(&mut b, "a");
    assert_eq!(a.ask("events b 100 5000"), "sent=100");
    until(&mut b, "delivered", "delivered=100 late=0");
    b.freeze();
    let stopped = Instant::now();
    // Buffered before anybody can know: these must not take effect when the node wakes up.
    assert_eq!(a.ask("events b 200 3000"), "sent=200");
    until(&mut a, "state b", "down");
    assert!(stopped.elapsed() < Duration::from_secs(10), "noticed after {:?}", stopped.elapsed());
    assert_eq!(a.ask("refused b"), "unreachable");
    std::thread::sleep(Duration::from_secs(12).saturating_sub(stopped.elapsed()));
    b.signal(Signal::CONT);
    let woke = Instant::now();
    // The frozen side learns of it as well: its old session ends and a new one comes.
    linked(&mut a, "b");
    until(&mut b, "redialled a", "yes");
    assert!(woke.elapsed() < Duration::from_secs(10), "noticed after {:?}", woke.elapsed());
    let answer = a.ask("flood b 1000 16");
    assert_eq!(number(&answer, "ok"), 1_000, "{answer}");
    assert_eq!(b.number("delivered", "late"), 0);
    assert_eq!(b.number("delivered", "delivered"), 100, "what was buffered is dropped");
}

#[test]
fn what_is_too_large_is_refused_and_the_link_lives() {
    let (a, b) = pair();
    let (mut a, mut b) = (start(&a), start(&b));
    linked(&mut a, "b");
    assert_eq!(a.ask("large b 1"), "too large");
    // The largest that may be sent passes, both ways.
    assert_eq!(a.ask("large b 0"), "same");
    assert_eq!(a.ask("wrong b"), "not here unsupported stale");
    linked(&mut b, "a");
    assert_eq!(b.ask("large a 0"), "same");
    assert_eq!(number(&a.ask("link b"), "redials"), 0);
}

#[test]
fn a_slow_receiver_refuses_at_once_and_memory_stays() {
    let (a, b) = pair();
    let (mut a, mut b) = (start(&a), start(&b));
    linked(&mut a, "b");
    linked(&mut b, "a");
    let before = (a.number("memory", "kib"), b.number("memory", "kib"));
    // 20,000 requests of 16 KiB are 312 MiB: nearly all must be refused.
    let answer = a.ask("slow b 20000 16384");
    let (done, refused) = (number(&answer, "ok"), number(&answer, "overloaded"));
    assert_eq!(done + refused, 20_000, "{answer}");
    assert!(done > 0 && refused > 15_000, "{answer}");
    let after = (a.number("memory", "kib"), b.number("memory", "kib"));
    for (before, after) in [(before.0, after.0), (before.1, after.1)] {
        assert!(after < before + 64 * 1024, "grew from {before} to {after} KiB");
    }
    // Control passes while data waits, and the link is as it was.
    let answer = a.ask("flood b 1000 16");
    assert_eq!(number(&answer, "ok"), 1_000, "{answer}");
    assert_eq!(number(&a.ask("link b"), "redials"), 0);
}

#[test]
fn control_passes_where_data_has_used_up_its_credit() {
    let (a, b) = pair();
    let (mut a, mut b) = (start(&a), start(&b));
    linked(&mut a, "b");
    linked(&mut b, "a");
    until(&mut a, "idle b", "Some(0)");
    b.freeze();
    let answer = a.ask("fill b");
    b.signal(Signal::CONT);
    assert_eq!((number(&answer, "normal"), number(&answer, "control")), (896, 128), "{answer}");
    // Credit comes back when the node wakes up and has taken everything in.
    until(&mut a, "idle b", "Some(0)");
    let answer = a.ask("flood b 1000 16");
    assert_eq!(number(&answer, "ok"), 1_000, "{answer}");
}

#[test]
fn a_session_that_we_did_not_hand_over_is_stopped() {
    let (a, b) = pair();
    let (mut a, _b) = (start(&a), start(&b));
    linked(&mut a, "b");
    assert_eq!(a.ask("foreign"), "closed");
    assert_eq!(a.number("sessions", "foreign"), 1);
    linked(&mut a, "b");
}
