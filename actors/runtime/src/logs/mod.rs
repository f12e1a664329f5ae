//! Logs of sessions: shown at once, stored in groups, the newest lines kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use engine::ids::SessionId;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use store::records::log_line::LogLineRecord;
use store::tables::{Logs as Table, NewLine as StoredLine};

use crate::clock::{Clock, rfc3339};
use crate::error::ActorsError;
use crate::messages::logs::{LogsMsg, NewLine};
use crate::messages::topics::TopicsHandle;
use crate::messages::{answer, page_limit};
use crate::tasks::Task;
use crate::views::{LogLineView, Page};

/// How long a line may wait until it is stored.
const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// Lines of one session that may wait; older ones make room, and their count is told.
const WAITING_MAX: usize = 2_000;
/// Lines stored in one batch.
const BATCH_MAX: usize = 500;

/// What the actor needs.
#[derive(Clone)]
pub(crate) struct LogsArguments {
    /// Stored lines.
    pub(crate) table: Table,
    /// Live lines.
    pub(crate) topics: TopicsHandle,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// Lines of one session that are not stored yet.
#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<StoredLine>,
    dropped: u64,
}

/// What the actor keeps.
pub(crate) struct LogsState {
    table: Table,
    topics: TopicsHandle,
    clock: Arc<dyn Clock>,
    waiting: BTreeMap<SessionId, Waiting>,
    /// Lines forgotten that come back: up to which number they were shown.
    shown: BTreeMap<SessionId, u64>,
    _ticks: Task,
}

/// The actor.
pub(crate) struct Logs;

impl Actor for Logs {
    type Msg = LogsMsg;
    type State = LogsState;
    type Arguments = LogsArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<LogsMsg>,
        arguments: LogsArguments,
    ) -> Result<LogsState, ActorProcessingErr> {
        let LogsArguments { table, topics, clock } = arguments;
        let ticks = Task::ticks("logs flush", FLUSH_EVERY, myself, || LogsMsg::Flush);
        let (waiting, shown) = (BTreeMap::new(), BTreeMap::new());
        Ok(LogsState { table, topics, clock, waiting, shown, _ticks: ticks })
    }

    async fn handle(
        &self,
        _: ActorRef<LogsMsg>,
        message: LogsMsg,
        state: &mut LogsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            LogsMsg::Append { session, lines } => state.append(session, lines),
            LogsMsg::Tail { session, after, limit, reply } => {
                let stored = state.flush().await.and_then(|()| state.tail(session, after, limit));
                answer(reply, stored);
            }
            LogsMsg::Restore { session, lines, reply } => {
                answer(reply, state.restore(session, &lines).await);
            }
            LogsMsg::Truncate { session, last, shown, reply } => {
                state.shown.insert(session, shown);
                answer(reply, state.truncate(session, last).await);
            }
            LogsMsg::Flush => {
                if let Err(error) = state.flush().await {
                    // Lines are best effort; a poisoned journal ends the process elsewhere.
                    tracing::warn!(%error, "log lines were not stored");
                }
            }
            LogsMsg::Flushed { reply } => answer(reply, state.flush().await),
        }
        Ok(())
    }
}

impl LogsState {
    fn append(&mut self, session: SessionId, lines: Vec<NewLine>) {
        let at_ms = u64::try_from(self.clock.wall_ms()).unwrap_or(0);
        let topic = format!("log/{session}");
        let waiting = self.waiting.entry(session).or_default();
        for NewLine { level, text } in lines {
            self.topics.publish_text(&topic, &level, &text);
            if WAITING_MAX <= waiting.lines.len() {
                waiting.lines.pop_front();
                waiting.dropped += 1;
            }
            waiting.lines.push_back(StoredLine { at_ms, level, text });
        }
    }

    async fn flush(&mut self) -> Result<(), ActorsError> {
        let broken = |error: store::StoreError| ActorsError::Store { detail: error.to_string() };
        for (session, waiting) in std::mem::take(&mut self.waiting) {
            let Waiting { mut lines, dropped } = waiting;
            if 0 < dropped
                && let Some(at_ms) = lines.front().map(|line| line.at_ms)
            {
                let text = format!(
                    "… {dropped} lines were dropped: they came faster than they could be stored"
                );
                lines.push_front(StoredLine { at_ms, level: "warn".to_owned(), text });
            }
            while !lines.is_empty() {
                let batch = lines.drain(..lines.len().min(BATCH_MAX)).collect();
                self.table.append(session.uuid().as_bytes(), batch).await.map_err(broken)?;
            }
        }
        Ok(())
    }

    async fn truncate(&mut self, session: SessionId, last: u64) -> Result<(), ActorsError> {
        self.flush().await?;
        Ok(self.table.truncate(session.uuid().as_bytes(), last).await?)
    }

    async fn restore(
        &mut self,
        session: SessionId,
        lines: &[LogLineRecord],
    ) -> Result<(), ActorsError> {
        self.flush().await?;
        let key = session.uuid();
        let newest = self.table.tail(key.as_bytes(), 1)?.last().map_or(0, |line| line.seq);
        self.table.restore(key.as_bytes(), lines).await?;
        let topic = format!("log/{session}");
        let shown = self.shown.get(&session).copied().unwrap_or(0);
        if lines.last().is_some_and(|line| shown <= line.seq) {
            self.shown.remove(&session);
        }
        for line in lines.iter().filter(|line| newest.max(shown) < line.seq) {
            self.topics.publish_text(&topic, &line.level, &line.text);
        }
        Ok(())
    }

    fn tail(
        &self,
        session: SessionId,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Page<LogLineView>, ActorsError> {
        let (key, limit) = (session.uuid(), page_limit(limit));
        let records = match after {
            Some(after) => self.table.read(key.as_bytes(), after, limit),
            None => self.table.tail(key.as_bytes(), limit),
        };
        let records = records.map_err(|error| ActorsError::Store { detail: error.to_string() })?;
        let next = records.last().map(|record| record.seq).or(after).map(|seq| seq.to_string());
        let items = records
            .into_iter()
            .map(|record| LogLineView {
                seq: record.seq,
                at: rfc3339(i64::try_from(record.at_ms).unwrap_or(i64::MAX)),
                level: record.level,
                text: record.text,
            })
            .collect();
        Ok(Page { items, next })
    }
}
