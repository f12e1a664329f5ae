//! Answers peers: openraft's questions (`raft/…`), proposals and reads passed on to the leader (`control/…`).

use std::path::PathBuf;
use std::sync::Arc;

use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, VoteRequest};
use openraft::{Raft, Snapshot, SnapshotMeta};
use sha2::{Digest, Sha256};
use store::raft_log::Vote;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;

use super::barrier::Barriers;
use super::types::{Types, raft_entry, raft_id, raft_vote, store_id, store_vote};
use super::wire::{self, Appended, ControlCall, Forwarded, RaftMessage, WireMeta};
use crate::control::ControlError;
use crate::control::command::EntryRecord;
use crate::control::proposer::Proposals;
use crate::control::storage::{hash_in, scratch_file};
use crate::ctl::{CtlError, Service};
use crate::net::Boxed;

/// Largest snapshot that is received: the state's own limit and its header.
const SNAPSHOT_BYTES_MAX: u64 = 256 << 20;

/// Answers openraft's questions.
pub(super) struct RaftService {
    raft: Raft<Types>,
    scratch: PathBuf,
    receiving: Mutex<Option<Receiving>>,
}

/// A snapshot on its way here.
struct Receiving {
    name: String,
    file: File,
    hasher: Sha256,
    offset: u64,
}

fn fatal(error: impl std::fmt::Display) -> CtlError {
    CtlError::refused("raft_ended", error.to_string())
}

impl RaftService {
    pub(super) fn new(raft: Raft<Types>, scratch: PathBuf) -> Arc<Self> {
        Arc::new(Self { raft, scratch, receiving: Mutex::new(None) })
    }

    /// Refuses a message in the name of a member that another node sends. A raft id that is not known here is let
    /// through: a node that was just added, or knows nobody yet, must be told.
    fn check(&self, caller: &str, vote: Vote) -> Result<(), CtlError> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        match metrics.membership_config.membership().get_node(&vote.node) {
            Some(member) if member.node != caller => Err(CtlError::refused(
                "not_the_member",
                format!("raft id {} is {}, not {caller}", vote.node, member.node),
            )),
            Some(_) | None => Ok(()),
        }
    }

    async fn answer(&self, caller: &str, body: &[u8]) -> Result<RaftMessage, CtlError> {
        match wire::decode(body)? {
            RaftMessage::Append { vote, previous, entries, committed } => {
                self.check(caller, vote)?;
                let entries: Result<Vec<_>, _> =
                    entries.into_iter().map(|entry| raft_entry(entry.into())).collect();
                let request = AppendEntriesRequest {
                    vote: raft_vote(vote),
                    prev_log_id: previous.and_then(raft_id),
                    entries: entries.map_err(|error| {
                        CtlError::refused("unreadable_entry", error.to_string())
                    })?,
                    leader_commit: committed.and_then(raft_id),
                };
                let answer = self.raft.append_entries(request).await.map_err(fatal)?;
                Ok(RaftMessage::Appended(match answer {
                    AppendEntriesResponse::Success => Appended::Whole,
                    AppendEntriesResponse::PartialSuccess(id) => Appended::UpTo(id.map(store_id)),
                    AppendEntriesResponse::Conflict => Appended::Conflict,
                    AppendEntriesResponse::HigherVote(vote) => {
                        Appended::HigherVote(store_vote(&vote))
                    }
                }))
            }
            RaftMessage::AskVote { vote, last } => {
                self.check(caller, vote)?;
                let request = VoteRequest::new(raft_vote(vote), last.and_then(raft_id));
                let answer = self.raft.vote(request).await.map_err(fatal)?;
                Ok(RaftMessage::Voted {
                    vote: store_vote(&answer.vote),
                    granted: answer.vote_granted,
                    last: answer.last_log_id.map(store_id),
                })
            }
            RaftMessage::Piece { vote, meta, offset, data, done } => {
                self.check(caller, vote)?;
                self.keep(vote, meta, (offset, &data), done).await
            }
            RaftMessage::Appended(_)
            | RaftMessage::Voted { .. }
            | RaftMessage::Kept { .. }
            | RaftMessage::Mismatch { .. } => Err(wire::unexpected("raft")),
        }
    }

    /// Keeps a piece of a snapshot; the last one makes openraft install it, after its hash was compared.
    async fn keep(
        &self,
        vote: Vote,
        meta: WireMeta,
        (offset, data): (u64, &[u8]),
        done: bool,
    ) -> Result<RaftMessage, CtlError> {
        let own = self.raft.with_raft_state(|state| *state.vote_ref()).await.map_err(fatal)?;
        if raft_vote(vote) < own {
            // The sender no longer leads: it stops when it hears of the newer vote.
            return Ok(RaftMessage::Kept { vote: store_vote(&own) });
        }
        let mut receiving = self.receiving.lock().await;
        let fits = receiving.as_ref().is_some_and(|one| one.name == meta.name);
        if offset == 0 || !fits {
            let file = scratch_file(&self.scratch).map_err(fatal)?;
            let name = meta.name.clone();
            *receiving = Some(Receiving { name, file, hasher: Sha256::new(), offset: 0 });
        }
        let Some(one) = receiving.as_mut() else { return Err(wire::unexpected("raft/snapshot")) };
        let repeated = offset + data.len() as u64 == one.offset && offset != 0;
        if !repeated {
            if one.offset != offset {
                return Ok(RaftMessage::Mismatch { wanted: one.offset, found: offset });
            }
            if offset + data.len() as u64 > SNAPSHOT_BYTES_MAX {
                *receiving = None;
                return Err(CtlError::TooLarge);
            }
            one.file.write_all(data).await.map_err(fatal)?;
            one.hasher.update(data);
            one.offset += data.len() as u64;
        }
        if !done {
            return Ok(RaftMessage::Kept { vote: store_vote(&own) });
        }
        let Some(Receiving { mut file, hasher, .. }) = receiving.take() else {
            return Err(wire::unexpected("raft/snapshot"));
        };
        file.flush().await.map_err(fatal)?;
        let found = store::BlobHash(hasher.finalize().into());
        if hash_in(&meta.name) != Some(found) {
            return Err(CtlError::refused(
                "wrong_hash",
                format!("snapshot {} arrived with hash {found}", meta.name),
            ));
        }
        let meta = SnapshotMeta {
            last_log_id: meta.last.and_then(raft_id),
            last_membership: meta.membership.stored(),
            snapshot_id: meta.name,
        };
        let snapshot = Snapshot { meta, snapshot: Box::new(file) };
        let installed = self.raft.install_full_snapshot(raft_vote(vote), snapshot).await;
        Ok(RaftMessage::Kept { vote: store_vote(&installed.map_err(fatal)?.vote) })
    }
}

