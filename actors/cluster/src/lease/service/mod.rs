//! The leader's service: grants renewals after a quorum round that all waiting share.
//!
//! ```text
//! renewals ─► queue (1,024) ─► round: everything that waits, one barrier, ≤ 10 per second ─► book ─► answers
//! ```
//!
//! A round proves leadership for renewals that had arrived before it began, never for later ones. A leader that is cut
//! off completes no round and so grants nothing, however long it believes to lead.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store::codec::{self, CodecError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::book::{Book, NotGranted, Overdue, Standing};
use super::messages::{NodeReport, RenewAnswer, RenewRefusal, Renewal};
use super::{BootClock, LeaseTimes};
use crate::control::{ControlError, Leadership};
use crate::net::Boxed;

/// Renewals that may wait for a round.
const WAITING_MAX: usize = 1_024;
/// From the start of one round to the start of the next: at most 10 per second.
const ROUND_EVERY: Duration = Duration::from_millis(100);
/// A round that takes longer proves nothing.
const ROUND_MAX: Duration = Duration::from_secs(2);

/// Resolves with an applied index that a majority confirmed after the call.
pub type BarrierFn = Arc<dyn Fn() -> Boxed<'static, Result<u64, ControlError>> + Send + Sync>;
/// Returns the applied index and what was agreed about a node at it, in one reading. Must not call the service.
pub type StandingFn = Arc<dyn Fn(&str) -> (u64, Option<Standing>) + Send + Sync>;

/// How the service is started.
#[derive(Clone)]
pub struct ServiceSettings {
    /// Times that were checked.
    pub times: LeaseTimes,
    /// Follows who leads.
    pub leadership: watch::Receiver<Leadership>,
    /// The quorum round.
    pub barrier: BarrierFn,
    /// Reads the applied state.
    pub standing: StandingFn,
    /// The clock.
    pub clock: BootClock,
}

impl std::fmt::Debug for ServiceSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceSettings").field("times", &self.times).finish_non_exhaustive()
    }
}

struct Shared {
    settings: ServiceSettings,
    book: Mutex<Book>,
}

/// Answers renewals on every node; grants them on the leader. Ends its task when dropped.
pub struct LeaseService {
    shared: Arc<Shared>,
    waiting: mpsc::Sender<oneshot::Sender<Proof>>,
    task: tokio::task::JoinHandle<()>,
}

/// What a round found.
#[derive(Debug, Clone)]
enum Proof {
    Leads { term: u64, applied: u64 },
    NotLeader,
    Unproven { reason: String },
}

impl std::fmt::Debug for LeaseService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeaseService").field("book", &*self.shared.book()).finish_non_exhaustive()
    }
}

impl Drop for LeaseService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl LeaseService {
    /// Starts answering.
    #[must_use]
    pub fn start(settings: ServiceSettings) -> Self {
        let book = Mutex::new(Book::new(settings.times));
        let shared = Arc::new(Shared { settings, book });
        let (waiting, queue) = mpsc::channel(WAITING_MAX);
        // If it ended, no renewal would be proven, so none granted: nodes fence, nothing is given away wrongly.
        let task = tokio::spawn(rounds(Arc::clone(&shared), queue));
        Self { shared, waiting, task }
    }

    /// Answers one renewal. `caller` is the name in the certificate of who asks.
    ///
    /// # Errors
    /// Refuses bytes that are no renewal.
    pub async fn renew(&self, caller: &str, body: &[u8]) -> Result<Vec<u8>, CodecError> {
        let renewal: Renewal = codec::decode(body)?;
        let answer = self.answer(caller, &renewal).await;
        codec::encode(&answer)
    }

    async fn answer(&self, caller: &str, renewal: &Renewal) -> RenewAnswer {
        if caller != renewal.node {
            let certificate = caller.to_owned();
            let name = renewal.node.clone();
            return RenewAnswer::Refused(RenewRefusal::NameMismatch { certificate, name });
        }
        if self.shared.sync_office().is_none() {
            return self.shared.not_leader();
        }
        let (proof, proven) = oneshot::channel();
        if self.waiting.try_send(proof).is_err() {
            let reason = format!("{WAITING_MAX} renewals already wait");
            return RenewAnswer::Unproven { reason };
        }
        match proven.await {
            Ok(Proof::Leads { term, applied }) => self.shared.grant(term, applied, renewal),
            Ok(Proof::NotLeader) => self.shared.not_leader(),
            Ok(Proof::Unproven { reason }) => RenewAnswer::Unproven { reason },
            Err(_) => RenewAnswer::Unproven { reason: "the service ended".to_owned() },
        }
    }

