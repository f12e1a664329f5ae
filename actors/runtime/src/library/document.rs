//! What the library keeps in control state.
//!
//! `strategy/<id>`, `strategy_name/<hash of the name>` (who has the name) and `strategy_version/<id>` with one
//! document per version: a version is never written twice.

use engine::config::StrategyConfig;
use engine::ids::{StrategyId, UserId};
use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::documents::Stored;
use crate::error::ActorsError;
use crate::views::{StrategyVersionView, StrategyView};

/// Collection of strategies.
pub(crate) const STRATEGIES: &str = "strategy";
/// Collection of claims on names.
pub(crate) const NAMES: &str = "strategy_name";
/// Commands remembered per strategy.
const COMMANDS_MAX: usize = 16;

/// A strategy without its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StrategyDocument {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) algorithm: String,
    /// Newest version.
    pub(crate) version: u32,
    pub(crate) owner: String,
    pub(crate) archived: bool,
    /// The newest commands that changed it, hexadecimal: repeating one changes nothing.
    pub(crate) commands: Vec<String>,
    /// Fingerprint of the request that made it; absent in documents of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<String>,
}

impl StrategyDocument {
    /// Notes that `command` made this state.
    pub(crate) fn remember(&mut self, command: &str) {
        self.commands.push(command.to_owned());
        let excess = self.commands.len().saturating_sub(COMMANDS_MAX);
        self.commands.drain(..excess);
    }
}

/// One immutable version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct VersionDocument {
    pub(crate) hash: String,
    pub(crate) config: StrategyConfig,
    pub(crate) author: String,
    pub(crate) command: String,
    /// Fingerprint of the configuration as it was sent; absent in documents of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<String>,
}

/// Returns the collection of a strategy's versions.
pub(crate) fn versions_of(id: StrategyId) -> String {
    format!("version/{id}")
}

/// Returns the id of a version's document: text order is the order of numbers.
pub(crate) fn version_key(number: u32) -> String {
    format!("{number:010}")
}

/// Returns what the world is shown of a strategy.
///
/// # Errors
/// Tells when an identifier in it is broken.
pub(crate) fn view(stored: &Stored<StrategyDocument>) -> Result<StrategyView, ActorsError> {
    Ok(StrategyView {
        id: stored.id.parse().map_err(ActorsError::internal)?,
        name: stored.value.name.clone(),
        description: stored.value.description.clone(),
        algorithm: stored.value.algorithm.clone(),
        version: stored.value.version,
        revision: stored.revision,
        owner: user(&stored.value.owner)?,
        archived: stored.value.archived,
        created_at: rfc3339(stored.created_ms),
        updated_at: rfc3339(stored.updated_ms),
    })
}

/// Returns what the world is shown of a version.
///
/// # Errors
/// Tells when an identifier in it is broken.
pub(crate) fn version_view(
    id: StrategyId,
    stored: &Stored<VersionDocument>,
) -> Result<StrategyVersionView, ActorsError> {
    Ok(StrategyVersionView {
        strategy_id: id,
        version: stored.id.parse().map_err(ActorsError::internal)?,
        hash: stored.value.hash.clone(),
        config: stored.value.config.clone(),
        author: user(&stored.value.author)?,
        created_at: rfc3339(stored.created_ms),
    })
}

fn user(text: &str) -> Result<UserId, ActorsError> {
    text.parse().map_err(ActorsError::internal)
}
