//! Three nodes in one process: one order for all, no answer without a majority, nothing lost by cut, kill or restart.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cluster::control::command::EntryRecord;
use cluster::control::{CommandOutput, ControlError, RaftTiming, Role};
use store::raft_log::{LogEntry, LogId, RaftLog};

mod support;

use support::{Group, PATIENCE, QUICK, key, put, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_of_every_node_are_applied_everywhere_in_one_order() {
    let group = Group::formed(3, RaftTiming::default()).await;
    let mut tasks = Vec::new();
    for number in 0..300_u64 {
        let control = group.control(usize::try_from(number % 3).unwrap()).clone();
        tasks.push(tokio::spawn(async move {
            let applied = control.propose(key(number), put(number, 200)).await.unwrap();
            assert_eq!(applied.result, Ok(CommandOutput::Revisions(vec![1])));
            // Read your own writes, on whichever node.
            assert!(
                control.read(|state| state.documents.get("things", &number.to_string()).is_some())
            );
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    group.agreed_state().await;
    let index = group.control(1).barrier().await.unwrap();
    assert!(index < 300, "{index} entries for 300 commands: many share one");
    for node in group.running() {
        assert_eq!(group.control(node).read(|state| state.documents.count()), 300);
        let repeated = group.control(node).propose(key(7), put(7, 200)).await.unwrap();
        assert_eq!(repeated.result, Ok(CommandOutput::Revisions(vec![1])), "the first answer");
        assert!(*group.admin(node).caught_up().borrow());
    }
    let views = group.admin(0).members();
    assert_eq!(views.iter().filter(|member| member.voter).count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_cut_off_answers_nobody_and_its_last_command_is_done_once() {
    let group = Group::formed(3, RaftTiming::default()).await;
    let old = group.leader(&[0, 1, 2]).await;
    let others: Vec<usize> = (0..3).filter(|node| *node != old).collect();
    group.control(old).execute(key(1), put(1, 100)).await.unwrap();
    group.net.isolate(&support::name(old));
    let cut_off = group.control(old).clone();
    let proposed = tokio::spawn(async move {
        // An unknown outcome is asked for again, as long as it takes.
        loop {
            match cut_off.propose(key(2), put(2, 100)).await {
                Ok(applied) => return applied,
                Err(ControlError::Unknown { .. } | ControlError::NoLeader { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    let refused = group.control(old).barrier().await;
    assert!(matches!(refused, Err(ControlError::NoLeader { .. })), "{refused:?}");
    let new = group.leader(&others).await;
    assert_ne!(new, old);
    group.control(new).execute(key(3), put(3, 100)).await.unwrap();
    assert!(group.control(old).read(|state| state.documents.get("things", "3").is_none()));
    assert!(!proposed.is_finished());
    group.net.heal_all();
    let applied = tokio::time::timeout(PATIENCE, proposed).await.unwrap().unwrap();
    assert_eq!(applied.result, Ok(CommandOutput::Revisions(vec![1])));
    group.agreed_state().await;
    for node in 0..3 {
        assert_eq!(group.control(node).read(|state| state.documents.count()), 3);
    }
    group.control(old).barrier().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_restarts_from_its_disk_and_serves_only_when_it_caught_up() {
    let mut group = Group::new(RaftTiming::default());
    group.propose_max = Duration::from_secs(60);
    group.form(3).await;
    for round in 0..3_u64 {
        let node = usize::try_from(round).unwrap();
        let first = round * 10;
        for number in first..first + 5 {
            group.control(node).execute(key(number), put(number, 300)).await.unwrap();
        }
        group.kill(node).await;
        let left = (node + 1) % 3;
        for number in first + 5..first + 10 {
            group.control(left).execute(key(number), put(number, 300)).await.unwrap();
        }
        group.start(node);
        let mut caught_up = group.admin(node).caught_up();
        let caught_up = caught_up.wait_for(|caught_up| *caught_up);
        drop(tokio::time::timeout(PATIENCE, caught_up).await.unwrap().unwrap());
        assert_eq!(group.control(node).read(|state| state.documents.count()), first + 10);
    }
    // All at once, too.
    let before = group.agreed_state().await;
    for node in 0..3 {
        group.kill(node).await;
    }
    for node in 0..3 {
        group.start(node);
    }
    group.leader(&[0, 1, 2]).await;
    group.control(2).barrier().await.unwrap();
    group.control(2).execute(key(0), put(0, 300)).await.unwrap();
    assert_eq!(group.control(2).read(|state| state.documents.count()), 30);
    assert!(group.agreed_state().await.len() >= before.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_comes_back_at_once_answers_no_read_that_misses_what_it_acknowledged() {
    let mut group = Group::formed(3, RaftTiming::default()).await;
    for number in 0..3_u64 {
        let leader = group.leader(&[0, 1, 2]).await;
        group.control(leader).execute(key(number), put(number, 100)).await.unwrap();
        group.kill(leader).await;
        group.start(leader);
        let control = group.control(leader).clone();
        let there = || control.read(|state| state.documents.count()) == number + 1;
        let read = control.barrier().await;
        assert!(read.is_err() || there(), "{read:?}");
        let mut caught_up = group.admin(leader).caught_up();
        let caught_up = caught_up.wait_for(|caught_up| *caught_up);
        drop(tokio::time::timeout(PATIENCE, caught_up).await.unwrap().unwrap());
        assert!(there());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_catches_up_by_snapshot_and_can_be_promoted_demoted_and_removed() {
    let mut group = Group::new(RaftTiming::default());
    group.form(1).await;
    for number in 0..5_000 {
        group.control(0).execute(key(number), put(number, 20)).await.unwrap();
    }
    let admin = group.admin(0).clone();
    until("a purged log", || (admin.metrics().borrow().purged > 0).then_some(())).await;
    group.start(1);
    admin.add_learner(2, "n-2", "n-2").await.unwrap();
    admin.add_learner(2, "n-2", "n-2").await.unwrap();
    assert!(admin.add_learner(2, "n-3", "n-3").await.is_err(), "an id is given once");
    admin.add_learner(6, "n-6", "n-6").await.unwrap();
    assert!(admin.promote(6).await.is_err(), "node 1 campaigns at the same time");
    admin.remove(6).await.unwrap();
    group.agreed_state().await;
    let learner = group.admin(1).metrics().borrow().clone();
    assert!(learner.snapshot > 0 && learner.purged > 0, "{learner:?}");
    assert_eq!(learner.role, Role::Learner);
    admin.promote(2).await.unwrap();
    let voters = |admin: &cluster::control::RaftAdmin| {
        admin.members().iter().filter(|member| member.voter).count()
    };
    assert_eq!(voters(&admin), 2);
    admin.demote(2).await.unwrap();
    assert_eq!((voters(&admin), admin.members().len()), (1, 2));
    admin.remove(2).await.unwrap();
    assert_eq!(admin.members().len(), 1);
    // The snapshot it was given survives its restart.
    group.kill(1).await;
    group.start(1);
    assert_eq!(group.control(1).read(|state| state.documents.count()), 5_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_it_is_said_that_nothing_was_written() {
    let mut group = Group::formed(3, QUICK).await;
    // For the nodes that are started from now on.
    group.propose_max = Duration::from_millis(1_500);
    for node in 0..3 {
        group.kill(node).await;
    }
    group.start(1);
    let alone = group.control(1).clone();
    let refused = alone.execute(key(1), put(1, 10)).await;
    assert!(matches!(refused, Err(ControlError::NoLeader { .. })), "{refused:?}");
    assert!(matches!(alone.barrier().await, Err(ControlError::NoLeader { .. })));
    assert!(!*group.admin(1).caught_up().borrow());
    assert!(group.admin(1).remove(1).await.is_err());
    // The queue has an end, and everyone in it hears the same.
    let (mut waiting, mut overloaded) = (Vec::new(), 0);
    for number in 10..12_000 {
        let mut asked = Box::pin(alone.propose(key(number), put(number, 10)));
        // Polled once: that is enough to be on its way.
        match asked.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(ControlError::Overloaded { limit: 4_096 })) => overloaded += 1,
            Poll::Ready(other) => panic!("{other:?}"),
            Poll::Pending => waiting.push(asked),
        }
    }
    assert!(overloaded > 0, "twelve thousand in a tight loop");
    for asked in waiting {
        assert!(matches!(asked.await, Err(ControlError::NoLeader { .. })));
    }
    // What was refused is not done later.
    group.start(0);
    group.leader(&[0, 1]).await;
    alone.barrier().await.unwrap();
    assert_eq!(alone.read(|state| state.documents.count()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_cannot_be_applied_ends_the_node_and_says_why() {
    let mut group = Group::new(QUICK);
    group.propose_max = Duration::from_secs(2);
    group.form(1).await;
    group.control(0).execute(key(1), put(1, 10)).await.unwrap();
    group.kill(0).await;
    {
        let (journal, _blobs) = support::open(&group.path(0));
        let mut log = RaftLog::open(&journal).unwrap();
        let id = LogId { index: log.last().index + 1, ..log.last() };
        let record = EntryRecord { at_ms: 1, commands: Vec::new() };
        let mut payload = store::codec::encode(&record).unwrap();
        *payload.last_mut().unwrap() ^= 1;
        log.append(&[LogEntry { id, payload }]).unwrap().wait_blocking().unwrap();
    }
    group.start(0);
    let control = group.control(0).clone();
    let reason = until("an end", || control.failed().borrow().clone()).await;
    assert!(reason.contains("cannot be read"), "{reason}");
    // Nothing is answered any more, and what is said about the outcome is careful.
    let refused = control.execute(key(2), put(2, 10)).await;
    assert!(matches!(refused, Err(ControlError::Unknown { .. } | ControlError::NoLeader { .. })));
    assert_eq!(control.read(|state| state.documents.count()), 1);
}
