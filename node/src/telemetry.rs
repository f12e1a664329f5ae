//! Logs: text for people on standard error, JSON lines for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::error::CliError;

/// Starts the log of this process. ractor's own spans, the agreement's inner life and the HTTP stack are quiet unless asked for.
///
/// # Errors
/// A filter that cannot be read.
pub(crate) fn start(level: &str, json: bool) -> Result<(), CliError> {
    let filter = EnvFilter::try_new(format!(
        "{level},ractor=warn,openraft=off,hyper=warn,warp=warn,sled=warn"
    ))
    .map_err(|error| CliError::Usage(format!("--log-level '{level}' cannot be read: {error}")))?;
    let base = fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = if json { base.json().try_init() } else { base.with_target(false).try_init() };
    started.map_err(|error| CliError::Failed(format!("the log did not start: {error}")))
}
