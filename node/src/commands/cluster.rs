//! `tm cluster`: one screen that says whether the cluster is well; members, leader, links.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Context, pick};
use crate::cli::ClusterVerb;
use crate::error::CliError;
use crate::output::Table;

const MEMBERS: [&str; 7] = ["node", "role", "state", "up", ">lag", "address", "version"];

/// Runs one verb.
///
/// # Errors
/// What the gateway refuses; `status` also fails where nothing can be agreed upon.
pub(crate) async fn run(verb: ClusterVerb, context: &Context) -> Result<(), CliError> {
    match verb {
        ClusterVerb::Status { wait, deadline } => status(context, wait.map(|_| deadline)).await,
        ClusterVerb::Members => rows(context, &read(context).await?, "members", &MEMBERS),
        ClusterVerb::Leader => {
            let cluster = read(context).await?;
            let leader = pick::text(&cluster, "leader");
            if leader.is_empty() {
                return Err(no_quorum("nobody leads"));
            }
            context.out.value(&json!({"leader": leader}), |_| leader.clone())
        }
        ClusterVerb::Links { node } => links(context, node).await,
    }
}

async fn read(context: &Context) -> Result<Value, CliError> {
    context.client.get("/api/v1/cluster").await
}

fn no_quorum(what: &str) -> CliError {
    CliError::Problem {
        status: 503,
        code: "no_quorum".to_owned(),
        detail: format!("{what}: no change can be agreed upon; see `tm cluster members`"),
        fields: Vec::new(),
    }
}

async fn status(context: &Context, wait: Option<Duration>) -> Result<(), CliError> {
    let begun = Instant::now();
    loop {
        let found = read(context).await;
        let ready = found.as_ref().is_ok_and(is_ready);
        if let Some(wait) = wait.filter(|_| !ready) {
            if wait <= begun.elapsed() {
                return Err(CliError::TimedOut {
                    what: "the cluster".to_owned(),
                    seconds: wait.as_secs(),
                    look: "tm cluster status".to_owned(),
                });
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            continue;
        }
        let cluster = found?;
        context.out.value(&cluster, screen)?;
        return if cluster["quorum"] == true { Ok(()) } else { Err(no_quorum("no majority")) };
    }
}

fn is_ready(cluster: &Value) -> bool {
    let up = |member: &Value| member["up"] == true && member["state"] != "joining";
    cluster["quorum"] == true && cluster["members"].as_array().is_some_and(|all| all.iter().all(up))
}

fn screen(cluster: &Value) -> String {
    let field = |key| pick::text(cluster, key);
    let head = if cluster["alone"] == true {
        "one node is the whole cluster; nothing to set up".to_owned()
    } else {
        let quorum = if cluster["quorum"] == true { "quorum" } else { "NO QUORUM" };
        format!(
            "{quorum}, leader {}, term {}, {} of {} voters up, {} losses tolerated",
            field("leader"),
            field("term"),
            field("voters_up"),
            field("voter_count"),
            field("losses_tolerated")
        )
    };
    format!("{head}\n\n{}", table(cluster, "members", &MEMBERS))
}

async fn links(context: &Context, node: Option<String>) -> Result<(), CliError> {
    let names = match node {
        Some(node) => vec![node],
        None => {
            let cluster = read(context).await?;
            let members = cluster["members"].as_array().into_iter().flatten();
            members.map(|member| pick::text(member, "node")).collect()
        }
    };
    let mut items = Vec::new();
    for name in names {
        let path = format!("/api/v1/nodes/{}/links", super::data::escape(&name));
        match context.client.get(&path).await {
            Ok(page) => {
                for mut link in page["items"].as_array().cloned().unwrap_or_default() {
                    link["node"] = json!(name);
                    items.push(link);
                }
            }
            // One that does not answer must not hide the others.
            Err(error) => items.push(json!({"node": name, "reason": error.to_string()})),
        }
    }
    let keys = ["node", "peer", "state", ">rtt_ms", ">redials", ">drops", "reason"];
    rows(context, &json!({"items": items}), "items", &keys)
}

/// Prints a list as a table of these fields; `>` aligns right.
pub(super) fn rows(
    context: &Context,
    value: &Value,
    list: &str,
    keys: &[&str],
) -> Result<(), CliError> {
    context.out.value(value, |value| table(value, list, keys))
}

fn table(value: &Value, list: &str, keys: &[&str]) -> String {
    let headings: Vec<String> = keys.iter().map(|key| key.replace('_', " ")).collect();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut table = Table::new(&headings);
    for row in value[list].as_array().into_iter().flatten() {
        table.row(keys.iter().map(|key| pick::text(row, key.trim_start_matches('>'))));
    }
    table.render()
}

/// Prints one object as a table of its fields.
pub(super) fn fields(context: &Context, value: &Value) -> Result<(), CliError> {
    context.out.value(value, |value| {
        let mut table = Table::new(&["field", "value"]);
        for key in value.as_object().into_iter().flat_map(|object| object.keys()) {
            table.row([key.clone(), pick::text(value, key)]);
        }
        table.render()
    })
}
