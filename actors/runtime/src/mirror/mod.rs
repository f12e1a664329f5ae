//! Records of sessions that run elsewhere: brought here when somebody asks, so that every node gives the same answers.
//!
//! ```text
//! archive in control state → files (depot) ─┐
//! holder of the session → newer rows ───────┴→ metrics, logs (this node's journal, topics)
//! ```
//!
//! Alone, a node holds every session itself and nothing here does anything.

pub(crate) mod archive;
mod glance;
pub(crate) mod plan;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::control::ControlHandle;
use cluster::control::state::Segment;
use engine::ids::{NodeId, SessionId};
use store::records::log_line::LogLineRecord;
use store::records::metric::MetricBatchRecord;
use store::records::value::ValueRecord;
use store::tables::value_id;
use store::{BlobHash, Blobs, Tables};
use tokio::time::{Instant, timeout};

use self::archive::{LINES, METRICS, Rows};
use self::glance::Glance;
use self::plan::{Picture, picture, steps};
use crate::depot::Depot;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::messages::logs::LogsHandle;
use crate::messages::metrics::MetricsHandle;
use crate::messages::sessions::{Pulse, SessionsHandle, SessionsMsg};
use crate::peers::{Answer, Peers, Question, TailAnswer, TailAsk};

/// Rows of metrics in one answer: below 256 KiB.
const ROWS_MAX: usize = 40;
/// Lines in one answer: below 512 KiB.
const LINES_MAX: usize = 100;
/// Answers asked for in one go; the next look goes on.
const ANSWERS_MAX: usize = 200;
/// Rows and lines stored in one go.
const RESTORED_ROWS_MAX: usize = 200;
const RESTORED_LINES_MAX: usize = 500;
/// What was looked at so recently is not looked at again.
const FRESH: Duration = Duration::from_millis(500);
/// How long a reader waits; what is here is older then.
const WITHIN: Duration = Duration::from_secs(8);
/// Sessions remembered; of those forgotten, the copies are compared with the archive again.
const COPIES_MAX: usize = 4_096;
/// Kind of the values that say under which assignment this node took a session up.
const TAKEN_UP: u16 = 1;

/// What is remembered of one session's copy here.
#[derive(Debug, Default)]
struct Seen {
    /// Which assignment it was taken from.
    epoch: Option<u64>,
    /// When it was brought up to date last.
    at: Option<Instant>,
}

type Copy = Arc<tokio::sync::Mutex<Seen>>;

/// What was found and forgotten when a session was taken up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TakenOver {
    /// Whether it is new on this node under this assignment.
    pub(crate) anew: bool,
    /// Points that go beyond what was agreed upon and were known here.
    pub(crate) points_lost: u64,
}

/// Keeps copies of records that others hold. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mirror {
    node: NodeId,
    control: ControlHandle,
    tables: Tables,
    blobs: Blobs,
    depot: Arc<Depot>,
    directory: Directory,
    peers: Arc<dyn Peers>,
    copies: Arc<Mutex<BTreeMap<SessionId, Copy>>>,
    glance: Arc<Glance>,
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror").field("node", &self.node).finish_non_exhaustive()
    }
}

/// What a mirror is made of.
pub(crate) struct MirrorParts {
    /// This node.
    pub(crate) node: NodeId,
    /// What all nodes agree upon.
    pub(crate) control: ControlHandle,
    /// This node's journal.
    pub(crate) tables: Tables,
    /// This node's files.
    pub(crate) blobs: Blobs,
    /// Files of all nodes.
    pub(crate) depot: Arc<Depot>,
    /// Where the actors are.
    pub(crate) directory: Directory,
    /// The other nodes.
    pub(crate) peers: Arc<dyn Peers>,
}

impl Mirror {
    /// Returns the mirror of a node.
    pub(crate) fn new(parts: MirrorParts) -> Self {
        let MirrorParts { node, control, tables, blobs, depot, directory, peers } = parts;
        let (copies, glance) = (Arc::default(), Arc::default());
        Self { node, control, tables, blobs, depot, directory, peers, copies, glance }
    }

