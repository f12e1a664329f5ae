//! Every group of routes, good and bad, against a real platform.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use serde_json::{Value, json};
use support::{NOWHERE, PASSWORD, Site, read, start, until, uuid_text};

#[tokio::test(flavor = "multi_thread")]
async fn strategies_are_made_read_changed_versioned_and_archived() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let body =
        json!({"name": "momentum", "description": "d", "config": {"agent": {"algorithm": "dqn"}}});
    let made = ann.post("/strategies", "k1", &body).await;
    let strategy = made.ok(201);
    let path = format!("/strategies/{}", strategy["id"].as_str().unwrap());
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    assert_eq!((&strategy["algorithm"], &strategy["version"]), (&json!("dqn"), &json!(1)));

    let got = ann.get(&path).await;
    assert_eq!(got.ok(200), strategy);
    let tag = got.header("etag").to_owned();
    assert_eq!(tag, format!("\"r{}\"", strategy["revision"]));

    ann.send("PATCH", &path, "", Some(&json!({"name": "x"})))
        .await
        .problem(428, "precondition_required");
    ann.send("PATCH", &path, "\"r99\"", Some(&json!({"name": "x"})))
        .await
        .problem(412, "stale_revision");
    let changed = ann.send("PATCH", &path, &tag, Some(&json!({"description": "new"}))).await;
    assert_eq!(changed.ok(200)["description"], "new");
    let tag = changed.header("etag").to_owned();

    let config = json!({"config": {"agent": {"algorithm": "dqn", "gamma": 0.5}}});
    ann.send("POST", &format!("{path}/versions"), "", Some(&config))
        .await
        .problem(428, "precondition_required");
    let version = ann.send("POST", &format!("{path}/versions"), &tag, Some(&config)).await;
    assert_eq!(version.ok(201)["version"], 2);
    assert_eq!(version.header("location"), format!("/api/v1{path}/versions/2"));
    let stale = ann.send("POST", &format!("{path}/versions"), &tag, Some(&config)).await;
    assert_eq!(stale.problem(412, "stale_revision")["params"]["revision"], 3);
    let versions = ann.get(&format!("{path}/versions")).await.ok(200);
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);
    assert_eq!(ann.get(&format!("{path}/versions/1")).await.ok(200)["version"], 1);
    for missing in ["3", "x", "-1", "0", "99999999999"] {
        ann.get(&format!("{path}/versions/{missing}")).await.problem(404, "not_found");
    }

    let bad = json!({"name": "bad", "config": {"agent": {"algorithm": "dqn", "gamma": 7, "gama": 1}, "zzz": 1}});
    let errors = ann
        .post("/strategies", &uuid_text(), &bad)
        .await
        .problem(422, "validation_failed")["errors"]
        .clone();
    let pointers: Vec<&str> =
        errors.as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    for wanted in ["/config/agent/gamma", "/config/agent/gama", "/config/zzz"] {
        assert!(pointers.contains(&wanted), "{wanted} in {pointers:?}");
    }
    ann.post("/strategies", &uuid_text(), &body).await.problem(409, "conflict");

    let tag = ann.get(&path).await.header("etag").to_owned();
    assert_eq!(ann.send("DELETE", &path, &tag, None).await.ok(200)["archived"], true);
    assert_eq!(
        ann.post(&format!("{path}:archive"), "k9", &json!({})).await.status.as_u16(),
        400,
        "no body is taken"
    );
    assert_eq!(
        ann.send("POST", &format!("{path}:archive"), "", None).await.ok(200)["archived"],
        true
    );
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_by_signed_cursors() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    for name in ["a", "b", "c"] {
        ann.strategy(name).await;
    }
    let first = ann.get("/strategies?limit=2").await.ok(200);
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert!(first["as_of"].as_str().unwrap().ends_with('Z'));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ann.get(&format!("/strategies?limit=2&cursor={cursor}")).await.ok(200);
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!(second["next_cursor"], Value::Null);
    let mut names: Vec<Value> = Vec::new();
    for page in [&first, &second] {
        names.extend(page["items"].as_array().unwrap().iter().map(|row| row["name"].clone()));
    }
    assert_eq!(names, ["c", "b", "a"]);

    ann.get(&format!("/strategies?name=a&cursor={cursor}")).await.problem(400, "bad_cursor");
    ann.get(&format!("/datasets?cursor={cursor}")).await.problem(400, "bad_cursor");
    ann.get("/strategies?cursor=AAAA").await.problem(400, "bad_cursor");
    site.clock.forward(std::time::Duration::from_secs(300));
    ann.get(&format!("/strategies?limit=2&cursor={cursor}")).await.ok(200);
    ann.get("/strategies?limit=0").await.problem(422, "validation_failed");
    let unknown = ann.get("/strategies?limt=5&x=1").await.problem(400, "unknown_parameter");
    assert_eq!(unknown["params"]["parameters"], json!(["limt", "x"]));
    assert_eq!(ann.get("/strategies?name=B").await.ok(200)["items"][0]["name"], "b");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datasets_are_imported_shown_and_removed() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let synthetic = ann.dataset("made").await;
    assert_eq!((&synthetic["synthetic"], &synthetic["rows"]), (&json!(true), &json!(400)));

    let mut csv = String::from("date,open,high,low,close,vol\n");
    for day in 1..=28 {
        csv.push_str(&format!("2024-01-{day:02},10,12,9,11,100\n"));
    }
    let import = |query: &str, kind: &'static str, body: String| {
        let request = ann
            .request("POST", &format!("/datasets?{query}"))
            .header("idempotency-key", uuid_text());
        request.header("content-type", kind).body(body).send()
    };
    let got = read(
        import("name=bars&format=csv&instrument=BTC&map.volume=vol", "text/csv", csv.clone())
            .await
            .unwrap(),
    )
    .await;
    let dataset = got.ok(201);
    assert_eq!((&dataset["rows"], &dataset["synthetic"]), (&json!(28), &json!(false)));
    assert_eq!(dataset["instrument"], "BTC");
    let path = format!("/datasets/{}", dataset["id"].as_str().unwrap());
    assert_eq!(got.header("location"), format!("/api/v1{path}"));

    read(import("name=bars&format=csv&map.nonsense=x", "text/csv", csv.clone()).await.unwrap())
        .await
        .problem(422, "validation_failed");
    read(import("", "text/csv", csv.clone()).await.unwrap())
        .await
        .problem(422, "validation_failed");
    read(import("name=x&format=csv", "application/pdf", csv.clone()).await.unwrap())
        .await
        .problem(415, "unsupported_media_type");
    let broken = csv.replace("2024-01-05,10,12,9", "2024-01-05,10,1,9");
    let refused = read(import("name=broken&format=csv", "text/csv", broken).await.unwrap()).await;
    assert!(refused.status.is_client_error() && refused.text.contains("line"), "{}", refused.text);
    read(import("name=bars&format=csv", "text/csv", csv).await.unwrap())
        .await
        .problem(409, "conflict");
    let all = ann.get("/datasets").await.ok(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 2, "nothing half imported");

    let bars = ann.get(&format!("{path}/bars?bins=7")).await.ok(200);
    assert!(bars["close"].as_array().unwrap().len() <= 7);
    ann.get(&format!("{path}/bars?bins=0")).await.problem(422, "validation_failed");
    let tag = ann.get(&path).await.header("etag").to_owned();
    ann.send("DELETE", &path, "", None).await.problem(428, "precondition_required");
    ann.send("DELETE", &path, "\"r77\"", None).await.problem(412, "stale_revision");
    assert_eq!(ann.send("DELETE", &path, &tag, None).await.status.as_u16(), 204);
    ann.get(&path).await.problem(404, "not_found");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_started_commanded_and_read() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let session = ann.waiting_session("first").await;
    assert_eq!(session["state"], "pending");
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    let got = ann.get(&path).await;
    assert_eq!(got.ok(200)["id"], session["id"]);
    assert!(got.header("etag").starts_with("\"r"));
    until("a reason that a person understands", || async {
        !ann.get(&path).await.ok(200)["reason"].as_str().unwrap().is_empty()
    })
    .await;
    assert_eq!(
        ann.get("/sessions?kind=training&state=pending").await.ok(200)["items"][0]["id"],
        session["id"]
    );
    assert_eq!(ann.get("/sessions?kind=backtest").await.ok(200)["items"], json!([]));
    ann.get("/sessions?kind=live").await.problem(422, "validation_failed");
    ann.get("/sessions?strategy_id=x").await.problem(422, "validation_failed");

    for tail in [
        "timeline",
        "checkpoints",
        "logs",
        "logs?after=0&limit=5",
        "metrics",
        "metrics?raw=true&after=0&limit=5",
    ] {
        let list = ann.get(&format!("{path}/{tail}")).await.ok(200);
        assert!(list["items"].is_array() && list["as_of"].is_string(), "{tail}: {list}");
    }
    ann.get(&format!("{path}/metrics?bins=2001")).await.problem(422, "validation_failed");
    ann.get(&format!("{path}/report")).await.problem(404, "not_found");
    for verb in ["pause", "resume", "checkpoint"] {
        ann.post(&format!("{path}:{verb}"), &uuid_text(), &json!({}))
            .await
            .problem(409, "illegal_transition");
    }
    ann.post(&format!("{path}:stop"), &uuid_text(), &json!({"reason": "x"}))
        .await
        .problem(422, "validation_failed");
    let dataset = format!("/datasets/{}", session["dataset_id"].as_str().unwrap());
    let tag = ann.get(&dataset).await.header("etag").to_owned();
    ann.send("DELETE", &dataset, &tag, None).await.problem(409, "in_use");
    let stopped =
        ann.post(&format!("{path}:stop"), "stop-1", &json!({"reason": "enough of it"})).await;
    assert!(["stopping", "stopped"].contains(&stopped.ok(202)["state"].as_str().unwrap()));
    until("the end", || async { ann.get(&path).await.ok(200)["state"] == "stopped" }).await;
    assert!(ann.get(&format!("{path}/timeline")).await.text.contains("enough of it"));
    let without_body = ann.send("POST", &format!("{path}:stop"), "", None).await;
    without_body.problem(409, "illegal_transition");

    let nobody = json!({
        "name": "", "strategy_id": format!("str_{NOWHERE}"), "dataset_id": format!("dst_{NOWHERE}"),
        "config": {"kind": "training", "epochs": 0}, "resources": {"cpu": 0},
    });
    let errors = ann
        .post("/sessions", &uuid_text(), &nobody)
        .await
        .problem(422, "validation_failed")["errors"]
        .clone();
    assert!(!errors.as_array().unwrap().is_empty());
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn algorithms_schemas_defaults_and_checks_come_from_the_engine() {
    let site = start().await;
    let eve = site.user("eve", "viewer").await;
    let algorithms = eve.get("/algorithms").await.ok(200);
    for algorithm in algorithms.as_array().unwrap() {
        let id = algorithm["id"].as_str().unwrap();
        assert!(
            eve.get(&format!("/schemas/strategy/{id}")).await.ok(200)["properties"].is_object()
        );
        let defaults = eve.get(&format!("/schemas/strategy/{id}/defaults")).await.ok(200);
        assert_eq!(defaults["agent"]["algorithm"], id);
        let body = json!({"kind": "strategy", "config": defaults});
        let checked =
            read(eve.request("POST", "/configs:validate").json(&body).send().await.unwrap())
                .await
                .ok(200);
        assert_eq!((&checked["ok"], &checked["effective"]), (&json!(true), &body["config"]));
        assert_eq!(checked["hash"].as_str().unwrap().len(), 64);
    }
    for kind in ["training", "backtest"] {
        assert!(
            eve.get(&format!("/schemas/session/{kind}")).await.ok(200)["properties"].is_object()
        );
        assert_eq!(
            eve.get(&format!("/schemas/session/{kind}/defaults")).await.ok(200)["kind"],
            kind
        );
    }
    for path in [
        "/schemas/strategy/x",
        "/schemas/strategy/x/defaults",
        "/schemas/session/x",
        "/schemas/session/x/defaults",
    ] {
        eve.get(path).await.problem(404, "not_found");
    }
    let bad = json!({"kind": "strategy", "config": {"agent": {"algorithm": "dqn", "gamma": 2}}});
    let checked = read(eve.request("POST", "/configs:validate").json(&bad).send().await.unwrap())
        .await
        .ok(200);
    assert_eq!(
        (&checked["ok"], &checked["errors"][0]["pointer"]),
        (&json!(false), &json!("/agent/gamma"))
    );
    let faithful = json!({"kind": "strategy", "config": {"environment": {"task": "algorithmic_trading", "truth": "faithful"}}});
    let checked =
        read(eve.request("POST", "/configs:validate").json(&faithful).send().await.unwrap())
            .await
            .ok(200);
    assert_eq!(checked["warnings"][0]["code"], "verification_only", "{checked}");
    let session = json!({"kind": "session", "config": {"kind": "training", "epochs": "many"}});
    let checked =
        read(eve.request("POST", "/configs:validate").json(&session).send().await.unwrap())
            .await
            .ok(200);
    assert_eq!(checked["errors"][0]["pointer"], "/epochs");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_describes_itself() {
    let site = start().await;
    let eve = site.user("eve", "viewer").await;
    let about = eve.get("/about").await.ok(200);
    assert_eq!(
        (&about["name"], &about["node"], &about["mode"]),
        (&json!("TradeMaster Cluster"), &json!("node-1"), &json!("sim"))
    );
    assert_eq!(eve.get("/nodes").await.ok(200)["items"][0]["id"], "node-1");
    assert_eq!(eve.get("/nodes/node-1").await.ok(200)["up"], true);
    eve.get("/nodes/node-2").await.problem(404, "not_found");
    assert!(!eve.get("/actors").await.ok(200)["items"].as_array().unwrap().is_empty());
    let me = eve.get("/me").await.ok(200);
    assert_eq!((&me["name"], &me["role"]), (&json!("eve"), &json!("viewer")));
    assert!(me["permissions"].as_array().unwrap().contains(&json!("session:read")));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_apart() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let raw = |body: &'static str, kind: &'static str| {
        let request = ann.request("POST", "/strategies").header("idempotency-key", uuid_text());
        request.header("content-type", kind).body(body).send()
    };
    read(raw("{", "application/json").await.unwrap()).await.problem(400, "malformed");
    read(raw("\u{0}", "application/json").await.unwrap()).await.problem(400, "malformed");
    read(raw("{\"name\": NaN}", "application/json").await.unwrap()).await.problem(400, "malformed");
    read(raw("name=x", "application/x-www-form-urlencoded").await.unwrap())
        .await
        .problem(415, "unsupported_media_type");
    let unknown =
        ann.post("/strategies", &uuid_text(), &json!({"name": "a", "config": {}, "nmae": 1})).await;
    let errors = unknown.problem(422, "validation_failed")["errors"].clone();
    assert_eq!(
        (&errors[0]["pointer"], &errors[0]["code"]),
        (&json!("/nmae"), &json!("unknown_field"))
    );

    let no_key = ann
        .request("POST", "/strategies")
        .json(&json!({"name": "a", "config": {}}))
        .send()
        .await
        .unwrap();
    read(no_key).await.problem(400, "idempotency_key_required");
    read(ann.request("GET", "/strategies").body("x").send().await.unwrap())
        .await
        .problem(400, "malformed");
    let put = read(ann.request("PUT", "/strategies").send().await.unwrap()).await;
    put.problem(405, "method_not_allowed");
    assert_eq!(put.header("allow"), "GET, POST");
    for path in ["/nothing", "/sessions/", "/sessions/x/y/z", "/strategies/x:fly", "/"] {
        ann.get(path).await.problem(404, "not_found");
    }
    for path in ["/api", "/api/", "/api/v2/me", "/api/v1", "/api/v1x"] {
        site.get(path).await.problem(404, "not_found");
    }
    for path in ["/sessions/ses_1", "/strategies/x", "/datasets/%00", "/sessions/str_x"] {
        ann.get(path).await.problem(404, "not_found");
    }
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced =
        read(ann.request("GET", "/nothing").header("traceparent", trace).send().await.unwrap())
            .await;
    assert_eq!(traced.problem(404, "not_found")["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_other_logins() {
    let site: Site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let change = |current: &str, new: &str| {
        ann.request("POST", "/me/password").json(&json!({"current": current, "new": new})).send()
    };
    read(change("wrong", "another-long-one-77").await.unwrap())
        .await
        .problem(422, "validation_failed");
    let weak =
        read(change(PASSWORD, "short").await.unwrap()).await.problem(422, "validation_failed");
    assert_eq!(weak["errors"][0]["pointer"], "/new");
    assert_eq!(
        read(change(PASSWORD, "another-long-one-77").await.unwrap()).await.status.as_u16(),
        204
    );
    site.login("ann", PASSWORD).await.problem(401, "unauthenticated");
    site.login("ANN", "another-long-one-77").await.ok(200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_on_too_few_bars_or_on_data_of_another_kind_is_refused_when_it_is_submitted() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let strategy = ann.strategy("momentum").await;
    let short = json!({"name": "short", "synthetic": {"seed": 7, "rows": 100}});
    let short = ann.post("/datasets", &uuid_text(), &short).await.ok(201);
    for kind in ["training", "backtest"] {
        let policy = json!({"source": "session", "session_id": format!("ses_{NOWHERE}")});
        let config = match kind {
            "training" => json!({"kind": kind}),
            _ => json!({"kind": kind, "policy": policy}),
        };
        let body = json!({"name": "s", "strategy_id": strategy["id"], "dataset_id": short["id"], "config": config});
        let refused = ann.post("/sessions", &uuid_text(), &body).await;
        let error = refused.problem(422, "validation_failed")["errors"][0].clone();
        assert_eq!(
            (&error["pointer"], &error["code"], &error["params"]["rows"]),
            (&json!("/dataset_id"), &json!("too_short"), &json!(100)),
            "{error}"
        );
        let needed = error["params"]["needed"].as_u64().unwrap();
        assert!(needed > 100 && error["detail"].as_str().unwrap().contains(&needed.to_string()));
        let enough =
            json!({"name": format!("{kind} enough"), "synthetic": {"seed": 7, "rows": needed}});
        let enough = ann.post("/datasets", &uuid_text(), &enough).await.ok(201);
        let mut body = body;
        body["dataset_id"] = enough["id"].clone();
        let answer = ann.post("/sessions", &uuid_text(), &body).await;
        assert!(!answer.text.contains("too_short"), "{}", answer.text);
        if kind == "training" {
            answer.ok(201);
        }
    }
    // A task on data of another kind is refused with the kind it needs, however long the data is.
    let portfolio = json!({
        "name": "portfolio",
        "config": {"environment": {"task": "portfolio"}, "agent": {"algorithm": "buy_and_hold"}},
    });
    let portfolio = ann.post("/strategies", &uuid_text(), &portfolio).await.ok(201);
    let body = json!({
        "name": "s",
        "strategy_id": portfolio["id"],
        "dataset_id": short["id"],
        "config": {"kind": "backtest"},
    });
    let refused = ann.post("/sessions", &uuid_text(), &body).await;
    let errors = refused.problem(422, "validation_failed")["errors"].clone();
    assert_eq!(errors.as_array().map(Vec::len), Some(1), "{errors}");
    assert_eq!(
        (&errors[0]["pointer"], &errors[0]["code"], &errors[0]["params"]["allowed"]),
        (&json!("/dataset_id"), &json!("not_allowed"), &json!(["panel"])),
        "{errors}"
    );
    assert_eq!(ann.get("/sessions").await.ok(200)["items"].as_array().unwrap().len(), 1);
    site.end().await;
}
