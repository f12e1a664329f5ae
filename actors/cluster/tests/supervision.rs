//! Supervisors restart what fails at a new address, fail upwards when the budget is spent, and tell their state.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::supervision::{
    ChildSpec, ChildState, Observer, RestartPolicy, Strategy, SupervisionError, Supervisor,
    SupervisorMsg, SupervisorSpec, SupervisorStatus,
};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, call_t};
use ractor_cluster_derive::RactorMessage;

/// Does what it is told, which is to fail.
struct Worker;

#[derive(Debug, RactorMessage)]
enum WorkerMsg {
    Panic,
    Fail,
    End,
}

impl Actor for Worker {
    type Msg = WorkerMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<WorkerMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<WorkerMsg>,
        message: WorkerMsg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            WorkerMsg::Panic => panic!("on request"),
            WorkerMsg::Fail => Err("failed on request".into()),
            WorkerMsg::End => {
                myself.stop(None);
                Ok(())
            }
        }
    }
}

/// Name → current address: what a directory is.
#[derive(Default)]
struct Directory {
    addresses: Mutex<BTreeMap<String, ActorRef<WorkerMsg>>>,
    starts: AtomicU32,
}

impl Directory {
    fn get(&self, name: &str) -> Option<ActorRef<WorkerMsg>> {
        self.addresses.lock().unwrap().get(name).cloned()
    }
}

impl Observer for Directory {
    fn started(&self, _supervisor: &str, child: &str, cell: &ActorCell) {
        self.starts.fetch_add(1, Ordering::SeqCst);
        self.addresses.lock().unwrap().insert(child.to_owned(), cell.clone().into());
    }

    fn ended(&self, _supervisor: &str, child: &str, _reason: &str) {
        self.addresses.lock().unwrap().remove(child);
    }
}

fn worker(name: &str, policy: RestartPolicy) -> ChildSpec {
    ChildSpec::new(name, policy, |supervisor| async move {
        let (worker, _) = Actor::spawn_linked(None, Worker, (), supervisor).await?;
        Ok(worker.get_cell())
    })
}

async fn supervise(spec: SupervisorSpec) -> (ActorRef<SupervisorMsg>, tokio::task::JoinHandle<()>) {
    Actor::spawn(None, Supervisor, spec).await.unwrap()
}

async fn status(supervisor: &ActorRef<SupervisorMsg>) -> SupervisorStatus {
    call_t!(supervisor, |reply| SupervisorMsg::GetStatus { reply }, 1_000).unwrap()
}