    /// Returns, on the leader, the term and those of `up` that may be marked down; on others nothing.
    ///
    /// The caller marks each down by a command that is proposed in this term only and never forwarded, tells the
    /// outcome through [`Self::settle`], and calls this at least every `renew`. `up` are the members not marked down.
    pub fn overdue<'a>(
        &self,
        up: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> Option<(u64, Vec<Overdue>)> {
        let term = self.shared.sync_office()?;
        let now = (self.shared.settings.clock)();
        let overdue = self.shared.book().may_mark_down(up, now);
        Some((term, overdue))
    }

    /// Notes that marking `node` down was applied on this node, or refused.
    pub fn settle(&self, node: &str) {
        self.shared.book().settle(node);
    }

    /// Whether the outcome of marking `node` down is not known yet: it cannot be admitted again before.
    #[must_use]
    pub fn condemned(&self, node: &str) -> bool {
        self.shared.book().condemned(node)
    }

    /// Whether this leader granted `node` a renewal that still counts.
    #[must_use]
    pub fn live(&self, node: &str) -> bool {
        let now = (self.shared.settings.clock)();
        self.shared.book().live(node, now)
    }

    /// Returns the newest load reports, as this node has them from its time as leader.
    #[must_use]
    pub fn reports(&self) -> Vec<NodeReport> {
        let now = (self.shared.settings.clock)();
        self.shared.book().reports(now)
    }

    /// Forgets nodes that are no members any more.
    pub fn retain(&self, member: impl Fn(&str) -> bool) {
        self.shared.book().retain(member);
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        // The book changes nothing half-way.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the book in line with who leads; returns the term if this node does.
    fn sync_office(&self) -> Option<u64> {
        let leadership = self.settings.leadership.borrow().clone();
        let now = (self.settings.clock)();
        let mut book = self.book();
        if leadership.here {
            book.take_office(leadership.term, now);
            Some(leadership.term)
        } else {
            book.leave_office();
            None
        }
    }

    fn not_leader(&self) -> RenewAnswer {
        let leadership = self.settings.leadership.borrow();
        RenewAnswer::NotLeader { leader: leadership.leader.clone().filter(|_| !leadership.here) }
    }

    fn grant(&self, term: u64, applied: u64, renewal: &Renewal) -> RenewAnswer {
        let mut book = self.book();
        // Read after the round, so that everything agreed before it is in; and under the lock, so that a node whose
        // marking down is settled meanwhile is either still condemned or already seen as down. Whoever gets the lease
        // looks at this state or a later one: its sessions may have moved since the round.
        let (index, standing) = (self.settings.standing)(&renewal.node);
        let applied = applied.max(index);
        let now = (self.settings.clock)();
        match book.renew(term, renewal, standing.as_ref(), now) {
            Ok(()) => RenewAnswer::Granted { term, applied, reports: book.reports(now) },
            Err(NotGranted::Refused(refusal)) => RenewAnswer::Refused(refusal),
            Err(NotGranted::NotInOffice) => {
                drop(book);
                self.not_leader()
            }
        }
    }

    async fn prove(&self) -> Proof {
        let Some(term) = self.sync_office() else { return Proof::NotLeader };
        match timeout(ROUND_MAX, (self.settings.barrier)()).await {
            // A term that ended meanwhile proves nothing for the one that follows.
            Ok(Ok(applied)) if self.sync_office() == Some(term) => Proof::Leads { term, applied },
            Ok(Ok(_)) => Proof::NotLeader,
            Ok(Err(error)) => Proof::Unproven { reason: error.to_string() },
            Err(_) => Proof::Unproven { reason: "no majority answered in time".to_owned() },
        }
    }
}

async fn rounds(shared: Arc<Shared>, mut queue: mpsc::Receiver<oneshot::Sender<Proof>>) {
    let mut next = Instant::now();
    while let Some(first) = queue.recv().await {
        sleep_until(next).await;
        next = Instant::now() + ROUND_EVERY;
        let mut waiting = vec![first];
        while let Ok(more) = queue.try_recv() {
            waiting.push(more);
        }
        let proof = shared.prove().await;
        for one in waiting {
            // Whoever stopped waiting is not granted anything.
            drop(one.send(proof.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
