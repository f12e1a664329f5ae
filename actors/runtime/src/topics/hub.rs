//! All topics of this node: cores behind short locks, and a bell for those who wait.
//!
//! Nobody waits for a reader: publishing changes a core and rings the bell; readers come with a cursor and take what
//! they may have. Locks are held for the change of one core and never across an await.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::watch;

use super::conflate::StateCore;
use super::names::class_of;
use super::ring::LogCore;
use super::series::SeriesCore;
use super::text::TextCore;
use super::updates::Updates;
use crate::clock::Clock;
use crate::error::ActorsError;
use crate::messages::topics::{SeriesPatch, Since, Start, Subscription, TopicClass, TopicsStatus};

/// Most topics kept; beyond, those that nobody reads are forgotten, longest silent first.
const TOPICS_MAX: usize = 10_000;

/// What a topic holds, by class.
#[derive(Debug)]
pub(crate) enum Core {
    /// Rows.
    State(StateCore),
    /// Items.
    Log(LogCore),
    /// Bins.
    Series(SeriesCore),
    /// Lines.
    Text(TextCore),
}

/// One topic.
#[derive(Debug)]
pub(crate) struct Topic {
    /// How slow readers are treated.
    pub(crate) class: TopicClass,
    core: Mutex<(Core, u64)>,
    bell: watch::Sender<u64>,
}

impl Topic {
    fn new(class: TopicClass) -> Self {
        let core = match class {
            TopicClass::State => Core::State(StateCore::default()),
            TopicClass::Log => Core::Log(LogCore::default()),
            TopicClass::Series => Core::Series(SeriesCore::default()),
            TopicClass::Text => Core::Text(TextCore::default()),
        };
        Self { class, core: Mutex::new((core, 0)), bell: watch::Sender::new(0) }
    }

    /// Runs `look` on the core.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&Core) -> R) -> R {
        look(&self.lock().0)
    }

    fn lock(&self) -> MutexGuard<'_, (Core, u64)> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, tick: u64, change: impl FnOnce(&mut Core)) {
        let head = {
            let mut guard = self.lock();
            change(&mut guard.0);
            guard.1 = tick;
            guard.0.head()
        };
        self.bell.send_replace(head);
    }
}

impl Core {
    /// Returns the number of the newest change.
    pub(crate) fn head(&self) -> u64 {
        match self {
            Self::State(core) => core.head(),
            Self::Log(core) => core.head(),
            Self::Series(core) => core.head(),
            Self::Text(core) => core.head(),
        }
    }

    fn can_resume(&self, cursor: u64) -> bool {
        match self {
            Self::State(core) => core.can_resume(cursor),
            Self::Log(core) => cursor <= core.head(),
            Self::Series(core) => core.can_resume(cursor),
            Self::Text(core) => cursor <= core.head(),
        }
    }

    /// Returns everything there is.
    pub(crate) fn snapshot(&self) -> Value {
        match self {
            Self::State(core) => core.snapshot(),
            Self::Log(core) => core.snapshot(),
            Self::Series(core) => core.snapshot(),
            Self::Text(core) => core.snapshot(),
        }
    }
}

/// All topics of this node.
#[derive(Debug)]
pub(crate) struct Hub {
    clock: Arc<dyn Clock>,
    epoch: String,
    topics: Mutex<(BTreeMap<String, Arc<Topic>>, u64)>,
}

impl Hub {
    /// Returns a hub whose sequence numbers belong to `epoch`.
    pub(crate) fn new(clock: Arc<dyn Clock>, epoch: String) -> Self {
        Self { clock, epoch, topics: Mutex::new((BTreeMap::new(), 0)) }
    }

    /// Sets and removes rows of a state topic.
    pub(crate) fn set(&self, topic: &str, set: BTreeMap<String, Value>, del: &[String]) {
        self.change(topic, TopicClass::State, |core, _| {
            if let Core::State(rows) = core {
                rows.apply(set, del);
            }
        });
    }

    /// Appends an item to a log topic.
    pub(crate) fn append(&self, topic: &str, kind: &str, fields: Map<String, Value>) {
        self.change(topic, TopicClass::Log, |core, now_ms| {
            if let Core::Log(log) = core {
                log.append(now_ms, kind, fields);
            }
        });
    }

    /// Overwrites bins of a series topic.
    pub(crate) fn overwrite(&self, topic: &str, patches: BTreeMap<String, SeriesPatch>) {
        self.change(topic, TopicClass::Series, |core, _| {
            if let Core::Series(series) = core
                && !series.overwrite(patches)
            {
                tracing::error!(topic, "bins do not join on to those on the topic");
            }
        });
    }

