//! The metrics hub: points of sessions become durable, then visible.
//!
//! Route: `WorkerEvent::Metrics` → **metrics** → journal → topic `metrics/{id}`. Indices within a session have no
//! gap; what a resumed worker repeats is dropped by index. Writing and reading happen beside the actor and come back
//! as messages; a caller waits for its own answer before it sends more, which bounds what is under way.

pub(crate) mod bins;
mod cache;
pub(crate) mod series;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use engine::config::Violation;
use engine::ids::SessionId;
use engine::metrics::MetricName;
use engine::session::protocol::MetricPoint;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use store::records::metric::MetricBatchRecord;
use store::tables::{Appended, Metrics as Table, Point as StoredValue, StoredPoint};

use self::bins::Point;
use self::cache::Cache;
use self::series::{SessionSeries, Shown};
use crate::clock::Clock;
use crate::error::ActorsError;
use crate::messages::metrics::{BINS_MAX, HistoryQuery, MetricsMsg, Then};
use crate::messages::topics::TopicsHandle;
use crate::messages::{answer, page_limit};
use crate::tasks::Task;
use crate::views::{Page, PointView};

/// Time between two publications: four a second.
const PUBLISH_EVERY: Duration = Duration::from_millis(250);
/// Bins per series on the topic.
const TOPIC_BINS: usize = 1_000;
/// Points read from the journal at once.
const READ_POINTS: usize = 20_000;

/// The metrics actor.
#[derive(Debug)]
pub(crate) struct Metrics;

/// What the metrics hub works with.
pub(crate) struct MetricsArguments {
    /// Stored points.
    pub(crate) table: Table,
    /// Who is shown the bins.
    pub(crate) topics: TopicsHandle,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// What the metrics hub keeps.
pub(crate) struct MetricsState {
    table: Table,
    topics: TopicsHandle,
    clock: Arc<dyn Clock>,
    cache: Cache,
    loading: BTreeMap<SessionId, Vec<Then>>,
    shown: BTreeMap<SessionId, Shown>,
    changed: BTreeSet<SessionId>,
    _ticks: Task,
}

impl Actor for Metrics {
    type Msg = MetricsMsg;
    type State = MetricsState;
    type Arguments = MetricsArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        arguments: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let ticks = Task::ticks("metrics publication", PUBLISH_EVERY, myself, || MetricsMsg::Tick);
        Ok(MetricsState {
            table: arguments.table,
            topics: arguments.topics,
            clock: arguments.clock,
            cache: Cache::default(),
            loading: BTreeMap::new(),
            shown: BTreeMap::new(),
            changed: BTreeSet::new(),
            _ticks: ticks,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            MetricsMsg::Record { session, first_index, points, reply } => {
                state.record(&myself, session, first_index, (points, reply));
            }
            MetricsMsg::Restore { session, rows, reply } => {
                state.restore(&myself, session, rows, reply)
            }
            MetricsMsg::Truncate { session, count, reply } => {
                state.truncate(myself, session, count, reply)
            }
            MetricsMsg::Truncated { session, result, reply } => {
                // Read again from the journal, and shown again from the first bin.
                state.cache.remove(session);
                state.shown.remove(&session);
                state.changed.insert(session);
                state.load(&myself, session, None);
                answer(reply, result);
            }
            MetricsMsg::Stored { session, appended, points, reply } => {
                state.stored(&myself, session, appended, &points);
                answer(reply, Ok(appended.count));
            }
            MetricsMsg::History { session, query, reply } => match checked(&query) {
                Ok(()) => state.then(&myself, session, Then::Answer(query, reply)),
                Err(error) => answer(reply, Err(error)),
            },
            MetricsMsg::Show { session, reply } => state.then(&myself, session, Then::Show(reply)),
            MetricsMsg::Loaded { session, loaded, then } => state.loaded(session, loaded, then),
            MetricsMsg::Raw { session, after, limit, reply } => {
                let table = state.table.clone();
                tokio::task::spawn_blocking(move || {
                    answer(reply, raw(&table, session, after, page_limit(limit)))
                });
            }
            MetricsMsg::Count { session, reply } => {
                answer(
                    reply,
                    state.table.count(session.uuid().as_bytes()).map_err(ActorsError::from),
                );
            }
            MetricsMsg::Tick => state.publish(),
            #[cfg(test)]
            MetricsMsg::Crash => return Err("told to crash".into()),
        }
        Ok(())
    }
}

impl MetricsState {
    /// Makes points durable beside the actor.
    fn record(
        &self,
        myself: &ActorRef<MetricsMsg>,
        session: SessionId,
        first: u64,
        asked: (Vec<MetricPoint>, RpcReplyPort<Result<u64, ActorsError>>),
    ) {
        let (points, reply) = asked;
        let (table, myself) = (self.table.clone(), myself.clone());
        let now_ms = u64::try_from(self.clock.wall_ms()).unwrap_or(0);
        // Should it panic, the reply is dropped and the caller asks again with the same index.
        tokio::spawn(async move {
            let values: Vec<StoredValue> = points.iter().map(value).collect();
            match table.append(session.uuid().as_bytes(), first, &values, now_ms).await {
                Ok(appended) => {
                    if myself.cast(MetricsMsg::Stored { session, appended, points, reply }).is_err()
                    {
                        tracing::debug!(%session, "points were stored after the hub ended");
                    }
                }
                Err(error) => answer(reply, Err(error.into())),
            }
        });
    }

