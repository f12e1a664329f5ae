//! Starting, ending and looking at a node.

use super::*;
use crate::messages::library::{LibraryMsg, NAME};
use crate::tree::ROWS;

#[tokio::test(flavor = "multi_thread")]
async fn two_starts_on_one_data_directory_are_refused() {
    let (dir, platform, running) = start().await;
    let refused = boot(config(dir.path())).await.unwrap_err();
    assert!(
        matches!(&refused, ActorsError::Boot { detail } if detail.contains("already in use by process")),
        "{refused}"
    );
    strategy(&platform, "the first goes on").await;
    let name = running.node().clone();
    let (_platform, running) = restart(dir.path(), running).await;
    assert_eq!((running.node(), running.incarnation()), (&name, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_is_the_table() {
    let (_dir, platform, _running) = start().await;
    let tree = platform.inspect.actors().await.unwrap();
    let children: Vec<&str> = tree
        .iter()
        .filter(|row| row.supervisor.as_deref() == Some("root"))
        .map(|row| row.name.as_str())
        .collect();
    assert_eq!(children, ROWS.map(|row| row.name));
    assert!(tree.iter().all(|row| row.state == "running" && row.restart_count == 0), "{tree:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_shows_itself_with_its_load() {
    let (_dir, platform, running) = start().await;
    let seen = async {
        loop {
            let nodes = platform.nodes.list().await.unwrap();
            assert_eq!(nodes.len(), 1);
            if nodes[0].sampled_at.is_some() {
                return nodes;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let nodes = tokio::time::timeout(DEADLINE, seen).await.unwrap();
    let here = &nodes[0];
    assert_eq!(
        (&here.id, here.up, here.state.as_str(), here.incarnation),
        (running.node(), true, "ready", 1)
    );
    assert!(here.cpu_capacity > 0 && here.memory_capacity_mib > 0, "{here:?}");
    assert!(here.disk_free_ratio.is_some_and(|ratio| (0.0..=1.0).contains(&ratio)), "{here:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_journal_is_named_and_nothing_is_started() {
    let (dir, _platform, running) = start().await;
    running.shutdown(DEADLINE).await;
    drop(running);
    let file = dir.path().join("data/journal/db");
    let mut bytes = std::fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[..half].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let refused = boot(config(dir.path())).await.unwrap_err();
    assert!(
        matches!(&refused, ActorsError::Boot { detail } if detail.contains("damaged")),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_made_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("data"), b"a file").unwrap();
    let refused = boot(config(dir.path())).await.unwrap_err();
    assert!(
        matches!(&refused, ActorsError::Boot { detail } if detail.contains("cannot be written")),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_gives_up_when_a_child_keeps_failing() {
    let (_dir, _platform, running) = start().await;
    let crashing = async {
        loop {
            if let Ok(actor) = running.directory.get::<LibraryMsg>(NAME) {
                drop(actor.cast(LibraryMsg::Crash));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let reason = tokio::select! {
        reason = running.failed() => reason,
        () = crashing => unreachable!("crashing does not end"),
        () = tokio::time::sleep(DEADLINE) => panic!("the root did not give up"),
    };
    assert!(reason.contains("library failed more than 5 times"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_twice_is_harmless_and_ends_the_doors() {
    let (_dir, platform, running) = start().await;
    running.shutdown(DEADLINE).await;
    running.shutdown(DEADLINE).await;
    let refused = platform.inspect.actors().await.unwrap_err();
    assert!(matches!(refused, ActorsError::Restarting { .. }), "{refused}");
}
