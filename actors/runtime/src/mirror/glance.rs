//! How far the sessions are that other nodes hold: asked of each holder at most once a second, shown by the registry.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::control::ControlState;
use engine::ids::SessionId;
use tokio::time::{Instant, timeout};

use super::Mirror;
use crate::messages::sessions::{Pulse, SessionsHandle, SessionsMsg};
use crate::peers::{Answer, Question};
use crate::views::SeenView;

/// Holders are asked at most this often.
const EVERY: Duration = Duration::from_secs(1);
/// How long a reader waits for them; the list is older then.
const WITHIN: Duration = Duration::from_millis(700);

/// The last round of questions.
#[derive(Debug, Default)]
pub(super) struct Glance {
    round: Mutex<Round>,
}

#[derive(Debug, Default)]
struct Round {
    begun: Option<Instant>,
    /// Held while it is under way.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// Returns the other nodes that are up and hold sessions; those of `only` where it is given.
fn holders(state: &ControlState, node: &str, only: Option<SessionId>) -> BTreeSet<String> {
    let up = |name: &str| state.nodes.get(name).is_some_and(|node| node.down_since_ms.is_none());
    let asked = |key: &[u8; 16]| only.is_none_or(|only| only.uuid().as_bytes() == key);
    state
        .sessions
        .iter()
        .filter(|session| !session.ended() && asked(&session.id))
        .filter_map(|session| session.placement.as_ref())
        .filter(|placement| placement.node != node && up(&placement.node))
        .map(|placement| placement.node.clone())
        .collect()
}

impl Mirror {
    /// Asks the holders how far their sessions are, unless that was done a moment ago; waits a little for the answers.
    /// With `session`, only where that one is held elsewhere.
    pub(crate) async fn look(&self, session: Option<SessionId>) {
        if self.depot.alone() {
            return;
        }
        let wanted = self.control.read(|state| holders(state, self.node.as_str(), session));
        if wanted.is_empty() {
            return;
        }
        let turn = self.begin();
        // Until the round that is under way is over.
        if timeout(WITHIN, turn.lock()).await.is_err() {
            tracing::debug!("not every holder said in time how far its sessions are");
        }
    }

    /// Starts a round if it is time for one.
    fn begin(&self) -> Arc<tokio::sync::Mutex<()>> {
        let mut round = self.glance.round.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = Arc::clone(&round.turn);
        if round.begun.is_some_and(|begun| begun.elapsed() < EVERY) {
            return turn;
        }
        let Ok(under_way) = Arc::clone(&turn).try_lock_owned() else { return turn };
        round.begun = Some(Instant::now());
        let mirror = self.clone();
        // Should it panic, the turn is free again and the next reader starts a new round.
        tokio::spawn(async move {
            mirror.ask_all().await;
            drop(under_way);
        });
        turn
    }

    async fn ask_all(&self) {
        let all = self.control.read(|state| holders(state, self.node.as_str(), None));
        let mut asked = tokio::task::JoinSet::new();
        for peer in all {
            let mirror = self.clone();
            asked.spawn(async move { mirror.ask_one(&peer).await });
        }
        while asked.join_next().await.is_some() {}
    }

    async fn ask_one(&self, peer: &str) {
        let answer = match self.peers.ask(peer, Question::Seen).await {
            Ok(Answer::Json(bytes)) => serde_json::from_slice::<Vec<SeenView>>(&bytes)
                .map_err(|error| format!("its answer cannot be read: {error}")),
            Ok(Answer::Refused(reason)) | Err(reason) => Err(reason),
            Ok(Answer::Tail(_)) => Err("it answered something else".to_owned()),
        };
        match answer {
            Ok(seen) => {
                let registry = SessionsHandle::new(self.directory.clone());
                for SeenView { session_id, epoch, progress, last_metrics } in seen {
                    let pulse = Pulse::Seen { progress, newest: last_metrics };
                    registry.tell(SessionsMsg::Pulse { id: session_id, epoch, pulse });
                }
            }
            Err(reason) => {
                tracing::debug!(peer, reason, "a holder did not say how far its sessions are");
            }
        }
    }
}
