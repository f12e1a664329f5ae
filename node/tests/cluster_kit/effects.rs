//! What workers did, by their own account outside of every node, and whether a session ever had two owners.
//!
//! A worker that is cut off goes on by design (`spec/cluster.md` 13): its steps count for nothing. What counts is
//! committed. So two owners are: a checkpoint of an assignment is committed that was written after a later assignment
//! had begun to work, or the committed checkpoints go back to an earlier assignment or step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::process::is_alive;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The worker begins, at this step.
    Start,
    /// It took this step.
    Step,
    /// It wrote a checkpoint of this step and announced it.
    Checkpoint,
    /// It ended in good order.
    Stop,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Effect {
    /// Whose work.
    pub session: String,
    /// Which assignment.
    pub epoch: u64,
    /// On which node.
    pub node: String,
    /// The worker's process.
    pub pid: u32,
    /// Boot-time clock, ns.
    pub ns: u64,
    /// What.
    pub event: Event,
    /// At which step.
    pub step: u64,
    /// The checkpoint's hash; empty otherwise.
    pub sha256: String,
}

/// A committed checkpoint as REST lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// At which step.
    pub step: u64,
    /// Its hash.
    pub sha256: String,
}

/// Committed checkpoints of each session, in the order in which they were committed.
pub type Commits = BTreeMap<String, Vec<Committed>>;

/// Reads the log. A last line that is being written is left out.
pub fn read(path: &Path) -> Vec<Effect> {
    let text = std::fs::read_to_string(path).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Returns every sign of two owners.
pub fn two_owners(effects: &[Effect], commits: &Commits) -> Vec<String> {
    let mut signs = Vec::new();
    let mut begun: BTreeMap<&str, BTreeMap<u64, u64>> = BTreeMap::new();
    let mut written: BTreeMap<(&str, &str), &Effect> = BTreeMap::new();
    for effect in effects {
        let first = begun.entry(&effect.session).or_default().entry(effect.epoch);
        first.or_insert(effect.ns);
        if effect.event == Event::Checkpoint {
            written.entry((&effect.session, &effect.sha256)).or_insert(effect);
        }
    }
    for (session, list) in commits {
        let mut last: Option<(u64, u64)> = None;
        for commit in list {
            let Some(effect) = written.get(&(session.as_str(), commit.sha256.as_str())) else {
                signs.push(format!("{session}: nobody wrote the committed {commit:?}"));
                continue;
            };
            let here = (effect.epoch, commit.step);
            if let Some(before) = last.filter(|last| here.0 < last.0 || here.1 <= last.1) {
                signs.push(format!("{session}: committed (epoch, step) {here:?} after {before:?}"));
            }
            last = Some(here);
            let later = begun[session.as_str()].range(effect.epoch + 1..);
            for (epoch, start) in later.filter(|(_, start)| **start < effect.ns) {
                signs.push(format!(
                    "{session}: a checkpoint of epoch {} (step {}) was committed that was written {:.3} s after epoch \
                     {epoch} began to work",
                    effect.epoch,
                    commit.step,
                    super::seconds(*start, effect.ns),
                ));
            }
        }
    }
    signs
}

/// Returns the workers that live now, by session; a session that has several has two of them at work.
pub fn alive(effects: &[Effect]) -> BTreeMap<String, BTreeSet<(u64, u32)>> {
    let mut found: BTreeMap<String, BTreeSet<(u64, u32)>> = BTreeMap::new();
    for effect in effects {
        let worker = (effect.epoch, effect.pid);
        let workers = found.entry(effect.session.clone()).or_default();
        match effect.event {
            Event::Start => drop(workers.insert(worker)),
            Event::Stop => drop(workers.remove(&worker)),
            Event::Step | Event::Checkpoint => {}
        }
    }
    for workers in found.values_mut() {
        workers.retain(|(_, pid)| is_alive(*pid));
    }
    found
}

/// Returns the first step that an assignment after `epoch` took after a moment.
pub fn first_step_after<'a>(
    effects: &'a [Effect],
    session: &str,
    epoch: u64,
    after_ns: u64,
) -> Option<&'a Effect> {
    effects.iter().find(|effect| {
        effect.session == session
            && epoch < effect.epoch
            && after_ns < effect.ns
            && effect.event == Event::Step
    })
}

/// Returns where an assignment began.
pub fn start_of<'a>(effects: &'a [Effect], session: &str, epoch: u64) -> Option<&'a Effect> {
    effects.iter().find(|effect| {
        effect.session == session && effect.epoch == epoch && effect.event == Event::Start
    })
}

/// Returns for how long two assignments of one session both took steps, in seconds, over all sessions.
pub fn overlap(effects: &[Effect]) -> f64 {
    let mut spans: BTreeMap<(&str, u64), (u64, u64)> = BTreeMap::new();
    for effect in effects {
        let span = spans.entry((&effect.session, effect.epoch)).or_insert((effect.ns, effect.ns));
        span.1 = span.1.max(effect.ns);
    }
    let pairs = spans.iter().zip(spans.iter().skip(1));
    let both = pairs.filter(|((one, _), (other, _))| one.0 == other.0);
    both.map(|((_, one), (_, other))| super::seconds(other.0, one.1)).sum()
}
