//! Everything that can go wrong, mixed and drawn from a seed, on nodes in namespaces of their own with disks of their
//! own. After each fault the cluster must become whole again, and what it promised must hold. `make chaos` runs it:
//! `TM_CHAOS_SECONDS` for how long, `TM_CHAOS_SEED` which run, `TM_CHAOS_NODES` how many nodes (3),
//! `TM_CHAOS_ONLY` only these kinds of faults ("disk full, SIGSTOP").
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod cluster_kit;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cluster_kit::effects::{self, Commits};
use cluster_kit::faults::{Fault, Means, deck, inflict};
use cluster_kit::load::{History, Load};
use cluster_kit::series::{faults, is_terminal, marks, note_commits, points};
use cluster_kit::site::{Plan, Site};
use cluster_kit::{DEADLINE, Random, clock, disk, missing, say, setting, space};

/// Sessions at work all the time.
const SESSIONS: usize = 6;
/// Room for a node's data: fills in a moment, and is enough for a campaign.
const DISK_MIB: u64 = 768;

/// One line of the table.
struct Row {
    fault: Fault,
    leader: bool,
    whole_s: f64,
    at_work_s: f64,
    remark: String,
}

/// A campaign under way.
struct Campaign {
    site: Site,
    market: (String, String),
    sessions: Vec<String>,
    commits: Commits,
    histories: Vec<(u64, History)>,
    rows: Vec<Row>,
    faults: Vec<String>,
}

impl Campaign {
    async fn start(nodes: usize, means: Means) -> Self {
        let mut plan = Plan::new(nodes, 1_000_000, 100, 20);
        plan.spaces = true;
        plan.disk_mib = means.disks.then_some(DISK_MIB);
        plan.clocks = means.clocks;
        let site = Site::start(plan).await;
        let market = site.market().await;
        let mut campaign = Self {
            site,
            market,
            sessions: Vec::new(),
            commits: Commits::new(),
            histories: Vec::new(),
            rows: Vec::new(),
            faults: Vec::new(),
        };
        campaign.fill_up().await;
        campaign.at_work(0).await;
        campaign
    }

    /// Starts sessions until there are enough of them.
    async fn fill_up(&mut self) {
        while self.sessions.len() < SESSIONS {
            let node = self.sessions.len() % self.site.nodes.len();
            let id = self.site.train(node, &self.market).await;
            self.sessions.push(id);
        }
    }

    fn urls(&self) -> Vec<String> {
        self.site.nodes.iter().map(|node| node.url.clone()).collect()
    }

    /// Does one fault under load, waits until all is whole, and checks every promise.
    async fn round(&mut self, number: usize, seed: u64, fault: Fault) {
        let all: Vec<usize> = (0..self.site.nodes.len()).collect();
        let leader = self.site.leader(&all).await == Some(fault.target());
        say(&format!("{:>3}  {fault}{}", number, if leader { " (leads)" } else { "" }));
        let load_seed = seed.wrapping_add(number as u64);
        let load = Load::start(&self.site.client, &self.urls(), load_seed, 400).await;
        let mut remark = match inflict(&mut self.site, fault).await {
            Ok(remark) => remark,
            Err(what) => {
                self.faults.push(format!("{fault}: {what}"));
                what
            }
        };
        if let Some(spaces) = &self.site.spaces {
            spaces.heal();
        }
        remark += &self.start_the_dead(fault);
        let whole_s = self.site.whole(DEADLINE).await;
        let at_work_s = self.at_work(number).await;
        let history = load.finish().await;
        let wrong = history.violations(&self.site.client, &self.urls(), load_seed).await;
        self.faults.extend(wrong.into_iter().map(|what| format!("{fault}: {what}")));
        self.histories.push((load_seed, history));
        self.owners(fault).await;
        self.rows.push(Row { fault, leader, whole_s, at_work_s, remark });
    }

    /// Does what a service manager does.
    fn start_the_dead(&mut self, fault: Fault) -> String {
        let running = self.site.running();
        let mut told = String::new();
        for node in (0..self.site.nodes.len()).filter(|node| !running.contains(node)) {
            if !matches!(fault, Fault::Killed(_) | Fault::PowerCut(_)) {
                told +=
                    &format!("; {} ended by itself and was started", self.site.nodes[node].name);
            }
            self.site.launch(node);
        }
        told
    }

