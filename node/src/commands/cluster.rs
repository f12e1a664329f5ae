//! `tm cluster`: several machines as one.

use serde_json::json;

use crate::boot;
use crate::cli::{ClusterVerb, ServeArgs};
use crate::config::NodeConfig;
use crate::error::CliError;
use crate::output::Output;

/// Runs one verb.
///
/// # Errors
/// Whatever is wrong with the configuration or the data directory.
pub(crate) async fn run(verb: ClusterVerb, out: Output) -> Result<(), CliError> {
    match verb {
        ClusterVerb::Init(args) => init(&args, out).await,
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
