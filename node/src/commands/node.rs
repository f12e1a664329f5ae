//! `tm node`: start a peer, ask whether it is well.

use serde_json::{Value, json};

use super::{Context, pick};
use crate::boot;
use crate::cli::{NodeOrder, NodeVerb, ServeArgs};
use crate::config::NodeConfig;
use crate::error::CliError;
use crate::output::{Table, note};
use crate::telemetry;

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
        NodeVerb::Show { node } => {
            let context = context()?;
            let row = context.client.get(&path(&node)).await?;
            super::cluster::fields(&context, &row)
        }
        NodeVerb::Cordon(asked) => order(&context()?, "cordon", &asked).await,
        NodeVerb::Uncordon(asked) => order(&context()?, "uncordon", &asked).await,
        NodeVerb::Undrain(asked) => order(&context()?, "undrain", &asked).await,
        NodeVerb::Drain { order: asked, no_wait } => drain(&context()?, &asked, no_wait).await,
        NodeVerb::Decommission { order: asked, confirm } => {
            let body = json!({"reason": asked.reason, "confirm": confirm});
            send(&context()?, "decommission", &asked.node, body).await
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
            "{} is ready, version {}",
            context.client.base(),
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
            "version",
            "started",
        ]);
        for row in &rows {
            let field = |key| pick::text(row, key);
            let of = |used, all| format!("{}/{}", field(used), field(all));
            let load = row["cpu_ratio"]
                .as_f64()
                .map_or_else(String::new, |ratio| format!("{:.0} %", ratio * 100.0));
            table.row([
                field("id"),
                field("state"),
                of("cpu_reserved", "cpu_capacity"),
                of("memory_reserved_mib", "memory_capacity_mib"),
                of("gpu_reserved", "gpu_capacity"),
                field("session_count"),
                load,
                field("version"),
                field("started_at"),
            ]);
        }
        table.render()
    })
}

fn path(node: &str) -> String {
    format!("/api/v1/nodes/{}", super::data::escape(node))
}

async fn order(context: &Context, verb: &str, asked: &NodeOrder) -> Result<(), CliError> {
    send(context, verb, &asked.node, json!({"reason": asked.reason})).await
}

async fn send(context: &Context, verb: &str, node: &str, body: Value) -> Result<(), CliError> {
    let row = context.client.post(&format!("{}:{verb}", path(node)), body).await?;
    context.out.value(&row, |row| format!("{} {}", pick::id(row), pick::text(row, "state")))
}

async fn drain(context: &Context, asked: &NodeOrder, no_wait: bool) -> Result<(), CliError> {
    let body = json!({"reason": asked.reason});
    let mut row = context.client.post(&format!("{}:drain", path(&asked.node)), body).await?;
    let mut shown = String::new();
    while !no_wait && pick::text(&row, "state") == "draining" {
        let left = pick::text(&row, "session_count");
        if left != shown {
            note(&format!("{} drains: {left} sessions left", asked.node));
            shown = left;
        }
        tokio::select! {
            () = tokio::time::sleep(std::time::Duration::from_millis(500)) => {}
            _ = tokio::signal::ctrl_c() => {
                note("the node goes on draining; `tm node undrain` stops that");
                break;
            }
        }
        row = context.client.get(&path(&asked.node)).await?;
    }
    context.out.value(&row, |row| format!("{} {}", pick::id(row), pick::text(row, "state")))
}

async fn reset_password(user: &str, args: &ServeArgs) -> Result<(), CliError> {
    let config = NodeConfig::load(args)?;
    let password = boot::reset_password(config, user).await?;
    note(&format!(
        "user {user}, password {password} (shown once; the next login asks for your own)"
    ));
    Ok(())
}