    /// Brings this node's copy of a session's records up to date, as far as that is possible now; at most twice a
    /// second, and those who ask meanwhile share it.
    ///
    /// # Errors
    /// When a file cannot be had, or the journal does not write. A holder that does not answer is no error: what is
    /// here is then older.
    pub(crate) async fn freshen(&self, session: SessionId) -> Result<(), ActorsError> {
        if self.depot.alone() || self.holds(session) {
            return Ok(());
        }
        let copy = self.copy(session);
        let brought = async {
            let mut seen = copy.lock().await;
            if seen.at.is_some_and(|at| at.elapsed() < FRESH) {
                return Ok(());
            }
            let Some(now) = self.control.read(|state| picture(state, session)) else {
                return Ok(());
            };
            if seen.epoch.is_none() {
                // What this node recorded itself until the end is right.
                seen.epoch = self.taken_up(session)?;
            }
            self.bring(session, &now, &mut seen.epoch).await?;
            seen.at = Some(Instant::now());
            Ok(())
        };
        timeout(WITHIN, brought).await.unwrap_or_else(|_| {
            tracing::debug!(%session, "records of a session are not all here yet");
            Ok(())
        })
    }

    /// Makes this node's records of a session those that were agreed upon, before the session is taken up under a new
    /// assignment: what is missing is brought here, what goes beyond is forgotten. Under the same assignment they are
    /// this node's own and stay.
    ///
    /// # Errors
    /// When a file cannot be had now, or the journal does not write.
    pub(crate) async fn take_over(
        &self,
        session: SessionId,
        epoch: u64,
    ) -> Result<TakenOver, ActorsError> {
        if self.taken_up(session)? == Some(epoch) {
            return Ok(TakenOver::default());
        }
        let mut taken = TakenOver::default();
        let now = self.control.read(|state| picture(state, session));
        // The first assignment ever finds nothing anywhere.
        if let Some(now) = now.filter(|now| 1 < now.epoch && !self.depot.alone()) {
            let copy = self.copy(session);
            let mut seen = copy.lock().await;
            seen.epoch = None;
            // As if nobody held it: only what is agreed upon counts.
            let now = Picture { holder: None, holder_up: false, ..now };
            let points_lost = self.bring(session, &now, &mut seen.epoch).await?;
            taken = TakenOver { anew: true, points_lost };
        }
        let value = ValueRecord { layout: 1, body: epoch.to_be_bytes().to_vec() };
        self.tables.values.put(TAKEN_UP, &value_id(&session.to_string()), &value).await?;
        Ok(taken)
    }

    /// Returns under which assignment this node took a session up last.
    fn taken_up(&self, session: SessionId) -> Result<Option<u64>, ActorsError> {
        let found = self.tables.values.get(TAKEN_UP, &value_id(&session.to_string()))?;
        Ok(found.and_then(|value| Some(u64::from_be_bytes(value.body.try_into().ok()?))))
    }

    /// Whether this node is its own whole cluster.
    pub(crate) fn alone(&self) -> bool {
        self.depot.alone()
    }

    /// Whether this node holds a session at this moment.
    fn holds(&self, session: SessionId) -> bool {
        self.control.read(|state| {
            let found = state.sessions.get(session.uuid().as_bytes());
            found
                .and_then(|session| session.placement.as_ref())
                .is_some_and(|placement| placement.node == self.node.as_str())
        })
    }

    fn copy(&self, session: SessionId) -> Copy {
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        if COPIES_MAX <= copies.len() {
            copies.retain(|_, copy| 1 < Arc::strong_count(copy));
        }
        Arc::clone(copies.entry(session).or_default())
    }

