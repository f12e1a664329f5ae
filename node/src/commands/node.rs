//! `tm node`: start a peer, ask whether it is well, take it out of service and back.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Context, pick};
use crate::boot;
use crate::cli::{NodeChange, NodeVerb, ServeArgs};
use crate::config::NodeConfig;
use crate::error::CliError;
use crate::output::{Table, note, spinner};
use crate::telemetry;

/// Distance of two looks at a node that drains.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs one verb.
///
/// # Errors
/// Whatever keeps the node from starting, or what the gateway refuses.
pub(crate) async fn run(
    verb: NodeVerb,
    context: impl Fn() -> Result<Context, CliError>,
) -> Result<(), CliError> {
    match verb {
        NodeVerb::Start(args) => start(&args).await,
        NodeVerb::Status => status(&context()?).await,
        NodeVerb::Ls => list(&context()?).await,
        NodeVerb::Show { node } => show(&context()?, &node).await,
        NodeVerb::Cordon(change) => changed(&context()?, &change, "cordon", json!({})).await,
        NodeVerb::Uncordon(change) => changed(&context()?, &change, "uncordon", json!({})).await,
        NodeVerb::Undrain(change) => changed(&context()?, &change, "undrain", json!({})).await,
        NodeVerb::Drain { change, no_wait, deadline } => {
            drain(&context()?, &change, (!no_wait).then_some(deadline)).await
        }
        NodeVerb::Decommission { change, confirm } => {
            changed(&context()?, &change, "decommission", json!({"confirm": confirm})).await
        }
        NodeVerb::ResetPassword { user, serve } => reset_password(&user, &serve).await,
    }
}

async fn start(args: &ServeArgs) -> Result<(), CliError> {
    let config = NodeConfig::load(args)?;
    telemetry::start(&config.log_level, config.log_json)?;
    let data_dir = config.data_dir.display().to_string();
    let node = boot::start(config).await?;
    note(&format!("serving http://{} from {data_dir}", node.address()));
    if let Some(admin) = &node.first_admin {
        note(&format!(
            "first start: user {}, password {} (shown once; the first login asks for your own)",
            admin.user, admin.password
        ));
    }
    node.serve_until_signal().await
}

async fn status(context: &Context) -> Result<(), CliError> {
    let ready = context.client.get("/readyz").await;
    let about = context.client.get("/api/v1/about").await.unwrap_or(Value::Null);
    ready?;
    let value = json!({"url": context.client.base(), "ready": true, "about": about});
    context.out.value(&value, |value| {
        format!(
            "{} is ready, node {}, version {}",
            context.client.base(),
            pick::text(&value["about"], "node"),
            pick::text(&value["about"], "version")
        )
    })
}

async fn list(context: &Context) -> Result<(), CliError> {
    let page = context.client.get("/api/v1/nodes").await?;
    let rows = page["items"].as_array().cloned().unwrap_or_default();
    context.out.value(&json!({"items": rows}), |_| {
        let mut table = Table::new(&[
            "id",
            "state",
            ">cpu",
            ">memory MiB",
            ">gpus",
            ">sessions",
            ">load",
            "address",
            "version",
            "started",
        ]);
        for row in &rows {
            let field = |key| pick::text(row, key);
            let of = |used, all| format!("{}/{}", field(used), field(all));
            table.row([
                field("id"),
                standing(row),
                of("cpu_reserved", "cpu_capacity"),
                of("memory_reserved_mib", "memory_capacity_mib"),
                of("gpu_reserved", "gpu_capacity"),
                field("session_count"),
                load(row),
                field("address"),
                field("version"),
                field("started_at"),
            ]);
        }
        table.render()
    })
}

/// Returns a node's state, and whether it is down.
fn standing(row: &Value) -> String {
    let state = pick::text(row, "state");
    if row["up"].as_bool() == Some(false) { format!("{state}, down") } else { state }
}

fn load(row: &Value) -> String {
    row["cpu_ratio"].as_f64().map_or_else(String::new, |ratio| format!("{:.0} %", ratio * 100.0))
}

