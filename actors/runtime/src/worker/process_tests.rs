//! Real processes: small shell scripts whose stdin is the socket, and the real worker where it was built.
#![allow(clippy::print_stderr, reason = "a capability that is missing is told loudly")]

use std::collections::BTreeMap;
use std::time::Duration;

use engine::config::ResourcesConfig;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::clock::SystemClock;

const DEADLINE: Duration = Duration::from_secs(30);

fn quick() -> WorkerTimes {
    WorkerTimes {
        hello: Duration::from_secs(20),
        silence: Duration::from_secs(10),
        stall: Duration::from_secs(60),
        lease_every: Duration::from_millis(100),
        lease: Duration::from_secs(10),
        stop: Duration::from_millis(200),
        terminate: Duration::from_millis(200),
    }
}

/// Returns the real worker beside this test, where it was built.
fn real_worker(test: &str) -> Option<std::path::PathBuf> {
    let here = std::env::current_exe().unwrap();
    let found = here.ancestors().map(|dir| dir.join("tm-worker")).find(|path| path.is_file());
    if found.is_none() {
        eprintln!("MISSING CAPABILITY tm-worker: {test} NOT RUN (make trainer builds it)");
    }
    found
}

async fn script(text: &str, times: WorkerTimes) -> (Worker, UnboundedReceiver<What>) {
    granted(text, times, Grant::default()).await
}

