//! Metric points of sessions: durable when acknowledged, read back binned or raw.

use std::sync::{Arc, Weak};

use engine::ids::SessionId;
use engine::session::protocol::MetricPoint;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;
use store::records::metric::MetricBatchRecord;
use store::tables::Appended;

use super::ask;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::metrics::series::SessionSeries;
use crate::mirror::Mirror;
use crate::views::{Page, PointView, SeriesView};

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "metrics";
/// Most bins of one series.
pub const BINS_MAX: u32 = 2_000;

/// Which part of a session's metrics to show.
#[derive(Debug, Clone, Default)]
pub struct HistoryQuery {
    /// Names; all where empty.
    pub names: Vec<String>,
    /// First environment step, inclusive.
    pub from: Option<u64>,
    /// Last environment step, inclusive.
    pub to: Option<u64>,
    /// Most bins per series, 1 to [`BINS_MAX`]; 0 means all of them.
    pub bins: u32,
}

type Reply<T> = RpcReplyPort<Result<T, ActorsError>>;

/// Everything the metrics hub can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum MetricsMsg {
    /// Points of a session, the first of which is number `first_index`; answered when durable.
    Record { session: SessionId, first_index: u64, points: Vec<MetricPoint>, reply: Reply<u64> },
    /// Rows that another node stored, in order; answered when durable.
    Restore { session: SessionId, rows: Vec<MetricBatchRecord>, reply: Reply<u64> },
    /// Forget the points from number `count` on: the work they came from was lost.
    Truncate { session: SessionId, count: u64, reply: Reply<()> },
    /// Points were forgotten.
    Truncated { session: SessionId, result: Result<(), ActorsError>, reply: Reply<()> },
    /// Binned series.
    History { session: SessionId, query: HistoryQuery, reply: Reply<Vec<SeriesView>> },
    /// Points as stored.
    Raw { session: SessionId, after: Option<u64>, limit: u32, reply: Reply<Page<PointView>> },
    /// How many points are stored.
    Count { session: SessionId, reply: Reply<u64> },
    /// Somebody watches a session: put its bins on the topic.
    Show { session: SessionId, reply: Reply<()> },
    /// Points became durable.
    Stored { session: SessionId, appended: Appended, points: Vec<MetricPoint>, reply: Reply<u64> },
    /// A session's points were read for the cache.
    Loaded { session: SessionId, loaded: Result<SessionSeries, ActorsError>, then: Vec<Then> },
    /// Time to publish what changed.
    Tick,
    /// Panic: a test wants to see the restart.
    #[cfg(test)]
    Crash,
}

/// What waits for a session's points.
#[derive(Debug)]
pub(crate) enum Then {
    /// A history to be binned.
    Answer(HistoryQuery, Reply<Vec<SeriesView>>),
    /// Bins to be put on the topic.
    Show(Reply<()>),
}

/// The door to the metrics hub.
#[derive(Debug, Clone)]
pub struct MetricsHandle {
    directory: Directory,
    /// Weak: a door that is kept must not keep the journal open.
    mirror: Option<Weak<Mirror>>,
}

impl MetricsHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory, mirror: None }
    }

    /// Returns a door that brings the points of sessions held elsewhere here before it answers.
    pub(crate) fn mirrored(directory: Directory, mirror: &Arc<Mirror>) -> Self {
        Self { directory, mirror: Some(Arc::downgrade(mirror)) }
    }

    async fn freshen(&self, session: SessionId) -> Result<(), ActorsError> {
        match self.mirror.as_ref().and_then(Weak::upgrade) {
            Some(mirror) => mirror.freshen(session).await,
            None => Ok(()),
        }
    }

    /// Returns binned series: min, max, last and count per bin. Equal stored points give equal answers.
    ///
    /// `from` and `to` are environment steps, both inclusive. The last point is always the last bin's `last`.
    ///
    /// # Errors
    /// Refuses more than [`BINS_MAX`] bins; tells when stored points cannot be read.
    pub async fn history(
        &self,
        session: SessionId,
        query: HistoryQuery,
    ) -> Result<Vec<SeriesView>, ActorsError> {
        self.freshen(session).await?;
        ask(&self.directory, NAME, |reply| MetricsMsg::History { session, query, reply }).await
    }

    /// Returns points as stored, in order, those after index `after`.
    ///
    /// # Errors
    /// Tells when stored points cannot be read.
    pub async fn raw(
        &self,
        session: SessionId,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Page<PointView>, ActorsError> {
        self.freshen(session).await?;
        ask(&self.directory, NAME, |reply| MetricsMsg::Raw { session, after, limit, reply }).await
    }

    /// Stores points, the first of which is number `first_index` of its session, and returns how many are stored.
    ///
    /// Points already stored are dropped, so that a worker that resumes may repeat them. Durable when answered.
    ///
    /// # Errors
    /// Refuses a gap before `first_index`.
    pub(crate) async fn record(
        &self,
        session: SessionId,
        first_index: u64,
        points: Vec<MetricPoint>,
    ) -> Result<u64, ActorsError> {
        let ask_for = |reply| MetricsMsg::Record { session, first_index, points, reply };
        ask(&self.directory, NAME, ask_for).await
    }

    /// Stores rows of points that another node stored, their times included, and returns how many points are stored.
    ///
    /// # Errors
    /// Refuses a gap before a row.
    pub(crate) async fn restore(
        &self,
        session: SessionId,
        rows: Vec<MetricBatchRecord>,
    ) -> Result<u64, ActorsError> {
        ask(&self.directory, NAME, |reply| MetricsMsg::Restore { session, rows, reply }).await
    }

    /// Forgets the points from number `count` on: the work they came from was lost and is done again.
    ///
    /// # Errors
    /// Tells when the journal does not write.
    pub(crate) async fn truncate(&self, session: SessionId, count: u64) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| MetricsMsg::Truncate { session, count, reply }).await
    }

    /// Returns how many points of a session are stored.
    ///
    /// # Errors
    /// Tells when stored points cannot be read.
    pub async fn count(&self, session: SessionId) -> Result<u64, ActorsError> {
        self.freshen(session).await?;
        ask(&self.directory, NAME, |reply| MetricsMsg::Count { session, reply }).await
    }

    /// Puts a session's bins on its topic, so that a new subscriber sees the past.
    ///
    /// # Errors
    /// Tells when stored points cannot be read.
    pub(crate) async fn show(&self, session: SessionId) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| MetricsMsg::Show { session, reply }).await
    }
}
