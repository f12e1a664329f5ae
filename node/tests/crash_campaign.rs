//! Workers and nodes killed at random points: nothing acknowledged is lost, nothing is stuck, and the metric series
//! ends byte-equal to that of an undisturbed run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests panic and speak"
)]

mod support;

use std::time::Duration;

use serde_json::json;
use support::{Api, Dice, NodeProcess, PASSWORD, campaign_points, signal};

const ROWS: u32 = 900;
const EPOCHS: u32 = 12;

/// Trains once without disturbance and returns the series.
async fn undisturbed(
    api: &Api,
    strategy: &str,
    dataset: &str,
) -> Vec<(u64, String, u64, Option<u64>)> {
    let id = api.train(strategy, dataset, EPOCHS).await;
    let done = api.until(&id, "terminal", is_terminal).await;
    assert_eq!(done["state"], "completed", "{done:#}");
    api.points(&id).await
}

fn is_terminal(session: &serde_json::Value) -> bool {
    matches!(session["state"].as_str(), Some("completed" | "failed" | "stopped"))
}

fn assert_contiguous(points: &[(u64, String, u64, Option<u64>)]) {
    for (position, point) in points.iter().enumerate() {
        assert_eq!(
            point.0,
            u64::try_from(position).unwrap(),
            "points are numbered without gap or repetition"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_at_random_points_loses_and_repeats_no_metric() {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(folder.path());
    let api = Api::first_login(&node.url, node.password.as_deref().unwrap()).await;
    let dataset = api.synthetic("market", ROWS).await;
    let strategy = api.strategy("small").await;
    let wanted = undisturbed(&api, &strategy, &dataset).await;
    assert_contiguous(&wanted);

    let mut dice = Dice::new();
    let mut left = campaign_points();
    while left > 0 {
        // At most three kills a session, so that the retry budget is never what ends it.
        let id = api.train(&strategy, &dataset, EPOCHS).await;
        for _ in 0..left.min(3) {
            left -= 1;
            let begun = api
                .until(&id, "running", |session| {
                    session["state"] == "running" || is_terminal(session)
                })
                .await;
            tokio::time::sleep(Duration::from_millis(dice.below(1500))).await;
            let before = api.points(&id).await;
            for worker in node.workers() {
                signal(worker, "KILL");
            }
            let step = begun["progress"]["step"].as_u64().unwrap_or(0);
            println!(
                "killed the worker of {id} after step {step}, {} points acknowledged",
                before.len()
            );
            let after = api.points(&id).await;
            assert_eq!(before[..], after[..before.len()], "acknowledged points stay");
        }
        let done = api.until(&id, "terminal", is_terminal).await;
        assert_eq!(done["state"], "completed", "{done:#}");
        assert_eq!(api.points(&id).await, wanted, "the series is that of an undisturbed run");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_at_random_points_forgets_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::start(folder.path());
    let password = node.password.clone().unwrap();
    let mut api = Api::first_login(&node.url, &password).await;
    let dataset = api.synthetic("market", ROWS).await;
    let strategy = api.strategy("small").await;
    let wanted = undisturbed(&api, &strategy, &dataset).await;

    let mut dice = Dice::new();
    let mut acknowledged: Vec<(String, String)> = Vec::new();
    let mut session = api.train(&strategy, &dataset, EPOCHS).await;
    for point in 0..campaign_points() {
        // Write strategies until the node dies under the writer.
        let pid = node.pid();
        let delay = Duration::from_millis(200 + dice.below(1800));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(delay);
            signal(pid, "KILL");
        });
        let seen = api.points(&session).await;
        let mut count = 0;
        loop {
            let name = format!("kill-{point}-{count}");
            count += 1;
            let body = json!({"name": name, "description": "", "config": {"agent": {"algorithm": "do_nothing"}}});
            match api.try_post("/api/v1/strategies", &body).await {
                Ok((201, view)) => {
                    acknowledged.push((view["id"].as_str().unwrap().to_owned(), name))
                }
                // Rate limits and the dying node are refusals; only acknowledgements count.
                Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(_) => break,
            }
        }
        killer.join().unwrap();
        node.kill();
        println!(
            "killed the node after {delay:?}, {} strategies acknowledged, {} points seen",
            acknowledged.len(),
            seen.len()
        );

        node = NodeProcess::start(folder.path());
        assert!(node.password.is_none(), "the administrator is made once");
        api = Api::login(&node.url, PASSWORD).await;
        for (id, name) in &acknowledged {
            assert_eq!(api.get(&format!("/api/v1/strategies/{id}")).await["name"], name.as_str());
        }
        let now = api.points(&session).await;
        assert_eq!(seen[..], now[..seen.len()], "points that were shown stay");
        let state = api.until(&session, "moving again", |session| {
            is_terminal(session) || session["state"] == "running"
        });
        if is_terminal(&state.await) {
            assert_eq!(api.points(&session).await, wanted);
            session = api.train(&strategy, &dataset, EPOCHS).await;
        }
    }
    let done = api.until(&session, "terminal", is_terminal).await;
    assert_eq!(done["state"], "completed", "{done:#}");
    assert_eq!(api.points(&session).await, wanted, "the series is that of an undisturbed run");
}
