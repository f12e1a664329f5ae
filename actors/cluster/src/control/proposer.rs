//! Many commands in one entry: collects proposals, writes them on the leader, passes them on elsewhere.
//!
//! ```text
//! propose → queue (4,096 or 4 MiB) → round (≤ 256 commands, 48 KiB, 2 ms) ┬ leader here: one entry in flight → answers
//!                                          ↑ again, with the same keys ────┴ leader elsewhere: control/propose → answers
//! ```
//!
//! What became of a round may be unknown (time ran out, the leader went): it is then tried again with the same keys,
//! which does it once. Who waited 10 s hears [`ControlError::Unknown`], or [`ControlError::NoLeader`] when it is
//! certain that nothing was written and nothing will be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use openraft::Raft;
use store::StoreError;
use store::codec::{self, CodecError};
use store::raft_log::ENTRY_BYTES_MAX;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::command::{CommandRecord, EntryRecord, Proposed};
use super::raft::types::{Answer, Command, Types};
use super::raft::wire::{self, ControlCall, Forwarded};
use super::{Applied, Clock, ControlCommand, ControlError, Leadership, Machine, Proposal, Refusal};
use crate::ctl::CtlClient;
use crate::version::since;

/// Proposals that may wait before callers are refused.
const QUEUE_LIMIT: usize = 4_096;
/// Bytes of proposals that may wait.
const QUEUE_BYTES_MAX: usize = 4 << 20;
/// Commands in one entry.
const ENTRY_COMMANDS_MAX: usize = 256;
/// Bytes of commands collected into one entry; one command may be larger alone.
const ENTRY_COLLECT_BYTES: usize = 48 << 10;
/// Largest command: with its key and an entry's own bytes it fits into a log entry.
const COMMAND_BYTES_MAX: usize = ENTRY_BYTES_MAX - 256;
/// How long a round waits for company, when the round before had some.
const COLLECT: Duration = Duration::from_millis(2);
/// How long another node may take to answer a round before it is asked again.
const FORWARD_MAX: Duration = Duration::from_secs(2);
/// Pause before a round is tried again, unless the leader changes earlier.
const PAUSE: Duration = Duration::from_millis(50);

/// Nobody has taken the proposal up yet.
const WAITING: u8 = 0;
/// It may be written from now on.
const TAKEN: u8 = 1;
/// Its caller was told that nothing was written; it never will be.
const GIVEN_UP: u8 = 2;

type Answered = Result<Applied, ControlError>;

