//! Checkpoints become agreed upon beside the actor: copying one to a second node may take a while, and training goes on
//! meanwhile. One at a time, in order; of those that wait the newest four are kept.
//!
//! ```text
//! CheckpointWritten → among this node's files → [task: second node, archive, CommitCheckpoint] → Committed
//! ```

use std::collections::VecDeque;

use cluster::control::state::{Manifest, Segment};
use cluster::control::{ControlCommand, ControlError, Refusal};
use engine::session::protocol::CheckpointWritten;
use ractor::ActorRef;
use store::blob::{BlobHash, BlobRef};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::course::Step;
use super::{Context, SessionState, passes, patiently};
use crate::error::ActorsError;
use crate::messages::CommandId;
use crate::messages::session::SessionMsg;
use crate::messages::sessions::Facts;
use crate::worker::process::Cause;

/// Checkpoints that may wait: where copying is slower than training, older ones are of no use.
const WAITING_MAX: usize = 4;

/// A checkpoint among this node's files.
#[derive(Debug, Clone)]
struct Taken {
    step: u64,
    epoch_index: u32,
    metric_count: u64,
    blob: BlobRef,
}

/// What became of a checkpoint.
#[derive(Debug)]
struct Attempt {
    taken: Taken,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    /// It counts.
    Committed,
    /// A later one counts already.
    Superseded,
    /// It does not count, and the next one may.
    Passed(String),
    /// This assignment is over.
    Disowned(String),
    /// Nothing can be agreed upon with this state any more.
    Failed(ActorsError),
}

/// Checkpoints on their way.
#[derive(Debug, Default)]
pub(super) struct Commits {
    under_way: Option<(u64, JoinHandle<Attempt>)>,
    waiting: VecDeque<Taken>,
    count: u64,
}

impl SessionState {
    /// Takes a checkpoint in and sends it on its way.
    pub(super) async fn commit(
        &mut self,
        myself: &ActorRef<SessionMsg>,
        written: CheckpointWritten,
    ) -> Result<(), ActorsError> {
        let CheckpointWritten { step, epoch_index, metric_count, file, sha256, .. } = written;
        if self.stands(step, &sha256) {
            self.log("info", format!("the checkpoint at step {step} stands already"));
            // Whoever asked for it sees that it was answered.
            patiently(|| self.sessions.learn(self.id, self.epoch, Facts::default())).await?;
            self.drained();
            return Ok(());
        }
        match self.take_in(&file, &sha256).await {
            Ok(blob) => {
                let taken = Taken { step, epoch_index, metric_count, blob };
                self.commits.waiting.push_back(taken);
                if WAITING_MAX < self.commits.waiting.len() {
                    self.commits.waiting.pop_front();
                }
                self.send_next(myself);
            }
            Err(text) => {
                self.log("error", format!("the checkpoint at step {step} does not count: {text}"));
                self.drained();
            }
        }
        Ok(())
    }

    fn send_next(&mut self, myself: &ActorRef<SessionMsg>) {
        if self.commits.under_way.is_some() {
            return;
        }
        let Some(taken) = self.commits.waiting.pop_front() else { return };
        self.commits.count += 1;
        let number = self.commits.count;
        let (context, id, epoch, actor) =
            (self.context.clone(), self.id, self.epoch, myself.clone());
        let task = tokio::spawn(async move {
            let outcome = attempt(&context, id, epoch, &taken).await;
            // An actor that has ended asks nobody any more.
            drop(actor.cast(SessionMsg::Committed { number }));
            Attempt { taken, outcome }
        });
        self.commits.under_way = Some((number, task));
    }

    /// Notes what became of checkpoint `number`, and sends the next one on its way.
    pub(super) async fn committed(
        &mut self,
        myself: &ActorRef<SessionMsg>,
        number: u64,
    ) -> Result<Vec<Step>, ActorsError> {
        if self.commits.under_way.as_ref().is_none_or(|(found, _)| *found != number) {
            return Ok(Vec::new());
        }
        let steps = self.settle_one().await?;
        self.send_next(myself);
        if self.commits.under_way.is_none() {
            self.drained();
        }
        Ok(steps)
    }

