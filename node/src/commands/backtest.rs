//! `tm backtest`: run and report.

use serde_json::{Value, json};

use super::{Context, follow, pick, report, strategy};
use crate::cli::BacktestVerb;
use crate::error::CliError;

/// Runs one verb.
///
/// # Errors
/// What the gateway refuses, or a failed session.
pub(crate) async fn run(verb: BacktestVerb, context: &Context) -> Result<(), CliError> {
    match verb {
        BacktestVerb::Report { session } => {
            let row = pick::one(context, "sessions", &session).await?;
            show(context, &pick::id(&row)).await
        }
        BacktestVerb::Run { session, strategy, data, segment, seed, set, detach } => {
            let asked = Asked { session, strategy, data, segment, seed, set };
            let body = request(context, asked).await?;
            let submitted = context.client.post("/api/v1/sessions", body).await?;
            let id = pick::id(&submitted);
            if detach {
                return context.out.value(&submitted, |_| id.clone());
            }
            let done = follow::until_done(context, &id, None).await?;
            if pick::text(&done, "state") != "completed" {
                return Ok(());
            }
            show(context, &id).await
        }
    }
}

/// What the user named.
struct Asked {
    session: Option<String>,
    strategy: Option<String>,
    data: Option<String>,
    segment: String,
    seed: u32,
    set: Vec<(String, String)>,
}

async fn request(context: &Context, asked: Asked) -> Result<Value, CliError> {
    let mut config = json!({"kind": "backtest", "segment": asked.segment, "seed": asked.seed});
    let (strategy_id, version, name, dataset_id) = match (&asked.session, &asked.strategy) {
        (Some(session), _) => {
            let training = pick::one(context, "sessions", session).await?;
            config["policy"] = json!({"source": "session", "session_id": pick::id(&training)});
            config["split"] = training["config"]["split"].clone();
            let version = training["strategy_version"].clone();
            (
                pick::text(&training, "strategy_id"),
                version,
                pick::text(&training, "strategy_name"),
                pick::text(&training, "dataset_id"),
            )
        }
        (None, Some(strategy)) => {
            let row = pick::one(context, "strategies", strategy).await?;
            config["policy"] = json!({"source": "strategy"});
            (pick::id(&row), row["version"].clone(), pick::text(&row, "name"), String::new())
        }
        (None, None) => {
            return Err(CliError::Usage(
                "name a training session with --session, or a rule with --strategy".to_owned(),
            ));
        }
    };
    let dataset_id = match &asked.data {
        Some(data) => pick::id(&pick::one(context, "datasets", data).await?),
        None => dataset_id,
    };
    for (path, text) in &asked.set {
        strategy::set(&mut config, path, text)?;
    }
    Ok(json!({
        "name": format!("back-test of {name}"), "strategy_id": strategy_id, "strategy_version": version,
        "dataset_id": dataset_id, "config": config,
    }))
}

/// Prints the report of a back-test.
///
/// # Errors
/// There is none, with the reason.
pub(crate) async fn show(context: &Context, id: &str) -> Result<(), CliError> {
    let document = context.client.get(&format!("/api/v1/sessions/{id}/report")).await?;
    context.out.value(&document, report::render)
}