    /// Carries out what [`steps`] says; returns how many points were forgotten.
    async fn bring(
        &self,
        session: SessionId,
        now: &Picture,
        mirrored: &mut Option<u64>,
    ) -> Result<u64, ActorsError> {
        let metrics = MetricsHandle::new(self.directory.clone());
        let logs = LogsHandle::new(self.directory.clone());
        logs.flushed().await?;
        let key = *session.uuid().as_bytes();
        let points = self.tables.metrics.count(&key)?;
        let todo = steps(now, self.node.as_str(), *mirrored, points, self.last_line(session)?);
        if let Some(count) = todo.cut_metrics {
            metrics.truncate(session, count).await?;
        }
        if let Some(last) = todo.cut_lines {
            logs.truncate(session, last, todo.lines_shown).await?;
        }
        *mirrored = Some(now.epoch);
        let mut unread = None;
        for file in &todo.files {
            if let Err(error) = self.take_in(session, file).await {
                unread = Some(error);
                break;
            }
        }
        // The holder has everything that is in files, too.
        let caught_up = match &todo.ask {
            Some(peer) => self.follow(session, now.epoch, peer).await?,
            None => false,
        };
        match unread {
            Some(error) if !caught_up => Err(error),
            Some(_) | None => Ok(todo.points_lost),
        }
    }

    fn last_line(&self, session: SessionId) -> Result<u64, ActorsError> {
        let newest = self.tables.logs.tail(session.uuid().as_bytes(), 1)?;
        Ok(newest.last().map_or(0, |line| line.seq))
    }

    async fn take_in(&self, session: SessionId, file: &Segment) -> Result<(), ActorsError> {
        let Rows { metrics, lines } = self.read(file).await?;
        self.restore(session, metrics, lines).await
    }

    async fn restore(
        &self,
        session: SessionId,
        mut metrics: Vec<MetricBatchRecord>,
        mut lines: Vec<LogLineRecord>,
    ) -> Result<(), ActorsError> {
        let hub = MetricsHandle::new(self.directory.clone());
        while !metrics.is_empty() {
            let rest = metrics.split_off(metrics.len().min(RESTORED_ROWS_MAX));
            hub.restore(session, std::mem::replace(&mut metrics, rest)).await?;
        }
        let logs = LogsHandle::new(self.directory.clone());
        while !lines.is_empty() {
            let rest = lines.split_off(lines.len().min(RESTORED_LINES_MAX));
            logs.restore(session, std::mem::replace(&mut lines, rest)).await?;
        }
        Ok(())
    }

    async fn read(&self, file: &Segment) -> Result<Rows, ActorsError> {
        let hash = BlobHash(file.sha256);
        self.depot.ensure(hash, &file.nodes).await?;
        let (blobs, kind) = (self.blobs.clone(), file.kind);
        let read = tokio::task::spawn_blocking(move || {
            let bytes = blobs.read(hash)?;
            match kind {
                METRICS => Ok(Rows { metrics: archive::unpack(&bytes)?, ..Rows::default() }),
                LINES => Ok(Rows { lines: archive::unpack(&bytes)?, ..Rows::default() }),
                _ => Ok(Rows::default()),
            }
        });
        read.await.map_err(ActorsError::internal)?
    }

