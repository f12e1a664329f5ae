//! Records of sessions that run elsewhere: brought here when somebody asks, so that every node gives the same answers.
//!
//! ```text
//! archive in control state → files (depot) ─┐
//! holder of the session → newer rows ───────┴→ metrics, logs (this node's journal, topics)
//! ```
//!
//! Alone, a node holds every session itself and nothing here does anything.

pub(crate) mod archive;
pub(crate) mod plan;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cluster::control::ControlHandle;
use cluster::control::state::Segment;
use cluster::net::Boxed;
use engine::ids::{NodeId, SessionId};
use serde::{Deserialize, Serialize};
use store::records::log_line::LogLineRecord;
use store::records::metric::MetricBatchRecord;
use store::{BlobHash, Blobs, Tables};

use self::archive::{LINES, METRICS, Rows};
use self::plan::{Picture, picture, steps};
use crate::depot::Depot;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::messages::logs::LogsHandle;
use crate::messages::metrics::MetricsHandle;
use crate::messages::sessions::{Pulse, SessionsHandle, SessionsMsg};
use crate::views::ProgressView;

/// Rows of metrics in one answer: below 256 KiB.
pub(crate) const ROWS_MAX: usize = 40;
/// Lines in one answer: below 512 KiB.
pub(crate) const LINES_MAX: usize = 100;
/// Answers asked for in one go; the next look goes on.
const ANSWERS_MAX: usize = 200;

/// What is asked of a session's holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TailAsk {
    /// Which session.
    pub(crate) session: SessionId,
    /// Which assignment.
    pub(crate) epoch: u64,
    /// Number of the first point wanted.
    pub(crate) points_from: u64,
    /// Lines after this number are wanted.
    pub(crate) lines_after: u64,
}

/// What the holder answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TailAnswer {
    /// Rows of points, at most [`ROWS_MAX`].
    pub(crate) metrics: Vec<MetricBatchRecord>,
    /// Lines, at most [`LINES_MAX`].
    pub(crate) lines: Vec<LogLineRecord>,
    /// How far the session is.
    pub(crate) progress: ProgressView,
    /// Newest value of each metric.
    pub(crate) newest: BTreeMap<String, Option<f64>>,
}

/// Asks the holders of sessions.
pub(crate) trait Holders: Send + Sync {
    /// Returns what a holder has beyond what is known here.
    fn tail<'a>(&'a self, peer: &'a str, ask: TailAsk) -> Boxed<'a, Result<TailAnswer, String>>;
}

/// One session's copy here.
type Copy = Arc<tokio::sync::Mutex<Option<u64>>>;

/// Keeps copies of records that others hold. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mirror {
    node: NodeId,
    control: ControlHandle,
    tables: Tables,
    blobs: Blobs,
    depot: Depot,
    directory: Directory,
    holders: Option<Arc<dyn Holders>>,
    /// Which assignment each copy was taken from.
    copies: Arc<Mutex<BTreeMap<SessionId, Copy>>>,
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror").field("node", &self.node).finish_non_exhaustive()
    }
}

/// What a mirror is made of.
pub(crate) struct MirrorParts {
    pub(crate) node: NodeId,
    pub(crate) control: ControlHandle,
    pub(crate) tables: Tables,
    pub(crate) blobs: Blobs,
    pub(crate) depot: Depot,
    pub(crate) directory: Directory,
    pub(crate) holders: Option<Arc<dyn Holders>>,
}

impl Mirror {
    pub(crate) fn new(parts: MirrorParts) -> Self {
        let MirrorParts { node, control, tables, blobs, depot, directory, holders } = parts;
        let copies = Arc::default();
        Self { node, control, tables, blobs, depot, directory, holders, copies }
    }

    /// Brings this node's copy of a session's records up to date, as far as that is possible now.
    ///
    /// # Errors
    /// When a file cannot be had, or the journal does not write. A holder that does not answer is no error: what is
    /// here is then older.
    pub(crate) async fn freshen(&self, session: SessionId) -> Result<(), ActorsError> {
        let Some(holders) = &self.holders else { return Ok(()) };
        self.bring(session, Some(holders)).await
    }

    /// Brings what is agreed upon here, and forgets what goes beyond: before the session is taken up on this node.
    ///
    /// # Errors
    /// As [`Self::freshen`].
    pub(crate) async fn take_over(&self, session: SessionId) -> Result<(), ActorsError> {
        if self.holders.is_none() {
            return Ok(());
        }
        self.bring(session, None).await
    }

