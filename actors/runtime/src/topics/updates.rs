//! One reader of one topic: a cursor, a bell and a pace.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::hub::{Core, Topic};
use super::ring::LogStep;
use crate::clock::Clock;
use crate::messages::topics::{TopicClass, TopicUpdate};

/// What follows the start of a subscription. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Updates {
    topic: Arc<Topic>,
    bell: watch::Receiver<u64>,
    clock: Arc<dyn Clock>,
    cursor: u64,
    /// What the reader missed was forgotten before it came.
    came_late: bool,
    not_before: Instant,
}

impl Updates {
    pub(crate) fn new(
        topic: Arc<Topic>,
        bell: watch::Receiver<u64>,
        clock: Arc<dyn Clock>,
        cursor: u64,
    ) -> Self {
        let came_late =
            topic.with(|core| matches!(core, Core::Log(log) if cursor + 1 < log.first()));
        Self { topic, bell, clock, cursor, came_late, not_before: Instant::now() }
    }

    /// Returns the newest change there is on the topic (for heartbeats).
    #[must_use]
    pub fn head(&self) -> u64 {
        self.topic.with(Core::head)
    }

    /// Waits for the next thing to tell. Changes meanwhile are conflated, skipped or told as a gap, by class; nothing
    /// queues up. Safe to cancel.
    pub async fn next(&mut self) -> Option<TopicUpdate> {
        loop {
            self.bell.borrow_and_update();
            if self.cursor < self.head() {
                tokio::time::sleep_until(self.not_before).await;
                if let Some(update) = self.take() {
                    self.not_before = Instant::now() + pace(self.topic.class);
                    return Some(update);
                }
            }
            // The topic, which this reader holds, owns the bell: it cannot be gone.
            self.bell.changed().await.ok()?;
        }
    }

    fn take(&mut self) -> Option<TopicUpdate> {
        let ts_ms = self.clock.wall_ms();
        let cursor = self.cursor;
        let from = cursor + 1;
        let update = self.topic.with(|core| match core {
            Core::State(rows) if !rows.can_resume(cursor) => {
                Some(TopicUpdate::Snapshot { seq: rows.head(), data: rows.snapshot() })
            }
            Core::State(rows) => {
                Some(TopicUpdate::Delta { from, seq: rows.head(), ts_ms, data: rows.delta(cursor) })
            }
            Core::Log(log) => log.step(cursor).map(|step| match step {
                LogStep::Items { from, seq, data } => TopicUpdate::Delta { from, seq, ts_ms, data },
                LogStep::Gap { last, next } => TopicUpdate::Gap {
                    last,
                    next,
                    reason: if self.came_late { "ring" } else { "slow" },
                },
            }),
            Core::Series(series) if !series.can_resume(cursor) => {
                Some(TopicUpdate::Snapshot { seq: series.head(), data: series.snapshot() })
            }
            Core::Series(series) => Some(TopicUpdate::Delta {
                from,
                seq: series.head(),
                ts_ms,
                data: series.since(cursor),
            }),
            Core::Text(text) => {
                let (seq, data) = text.delta(cursor);
                Some(TopicUpdate::Delta { from, seq, ts_ms, data })
            }
        });
        match &update {
            Some(TopicUpdate::Delta { seq, .. } | TopicUpdate::Snapshot { seq, .. }) => {
                self.cursor = *seq
            }
            Some(TopicUpdate::Gap { next, .. }) => self.cursor = next - 1,
            Some(TopicUpdate::End { .. }) | None => {}
        }
        self.came_late &= update.is_none();
        update
    }
}

/// Returns the least time between two updates: conflation does its work meanwhile.
fn pace(class: TopicClass) -> Duration {
    Duration::from_millis(match class {
        TopicClass::State => 50,
        TopicClass::Log => 0,
        TopicClass::Series => 250,
        TopicClass::Text => 200,
    })
}
