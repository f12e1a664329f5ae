//! `tm sched`: who waits for what, what is left, who may have how much. `tm session why` looks here, too.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Context, pick, session};
use crate::cli::{QuotaVerb, SchedVerb};
use crate::client::rest::Body;
use crate::error::CliError;
use crate::output::Table;

/// Runs one verb.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn run(verb: SchedVerb, context: &Context) -> Result<(), CliError> {
    match verb {
        SchedVerb::Queue => queue(context).await,
        SchedVerb::Capacity => capacity(context).await,
        SchedVerb::Why { session } => why(context, &session).await,
        SchedVerb::Quota(verb) => quota(verb, context).await,
    }
}

/// Returns the rows of a list that has no pages.
async fn items(context: &Context, path: &str) -> Result<Vec<Value>, CliError> {
    let page = context.client.get(path).await?;
    Ok(page["items"].as_array().cloned().unwrap_or_default())
}

async fn queue(context: &Context) -> Result<(), CliError> {
    let rows = items(context, "/api/v1/scheduler/queue").await?;
    context.out.value(&json!({"items": rows}), |_| {
        if rows.is_empty() {
            return "nobody waits".to_owned();
        }
        let mut table = Table::new(&[">place", "session", "name", ">priority", "since", "reason"]);
        for row in &rows {
            let field = |key| pick::text(row, key);
            table.row([
                field("position"),
                field("session_id"),
                field("name"),
                field("priority"),
                field("created_at"),
                field("reason"),
            ]);
        }
        table.render()
    })
}

async fn capacity(context: &Context) -> Result<(), CliError> {
    let value = context.client.get("/api/v1/scheduler/capacity").await?;
    context.out.value(&value, |value| {
        let mut table = Table::new(&["node", "takes sessions", ">cores", ">memory MiB", ">gpus"]);
        let of = |row: &Value, key: &str| {
            format!("{} of {}", pick::text(&row[key], "free"), pick::text(&row[key], "total"))
        };
        let mut add = |name: String, open: &str, row: &Value| {
            table.row([
                name,
                open.to_owned(),
                of(row, "cores"),
                of(row, "memory_mib"),
                of(row, "gpus"),
            ]);
        };
        for row in value["nodes"].as_array().into_iter().flatten() {
            let open = if row["open"].as_bool() == Some(true) { "yes" } else { "no" };
            add(pick::text(row, "node"), open, row);
        }
        add("free in all".to_owned(), "", &value["total"]);
        table.render()
    })
}

/// Shows why a session waits, or where it is.
///
/// # Errors
/// No such session.
pub(crate) async fn why(context: &Context, wanted: &str) -> Result<(), CliError> {
    let id = session::find(context, wanted).await?;
    let value = context.client.get(&format!("/api/v1/sessions/{id}/why")).await?;
    context.out.value(&value, |value| {
        let field = |key| pick::text(value, key);
        let mut text =
            format!("{id} is {} since {}: {}", field("state"), field("since"), field("reason"));
        if !field("node").is_empty() {
            text.push_str(&format!("\non node {}, assignment {}", field("node"), field("epoch")));
        }
        if !field("position").is_empty() {
            text.push_str(&format!("\nplace {} in the queue", field("position")));
        }
        let considered: Vec<&Value> =
            value["considered"].as_array().into_iter().flatten().collect();
        if !considered.is_empty() {
            let mut table = Table::new(&["node", "what it lacks"]);
            for row in considered {
                let lacks: Vec<&str> = row["lacks"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                let fits = row["fits"].as_bool() == Some(true);
                let text = if fits { "nothing".to_owned() } else { lacks.join("; ") };
                table.row([pick::text(row, "node"), text]);
            }
            text.push_str(&format!("\n\n{}", table.render()));
        }
        text
    })
}

async fn quota(verb: QuotaVerb, context: &Context) -> Result<(), CliError> {
    match verb {
        QuotaVerb::Ls => {
            let rows = items(context, "/api/v1/scheduler/quotas").await?;
            context.out.value(&json!({"items": rows}), |_| {
                if rows.is_empty() {
                    return "no quotas: everybody may have everything".to_owned();
                }
                let mut table =
                    Table::new(&["id", ">sessions", ">cores", ">memory MiB", ">gpus", ">weight"]);
                for row in &rows {
                    let limit = |key| {
                        let text = pick::text(row, key);
                        if text.is_empty() { "any".to_owned() } else { text }
                    };
                    table.row([
                        pick::text(row, "id"),
                        limit("sessions_max"),
                        limit("cpu_max"),
                        limit("memory_mib_max"),
                        limit("gpus_max"),
                        pick::text(row, "weight"),
                    ]);
                }
                table.render()
            })
        }
        QuotaVerb::Set { id, sessions, cpu, memory_mib, gpus, weight } => {
            let body = json!({
                "sessions_max": sessions, "cpu_max": cpu, "memory_mib_max": memory_mib, "gpus_max": gpus,
                "weight": weight,
            });
            let revision = revision(context, &id).await?;
            let (path, body) = (path(&id), Body::Json(body));
            let put = context.client.send(Method::PUT, &path, body, revision.as_deref()).await?;
            context
                .out
                .value(&put.value, |value| format!("quota {} is set", pick::text(value, "id")))
        }
        QuotaVerb::Rm { id } => {
            let revision = revision(context, &id).await?;
            context
                .client
                .send(Method::DELETE, &path(&id), Body::Empty, revision.as_deref())
                .await?;
            context
                .out
                .value(&json!({"id": id, "removed": true}), |_| format!("quota {id} is removed"))
        }
    }
}

fn path(id: &str) -> String {
    format!("/api/v1/scheduler/quotas/{}", super::data::escape(id))
}

/// Returns the entity tag of a quota; the one for something new where there is none.
async fn revision(context: &Context, id: &str) -> Result<Option<String>, CliError> {
    let rows = items(context, "/api/v1/scheduler/quotas").await?;
    let known = rows.iter().find(|row| row["id"].as_str() == Some(id));
    let number = known.and_then(|row| row["revision"].as_u64()).unwrap_or(0);
    Ok(Some(format!("\"r{number}\"")))
}
