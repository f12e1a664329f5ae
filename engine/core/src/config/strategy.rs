//! What a strategy is: environment, features, agent, costs and limits. Versioned and immutable once saved.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ALGORITHMS, AgentConfig, EnvironmentConfig, FeaturesConfig, MatchingConfig, RiskConfig,
    SealConfig,
};

/// One version of a strategy: everything that decides how it sees, acts, pays and is limited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct StrategyConfig {
    /// What the agent acts in.
    #[garde(dive)]
    pub environment: EnvironmentConfig,
    /// What the agent sees.
    #[garde(dive)]
    pub features: FeaturesConfig,
    /// Who decides: a learning algorithm or a rule.
    #[garde(dive)]
    pub agent: AgentConfig,
    /// What trading costs and how orders are filled in simulation.
    #[garde(dive)]
    pub matching: MatchingConfig,
    /// Limits that no order may pass.
    #[garde(dive)]
    pub risk: RiskConfig,
    /// What nobody sees until it is opened, once. Not written where nothing is sealed.
    #[garde(dive)]
    #[serde(skip_serializing_if = "SealConfig::is_nothing")]
    #[schemars(extend("default" = serde_json::json!({"share": 0.0})))]
    pub seal: SealConfig,
}

/// Returns the defaults of a strategy whose agent is `algorithm`, in the first task it can decide in; absent where there
/// is no such algorithm. Seals what is suggested for new strategies, which an absent field does not.
#[must_use]
pub fn defaults(algorithm: &str) -> Option<StrategyConfig> {
    let task = ALGORITHMS.iter().find(|info| info.id == algorithm)?.tasks.first()?;
    Some(StrategyConfig {
        agent: AgentConfig::of(algorithm)?,
        environment: EnvironmentConfig::of(task)?,
        seal: SealConfig::suggested(),
        ..StrategyConfig::default()
    })
}
