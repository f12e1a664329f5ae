//! Every route × every role, made from the table of routes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use gateway::route_summaries;
use serde_json::json;
use support::{NOWHERE, read, start, uuid_text};

#[tokio::test(flavor = "multi_thread")]
async fn every_role_passes_exactly_where_the_table_says() {
    let site = start().await;
    for role in actors::ROLES {
        let caller = site.user(&format!("a-{role}"), role).await;
        for route in route_summaries()
            .into_iter()
            .filter(|route| route.access != "cookie" && route.access != "public")
        {
            let path = fill(&route.path);
            let mut request = caller.request(route.method, path.strip_prefix("/api/v1").unwrap());
            if route.idempotent {
                request = request.header("idempotency-key", uuid_text());
            }
            if route.if_match {
                request = request.header("if-match", "\"r1\"");
            }
            if route.has_body {
                request = request.json(&json!({}));
            }
            let got = read(request.send().await.unwrap()).await;
            let refused = got.status.as_u16() == 403;
            assert_eq!(
                !refused,
                route.roles.contains(&role),
                "{role} {} {path}: {}",
                route.method,
                got.text
            );
        }
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_only_public_routes_answer() {
    let site = start().await;
    for route in route_summaries() {
        let method = reqwest::Method::from_bytes(route.method.as_bytes()).unwrap();
        let request = site
            .http
            .request(method, site.url(&fill(&route.path)))
            .header("idempotency-key", uuid_text());
        let got = read(request.send().await.unwrap()).await;
        match route.access {
            "public" => assert_ne!(got.status.as_u16(), 401, "{}", route.path),
            "cookie" => {
                got.problem(403, "forbidden");
            }
            _ => {
                got.problem(401, "unauthenticated");
            }
        }
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_is_changed_by_administrators_only() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let bob = site.user("bob", "advanced").await;
    let root = site.user("root", "admin").await;
    let session = ann.waiting_session("hers").await;
    let strategy = format!("/strategies/{}", session["strategy_id"].as_str().unwrap());
    let stop = format!("/sessions/{}:stop", session["id"].as_str().unwrap());
    assert_eq!(bob.get(&strategy).await.status.as_u16(), 200, "reading is shared");
    bob.send("PATCH", &strategy, "\"r1\"", Some(&json!({"description": "x"})))
        .await
        .problem(403, "forbidden");
    bob.send("DELETE", &strategy, "\"r1\"", None).await.problem(403, "forbidden");
    bob.send("POST", &stop, "", Some(&json!({"reason": "why not"})))
        .await
        .problem(403, "forbidden");
    root.send("POST", &stop, "", Some(&json!({"reason": "tidying up"}))).await.ok(202);
    site.end().await;
}

fn fill(path: &str) -> String {
    let id = match path.split('/').nth(3).unwrap_or_default().split(':').next().unwrap_or_default()
    {
        "strategies" => format!("str_{NOWHERE}"),
        "datasets" => format!("dst_{NOWHERE}"),
        "sessions" => format!("ses_{NOWHERE}"),
        _ => "node-1".to_owned(),
    };
    path.replace("{id}", &id)
        .replace("{n}", "1")
        .replace("{algo}", "dqn")
        .replace("{kind}", "training")
}
