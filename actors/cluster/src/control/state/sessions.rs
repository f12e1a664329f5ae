//! Sessions: what is wanted of each, who holds it under which epoch, and how it ended.
//!
//! What a session really does at this moment is not here: that is reported by its node and compared with this.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::limits;
use super::phase::{Phase, Turn};
use crate::control::command::{DesiredState, DocumentKey, NewSession, SessionClass, SessionKey};
use crate::control::refusal::Refusal;

/// Amounts that are reserved as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Thousandths of a core.
    pub cpu_millis: u64,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// GPU devices.
    pub gpus: u32,
    /// Memory of all these devices together, in MiB.
    pub gpu_memory_mib: u64,
    /// Disk in MiB.
    pub disk_mib: u64,
}

impl Resources {
    /// Returns the sum of both, saturating.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cpu_millis: self.cpu_millis.saturating_add(other.cpu_millis),
            memory_mib: self.memory_mib.saturating_add(other.memory_mib),
            gpus: self.gpus.saturating_add(other.gpus),
            gpu_memory_mib: self.gpu_memory_mib.saturating_add(other.gpu_memory_mib),
            disk_mib: self.disk_mib.saturating_add(other.disk_mib),
        }
    }

    /// Returns what is left after `other` was taken, 0 at least.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            cpu_millis: self.cpu_millis.saturating_sub(other.cpu_millis),
            memory_mib: self.memory_mib.saturating_sub(other.memory_mib),
            gpus: self.gpus.saturating_sub(other.gpus),
            gpu_memory_mib: self.gpu_memory_mib.saturating_sub(other.gpu_memory_mib),
            disk_mib: self.disk_mib.saturating_sub(other.disk_mib),
        }
    }
}

/// What should happen, who said so and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// What.
    pub state: DesiredState,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// Who holds a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Where.
    pub node: String,
    /// Which assignment.
    pub epoch: u64,
    /// Since when, milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OutcomeKind {
    /// Did all its work.
    Completed,
    /// Ended on request.
    Stopped,
    /// Ended by an error after all retries.
    Failed,
}

/// The end of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How.
    pub kind: OutcomeKind,
    /// A sentence for people.
    pub detail: String,
    /// What it produced, opaque.
    #[serde(with = "serde_bytes")]
    pub result: Vec<u8>,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// What is known about failures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Failures since the last success.
    pub count: u32,
    /// The first error ever, kept.
    pub first_error: Option<String>,
    /// The newest error.
    pub last_error: Option<String>,
    /// Not to be started before, milliseconds since 1970 UTC.
    pub not_before_ms: u64,
}

/// A checkpoint that is durable and counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its name for ever.
    pub id: [u8; 16],
    /// How far the session was; grows.
    pub step: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Size of the file.
    pub size_bytes: u64,
    /// Metric points emitted up to it.
    pub metric_count: u64,
    /// Pass of the work it belongs to, from 0.
    pub epoch_index: u32,
    /// Nodes that hold the file.
    pub nodes: Vec<String>,
    /// When it was committed, milliseconds since 1970 UTC; stamped by `apply`.
    pub at_ms: u64,
}

/// Where a session may run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirements {
    /// Labels that its node must carry.
    pub labels: BTreeMap<String, String>,
    /// A role that its node must have.
    pub role: Option<String>,
    /// The one node it may run on.
    pub node: Option<String>,
}

/// Sessions that are placed all or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gang {
    /// Names the gang.
    pub id: [u8; 16],
    /// How many belong to it.
    pub size: u32,
}

/// A wish that the holder gives a session up: it writes a checkpoint, ends the work and releases it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eviction {
    /// Which assignment shall end.
    pub epoch: u64,
    /// Why.
    pub reason: String,
    /// Where it should go next, if anybody cares.
    pub to: Option<String>,
    /// When it was wished, milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// A part of what a session recorded, kept as a file on several nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// What is in it, a number of the owner's.
    pub kind: u8,
    /// Number of the first record in it.
    pub from: u64,
    /// Number after the last record in it.
    pub to: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Size of the file.
    pub size_bytes: u64,
    /// Nodes that held it when it was committed.
    pub nodes: Vec<String>,
}

