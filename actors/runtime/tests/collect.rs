//! A running node deletes files that nothing refers to, and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use actors::views::SessionState as State;
use actors::{CollectTimes, NewSession};
use engine::ids::SessionId;
use serde_json::json;
use support::{DEADLINE, Node, Setup, command, start, temporary, training};
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Makes every stored file one that was put more than a day ago.
fn age(blobs: &Path) {
    for folder in std::fs::read_dir(blobs).unwrap().map(|folder| folder.unwrap().path()) {
        for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            let file = std::fs::File::options().append(true).open(file).unwrap();
            file.set_modified(SystemTime::now() - DAY - Duration::from_secs(60)).unwrap();
        }
    }
}

fn path(blobs: &Path, sha256: &str) -> PathBuf {
    blobs.join(&sha256[..2]).join(sha256)
}

async fn backtest(node: &Node, like: &NewSession, trained: SessionId) -> SessionId {
    let policy = json!({"source": "session", "session_id": trained.to_string()});
    let config = json!({"kind": "backtest", "policy": policy});
    let wanted = NewSession { config, ..like.clone() };
    let id = node.platform.sessions.submit(command(), wanted).await.unwrap().id;
    let ended = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!(ended.state, State::Completed, "{ended:?}");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_deletes_what_nothing_refers_to_and_goes_on_with_all_the_rest() {
    let dir = temporary();
    let mut setup = Setup::mode("normal");
    let node = start(dir.path(), &setup).await;
    let wanted = training(&node).await;
    let trained = node.platform.sessions.submit(command(), wanted.clone()).await.unwrap().id;
    let ended = node.platform.sessions.wait(trained, DEADLINE).await.unwrap();
    assert_eq!(ended.state, State::Completed, "{ended:?}");
    let tested = backtest(&node, &wanted, trained).await;
    let report = node.platform.sessions.get(tested).await.unwrap().report_sha256.unwrap();
    node.running.shutdown(DEADLINE).await;
    drop(node);

    let blobs = dir.path().join("data/blobs");
    let orphan = path(&blobs, &"0a".repeat(32));
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, b"nobody knows it").unwrap();
    age(&blobs);
    let sessions = dir.path().join("data/sessions");
    let over = [trained, SessionId::from_uuid(Uuid::from_u128(1))].map(|id| {
        let left = sessions.join(id.to_string());
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("half a checkpoint"), b"x").unwrap();
        left
    });

    let soon = Duration::from_millis(20);
    setup.collect = CollectTimes { first: soon, every: soon, grace: DAY };
    let node = start(dir.path(), &setup).await;
    let begun = Instant::now();
    while orphan.exists() || over.iter().any(|left| left.exists()) {
        assert!(begun.elapsed() < DEADLINE, "waited for what is left over to go");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let checkpoints = node.platform.sessions.checkpoints(trained).await.unwrap();
    assert!(!checkpoints.is_empty());
    let model = node.platform.sessions.get(trained).await.unwrap().model_sha256.unwrap();
    let data = node.platform.datasets.get(wanted.dataset_id).await.unwrap().sha256;
    let named = checkpoints.into_iter().map(|one| one.sha256).chain([model, data, report]);
    for sha256 in named {
        assert!(path(&blobs, &sha256).is_file(), "{sha256}");
    }
    backtest(&node, &wanted, trained).await;
    node.running.shutdown(DEADLINE).await;
}
