//! Answers what other nodes ask of this one.

use std::sync::Arc;

use serde::Serialize;

use super::{Answer, Peers, Question};
use crate::directory::Directory;
use crate::messages::inspect::InspectHandle;
use crate::messages::sessions::SessionsHandle;
use crate::mirror::Mirror;
use crate::views::LinkView;

/// Answers questions of other nodes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    mirror: Arc<Mirror>,
    sessions: SessionsHandle,
    inspect: InspectHandle,
    peers: Arc<dyn Peers>,
}

impl Desk {
    /// Returns the desk of the node whose actors are in `directory`.
    pub(crate) fn new(mirror: Arc<Mirror>, directory: Directory, peers: Arc<dyn Peers>) -> Self {
        let sessions = SessionsHandle::new(directory.clone());
        Self { mirror, sessions, inspect: InspectHandle::new(directory), peers }
    }

    /// Answers a question; what cannot be answered is refused with the reason.
    pub(crate) async fn answer(&self, question: Question) -> Answer {
        let refused = |error: crate::error::ActorsError| Answer::Refused(error.to_string());
        match question {
            Question::Tail(ask) => self.mirror.answer(ask).await.map_or_else(refused, Answer::Tail),
            Question::Links => json(&self.links()),
            Question::Actors => {
                self.inspect.actors().await.map_or_else(refused, |actors| json(&actors))
            }
            Question::Seen => self.sessions.seen().await.map_or_else(refused, |seen| json(&seen)),
        }
    }

    /// Returns this node's links as the world is shown them.
    pub(crate) fn links(&self) -> Vec<LinkView> {
        self.peers.links().into_iter().filter_map(view).collect()
    }
}

fn json<T: Serialize>(value: &T) -> Answer {
    match serde_json::to_vec(value) {
        Ok(bytes) => Answer::Json(bytes),
        Err(error) => Answer::Refused(format!("the answer cannot be written: {error}")),
    }
}

/// Returns a link as the world is shown it; nothing where the other end has no name of ours.
pub(crate) fn view(link: cluster::router::LinkView) -> Option<LinkView> {
    let cluster::router::LinkView {
        peer,
        state,
        rtt_ms,
        since_ms,
        redials,
        bytes_in,
        bytes_out,
        drops,
        messages_under_way,
        bytes_under_way: _,
        reason,
    } = link;
    Some(LinkView {
        peer: peer.parse().ok()?,
        state: state.to_string(),
        rtt_ms,
        since_ms,
        redials,
        bytes_in,
        bytes_out,
        drops,
        messages_under_way: u64::try_from(messages_under_way).unwrap_or(u64::MAX),
        reason,
    })
}