/// Counts the bytes of a proposal for as long as it waits.
struct Room {
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Room {
    fn take(taken: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        let room = Self { bytes, taken: Arc::clone(taken) };
        (taken.fetch_add(bytes, Ordering::Relaxed) + bytes <= QUEUE_BYTES_MAX).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Request {
    proposed: Proposed,
    room: Room,
    /// Came from another node: it is not passed on again.
    forwarded: bool,
    deadline: Instant,
    state: Arc<AtomicU8>,
    /// An earlier attempt may have written it.
    uncertain: bool,
    answer: oneshot::Sender<Answered>,
}

impl Request {
    fn answer(self, answer: Answered) {
        // A caller that stopped waiting asks again with the same key.
        drop(self.answer.send(answer));
    }

    /// Marks it as one that may be written; false when its caller was already told that it was not.
    fn take(&self) -> bool {
        let taken = self.state.compare_exchange(WAITING, TAKEN, Ordering::SeqCst, Ordering::SeqCst);
        taken.is_ok() || taken == Err(TAKEN)
    }

    /// Takes the mark back after an attempt that certainly wrote nothing.
    fn untake(&self) {
        if !self.uncertain {
            self.state.store(WAITING, Ordering::SeqCst);
        }
    }

    /// Answers one that cannot go on, with what is certain.
    fn give_up(self, reason: &str) {
        let error = verdict(&self.state, reason);
        self.answer(Err(error));
    }
}

/// Returns what a caller that waited in vain may be told, and makes it true.
fn verdict(state: &AtomicU8, reason: &str) -> ControlError {
    let reason = reason.to_owned();
    match state.compare_exchange(WAITING, GIVEN_UP, Ordering::SeqCst, Ordering::SeqCst) {
        Ok(_) | Err(GIVEN_UP) => ControlError::NoLeader { reason },
        Err(_) => ControlError::Unknown { reason },
    }
}

/// Where proposals wait. Cheap to clone.
#[derive(Clone)]
pub(super) struct Proposals {
    queue: mpsc::Sender<Request>,
    bytes: Arc<AtomicUsize>,
    deadline: Duration,
    failed: watch::Receiver<Option<String>>,
}

impl Proposals {
    /// Queues a proposal; the future only waits for its answer.
    pub(super) fn propose(&self, proposed: Proposed, forwarded: bool) -> Proposal {
        let deadline = Instant::now() + self.deadline;
        let submitted = self.submit(proposed, forwarded, deadline);
        let failed = self.failed.clone();
        Box::pin(async move {
            let (answered, state) = submitted?;
            match timeout_at(deadline, answered).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => {
                    let reason = failed.borrow().clone();
                    Err(verdict(&state, &reason.unwrap_or_else(|| "it was shut down".to_owned())))
                }
                Err(_) => Err(verdict(&state, "no answer in time")),
            }
        })
    }

    fn submit(
        &self,
        proposed: Proposed,
        forwarded: bool,
        deadline: Instant,
    ) -> Result<(oneshot::Receiver<Answered>, Arc<AtomicU8>), ControlError> {
        let record = CommandRecord(proposed.command);
        let bytes = codec::encode_payload(&record).map_err(StoreError::from)?.len();
        if bytes > COMMAND_BYTES_MAX {
            return Err(ControlError::TooLarge { limit: COMMAND_BYTES_MAX, found: bytes });
        }
        let overloaded = || ControlError::Overloaded { limit: QUEUE_LIMIT };
        let room = Room::take(&self.bytes, bytes).ok_or_else(overloaded)?;
        let (answer, answered) = oneshot::channel();
        let state = Arc::new(AtomicU8::new(WAITING));
        let request = Request {
            proposed: Proposed { key: proposed.key, command: record.0 },
            room,
            forwarded,
            deadline,
            state: Arc::clone(&state),
            uncertain: false,
            answer,
        };
        self.queue.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => overloaded(),
            mpsc::error::TrySendError::Closed(_) => {
                ControlError::NoLeader { reason: "the control plane ended".to_owned() }
            }
        })?;
        Ok((answered, state))
    }
}

/// What became of a round.
enum Outcome {
    /// Everyone is answered, or will be by a task of its own.
    Done,
    /// These are to be tried again.
    Again(Vec<Request>),
}

/// The task behind [`Proposals`].
pub(super) struct Proposer {
    pub(super) raft: Raft<Types>,
    pub(super) client: CtlClient,
    pub(super) machine: Arc<Machine>,
    pub(super) leadership: watch::Receiver<Leadership>,
    pub(super) clock: Clock,
}

impl Proposer {
    /// Starts the task in the current runtime.
    pub(super) fn start(
        mut self,
        deadline: Duration,
        failed: watch::Receiver<Option<String>>,
    ) -> Proposals {
        let (queue, mut waiting) = mpsc::channel(QUEUE_LIMIT);
        tokio::spawn(async move {
            let (mut held_over, mut company) = (None, 1);
            loop {
                let first = match held_over.take() {
                    Some(first) => first,
                    None => match waiting.recv().await {
                        Some(first) => first,
                        None => return,
                    },
                };
                let mut round = vec![first];
                held_over = collect(&mut round, &mut waiting, company).await;
                company = round.len();
                self.settle(round).await;
            }
        });
        Proposals { queue, bytes: Arc::default(), deadline, failed }
    }

    /// Tries until everyone in the round is answered.
    async fn settle(&mut self, mut round: Vec<Request>) {
        loop {
            round = self.still_waiting(round);
            if round.is_empty() {
                return;
            }
            let leadership = self.leadership.borrow_and_update().clone();
            let outcome = match (leadership.here, leadership.leader) {
                (true, _) => self.write(round).await,
                (false, Some(leader)) => self.pass_on(&leader, round).await,
                (false, None) => Outcome::Again(round),
            };
            let Outcome::Again(again) = outcome else { return };
            round = again;
            // Woken early when the leader changes; a closed channel means that this task ends soon.
            drop(tokio::time::timeout(PAUSE, self.leadership.changed()).await);
        }
    }

