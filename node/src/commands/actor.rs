//! `tm actor`: the actors of a node.

use super::{Context, pick};
use crate::cli::ActorVerb;
use crate::error::CliError;
use crate::output::Table;

/// Runs one verb.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn run(verb: ActorVerb, context: &Context) -> Result<(), CliError> {
    let ActorVerb::Ls { node } = verb;
    let path = node.map_or_else(
        || "/api/v1/actors".to_owned(),
        |node| format!("/api/v1/actors?node={}", super::data::escape(&node)),
    );
    let page = context.client.get(&path).await?;
    context.out.value(&page, |page| {
        let mut table =
            Table::new(&["actor", "under", "state", ">restarts", ">queue ms", "last error"]);
        for row in page["items"].as_array().into_iter().flatten() {
            let field = |key| pick::text(row, key);
            table.row([
                field("name"),
                field("supervisor"),
                field("state"),
                field("restart_count"),
                field("queue_age_ms"),
                field("last_error"),
            ]);
        }
        table.render()
    })
}