/// Everything agreed upon about one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its name for ever.
    pub id: SessionKey,
    /// What it is.
    pub class: SessionClass,
    /// Who asked for it.
    pub owner: String,
    /// Higher goes first.
    pub priority: i32,
    /// What it needs.
    pub resources: Resources,
    /// What to do, opaque.
    #[serde(with = "serde_bytes")]
    pub spec: Vec<u8>,
    /// Documents it needs.
    pub references: Vec<DocumentKey>,
    /// What it should do.
    pub desired: Desired,
    /// Checkpoints asked for, counted.
    pub checkpoint_requests: u64,
    /// Who holds it.
    pub placement: Option<Placement>,
    /// The highest assignment ever made; only grows.
    pub epoch: u64,
    /// Why it was taken from its last node.
    pub release_reason: Option<String>,
    /// Order of submission over the whole cluster, from 1.
    pub submitted_order: u64,
    /// When, milliseconds since 1970 UTC.
    pub submitted_at_ms: u64,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Failures.
    pub retry: Retry,
    /// Committed checkpoints in the order of their steps; the newest 16.
    pub checkpoints: Vec<Manifest>,
    /// Counts changes of this record; grows.
    pub revision: u64,
    /// The group that pays for it.
    pub team: String,
    /// Where it may run.
    pub requires: Requirements,
    /// Placed together with others.
    pub gang: Option<Gang>,
    /// Whether a more urgent one may take its place.
    pub preemptible: bool,
    /// Where it is in its life.
    pub phase: Phase,
    /// The newest changes of its phase, oldest first.
    pub timeline: Vec<Turn>,
    /// What its holder found out, opaque; at most 8 KiB.
    #[serde(with = "serde_bytes")]
    pub facts: Vec<u8>,
    /// Its holder shall give it up.
    pub eviction: Option<Eviction>,
    /// Where it should go next, if anybody cares.
    pub target: Option<String>,
    /// What it recorded so far, as files; in the order of kind and number.
    pub archive: Vec<Segment>,
}

impl Session {
    /// Returns the newest checkpoint that counts.
    #[must_use]
    pub fn last_checkpoint(&self) -> Option<&Manifest> {
        self.checkpoints.last()
    }

    /// Whether the session has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.outcome.is_some()
    }

    /// Goes to a phase and remembers when and why.
    pub(crate) fn turn(&mut self, phase: Phase, reason: &str, actor: &str, at_ms: u64) {
        self.phase = phase;
        let seq = self.timeline.last().map_or(1, |last| last.seq + 1);
        let reason = cut_to(reason, limits::REASON_BYTES_MAX);
        self.timeline.push(Turn { seq, at_ms, phase, reason, actor: actor.to_owned() });
        if self.timeline.len() > limits::TURN_COUNT_MAX {
            self.timeline.remove(0);
        }
    }

    /// Whether a node was ever given it: from then on it may have seen its data, and counts as tried.
    #[must_use]
    pub fn was_placed(&self) -> bool {
        0 < self.epoch
    }

    /// Whether work on it ever began.
    #[must_use]
    pub fn began(&self) -> bool {
        let started = self.timeline.iter().any(|turn| turn.phase == Phase::Starting);
        started || self.last_checkpoint().is_some() || !self.facts.is_empty()
    }

    /// Whether it should get a node: wanted to run, has none, has not ended.
    #[must_use]
    pub fn waiting(&self) -> bool {
        !self.ended() && self.placement.is_none() && self.desired.state == DesiredState::Run
    }
}

/// All sessions by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    by_id: BTreeMap<SessionKey, Session>,
    submitted_count: u64,
}

impl Sessions {
    /// Returns a session.
    #[must_use]
    pub fn get(&self, id: &SessionKey) -> Option<&Session> {
        self.by_id.get(id)
    }

    /// Returns what v1 stored.
    pub(crate) fn from_parts(by_id: BTreeMap<SessionKey, Session>, submitted_count: u64) -> Self {
        Self { by_id, submitted_count }
    }

