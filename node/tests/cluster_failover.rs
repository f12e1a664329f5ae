//! A node that runs sessions is killed: each goes on elsewhere from its last committed checkpoint, and its series has
//! neither gap nor repetition. `make failover` measures it: `TM_FAILOVER_ROUNDS` kills (1 in the ordinary test run),
//! `TM_CAMPAIGN_SEED` which nodes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod cluster_kit;

use std::time::{Duration, Instant};

use cluster_kit::effects::{self, Commits, Effect, first_step_after, start_of};
use cluster_kit::series::{
    committed, faults, is_at_work, is_terminal, marks, note_commits, points,
};
use cluster_kit::site::{Plan, Site};
use cluster_kit::{DEADLINE, Random, boot_ns, median_and_worst, say, seconds, setting};
use serde_json::Value;

/// Sessions at work all the time.
const SESSIONS: usize = 6;
/// With default times the median must stay below this.
const MEDIAN_S: f64 = 25.0;

/// A session that is about to lose its node.
struct Victim {
    id: String,
    epoch: u64,
    /// The newest checkpoint that a survivor knew to be committed.
    kept: u64,
}

async fn sessions(site: &Site, node: usize, ids: &[String]) -> Vec<Value> {
    let mut found = Vec::new();
    for id in ids {
        found.push(site.get(node, &format!("/api/v1/sessions/{id}")).await);
    }
    found
}

/// Returns those that run on a node, as a survivor knows them just before the kill.
async fn victims(site: &Site, survivor: usize, target: usize, ids: &[String]) -> Vec<Victim> {
    let mut found = Vec::new();
    for view in sessions(site, survivor, ids).await {
        if view["node"] != site.nodes[target].name.as_str() || is_terminal(&view) {
            continue;
        }
        let id = view["id"].as_str().unwrap().to_owned();
        let list = committed(site, survivor, &id).await.unwrap();
        let kept = list.last().map_or(0, |commit| commit.step);
        found.push(Victim { id, epoch: view["epoch"].as_u64().unwrap(), kept });
    }
    found
}

/// Waits for the first step that each takes elsewhere.
async fn first_steps(site: &Site, victims: &[Victim], killed_ns: u64) -> Vec<Effect> {
    let begun = Instant::now();
    loop {
        let log = effects::read(&site.effects);
        let steps: Vec<_> = victims
            .iter()
            .filter_map(|victim| {
                first_step_after(&log, &victim.id, victim.epoch, killed_ns).cloned()
            })
            .collect();
        if steps.len() == victims.len() {
            return steps;
        }
        if DEADLINE < begun.elapsed() {
            site.fail(&format!("{} of {} sessions train again", steps.len(), victims.len()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Checks what REST shows of a session that moved, from every node.
async fn check(site: &Site, victim: &Victim, step: &Effect, commits: &Commits) {
    let id = &victim.id;
    let log = effects::read(&site.effects);
    let start = start_of(&log, id, step.epoch).unwrap();
    let steps: Vec<u64> = commits[id].iter().map(|commit| commit.step).collect();
    assert!(
        start.step == 0 && steps.is_empty() || steps.contains(&start.step),
        "{id} resumed from step {}, committed are {steps:?}",
        start.step
    );
    assert!(
        victim.kept <= start.step,
        "{id} resumed from step {} although step {} was committed",
        start.step,
        victim.kept
    );
    for node in 0..site.nodes.len() {
        let wrong = faults(&points(site, node, id).await);
        assert!(wrong.is_empty(), "series of {id} from {}: {wrong:?}", site.nodes[node].name);
    }
    if 0 < start.step {
        let wanted = format!("step {}", start.step);
        let told = marks(site, 0, id).await;
        assert!(told.iter().any(|line| line.contains(&wanted)), "{wanted} is not marked: {told:?}");
    }
    let timeline = site.get(0, &format!("/api/v1/sessions/{id}/timeline")).await.to_string();
    assert!(timeline.contains("recovering"), "{id} recovered visibly: {timeline}");
}

/// Kills a node, measures, checks, and brings it back.
async fn round(site: &mut Site, target: usize, ids: &[String], commits: &mut Commits) -> Vec<f64> {
    let survivor = (target + 1) % site.nodes.len();
    let leads = site.leader(&[survivor]).await == Some(target);
    let victims = victims(site, survivor, target, ids).await;
    let killed_ns = boot_ns();
    site.kill(target);
    let steps = first_steps(site, &victims, killed_ns).await;
    let took: Vec<f64> = steps.iter().map(|step| seconds(killed_ns, step.ns)).collect();
    say(&format!(
        "killed {}{}: {} sessions train again after {took:.1?} s",
        site.nodes[target].name,
        if leads { " (leads)" } else { "" },
        victims.len()
    ));
    site.launch(target);
    site.whole(DEADLINE).await;
    for victim in &victims {
        site.until(survivor, &victim.id, "at work", is_at_work).await;
        note_commits(site, survivor, &victim.id, commits).await;
    }
    let signs = effects::two_owners(&effects::read(&site.effects), commits);
    assert!(signs.is_empty(), "two owners: {signs:#?}");
    for (victim, step) in victims.iter().zip(&steps) {
        check(site, victim, step, commits).await;
    }
    took
}

/// Picks a node that runs something.
async fn busy(site: &Site, random: &mut Random, ids: &[String]) -> usize {
    loop {
        let target = random.place(site.nodes.len());
        let views = sessions(site, (target + 1) % site.nodes.len(), ids).await;
        let name = site.nodes[target].name.as_str();
        if views.iter().any(|view| view["node"] == name && is_at_work(view)) {
            return target;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_of_a_killed_node_go_on_elsewhere() {
    let mut random = Random::seeded("TM_CAMPAIGN_SEED");
    let rounds = setting("TM_FAILOVER_ROUNDS").unwrap_or(1);
    let mut site = Site::start(Plan::new(3, 1_000_000, 100, 20)).await;
    let market = site.market().await;
    let mut ids = Vec::new();
    for number in 0..SESSIONS {
        ids.push(site.train(number % site.nodes.len(), &market).await);
    }
    for id in &ids {
        site.until(0, id, "at work", is_at_work).await;
    }
    let mut commits = Commits::new();
    let mut per_kill = Vec::new();
    for _ in 0..rounds {
        // Long enough that something is committed and something is lost.
        tokio::time::sleep(Duration::from_millis(3_000 + random.below(2_000))).await;
        for id in &ids {
            note_commits(&site, 0, id, &mut commits).await;
        }
        let target = busy(&site, &mut random, &ids).await;
        let took = round(&mut site, target, &ids, &mut commits).await;
        per_kill.push(took.iter().copied().fold(0.0, f64::max));
    }
    let (median, worst) = median_and_worst(&per_kill);
    say(&format!(
        "kill -9 of a node to training again (last of its sessions): median {median:.1} s, worst {worst:.1} s over \
         {} kills; {:.1} s of steps by replaced workers",
        per_kill.len(),
        effects::overlap(&effects::read(&site.effects))
    ));
    assert!(median < MEDIAN_S, "median {median:.1} s");
    for id in &ids {
        let view = site.get(0, &format!("/api/v1/sessions/{id}")).await;
        assert!(!is_terminal(&view), "{view:#}");
    }
}
