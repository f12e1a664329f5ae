//! Metric points through their handle.

use engine::session::protocol::MetricPoint;

use super::*;
use crate::messages::metrics::{HistoryQuery, MetricsMsg, NAME};
use crate::messages::topics::{Start, TopicUpdate};

fn points(from: u64, count: u64) -> Vec<MetricPoint> {
    (from..from + count)
        .map(|step| {
            let name = if step % 3 == 0 { "epsilon" } else { "loss" };
            #[expect(clippy::cast_precision_loss, reason = "small numbers of a test")]
            let value = (step as f64 * 0.37).sin();
            MetricPoint { name: name.to_owned(), step, value: (step % 7 != 0).then_some(value) }
        })
        .collect()
}

async fn history(platform: &Platform, number: u128) -> String {
    let found = answered(|| {
        platform
            .metrics
            .history(session(number), HistoryQuery { bins: 50, ..HistoryQuery::default() })
    })
    .await;
    serde_json::to_string(&found).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_repeated_is_stored_once_and_a_gap_is_refused() {
    let (_dir, platform, _running) = start().await;
    assert_eq!(platform.metrics.record(session(1), 0, points(0, 100)).await.unwrap(), 100);
    assert_eq!(platform.metrics.record(session(1), 50, points(50, 100)).await.unwrap(), 150);
    assert_eq!(platform.metrics.record(session(1), 0, points(0, 10)).await.unwrap(), 150);
    let refused = platform.metrics.record(session(1), 151, points(151, 1)).await.unwrap_err();
    assert!(matches!(refused, ActorsError::Conflict { .. }), "{refused}");
    assert_eq!(platform.metrics.count(session(1)).await.unwrap(), 150);
    platform.metrics.record(session(2), 0, points(0, 150)).await.unwrap();
    assert_eq!(history(&platform, 1).await, history(&platform, 2).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn byte_equal_after_a_restart_of_the_node_and_of_the_actor() {
    let (dir, platform, running) = start().await;
    for batch in 0..20 {
        platform.metrics.record(session(1), batch * 97, points(batch * 97, 97)).await.unwrap();
    }
    let before = history(&platform, 1).await;
    running.directory.get::<MetricsMsg>(NAME).unwrap().cast(MetricsMsg::Crash).unwrap();
    assert_eq!(history(&platform, 1).await, before);
    let (platform, _running) = restart(dir.path(), running).await;
    assert_eq!(history(&platform, 1).await, before);
    assert_eq!(platform.metrics.record(session(1), 0, points(0, 1_941)).await.unwrap(), 1_941);
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_pages_hold_every_point_in_order() {
    let (_dir, platform, _running) = start().await;
    let stored = points(0, 1_234);
    platform.metrics.record(session(1), 0, stored.clone()).await.unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = platform.metrics.raw(session(1), after, 500).await.unwrap();
        found.extend(page.items);
        match page.next {
            Some(next) => after = Some(next.parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(found.len(), stored.len());
    for (index, (view, point)) in (0_u64..).zip(found.iter().zip(&stored)) {
        assert_eq!(
            (view.index, &view.name, view.step, view.value),
            (index, &point.name, point.step, point.value)
        );
    }
    assert!(platform.metrics.raw(session(3), None, 10).await.unwrap().items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_finite_is_undefined_and_too_many_bins_are_refused() {
    let (_dir, platform, _running) = start().await;
    let odd = [f64::NAN, f64::INFINITY, 1.5].map(|value| MetricPoint {
        name: "loss".to_owned(),
        step: 1,
        value: Some(value),
    });
    platform.metrics.record(session(1), 0, odd.to_vec()).await.unwrap();
    let page = platform.metrics.raw(session(1), None, 10).await.unwrap();
    assert_eq!(
        page.items.iter().map(|point| point.value).collect::<Vec<_>>(),
        [None, None, Some(1.5)]
    );
    let refused = platform
        .metrics
        .history(session(1), HistoryQuery { bins: 2_001, ..HistoryQuery::default() })
        .await;
    assert!(matches!(refused, Err(ActorsError::Invalid { .. })));
    let query = HistoryQuery { names: vec!["lsos".to_owned()], ..HistoryQuery::default() };
    assert!(matches!(
        platform.metrics.history(session(1), query).await,
        Err(ActorsError::Invalid { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_sees_the_past_and_then_the_points_that_come() {
    let (dir, platform, running) = start().await;
    platform.metrics.record(session(1), 0, points(0, 30)).await.unwrap();
    let (platform, _running) = restart(dir.path(), running).await;
    let mut live =
        platform.topics.subscribe(&format!("metrics/{}", session(1)), None).await.unwrap();
    let Start::Snapshot(past) = &live.start else { panic!("not a snapshot") };
    assert_eq!(past["series"]["loss"]["x"].as_array().unwrap().len(), 20);
    platform.metrics.record(session(1), 30, points(30, 2)).await.unwrap();
    let update = tokio::time::timeout(DEADLINE, live.updates.next()).await.unwrap().unwrap();
    let TopicUpdate::Delta { data, from, .. } = update else { panic!("{update:?}") };
    assert_eq!(from, live.seq + 1);
    assert_eq!(
        data["series"]["loss"],
        json!({
            "stride": 1, "at": 20, "x": [31.0],
            "min": [(31.0_f64 * 0.37).sin()], "max": [(31.0_f64 * 0.37).sin()], "last": [(31.0_f64 * 0.37).sin()], "n": [1],
        })
    );
}