    /// Makes rows of another node durable beside the actor.
    fn restore(
        &self,
        myself: &ActorRef<MetricsMsg>,
        session: SessionId,
        rows: Vec<MetricBatchRecord>,
        reply: RpcReplyPort<Result<u64, ActorsError>>,
    ) {
        let (table, myself) = (self.table.clone(), myself.clone());
        tokio::spawn(async move {
            match table.restore(session.uuid().as_bytes(), &rows).await {
                Ok(appended) => {
                    let points = rows.iter().flat_map(points_of).collect();
                    if myself.cast(MetricsMsg::Stored { session, appended, points, reply }).is_err()
                    {
                        tracing::debug!(%session, "points were stored after the hub ended");
                    }
                }
                Err(error) => answer(reply, Err(error.into())),
            }
        });
    }

    /// Forgets points beside the actor.
    fn truncate(
        &self,
        myself: ActorRef<MetricsMsg>,
        session: SessionId,
        count: u64,
        reply: RpcReplyPort<Result<(), ActorsError>>,
    ) {
        let table = self.table.clone();
        tokio::spawn(async move {
            let cut = table.truncate(session.uuid().as_bytes(), count).await;
            let result = cut.map_err(ActorsError::from);
            if myself.cast(MetricsMsg::Truncated { session, result, reply }).is_err() {
                tracing::debug!(%session, "points were forgotten after the hub ended");
            }
        });
    }

    fn stored(
        &mut self,
        myself: &ActorRef<MetricsMsg>,
        session: SessionId,
        appended: Appended,
        points: &[MetricPoint],
    ) {
        if appended.stored == 0 {
            return;
        }
        self.changed.insert(session);
        if appended.first == 0 {
            self.cache.put(session, SessionSeries::default());
        }
        let skip = usize::try_from(appended.dropped).unwrap_or(usize::MAX);
        let joined = self.cache.extend(
            session,
            appended.first,
            points.iter().skip(skip).map(|point| {
                let plain = value(point);
                (plain.name, Point { step: plain.step, value: plain.value })
            }),
        );
        if !joined {
            self.load(myself, session, None);
        }
    }

    /// Does `then` with the session's points, at once when they are in memory.
    fn then(&mut self, myself: &ActorRef<MetricsMsg>, session: SessionId, then: Then) {
        match self.cache.get(session) {
            Some(series) => self.carry_out(session, &series, then),
            None => self.load(myself, session, Some(then)),
        }
    }

    fn carry_out(&mut self, session: SessionId, series: &Arc<SessionSeries>, then: Then) {
        match then {
            Then::Answer(query, reply) => {
                let series = Arc::clone(series);
                tokio::task::spawn_blocking(move || answer(reply, Ok(series.history(&query))));
            }
            Then::Show(reply) => {
                self.show(session, series);
                answer(reply, Ok(()));
            }
        }
    }

    /// Reads a session's points beside the actor; those who ask meanwhile wait for the same reading.
    fn load(&mut self, myself: &ActorRef<MetricsMsg>, session: SessionId, then: Option<Then>) {
        if let Some(waiting) = self.loading.get_mut(&session) {
            waiting.extend(then);
            return;
        }
        self.loading.insert(session, then.into_iter().collect());
        let (table, myself) = (self.table.clone(), myself.clone());
        tokio::task::spawn_blocking(move || {
            let loaded = read_all(&table, session);
            if myself.cast(MetricsMsg::Loaded { session, loaded, then: Vec::new() }).is_err() {
                tracing::debug!(%session, "points were read after the hub ended");
            }
        });
    }