    /// Returns all sessions in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.by_id.values()
    }

    /// Returns how many sessions are known, ended ones included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_id.len()
    }

    /// Returns the sessions that should get a node, the most urgent first: by priority, then by submission.
    #[must_use]
    pub fn waiting(&self) -> Vec<&Session> {
        let mut found: Vec<&Session> = self.iter().filter(|session| session.waiting()).collect();
        found.sort_by_key(|session| (std::cmp::Reverse(session.priority), session.submitted_order));
        found
    }

    /// Returns the sessions that `node` holds, in the order of their ids.
    #[must_use]
    pub fn placed_on(&self, node: &str) -> Vec<&Session> {
        let here = |session: &&Session| {
            session.placement.as_ref().is_some_and(|placement| placement.node == node)
        };
        self.iter().filter(here).collect()
    }

    /// Returns what the sessions on `node` reserve together.
    #[must_use]
    pub fn reserved_on(&self, node: &str) -> Resources {
        self.placed_on(node)
            .iter()
            .fold(Resources::default(), |sum, session| sum.plus(session.resources))
    }

    /// Returns a session that has not ended and refers to the document.
    #[must_use]
    pub fn user_of(&self, key: &DocumentKey) -> Option<&Session> {
        self.iter().find(|session| !session.ended() && session.references.contains(key))
    }

    /// Returns the hashes of all checkpoints that count: these files must not be deleted.
    pub fn checkpoint_hashes(&self) -> impl Iterator<Item = [u8; 32]> {
        self.iter().flat_map(|session| session.checkpoints.iter().map(|manifest| manifest.sha256))
    }

    /// Returns a session that may still be changed.
    pub(crate) fn open_mut(&mut self, id: &SessionKey) -> Result<&mut Session, Refusal> {
        let session = self.by_id.get_mut(id).ok_or(Refusal::SessionMissing { session: *id })?;
        match &session.outcome {
            Some(outcome) => Err(Refusal::SessionEnded { session: *id, outcome: outcome.kind }),
            None => Ok(session),
        }
    }

    /// Returns a session, ended or not.
    pub(crate) fn get_mut(&mut self, id: &SessionKey) -> Option<&mut Session> {
        self.by_id.get_mut(id)
    }

    /// Counts a change of the session's record.
    pub(crate) fn count_change(&mut self, id: &SessionKey) {
        if let Some(session) = self.by_id.get_mut(id) {
            session.revision += 1;
        }
    }

    pub(crate) fn insert(&mut self, new: &NewSession, at_ms: u64) -> u64 {
        self.submitted_count += 1;
        let desired =
            Desired { state: DesiredState::Run, actor: new.owner.clone(), reason: None, at_ms };
        let session = Session {
            id: new.id,
            class: new.class,
            owner: new.owner.clone(),
            priority: new.priority,
            resources: new.resources,
            spec: new.spec.clone(),
            references: new.references.clone(),
            desired,
            checkpoint_requests: 0,
            placement: None,
            epoch: 0,
            release_reason: None,
            submitted_order: self.submitted_count,
            submitted_at_ms: at_ms,
            outcome: None,
            retry: Retry::default(),
            checkpoints: Vec::new(),
            revision: 0,
            team: new.team.clone(),
            requires: new.requires.clone(),
            gang: new.gang,
            preemptible: new.preemptible,
            phase: Phase::Pending,
            timeline: Vec::new(),
            facts: Vec::new(),
            eviction: None,
            target: None,
            archive: Vec::new(),
        };
        let mut session = session;
        session.turn(Phase::Pending, "submitted", &new.owner, at_ms);
        self.by_id.insert(new.id, session);
        self.submitted_count
    }

    pub(crate) fn remove(&mut self, id: &SessionKey) {
        self.by_id.remove(id);
    }
}

/// Returns whether a length is within its limit.
pub(crate) fn within(what: &str, found: usize, limit: usize) -> Result<(), Refusal> {
    if found <= limit {
        return Ok(());
    }
    Err(Refusal::OverLimit { what: what.to_owned(), limit: limit as u64, found: found as u64 })
}

/// Returns `text` cut to what the state keeps, at a character boundary.
pub(crate) fn cut(text: &str) -> String {
    cut_to(text, limits::TEXT_BYTES_MAX)
}

fn cut_to(text: &str, limit: usize) -> String {
    text.chars()
        .scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= limit).then_some(c)
        })
        .collect()
}