impl Service for RaftService {
    fn call(&self, caller: &str, _: &str, body: Vec<u8>) -> Boxed<'_, Result<Vec<u8>, CtlError>> {
        let caller = caller.to_owned();
        Box::pin(async move { wire::encode(&self.answer(&caller, &body).await?) })
    }
}

/// Answers what is passed on to the leader.
pub(super) struct ControlService {
    pub(super) proposals: Proposals,
    pub(super) barriers: Barriers,
}

impl ControlService {
    async fn answer(&self, body: &[u8]) -> Result<ControlCall, CtlError> {
        match wire::decode(body)? {
            ControlCall::Propose { entry } => {
                let entry: EntryRecord = wire::decode(&entry)?;
                // All are on their way before the first answer is waited for.
                let waiting: Vec<_> = entry
                    .commands
                    .into_iter()
                    .map(|proposed| self.proposals.propose(proposed, true))
                    .collect();
                let mut answers = Vec::with_capacity(waiting.len());
                for one in waiting {
                    answers.push(forwarded(one.await)?);
                }
                Ok(ControlCall::Proposed(answers))
            }
            ControlCall::Barrier => match self.barriers.wait(true).await {
                Ok(index) => Ok(ControlCall::Index(index)),
                Err(error) => Err(CtlError::refused("no_leader", error.to_string())),
            },
            ControlCall::Proposed(_) | ControlCall::Index(_) => Err(wire::unexpected("control")),
        }
    }
}

fn forwarded(answer: Result<crate::control::Applied, ControlError>) -> Result<Forwarded, CtlError> {
    match answer {
        Ok(applied) => Ok(Forwarded::Applied { index: applied.index, result: applied.result }),
        Err(ControlError::NoLeader { .. }) => Ok(Forwarded::NotLeader),
        Err(ControlError::Overloaded { .. }) => Ok(Forwarded::Overloaded),
        Err(ControlError::Unknown { .. }) => Ok(Forwarded::Unknown),
        Err(
            error @ (ControlError::Refused(_)
            | ControlError::TooLarge { .. }
            | ControlError::Store(_)
            | ControlError::Divergence(_)
            | ControlError::Members { .. }
            | ControlError::Thread { .. }),
        ) => Err(CtlError::refused("not_proposed", error.to_string())),
    }
}

impl Service for ControlService {
    fn call(&self, _: &str, _: &str, body: Vec<u8>) -> Boxed<'_, Result<Vec<u8>, CtlError>> {
        Box::pin(async move { wire::encode(&self.answer(&body).await?) })
    }
}