async fn show(context: &Context, node: &str) -> Result<(), CliError> {
    let value = context.client.get(&path(node, "")).await?;
    context.out.value(&value, |row| {
        let field = |key| pick::text(row, key);
        let labels: Vec<String> = row["labels"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
            .collect();
        let roles: Vec<&str> =
            row["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut table = Table::new(&["key", "value"]);
        for (key, value) in [
            ("node", field("id")),
            ("state", standing(row)),
            ("reason", field("reason")),
            ("down since", field("down_since")),
            ("address", field("address")),
            ("gateway", field("gateway_url")),
            ("labels", labels.join(", ")),
            ("roles", roles.join(", ")),
            ("cores reserved", format!("{}/{}", field("cpu_reserved"), field("cpu_capacity"))),
            (
                "memory reserved, MiB",
                format!("{}/{}", field("memory_reserved_mib"), field("memory_capacity_mib")),
            ),
            ("GPUs reserved", format!("{}/{}", field("gpu_reserved"), field("gpu_capacity"))),
            ("load", load(row)),
            ("sessions", field("session_count")),
            ("starts", field("incarnation")),
            ("started", field("started_at")),
            ("version", field("version")),
        ] {
            if !value.is_empty() {
                table.row([key.to_owned(), value]);
            }
        }
        table.render()
    })
}

fn path(node: &str, verb: &str) -> String {
    let verb = if verb.is_empty() { String::new() } else { format!(":{verb}") };
    format!("/api/v1/nodes/{}{verb}", super::data::escape(node))
}

/// Asks something of a node and returns it as it is then.
async fn ask(
    context: &Context,
    change: &NodeChange,
    verb: &str,
    mut body: Value,
) -> Result<Value, CliError> {
    body["reason"] = json!(change.reason);
    context.client.post(&path(&change.node, verb), body).await
}

async fn changed(
    context: &Context,
    change: &NodeChange,
    verb: &str,
    body: Value,
) -> Result<(), CliError> {
    let row = ask(context, change, verb, body).await?;
    context.out.value(&row, |row| format!("{} is {}", pick::text(row, "id"), standing(row)))
}

/// Drains a node, and watches until it is empty where `deadline` says how long.
async fn drain(
    context: &Context,
    change: &NodeChange,
    deadline: Option<Duration>,
) -> Result<(), CliError> {
    let mut row = ask(context, change, "drain", json!({})).await?;
    let Some(deadline) = deadline else {
        return context.out.value(&row, |row| format!("{} is {}", change.node, standing(row)));
    };
    let (sign, begun) = (spinner("draining"), Instant::now());
    while pick::text(&row, "state") == "draining" {
        let count = row["session_count"].as_u64().unwrap_or(0);
        sign.set_message(format!("{} gives {count} sessions away", change.node));
        if deadline <= begun.elapsed() {
            sign.finish_and_clear();
            return Err(CliError::TimedOut {
                what: format!("draining node {}", change.node),
                seconds: begun.elapsed().as_secs(),
                look: format!("tm node show {}", change.node),
            });
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => {
                sign.finish_and_clear();
                note(&format!("{0} goes on draining; look with `tm node show {0}`, end it with `tm node undrain {0}`", change.node));
                return Ok(());
            }
        }
        row = context.client.get(&path(&change.node, "")).await?;
    }
    sign.finish_and_clear();
    if pick::text(&row, "state") != "drained" {
        return Err(CliError::Failed(format!(
            "node {} is {} now: somebody ended the draining",
            change.node,
            standing(&row)
        )));
    }
    context.out.value(&row, |_| {
        format!("{} is drained: stop it, or bring it back with `tm node undrain {0}`", change.node)
    })
}

async fn reset_password(user: &str, args: &ServeArgs) -> Result<(), CliError> {
    let config = NodeConfig::load(args)?;
    let password = boot::reset_password(config, user).await?;
    note(&format!(
        "user {user}, password {password} (shown once; the next login asks for your own)"
    ));
    Ok(())
}
