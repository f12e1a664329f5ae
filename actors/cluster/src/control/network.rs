//! openraft's calls to its peers, over the ctl plane.

use std::time::Duration;

use openraft::error::{
    InstallSnapshotError, NetworkError, PayloadTooLarge, RPCError, RaftError, RemoteError,
    SnapshotMismatch, Timeout, Unreachable,
};
use openraft::network::{Backoff, RPCOption, RPCTypes};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use openraft::{AnyError, RaftNetwork, RaftNetworkFactory, SnapshotSegmentId};
use store::StoreError;

use super::raft::types::{
    Member, MembershipRecord, Types, raft_id, raft_vote, store_entry, store_id, store_vote,
};
use super::raft::wire::{self, Appended, RaftMessage, WireMeta};
use crate::ctl::{CtlClient, CtlError};

/// A peer that is not reached is asked again after this time.
const BACKOFF: Duration = Duration::from_millis(200);

type CallError<E = openraft::error::Infallible> = RPCError<u64, Member, RaftError<u64, E>>;

/// Makes the calling end for each peer.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) client: CtlClient,
    pub(super) own: u64,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Peer;

    async fn new_client(&mut self, target: u64, member: &Member) -> Peer {
        self.client.learn(&member.node, &member.address);
        Peer { client: self.client.clone(), own: self.own, target, node: member.node.clone() }
    }
}

/// One peer, as openraft calls it.
#[derive(Debug)]
pub(super) struct Peer {
    client: CtlClient,
    own: u64,
    target: u64,
    node: String,
}

impl Peer {
    async fn ask(
        &self,
        method: &str,
        message: &RaftMessage,
        option: &RPCOption,
    ) -> Result<RaftMessage, CtlError> {
        // A little less than openraft waits, so that it learns why it waited in vain.
        let deadline = option.hard_ttl() * 19 / 20;
        let answer = self.client.call(&self.node, method, wire::encode(message)?, deadline);
        wire::decode(&answer.await?)
    }

    fn error<E: std::error::Error>(
        &self,
        error: &CtlError,
        action: RPCTypes,
        option: &RPCOption,
    ) -> CallError<E> {
        if *error == CtlError::Deadline {
            let timeout = option.hard_ttl();
            Timeout { action, id: self.own, target: self.target, timeout }.into()
        } else if error.never_sent() {
            Unreachable::new(error).into()
        } else {
            NetworkError::new(error).into()
        }
    }
}

fn wrong<E: std::error::Error>(method: &str) -> CallError<E> {
    NetworkError::new(&wire::unexpected(method)).into()
}

fn unreadable<E: std::error::Error>(error: store::codec::CodecError) -> CallError<E> {
    NetworkError::new(&AnyError::new(&StoreError::from(error))).into()
}

impl RaftNetwork<Types> for Peer {
    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, CallError> {
        let count = request.entries.len();
        let entries: Result<Vec<_>, _> =
            request.entries.into_iter().map(|entry| store_entry(entry).map(Into::into)).collect();
        let message = RaftMessage::Append {
            vote: store_vote(&request.vote),
            previous: request.prev_log_id.map(store_id),
            entries: entries.map_err(unreadable)?,
            committed: request.leader_commit.map(store_id),
        };
        match self.ask(wire::APPEND, &message, &option).await {
            Ok(RaftMessage::Appended(appended)) => Ok(match appended {
                Appended::Whole => AppendEntriesResponse::Success,
                Appended::UpTo(id) => AppendEntriesResponse::PartialSuccess(id.and_then(raft_id)),
                Appended::Conflict => AppendEntriesResponse::Conflict,
                Appended::HigherVote(vote) => AppendEntriesResponse::HigherVote(raft_vote(vote)),
            }),
            Ok(_) => Err(wrong(wire::APPEND)),
            // On a slow line many entries may never get across in one heartbeat; half of them may.
            Err(CtlError::Deadline | CtlError::TooLarge) if count > 1 => {
                Err(PayloadTooLarge::new_entries_hint(count as u64 / 2).into())
            }
            Err(error) => Err(self.error(&error, RPCTypes::AppendEntries, &option)),
        }
    }

    async fn install_snapshot(
        &mut self,
        request: InstallSnapshotRequest<Types>,
        option: RPCOption,
    ) -> Result<InstallSnapshotResponse<u64>, CallError<InstallSnapshotError>> {
        let membership = &request.meta.last_membership;
        let name = request.meta.snapshot_id.clone();
        let message = RaftMessage::Piece {
            vote: store_vote(&request.vote),
            meta: WireMeta {
                last: request.meta.last_log_id.map(store_id),
                membership: MembershipRecord::new(
                    membership.log_id().map(store_id),
                    membership.membership(),
                ),
                name: name.clone(),
            },
            offset: request.offset,
            data: request.data,
            done: request.done,
        };
        match self.ask(wire::SNAPSHOT, &message, &option).await {
            Ok(RaftMessage::Kept { vote }) => Ok(InstallSnapshotResponse { vote: raft_vote(vote) }),
            Ok(RaftMessage::Mismatch { wanted, found }) => {
                let segment = |offset| SnapshotSegmentId { id: name.clone(), offset };
                let mismatch = SnapshotMismatch { expect: segment(wanted), got: segment(found) };
                let source = RaftError::APIError(InstallSnapshotError::SnapshotMismatch(mismatch));
                Err(RemoteError::new(self.target, source).into())
            }
            Ok(_) => Err(wrong(wire::SNAPSHOT)),
            Err(error) => Err(self.error(&error, RPCTypes::InstallSnapshot, &option)),
        }
    }

    async fn vote(
        &mut self,
        request: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, CallError> {
        let message = RaftMessage::AskVote {
            vote: store_vote(&request.vote),
            last: request.last_log_id.map(store_id),
        };
        match self.ask(wire::VOTE, &message, &option).await {
            Ok(RaftMessage::Voted { vote, granted, last }) => {
                Ok(VoteResponse::new(raft_vote(vote), last.and_then(raft_id), granted))
            }
            Ok(_) => Err(wrong(wire::VOTE)),
            Err(error) => Err(self.error(&error, RPCTypes::Vote, &option)),
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(std::iter::repeat(BACKOFF))
    }
}
