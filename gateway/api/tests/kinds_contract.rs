//! Labellings and evaluations over REST: what they are asked for with, and where their reports are found.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use serde_json::{Value, json};
use support::{start, uuid_text};

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_has_a_schema_and_defaults_that_are_accepted() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    for kind in ["training", "backtest", "labelling", "evaluation"] {
        let schema = ann.get(&format!("/schemas/session/{kind}")).await.ok(200);
        assert_eq!(schema["properties"]["kind"]["default"], kind);
        let defaults = ann.get(&format!("/schemas/session/{kind}/defaults")).await.ok(200);
        let check = json!({"kind": "session", "config": defaults});
        let checked = ann.post("/configs:validate", &uuid_text(), &check).await.ok(200);
        assert_eq!((&checked["ok"], &checked["effective"]), (&json!(true), &defaults), "{kind}");
    }
    ann.get("/schemas/session/labeling").await.problem(404, "not_found");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_names_its_baselines_and_its_report_is_described() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let check = async |baselines: Value| {
        let config = json!({"kind": "evaluation", "baselines": baselines, "explainability": 40});
        let body = json!({"kind": "session", "config": config});
        ann.post("/configs:validate", &uuid_text(), &body).await.ok(200)
    };
    assert_eq!(check(json!(["buy_and_hold", "risk_parity"])).await["ok"], true);
    let refused = check(json!(["nobody"])).await;
    assert_eq!(refused["ok"], false);
    assert!(refused.to_string().contains("/baselines/0"), "{refused}");
    let document: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
    let report = &document["components"]["schemas"]["EvaluationReport"]["properties"];
    for part in ["prudex", "costs", "costs_fixed", "overfitting", "causality", "missing"] {
        assert!(report[part].is_object(), "{part} of the report is not described");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_labelling_needs_no_strategy_and_its_labels_have_a_place_of_their_own() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let dataset = ann.dataset("market").await;
    // More cores than there are: it waits for ever.
    let body = |kind: &str, more: &Value| {
        let mut body = json!({
            "name": kind, "dataset_id": dataset["id"], "config": {"kind": kind}, "resources": {"cpu": 8},
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    };
    let posted = async |body: &Value| ann.post("/sessions", &uuid_text(), body).await;
    let session = posted(&body("labelling", &json!({}))).await.ok(201);
    assert_eq!((&session["kind"], &session["strategy_id"]), (&json!("labelling"), &Value::Null));
    let listed = ann.get("/sessions?kind=labelling").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert!(
        ann.get("/sessions?kind=evaluation").await.ok(200)["items"].as_array().unwrap().is_empty()
    );

    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    for (place, says) in [("labels", "pending"), ("report", "labels"), ("evaluation", "labels")] {
        let found = ann.get(&format!("{path}/{place}")).await;
        let detail = found.problem(404, "not_found")["detail"].to_string();
        assert!(detail.contains(says), "{place}: {detail}");
    }
    let strategy = ann.strategy("learner").await;
    for (body, pointer, code) in [
        (body("labelling", &json!({"strategy_id": strategy["id"]})), "/strategy_id", "not_allowed"),
        (body("evaluation", &json!({})), "/strategy_id", "missing_field"),
        (
            body("evaluation", &json!({"strategy_id": strategy["id"]})),
            "/config/policy",
            "not_trained",
        ),
        (
            body("labelling", &json!({"config": {"kind": "labelling", "data": "x.csv"}})),
            "/config/data",
            "not_allowed",
        ),
    ] {
        let refused = posted(&body).await;
        let errors = refused.problem(422, "validation_failed")["errors"].clone();
        assert_eq!((&errors[0]["pointer"], &errors[0]["code"]), (&json!(pointer), &json!(code)));
    }
    let guest = site.user("guest", "viewer").await;
    let refused = guest.post("/sessions", &uuid_text(), &body("labelling", &json!({}))).await;
    refused.problem(403, "forbidden");
    site.end().await;
}