    /// Takes over what the holder has beyond what is here; says whether everything came.
    async fn follow(
        &self,
        session: SessionId,
        epoch: u64,
        peer: &str,
    ) -> Result<bool, ActorsError> {
        let key = *session.uuid().as_bytes();
        for _ in 0..ANSWERS_MAX {
            let points_from = self.tables.metrics.count(&key)?;
            let lines_after = self.last_line(session)?;
            let ask = TailAsk { session, epoch, points_from, lines_after };
            let answer = match self.peers.ask(peer, Question::Tail(ask)).await {
                Ok(Answer::Tail(answer)) => answer,
                Ok(Answer::Refused(reason)) | Err(reason) => {
                    tracing::debug!(%session, peer, reason, "the holder of a session did not answer");
                    return Ok(false);
                }
                Ok(Answer::Json(_)) => {
                    tracing::warn!(%session, peer, "the holder of a session answered something else");
                    return Ok(false);
                }
            };
            let TailAnswer { metrics, lines, progress, newest } = answer;
            let full = metrics.len() == ROWS_MAX || lines.len() == LINES_MAX;
            self.restore(session, metrics, lines).await?;
            let pulse = Pulse::Seen { progress, newest };
            SessionsHandle::new(self.directory.clone()).tell(SessionsMsg::Pulse {
                id: session,
                epoch,
                pulse,
            });
            if !full {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Answers another node's question about a session that is held here.
    ///
    /// # Errors
    /// When this node does not hold it under that assignment.
    pub(crate) async fn answer(&self, ask: TailAsk) -> Result<TailAnswer, ActorsError> {
        let held = self.control.read(|state| picture(state, ask.session));
        let ours = held.as_ref().is_some_and(|held| {
            held.holder.as_deref() == Some(self.node.as_str()) && held.epoch == ask.epoch
        });
        let key = *ask.session.uuid().as_bytes();
        // Until it was taken up, what is here may be of an assignment that is over.
        if !ours || self.taken_up(ask.session)? != Some(ask.epoch) {
            let detail =
                format!("session {} is not held here under epoch {}", ask.session, ask.epoch);
            return Err(ActorsError::Conflict { detail, params: BTreeMap::new() });
        }
        LogsHandle::new(self.directory.clone()).flushed().await?;
        let view = SessionsHandle::new(self.directory.clone()).get(ask.session).await?;
        Ok(TailAnswer {
            metrics: self.tables.metrics.rows(&key, ask.points_from, u64::MAX, ROWS_MAX)?,
            lines: self.tables.logs.read(&key, ask.lines_after, LINES_MAX)?,
            progress: view.progress,
            newest: view.last_metrics,
        })
    }

    /// Puts what a session recorded into files on two nodes and returns the whole archive; nothing where this node
    /// stands alone. Points up to number `points` are filed, and all lines.
    ///
    /// # Errors
    /// When a file cannot be written here, or, where `on_two`, kept elsewhere.
    pub(crate) async fn file(
        &self,
        session: SessionId,
        points: u64,
        on_two: bool,
    ) -> Result<Option<Vec<Segment>>, ActorsError> {
        if self.depot.alone() {
            return Ok(None);
        }
        LogsHandle::new(self.directory.clone()).flushed().await?;
        let before = self.control.read(|state| picture(state, session));
        let mut all = before.map(|now| now.archive).unwrap_or_default();
        if archive::archived_to(&all, METRICS) < points {
            let from = archive::next_from(&all, METRICS, points);
            let (tables, key) = (self.tables.clone(), *session.uuid().as_bytes());
            let packed = tokio::task::spawn_blocking(move || {
                let rows = tables.metrics.rows(&key, from, points, usize::MAX)?;
                archive::pack(&rows)
            });
            let bytes = packed.await.map_err(ActorsError::internal)??;
            let made = self.segment((METRICS, from, points), bytes, on_two).await?;
            all = archive::with(&all, made, from);
        }
        let next_line = self.last_line(session)? + 1;
        if archive::archived_to(&all, LINES) < next_line {
            let from = archive::next_from(&all, LINES, next_line);
            let (tables, key) = (self.tables.clone(), *session.uuid().as_bytes());
            let packed = tokio::task::spawn_blocking(move || {
                let lines = tables.logs.read(&key, from.saturating_sub(1), usize::MAX)?;
                archive::pack(&lines)
            });
            let bytes = packed.await.map_err(ActorsError::internal)??;
            let made = self.segment((LINES, from, next_line), bytes, on_two).await?;
            all = archive::with(&all, made, from);
        }
        Ok(Some(all))
    }

    async fn segment(
        &self,
        span: (u8, u64, u64),
        bytes: Vec<u8>,
        on_two: bool,
    ) -> Result<Segment, ActorsError> {
        let blobs = self.blobs.clone();
        let put = tokio::task::spawn_blocking(move || blobs.put_bytes(&bytes));
        let stored = put.await.map_err(ActorsError::internal)??;
        let nodes = match self.depot.replicate(stored.sha256).await {
            Ok(nodes) => nodes,
            Err(error) if on_two => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "records of a session are kept on this node only for now");
                vec![self.node.to_string()]
            }
        };
        let ((kind, from, to), sha256) = (span, stored.sha256.0);
        Ok(Segment { kind, from, to, sha256, size_bytes: stored.size_bytes, nodes })
    }
}
