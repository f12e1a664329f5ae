//! What the router decides with: keys, sessions, and what happens to a frame. No await while a message is taken in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use ractor::ActorCell;
use rustix::time::{ClockId, clock_gettime};
use store::codec;
use tokio::sync::oneshot;

use super::counters::{Counters, DeadLetter, add};
use super::credits::{CreditLimits, Intake};
use super::deadline::Deadline;
use super::envelope::{
    Class, Envelope, FrameHeader, Kind, Probe, Source, Traceparent, frame, open,
};
use super::lane::{Job, Lane};
use super::refusal::Refused;
use super::session::{Session, SessionSpec, Unsent, Waiting};
use super::table::Table;
use super::{Placements, Received};

/// What every message of one exchange has in common.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) source: Source,
    pub(crate) key: String,
    pub(crate) schema: u32,
    pub(crate) version: u16,
    pub(crate) kind: Kind,
    pub(crate) class: Class,
    pub(crate) epoch: u64,
    pub(crate) message_id: u64,
    pub(crate) ttl_ms: u32,
    pub(crate) traceparent: Traceparent,
}

/// Where the answer to a message goes.
pub(crate) enum Answer {
    /// Nobody waits.
    Nowhere,
    /// Somebody in this process.
    Here(Waiting),
    /// Over the link it came from.
    Back(Arc<Session>),
}

pub(crate) struct Core {
    pub(crate) me: Source,
    placements: Arc<dyn Placements>,
    limits: CreditLimits,
    table: Mutex<Table<Arc<Lane>>>,
    by_token: RwLock<HashMap<u64, Arc<Session>>>,
    by_node: RwLock<HashMap<String, Arc<Session>>>,
    next_id: AtomicU64,
    started: Instant,
    pub(crate) counters: Counters,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This machine's boot-time clock in ms: it runs on while a process is stopped or the machine sleeps.
#[must_use]
pub fn boot_ms() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let milliseconds = i128::from(time.tv_sec) * 1000 + i128::from(time.tv_nsec) / 1_000_000;
    u64::try_from(milliseconds).unwrap_or(0)
}

