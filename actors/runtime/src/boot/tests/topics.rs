//! Live topics through their handle.

use super::*;
use crate::messages::topics::{Since, Start, TopicUpdate};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_strategy_appears_on_its_topic() {
    let (dir, platform, running) = start().await;
    let first = strategy(&platform, "one").await;
    // A topic follows the answer to a command.
    let appears = async {
        loop {
            let live = platform.topics.subscribe("strategies", None).await.unwrap();
            let Start::Snapshot(rows) = &live.start else { panic!("not a snapshot") };
            if rows["rows"][first.id.to_string()]["name"] == json!("one") {
                return live;
            }
            tokio::task::yield_now().await;
        }
    };
    let mut live = tokio::time::timeout(DEADLINE, appears).await.unwrap();
    let second = strategy(&platform, "two").await;
    let update = tokio::time::timeout(DEADLINE, live.updates.next()).await.unwrap().unwrap();
    let TopicUpdate::Delta { from, seq, data, .. } = update else { panic!("{update:?}") };
    assert_eq!(from, live.seq + 1);
    assert_eq!(data["set"][second.id.to_string()]["name"], json!("two"));
    let since = Since { epoch: live.epoch.clone(), seq };
    let resumed = platform.topics.subscribe("strategies", Some(since.clone())).await.unwrap();
    assert_eq!((resumed.start, resumed.seq), (Start::Resumed, seq));
    let (platform, _running) = restart(dir.path(), running).await;
    let after = platform.topics.subscribe("strategies", Some(since)).await.unwrap();
    assert_ne!(after.epoch, live.epoch);
    let Start::Snapshot(rows) = &after.start else { panic!("a new epoch needs a snapshot") };
    assert_eq!(rows["rows"].as_object().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_topics_are_refused() {
    let (_dir, platform, _running) = start().await;
    for topic in ["", "orders/1", "session/ses_1", "metrics/x"] {
        let refused = platform.topics.subscribe(topic, None).await.unwrap_err();
        assert!(
            matches!(refused, ActorsError::NotFound { what: "topic", .. }),
            "{topic}: {refused}"
        );
    }
}
