//! What can happen to nodes: every fault of the campaign, drawn from a seed, done and undone.

use std::fmt::{Display, Formatter};
use std::time::Duration;

use super::site::Site;
use super::strangers::{Strangers, link_state};
use super::{Random, boot_ns, seconds};

/// A partition must be noticed by both sides within this.
const NOTICED_WITHIN_S: f64 = 10.0;
/// Connections that say nothing.
const SILENT: usize = 200;

/// One fault and whom it hits, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing passes between a node and all others.
    Isolated(usize),
    /// A node hears nobody and is heard by all.
    Deaf(usize),
    /// A node is heard by nobody and hears all.
    Mute(usize),
    /// Two nodes do not reach each other; the others reach both.
    Parted(usize, usize),
    /// A node and its workers stand still for so many seconds.
    Frozen(usize, u64),
    /// A node's wall clock is so many seconds off for a while.
    Clock(usize, i64),
    /// A node's disk is full for a while.
    DiskFull(usize),
    /// A node loses power: what was not durable is gone.
    PowerCut(usize),
    /// A node's program is killed with its workers.
    Killed(usize),
    /// Connections to a node's ports that say nothing.
    SilentTcp(usize),
    /// Strangers without a certificate, with another cluster's, and in plain TCP.
    WrongCertificate(usize),
    /// A second node of a name that is taken, with its certificate.
    DuplicateName(usize),
    /// A frame above the limit from somebody with a member's certificate.
    OversizedFrame(usize),
    /// A Hello of a version that nobody speaks any more.
    OldProtocol(usize),
}

impl Fault {
    /// Returns the kind, for the summary.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Isolated(_) => "full partition",
            Self::Deaf(_) => "one-way, hears nobody",
            Self::Mute(_) => "one-way, heard by nobody",
            Self::Parted(_, _) => "partial partition",
            Self::Frozen(_, _) => "SIGSTOP",
            Self::Clock(_, _) => "clock jump",
            Self::DiskFull(_) => "disk full",
            Self::PowerCut(_) => "power cut",
            Self::Killed(_) => "kill -9",
            Self::SilentTcp(_) => "silent TCP",
            Self::WrongCertificate(_) => "wrong certificate",
            Self::DuplicateName(_) => "duplicate node name",
            Self::OversizedFrame(_) => "oversized frame",
            Self::OldProtocol(_) => "old protocol",
        }
    }

    /// Returns the node that it hits first.
    pub fn target(self) -> usize {
        match self {
            Self::Isolated(node)
            | Self::Deaf(node)
            | Self::Mute(node)
            | Self::Parted(node, _)
            | Self::Frozen(node, _)
            | Self::Clock(node, _)
            | Self::DiskFull(node)
            | Self::PowerCut(node)
            | Self::Killed(node)
            | Self::SilentTcp(node)
            | Self::WrongCertificate(node)
            | Self::DuplicateName(node)
            | Self::OversizedFrame(node)
            | Self::OldProtocol(node) => node,
        }
    }
}

fn letter(node: usize) -> char {
    char::from(b'a' + u8::try_from(node).unwrap())
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let target = letter(self.target());
        match self {
            Self::Parted(_, other) => write!(f, "{} {target}|{}", self.kind(), letter(*other)),
            Self::Frozen(_, time) => write!(f, "{} {time} s of {target}", self.kind()),
            Self::Clock(_, by) => write!(f, "{} {by:+} s at {target}", self.kind()),
            Self::Isolated(_)
            | Self::Deaf(_)
            | Self::Mute(_)
            | Self::DiskFull(_)
            | Self::PowerCut(_)
            | Self::Killed(_)
            | Self::SilentTcp(_)
            | Self::WrongCertificate(_)
            | Self::DuplicateName(_)
            | Self::OversizedFrame(_)
            | Self::OldProtocol(_) => write!(f, "{} of {target}", self.kind()),
        }
    }
}

