//! One link session as the router sees it: who is at the other end, what is under way, what is owed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use ractor::{ActorCell, ActorRef};
use tokio::sync::{Notify, oneshot, watch};

use super::actor::RouterMsg;
use super::credits::{Acks, CreditLimits, Credits, Intake};
use super::deadline::Ages;
use super::envelope::{Class, FrameHeader, Source};
use super::refusal::Refused;

/// Requests to one peer that may wait for their answers.
pub(crate) const PENDING_MAX: usize = 8_192;

/// What a request resolves to; dropped when the session ends.
pub(crate) type Waiting = oneshot::Sender<Result<Vec<u8>, Refused>>;

/// How a session is made known to the router.
pub(crate) struct SessionSpec {
    /// Who is at the other end.
    pub(crate) peer: Source,
    /// What the peer's frames carry; issued here.
    pub(crate) token_in: u64,
    /// What our frames carry; issued by the peer.
    pub(crate) token_out: u64,
    /// Ages, begun with the peer's greeting.
    pub(crate) ages: Ages,
    /// Called once when sending fails although the session was not ended.
    pub(crate) broken: Box<dyn Fn() + Send + Sync>,
}

/// Why a frame was not sent; gives it back.
pub(crate) enum Unsent {
    NoCredit(Vec<u8>),
    NotUp(Vec<u8>),
    Gone,
}

struct Inbound {
    acks: Acks,
    ages: Ages,
}

/// A session from handing its stream over until its end.
pub(crate) struct Session {
    pub(crate) peer: Source,
    pub(crate) token_in: u64,
    token_out: u64,
    router: OnceLock<ActorRef<RouterMsg>>,
    out: Mutex<Credits>,
    inbound: Mutex<Inbound>,
    pending: Mutex<HashMap<u64, Waiting>>,
    /// Woken when credit comes back or the session comes up.
    pub(crate) credit: Notify,
    /// Woken when an acknowledgement is owed.
    pub(crate) owing: Notify,
    ended: watch::Sender<bool>,
    broken: Box<dyn Fn() + Send + Sync>,
    rtt_us: AtomicU64,
    pub(crate) drops: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    pub(crate) fn new(spec: SessionSpec, limits: CreditLimits) -> Self {
        Self {
            peer: spec.peer,
            token_in: spec.token_in,
            token_out: spec.token_out,
            router: OnceLock::new(),
            out: Mutex::new(Credits::new(limits)),
            inbound: Mutex::new(Inbound { acks: Acks::default(), ages: spec.ages }),
            pending: Mutex::default(),
            credit: Notify::new(),
            owing: Notify::new(),
            ended: watch::Sender::new(false),
            broken: spec.broken,
            rtt_us: AtomicU64::new(0),
            drops: AtomicU64::new(0),
        }
    }

    /// Makes the session usable for sending: the peer's router is known.
    pub(crate) fn up(&self, router: ActorCell) {
        if self.router.set(router.into()).is_ok() {
            self.credit.notify_waiters();
            self.owing.notify_one();
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.router.get().is_some() && !self.is_ended()
    }

    /// Ends it: requests that wait fail, nothing is sent any more.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
        lock(&self.pending).clear();
        self.credit.notify_waiters();
    }

    pub(crate) fn is_ended(&self) -> bool {
        *self.ended.borrow()
    }

    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// Sends a frame that takes credit. The order of frames is the order of their positions: both are settled under
    /// one lock.
    pub(crate) fn send(&self, mut frame: Vec<u8>, class: Class) -> Result<(), Unsent> {
        if self.is_ended() {
            return Err(Unsent::Gone);
        }
        let Some(router) = self.router.get() else { return Err(Unsent::NotUp(frame)) };
        let mut out = lock(&self.out);
        let Some(seq) = out.take(class, frame.len()) else { return Err(Unsent::NoCredit(frame)) };
        self.header(seq).write(&mut frame);
        self.pass(router, frame)
    }

    /// Sends a frame that takes no credit: acknowledgements and probes, of which there are few by construction.
    pub(crate) fn send_free(&self, mut frame: Vec<u8>) -> Result<(), Unsent> {
        if self.is_ended() {
            return Err(Unsent::Gone);
        }
        let Some(router) = self.router.get() else { return Err(Unsent::NotUp(frame)) };
        self.header(0).write(&mut frame);
        self.pass(router, frame)
    }

    fn header(&self, seq: u64) -> FrameHeader {
        FrameHeader { token: self.token_out, seq, ack: lock(&self.inbound).acks.tell() }
    }

    fn pass(&self, router: &ActorRef<RouterMsg>, frame: Vec<u8>) -> Result<(), Unsent> {
        if router.cast(RouterMsg::Frame(frame)).is_ok() {
            return Ok(());
        }
        if !self.is_ended() {
            (self.broken)();
        }
        Err(Unsent::Gone)
    }

    /// Notes what the peer has taken in.
    pub(crate) fn acknowledged(&self, seq: u64) {
        if lock(&self.out).acknowledged(seq) {
            self.credit.notify_waiters();
        }
    }

    /// Notes a frame that took the peer's credit.
    pub(crate) fn arrived(&self, seq: u64) -> Intake {
        lock(&self.inbound).acks.arrived(seq)
    }

    pub(crate) fn is_owing(&self) -> bool {
        lock(&self.inbound).acks.owing()
    }

    pub(crate) fn age_ms(&self, now_ms: u64, stamp_ms: u64) -> u64 {
        lock(&self.inbound).ages.age_ms(now_ms, stamp_ms)
    }

    /// Lets a request wait for its answer; `false` when too many wait or one of the same id does.
    pub(crate) fn wait(&self, id: u64, waiting: Waiting) -> bool {
        let mut pending = lock(&self.pending);
        if pending.len() >= PENDING_MAX || pending.contains_key(&id) {
            return false;
        }
        pending.insert(id, waiting);
        true
    }

    pub(crate) fn waited(&self, id: u64) -> Option<Waiting> {
        lock(&self.pending).remove(&id)
    }

    pub(crate) fn drops(&self) -> u64 {
        self.drops.load(Ordering::Relaxed)
    }

    pub(crate) fn under_way(&self) -> (usize, usize) {
        let out = lock(&self.out);
        (out.messages_under_way(), out.bytes_under_way())
    }

    pub(crate) fn measured(&self, rtt_us: u64) {
        self.rtt_us.store(rtt_us.max(1), Ordering::Relaxed);
    }

    /// Last measured round trip in microseconds.
    pub(crate) fn rtt_us(&self) -> Option<u64> {
        let rtt_us = self.rtt_us.load(Ordering::Relaxed);
        (rtt_us > 0).then_some(rtt_us)
    }
}