    /// Waits until every session works on a node that is up, with exactly one worker; returns the seconds.
    async fn at_work(&mut self, round: usize) -> f64 {
        let begun = Instant::now();
        loop {
            let idle = self.idle().await;
            let Some(idle) = idle else { return begun.elapsed().as_secs_f64() };
            if DEADLINE < begun.elapsed() {
                self.site.fail(&format!("round {round}: after {DEADLINE:?} {idle}"));
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn idle(&mut self) -> Option<String> {
        let mut ended = Vec::new();
        for id in &self.sessions {
            let session = self.site.look(0, &format!("/api/v1/sessions/{id}")).await;
            let Some(session) = session else { return Some(format!("{id} cannot be read")) };
            if is_terminal(&session) {
                ended.push((id.clone(), session));
            } else if session["state"] != "running" {
                return Some(format!("{id} is {} ({})", session["state"], session["reason"]));
            }
        }
        for (id, session) in ended {
            // Nobody stopped it and its steps do not end: something failed it that should not have.
            self.faults
                .push(format!("session {id} ended: {} {}", session["state"], session["reason"]));
            self.sessions.retain(|kept| *kept != id);
        }
        self.fill_up().await;
        let alive = effects::alive(&effects::read(&self.site.effects));
        let wrong = self.sessions.iter().find(|id| alive.get(*id).map_or(0, |set| set.len()) != 1);
        wrong.map(|id| format!("{id} has the workers {:?}", alive.get(id)))
    }

    /// Notes what is committed now, and looks for two owners in all that ever was.
    async fn owners(&mut self, fault: Fault) {
        for id in &self.sessions {
            note_commits(&self.site, 0, id, &mut self.commits).await;
        }
        let log = effects::read(&self.site.effects);
        for sign in effects::two_owners(&log, &self.commits) {
            let told = format!("two owners after {fault}: {sign}");
            say(&told);
            self.faults.push(told);
        }
    }

    /// Checks what holds over the whole campaign: nothing ever acknowledged is lost, every series is whole.
    async fn finish(mut self, seed: u64, begun: Instant) {
        for (load_seed, history) in &self.histories {
            for node in &self.site.nodes {
                for fault in history.faults_of_set(&self.site.client, &node.url).await {
                    self.faults
                        .push(format!("at {} in the end, load {load_seed}: {fault}", node.name));
                }
            }
        }
        let mut marked = 0;
        for id in &self.sessions {
            for node in 0..self.site.nodes.len() {
                let wrong = faults(&points(&self.site, node, id).await);
                self.faults.extend(wrong.iter().map(|fault| format!("series of {id}: {fault}")));
            }
            marked += marks(&self.site, 0, id).await.len();
        }
        self.summary(seed, begun, marked);
        assert!(self.faults.is_empty(), "seed {seed}: {:#?}", self.faults);
    }

    fn summary(&self, seed: u64, begun: Instant, marked: usize) {
        let log = effects::read(&self.site.effects);
        say(&format!(
            "\n{:<32} {:>6} {:>9} {:>9}  remark",
            "fault", "leader", "whole s", "at work s"
        ));
        for row in &self.rows {
            let leads = if row.leader { "yes" } else { "" };
            say(&format!(
                "{:<32} {leads:>6} {:>9.1} {:>9.1}  {}",
                row.fault.to_string(),
                row.whole_s,
                row.at_work_s,
                row.remark
            ));
        }
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &self.rows {
            *kinds.entry(row.fault.kind()).or_default() += 1;
        }
        let (done, unknown) =
            self.histories.iter().fold((0, 0), |(done, unknown), (_, history)| {
                let (more, open) = history.acknowledged();
                (done + more, unknown + open)
            });
        let commits: usize = self.commits.values().map(Vec::len).sum();
        say(&format!(
            "\nseed {seed}: {} faults of {} kinds in {:.0} s {kinds:?}\n{done} changes acknowledged ({unknown} without \
             an answer), {commits} checkpoints seen committed, {marked} resumptions marked, \
             {:.1} s of steps by workers that were replaced (they count for nothing)\nviolations: {}",
            self.rows.len(),
            kinds.len(),
            begun.elapsed().as_secs_f64(),
            effects::overlap(&log),
            self.faults.len(),
        ));
    }
}

/// Returns what can be done here; what cannot is named and counted.
fn means() -> (Means, Vec<&'static str>) {
    let mut not_run = Vec::new();
    let disks = disk::unavailable();
    if let Some(reason) = &disks {
        missing(reason, "chaos: disk full, power cut");
        not_run.extend(["disk full", "power cut"]);
    }
    let clocks = clock::unavailable();
    if let Some(reason) = &clocks {
        missing(reason, "chaos: clock jump");
        not_run.push("clock jump");
    }
    (Means { disks: disks.is_none(), clocks: clocks.is_none() }, not_run)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_faults_break_no_promise() {
    let Some(wanted) = setting("TM_CHAOS_SECONDS") else {
        return say("chaos: NOT RUN; `make chaos SECONDS=600` runs it");
    };
    if let Some(reason) = space::unavailable() {
        return missing(&reason, "chaos");
    }
    let mut random = Random::seeded("TM_CHAOS_SEED");
    let seed = random.0;
    let nodes = usize::try_from(setting("TM_CHAOS_NODES").unwrap_or(3)).unwrap();
    let (means, not_run) = means();
    let only = std::env::var("TM_CHAOS_ONLY").ok();
    let mut campaign = Campaign::start(nodes, means).await;
    let begun = Instant::now();
    let mut faults: Vec<Fault> = Vec::new();
    let mut number = 0;
    while begun.elapsed() < Duration::from_secs(wanted) {
        if faults.is_empty() {
            faults = deck(&mut random, nodes, means);
            faults.retain(|fault| only.as_ref().is_none_or(|only| only.contains(fault.kind())));
            assert!(!faults.is_empty(), "TM_CHAOS_ONLY={only:?} names no kind of fault");
            say(&format!(
                "schedule: {}",
                faults.iter().rev().map(Fault::to_string).collect::<Vec<_>>().join(", ")
            ));
        }
        number += 1;
        let fault = faults.pop().unwrap();
        campaign.round(number, seed, fault).await;
    }
    say(&format!("not run for want of means: {} {not_run:?}", not_run.len()));
    campaign.finish(seed, begun).await;
}