/// What this machine can do to nodes.
#[derive(Debug, Clone, Copy)]
pub struct Means {
    /// Disks that can be filled and cut.
    pub disks: bool,
    /// Wall clocks that jump.
    pub clocks: bool,
}

/// Returns one fault of each kind in random order, at random nodes.
pub fn deck(random: &mut Random, nodes: usize, means: Means) -> Vec<Fault> {
    let mut draw = || random.place(nodes);
    let mut deck = vec![
        Fault::Isolated(draw()),
        Fault::Isolated(draw()),
        Fault::Deaf(draw()),
        Fault::Mute(draw()),
        Fault::Killed(draw()),
        Fault::SilentTcp(draw()),
        Fault::WrongCertificate(draw()),
        Fault::DuplicateName(draw()),
        Fault::OversizedFrame(draw()),
        Fault::OldProtocol(draw()),
    ];
    let one = draw();
    deck.push(Fault::Parted(one, (one + 1) % nodes));
    deck.extend([1, 8, 20, 60].map(|time| Fault::Frozen(draw(), time)));
    if means.clocks {
        deck.extend([-86_400, 7_200].map(|by| Fault::Clock(draw(), by)));
    }
    if means.disks {
        deck.extend([Fault::DiskFull(draw()), Fault::PowerCut(draw())]);
    }
    random.shuffle(&mut deck);
    deck
}

async fn hold(time: u64) {
    tokio::time::sleep(Duration::from_secs(time)).await;
}

/// Does a fault and undoes it; returns a remark for the table.
///
/// # Errors
/// Returns what happened that must not.
pub async fn inflict(site: &mut Site, fault: Fault) -> Result<String, String> {
    match fault {
        Fault::Isolated(node) => isolate(site, node).await,
        Fault::Deaf(node) => cut(site, node, |spaces, other| spaces.cut(other, node)).await,
        Fault::Mute(node) => cut(site, node, |spaces, other| spaces.cut(node, other)).await,
        Fault::Parted(one, other) => {
            site.spaces.as_ref().unwrap().cut_both(one, other);
            hold(20).await;
            Ok(String::new())
        }
        Fault::Frozen(node, time) => {
            site.nodes[node].process.as_ref().unwrap().signal_all("STOP");
            hold(time).await;
            site.nodes[node].process.as_ref().unwrap().signal_all("CONT");
            Ok(String::new())
        }
        Fault::Clock(node, by) => {
            let clock = site.nodes[node].clock.as_ref().unwrap();
            clock.jump(by);
            hold(12).await;
            clock.jump(0);
            Ok(String::new())
        }
        Fault::DiskFull(node) => {
            let disk = site.nodes[node].disk.as_ref().unwrap();
            let filled = disk.fill();
            hold(10).await;
            disk.free();
            Ok(format!("{} MiB taken", filled >> 20))
        }
        Fault::PowerCut(node) => {
            site.nodes[node].process.as_ref().unwrap().signal_all("STOP");
            site.nodes[node].disk.as_ref().unwrap().cut_power()?;
            site.kill(node);
            site.nodes[node].disk.as_mut().unwrap().remount();
            Ok(String::new())
        }
        Fault::Killed(node) => {
            site.kill(node);
            hold(5).await;
            Ok(String::new())
        }
        Fault::SilentTcp(node) => silence(site, node).await,
        Fault::WrongCertificate(node) => {
            Strangers::of(site, node).with_plain_tcp()?;
            Strangers::of(site, node).with_wrong_certificates().await?;
            Ok(String::new())
        }
        Fault::DuplicateName(node) => duplicate(site, node).await,
        Fault::OversizedFrame(node) => {
            let member = (node + 1) % site.nodes.len();
            Strangers::of(site, node).with_an_oversized_frame(member).await?;
            Ok(String::new())
        }
        Fault::OldProtocol(node) => {
            let member = (node + 1) % site.nodes.len();
            Strangers::of(site, node).with_an_old_protocol(member).await?;
            Ok(String::new())
        }
    }
}