    fn loaded(
        &mut self,
        session: SessionId,
        loaded: Result<SessionSeries, ActorsError>,
        then: Vec<Then>,
    ) {
        let waiting = self.loading.remove(&session).unwrap_or_default().into_iter().chain(then);
        match loaded {
            Ok(series) => {
                // Points stored since the reading began are not in it: it answers, but is not kept.
                let current = self
                    .table
                    .count(session.uuid().as_bytes())
                    .is_ok_and(|count| count == series.count());
                let series = Arc::new(series);
                if current {
                    self.cache.put_shared(session, Arc::clone(&series));
                }
                for one in waiting {
                    self.carry_out(session, &series, one);
                }
            }
            Err(error) => {
                for one in waiting {
                    match one {
                        Then::Answer(_, reply) => answer(reply, Err(error.clone())),
                        Then::Show(reply) => answer(reply, Err(error.clone())),
                    }
                }
            }
        }
    }

    fn publish(&mut self) {
        for session in std::mem::take(&mut self.changed) {
            match self.cache.get(session) {
                Some(series) => self.show(session, &series),
                // Being read; shown with the next points.
                None => {
                    self.changed.insert(session);
                }
            }
        }
        self.changed.retain(|session| self.loading.contains_key(session));
    }

    fn show(&mut self, session: SessionId, series: &SessionSeries) {
        let patches = series.patches(self.shown.entry(session).or_default(), TOPIC_BINS);
        if !patches.is_empty() {
            self.topics.publish_series(&format!("metrics/{session}"), patches);
        }
    }
}

fn checked(query: &HistoryQuery) -> Result<(), ActorsError> {
    if BINS_MAX < query.bins {
        let detail = format!("must be at most {BINS_MAX}, found {}", query.bins);
        return Err(Violation::new("/bins", "out_of_range", detail).with("max", BINS_MAX).into());
    }
    match query.names.iter().find(|name| name.parse::<MetricName>().is_err()) {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = MetricName::ALL.iter().map(|name| name.as_str()).collect();
            let detail = format!("'{name}' is no metric; the metrics are {}", known.join(", "));
            let found = Violation::new("/names", "not_allowed", detail);
            Err(found.with("allowed", known).with("got", name.as_str()).into())
        }
    }
}

/// Returns a point as stored: what is not finite is undefined.
fn value(point: &MetricPoint) -> StoredValue {
    StoredValue {
        name: point.name.clone(),
        step: point.step,
        value: point.value.filter(|value| value.is_finite()),
    }
}

/// Returns the points of a row as a worker tells them.
fn points_of(row: &MetricBatchRecord) -> impl Iterator<Item = MetricPoint> {
    row.points.iter().map(|point| MetricPoint {
        name: row.names.get(usize::from(point.name)).cloned().unwrap_or_default(),
        step: point.step,
        value: point.value,
    })
}

fn read_all(table: &Table, session: SessionId) -> Result<SessionSeries, ActorsError> {
    let mut series = SessionSeries::default();
    loop {
        let rows = table.read(session.uuid().as_bytes(), series.count(), READ_POINTS)?;
        for StoredPoint { point, .. } in &rows {
            series.push(&point.name, Point { step: point.step, value: point.value });
        }
        if rows.len() < READ_POINTS {
            return Ok(series);
        }
    }
}

fn raw(
    table: &Table,
    session: SessionId,
    after: Option<u64>,
    limit: usize,
) -> Result<Page<PointView>, ActorsError> {
    let from = after.map_or(0, |after| after.saturating_add(1));
    let mut rows = table.read(session.uuid().as_bytes(), from, limit + 1)?;
    let more = limit < rows.len();
    rows.truncate(limit);
    let items: Vec<PointView> = rows.into_iter().map(point_view).collect();
    let next = items.last().filter(|_| more).map(|last| last.index.to_string());
    Ok(Page { items, next })
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are below 2^53")]
fn point_view(stored: StoredPoint) -> PointView {
    PointView {
        index: stored.index,
        name: stored.point.name,
        step: stored.point.step,
        value: stored.point.value,
        stored_ms: stored.stored_at_ms as f64,
    }
}
