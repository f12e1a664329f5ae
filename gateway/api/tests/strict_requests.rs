//! What may be understood in two ways is refused: headers and keys that stand twice, other content types, null.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use serde_json::json;
use support::{As, Got, read, start, uuid_text};

/// Sends a new strategy as text with these headers.
async fn send(ann: &As<'_>, headers: &[(&'static str, &'static str)], body: &str) -> Got {
    let mut request = ann.request("POST", "/strategies").body(body.to_owned());
    if !headers.iter().any(|(name, _)| *name == "idempotency-key") {
        request = request.header("idempotency-key", uuid_text());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_read_as_json_or_without_a_type_and_as_nothing_else() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let good: [&[(&str, &str)]; 6] = [
        &[],
        &[("content-type", "application/json")],
        &[("content-type", "Application/JSON; Charset=\"UTF-8\"")],
        &[("content-type", "application/json;charset=utf-8")],
        &[("content-type", "application/json"), ("content-encoding", "identity")],
        &[("content-type", "application/json;")],
    ];
    for (number, headers) in good.into_iter().enumerate() {
        let body = json!({"name": format!("s{number}"), "config": {}}).to_string();
        send(&ann, headers, &body).await.ok(201);
    }
    let bad: [&[(&str, &str)]; 8] = [
        &[("content-type", "text/plain")],
        &[("content-type", "application/json; charset=utf-16")],
        &[("content-type", "application/json; charset=latin1; charset=utf-8")],
        &[("content-type", "application/json; version=2")],
        &[("content-type", "")],
        &[("content-type", "application/jsonp")],
        &[("content-encoding", "gzip")],
        &[("content-type", "application/json"), ("content-encoding", "identity, br")],
    ];
    for headers in bad {
        let got = send(&ann, headers, "{\"name\": \"x\", \"config\": {}}").await;
        assert_eq!(got.status.as_u16(), 415, "{headers:?}: {}", got.text);
        got.problem(415, "unsupported_media_type");
    }
    let upload = ann.request("POST", "/datasets?name=x&format=csv").body("date,open\n");
    let upload = upload.header("idempotency-key", uuid_text()).header("content-encoding", "gzip");
    read(upload.header("content-type", "text/csv").send().await.unwrap())
        .await
        .problem(415, "unsupported_media_type");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_decide_stand_once() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let body = "{\"name\": \"x\", \"config\": {}}";
    let twice: [(&str, &[(&str, &str)]); 4] = [
        ("authorization", &[("authorization", "Bearer x")]),
        ("idempotency-key", &[("idempotency-key", "a"), ("idempotency-key", "a")]),
        ("if-match", &[("if-match", "\"r1\""), ("if-match", "\"r2\"")]),
        (
            "content-type",
            &[("content-type", "application/json"), ("content-type", "application/json")],
        ),
    ];
    for (name, headers) in twice {
        let problem = send(&ann, headers, body).await.problem(400, "malformed");
        let detail = problem["detail"].as_str().unwrap().to_lowercase();
        assert!(detail.contains(name), "{name}: {detail}");
    }
    assert!(ann.get("/strategies").await.ok(200)["items"].as_array().unwrap().is_empty());
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_body_stand_once() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    for (key, body) in [
        ("name", r#"{"name": "x", "config": {}, "name": "y"}"#),
        ("gamma", r#"{"name": "x", "config": {"agent": [{"gamma": 1, "gamma": 2}]}}"#),
        ("name", r#"{"name": "x", "config": {}, "n\u0061me": "y"}"#),
    ] {
        let problem = send(&ann, &[], body).await.problem(400, "malformed");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("'{key}'")), "{detail}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    send(&ann, &[], &deep).await.problem(400, "malformed");
    send(&ann, &[], "{\"name\": \"x\", \"config\": {}} {}").await.problem(400, "malformed");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn null_in_a_change_clears_what_may_be_empty_and_an_empty_change_changes_nothing() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let body = json!({"name": "one", "description": "long", "config": {}});
    let made = ann.post("/strategies", "k", &body).await;
    let path = format!("/strategies/{}", made.ok(201)["id"].as_str().unwrap());
    let tag = made.header("etag").to_owned();
    for same in [json!({}), json!({"name": "one"}), json!({"description": "long"})] {
        let got = ann.send("PATCH", &path, &tag, Some(&same)).await;
        assert_eq!((got.ok(200), got.header("etag")), (made.json(), tag.as_str()), "{same}");
    }
    let refused = ann.send("PATCH", &path, &tag, Some(&json!({"name": null}))).await;
    assert_eq!(refused.problem(422, "validation_failed")["errors"][0]["pointer"], "/name");
    let cleared = ann.send("PATCH", &path, &tag, Some(&json!({"description": null}))).await;
    assert_eq!(
        (&cleared.ok(200)["description"], &cleared.json()["name"]),
        (&json!(""), &json!("one"))
    );
    assert_ne!(cleared.header("etag"), tag);
    site.end().await;
}
