//! The router's door: ask, tell, register, look at links. Cheap to clone.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::counters::{DeadLetter, RouterCounts, add};
use super::credits::CreditLimits;
use super::deadline::{Deadline, TTL_EVENT_MS, TTL_MAX_MS, TTL_REQUEST_MS};
use super::envelope::{
    Class, Envelope, KEY_BYTES_MAX, Kind, PAYLOAD_BYTES_MAX, Source, Traceparent, frame,
};
use super::hub::{Answer, Core, waiting};
use super::lane::{Job, Lane};
use super::refusal::{Refused, RouteError};
use super::session::{Session, Unsent};
use super::{LinkView, Placements, Received, Receiver, SharedLinks};

/// When a link without credit is worth another try, in ms.
const RETRY_AFTER_MS: u32 = 10;

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which node; absent: whoever the key belongs to, here or by applied placements.
    pub peer: Option<String>,
    /// Who on that node: `kind/id`.
    pub key: String,
    /// Kind of the content.
    pub schema: u32,
    /// Version of the content.
    pub version: u16,
    /// The owner's epoch as known here; 0 for keys that are not placed.
    pub epoch: u64,
    /// How urgent it is.
    pub class: Class,
    /// How long it may live, in ms; 0: the default of 5 s, of 10 s for events. At most 30 s.
    pub ttl_ms: u32,
    /// The same id again for a retry; absent: a new one.
    pub message_id: Option<u64>,
    /// The trace it belongs to.
    pub traceparent: Traceparent,
    /// The content; at most [`PAYLOAD_BYTES_MAX`].
    pub payload: Vec<u8>,
}

impl Request {
    /// Describes a normal message without epoch or trace, with the default time to live.
    #[must_use]
    pub fn new(peer: Option<&str>, key: impl Into<String>, schema: u32, payload: Vec<u8>) -> Self {
        Self {
            peer: peer.map(str::to_owned),
            key: key.into(),
            schema,
            version: 1,
            epoch: 0,
            class: Class::Normal,
            ttl_ms: 0,
            message_id: None,
            traceparent: Traceparent::default(),
            payload,
        }
    }
}

/// A receiver's place in the table; dropping it takes the receiver away.
#[must_use = "dropping it takes the receiver away"]
pub struct Registration {
    core: Arc<Core>,
    key: String,
    lane: Arc<Lane>,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registration({})", self.key)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // The lane works off what it holds.
        drop(self.core.table().unregister(&self.key, |lane| Arc::ptr_eq(lane, &self.lane)));
    }
}

/// Sends and receives messages between nodes.
#[derive(Clone)]
pub struct RouterHandle {
    core: Arc<Core>,
    links: Arc<OnceLock<SharedLinks>>,
}

impl std::fmt::Debug for RouterHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouterHandle").field("me", &self.core.me).finish_non_exhaustive()
    }
}

/// Takes a request out of the table when nobody waits for it any more.
struct Asked {
    session: Arc<Session>,
    id: u64,
}

impl Drop for Asked {
    fn drop(&mut self) {
        drop(self.session.waited(self.id));
    }
}

enum Way {
    Here,
    Over(Arc<Session>),
}

