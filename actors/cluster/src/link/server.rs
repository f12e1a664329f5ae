//! The library below: its server on loopback, the labels under which we hand streams over, its events.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ractor::{ActorCell, ActorProcessingErr, ActorRef};
use ractor_cluster::node::{NodeConnectionMode, NodeServerSessionInformation};
use ractor_cluster::{NodeEventSubscription, NodeServer, NodeServerMessage, NodeSessionMessage};
use sha2::{Digest, Sha256};

use super::peer::LinkMsg;
use super::pipe::Cutter;
use crate::router::envelope::FRAME_BYTES_MAX;

/// Returns the secret that both servers below must share, derived from the cluster's token.
#[must_use]
pub fn cookie(token: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"tm act/1 cookie\0");
    hash.update(token.as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the host part of a node's name below. It differs from node to node: two servers with the same host and, by
/// chance, the same loopback port would take each other for themselves.
fn host(node: &str) -> String {
    format!("{node}.tm")
}

/// Returns the name by which the library below must know a peer.
pub(crate) fn wire_name(node: &str) -> String {
    format!("{node}@{}", host(node))
}

/// A stream handed over under a label.
struct Issued {
    attempt: u64,
    peer: String,
    link: ActorRef<LinkMsg>,
    cutter: Cutter,
    session: Option<ActorRef<NodeSessionMessage>>,
}

/// The labels we issued, by label.
#[derive(Default)]
pub(crate) struct Labels {
    issued: Mutex<HashMap<String, Issued>>,
    foreign: AtomicU64,
}

impl Labels {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Issued>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn issue(
        &self,
        label: String,
        (peer, attempt): (&str, u64),
        link: ActorRef<LinkMsg>,
        cutter: Cutter,
    ) {
        let issued = Issued { attempt, peer: peer.to_owned(), link, cutter, session: None };
        self.lock().insert(label, issued);
    }

    /// Ends every session of a peer; they are gone when [`Self::has`] says so.
    pub(crate) fn end(&self, peer: &str) {
        for issued in self.lock().values().filter(|issued| issued.peer == peer) {
            issued.cutter.cut();
            if let Some(session) = &issued.session {
                session.stop(Some("the link is ended".to_owned()));
            }
        }
    }

    /// Ends every session of a peer and hears no more of them.
    pub(crate) fn abandon(&self, peer: &str) {
        self.end(peer);
        self.lock().retain(|_, issued| issued.peer != peer);
    }

    /// Whether something of a peer's sessions is left.
    pub(crate) fn has(&self, peer: &str) -> bool {
        self.lock().values().any(|issued| issued.peer == peer)
    }

    /// Sessions that somebody opened past us and that were stopped.
    pub(crate) fn foreign(&self) -> u64 {
        self.foreign.load(Ordering::Relaxed)
    }
}

/// Passes the server's events on to the links. Called inside the server: must not block.
struct Events(Arc<Labels>);

impl Events {
    fn tell(&self, label: &str, message: impl FnOnce(&Issued) -> LinkMsg) {
        let issued = self.0.lock();
        let Some(issued) = issued.get(label) else { return };
        // A link that ended in the meantime has cut the stream.
        drop(issued.link.cast(message(issued)));
    }
}

impl NodeEventSubscription for Events {
    fn node_session_opened(&self, session: NodeServerSessionInformation) {
        let mut issued = self.0.lock();
        let Some(issued) = issued.get_mut(&session.peer_addr) else {
            self.0.foreign.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(peer = %session.peer_addr, "stopped a session that is none of ours");
            session.actor.stop(Some("not handed over by us".to_owned()));
            return;
        };
        issued.session = Some(session.actor.clone());
    }

    fn node_session_disconnected(&self, session: NodeServerSessionInformation) {
        let Some(issued) = self.0.lock().remove(&session.peer_addr) else { return };
        let reason = "the connection ended".to_owned();
        drop(issued.link.cast(LinkMsg::Gone { attempt: issued.attempt, reason }));
    }

    fn node_session_authenticated(&self, session: NodeServerSessionInformation) {
        let name = session.peer_name.map(|name| name.name);
        self.tell(&session.peer_addr, |issued| {
            let name_matches = name.as_deref() == Some(wire_name(&issued.peer).as_str());
            LinkMsg::Authenticated { attempt: issued.attempt, name_matches }
        });
    }

    fn node_session_ready(&self, session: NodeServerSessionInformation) {
        let name = session.peer_name.as_ref().map(|name| name.name.clone());
        self.tell(&session.peer_addr, |issued| LinkMsg::Synchronised {
            attempt: issued.attempt,
            node_id: session.node_id,
            name_matches: name.as_deref() == Some(wire_name(&issued.peer).as_str()),
        });
    }
}

/// Starts the server on loopback, on a port that nobody is told.
pub(crate) async fn start(
    node: &str,
    cookie: String,
    labels: Arc<Labels>,
    supervisor: ActorCell,
) -> Result<ActorRef<NodeServerMessage>, ActorProcessingErr> {
    let mode = Some(NodeConnectionMode::Isolated);
    let server = NodeServer::new(0, cookie, node.to_owned(), host(node), None, mode)
        .with_listen_addr(IpAddr::V4(Ipv4Addr::LOCALHOST))
        .with_max_inbound_frame_size(FRAME_BYTES_MAX as u64);
    let (server, _) = ractor::Actor::spawn_linked(None, server, (), supervisor).await?;
    let subscription = Box::new(Events(labels));
    server
        .cast(NodeServerMessage::SubscribeToEvents { id: "tm.links".to_owned(), subscription })?;
    Ok(server)
}
