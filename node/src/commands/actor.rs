//! `tm actor`: the tree of actors of a node.

use super::{Context, cluster};
use crate::cli::ActorVerb;
use crate::error::CliError;

/// Runs one verb.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn run(verb: ActorVerb, context: &Context) -> Result<(), CliError> {
    let ActorVerb::Ls { node } = verb;
    let path = match node {
        None => "/api/v1/actors".to_owned(),
        Some(node) => format!("/api/v1/actors?node={}", super::data::escape(&node)),
    };
    let page = context.client.get(&path).await?;
    let keys = ["node", "name", "supervisor", "state", ">restart_count", ">queue_age_ms"];
    cluster::rows(context, &page, "items", &keys)
}
