//! One intent, one effect: repeated keys, other bodies, and a gateway that was replaced in between.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use std::sync::Arc;

use serde_json::{Value, json};
use support::{DEADLINE, read, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_command_gets_the_first_answer() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let bob = site.user("bob", "ordinary").await;
    let body = json!({"name": "one", "config": {"agent": {"algorithm": "dqn"}}});
    let first = ann.post("/strategies", "key", &body).await;
    let again = ann.post("/strategies", "key", &body).await;
    assert_eq!(first.ok(201), again.ok(201));
    assert_eq!(
        (first.header("idempotency-replayed"), again.header("idempotency-replayed")),
        ("", "true")
    );
    assert_eq!(first.header("etag"), again.header("etag"));
    let other = json!({"name": "two", "config": {"agent": {"algorithm": "dqn"}}});
    ann.post("/strategies", "key", &other).await.problem(422, "idempotency_mismatch");
    bob.post("/strategies", "key", &other).await.ok(201);
    ann.post("/datasets", "key", &json!({"name": "d", "synthetic": {"seed": 1, "rows": 400}}))
        .await
        .ok(201);
    assert_eq!(ann.get("/strategies").await.ok(200)["items"].as_array().unwrap().len(), 2);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_may_be_put_right_under_the_same_key() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let bad = json!({"name": "one", "config": {"agent": {"algorithm": "nonsense"}}});
    ann.post("/strategies", "key", &bad).await.problem(422, "validation_failed");
    let good = json!({"name": "one", "config": {"agent": {"algorithm": "dqn"}}});
    ann.post("/strategies", "key", &good).await.ok(201);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_repeats_at_once_have_one_effect() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let body = json!({"name": "one", "config": {"agent": {"algorithm": "dqn"}}});
    let calls = (0..20).map(|_| ann.post("/strategies", "key", &body));
    let all = futures_util::future::join_all(calls).await;
    let made: Vec<_> =
        all.iter().filter(|got| got.status.as_u16() == 201).map(support::Got::json).collect();
    assert!(!made.is_empty() && made.iter().all(|view| *view == made[0]));
    for got in all.iter().filter(|got| got.status.as_u16() != 201) {
        got.problem(409, "command_in_progress");
    }
    assert_eq!(ann.get("/strategies").await.ok(200)["items"].as_array().unwrap().len(), 1);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_gateway_repeats_nothing() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let config = json!({"agent": {"algorithm": "dqn"}});
    let body = json!({"name": "one", "description": "d", "config": config});
    let first = ann.post("/strategies", "key", &body).await.ok(201);
    let data = json!({"name": "made", "synthetic": {"seed": 7, "rows": 400}});
    let made = ann.post("/datasets", "key", &data).await.ok(201);
    let second = gateway::serve(site.config.clone(), site.platform.clone(), Arc::new(NoPages))
        .await
        .unwrap();
    let base = format!("http://{}/api/v1", second.local_addr());
    let post = |path: &str, body: &Value| {
        let request = site.http.post(format!("{base}{path}")).bearer_auth(&ann.token);
        let request = request.header("idempotency-key", "key").json(body).send();
        async { read(request.await.unwrap()).await }
    };
    for other in [
        json!({"name": "two", "description": "d", "config": config}),
        json!({"name": "one", "description": "e", "config": config}),
        json!({"name": "one", "description": "d", "config": {}}),
        json!({"name": "one", "description": "d", "config": {"agent": {"algorithm": "nonsense"}}}),
    ] {
        post("/strategies", &other).await.problem(422, "idempotency_mismatch");
    }
    let again = post("/strategies", &body).await;
    assert_eq!(again.ok(201)["id"], first["id"], "the actor knows the command");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(post("/strategies", &body).await.header("idempotency-replayed"), "true");

    let other = json!({"name": "made", "synthetic": {"seed": 8, "rows": 400}});
    post("/datasets", &other).await.problem(422, "idempotency_mismatch");
    let again = post("/datasets", &data).await;
    assert_eq!((&again.ok(201), again.header("idempotency-replayed")), (&made, "true"));
    assert_eq!(ann.get("/strategies").await.ok(200)["items"].as_array().unwrap().len(), 1);
    second.shutdown(DEADLINE).await;
    site.end().await;
}

struct NoPages;

impl gateway::Pages for NoPages {
    fn lookup(&self, _: &str, _: gateway::Encodings) -> Option<gateway::PageFile> {
        None
    }
}
