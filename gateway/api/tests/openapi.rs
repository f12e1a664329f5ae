//! What is described is served, and nothing else is.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{NOWHERE, read, start, uuid_text};

#[tokio::test(flavor = "multi_thread")]
async fn every_described_operation_is_served() {
    let site = start().await;
    let root = site.user("root", "admin").await;
    let document = root.get("/openapi.json").await.ok(200);
    assert_eq!(document, gateway::openapi());
    assert_eq!(document["openapi"], "3.1.0");
    let mut called = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let methods: BTreeSet<String> =
            operations.as_object().unwrap().keys().map(|m| m.to_uppercase()).collect();
        for (method, operation) in operations.as_object().unwrap() {
            let filled = path
                .replace("{id}", &format!("ses_{NOWHERE}"))
                .replace("{n}", "1")
                .replace("{algo}", "dqn")
                .replace("{kind}", "training");
            let mut request =
                root.request(&method.to_uppercase(), filled.strip_prefix("/api/v1").unwrap());
            request = request.header("idempotency-key", uuid_text()).header("if-match", "\"r1\"");
            if operation.get("requestBody").is_some() {
                request = request.json(&json!({}));
            }
            let got = read(request.send().await.unwrap()).await;
            let text = &got.text;
            assert!(![405, 500, 501].contains(&got.status.as_u16()), "{method} {path}: {text}");
            assert!(!text.contains("nothing is served at"), "{method} {path}: {text}");
            if got.status.is_success() {
                let wanted = operation["responses"].as_object().unwrap().keys().next().unwrap();
                assert_eq!(got.status.as_str(), wanted, "{method} {path}");
            }
            called += 1;
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if !methods.contains(method) {
                let filled = path
                    .replace("{id}", "x")
                    .replace("{n}", "1")
                    .replace("{algo}", "x")
                    .replace("{kind}", "x");
                let request = root.request(method, filled.strip_prefix("/api/v1").unwrap());
                read(request.send().await.unwrap()).await.problem(405, "method_not_allowed");
            }
        }
    }
    assert_eq!(called, gateway::route_summaries().len());
    site.end().await;
}

#[test]
fn every_reference_points_at_something_and_every_operation_has_its_own_id() {
    let document = gateway::openapi();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    let mut ids = BTreeSet::new();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{operation}"
            );
        }
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                references.push(reference.clone());
            }
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
