//! Whether a result can be trusted: whose it is, on which data it is judged, and by which tests. Does not judge.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::rules::Broken;
use super::validate::{Violation, finite, finite_option};
use super::{LabellingConfig, Segment, SplitConfig};
use crate::ids::SessionId;

/// An evaluation of one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// Who is judged.
    #[garde(dive)]
    pub policy: EvaluationPolicy,
    /// Which segment the headline figures come from.
    #[garde(skip)]
    pub segment: Segment,
    /// How the data is cut.
    #[garde(dive)]
    pub split: SplitConfig,
    /// Whether the policy is run on further stretches of the data as well.
    #[garde(dive)]
    pub scheme: EvaluationScheme,
    /// Factors on all fees and slippage at which the policy is run again; its decisions are made anew.
    #[garde(length(min = 1, max = 16), inner(range(min = 0.0, max = 1000.0), custom(finite)))]
    pub cost_multipliers: Vec<f64>,
    /// How intervals are drawn.
    #[garde(dive)]
    pub bootstrap: BootstrapConfig,
    /// Runs of a rule that draws, each with a seed of its own. Of trained models each session is one.
    #[garde(range(min = 1, max = 50))]
    pub seeds: u32,
    /// Performance by market regime.
    #[garde(dive)]
    pub regimes: RegimesConfig,
    /// Random times at which the future is overwritten to see whether the past changes. 0 leaves the test out.
    #[garde(range(min = 0, max = 64))]
    pub causality_cuts: u32,
    /// Also compute the best that could have been done in hindsight, as a bound.
    #[garde(skip)]
    pub oracle: bool,
    /// Baselines that are shown and that the policy has to beat; empty: all that fit the task. Buying and holding is run
    /// in any case: it is the market that figures are held against.
    #[garde(length(max = 16))]
    pub baselines: Vec<BaselineName>,
    /// How well the policy can be understood, 1 to 100: a person's judgement, which no computation replaces. Empty: not
    /// judged.
    #[garde(range(min = 1.0, max = 100.0), custom(finite_option))]
    pub explainability: Option<f64>,
    /// What has to be reached.
    #[garde(dive)]
    pub thresholds: ThresholdsConfig,
    /// Seed of everything that is drawn.
    #[garde(skip)]
    pub seed: u32,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            policy: EvaluationPolicy::default(),
            segment: Segment::default(),
            split: SplitConfig::default(),
            scheme: EvaluationScheme::default(),
            cost_multipliers: vec![0.0, 1.0, 2.0, 5.0, 10.0],
            bootstrap: BootstrapConfig::default(),
            seeds: 10,
            regimes: RegimesConfig::default(),
            causality_cuts: 16,
            oracle: true,
            baselines: Vec::new(),
            explainability: None,
            thresholds: ThresholdsConfig::default(),
            seed: 0,
        }
    }
}

impl EvaluationConfig {
    /// Whether a baseline of this name is shown and has to be beaten.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.baselines.is_empty() || self.baselines.iter().any(|wanted| wanted.as_str() == name)
    }
}

/// A policy that others are held against. Which of them there are depends on the task.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BaselineName {
    /// Buys as much as it may, or equal shares, and holds.
    BuyAndHold,
    /// Never trades.
    DoNothing,
    /// The median of 100 policies that trade as much at random.
    Random,
    /// Equal weights, restored at every bar.
    Uniform,
    /// The instruments that rose most.
    Momentum,
    /// The instruments that fell most.
    MeanReversion,
    /// Least variance over a rolling window.
    MinVariance,
    /// Equal contributions to risk over a rolling window.
    RiskParity,
    /// The best constant weights, in hindsight.
    HindsightBcrp,
    /// The best holdings on an order book, in hindsight.
    HindsightOracle,
}

impl BaselineName {
    /// Every baseline.
    pub const ALL: [Self; 10] = [
        Self::BuyAndHold,
        Self::DoNothing,
        Self::Random,
        Self::Uniform,
        Self::Momentum,
        Self::MeanReversion,
        Self::MinVariance,
        Self::RiskParity,
        Self::HindsightBcrp,
        Self::HindsightOracle,
    ];

    /// Returns the name, as reports spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuyAndHold => "buy_and_hold",
            Self::DoNothing => "do_nothing",
            Self::Random => "random",
            Self::Uniform => "uniform",
            Self::Momentum => "momentum",
            Self::MeanReversion => "mean_reversion",
            Self::MinVariance => "min_variance",
            Self::RiskParity => "risk_parity",
            Self::HindsightBcrp => "hindsight_bcrp",
            Self::HindsightOracle => "hindsight_oracle",
        }
    }
}

