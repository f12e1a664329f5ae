//! The cluster, its nodes and its scheduler over REST, on a node that stands alone.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use serde_json::{Value, json};
use support::{read, start, uuid_text};

#[tokio::test(flavor = "multi_thread")]
async fn operators_order_nodes_and_the_only_member_stays() {
    let site = start().await;
    let op = site.user("op", "operator").await;
    let cluster = op.get("/cluster").await.ok(200);
    assert_eq!((&cluster["alone"], &cluster["quorum"]), (&json!(true), &json!(true)));
    let node = cluster["leader"].as_str().unwrap().to_owned();
    let path = format!("/nodes/{node}");
    let why = json!({"reason": "new kernel"});
    let order = async |verb: &str, key: &str| op.post(&format!("{path}:{verb}"), key, &why).await;
    let done = order("cordon", "k1").await;
    assert_eq!(done.ok(202)["state"], "cordoned");
    assert!(done.header("tm-applied-index").parse::<u64>().is_ok());
    assert_eq!(order("uncordon", "k2").await.ok(202)["state"], "ready");
    assert_eq!(order("drain", "k3").await.ok(202)["reason"], "new kernel");
    order("cordon", "k4").await.problem(409, "illegal_transition");
    let bare = json!({"reason": "no", "confirm": node});
    let leave = format!("{path}:decommission");
    op.post(&leave, &uuid_text(), &bare).await.problem(422, "validation_failed");
    let other = json!({"reason": "too old", "confirm": "other"});
    op.post(&leave, &uuid_text(), &other).await.problem(422, "validation_failed");
    let right = json!({"reason": "too old", "confirm": node});
    op.post(&leave, &uuid_text(), &right).await.problem(409, "illegal_transition");
    assert_eq!(order("undrain", "k5").await.ok(202)["state"], "ready");
    op.get("/nodes/nobody").await.problem(404, "not_found");
    assert_eq!(op.get(&format!("{path}/links")).await.ok(200)["items"], json!([]));
    let tree = op.get(&format!("/actors?node={node}")).await.ok(200);
    let rows = tree["items"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["node"] == node.as_str()));
    assert!(rows.iter().any(|row| row["queue_age_ms"].is_u64()));
    op.get("/cluster?consistency=linearizable").await.ok(200);
    op.get("/cluster?consistency=maybe").await.problem(400, "malformed");
    let ahead = op.request("GET", "/cluster").header("tm-min-index", "x").send().await.unwrap();
    read(ahead).await.problem(400, "malformed");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_wait_say_why_and_are_not_moved() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let session = ann.waiting_session("first").await;
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    let why = ann.get(&format!("{path}/why")).await.ok(200);
    assert_eq!((&why["state"], &why["node"]), (&json!("pending"), &Value::Null));
    assert_eq!(why["considered"][0]["fits"], false, "{why}");
    let refused = ann.post(&format!("{path}:move"), &uuid_text(), &json!({})).await;
    refused.problem(409, "illegal_transition");
    let capacity = ann.get("/scheduler/capacity").await.ok(200);
    assert_eq!(capacity["total"]["cores"], capacity["nodes"][0]["cores"]);
    ann.get("/scheduler/queue").await.ok(200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_are_made_changed_and_removed_by_administrators() {
    let site = start().await;
    let root = site.user("root", "admin").await;
    let path = "/scheduler/quotas/team%3Aalpha";
    let limits = json!({"cpu_max": 4});
    let made = root.send("PUT", path, "\"r0\"", Some(&limits)).await;
    assert_eq!(made.ok(200)["cpu_max"], 4);
    assert_eq!(made.header("etag"), "\"r1\"");
    root.send("PUT", path, "\"r0\"", Some(&limits)).await.problem(412, "stale_revision");
    let more = json!({"cpu_max": 8, "weight": 2});
    assert_eq!(root.send("PUT", path, "\"r1\"", Some(&more)).await.ok(200)["weight"], 2);
    root.send("DELETE", path, "\"r1\"", None).await.problem(412, "stale_revision");
    root.send("DELETE", path, "\"r2\"", None).await.ok(204);
    root.get(path).await.problem(404, "not_found");
    root.get("/scheduler/quotas/else").await.problem(404, "not_found");
    let named = "/scheduler/quotas/user%3Aroot";
    let id = root.send("PUT", named, "\"r0\"", Some(&limits)).await.ok(200)["id"].clone();
    assert!(id.as_str().unwrap().starts_with("user:usr_"), "{id}");
    site.end().await;
}
