//! Live topics as the world sees them: publish without ever waiting, subscribe with resume.
//!
//! Publishers and subscribers share the hub's memory, not a mailbox: mailboxes have no limit, the hub's cores do.
//! The `topics` actor only keeps house (ages rings, forgets idle topics).

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::ids::SessionId;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;
use serde::Serialize;
use serde_json::{Map, Value};

use super::ask;
use super::metrics::MetricsHandle;
use super::sessions::SessionsHandle;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::topics::hub::Hub;
pub use crate::topics::updates::Updates;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "topics";

/// How a topic treats those who read slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicClass {
    /// Newest value per key, eventually.
    State,
    /// Every item once, in order; a gap is told.
    Log,
    /// Bins that are overwritten.
    Series,
    /// Best effort; drops are counted.
    Text,
}

/// Where a subscriber was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// The epoch it was told.
    pub epoch: String,
    /// The last sequence number it applied.
    pub seq: u64,
}

/// How a subscription begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// What follows continues after `since.seq`.
    Resumed,
    /// Forget what you knew: this is everything up to `seq`.
    Snapshot(Value),
}

/// One thing to tell a subscriber.
#[derive(Debug, Clone, PartialEq)]
pub enum TopicUpdate {
    /// Changes number `from` to `seq`, possibly conflated.
    Delta {
        /// Last `seq` + 1.
        from: u64,
        /// Newest change contained.
        seq: u64,
        /// Wall time, milliseconds since 1970 UTC.
        ts_ms: i64,
        /// By class: `{set, del}`, `{items}`, `{stride, series}`, `{lines, dropped}`.
        data: Value,
    },
    /// Forget what you knew: this is everything up to `seq` (a series changed its stride; a reader fell far behind).
    Snapshot {
        /// Newest change contained.
        seq: u64,
        /// As in [`Start::Snapshot`].
        data: Value,
    },
    /// Items with `last < seq < next` were not sent; read them by REST. The next delta begins at `next`.
    Gap {
        /// Last item sent.
        last: u64,
        /// Next item that will be sent.
        next: u64,
        /// `ring` or `slow`.
        reason: &'static str,
    },
    /// Nothing follows.
    End {
        /// `source_gone` or `not_found`.
        code: &'static str,
    },
}

/// A live subscription.
#[derive(Debug)]
pub struct Subscription {
    /// Class of the topic.
    pub class: TopicClass,
    /// Sequence numbers are comparable only within one epoch.
    pub epoch: String,
    /// Newest change that `start` contains, or that the subscriber already had.
    pub seq: u64,
    /// How to begin.
    pub start: Start,
    /// What follows.
    pub updates: Updates,
}

/// Bins of one series from index `at` on; everything from there is overwritten.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SeriesPatch {
    /// Points per bin. Another one than before replaces the whole series, then `at` is 0.
    pub stride: u32,
    /// Index of the first bin given here.
    pub at: usize,
    /// Environment step of the last point in each bin.
    pub x: Vec<f64>,
    /// Smallest defined value.
    pub min: Vec<Option<f64>>,
    /// Largest defined value.
    pub max: Vec<Option<f64>>,
    /// Last value.
    pub last: Vec<Option<f64>>,
    /// Points in the bin.
    pub n: Vec<u32>,
}

/// What the hub holds, for tests, shell and UI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicsStatus {
    /// Topics known.
    pub topic_count: usize,
    /// Subscriptions open.
    pub subscriber_count: usize,
}

/// Everything the topics actor can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum TopicsMsg {
    /// Time to age rings and forget idle topics.
    Tick,
    /// What does the hub hold?
    GetStatus { reply: RpcReplyPort<Result<TopicsStatus, ActorsError>> },
}

/// The door to live topics.
#[derive(Debug, Clone)]
pub struct TopicsHandle {
    directory: Directory,
    hub: Arc<Hub>,
}

impl TopicsHandle {
    pub(crate) fn new(directory: Directory, hub: Arc<Hub>) -> Self {
        Self { directory, hub }
    }

    /// Sets one row of a state topic. An equal value changes nothing. Never waits.
    pub fn publish_state<T: Serialize>(&self, topic: &str, key: &str, value: &T) {
        if let Some(value) = json(topic, value) {
            self.hub.set(topic, BTreeMap::from([(key.to_owned(), value)]), &[]);
        }
    }

    /// Sets every field of `object` as a row of a state topic (`session/{id}`). Never waits.
    pub fn publish_fields<T: Serialize>(&self, topic: &str, object: &T) {
        match json(topic, object) {
            Some(Value::Object(fields)) => self.hub.set(topic, fields.into_iter().collect(), &[]),
            Some(_) => tracing::error!(topic, "only an object has fields to publish"),
            None => {}
        }
    }

    /// Removes one row of a state topic. Never waits.
    pub fn remove_state(&self, topic: &str, key: &str) {
        self.hub.set(topic, BTreeMap::new(), &[key.to_owned()]);
    }

    /// Appends one item to a log topic; `seq`, `ts` and `kind` are added to its fields. Never waits.
    pub fn publish_log(&self, topic: &str, kind: &str, fields: Map<String, Value>) {
        self.hub.append(topic, kind, fields);
    }

    /// Overwrites bins of a series topic. Never waits.
    pub fn publish_series(&self, topic: &str, patches: BTreeMap<String, SeriesPatch>) {
        self.hub.overwrite(topic, patches);
    }

    /// Appends one line to a text topic. Never waits.
    pub fn publish_text(&self, topic: &str, level: &str, text: &str) {
        self.hub.line(topic, level, text);
    }

    /// Subscribes to a topic, from where the subscriber was if that is still possible.
    ///
    /// # Errors
    /// Refuses a topic that does not exist.
    pub async fn subscribe(
        &self,
        topic: &str,
        since: Option<Since>,
    ) -> Result<Subscription, ActorsError> {
        if let Some(session) =
            topic.strip_prefix("metrics/").and_then(|id| id.parse::<SessionId>().ok())
            && self.hub.is_empty(topic)
            && let Err(error) = MetricsHandle::new(self.directory.clone()).show(session).await
        {
            tracing::warn!(topic, %error, "past metrics could not be put on the topic");
        }
        if let Some(session) =
            topic.strip_prefix("session/").and_then(|id| id.parse::<SessionId>().ok())
            && self.hub.is_empty(topic)
            && let Ok(view) = SessionsHandle::new(self.directory.clone()).get(session).await
        {
            self.publish_fields(topic, &view);
        }
        self.hub.subscribe(topic, since)
    }

    /// Returns the topics that somebody reads.
    pub(crate) fn watched(&self) -> Vec<String> {
        self.hub.watched()
    }

    /// Returns what the hub holds.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn status(&self) -> Result<TopicsStatus, ActorsError> {
        ask(&self.directory, NAME, |reply| TopicsMsg::GetStatus { reply }).await
    }
}

fn json<T: Serialize>(topic: &str, value: &T) -> Option<Value> {
    serde_json::to_value(value)
        .map_err(|error| tracing::error!(topic, %error, "value cannot be shown as JSON"))
        .ok()
}