/// The policy that is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub enum EvaluationPolicy {
    /// The rule named by the strategy's `agent`.
    #[default]
    Strategy,
    /// The best models of training sessions of the strategy, each a seed of its own.
    Sessions {
        /// The training sessions.
        #[garde(length(min = 1, max = 20))]
        #[schemars(length(min = 1, max = 20))]
        session_ids: Vec<SessionId>,
    },
}

/// Further stretches of the data on which a rule is run anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum EvaluationScheme {
    /// The segment alone.
    #[default]
    Segment,
    /// Blocks of equal length, one behind the other, each with its past before it.
    WalkForward {
        /// Where the past of a block begins.
        #[garde(skip)]
        #[serde(default = "anchored")]
        window: WalkWindow,
        /// Bars before the first block, and before each one where the window is rolling.
        #[garde(range(min = 10, max = 10_000_000))]
        #[schemars(range(min = 10, max = 10_000_000))]
        #[serde(default = "train_bars")]
        train_bars: u32,
        /// Bars of a block.
        #[garde(range(min = 3, max = 10_000_000))]
        #[schemars(range(min = 3, max = 10_000_000))]
        #[serde(default = "test_bars")]
        test_bars: u32,
    },
    /// Groups of bars in time order, joined to several paths through all of them.
    Combinatorial {
        /// Groups.
        #[garde(range(min = 2, max = 16))]
        #[schemars(range(min = 2, max = 16))]
        #[serde(default = "groups")]
        groups: u32,
        /// Groups that are tested at a time; fewer than there are.
        #[garde(range(min = 1, max = 8))]
        #[schemars(range(min = 1, max = 8))]
        #[serde(default = "tested")]
        tested: u32,
    },
}

/// Where the past of a block begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WalkWindow {
    /// Always at the first bar: it grows.
    #[default]
    Anchored,
    /// Always the same number of bars before the block: it moves.
    Rolling,
}

fn anchored() -> WalkWindow {
    WalkWindow::Anchored
}

fn train_bars() -> u32 {
    500
}

fn test_bars() -> u32 {
    125
}

fn groups() -> u32 {
    6
}

fn tested() -> u32 {
    2
}

/// The stationary bootstrap: blocks of random length keep what hangs together in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct BootstrapConfig {
    /// Resamples.
    #[garde(range(min = 1_000, max = 20_000))]
    pub resamples: u32,
    /// Mean length of a block in bars. Empty: the cube root of the number of bars.
    #[garde(range(min = 1.0, max = 100_000.0), custom(finite_option))]
    pub block_bars: Option<f64>,
    /// Share of the resamples that an interval holds.
    #[garde(range(min = 0.5, max = 0.999), custom(finite))]
    pub confidence: f64,
}

impl Default for BootstrapConfig {
    fn default() -> Self {
        Self { resamples: 2_000, block_bars: None, confidence: 0.95 }
    }
}

/// Market regimes: the prices of the segment are labelled in hindsight, from the steepest fall to the steepest rise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct RegimesConfig {
    /// Whether regimes are told apart.
    #[garde(skip)]
    pub enabled: bool,
    /// Number of labels.
    #[garde(range(min = 2, max = 10))]
    pub label_count: u32,
    /// Shortest segment in bars; it also sets the filter.
    #[garde(range(min = 3, max = 1_000))]
    pub min_length: u32,
}

impl Default for RegimesConfig {
    fn default() -> Self {
        Self { enabled: true, label_count: 3, min_length: 12 }
    }
}

impl RegimesConfig {
    /// Returns the labelling that this asks for.
    #[must_use]
    pub fn labelling(&self) -> LabellingConfig {
        LabellingConfig {
            label_count: self.label_count,
            min_length: Some(self.min_length),
            ..LabellingConfig::default()
        }
    }
}

/// What has to be reached before a result counts as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct ThresholdsConfig {
    /// Least deflated Sharpe ratio.
    #[garde(range(min = 0.5, max = 0.999), custom(finite))]
    pub deflated_sharpe: f64,
    /// Greatest probability of overfitting.
    #[garde(range(min = 0.0, max = 1.0), custom(finite))]
    pub overfitting: f64,
    /// Factor on all costs at which a profit has to be left.
    #[garde(range(min = 0.0, max = 1000.0), custom(finite))]
    pub cost_multiplier: f64,
    /// Greatest p-value of the test of superior predictive ability.
    #[garde(range(min = 0.001, max = 0.5), custom(finite))]
    pub p_value: f64,
}

impl Default for ThresholdsConfig {
    fn default() -> Self {
        Self { deflated_sharpe: 0.95, overfitting: 0.2, cost_multiplier: 2.0, p_value: 0.05 }
    }
}