async fn granted(
    text: &str,
    times: WorkerTimes,
    grant: Grant,
) -> (Worker, UnboundedReceiver<What>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("worker.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    program(path, times, grant, Some(dir)).await
}

async fn program(
    path: std::path::PathBuf,
    times: WorkerTimes,
    grant: Grant,
    folder: Option<tempfile::TempDir>,
) -> (Worker, UnboundedReceiver<What>) {
    let (sender, receiver) = unbounded_channel();
    let launch = Launch {
        run: 1,
        program: WorkerProgram { path, env: BTreeMap::new() },
        grant,
        limiter: Arc::new(Limiter::without_groups()),
        times,
        clock: Arc::new(SystemClock),
        deliver: Arc::new(move |notice| {
            // The shell reads its script while it runs: the folder goes with the last notice.
            let _kept = &folder;
            sender.send(notice.what).is_ok()
        }),
    };
    (start(&Spawner::start().unwrap(), launch).await.unwrap(), receiver)
}

/// Returns the end, and the lines that came before it.
async fn end(mut receiver: UnboundedReceiver<What>) -> (WorkerEnd, Vec<String>) {
    let mut lines = Vec::new();
    loop {
        match timeout(DEADLINE, receiver.recv()).await.unwrap().unwrap() {
            What::Ended(end) => return (end, lines),
            What::Lines(more) => lines.extend(more),
            What::Event(event) => panic!("{event:?}"),
        }
    }
}

#[tokio::test]
async fn exit_code_and_lines_of_both_pipes_arrive_before_the_end() {
    let (_worker, receiver) = script("echo out; echo err >&2; exit 64", quick()).await;
    let (end, mut lines) = end(receiver).await;
    assert_eq!(end, WorkerEnd { code: Some(64), signal: None, cause: None });
    lines.sort();
    assert_eq!(lines, ["err", "out"]);
}

#[tokio::test]
async fn limits_reach_the_worker_as_variables() {
    let (_worker, receiver) =
        script("echo $OMP_NUM_THREADS $MALLOC_ARENA_MAX [$CUDA_VISIBLE_DEVICES]", quick()).await;
    assert_eq!(end(receiver).await.1, ["1 2 []"]);
}

#[tokio::test]
async fn garbage_and_an_oversized_frame_end_the_process() {
    for bytes in [r"\000\000\000\004abcd", r"\377\377\377\377x"] {
        let (_worker, receiver) =
            script(&format!("printf '{bytes}' >&0; sleep 600"), quick()).await;
        let (end, _) = end(receiver).await;
        assert!(matches!(end.cause, Some(Cause::Protocol(_))), "{end:?}");
        assert_eq!(end.signal, Some(9));
    }
}

#[tokio::test]
async fn a_frame_cut_by_death_is_no_broken_protocol() {
    let (_worker, receiver) =
        script(r"printf '\000\000\000\144abcd' >&0; kill -9 $$", quick()).await;
    assert_eq!(end(receiver).await.0, WorkerEnd { code: None, signal: Some(9), cause: None });
}

#[tokio::test]
async fn one_that_never_says_hello_is_killed_with_its_children() {
    let times = WorkerTimes { hello: Duration::from_millis(200), ..quick() };
    // The grandchild holds the pipes open: only when the whole group dies does the end come early.
    let (_worker, receiver) = script("sleep 600 & sleep 600", times).await;
    assert_eq!(end(receiver).await.0.cause, Some(Cause::NoHello));
}

#[tokio::test]
async fn one_that_ignores_stop_and_term_is_killed() {
    let (worker, receiver) = script("trap '' TERM; while :; do sleep 1; done", quick()).await;
    worker.stop(&quick());
    let (end, _) = end(receiver).await;
    assert_eq!((end.signal, end.cause), (Some(9), Some(Cause::Overdue)));
}

#[tokio::test]
async fn one_that_heeds_term_ends_by_it() {
    let (worker, receiver) =
        script("trap 'exit 75' TERM; while :; do sleep 0.1; done", quick()).await;
    worker.end_within(Duration::from_millis(500));
    assert_eq!(end(receiver).await.0, WorkerEnd { code: Some(75), signal: None, cause: None });
}

#[tokio::test]
async fn a_dropped_worker_is_killed() {
    let (worker, receiver) = script("sleep 600", quick()).await;
    drop(worker);
    assert_eq!(end(receiver).await.0.cause, Some(Cause::Disowned));
}

#[tokio::test]
async fn a_flood_of_lines_does_not_block_and_is_counted() {
    let (_worker, receiver) =
        script("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done", quick()).await;
    let (end, lines) = end(receiver).await;
    assert_eq!(end.code, Some(0));
    assert!(lines.len() <= 5_000);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error() {
    let launch = Launch {
        run: 1,
        program: WorkerProgram { path: "/nowhere/worker".into(), env: BTreeMap::new() },
        grant: Grant::default(),
        limiter: Arc::new(Limiter::without_groups()),
        times: quick(),
        clock: Arc::new(SystemClock),
        deliver: Arc::new(|_| true),
    };
    assert!(start(&Spawner::start().unwrap(), launch).await.is_err());
}

#[tokio::test]
async fn one_that_takes_more_memory_than_was_reserved_is_ended_and_the_figures_are_told() {
    let resources = ResourcesConfig { memory_mib: 64, ..ResourcesConfig::default() };
    let grant = Grant { resources, ..Grant::default() };
    // Keeps everything it reads, and there is no end of a line in it.
    let (worker, receiver) = granted("exec tail /dev/zero", quick(), grant).await;
    let told = worker.limits.iter().find(|limit| limit.name == "memory").unwrap();
    assert!(told.applied && told.detail.contains("64 MiB"), "{told:?}");
    let (end, _) = end(receiver).await;
    assert_eq!(end.signal, Some(9));
    let Some(Cause::Memory(overrun)) = end.cause else { panic!("{end:?}") };
    assert!(overrun.limit_mib == 64 && 64 < overrun.used_mib, "{overrun:?}");
}

#[tokio::test]
async fn the_real_worker_is_ended_when_it_takes_more_than_was_reserved() {
    let Some(path) = real_worker("the_real_worker_is_ended") else { return };
    let resources = ResourcesConfig { memory_mib: 8, ..ResourcesConfig::default() };
    let (_worker, mut receiver) =
        program(path, quick(), Grant { resources, ..Grant::default() }, None).await;
    loop {
        if let What::Ended(end) = timeout(DEADLINE, receiver.recv()).await.unwrap().unwrap() {
            let Some(Cause::Memory(overrun)) = end.cause else { panic!("{end:?}") };
            assert!(overrun.limit_mib == 8 && 8 < overrun.used_mib, "{overrun:?}");
            return;
        }
    }
}
