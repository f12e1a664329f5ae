//! openraft's own storage suite against our log, vote, state and snapshots; the log of a node alone, taken over.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::fmt::Debug;
use std::ops::RangeBounds;
use std::sync::Arc;

use cluster::control::raft::types::{Answer, Member, Types};
use cluster::control::storage::{self, LogStore, SnapshotBuilder, StateStore};
use cluster::control::{ControlError, LocalConfig, LocalDriver, Machine};
use openraft::entry::RaftEntry;
use openraft::storage::{LogFlushed, RaftLogStorage, RaftStateMachine};
use openraft::testing::{StoreBuilder, Suite};
use openraft::{
    Entry, LogId, LogIdOptionExt, LogState, OptionalSend, RaftLogReader, Snapshot, SnapshotMeta,
    StorageError, StoredMembership, Vote,
};
use store::raft_log::RaftLog;
use tokio::fs::File;

mod support;

/// Fills holes with blank entries, as a leader would, and leaves out what was purged.
///
/// The suite writes logs and applies entries with holes, which Raft never does and which our log and state refuse on
/// purpose: a skipped entry is divergence. Everything else goes straight to the store under test.
struct Whole<T>(T);

fn filled(
    next: u64,
    entries: impl IntoIterator<Item = Entry<Types>>,
) -> (usize, Vec<Entry<Types>>) {
    let (mut next, mut blank, mut all) = (next, 0, Vec::new());
    for entry in entries {
        // Also written by the suite: entries that were purged before, which a snapshot contains.
        if entry.log_id.index < next {
            continue;
        }
        while next < entry.log_id.index {
            all.push(Entry::new_blank(LogId::new(entry.log_id.leader_id, next)));
            (next, blank) = (next + 1, blank + 1);
        }
        next = entry.log_id.index + 1;
        all.push(entry);
    }
    (blank, all)
}

impl RaftLogReader<Types> for Whole<LogStore> {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry<Types>>, StorageError<u64>> {
        self.0.try_get_log_entries(range).await
    }
}

impl RaftLogStorage<Types> for Whole<LogStore> {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError<u64>> {
        self.0.get_log_state().await
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.0.get_log_reader().await
    }

    async fn save_vote(&mut self, vote: &Vote<u64>) -> Result<(), StorageError<u64>> {
        self.0.save_vote(vote).await
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<u64>>, StorageError<u64>> {
        self.0.read_vote().await
    }

    async fn save_committed(&mut self, id: Option<LogId<u64>>) -> Result<(), StorageError<u64>> {
        self.0.save_committed(id).await
    }

    async fn read_committed(&mut self) -> Result<Option<LogId<u64>>, StorageError<u64>> {
        self.0.read_committed().await
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: LogFlushed<Types>,
    ) -> Result<(), StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let next = self.0.get_log_state().await?.last_log_id.next_index();
        let entries: Vec<_> = entries.into_iter().collect();
        self.0.append(filled(next, entries).1, callback).await
    }

    async fn truncate(&mut self, id: LogId<u64>) -> Result<(), StorageError<u64>> {
        self.0.truncate(id).await
    }

    async fn purge(&mut self, id: LogId<u64>) -> Result<(), StorageError<u64>> {
        self.0.purge(id).await
    }
}

impl RaftStateMachine<Types> for Whole<StateStore> {
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(
        &mut self,
    ) -> Result<(Option<LogId<u64>>, StoredMembership<u64, Member>), StorageError<u64>> {
        self.0.applied_state().await
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Answer>, StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<_> = entries.into_iter().collect();
        let next = self.0.applied_state().await?.0.next_index();
        let wanted = entries.len();
        let (_, all) = filled(next, entries);
        let mut answers = self.0.apply(all).await?;
        // The suite counts the answers to its own entries only.
        let surplus = answers.len() - wanted;
        answers.drain(..surplus);
        Ok(answers)
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        self.0.get_snapshot_builder().await
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<File>, StorageError<u64>> {
        self.0.begin_receiving_snapshot().await
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<u64, Member>,
        snapshot: Box<File>,
    ) -> Result<(), StorageError<u64>> {
        self.0.install_snapshot(meta, snapshot).await
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>, StorageError<u64>> {
        self.0.get_current_snapshot().await
    }
}

struct Builder;

impl StoreBuilder<Types, Whole<LogStore>, Whole<StateStore>, tempfile::TempDir> for Builder {
    async fn build(
        &self,
    ) -> Result<(tempfile::TempDir, Whole<LogStore>, Whole<StateStore>), StorageError<u64>> {
        let dir = tempfile::tempdir().unwrap();
        let (journal, blobs) = support::open(dir.path());
        let scratch = dir.path().join("incoming");
        let machine = Arc::new(Machine::default());
        let opened = storage::open(&journal, &blobs, &scratch, 0, machine).await.unwrap();
        Ok((dir, Whole(opened.log), Whole(opened.state)))
    }
}

#[test]
fn openrafts_own_storage_suite_passes() {
    Suite::test_all(Builder).unwrap();
}

#[tokio::test]
async fn a_hole_in_log_or_state_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, blobs) = support::open(dir.path());
    let scratch = dir.path().join("incoming");
    let machine = Arc::new(Machine::default());
    let mut opened = storage::open(&journal, &blobs, &scratch, 1, machine).await.unwrap();
    let id = |index| LogId::new(openraft::CommittedLeaderId::new(1, 1), index);
    opened.state.apply([Entry::new_blank(id(0))]).await.unwrap();
    assert!(opened.state.apply([Entry::new_blank(id(2))]).await.is_err());
}