    /// Waits until no checkpoint is on its way any more: before the end is told, and before work is taken up again.
    pub(super) async fn commits_settled(
        &mut self,
        myself: &ActorRef<SessionMsg>,
    ) -> Result<(), ActorsError> {
        loop {
            self.send_next(myself);
            if self.commits.under_way.is_none() {
                return Ok(());
            }
            // Should the assignment be over, whatever is told next is refused as well.
            self.settle_one().await?;
        }
    }

    async fn settle_one(&mut self) -> Result<Vec<Step>, ActorsError> {
        let Some((_, task)) = self.commits.under_way.take() else { return Ok(Vec::new()) };
        let Attempt { taken, outcome } = task.await.map_err(ActorsError::internal)?;
        let step = taken.step;
        match outcome {
            Outcome::Committed => {
                self.course.committed();
                self.log(
                    "info",
                    format!("checkpoint at step {step} ({} bytes)", taken.blob.size_bytes),
                );
                // Progress and newest metrics are kept with it.
                patiently(|| self.sessions.learn(self.id, self.epoch, Facts::default())).await?;
            }
            Outcome::Superseded => {}
            Outcome::Passed(text) => {
                self.log(
                    "warn",
                    format!(
                        "the checkpoint at step {step} does not count: {text}; training goes on, the next checkpoint is tried again"
                    ),
                );
            }
            Outcome::Disowned(text) => {
                self.log("warn", format!("the checkpoint at step {step} does not count: {text}"));
                return Ok(vec![Step::Kill(Cause::Disowned)]);
            }
            Outcome::Failed(error) => return Err(error),
        }
        Ok(Vec::new())
    }

    /// Whether a checkpoint was committed before. Its file is gone then: it was moved among the blobs.
    fn stands(&self, step: u64, sha256: &str) -> bool {
        let Ok(wanted) = sha256.parse::<BlobHash>() else { return false };
        self.context.control.read(|state| {
            state.sessions.get(self.id.uuid().as_bytes()).is_some_and(|session| {
                let same = |one: &Manifest| one.step == step && one.sha256 == wanted.0;
                session.checkpoints.iter().any(same)
            })
        })
    }
}

async fn attempt(
    context: &Context,
    id: engine::ids::SessionId,
    epoch: u64,
    taken: &Taken,
) -> Outcome {
    let kept = async {
        let nodes = context.depot.replicate(taken.blob.sha256).await?;
        let archive = context.mirror.file(id, taken.metric_count, true).await?;
        Ok::<(Vec<String>, Option<Vec<Segment>>), ActorsError>((nodes, archive))
    };
    let (nodes, archive) = match kept.await {
        Ok(kept) => kept,
        Err(error) => return Outcome::Passed(error.to_string()),
    };
    let manifest = Manifest {
        id: *Uuid::new_v4().as_bytes(),
        step: taken.step,
        sha256: taken.blob.sha256.0,
        size_bytes: taken.blob.size_bytes,
        metric_count: taken.metric_count,
        epoch_index: taken.epoch_index,
        nodes,
        at_ms: 0,
    };
    let session = *id.uuid().as_bytes();
    let command = ControlCommand::CommitCheckpoint { session, epoch, manifest, archive };
    let key = cluster::control::CommandId(CommandId::random().0);
    match context.control.execute(key, command).await {
        Ok(_) => Outcome::Committed,
        Err(ControlError::Refused(Refusal::StepNotIncreasing { .. })) => Outcome::Superseded,
        Err(ControlError::Refused(
            refusal @ (Refusal::StaleEpoch { .. } | Refusal::SessionEnded { .. }),
        )) => Outcome::Disowned(refusal.to_string()),
        Err(error) => {
            let error = ActorsError::from(error);
            if passes(&error) {
                Outcome::Passed(format!("it was not agreed upon ({error})"))
            } else {
                Outcome::Failed(error)
            }
        }
    }
}