async fn cut(
    site: &Site,
    node: usize,
    direction: impl Fn(&super::space::Spaces, usize),
) -> Result<String, String> {
    let spaces = site.spaces.as_ref().unwrap();
    for other in (0..site.nodes.len()).filter(|other| *other != node) {
        direction(spaces, other);
    }
    hold(20).await;
    Ok(String::new())
}

/// Cuts a node off and measures how long both sides take to notice.
async fn isolate(site: &Site, node: usize) -> Result<String, String> {
    let spaces = site.spaces.as_ref().unwrap();
    let others: Vec<usize> = (0..site.nodes.len()).filter(|other| *other != node).collect();
    for other in &others {
        spaces.cut_both(node, *other);
    }
    let begun = boot_ns();
    let mut inside = None;
    let mut outside = None;
    while seconds(begun, boot_ns()) < 20.0 {
        let now = seconds(begun, boot_ns());
        let mut notices = (true, true);
        for other in &others {
            let is_ready = |state: Option<String>| state.as_deref() == Some("ready");
            notices.0 &= !is_ready(link_state(site, node, *other).await);
            notices.1 &= !is_ready(link_state(site, *other, node).await);
        }
        if notices.0 {
            inside = inside.or(Some(now));
        }
        if notices.1 {
            outside = outside.or(Some(now));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let told = format!("noticed inside {inside:.1?} s, outside {outside:.1?} s");
    let in_time = |noticed: Option<f64>| noticed.is_some_and(|time| time <= NOTICED_WITHIN_S);
    if in_time(inside) && in_time(outside) { Ok(told) } else { Err(format!("partition {told}")) }
}

/// Opens silent connections and sees that the cluster answers all the same.
async fn silence(site: &Site, node: usize) -> Result<String, String> {
    let held = Strangers::of(site, node).silent(SILENT);
    let begun = boot_ns();
    if site.look(node, "/api/v1/cluster").await.is_none() {
        return Err("the node does not answer while silent clients wait".to_owned());
    }
    let answered = seconds(begun, boot_ns());
    hold(5).await;
    let leader = site.leader(&[node]).await;
    if leader.is_none() {
        return Err("silent clients cost the node its majority".to_owned());
    }
    Ok(format!("{} held, answered in {answered:.2} s", held.len()))
}

/// Starts a second program of a name that is taken, on another disk, and as somebody in the middle of a conversation.
async fn duplicate(site: &Site, node: usize) -> Result<String, String> {
    let host = (node + 1) % site.nodes.len();
    let refused = Strangers::of(site, host).as_a_second_process(node).await;
    let dir = site.dir.path().join(format!("second-{}", boot_ns()));
    let mut launch = site.launching(node);
    std::fs::create_dir(&dir).unwrap();
    let text = std::fs::read_to_string(site.config(node)).unwrap();
    let other_disk = |line: &str| match line {
        line if line.starts_with("data_dir") => format!("data_dir = {:?}", dir.join("data")),
        line if line.starts_with("gateway") => "gateway = \"127.0.0.1:8099\"".to_owned(),
        line if line.starts_with("cluster = ") => "cluster = \"10.77.0.254:7700\"".to_owned(),
        line => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(other_disk).collect();
    let config = site.nodes[node].dir.join("second.toml");
    std::fs::write(&config, lines.join("\n")).unwrap();
    let config = config.to_string_lossy().into_owned();
    *launch.words.last_mut().unwrap() = config;
    launch.log = dir.join("log");
    launch.space = site.spaces.as_ref().map(super::space::Spaces::hub);
    launch.mark += "-second";
    let mut second = super::process::Process::start(&launch);
    hold(8).await;
    let told = match second.ended() {
        Some(status) => format!("the second one ended: {status}"),
        None => "the second one waits outside".to_owned(),
    };
    second.kill();
    refused?;
    let view = site.look(host, &format!("/api/v1/nodes/{}", site.nodes[node].name)).await;
    if view.as_ref().is_some_and(|view| view["up"] == true) {
        return Ok(told);
    }
    Err(format!("a second process put the node out: {view:?}; {told}"))
}