    /// Answers those whose time is over, and those from elsewhere when this node does not lead.
    fn still_waiting(&self, round: Vec<Request>) -> Vec<Request> {
        let (now, here) = (Instant::now(), self.leadership.borrow().here);
        let mut left = Vec::with_capacity(round.len());
        for request in round {
            if request.forwarded && request.answer.is_closed() {
                // Whoever passed it on asks again. One's own goes on although nobody waits: it was on its way.
                request.give_up("nobody waits");
            } else if now >= request.deadline {
                request.give_up("no answer in time");
            } else if request.forwarded && !here {
                request.give_up("this node does not lead");
            } else {
                left.push(request);
            }
        }
        left
    }

    /// Writes a round as one entry and waits until it is applied.
    async fn write(&mut self, round: Vec<Request>) -> Outcome {
        let round: Vec<Request> = round.into_iter().filter(Request::take).collect();
        let mut round = readable(round, self.machine.read(|state| state.version), since);
        if round.is_empty() {
            return Outcome::Done;
        }
        let at_ms = (self.clock)().max(self.machine.read(|state| state.applied_at_ms));
        let payload = match entry(&round, at_ms) {
            Ok(payload) => payload,
            Err(error) => return refuse(round, &error),
        };
        let last = round.iter().map(|request| request.deadline).max();
        let raft = self.raft.clone();
        let written = tokio::select! {
            written = raft.client_write(Command(payload)) => written.ok(),
            // A leader that was displaced may never hear what became of its entry.
            _ = self.leadership.wait_for(|leadership| !leadership.here) => None,
            () = tokio::time::sleep_until(last.unwrap_or_else(Instant::now)) => None,
        };
        if let Some(Answer { index, results }) = written.map(|written| written.data) {
            for (request, result) in round.into_iter().zip(results) {
                request.answer(Ok(Applied { index, result }));
            }
            return Outcome::Done;
        }
        round.iter_mut().for_each(|request| request.uncertain = true);
        Outcome::Again(round)
    }

    /// Passes a round on to the leader.
    async fn pass_on(&self, leader: &str, round: Vec<Request>) -> Outcome {
        let mut round: Vec<Request> = round.into_iter().filter(Request::take).collect();
        if round.is_empty() {
            return Outcome::Done;
        }
        // The leader stamps the time.
        let entry = match entry(&round, 0) {
            Ok(entry) => entry,
            Err(error) => return refuse(round, &error),
        };
        let left = round.iter().map(|request| request.deadline).max().unwrap_or_else(Instant::now);
        let limit = left.saturating_duration_since(Instant::now()).min(FORWARD_MAX);
        let asked = match wire::encode(&ControlCall::Propose { entry }) {
            Ok(question) => self.client.call(leader, wire::PROPOSE, question, limit).await,
            Err(error) => Err(error),
        };
        let answers = match asked {
            Ok(bytes) => match wire::decode(&bytes) {
                Ok(ControlCall::Proposed(answers)) if answers.len() == round.len() => answers,
                Ok(_) | Err(_) => vec![Forwarded::Unknown; round.len()],
            },
            Err(error) if error.never_sent() => vec![Forwarded::NotLeader; round.len()],
            Err(_) => vec![Forwarded::Unknown; round.len()],
        };
        let (mut again, mut applied) = (Vec::new(), Vec::new());
        for (mut request, answer) in round.drain(..).zip(answers) {
            match answer {
                Forwarded::Applied { index, result } => {
                    applied.push((request, Applied { index, result }));
                }
                Forwarded::NotLeader => {
                    request.untake();
                    again.push(request);
                }
                Forwarded::Overloaded if !request.uncertain => {
                    request.answer(Err(ControlError::Overloaded { limit: QUEUE_LIMIT }));
                }
                Forwarded::Overloaded | Forwarded::Unknown => {
                    request.uncertain = true;
                    again.push(request);
                }
            }
        }
        if !applied.is_empty() {
            tokio::spawn(answer_when_applied(self.machine.watch(), applied));
        }
        if again.is_empty() { Outcome::Done } else { Outcome::Again(again) }
    }
}

