//! The follower: while somebody watches a session that runs elsewhere, brings what is new of it here every second, so
//! that live topics go on on every node.
//!
//! Route: topics that are read → **follower** → mirror → metrics, logs, registry → topics. Alone, it does nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::ids::SessionId;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::messages::follower::FollowerMsg;
use crate::messages::topics::TopicsHandle;
use crate::mirror::Mirror;
use crate::tasks::Task;

/// How often what is watched is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Sessions brought here at the same time; the others wait for the next look.
const SESSIONS_MAX: usize = 32;

/// What the follower works with.
#[derive(Clone)]
pub(crate) struct FollowerArguments {
    /// Who brings records here.
    pub(crate) mirror: Arc<Mirror>,
    /// What is watched.
    pub(crate) topics: TopicsHandle,
}

/// What the follower keeps.
pub(crate) struct FollowerState {
    arguments: FollowerArguments,
    /// Sessions that are being brought here.
    under_way: BTreeMap<SessionId, Task>,
    glance: Option<Task>,
    _ticks: Task,
}

/// The actor.
#[derive(Debug)]
pub(crate) struct Follower;

impl Actor for Follower {
    type Msg = FollowerMsg;
    type State = FollowerState;
    type Arguments = FollowerArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<FollowerMsg>,
        arguments: FollowerArguments,
    ) -> Result<FollowerState, ActorProcessingErr> {
        let ticks = Task::ticks("follower looks", EVERY, myself, || FollowerMsg::Tick);
        Ok(FollowerState { arguments, under_way: BTreeMap::new(), glance: None, _ticks: ticks })
    }

    async fn handle(
        &self,
        _: ActorRef<FollowerMsg>,
        message: FollowerMsg,
        state: &mut FollowerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            FollowerMsg::Tick => state.look(),
        }
        Ok(())
    }
}

impl FollowerState {
    fn look(&mut self) {
        self.under_way.retain(|_, task| !task.is_over());
        if self.arguments.mirror.alone() {
            return;
        }
        let watched = watched(&self.arguments.topics.watched());
        if watched.states && self.glance.as_ref().is_none_or(Task::is_over) {
            let mirror = self.arguments.mirror.clone();
            self.glance = Some(Task::spawn("a look at holders", async move {
                mirror.look(None).await;
            }));
        }
        for session in watched.records {
            if SESSIONS_MAX <= self.under_way.len() {
                return;
            }
            let mirror = self.arguments.mirror.clone();
            self.under_way.entry(session).or_insert_with(|| {
                Task::spawn("a session's records", async move {
                    if let Err(error) = mirror.freshen(session).await {
                        tracing::debug!(%session, %error, "a session that is watched is not up to date");
                    }
                })
            });
        }
    }
}

/// What the topics that are read are about.
#[derive(Debug, Default, PartialEq, Eq)]
struct Watched {
    /// Whether somebody wants to see how far sessions are.
    states: bool,
    /// Sessions whose points or lines are watched.
    records: Vec<SessionId>,
}

fn watched(topics: &[String]) -> Watched {
    let mut found = Watched::default();
    for topic in topics {
        let (kind, id) = topic.split_once('/').unwrap_or((topic, ""));
        match (kind, id.parse::<SessionId>()) {
            ("sessions", _) | ("session", Ok(_)) => found.states = true,
            ("metrics" | "log", Ok(session)) => found.records.push(session),
            _ => {}
        }
    }
    found.records.sort_unstable();
    found.records.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_watched_follows_from_the_names_of_topics() {
        let id = "ses_01900000000070008000000000000001";
        let session: SessionId = id.parse().unwrap();
        let of = |topics: &[String]| watched(topics);
        assert_eq!(of(&["nodes".into(), "datasets".into()]), Watched::default());
        let both = [format!("metrics/{id}"), format!("log/{id}"), "sessions".into()];
        assert_eq!(of(&both), Watched { states: true, records: vec![session] });
        assert!(of(&[format!("session/{id}")]).states);
        assert_eq!(of(&["metrics/nobody".into()]), Watched::default());
    }
}
