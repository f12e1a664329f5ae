//! Strategies through their handle.

use super::*;
use crate::messages::library::{LibraryMsg, ListStrategies, NAME, StrategyEdit};

#[tokio::test(flavor = "multi_thread")]
async fn repeating_a_command_gives_the_first_answer() {
    let (_dir, platform, _running) = start().await;
    let first = platform.strategies.create(same(1), wanted("one")).await.unwrap();
    let again = platform.strategies.create(same(1), wanted("one")).await.unwrap();
    assert_eq!(first, again);
    let page = platform.strategies.list(ListStrategies::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    let other = NewStrategy { config: batches_of(128), ..wanted("one") };
    let refused = platform.strategies.create(same(1), other).await.unwrap_err();
    assert!(matches!(refused, ActorsError::IdempotencyMismatch { .. }), "{refused}");
    let version =
        platform.strategies.add_version(same(2), first.id, None, batches_of(128)).await.unwrap();
    let repeated =
        platform.strategies.add_version(same(2), first.id, Some(1), batches_of(128)).await.unwrap();
    assert_eq!(version, repeated);
    assert_eq!(platform.strategies.get(first.id).await.unwrap().version, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_comes_back_otherwise_is_refused_even_after_a_restart() {
    let (dir, platform, running) = start().await;
    let text =
        |description: &str| NewStrategy { description: description.to_owned(), ..wanted("one") };
    let first = platform.strategies.create(same(1), text("first")).await.unwrap();
    let edit = StrategyEdit { name: Some("renamed".to_owned()), description: None };
    let first = platform.strategies.update(same(3), first.id, first.revision, edit).await.unwrap();
    let version =
        platform.strategies.add_version(same(2), first.id, None, batches_of(128)).await.unwrap();
    let (platform, _running) = restart(dir.path(), running).await;
    let others = [
        wanted("renamed"),
        text("second"),
        NewStrategy { name: "two".to_owned(), ..text("first") },
        NewStrategy { config: batches_of(128), ..text("first") },
        NewStrategy { config: json!({"agent": 7}), ..text("first") },
    ];
    for other in others {
        let refused = platform.strategies.create(same(1), other.clone()).await.unwrap_err();
        assert!(matches!(refused, ActorsError::IdempotencyMismatch { .. }), "{other:?}: {refused}");
    }
    let again = platform.strategies.create(same(1), text("first")).await.unwrap();
    assert_eq!((again.id, again.name.as_str()), (first.id, "renamed"));
    let refused = platform
        .strategies
        .add_version(same(2), first.id, None, batches_of(256))
        .await
        .unwrap_err();
    assert!(matches!(refused, ActorsError::IdempotencyMismatch { .. }), "{refused}");
    let again =
        platform.strategies.add_version(same(2), first.id, None, batches_of(128)).await.unwrap();
    assert_eq!(again, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_changes_nothing_keeps_the_revision() {
    let (_dir, platform, _running) = start().await;
    let first = strategy(&platform, "one").await;
    let edits = [
        StrategyEdit::default(),
        StrategyEdit { name: Some(" one ".to_owned()), description: Some(String::new()) },
    ];
    for edit in edits {
        let same = platform.strategies.update(command(), first.id, first.revision, edit).await;
        assert_eq!(same.unwrap(), first);
    }
    let refused =
        platform.strategies.update(command(), first.id, 77, StrategyEdit::default()).await;
    assert!(matches!(refused, Err(ActorsError::StaleRevision { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_unique_whatever_the_case_until_archived() {
    let (_dir, platform, _running) = start().await;
    let first = strategy(&platform, "Momentum").await;
    let refused = platform.strategies.create(command(), wanted(" momentum ")).await.unwrap_err();
    assert!(
        matches!(&refused, ActorsError::Conflict { params, .. } if params["id"] == json!(first.id)),
        "{refused}"
    );
    let archived =
        platform.strategies.archive(command(), first.id, Some(first.revision)).await.unwrap();
    assert!(archived.archived);
    let second = strategy(&platform, "momentum").await;
    assert_ne!(first.id, second.id);
    let open = platform.strategies.list(ListStrategies::default()).await.unwrap();
    assert_eq!(open.items, [second]);
    let all = platform
        .strategies
        .list(ListStrategies { archived: true, ..ListStrategies::default() })
        .await
        .unwrap();
    assert_eq!(all.items.len(), 2);
    let refused = platform
        .strategies
        .add_version(command(), first.id, None, batches_of(128))
        .await
        .unwrap_err();
    assert!(matches!(refused, ActorsError::IllegalTransition { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_revision_is_refused_with_the_current_one() {
    let (_dir, platform, _running) = start().await;
    let first = strategy(&platform, "one").await;
    let edit = |name: &str| StrategyEdit { name: Some(name.to_owned()), description: None };
    let renamed =
        platform.strategies.update(command(), first.id, first.revision, edit("two")).await.unwrap();
    let refused = platform
        .strategies
        .update(command(), first.id, first.revision, edit("three"))
        .await
        .unwrap_err();
    assert_eq!(refused.problem().params["revision"], json!(renamed.revision));
    let refused = platform
        .strategies
        .add_version(command(), first.id, Some(1), batches_of(128))
        .await
        .unwrap_err();
    assert!(matches!(refused, ActorsError::StaleRevision { current: 2, .. }), "{refused}");
    assert_eq!(strategy(&platform, "one").await.name, "one", "a name that was given up is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_violation_is_named_with_its_pointer() {
    let (_dir, platform, _running) = start().await;
    let config = json!({"agent": {"algorithm": "dqn", "gamma": 7.5, "lerning_rate": 1}});
    let bad = NewStrategy { name: String::new(), description: "x".repeat(5_000), config };
    let problem = platform.strategies.create(command(), bad).await.unwrap_err().problem();
    let pointers: Vec<&str> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
    for wanted in ["/name", "/description", "/config/agent/gamma", "/config/agent/lerning_rate"] {
        assert!(pointers.contains(&wanted), "{wanted} is not in {pointers:?}");
    }
    assert!(platform.strategies.list(ListStrategies::default()).await.unwrap().items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_join_without_gap_or_double_and_foreign_cursors_are_refused() {
    let (_dir, platform, _running) = start().await;
    for number in 0..7 {
        strategy(&platform, &format!("s{number}")).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let filter = ListStrategies { limit: 3, after, ..ListStrategies::default() };
        let page = platform.strategies.list(filter).await.unwrap();
        seen.extend(page.items.into_iter().map(|row| row.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let whole = platform.strategies.list(ListStrategies::default()).await.unwrap();
    assert_eq!(seen, whole.items.iter().map(|row| row.id).collect::<Vec<_>>());
    let filter = ListStrategies { after: Some("nonsense".to_owned()), ..ListStrategies::default() };
    assert!(matches!(platform.strategies.list(filter).await, Err(ActorsError::BadCursor { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_keeps_everything_and_the_handle_finds_the_new_life() {
    let (_dir, platform, running) = start().await;
    let before = strategy(&platform, "kept").await;
    let old = running.directory.lookup(NAME).unwrap();
    running.directory.get::<LibraryMsg>(NAME).unwrap().cast(LibraryMsg::Crash).unwrap();
    let restarting = || ActorsError::Restarting { actor: NAME.to_owned() };
    let after = answered(|| async {
        match running.directory.lookup(NAME) {
            Some(cell) if cell.get_id() != old.get_id() => platform.strategies.get(before.id).await,
            Some(_) | None => Err(restarting()),
        }
    })
    .await;
    assert_eq!(before, after);
    let tree = platform.inspect.actors().await.unwrap();
    let row = tree.iter().find(|row| row.name == NAME).unwrap();
    assert_eq!((row.state.as_str(), row.restart_count), ("running", 1));
    assert!(row.last_error.as_deref().unwrap_or_default().contains("told to crash"));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_outlive_the_process() {
    let (dir, platform, running) = start().await;
    let made = strategy(&platform, "kept").await;
    platform.strategies.add_version(command(), made.id, None, batches_of(128)).await.unwrap();
    let versions = platform.strategies.versions(made.id).await.unwrap();
    let (platform, _running) = restart(dir.path(), running).await;
    assert_eq!(platform.strategies.versions(made.id).await.unwrap(), versions);
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [2, 1]);
    assert_ne!(versions[0].hash, versions[1].hash);
    assert!(matches!(
        platform.strategies.version(made.id, 3).await,
        Err(ActorsError::NotFound { .. })
    ));
}
