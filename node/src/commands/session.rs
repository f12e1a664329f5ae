//! `tm session`: start, list, show, pause, resume, stop, checkpoint, move, why, wait, report, logs, metrics.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Context, backtest, evaluate, follow, label, pick, sched, strategy};
use crate::cli::SessionVerb;
use crate::error::CliError;
use crate::output::{Format, Table, percent, plain, sparkline};

/// Runs one verb.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn run(verb: SessionVerb, context: &Context) -> Result<(), CliError> {
    match verb {
        start @ SessionVerb::Start { .. } => begin(start, context).await,
        SessionVerb::Ls { state, kind, limit } => list(context, state, kind, limit).await,
        SessionVerb::Show { session } => show(context, &session).await,
        SessionVerb::Pause { session } => command(context, &session, "pause", json!({})).await,
        SessionVerb::Resume { session } => command(context, &session, "resume", json!({})).await,
        SessionVerb::Stop { session, reason } => {
            command(context, &session, "stop", json!({"reason": reason})).await
        }
        SessionVerb::Checkpoint { session } => {
            command(context, &session, "checkpoint", json!({})).await
        }
        SessionVerb::Move { session, to, reason } => {
            command(context, &session, "move", json!({"node": to, "reason": reason})).await
        }
        SessionVerb::Why { session } => sched::why(context, &session).await,
        SessionVerb::Wait { session, deadline } => {
            let id = find(context, &session).await?;
            let done = follow::until_done(context, &id, deadline).await?;
            context.out.value(&done, summary)
        }
        SessionVerb::Report { session, compass } => {
            report(context, &session, compass.as_deref()).await
        }
        SessionVerb::Logs { session, follow } => logs(context, &session, follow).await,
        SessionVerb::Metrics { session, names, bins } => {
            metrics(context, &session, names, bins).await
        }
    }
}

/// Prints what a session computed.
async fn report(context: &Context, session: &str, compass: Option<&Path>) -> Result<(), CliError> {
    let id = find(context, session).await?;
    if let Some(file) = compass {
        // Of another kind of session the gateway says that there is no evaluation.
        return evaluate::write_compass(context, &id, file).await;
    }
    let row = context.client.get(&format!("/api/v1/sessions/{id}")).await?;
    match pick::text(&row, "kind").as_str() {
        "evaluation" => evaluate::show(context, &id).await,
        "labelling" => label::session::show(context, &id).await,
        // Of any other kind the gateway says where its result is found.
        _ => backtest::show(context, &id).await,
    }
}

/// Returns the identifier of a session named by it or its beginning.
///
/// # Errors
/// `NotFound`, or several match.
pub(crate) async fn find(context: &Context, wanted: &str) -> Result<String, CliError> {
    // A whole identifier needs no search.
    if wanted.len() == "ses_".len() + 32 && wanted.starts_with("ses_") {
        return Ok(wanted.to_owned());
    }
    Ok(pick::id(&pick::one(context, "sessions", wanted).await?))
}

async fn begin(verb: SessionVerb, context: &Context) -> Result<(), CliError> {
    let SessionVerb::Start { strategy, version, data, name, epochs, seed, set, priority, follow } =
        verb
    else {
        return Ok(());
    };
    let strategy_row = pick::one(context, "strategies", &strategy).await?;
    let dataset = pick::one(context, "datasets", &data).await?;
    let mut config = json!({"kind": "training"});
    if let Some(epochs) = epochs {
        config["epochs"] = json!(epochs);
    }
    if let Some(seed) = seed {
        config["seed"] = json!(seed);
    }
    for (path, text) in &set {
        strategy::set(&mut config, path, text)?;
    }
    let name = name.unwrap_or_else(|| {
        format!("{} on {}", pick::text(&strategy_row, "name"), pick::text(&dataset, "name"))
    });
    let mut body = json!({
        "name": name, "strategy_id": pick::id(&strategy_row), "dataset_id": pick::id(&dataset), "config": config,
        "priority": priority,
    });
    if let Some(version) = version {
        body["strategy_version"] = json!(version);
    }
    let session = context.client.post("/api/v1/sessions", body).await?;
    if !follow {
        return context.out.value(&session, |session| {
            format!("{} {}", pick::id(session), pick::text(session, "state"))
        });
    }
    let done = follow::until_done(context, &pick::id(&session), None).await?;
    context.out.value(&done, summary)
}

fn summary(session: &Value) -> String {
    let field = |key| pick::text(session, key);
    let mut text = format!("{} {}", field("id"), field("state"));
    for (name, label) in [
        ("valid_total_return", "best validation return"),
        ("episode_return", "last training return"),
    ] {
        if let Some(value) = session["last_metrics"][name].as_f64() {
            text.push_str(&format!(", {label} {}", percent(Some(value))));
        }
    }
    text
}