/// Waits for a condition; under paused time the clock jumps from timer to timer.
async fn until(mut met: impl AsyncFnMut() -> bool) {
    for _ in 0..100_000 {
        if met().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the condition was not met");
}

fn one(children: Vec<ChildSpec>, directory: &Arc<Directory>) -> SupervisorSpec {
    SupervisorSpec {
        observer: Arc::clone(directory) as Arc<dyn Observer>,
        ..SupervisorSpec::new("parent", children)
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_panics_is_restarted_at_a_new_address() {
    let directory = Arc::new(Directory::default());
    let (parent, _) = supervise(one(vec![worker("w", RestartPolicy::Restart)], &directory)).await;
    for (number, message) in [WorkerMsg::Panic, WorkerMsg::Fail].into_iter().enumerate() {
        let old = directory.get("w").unwrap();
        old.cast(message).unwrap();
        until(async || directory.get("w").is_some_and(|new| new.get_id() != old.get_id())).await;
        let child = status(&parent).await.children.remove(0);
        assert_eq!((child.state, child.restart_count as usize), (ChildState::Running, number + 1));
        assert!(child.last_error.unwrap().contains("on request"));
    }
    directory.get("w").unwrap().cast(WorkerMsg::End).unwrap();
    until(async || status(&parent).await.children[0].state == ChildState::Stopped).await;
    assert_eq!(directory.starts.load(Ordering::SeqCst), 3, "an orderly end is no failure");
    assert!(directory.get("w").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_fails_upwards_through_nested_supervisors() {
    let directory = Arc::new(Directory::default());
    let inner = Arc::clone(&directory);
    let nested = ChildSpec::new("inner", RestartPolicy::Escalate, move |supervisor| {
        let spec = SupervisorSpec {
            name: "inner".into(),
            strategy: Strategy::OneForOne,
            children: vec![worker("w", RestartPolicy::Restart)],
            observer: Arc::clone(&inner) as Arc<dyn Observer>,
        };
        async move {
            let (nested, _) = Actor::spawn_linked(None, Supervisor, spec, supervisor).await?;
            Ok(nested.get_cell())
        }
    });
    let (root, ended) = supervise(SupervisorSpec::new("root", vec![nested])).await;
    for _ in 0..6 {
        until(async || directory.get("w").is_some()).await;
        let old = directory.get("w").unwrap();
        old.cast(WorkerMsg::Panic).unwrap();
        until(async || directory.get("w").is_none_or(|new| new.get_id() != old.get_id())).await;
    }
    ended.await.unwrap();
    assert_eq!(root.get_status(), ractor::ActorStatus::Stopped);
    assert_eq!(directory.starts.load(Ordering::SeqCst), 6, "five restarts, then no more");
}

#[tokio::test(start_paused = true)]
async fn a_slow_drip_of_failures_never_spends_the_budget() {
    let directory = Arc::new(Directory::default());
    let (parent, _) = supervise(one(vec![worker("w", RestartPolicy::Restart)], &directory)).await;
    for _ in 0..20 {
        let old = directory.get("w").unwrap();
        old.cast(WorkerMsg::Panic).unwrap();
        until(async || directory.get("w").is_some_and(|new| new.get_id() != old.get_id())).await;
        tokio::time::sleep(Duration::from_secs(13)).await;
    }
    assert_eq!(status(&parent).await.children[0].restart_count, 20);
}

#[tokio::test(start_paused = true)]
async fn policies_stop_and_escalate_do_what_they_say() {
    let directory = Arc::new(Directory::default());
    let children =
        vec![worker("stops", RestartPolicy::Stop), worker("escalates", RestartPolicy::Escalate)];
    let (parent, ended) = supervise(one(children, &directory)).await;
    directory.get("stops").unwrap().cast(WorkerMsg::Panic).unwrap();
    until(async || status(&parent).await.children[0].state == ChildState::Stopped).await;
    assert!(directory.get("escalates").is_some());
    directory.get("escalates").unwrap().cast(WorkerMsg::Fail).unwrap();
    ended.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_what_was_started_later_and_only_that() {
    let directory = Arc::new(Directory::default());
    let children = ["a", "b", "c"].map(|name| worker(name, RestartPolicy::Restart)).to_vec();
    let spec = SupervisorSpec { strategy: Strategy::RestForOne, ..one(children, &directory) };
    let (parent, _) = supervise(spec).await;
    let id = |name: &str| directory.get(name).map(|address| address.get_id());
    let (a, b, c) = (id("a"), id("b"), id("c"));
    directory.get("b").unwrap().cast(WorkerMsg::Panic).unwrap();
    until(async || {
        id("b").is_some_and(|new| Some(new) != b) && id("c").is_some_and(|new| Some(new) != c)
    })
    .await;
    assert_eq!(id("a"), a);
    let children = status(&parent).await.children;
    assert!(children.iter().all(|child| child.state == ChildState::Running));
    assert_eq!(children.iter().map(|child| child.restart_count).collect::<Vec<_>>(), [0, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn children_come_and_go_while_it_runs_and_names_are_unique() {
    let directory = Arc::new(Directory::default());
    let (parent, _) = supervise(one(vec![], &directory)).await;
    let start = async || {
        let spec = worker("w", RestartPolicy::Restart);
        call_t!(parent, |reply| SupervisorMsg::StartChild { spec, reply }, 1_000).unwrap()
    };
    let cell = start().await.unwrap();
    assert!(matches!(start().await, Err(SupervisionError::NameTaken { .. })));
    parent.cast(SupervisorMsg::StopChild { name: "w".into(), reason: "test".into() }).unwrap();
    until(async || cell.get_status() == ractor::ActorStatus::Stopped).await;
    assert!(status(&parent).await.children.is_empty() && directory.get("w").is_none());
    start().await.unwrap();
    let broken =
        ChildSpec::new("broken", RestartPolicy::Restart, |_| async { Err("no luck".into()) });
    let answer =
        call_t!(parent, |reply| SupervisorMsg::StartChild { spec: broken, reply }, 1_000).unwrap();
    assert!(matches!(answer, Err(SupervisionError::StartFailed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_fails_is_tried_again_within_the_budget() {
    let (directory, tries) = (Arc::new(Directory::default()), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&tries);
    let flaky = ChildSpec::new("w", RestartPolicy::Restart, move |supervisor| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            if (1..4).contains(&number) {
                return Err("not yet".into());
            }
            let (worker, _) = Actor::spawn_linked(None, Worker, (), supervisor).await?;
            Ok(worker.get_cell())
        }
    });
    let (parent, _) = supervise(one(vec![flaky], &directory)).await;
    let old = directory.get("w").unwrap();
    old.cast(WorkerMsg::Panic).unwrap();
    until(async || directory.get("w").is_some_and(|new| new.get_id() != old.get_id())).await;
    assert_eq!(tries.load(Ordering::SeqCst), 5);
    assert_eq!(status(&parent).await.children[0].last_error.as_deref(), Some("not yet"));
}
