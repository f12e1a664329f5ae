//! `tm cluster`: several machines as one.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Context, pick};
use crate::boot;
use crate::cli::{ClusterVerb, ServeArgs, UpgradeVerb};
use crate::config::NodeConfig;
use crate::error::CliError;
use crate::output::{Output, Table, spinner};
use crate::telemetry;

/// Distance of two looks while something is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs one verb.
///
/// # Errors
/// Whatever is wrong with the configuration or the data directory, or what the gateway refuses.
pub(crate) async fn run(
    verb: ClusterVerb,
    out: Output,
    context: impl Fn() -> Result<Context, CliError>,
) -> Result<(), CliError> {
    match verb {
        ClusterVerb::Init(args) => init(&args, out).await,
        ClusterVerb::Join(args) => join(&args, out).await,
        ClusterVerb::Status { wait, deadline } => status(&context()?, wait.map(|_| deadline)).await,
        ClusterVerb::Members => members(&context()?).await,
        ClusterVerb::Leader => leader(&context()?).await,
        ClusterVerb::Links { node } => links(&context()?, node).await,
        ClusterVerb::Upgrade(UpgradeVerb::Status) => upgrade(&context()?).await,
        ClusterVerb::Upgrade(UpgradeVerb::Finalize { reason }) => {
            finalize(&context()?, &reason).await
        }
    }
}

async fn init(args: &ServeArgs, out: Output) -> Result<(), CliError> {
    let config = NodeConfig::load(args)?;
    let made = boot::init_cluster(&config).await?;
    let Some(member) = &config.membership else { return Ok(()) };
    let value = json!({
        "cluster": member.name,
        "node": member.node,
        "made": made,
        "token_file": member.token_file.display().to_string(),
    });
    out.value(&value, |_| {
        let what = if made { "is now the first node of" } else { "belongs already to" };
        format!(
            "{} {what} cluster '{}'\nnext: `tm node start` with this configuration; on the others write join = [\"{}@{}\"] under [cluster] and copy {}",
            member.node,
            member.name,
            member.node,
            member.advertise,
            member.token_file.display()
        )
    })
}

async fn join(args: &ServeArgs, out: Output) -> Result<(), CliError> {
    let config = NodeConfig::load(args)?;
    telemetry::start(&config.log_level, config.log_json)?;
    let joined = boot::join_cluster(&config).await?;
    let Some(member) = &config.membership else { return Ok(()) };
    let value = json!({"cluster": member.name, "node": member.node, "joined": joined});
    out.value(&value, |_| {
        let what = if joined { "was admitted to" } else { "belongs already to" };
        format!(
            "{} {what} cluster '{}'\nnext: `tm node start` with this configuration",
            member.node, member.name
        )
    })
}

/// Whether a majority is there and every member takes sessions.
fn is_whole(cluster: &Value) -> bool {
    let members = cluster["members"].as_array();
    let well = |member: &Value| {
        member["up"].as_bool() == Some(true)
            && matches!(pick::text(member, "state").as_str(), "ready" | "cordoned")
    };
    cluster["quorum"].as_bool() == Some(true)
        && members.is_some_and(|members| members.iter().all(well))
}