async fn list(
    context: &Context,
    state: Option<String>,
    kind: Option<String>,
    limit: u32,
) -> Result<(), CliError> {
    let mut path = format!("/api/v1/sessions?limit={limit}");
    for (key, value) in [("state", state), ("kind", kind)] {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", super::data::escape(&value)));
        }
    }
    let page = context.client.get(&path).await?;
    context.out.value(&page, |page| {
        let mut table = Table::new(&[
            "id", "name", "kind", "state", ">done", ">step", "node", "created", "reason",
        ]);
        for row in page["items"].as_array().into_iter().flatten() {
            let field = |key| pick::text(row, key);
            let done = row["progress"]["ratio"]
                .as_f64()
                .map_or_else(String::new, |ratio| format!("{:.0} %", ratio * 100.0));
            let reason: String = field("reason").chars().take(60).collect();
            let created: String = field("created_at").chars().take(19).collect();
            table.row([
                field("id"),
                field("name"),
                field("kind"),
                field("state"),
                done,
                row["progress"]["step"].to_string(),
                field("node"),
                created,
                reason,
            ]);
        }
        table.render()
    })
}

async fn show(context: &Context, wanted: &str) -> Result<(), CliError> {
    let id = find(context, wanted).await?;
    let session = context.client.get(&format!("/api/v1/sessions/{id}")).await?;
    if context.out.format == Format::Json {
        return context.out.value(&session, |_| String::new());
    }
    let timeline = context.client.get(&format!("/api/v1/sessions/{id}/timeline")).await?;
    let mut table = Table::new(&["field", "value"]);
    for key in [
        "id",
        "name",
        "kind",
        "state",
        "reason",
        "first_error",
        "strategy_name",
        "strategy_version",
        "dataset_name",
        "dataset_sha256",
        "node",
        "epoch",
        "priority",
        "retry_count",
        "reproducibility",
        "build",
        "created_at",
        "started_at",
        "finished_at",
    ] {
        let value = pick::text(&session, key);
        if !value.is_empty() {
            table.row([key.to_owned(), value]);
        }
    }
    table.row([
        "progress".to_owned(),
        format!("{} of {} steps", session["progress"]["step"], session["progress"]["step_count"]),
    ]);
    for (name, value) in session["last_metrics"].as_object().into_iter().flatten() {
        table.row([name.clone(), plain(value.as_f64())]);
    }
    let mut history = Table::new(&["at", "state", "by", "reason"]);
    let rows = timeline.get("items").unwrap_or(&timeline);
    for row in rows.as_array().into_iter().flatten() {
        history.row(["at", "to", "actor", "reason"].map(|key| pick::text(row, key)));
    }
    context.out.line(&format!("{}\n\n{}", table.render(), history.render()))
}

async fn command(context: &Context, wanted: &str, verb: &str, body: Value) -> Result<(), CliError> {
    let id = find(context, wanted).await?;
    let answer = context.client.post(&format!("/api/v1/sessions/{id}:{verb}"), body).await?;
    let session = answer.get("session").unwrap_or(&answer).clone();
    context.out.value(&session, |session| {
        format!("{} {}", pick::id(session), pick::text(session, "state"))
    })
}

async fn logs(context: &Context, wanted: &str, follow: bool) -> Result<(), CliError> {
    let id = find(context, wanted).await?;
    let mut after = 0;
    loop {
        let state =
            pick::text(&context.client.get(&format!("/api/v1/sessions/{id}")).await?, "state");
        let page = context
            .client
            .get(&format!("/api/v1/sessions/{id}/logs?after={after}&limit=500"))
            .await?;
        let lines = page["items"].as_array().cloned().unwrap_or_default();
        for line in &lines {
            after = line["seq"].as_u64().unwrap_or(after).max(after);
            match context.out.format {
                Format::Json => context.out.line(&line.to_string())?,
                Format::Table => {
                    let field = |key| pick::text(line, key);
                    context.out.line(&format!(
                        "{} {:5} {}",
                        field("at"),
                        field("level"),
                        field("text")
                    ))?;
                }
            }
        }
        if lines.len() == 500 {
            continue;
        }
        if !follow || follow::is_terminal(&state) {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

async fn metrics(
    context: &Context,
    wanted: &str,
    names: Option<String>,
    bins: u32,
) -> Result<(), CliError> {
    let id = find(context, wanted).await?;
    let mut path = format!("/api/v1/sessions/{id}/metrics?bins={bins}");
    if let Some(names) = names {
        path.push_str(&format!("&names={}", super::data::escape(&names)));
    }
    let history = context.client.get(&path).await?;
    context.out.value(&history, |history| {
        let mut table = Table::new(&["metric", ">newest", ">step", ">points", "curve", "meaning"]);
        let rows = history.get("series").or_else(|| history.get("items")).unwrap_or(history);
        for series in rows.as_array().into_iter().flatten() {
            let last: Vec<Option<f64>> =
                series["last"].as_array().into_iter().flatten().map(Value::as_f64).collect();
            let step = series["x"]
                .as_array()
                .and_then(|x| x.last())
                .and_then(Value::as_f64)
                .unwrap_or_default();
            let points: u64 =
                series["n"].as_array().into_iter().flatten().filter_map(Value::as_u64).sum();
            table.row([
                pick::text(series, "name"),
                plain(last.last().copied().flatten()),
                format!("{step:.0}"),
                points.to_string(),
                sparkline(&last),
                pick::text(series, "meaning"),
            ]);
        }
        table.render()
    })
}