    async fn bring(
        &self,
        session: SessionId,
        holders: Option<&Arc<dyn Holders>>,
    ) -> Result<(), ActorsError> {
        let copy = Arc::clone(
            self.copies.lock().unwrap_or_else(PoisonError::into_inner).entry(session).or_default(),
        );
        let mut mirrored = copy.lock().await;
        let Some(mut now) = self.control.read(|state| picture(state, session)) else {
            return Ok(());
        };
        if holders.is_none() {
            // As if nobody held it: then only what is agreed upon counts.
            now.holder = None;
        }
        let key = *session.uuid().as_bytes();
        let points = self.tables.metrics.count(&key)?;
        let last_line = self.tables.logs.tail(&key, 1)?.last().map_or(0, |line| line.seq);
        let todo = steps(&now, self.node.as_str(), *mirrored, points, last_line);
        let metrics = MetricsHandle::new(self.directory.clone());
        let logs = LogsHandle::new(self.directory.clone());
        if let Some(count) = todo.cut_metrics {
            metrics.truncate(session, count).await?;
        }
        if let Some(last) = todo.cut_lines {
            logs.truncate(session, last).await?;
        }
        if now.holder.as_deref() != Some(self.node.as_str()) {
            *mirrored = Some(now.epoch);
        }
        for file in &todo.files {
            let rows = self.read(file).await?;
            for row in rows.metrics {
                metrics.restore(session, row).await?;
            }
            if !rows.lines.is_empty() {
                logs.restore(session, rows.lines).await?;
            }
        }
        if let (Some(peer), Some(holders)) = (todo.ask, holders) {
            self.follow(session, &now, &peer, holders.as_ref()).await?;
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

    /// Takes over what the holder has beyond the archive.
    async fn follow(
        &self,
        session: SessionId,
        now: &Picture,
        peer: &str,
        holders: &dyn Holders,
    ) -> Result<(), ActorsError> {
        let key = *session.uuid().as_bytes();
        let metrics = MetricsHandle::new(self.directory.clone());
        let logs = LogsHandle::new(self.directory.clone());
        for _ in 0..ANSWERS_MAX {
            let ask = TailAsk {
                session,
                epoch: now.epoch,
                points_from: self.tables.metrics.count(&key)?,
                lines_after: self.tables.logs.tail(&key, 1)?.last().map_or(0, |line| line.seq),
            };
            let answer = match holders.tail(peer, ask).await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::debug!(%session, peer, %error, "the holder of a session did not answer");
                    return Ok(());
                }
            };
            let full = answer.metrics.len() == ROWS_MAX || answer.lines.len() == LINES_MAX;
            for row in answer.metrics {
                metrics.restore(session, row).await?;
            }
            if !answer.lines.is_empty() {
                logs.restore(session, answer.lines).await?;
            }
            let pulse = Pulse::Seen { progress: answer.progress, newest: answer.newest };
            let (id, epoch) = (session, now.epoch);
            SessionsHandle::new(self.directory.clone()).tell(SessionsMsg::Pulse {
                id,
                epoch,
                pulse,
            });
            if !full {
                return Ok(());
            }
        }
        Ok(())
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
        if !ours {
            let detail =
                format!("session {} is not held here under epoch {}", ask.session, ask.epoch);
            return Err(ActorsError::Conflict { detail, params: BTreeMap::new() });
        }
        LogsHandle::new(self.directory.clone()).flushed().await?;
        let view = SessionsHandle::new(self.directory.clone()).get(ask.session).await?;
        let key = *ask.session.uuid().as_bytes();
        Ok(TailAnswer {
            metrics: self.tables.metrics.rows(&key, ask.points_from, u64::MAX, ROWS_MAX)?,
            lines: self.tables.logs.read(&key, ask.lines_after, LINES_MAX)?,
            progress: view.progress,
            newest: view.last_metrics,
        })
    }

    /// Puts what a session recorded into files on two nodes and returns the whole archive. Points up to number
    /// `points` are filed, and all lines.
    ///
    /// # Errors
    /// When a file cannot be written here or kept elsewhere.
    pub(crate) async fn file(
        &self,
        session: SessionId,
        points: u64,
    ) -> Result<Vec<Segment>, ActorsError> {
        LogsHandle::new(self.directory.clone()).flushed().await?;
        let before = self.control.read(|state| picture(state, session));
        let mut all = before.map(|now| now.archive).unwrap_or_default();
        let key = *session.uuid().as_bytes();
        let (from, replaces) = archive::next_from(&all, METRICS);
        if from < points {
            let rows = self.tables.metrics.rows(&key, from, points, usize::MAX)?;
            let made = self.segment((METRICS, from, points), archive::pack(&rows)?).await?;
            all = archive::with(&all, made, replaces);
        }
        let (from, replaces) = archive::next_from(&all, LINES);
        let lines = self.tables.logs.read(&key, from.saturating_sub(1), usize::MAX)?;
        if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
            let span = (LINES, first.seq, last.seq + 1);
            let made = self.segment(span, archive::pack(&lines)?).await?;
            all = archive::with(&all, made, replaces);
        }
        Ok(all)
    }

    async fn segment(&self, span: (u8, u64, u64), bytes: Vec<u8>) -> Result<Segment, ActorsError> {
        let blobs = self.blobs.clone();
        let put = tokio::task::spawn_blocking(move || blobs.put_bytes(&bytes));
        let stored = put.await.map_err(ActorsError::internal)??;
        let nodes = self.depot.replicate(stored.sha256).await?;
        let ((kind, from, to), sha256) = (span, stored.sha256.0);
        Ok(Segment { kind, from, to, sha256, size_bytes: stored.size_bytes, nodes })
    }
}