#[tokio::test]
async fn a_leader_that_restarts_has_to_be_elected_again() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, blobs) = support::open(dir.path());
    let scratch = dir.path().join("incoming");
    for (own, committed) in [(1, false), (2, true)] {
        let machine = Arc::new(Machine::default());
        let mut opened = storage::open(&journal, &blobs, &scratch, own, machine).await.unwrap();
        opened.log.save_vote(&Vote::new_committed(7, 1)).await.unwrap();
        let vote = opened.log.read_vote().await.unwrap().unwrap();
        assert_eq!(
            (vote.leader_id.term, vote.leader_id.node_id, vote.committed),
            (7, 1, committed)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_written_alone_is_taken_over_with_its_answers_and_given_to_others() {
    for (written, snapshot_every) in [(0, 10), (5, 10), (30, 10), (30, 1_000)] {
        let mut group = support::Group::new(support::QUICK);
        let (journal, blobs) = support::open(&group.path(0));
        let config =
            LocalConfig { node: "n-1".into(), clock: support::wall_clock(), snapshot_every };
        let alone = LocalDriver::start(&journal, &blobs, config).unwrap();
        for number in 0..written {
            alone.execute(support::key(number), support::put(number, 500)).await.unwrap();
        }
        let before = alone.read(|state| state.documents.clone());
        drop(alone);
        let is_local = storage::is_local(&journal).unwrap();
        assert_eq!(is_local, written > 0, "an empty log is nobody's");
        let member = Member { node: "n-1".into(), address: "n-1".into() };
        assert!(storage::adopt_local(&journal, &blobs, &member).unwrap());
        assert!(!storage::adopt_local(&journal, &blobs, &member).unwrap(), "once is enough");
        assert_eq!(blobs.list().unwrap().len(), 1, "the old snapshot is gone");
        drop((journal, blobs));

        group.start(0);
        group.leader(&[0]).await;
        assert_eq!(group.control(0).read(|state| state.documents.clone()), before);
        let control = group.control(0).clone();
        if written > 0 {
            let first = control.execute(support::key(0), support::put(0, 500)).await.unwrap();
            assert_eq!(first, cluster::control::CommandOutput::Revisions(vec![1]));
        }
        control.execute(support::key(900), support::put(900, 500)).await.unwrap();
        group.start(1);
        group.admin(0).add_learner(2, "n-2", "n-2").await.unwrap();
        group.admin(0).promote(2).await.unwrap();
        control.execute(support::key(901), support::put(901, 500)).await.unwrap();
        group.agreed_state().await;
        assert_eq!(group.control(1).read(|state| state.documents.count()), written + 2);
    }
}

#[tokio::test]
async fn a_log_written_alone_is_not_run_by_raft_before_it_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, blobs) = support::open(dir.path());
    let config = LocalConfig::new("n-1", support::wall_clock());
    let alone = LocalDriver::start(&journal, &blobs, config).unwrap();
    alone.execute(support::key(1), support::put(1, 10)).await.unwrap();
    drop(alone);
    let net = cluster::testkit::MemoryNet::default();
    let (node, _ports) = net.join("n-1");
    let settings =
        cluster::control::RaftSettings::new("n-1", 1, "n-1", dir.path().join("incoming"));
    let started = cluster::control::RaftDriver::start(
        settings,
        (&journal, &blobs),
        &cluster::ctl::Services::new(),
        cluster::ctl::CtlClient::new(Arc::clone(&node) as _, node),
        support::wall_clock(),
    );
    assert!(matches!(started, Err(ControlError::Members { .. })));
    assert_eq!(RaftLog::open(&journal).unwrap().last().index, 1, "nothing was changed");
}