impl RouterHandle {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, links: Arc::default() }
    }

    pub(crate) fn show_links(&self, links: SharedLinks) {
        // Set once, by the links themselves.
        drop(self.links.set(links));
    }

    /// A router without links, for a node that is alone: keys here are served, everybody else is unreachable.
    #[must_use]
    pub fn alone(me: Source, placements: Arc<dyn Placements>) -> Self {
        Self::new(Arc::new(Core::new(me, placements, CreditLimits::default())))
    }

    /// Who this node is.
    #[must_use]
    pub fn me(&self) -> &Source {
        &self.core.me
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// See [`RouteError`]: unless [`RouteError::is_unknown`], nothing took effect.
    pub async fn request(&self, request: Request) -> Result<Vec<u8>, RouteError> {
        let (way, envelope) = self.prepare(request, Kind::Request, TTL_REQUEST_MS)?;
        let ttl_ms = envelope.ttl_ms;
        let (waiting, answer) = waiting();
        let (node, _asked) = match way {
            Way::Here => {
                self.deliver_here(envelope, Answer::Here(waiting));
                (self.core.me.node.clone(), None)
            }
            Way::Over(session) => {
                let id = envelope.message_id;
                if !session.wait(id, waiting) {
                    return Err(self.overloaded(&session));
                }
                let asked = Asked { session: Arc::clone(&session), id };
                self.send(&session, &envelope)?;
                (session.peer.node.clone(), Some(asked))
            }
        };
        match tokio::time::timeout(Duration::from_millis(u64::from(ttl_ms)), answer).await {
            Ok(Ok(result)) => Ok(result?),
            Ok(Err(_)) => Err(RouteError::LinkLost { node }),
            Err(_) => Err(RouteError::NoAnswer { node, ttl_ms }),
        }
    }

    /// Tells, without an answer. `Ok` means that it is on its way, not that it arrived.
    ///
    /// # Errors
    /// See [`RouteError`]: nothing was sent.
    pub fn event(&self, request: Request) -> Result<(), RouteError> {
        let (way, envelope) = self.prepare(request, Kind::Event, TTL_EVENT_MS)?;
        match way {
            Way::Here => {
                self.deliver_here(envelope, Answer::Nowhere);
                Ok(())
            }
            Way::Over(session) => self.send(&session, &envelope),
        }
    }

    /// Tells every peer that is reached, as far as possible, and returns how many were told. For what only ever stops
    /// things: nobody may rely on it.
    #[must_use]
    pub fn event_all(&self, request: &Request) -> usize {
        let sessions = self.core.sessions();
        let told = sessions.iter().filter(|session| {
            let peer = Some(session.peer.node.clone());
            self.event(Request { peer, ..request.clone() }).is_ok()
        });
        told.count()
    }

    /// Lets `receiver` answer to `key` from now on, at an epoch, until the registration is dropped.
    ///
    /// # Errors
    /// [`Refused::StaleEpoch`] when a higher epoch of the key is known here.
    pub fn register(
        &self,
        key: impl Into<String>,
        epoch: u64,
        receiver: Arc<dyn Receiver>,
    ) -> Result<Registration, Refused> {
        let key = key.into();
        let lane = Lane::open(receiver, Arc::clone(&self.core));
        drop(self.core.table().register(&key, epoch, Arc::clone(&lane))?);
        Ok(Registration { core: Arc::clone(&self.core), key, lane })
    }

    /// Whether a message to the node would be sent at this moment. A hint: leases decide who is down.
    #[must_use]
    pub fn is_linked(&self, node: &str) -> bool {
        self.core.session(node).is_some()
    }

    /// Every link, by peer.
    #[must_use]
    pub fn links(&self) -> Vec<LinkView> {
        self.links.get().map(|links| links.views()).unwrap_or_default()
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counts(&self) -> RouterCounts {
        self.core.counters.counts()
    }

    /// The last messages that nobody could be told about, oldest first.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.core.counters.letters()
    }

    fn prepare(
        &self,
        request: Request,
        kind: Kind,
        default_ttl_ms: u32,
    ) -> Result<(Way, Envelope), RouteError> {
        let too_large = |what, limit, found| Err(RouteError::TooLarge { what, limit, found });
        if request.payload.len() > PAYLOAD_BYTES_MAX {
            return too_large("a payload", PAYLOAD_BYTES_MAX, request.payload.len());
        }
        if request.key.len() > KEY_BYTES_MAX {
            return too_large("a key", KEY_BYTES_MAX, request.key.len());
        }
        let way = self.way(request.peer, &request.key)?;
        let ttl_ms = if request.ttl_ms == 0 { default_ttl_ms } else { request.ttl_ms };
        let envelope = Envelope {
            schema: request.schema,
            version: request.version,
            kind,
            class: request.class,
            source: self.core.me.clone(),
            key: request.key,
            epoch: request.epoch,
            message_id: request.message_id.unwrap_or_else(|| self.core.next_id()),
            in_reply_to: None,
            sent_at_ms: self.core.now_ms(),
            ttl_ms: ttl_ms.min(TTL_MAX_MS),
            traceparent: request.traceparent,
            payload: request.payload,
        };
        Ok((way, envelope))
    }

    fn way(&self, peer: Option<String>, key: &str) -> Result<Way, RouteError> {
        let node = match peer {
            Some(node) => node,
            None if self.core.table().is_here(key) => return Ok(Way::Here),
            None => match self.core.owner(key) {
                Some(node) => node,
                None => return Err(Refused::NotHere { key: key.to_owned(), owner: None }.into()),
            },
        };
        if node == self.core.me.node {
            return Ok(Way::Here);
        }
        match self.core.session(&node) {
            Some(session) => Ok(Way::Over(session)),
            None => Err(Refused::Unreachable { node }.into()),
        }
    }

    fn deliver_here(&self, envelope: Envelope, answer: Answer) {
        let now_ms = envelope.sent_at_ms;
        // A time to live never passes at age 0.
        let Some(deadline) = Deadline::of(now_ms, 0, envelope.ttl_ms) else { return };
        let received = Received::new(envelope, 0);
        self.core.enqueue(Job { received, deadline, arrived_ms: now_ms, answer });
    }

    fn send(&self, session: &Session, envelope: &Envelope) -> Result<(), RouteError> {
        let frame =
            frame(envelope).map_err(|error| Refused::Undecodable { reason: error.to_string() })?;
        match session.send(frame, envelope.class) {
            Ok(()) => {
                self.core.counters.sent(envelope.kind);
                Ok(())
            }
            Err(Unsent::NoCredit(_)) => Err(self.overloaded(session)),
            Err(Unsent::NotUp(_) | Unsent::Gone) => {
                add(&session.drops);
                Err(Refused::Unreachable { node: session.peer.node.clone() }.into())
            }
        }
    }

    fn overloaded(&self, session: &Session) -> RouteError {
        add(&self.core.counters.no_credit);
        let drops: &AtomicU64 = &session.drops;
        add(drops);
        Refused::Overloaded { retry_after_ms: RETRY_AFTER_MS }.into()
    }
}