async fn status(context: &Context, wait: Option<Duration>) -> Result<(), CliError> {
    let sign = spinner("waiting for the cluster to be whole");
    let begun = Instant::now();
    let cluster = loop {
        let found = context.client.get("/api/v1/cluster").await;
        let over = wait.is_none_or(|wait| wait <= begun.elapsed());
        match found {
            Ok(cluster) if over || is_whole(&cluster) => break cluster,
            Err(error) if over => {
                sign.finish_and_clear();
                return Err(error);
            }
            Ok(_) | Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    };
    sign.finish_and_clear();
    context.out.value(&cluster, screen)?;
    if wait.is_some() && !is_whole(&cluster) {
        return Err(CliError::TimedOut {
            what: "a whole cluster".to_owned(),
            seconds: begun.elapsed().as_secs(),
            look: "tm cluster status".to_owned(),
        });
    }
    agreed(&cluster)
}

async fn upgrade(context: &Context) -> Result<(), CliError> {
    let cluster = context.client.get("/api/v1/cluster").await?;
    context.out.value(&cluster, |cluster| {
        let mut table = Table::new(&["node", "program", ">reads up to"]);
        for member in cluster["members"].as_array().into_iter().flatten() {
            table.row(["node", "version", "protocol_max"].map(|key| pick::text(member, key)));
        }
        format!("cluster version {}\n{}", pick::text(cluster, "version"), table.render())
    })
}

async fn finalize(context: &Context, reason: &str) -> Result<(), CliError> {
    let body = json!({"reason": reason});
    let cluster = context.client.post("/api/v1/cluster:finalize-upgrade", body).await?;
    context.out.value(&cluster, |cluster| {
        format!("the cluster is at version {} now", pick::text(cluster, "version"))
    })
}

/// Fails with the code of what is not available while nothing can be agreed upon.
fn agreed(cluster: &Value) -> Result<(), CliError> {
    if cluster["quorum"].as_bool() == Some(true) {
        return Ok(());
    }
    Err(CliError::Problem {
        status: 503,
        code: "no_quorum".to_owned(),
        detail:
            "no majority of the voters is there: nothing can be changed; start those that are down"
                .to_owned(),
        fields: Vec::new(),
    })
}

fn screen(cluster: &Value) -> String {
    let field = |key| pick::text(cluster, key);
    if cluster["alone"].as_bool() == Some(true) {
        return "one node is the whole cluster; nothing to set up".to_owned();
    }
    let head = format!(
        "cluster {}, version {}, term {}, change {}\nleader {}; {} of {} voters up; {} more may be lost\n\n",
        field("id"),
        field("version"),
        field("term"),
        field("applied_index"),
        cluster["leader"].as_str().unwrap_or("unknown"),
        field("voters_up"),
        field("voter_count"),
        field("losses_tolerated"),
    );
    head + &table(cluster)
}

fn table(cluster: &Value) -> String {
    let mut table = Table::new(&[
        "node", "role", "state", "up", ">number", "address", ">lag", ">starts", "version",
    ]);
    for row in cluster["members"].as_array().into_iter().flatten() {
        let field = |key| pick::text(row, key);
        let up = if row["up"].as_bool() == Some(true) { "yes" } else { "no" };
        table.row([
            field("node"),
            field("role"),
            field("state"),
            up.to_owned(),
            field("number"),
            field("address"),
            field("lag"),
            field("incarnation"),
            field("version"),
        ]);
    }
    table.render()
}

async fn members(context: &Context) -> Result<(), CliError> {
    let cluster = context.client.get("/api/v1/cluster").await?;
    context.out.value(&json!({"items": cluster["members"]}), |_| table(&cluster))
}

async fn leader(context: &Context) -> Result<(), CliError> {
    let cluster = context.client.get("/api/v1/cluster").await?;
    agreed(&cluster)?;
    context.out.value(&json!({"leader": cluster["leader"], "term": cluster["term"]}), |value| {
        pick::text(value, "leader")
    })
}

async fn links(context: &Context, node: Option<String>) -> Result<(), CliError> {
    let nodes = match node {
        Some(node) => vec![node],
        None => {
            let page = context.client.get("/api/v1/nodes").await?;
            let rows = page["items"].as_array().cloned().unwrap_or_default();
            let up = |row: &&Value| row["up"].as_bool() != Some(false);
            rows.iter().filter(up).map(|row| pick::text(row, "id")).collect()
        }
    };
    let mut rows = Vec::new();
    for node in &nodes {
        let path = format!("/api/v1/nodes/{}/links", super::data::escape(node));
        let page = context.client.get(&path).await?;
        for row in page["items"].as_array().into_iter().flatten() {
            let mut row = row.clone();
            row["node"] = json!(node);
            rows.push(row);
        }
    }
    context.out.value(&json!({"items": rows}), |_| {
        let mut table = Table::new(&[
            "node", "peer", "state", ">rtt ms", ">MiB in", ">MiB out", ">redials", ">drops",
            "reason",
        ]);
        for row in &rows {
            let field = |key| pick::text(row, key);
            let mib = |key: &str| {
                row[key]
                    .as_f64()
                    .map_or_else(String::new, |bytes| format!("{:.1}", bytes / 1_048_576.0))
            };
            // What was wrong before it was ready is of no use any more.
            let ready = field("state") == "ready";
            let reason = if ready { String::new() } else { field("reason") };
            let rtt = row["rtt_ms"].as_f64().map_or_else(String::new, |ms| format!("{ms:.2}"));
            table.row([
                field("node"),
                field("peer"),
                field("state"),
                rtt,
                mib("bytes_in"),
                mib("bytes_out"),
                field("redials"),
                field("drops"),
                reason,
            ]);
        }
        table.render()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(states: &[(&str, bool)], quorum: bool) -> Value {
        let members: Vec<Value> = states
            .iter()
            .enumerate()
            .map(|(number, (state, up))| {
                json!({"node": format!("n{number}"), "role": "voter", "state": state, "up": up})
            })
            .collect();
        json!({"quorum": quorum, "members": members, "voter_count": 3, "leader": null})
    }

    #[test]
    fn whole_means_a_majority_and_everybody_up_and_taking_part() {
        assert!(is_whole(&cluster(&[("ready", true), ("cordoned", true)], true)));
        assert!(!is_whole(&cluster(&[("ready", true), ("ready", false)], true)));
        assert!(!is_whole(&cluster(&[("ready", true), ("joining", true)], true)));
        assert!(!is_whole(&cluster(&[("ready", true)], false)));
        assert!(!is_whole(&Value::Null));
    }

    #[test]
    fn without_a_majority_the_exit_code_says_unavailable() {
        let found = cluster(&[("ready", true)], false);
        assert_eq!(agreed(&found).unwrap_err().exit_code(), 6);
        assert!(screen(&found).contains("leader unknown"));
    }
}
