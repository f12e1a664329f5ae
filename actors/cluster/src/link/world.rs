//! What all links of a node share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ractor::ActorRef;
use ractor_cluster::NodeServerMessage;

use super::peer::LinkMsg;
use super::server::Labels;
use super::words::{Identity, LinkState};
use super::{LinkError, LinkSettings};
use crate::net::{AddressBook, Net};
use crate::router::{Core, LinkTable, LinkView, Session, boot_ms};
use crate::transport::watchdog::Traffic;

/// A link as last shown.
pub(crate) struct Shown {
    pub(crate) state: LinkState,
    pub(crate) since_ms: u64,
    pub(crate) redials: u64,
    pub(crate) reason: Option<String>,
    pub(crate) past: (u64, u64, u64),
    pub(crate) live: Option<(Arc<Session>, Arc<Traffic>)>,
}

pub(crate) struct World {
    pub(crate) settings: LinkSettings,
    pub(crate) net: Arc<dyn Net>,
    pub(crate) book: Arc<dyn AddressBook>,
    pub(crate) core: Arc<Core>,
    pub(crate) labels: Arc<Labels>,
    pub(crate) server: OnceLock<ActorRef<NodeServerMessage>>,
    /// Who was last seen under each name; outlives a link's restart.
    known: Mutex<BTreeMap<String, Identity>>,
    links: Mutex<BTreeMap<String, ActorRef<LinkMsg>>>,
    shown: Mutex<BTreeMap<String, Shown>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(
        settings: LinkSettings,
        net: Arc<dyn Net>,
        book: Arc<dyn AddressBook>,
        core: Arc<Core>,
    ) -> Self {
        Self {
            settings,
            net,
            book,
            core,
            labels: Arc::default(),
            server: OnceLock::new(),
            known: Mutex::default(),
            links: Mutex::default(),
            shown: Mutex::default(),
        }
    }

    pub(crate) fn server(&self) -> Result<&ActorRef<NodeServerMessage>, LinkError> {
        self.server.get().ok_or(LinkError::NotStarted)
    }

    pub(crate) fn known(&self, peer: &str) -> Option<Identity> {
        lock(&self.known).get(peer).copied()
    }

    pub(crate) fn learn(&self, peer: &str, identity: Identity) {
        let mut known = lock(&self.known);
        if known.get(peer) != Some(&identity) {
            known.insert(peer.to_owned(), identity);
        }
    }

    pub(crate) fn links_insert(&self, peer: &str, link: ActorRef<LinkMsg>) {
        lock(&self.links).insert(peer.to_owned(), link);
    }

    pub(crate) fn link(&self, peer: &str) -> Option<ActorRef<LinkMsg>> {
        lock(&self.links).get(peer).cloned()
    }

    pub(crate) fn linked(&self) -> Vec<String> {
        lock(&self.links).keys().cloned().collect()
    }

    /// Forgets a peer that is no member any more, but not its incarnation.
    pub(crate) fn unlink(&self, peer: &str) -> Option<ActorRef<LinkMsg>> {
        lock(&self.shown).remove(peer);
        lock(&self.links).remove(peer)
    }

    pub(crate) fn show(&self, peer: &str, shown: Shown) {
        if lock(&self.links).contains_key(peer) {
            lock(&self.shown).insert(peer.to_owned(), shown);
        }
    }
}

impl LinkTable for World {
    fn views(&self) -> Vec<LinkView> {
        let now_ms = boot_ms();
        lock(&self.shown).iter().map(|(peer, shown)| view(peer, shown, now_ms)).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a round trip in µs is far below 2^52")]
fn view(peer: &str, shown: &Shown, now_ms: u64) -> LinkView {
    let (mut bytes_in, mut bytes_out, mut drops) = shown.past;
    let mut under_way = (0, 0);
    let mut rtt_us = None;
    if let Some((session, traffic)) = &shown.live {
        bytes_in += traffic.bytes_in();
        bytes_out += traffic.bytes_out();
        drops += session.drops();
        under_way = session.under_way();
        rtt_us = session.rtt_us();
    }
    LinkView {
        peer: peer.to_owned(),
        state: shown.state,
        rtt_ms: rtt_us.map(|micros| micros as f64 / 1000.0),
        since_ms: now_ms.saturating_sub(shown.since_ms),
        redials: shown.redials,
        bytes_in,
        bytes_out,
        drops,
        messages_under_way: under_way.0,
        bytes_under_way: under_way.1,
        reason: shown.reason.clone(),
    }
}
