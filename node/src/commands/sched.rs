//! `tm sched`: who waits and why, what is left, who may have how much.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Context, cluster, pick, session};
use crate::cli::{QuotaVerb, SchedVerb};
use crate::client::rest::Body;
use crate::error::CliError;
use crate::output::{Table, note};

/// Runs one verb.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn run(verb: SchedVerb, context: &Context) -> Result<(), CliError> {
    match verb {
        SchedVerb::Queue => {
            let page = context.client.get("/api/v1/scheduler/queue").await?;
            let keys = [">position", "session_id", "name", ">priority", "created_at", "reason"];
            cluster::rows(context, &page, "items", &keys)
        }
        SchedVerb::Capacity => capacity(context).await,
        SchedVerb::Why { session } => why(context, &session).await,
        SchedVerb::Quota(verb) => quota(verb, context).await,
    }
}

async fn capacity(context: &Context) -> Result<(), CliError> {
    let value = context.client.get("/api/v1/scheduler/capacity").await?;
    context.out.value(&value, |value| {
        let mut table = Table::new(&["node", "state", ">cores", ">memory MiB", ">gpus"]);
        let of = |row: &Value, key: &str| {
            let amount = &row[key];
            format!("{} of {} free", amount["free"], amount["total"])
        };
        let cells = |name: String, state: String, row: &Value| {
            [name, state, of(row, "cores"), of(row, "memory_mib"), of(row, "gpus")]
        };
        for row in value["nodes"].as_array().into_iter().flatten() {
            table.row(cells(pick::text(row, "node"), pick::text(row, "state"), row));
        }
        table.row(cells("open nodes".to_owned(), String::new(), &value["total"]));
        table.render()
    })
}

/// Prints why a session waits, or where it is.
pub(super) async fn why(context: &Context, wanted: &str) -> Result<(), CliError> {
    let id = session::find(context, wanted).await?;
    let value = context.client.get(&format!("/api/v1/sessions/{id}/why")).await?;
    context.out.value(&value, |value| {
        let field = |key| pick::text(value, key);
        let place = match field("node") {
            node if node.is_empty() => String::new(),
            node => format!(" on {node}"),
        };
        let mut text =
            format!("{}{place} since {}: {}", field("state"), field("since"), field("reason"));
        for node in value["considered"].as_array().into_iter().flatten() {
            let lacks = node["lacks"].as_array().into_iter().flatten();
            let lacks: Vec<&str> = lacks.filter_map(Value::as_str).collect();
            let lacks = if lacks.is_empty() { "fits".to_owned() } else { lacks.join("; ") };
            text.push_str(&format!("\n  {}: {lacks}", pick::text(node, "node")));
        }
        text
    })
}

async fn quota(verb: QuotaVerb, context: &Context) -> Result<(), CliError> {
    let path = |id: &str| format!("/api/v1/scheduler/quotas/{}", super::data::escape(id));
    match verb {
        QuotaVerb::Ls => {
            let page = context.client.get("/api/v1/scheduler/quotas").await?;
            let limits = [">sessions_max", ">cpu_max", ">memory_mib_max", ">gpus_max", ">weight"];
            let keys: Vec<&str> = std::iter::once("id").chain(limits).collect();
            cluster::rows(context, &page, "items", &keys)
        }
        QuotaVerb::Set { quota, sessions, cpu, memory_mib, gpus, weight } => {
            let tag = match context.client.get(&path(&quota)).await {
                Ok(found) => format!("\"r{}\"", found["revision"]),
                Err(error) if error.exit_code() == 3 => "\"r0\"".to_owned(),
                Err(error) => return Err(error),
            };
            let body = json!({
                "sessions_max": sessions, "cpu_max": cpu, "memory_mib_max": memory_mib,
                "gpus_max": gpus, "weight": weight,
            });
            let client = &context.client;
            let body = Body::Json(body);
            let set = client.send(Method::PUT, &path(&quota), body, Some(&tag)).await?.value;
            cluster::fields(context, &set)
        }
        QuotaVerb::Rm { quota } => {
            let found = context.client.get(&path(&quota)).await?;
            let tag = format!("\"r{}\"", found["revision"]);
            let client = &context.client;
            client.send(Method::DELETE, &path(&quota), Body::Empty, Some(&tag)).await?;
            note(&format!("removed {quota}"));
            Ok(())
        }
    }
}