/// Rules across fields.
pub(super) fn rules(config: &EvaluationConfig) -> Vec<Broken> {
    let mut broken = Vec::new();
    let trained = matches!(config.policy, EvaluationPolicy::Sessions { .. });
    if trained && config.scheme != EvaluationScheme::Segment {
        let name = match config.scheme {
            EvaluationScheme::Segment => "segment",
            EvaluationScheme::WalkForward { .. } => "walk_forward",
            EvaluationScheme::Combinatorial { .. } => "combinatorial",
        };
        let detail = format!(
            "wanted the scheme 'segment' for trained models, because they are not trained again and the other schemes would \
             test them on what they learned from; found '{name}'"
        );
        let violation = Violation::new("/scheme/kind", "not_allowed", detail)
            .with("allowed", json!(["segment"]))
            .with("got", name);
        broken.push(Broken { violation, fields: ["/scheme/kind", "/policy/source"] });
    }
    if let EvaluationScheme::Combinatorial { groups, tested } = config.scheme
        && groups <= tested
    {
        let detail = format!(
            "wanted tested below groups ({groups}), because what is not tested is the past of what is; found {tested}. Change \
             one of the two"
        );
        let violation = Violation::new("/scheme/tested", "not_at_most", detail)
            .with("field", "/scheme/groups")
            .with("limit", groups.saturating_sub(1))
            .with("got", tested);
        broken.push(Broken { violation, fields: ["/scheme/tested", "/scheme/groups"] });
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SessionConfig, validate};

    fn codes(value: &serde_json::Value) -> Vec<(String, String)> {
        let violations = validate::session(value).err().unwrap_or_default();
        for violation in &violations {
            assert_eq!(violation.lacks(), None);
        }
        violations.into_iter().map(|one| (one.pointer, one.code)).collect()
    }

    #[test]
    fn the_defaults_are_those_of_the_file_and_are_accepted() {
        let found = validate::session(&json!({"kind": "evaluation"})).unwrap();
        assert_eq!(found, SessionConfig::Evaluation(EvaluationConfig::default()));
    }

    #[test]
    fn a_scheme_takes_its_own_defaults() {
        let value = json!({"kind": "evaluation", "scheme": {"kind": "walk_forward"}});
        let Ok(SessionConfig::Evaluation(found)) = validate::session(&value) else { panic!() };
        let wanted = EvaluationScheme::WalkForward {
            window: WalkWindow::Anchored,
            train_bars: 500,
            test_bars: 125,
        };
        assert_eq!(found.scheme, wanted);
    }

    #[test]
    fn refuses_folds_that_would_test_models_on_what_they_learned_from() {
        let id = "ses_01900000000070008000000000000001";
        let found = codes(&json!({
            "kind": "evaluation",
            "policy": {"source": "sessions", "session_ids": [id]},
            "scheme": {"kind": "walk_forward"},
        }));
        assert_eq!(found, [("/scheme/kind".to_owned(), "not_allowed".to_owned())]);
    }

    #[test]
    fn refuses_more_groups_tested_than_there_are() {
        let scheme = json!({"kind": "combinatorial", "groups": 3, "tested": 3});
        let found = codes(&json!({"kind": "evaluation", "scheme": scheme}));
        assert_eq!(found, [("/scheme/tested".to_owned(), "not_at_most".to_owned())]);
    }

    #[test]
    fn baselines_are_wanted_by_name_and_all_of_them_without_one() {
        let all = EvaluationConfig::default();
        assert!(BaselineName::ALL.iter().all(|name| all.wants(name.as_str())));
        let few = json!({"kind": "evaluation", "baselines": ["risk_parity"], "explainability": 1});
        let Ok(SessionConfig::Evaluation(few)) = validate::session(&few) else { panic!() };
        assert!(few.wants("risk_parity") && !few.wants("buy_and_hold"));
        for name in BaselineName::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
    }

    #[test]
    fn refuses_baselines_that_nobody_knows_and_judgements_out_of_range() {
        let found = codes(&json!({"kind": "evaluation", "baselines": ["random", "nobody"]}));
        assert_eq!(found, [("/baselines/1".to_owned(), "not_allowed".to_owned())]);
        for judgement in [0.5, 100.5] {
            let found = codes(&json!({"kind": "evaluation", "explainability": judgement}));
            assert_eq!(found.len(), 1, "{judgement}: {found:?}");
            assert_eq!(found[0].0, "/explainability");
        }
    }

    #[test]
    fn refuses_costs_and_confidence_out_of_range() {
        let found = codes(&json!({
            "kind": "evaluation",
            "cost_multipliers": [1.0, -1.0],
            "bootstrap": {"confidence": 1.0, "resamples": 10},
        }));
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
