//! `tm evaluate`: may a result be trusted? Starts the session, and prints what it found.

mod view;

use std::path::Path;

use serde_json::{Value, json};

pub(crate) use self::view::render;
use super::{Context, follow, pick};
use crate::cli::EvaluateArgs;
use crate::error::CliError;

/// Starts an evaluation, and waits for its report where that is asked for.
///
/// # Errors
/// What the gateway refuses, or a failed session.
pub(crate) async fn run(args: EvaluateArgs, context: &Context) -> Result<(), CliError> {
    let body = request(context, &args).await?;
    let submitted = context.client.post("/api/v1/sessions", body).await?;
    let id = pick::id(&submitted);
    if !args.wait {
        return context.out.value(&submitted, |_| id.clone());
    }
    let done = follow::until_done(context, &id, None).await?;
    if pick::text(&done, "state") != "completed" {
        return Ok(());
    }
    show(context, &id).await
}

/// Prints the report of an evaluation.
///
/// # Errors
/// There is none, with the reason.
pub(crate) async fn show(context: &Context, id: &str) -> Result<(), CliError> {
    let document = context.client.get(&format!("/api/v1/sessions/{id}/evaluation")).await?;
    context.out.value(&document, render)
}

/// Writes the compass of an evaluation into a file, and says which axes have no score.
///
/// # Errors
/// There is no evaluation or no compass, with the reason; the file cannot be written.
pub(crate) async fn write_compass(
    context: &Context,
    id: &str,
    file: &Path,
) -> Result<(), CliError> {
    let report = context.client.get(&format!("/api/v1/sessions/{id}/evaluation")).await?;
    let text = compass_text(&report)?;
    std::fs::write(file, text)
        .map_err(|source| CliError::Io { what: format!("write {}", file.display()), source })?;
    let blank: Vec<&String> = report["prudex"]["axes"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(axis, score)| score.is_null().then_some(axis))
        .collect();
    let written = json!({"file": file.display().to_string(), "axes_without_score": blank});
    context.out.value(&written, |_| {
        let names: Vec<&str> = blank.iter().map(|axis| axis.as_str()).collect();
        let least = if names.is_empty() {
            String::new()
        } else {
            format!("; without a score and drawn at 1: {}", names.join(", "))
        };
        format!("compass written to {}{least}", file.display())
    })
}

/// Returns the compass of a report as a document.
///
/// # Errors
/// There is none, with the report's reason.
fn compass_text(report: &Value) -> Result<String, CliError> {
    let compass = &report["prudex"]["compass"];
    if compass.is_object() {
        return Ok(format!("{compass:#}\n"));
    }
    let missing = report["missing"].as_array();
    let reason =
        missing.and_then(|parts| parts.iter().find(|one| one["part"] == "prudex")).map_or_else(
            || "the report is of an earlier version; evaluate anew".to_owned(),
            |one| pick::text(one, "reason"),
        );
    Err(CliError::NotFound(format!("the evaluation has no compass: {reason}")))
}

async fn request(context: &Context, args: &EvaluateArgs) -> Result<Value, CliError> {
    let strategy = pick::one(context, "strategies", &args.strategy).await?;
    let mut config = config(args);
    let mut sessions = Vec::new();
    for wanted in &args.sessions {
        sessions.push(pick::one(context, "sessions", wanted).await?);
    }
    let mut dataset_id = String::new();
    let mut version = strategy["version"].clone();
    if let Some(first) = sessions.first() {
        let ids: Vec<String> = sessions.iter().map(pick::id).collect();
        config["policy"] = json!({"source": "sessions", "session_ids": ids});
        config["split"] = first["config"]["split"].clone();
        version = first["strategy_version"].clone();
        dataset_id = pick::text(first, "dataset_id");
    }
    if let Some(data) = &args.data {
        dataset_id = pick::id(&pick::one(context, "datasets", data).await?);
    }
    Ok(json!({
        "name": format!("evaluation of {}", pick::text(&strategy, "name")),
        "strategy_id": pick::id(&strategy), "strategy_version": version,
        "dataset_id": dataset_id, "config": config,
    }))
}

/// Returns the session's configuration as far as the arguments tell it; what they leave out takes its default.
fn config(args: &EvaluateArgs) -> Value {
    let mut scheme = json!({"kind": args.scheme.kind()});
    let given =
        [("train_bars", args.train_bars), ("test_bars", args.test_bars), ("groups", args.groups)];
    for (name, value) in given {
        if let Some(value) = value {
            scheme[name] = json!(value);
        }
    }
    let mut config = json!({
        "kind": "evaluation", "policy": {"source": "strategy"}, "segment": args.segment, "seed": args.seed,
        "scheme": scheme,
    });
    if !args.costs.is_empty() {
        config["cost_multipliers"] = json!(args.costs);
    }
    if let Some(seeds) = args.seeds {
        config["seeds"] = json!(seeds);
    }
    if !args.baselines.is_empty() {
        config["baselines"] = json!(args.baselines);
    }
    if let Some(judgement) = args.explainability {
        config["explainability"] = json!(judgement);
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Scheme;

    fn args() -> EvaluateArgs {
        EvaluateArgs {
            strategy: "s".to_owned(),
            data: Some("d".to_owned()),
            sessions: Vec::new(),
            segment: "test".to_owned(),
            scheme: Scheme::Segment,
            train_bars: None,
            test_bars: None,
            groups: None,
            costs: Vec::new(),
            seeds: None,
            baselines: Vec::new(),
            explainability: None,
            seed: 7,
            wait: false,
        }
    }

    #[test]
    fn what_is_asked_for_is_a_session_that_the_engine_accepts() {
        for scheme in [Scheme::Segment, Scheme::WalkForward, Scheme::Combinatorial] {
            let config = config(&EvaluateArgs { scheme, ..args() });
            engine::config::validate::session(&config).unwrap();
        }
        let all = EvaluateArgs {
            scheme: Scheme::WalkForward,
            train_bars: Some(300),
            test_bars: Some(50),
            costs: vec![0.0, 3.0],
            seeds: Some(20),
            baselines: vec!["buy_and_hold".to_owned(), "risk_parity".to_owned()],
            explainability: Some(60.0),
            ..args()
        };
        let config = config(&all);
        assert_eq!(config["scheme"]["train_bars"], 300);
        assert_eq!((config["seeds"].clone(), config["seed"].clone()), (json!(20), json!(7)));
        let read = engine::config::validate::session(&config).unwrap();
        let engine::config::SessionConfig::Evaluation(read) = read else { panic!("another kind") };
        assert!(read.wants("risk_parity") && !read.wants("random"));
        assert_eq!(read.explainability, Some(60.0));
    }

    #[test]
    fn the_compass_is_the_document_of_the_report() {
        let report = json!({"prudex": {"compass": {"entries": [{"label": "agent"}]}}});
        let text = compass_text(&report).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({"entries": [{"label": "agent"}]})
        );
        let none = compass_text(
            &json!({"prudex": null, "missing": [{"part": "prudex", "reason": "no market"}]}),
        );
        assert!(none.unwrap_err().to_string().contains("no market"));
    }

    #[test]
    fn a_parameter_of_another_scheme_is_refused_by_the_check() {
        let config = config(&EvaluateArgs { groups: Some(4), ..args() });
        assert!(engine::config::validate::session(&config).is_err());
    }
}
