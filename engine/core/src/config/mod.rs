//! Configuration: one struct per configurable thing, read by TOML files, REST bodies, the web form, the shell and
//! the worker alike.
//!
//! Doc comment, default and range are written once, at the field: serde reads, schemars describes, garde checks.
//! Unknown keys are errors; every float is finite. Bytes that are stored are JSON, never bincode, because tagged
//! enums need a self-describing format and because configuration outlives the struct.

pub mod agents;
pub mod canonical;
pub mod codes;
pub mod environment;
pub mod evaluation;
pub mod feature_list;
pub mod features;
pub mod labelling;
pub mod matching;
pub mod policy;
pub mod resources;
pub mod risk;
pub mod rules;
pub mod schema;
pub mod seal;
pub mod session;
pub mod split;
pub mod strategy;
pub mod truth;
pub mod validate;
mod walk;

pub use agents::{ALGORITHMS, AgentConfig, AlgorithmInfo};
pub use canonical::hash;
pub use codes::VIOLATION_CODES;
pub use environment::{
    AlgorithmicTradingConfig, DividendRule, EnvironmentConfig, ExecutionSide, HighFrequencyConfig,
    OffsetUnit, OrderExecutionConfig, PortfolioConfig, PortfolioUnits, QueueModel,
};
pub use evaluation::{
    BaselineName, BootstrapConfig, EvaluationConfig, EvaluationPolicy, EvaluationScheme,
    RegimesConfig, ThresholdsConfig, WalkWindow,
};
pub use feature_list::{FeatureItem, VolatilityEstimator};
pub use features::{FeatureSet, FeaturesConfig, Normalisation};
pub use labelling::{LabellingConfig, LabellingMethod, MergeMetric};
pub use matching::{FillRule, MatchingConfig};
pub use policy::{ExecutionConfig, HindsightMethod, OnlineConfig, PortfolioRuleConfig};
pub use resources::ResourcesConfig;
pub use risk::RiskConfig;
pub use seal::SealConfig;
pub use session::{BacktestConfig, BacktestPolicy, SessionConfig, SessionKind, TrainingConfig};
pub use split::{Segment, SplitConfig};
pub use strategy::{StrategyConfig, defaults};
pub use truth::Truth;
pub use validate::Violation;
