//! What was tried with a strategy, and what it keeps sealed, over REST.
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

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_is_opened_once_for_a_reason_by_whoever_may_change_the_strategy() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let config = json!({"agent": {"algorithm": "buy_and_hold"}, "seal": {"share": 0.15}});
    let body = json!({"name": "sealing", "config": config});
    let strategy = ann.post("/strategies", &uuid_text(), &body).await.ok(201);
    let id = strategy["id"].as_str().unwrap();
    let (path, open) = (format!("/strategies/{id}/seal"), format!("/strategies/{id}/seal:open"));
    let closed = ann.get(&path).await.ok(200);
    assert_eq!((&closed["share"], &closed["opening"]), (&json!(0.15), &Value::Null));
    let reason = json!({"reason": "final review before paper trading"});

    let dataset = ann.dataset("market").await;
    let sealed = json!({
        "name": "look", "strategy_id": id, "dataset_id": dataset["id"],
        "config": {"kind": "backtest", "segment": "sealed"}, "resources": {"cpu": 8},
    });
    let early = ann.post("/sessions", &uuid_text(), &sealed).await;
    let error = early.problem(422, "validation_failed")["errors"][0].clone();
    assert_eq!((&error["pointer"], &error["code"]), (&json!("/config/segment"), &json!("sealed")));
    assert_eq!(error["params"]["share"], 0.15);

    for bad in [json!({}), json!({"reason": "short"}), json!({"reason": 7})] {
        ann.post(&open, &uuid_text(), &bad).await.problem(422, "validation_failed");
    }
    let bob = site.user("bob", "advanced").await;
    bob.post(&open, &uuid_text(), &reason).await.problem(403, "forbidden");
    let guest = site.user("guest", "viewer").await;
    guest.post(&open, &uuid_text(), &reason).await.problem(403, "forbidden");
    guest.get(&path).await.ok(200);

    let key = uuid_text();
    let opened = ann.post(&open, &key, &reason).await.ok(200);
    assert_eq!(opened["opening"]["reason"], reason["reason"]);
    assert_eq!(ann.post(&open, &key, &reason).await.ok(200), opened, "the same command");
    let second = ann.post(&open, &uuid_text(), &reason).await;
    let problem = second.problem(409, "conflict");
    assert_eq!(problem["params"]["by"], opened["opening"]["by"]);
    assert_eq!(problem["params"]["opened_at"], opened["opening"]["opened_at"]);
    assert_eq!(ann.get(&path).await.ok(200), opened);
    ann.post("/sessions", &uuid_text(), &sealed).await.ok(201);
    ann.get(&format!("/strategies/str_{NOWHERE}/seal")).await.problem(404, "not_found");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_strategy_is_offered_a_seal_and_a_later_version_never_seals_less() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let defaults = ann.get("/schemas/strategy/buy_and_hold/defaults").await.ok(200);
    assert_eq!(defaults["seal"]["share"], 0.15);
    let body = json!({"name": "grows", "config": defaults});
    let strategy = ann.post("/strategies", &uuid_text(), &body).await.ok(201);
    let path = format!("/strategies/{}", strategy["id"].as_str().unwrap());
    let versions = format!("{path}/versions");
    let save = async |share: Value| {
        let tag = ann.get(&path).await.header("etag").to_owned();
        let config = json!({"agent": {"algorithm": "buy_and_hold"}, "seal": {"share": share}});
        ann.send("POST", &versions, &tag, Some(&json!({"config": config}))).await
    };
    save(json!(0.3)).await.ok(201);
    for (share, code) in [
        (json!(0.15), "out_of_range"),
        (json!(0.95), "out_of_range"),
        (json!(-0.1), "out_of_range"),
    ] {
        let refused = save(share.clone()).await;
        let error = refused.problem(422, "validation_failed")["errors"][0].clone();
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!("/config/seal/share"), &json!(code)),
            "{share}"
        );
    }
    assert_eq!(ann.get(&format!("{path}/seal")).await.ok(200)["share"], 0.3);
    // A document without the field seals nothing, and is what it always was.
    let plain = json!({"kind": "strategy", "config": {"agent": {"algorithm": "buy_and_hold"}}});
    let checked = ann.post("/configs:validate", &uuid_text(), &plain).await.ok(200);
    assert_eq!(checked["effective"]["seal"], Value::Null);
    site.end().await;
}