impl Core {
    pub(crate) fn new(me: Source, placements: Arc<dyn Placements>, limits: CreditLimits) -> Self {
        Self {
            me,
            placements,
            limits,
            table: Mutex::default(),
            by_token: RwLock::default(),
            by_node: RwLock::default(),
            next_id: AtomicU64::new(1),
            started: Instant::now(),
            counters: Counters::default(),
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        boot_ms()
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table<Arc<Lane>>> {
        lock(&self.table)
    }

    pub(crate) fn owner(&self, key: &str) -> Option<String> {
        self.placements.owner(key).map(|owner| owner.node)
    }

    /// The session that leads to a node, once both routers know each other.
    pub(crate) fn session(&self, node: &str) -> Option<Arc<Session>> {
        let by_node = self.by_node.read().unwrap_or_else(PoisonError::into_inner);
        by_node.get(node).filter(|session| session.is_up()).cloned()
    }

    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        let by_node = self.by_node.read().unwrap_or_else(PoisonError::into_inner);
        by_node.values().filter(|session| session.is_up()).cloned().collect()
    }

    /// Makes a session known before its stream is handed over, so that the first frame finds it.
    pub(crate) fn open_session(&self, spec: SessionSpec) -> Arc<Session> {
        let session = Arc::new(Session::new(spec, self.limits));
        let mut by_token = self.by_token.write().unwrap_or_else(PoisonError::into_inner);
        by_token.insert(session.token_in, Arc::clone(&session));
        session
    }

    /// Makes a session usable and its peer's only one.
    pub(crate) fn bring_up(self: &Arc<Self>, session: &Arc<Session>, router: ActorCell) {
        session.up(router);
        let node = session.peer.node.clone();
        let mut by_node = self.by_node.write().unwrap_or_else(PoisonError::into_inner);
        by_node.insert(node, Arc::clone(session));
        drop(by_node);
        tokio::spawn(super::keeper::keep(Arc::clone(self), Arc::clone(session)));
    }

    pub(crate) fn end_session(&self, session: &Arc<Session>) {
        session.end();
        let mut by_token = self.by_token.write().unwrap_or_else(PoisonError::into_inner);
        by_token.remove(&session.token_in);
        drop(by_token);
        let mut by_node = self.by_node.write().unwrap_or_else(PoisonError::into_inner);
        if by_node.get(&session.peer.node).is_some_and(|other| Arc::ptr_eq(other, session)) {
            by_node.remove(&session.peer.node);
        }
    }

    /// Takes a frame in: the only way into this node from another's router.
    pub(crate) fn take_in(&self, bytes: &[u8]) {
        let Some(header) = FrameHeader::parse(bytes) else { return add(&self.counters.forged) };
        let by_token = self.by_token.read().unwrap_or_else(PoisonError::into_inner);
        let session = by_token.get(&header.token).cloned();
        drop(by_token);
        let Some(session) = session else { return add(&self.counters.stale_session) };
        session.acknowledged(header.ack);
        let intake = if header.seq == 0 { Intake::Take } else { session.arrived(header.seq) };
        match intake {
            Intake::Again => return add(&self.counters.duplicates),
            Intake::Take | Intake::TakeAndAck => {}
        }
        match open(bytes) {
            Ok(envelope) if envelope.source == session.peer => self.deliver(&session, envelope),
            Ok(_) => add(&self.counters.forged),
            Err(error) => {
                let refused = Refused::Undecodable { reason: error.to_string() };
                self.bury(&About::unknown(&session.peer), &refused);
            }
        }
        match intake {
            Intake::TakeAndAck => self.acknowledge(&session),
            Intake::Take if header.seq > 0 => session.owing.notify_one(),
            Intake::Take | Intake::Again => {}
        }
    }

    fn deliver(&self, session: &Arc<Session>, envelope: Envelope) {
        let now_ms = self.now_ms();
        self.counters.received(envelope.kind);
        let age_ms = session.age_ms(now_ms, envelope.sent_at_ms);
        let answer = match envelope.kind {
            Kind::Ack => return self.probed(session, &envelope),
            Kind::Reply => return self.answered(session, envelope),
            Kind::Request => Answer::Back(Arc::clone(session)),
            Kind::Event => Answer::Nowhere,
        };
        let ttl_ms = envelope.ttl_ms;
        let received = Received::new(envelope, age_ms);
        match Deadline::of(now_ms, age_ms, ttl_ms) {
            Some(deadline) => {
                self.enqueue(Job { received, deadline, arrived_ms: now_ms, answer });
            }
            None => {
                let late = Refused::DeadlineExceeded { age_ms, ttl_ms };
                self.refuse(&received.about(), answer, late);
            }
        }
    }

    /// Puts a message before its receiver, or refuses it.
    pub(crate) fn enqueue(&self, job: Job) {
        let resolved = self
            .table()
            .resolve(&job.received.key, job.received.epoch, |key| self.placements.owner(key));
        let refused = match resolved {
            Ok(lane) => lane.put(job),
            Err(refused) => Err(Box::new((job, refused))),
        };
        if let Err(refused) = refused {
            let (job, refused) = *refused;
            self.refuse(&job.received.about(), job.answer, refused);
        }
    }

    fn answered(&self, session: &Session, envelope: Envelope) {
        let Some(waiting) = envelope.in_reply_to.and_then(|id| session.waited(id)) else {
            return add(&self.counters.unawaited_replies);
        };
        let result = if envelope.schema == store::codec::schema::SCHEMA_ROUTER_REFUSAL {
            Err(codec::decode::<Refused>(&envelope.payload)
                .unwrap_or_else(|error| Refused::Undecodable { reason: error.to_string() }))
        } else {
            Ok(envelope.payload)
        };
        // The one who asked may have stopped waiting between the two lines above.
        drop(waiting.send(result));
    }

    fn probed(&self, session: &Session, envelope: &Envelope) {
        let Ok(probe) = codec::decode::<Probe>(&envelope.payload) else {
            return add(&self.counters.forged);
        };
        if let Some(echo) = probe.echo {
            session.measured(self.now_us().saturating_sub(echo));
        }
        if probe.ask.is_some() {
            self.send_ack(session, Probe { ask: None, echo: probe.ask });
        }
    }

    /// Refuses a message: tells who waits, or buries it.
    pub(crate) fn refuse(&self, about: &About, answer: Answer, refused: Refused) {
        self.counters.refused(&refused);
        match answer {
            Answer::Nowhere => self.bury(about, &refused),
            Answer::Here(waiting) => drop(waiting.send(Err(refused))),
            Answer::Back(session) => {
                let refused = refused.bounded();
                let sent = codec::encode(&refused).ok().and_then(|payload| {
                    let schema = store::codec::schema::SCHEMA_ROUTER_REFUSAL;
                    let reply = self.reply(about, schema, payload, about.ttl_ms);
                    frame(&reply).ok().map(|frame| session.send(frame, about.class))
                });
                match sent {
                    Some(Ok(())) => self.counters.sent(Kind::Reply),
                    Some(Err(_)) | None => self.bury(about, &refused),
                }
            }
        }
    }

    /// Sends an answer. Without credit it waits in its lane's place until there is some or nobody waits any more.
    pub(crate) async fn answer(
        &self,
        about: &About,
        answer: Answer,
        payload: Vec<u8>,
        deadline: Deadline,
    ) {
        let session = match answer {
            Answer::Nowhere => return,
            Answer::Here(waiting) => return drop(waiting.send(Ok(payload))),
            Answer::Back(session) => session,
        };
        if payload.len() > super::PAYLOAD_BYTES_MAX {
            let reason = format!("its answer has {} bytes, which is too large", payload.len());
            return self.refuse(about, Answer::Back(session), Refused::Failed { reason });
        }
        let left_ms = deadline.left_ms(self.now_ms());
        let ttl_ms = u32::try_from(left_ms).unwrap_or(about.ttl_ms);
        let reply = self.reply(about, about.schema, payload, ttl_ms);
        let Ok(reply) = frame(&reply) else {
            let reason = "its answer could not be written".to_owned();
            return self.refuse(about, Answer::Back(session), Refused::Failed { reason });
        };
        let sending = send_when_possible(&session, reply, about.class);
        match tokio::time::timeout(Duration::from_millis(left_ms), sending).await {
            Ok(true) => self.counters.sent(Kind::Reply),
            Ok(false) | Err(_) => {
                add(&session.drops);
                self.bury(about, &Refused::Unreachable { node: session.peer.node.clone() });
            }
        }
    }

    fn reply(&self, about: &About, schema: u32, payload: Vec<u8>, ttl_ms: u32) -> Envelope {
        Envelope {
            schema,
            version: about.version,
            kind: Kind::Reply,
            class: about.class,
            source: self.me.clone(),
            key: String::new(),
            epoch: about.epoch,
            message_id: self.next_id(),
            in_reply_to: Some(about.message_id),
            sent_at_ms: self.now_ms(),
            ttl_ms,
            traceparent: about.traceparent,
            payload,
        }
    }

    /// Tells the peer what was taken in.
    pub(crate) fn acknowledge(&self, session: &Session) {
        self.send_ack(session, Probe::default());
    }

    /// Asks the peer how long a frame takes.
    pub(crate) fn probe(&self, session: &Session) {
        self.send_ack(session, Probe { ask: Some(self.now_us()), echo: None });
    }

    fn send_ack(&self, session: &Session, probe: Probe) {
        let Ok(payload) = codec::encode(&probe) else { return };
        let envelope = Envelope {
            schema: store::codec::schema::SCHEMA_ROUTER_PROBE,
            version: 1,
            kind: Kind::Ack,
            class: Class::Control,
            source: self.me.clone(),
            key: String::new(),
            epoch: 0,
            message_id: 0,
            in_reply_to: None,
            sent_at_ms: self.now_ms(),
            ttl_ms: 0,
            traceparent: Traceparent::default(),
            payload,
        };
        // Not up yet or ended: the next one tells everything this one would have.
        if frame(&envelope).is_ok_and(|frame| session.send_free(frame).is_ok()) {
            self.counters.sent(Kind::Ack);
        }
    }

    fn bury(&self, about: &About, refused: &Refused) {
        self.counters.bury(DeadLetter {
            at_ms: self.now_ms(),
            source: about.source.clone(),
            key: about.key.clone(),
            schema: about.schema,
            kind: about.kind,
            reason: refused.to_string(),
        });
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Sends as soon as there is credit; `false` when the session ended first.
async fn send_when_possible(session: &Session, mut frame: Vec<u8>, class: Class) -> bool {
    loop {
        let credit = session.credit.notified();
        tokio::pin!(credit);
        // Listening begins before the attempt, so that credit which comes between the two is not missed.
        credit.as_mut().enable();
        frame = match session.send(frame, class) {
            Ok(()) => return true,
            Err(Unsent::Gone) => return false,
            Err(Unsent::NoCredit(frame) | Unsent::NotUp(frame)) => frame,
        };
        credit.await;
    }
}

/// A place for an answer from this process.
pub(crate) fn waiting() -> (Waiting, oneshot::Receiver<Result<Vec<u8>, Refused>>) {
    oneshot::channel()
}

impl About {
    fn unknown(source: &Source) -> Self {
        Self {
            source: source.clone(),
            key: String::new(),
            schema: 0,
            version: 0,
            kind: Kind::Event,
            class: Class::Normal,
            epoch: 0,
            message_id: 0,
            ttl_ms: 0,
            traceparent: Traceparent::default(),
        }
    }
}
