//! What was tried with a strategy, over REST.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use serde_json::{Value, json};
use support::{NOWHERE, start, until, uuid_text};

#[tokio::test(flavor = "multi_thread")]
async fn every_try_stays_in_the_ledger_whatever_became_of_it() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let dataset = ann.dataset("market").await;
    let rule = json!({"name": "rule", "config": {"agent": {"algorithm": "buy_and_hold"}}});
    let strategy = ann.post("/strategies", &uuid_text(), &rule).await.ok(201);
    let path = format!("/strategies/{}/trials", strategy["id"].as_str().unwrap());
    let empty = ann.get(&path).await.ok(200);
    assert_eq!((&empty["items"], &empty["started_count"]), (&json!([]), &json!(0)));
    assert_eq!((&empty["independent"], &empty["next_cursor"]), (&Value::Null, &Value::Null));

    // There is no worker: both fail. What never gets a node has tried nothing.
    let submitted = async |name: &str, resources: Value| {
        let body = json!({
            "name": name, "strategy_id": strategy["id"], "dataset_id": dataset["id"],
            "config": {"kind": "backtest", "seed": 7}, "resources": resources,
        });
        ann.post("/sessions", &uuid_text(), &body).await.ok(201)
    };
    submitted("waits", json!({"cpu": 8})).await;
    for name in ["first", "second"] {
        let session = submitted(name, json!({})).await;
        let path = format!("/sessions/{}", session["id"].as_str().unwrap());
        until("the end", || async { ann.get(&path).await.ok(200)["state"] == "failed" }).await;
    }
    let first = ann.get(&format!("{path}?limit=1")).await.ok(200);
    assert_eq!((&first["started_count"], first["items"].as_array().unwrap().len()), (&json!(2), 1));
    let trial = &first["items"][0];
    for (field, wanted) in [
        ("name", json!("second")),
        ("kind", json!("backtest")),
        ("outcome", json!("failed")),
        ("segment", json!("test")),
        ("seeds", json!(["7"])),
        ("objective", json!("sharpe")),
        ("sharpe", Value::Null),
        ("removed", json!(false)),
        ("dataset_sha256", dataset["sha256"].clone()),
    ] {
        assert_eq!(trial[field], wanted, "{field}");
    }
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = ann.get(&format!("{path}?limit=1&cursor={cursor}")).await.ok(200);
    assert_eq!((&last["items"][0]["name"], &last["next_cursor"]), (&json!("first"), &Value::Null));
    assert_eq!(last["items"][0]["config_sha256"], trial["config_sha256"], "the same was tried");
    ann.get(&format!("{path}?cursor=t1")).await.problem(400, "bad_cursor");
    let guest = site.user("guest", "viewer").await;
    guest.get(&path).await.ok(200);
    ann.get(&format!("/strategies/str_{NOWHERE}/trials")).await.problem(404, "not_found");
    site.end().await;
}
