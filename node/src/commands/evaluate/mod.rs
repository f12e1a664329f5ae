//! `tm evaluate`: may a result be trusted? Starts the session, and prints what it found.

mod view;

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
            ..args()
        };
        let config = config(&all);
        assert_eq!(config["scheme"]["train_bars"], 300);
        assert_eq!((config["seeds"].clone(), config["seed"].clone()), (json!(20), json!(7)));
        engine::config::validate::session(&config).unwrap();
    }

    #[test]
    fn a_parameter_of_another_scheme_is_refused_by_the_check() {
        let config = config(&EvaluateArgs { groups: Some(4), ..args() });
        assert!(engine::config::validate::session(&config).is_err());
    }
}