    /// Appends a line to a text topic.
    pub(crate) fn line(&self, topic: &str, level: &str, text: &str) {
        self.change(topic, TopicClass::Text, |core, now_ms| {
            if let Core::Text(lines) = core {
                lines.line(now_ms, level, text);
            }
        });
    }

    /// Whether nothing was ever published on a topic.
    pub(crate) fn is_empty(&self, topic: &str) -> bool {
        let known = self.lock().0.get(topic).cloned();
        known.is_none_or(|topic| topic.with(Core::head) == 0)
    }

    /// Subscribes.
    ///
    /// # Errors
    /// Refuses a topic that does not exist.
    pub(crate) fn subscribe(
        &self,
        name: &str,
        since: Option<Since>,
    ) -> Result<Subscription, ActorsError> {
        let (topic, _) = self.topic(name).ok_or_else(|| ActorsError::NotFound {
            what: "topic",
            id: name.chars().take(120).collect(),
            reason: "there is no such topic; see the list in the documentation".to_owned(),
        })?;
        // The bell is heard from before the snapshot on, so that nothing falls in between.
        let bell = topic.bell.subscribe();
        let resumed = since.filter(|since| since.epoch == self.epoch).map(|since| since.seq);
        let (seq, start) = topic.with(|core| match resumed.filter(|seq| core.can_resume(*seq)) {
            Some(seq) => (seq, Start::Resumed),
            None => (core.head(), Start::Snapshot(core.snapshot())),
        });
        let class = topic.class;
        let updates = Updates::new(topic, bell, Arc::clone(&self.clock), seq);
        Ok(Subscription { class, epoch: self.epoch.clone(), seq, start, updates })
    }

    /// Returns the topics that somebody reads.
    pub(crate) fn watched(&self) -> Vec<String> {
        let guard = self.lock();
        let read = |topic: &&Arc<Topic>| 0 < topic.bell.receiver_count();
        guard.0.iter().filter(|(_, topic)| read(topic)).map(|(name, _)| name.clone()).collect()
    }

    /// Ages rings and forgets topics that nobody reads: those never written to, and the longest silent beyond the
    /// limit.
    pub(crate) fn keep_house(&self) {
        let now_ms = self.clock.wall_ms();
        let mut guard = self.lock();
        let topics = &mut guard.0;
        for topic in topics.values().filter(|topic| topic.class == TopicClass::Log) {
            if let Core::Log(log) = &mut topic.lock().0 {
                log.age(now_ms);
            }
        }
        let read = |topic: &Arc<Topic>| 0 < topic.bell.receiver_count();
        topics.retain(|_, topic| read(topic) || 0 < topic.with(Core::head));
        let excess = topics.len().saturating_sub(TOPICS_MAX);
        let mut idle: Vec<(u64, String)> = topics
            .iter()
            .filter(|(_, topic)| 0 < excess && !read(topic))
            .map(|(name, topic)| (topic.lock().1, name.clone()))
            .collect();
        idle.sort_unstable();
        for (_, name) in idle.into_iter().take(excess) {
            topics.remove(&name);
        }
    }

    /// Returns how much there is.
    pub(crate) fn status(&self) -> TopicsStatus {
        let guard = self.lock();
        TopicsStatus {
            topic_count: guard.0.len(),
            subscriber_count: guard.0.values().map(|topic| topic.bell.receiver_count()).sum(),
        }
    }

    fn change(&self, name: &str, class: TopicClass, change: impl FnOnce(&mut Core, i64)) {
        match self.topic(name) {
            Some((topic, tick)) if topic.class == class => {
                let now_ms = self.clock.wall_ms();
                topic.change(tick, |core| change(core, now_ms));
            }
            Some(_) | None => tracing::error!(
                topic = name,
                ?class,
                "published on a topic that is not of this class"
            ),
        }
    }

    fn topic(&self, name: &str) -> Option<(Arc<Topic>, u64)> {
        let class = class_of(name)?;
        let mut guard = self.lock();
        guard.1 += 1;
        let tick = guard.1;
        if let Some(topic) = guard.0.get(name) {
            return Some((Arc::clone(topic), tick));
        }
        let topic = Arc::new(Topic::new(class));
        guard.0.insert(name.to_owned(), Arc::clone(&topic));
        Some((topic, tick))
    }

    fn lock(&self) -> MutexGuard<'_, (BTreeMap<String, Arc<Topic>>, u64)> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