/// Answers what some member could not read yet, and returns the rest. Version 0 is that of a cluster nobody else has
/// joined: whoever leads it raises it first of all.
fn readable(
    round: Vec<Request>,
    version: u32,
    since: impl Fn(&ControlCommand) -> u32,
) -> Vec<Request> {
    let needs = |request: &Request| since(&request.proposed.command);
    let (readable, early): (Vec<_>, Vec<_>) =
        round.into_iter().partition(|request| version == 0 || needs(request) <= version);
    for request in early {
        let refusal = Refusal::VersionTooOld { current: version, needed: needs(&request) };
        request.answer(Ok(Applied { index: 0, result: Err(refusal) }));
    }
    readable
}

/// Returns a round as the bytes of one entry.
fn entry(round: &[Request], at_ms: u64) -> Result<Vec<u8>, CodecError> {
    let commands = round.iter().map(|request| request.proposed.clone()).collect();
    codec::encode(&EntryRecord { at_ms, commands })
}

/// Answers a round that cannot be written down.
fn refuse(round: Vec<Request>, error: &CodecError) -> Outcome {
    for request in round {
        request.answer(Err(StoreError::from(error.clone()).into()));
    }
    Outcome::Done
}

/// Read your own writes: whoever proposed here hears of it when it can be read here.
async fn answer_when_applied(mut applied: watch::Receiver<u64>, answered: Vec<(Request, Applied)>) {
    for (request, answer) in answered {
        let reached = applied.wait_for(|applied| *applied >= answer.index);
        let reached = timeout_at(request.deadline, reached).await.is_ok_and(|found| found.is_ok());
        if reached {
            request.answer(Ok(answer));
        } else {
            request.give_up("it is agreed upon but not applied on this node yet");
        }
    }
}

/// Takes what waits into the round, up to the limits of an entry; returns a request that did not fit. When the round
/// before had company, as many are waited for, but not longer than 2 ms: they were answered together and ask together.
async fn collect(
    round: &mut Vec<Request>,
    waiting: &mut mpsc::Receiver<Request>,
    company: usize,
) -> Option<Request> {
    let until = Instant::now() + COLLECT;
    let mut bytes: usize = round.iter().map(|request| request.room.bytes).sum();
    while round.len() < ENTRY_COMMANDS_MAX && bytes < ENTRY_COLLECT_BYTES {
        let next = match waiting.try_recv() {
            Ok(next) => next,
            Err(_) if round.len() < company => match timeout_at(until, waiting.recv()).await {
                Ok(Some(next)) => next,
                Ok(None) | Err(_) => break,
            },
            Err(_) => break,
        };
        if bytes + next.room.bytes > ENTRY_COLLECT_BYTES {
            return Some(next);
        }
        bytes += next.room.bytes;
        round.push(next);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::CommandId;

    fn request(key: u8, command: ControlCommand) -> (Request, oneshot::Receiver<Answered>) {
        let (answer, answered) = oneshot::channel();
        let request = Request {
            proposed: Proposed { key: CommandId([key; 16]), command },
            room: Room::take(&Arc::default(), 1).unwrap(),
            forwarded: false,
            deadline: Instant::now() + Duration::from_secs(10),
            state: Arc::new(AtomicU8::new(TAKEN)),
            uncertain: false,
            answer,
        };
        (request, answered)
    }

    #[tokio::test]
    async fn what_a_member_could_not_read_is_refused_and_the_rest_is_written() {
        // A build of the next version, in which removing sessions is new.
        let next = |command: &ControlCommand| {
            if matches!(command, ControlCommand::RemoveSession { .. }) { 2 } else { since(command) }
        };
        let round = || {
            let old = ControlCommand::RequestCheckpoint { session: [1; 16] };
            let new = ControlCommand::RemoveSession { session: [1; 16] };
            [request(1, old), request(2, new)]
        };
        let [(old, _old_answer), (new, new_answer)] = round();
        let written = readable(vec![old, new], 1, next);
        assert_eq!(written.len(), 1);
        assert_eq!(written[0].proposed.key, CommandId([1; 16]));
        let refused = new_answer.await.unwrap().unwrap().result.unwrap_err();
        assert_eq!(refused, Refusal::VersionTooOld { current: 1, needed: 2 });
        assert!(refused.to_string().contains("tm cluster upgrade finalize"), "{refused}");
        // Raised, or not begun: everything is written.
        for version in [0, 2] {
            let [(old, _old_answer), (new, _new_answer)] = round();
            assert_eq!(readable(vec![old, new], version, next).len(), 2);
        }
    }
}
