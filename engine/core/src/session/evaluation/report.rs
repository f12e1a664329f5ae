//! The evaluation report as one value: written by the worker, stored as a blob, shown as it is. Computes nothing.
//!
//! Ratios are shares: 0.05 is 5 %. Undefined is absent (`null`), and `missing` says why where a whole part is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{Segment, SessionConfig, StrategyConfig, Truth};
use crate::evaluation::causality::Violation;
use crate::evaluation::cost_ladder::CostLadder;
use crate::evaluation::overfitting::Overfitting;
use crate::evaluation::prudex::compass::Compass;
use crate::evaluation::prudex::{Axis, Measure, PrideStar};
use crate::evaluation::radar::Radar;
use crate::evaluation::regimes::LabelPerformance;
use crate::evaluation::seal::SealMark;
use crate::evaluation::seeds::Estimate;
use crate::metrics::tear_sheet::TearSheet;

/// What many runs and tests say about one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationReport {
    /// Layout of this document; 1.
    pub format: u32,
    /// The task, as the strategy's `environment` names it.
    pub task: String,
    /// Name of the data set.
    pub dataset: String,
    /// SHA-256 of the data snapshot, lower-case hexadecimal.
    pub dataset_sha256: String,
    /// Whether the data is synthetic. Shown wherever a number is shown.
    pub synthetic: bool,
    /// The instruments, in the order of the data.
    pub instruments: Vec<String>,
    /// Accounting that was followed; `faithful` results are for verification only.
    pub truth: Truth,
    /// Segment that the headline figures come from.
    pub segment: Segment,
    /// Whether rows were sealed, and whether anybody had seen them.
    #[serde(default)]
    pub seal: SealMark,
    /// First bar of the segment, RFC 3339 UTC.
    pub from: String,
    /// Last bar of the segment.
    pub to: String,
    /// Bars of the run.
    pub bar_count: usize,
    /// Bars per year by which figures were annualised.
    pub periods_per_year: f64,
    /// Warnings that belong beside every figure.
    pub remarks: Vec<String>,
    /// Version of the program that computed this.
    pub build: String,
    /// The strategy as run.
    pub strategy: StrategyConfig,
    /// The session as run.
    pub session: SessionConfig,
    /// SHA-256 of each trained model; empty for a rule.
    pub model_sha256: Vec<String>,
    /// What may be said, and why.
    pub verdict: Verdict,
    /// Time axis of the curves in `policies`, milliseconds since 1970 UTC; thinned.
    pub times_ms: Vec<f64>,
    /// The agent, then its baselines. Names that begin with `hindsight_` know the future.
    pub policies: Vec<JudgedPolicy>,
    /// Share of the resamples that each of the intervals holds.
    pub confidence: f64,
    /// Figures of the agent with their intervals.
    pub intervals: Vec<NamedInterval>,
    /// Share of random draws of equal turnover whose total return lies below the agent's, 0 to 1.
    pub random_percentile: Option<f64>,
    /// Whether the Sharpe ratio is more than luck.
    pub sharpe: Option<SharpeEvidence>,
    /// Whether choosing the best of the trials is overfitting.
    pub overfitting: Option<Overfitting>,
    /// Whether the best of the trials is better than a baseline after so many were tried.
    pub snooping: Option<Snooping>,
    /// How the result varies between seeds.
    pub seeds: Option<SeedStudy>,
    /// What is left at higher costs; decisions are made anew at each.
    pub costs: Option<CostLadder>,
    /// The same with the decisions of the run carried out again at each, whatever they would have been.
    #[serde(default)]
    pub costs_fixed: Option<CostLadder>,
    /// Runs on further stretches of the data.
    pub folds: Option<FoldStudy>,
    /// Performance by market regime, in hindsight.
    pub regimes: Option<RegimeStudy>,
    /// The best that could have been done.
    pub oracle: Option<OracleBound>,
    /// The agent on a scale whose 0 is doing nothing and whose 50 is buying and holding.
    pub radar: Option<Radar>,
    /// Six axes and sixteen measures, each with its raw value, its score, and why it has none.
    #[serde(default)]
    pub prudex: Option<PrudexStudy>,
    /// Whether anything that was computed knew the future.
    pub causality: Option<CausalityOutcome>,
    /// Parts that are not defined, and why.
    pub missing: Vec<MissingPart>,
}

/// What may be said about the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "EvaluationOutcome")]
pub enum Outcome {
    /// Every required test is passed: the result is more than luck, as far as these tests can tell.
    Shown,
    /// Some required test is failed or not defined.
    NotShown,
    /// The result uses the future, or is a loss beyond chance.
    Refuted,
}

/// What became of one test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It could not be made.
    Undefined,
}

/// The question of one test.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(extend("x-extensible" = true))]
pub enum CheckCode {
    /// Does nothing that was computed depend on what comes after it?
    Causality,
    /// Is the Sharpe ratio above what the best of so many trials shows by luck?
    Dsr,
    /// Is a profit left at higher costs?
    Costs,
    /// Does the interval of the Sharpe ratio lie above 0?
    IntervalSharpe,
    /// Is the Sharpe ratio above 0, were this the only trial?
    Psr,
    /// Is the run long enough for its Sharpe ratio?
    TrackRecord,
    /// Did it grow more than every baseline that does not know the future?
    Baselines,
    /// Did it grow more than nearly all random policies of equal turnover?
    Random,
    /// Is the best of the trials better than the baseline after so many were tried?
    Spa,
    /// Does the trial that is best in one half of the data stay good in the other?
    Pbo,
    /// Did most of the further stretches end with a profit?
    Folds,
    /// Does the profit hold over seeds?
    Seeds,
}

/// One test and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EvaluationCheck")]
pub struct Check {
    /// Which test.
    pub code: CheckCode,
    /// What became of it.
    pub outcome: CheckOutcome,
    /// Whether the verdict hangs on it.
    pub required: bool,
    /// Numbers and names that belong to the code, for translations.
    pub params: BTreeMap<String, Value>,
    /// What was wanted and what was found; English.
    pub detail: String,
}

/// What may be said about the policy, and the tests it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EvaluationVerdict")]
pub struct Verdict {
    /// The whole of it.
    pub outcome: Outcome,
    /// Every test.
    pub checks: Vec<Check>,
}

/// One policy over the segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JudgedPolicy {
    /// `agent` or the baseline's name.
    pub name: String,
    /// Value of the account, quote currency; thinned.
    pub equity: Vec<f64>,
    /// Fall from the running peak, 0 to 1; thinned.
    pub drawdown: Vec<f64>,
    /// Every figure, measured on every bar.
    pub sheet: TearSheet,
    /// Fees and slippage paid, quote currency.
    pub costs: f64,
    /// Orders that were refused.
    pub refusal_count: u32,
}

/// A figure and its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NamedInterval {
    /// Name of the figure.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A Sharpe ratio beside what luck would show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SharpeEvidence {
    /// The agent's, per year.
    pub ratio: f64,
    /// Probability that the true ratio is above 0 (probabilistic Sharpe ratio).
    pub psr: Option<f64>,
    /// Probability that it is above `benchmark` (deflated Sharpe ratio).
    pub dsr: Option<f64>,
    /// The same for the effective number of trials.
    pub dsr_effective: Option<f64>,
    /// Highest ratio that so many trials without edge are expected to show, per year.
    pub benchmark: Option<f64>,
    /// Trials that count: this one, every earlier one, and those that are lost.
    pub trials: usize,
    /// Groups of trials that move together, and every trial that could not be compared.
    pub trials_effective: Option<usize>,
    /// Trials whose results are lost.
    pub trials_lost: u32,
    /// Returns from which on the ratio exceeds the benchmark with the wanted confidence.
    pub track_record_min: Option<f64>,
    /// Returns there are.
    pub track_record: usize,
}

/// The test of superior predictive ability over all trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snooping {
    /// The baseline they are held against.
    pub benchmark: String,
    /// The agent and the trials.
    pub candidates: Vec<String>,
    /// Largest studentised mean difference, at least 0.
    pub statistic: f64,
    /// Lower bound of the p-value.
    pub p_lower: f64,
    /// The p-value that decides.
    pub p_consistent: f64,
    /// Upper bound of the p-value.
    pub p_upper: f64,
    /// Candidates that are better, all errors together held below the wanted p-value (stepwise test).
    pub better: Vec<String>,
}

/// The result over seeds. The agent of the report is the median run, never the best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeedStudy {
    /// Runs.
    pub count: usize,
    /// `seed 7`, or the training session of each model.
    pub names: Vec<String>,
    /// Total return of each run.
    pub scores: Vec<f64>,
    /// Interquartile mean of the scores.
    pub iqm: Estimate,
    /// Share of runs above each threshold.
    pub profile: Vec<ProfilePoint>,
}

/// One point of a performance profile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProfilePoint {
    /// Total return.
    pub threshold: f64,
    /// Share of runs above it.
    pub share: f64,
}

/// Figures of one course.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PathFigures {
    /// Growth.
    pub total_return: Option<f64>,
    /// Per year.
    pub sharpe: Option<f64>,
    /// Deepest fall, 0 to 1.
    pub max_drawdown: Option<f64>,
}

/// One further stretch of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoldResult {
    /// `block 1`, `group 1`, ….
    pub name: String,
    /// First bar, milliseconds since 1970 UTC.
    pub from_ms: f64,
    /// Last bar.
    pub to_ms: f64,
    /// Time axis; thinned.
    pub times_ms: Vec<f64>,
    /// Value of the account, 1 at the bar before the first.
    pub equity: Vec<f64>,
    /// Its figures.
    #[serde(flatten)]
    pub figures: PathFigures,
}

/// Runs on further stretches of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoldStudy {
    /// `walk_forward` or `combinatorial`.
    pub scheme: String,
    /// The stretches in time order.
    pub items: Vec<FoldResult>,
    /// Courses through all stretches: one of a walk forward, several of a combinatorial scheme.
    pub paths: Vec<PathFigures>,
}

/// Performance by market regime. Labels use hindsight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegimeStudy {
    /// Labels asked for; 0 is the steepest fall.
    pub label_count: u32,
    /// The agent under each label that occurs.
    pub rows: Vec<LabelPerformance>,
    /// Buying and holding under each label.
    pub benchmark: Vec<LabelPerformance>,
}

/// The best that could have been done at the bars' closes with the same costs. Knows the future.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OracleBound {
    /// Its growth; absent where it is too large for a number.
    pub total_return: Option<f64>,
    /// Logarithm of the agent's growth divided by that of the oracle's; absent where the oracle gains nothing.
    pub share: Option<f64>,
}

/// The policy on six axes (PRUDEX). Scores run from 0 to 100.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrudexStudy {
    /// Score of each axis: the mean of those of its measures that have one. Absent where none has.
    pub axes: BTreeMap<Axis, Option<f64>>,
    /// Every measure.
    pub measures: Vec<PrudexMeasure>,
    /// The octagon.
    pub pride_star: PrideStar,
    /// What one value of the returns stands for: `day`, or `bar` where the run has too few days.
    pub period: String,
    /// Such periods.
    pub period_count: usize,
    /// The document that the compass is drawn from. An axis without a score stands at 1, its least.
    pub compass: Compass,
}

/// One measure of PRUDEX.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrudexMeasure {
    /// Which one.
    pub measure: Measure,
    /// Its axis.
    pub axis: Axis,
    /// The value itself.
    pub raw: Option<f64>,
    /// Its score, 0 to 100.
    pub score: Option<f64>,
    /// Why there is no value or no score.
    pub lacks: Option<MeasureLacks>,
}

/// Why a measure has no value or no score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeasureLacks {
    /// It compares data sets of several markets, and an evaluation has one.
    SeveralDataSets,
    /// It is a picture and has no number.
    Picture,
    /// It is defined for several instruments.
    SeveralInstruments,
    /// There are too many instruments, or gaps in their prices.
    CompletePrices,
    /// It compares runs that differ by their seed, and there is one.
    SeveralRuns,
    /// The run is too short.
    LongerRun,
    /// The data could not be made coarser, or was too short then.
    CoarserData,
    /// It cannot be computed from what was found: a figure is not defined, or nothing varies.
    Undefined,
}

/// Whether anything that was computed knew the future.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CausalityOutcome {
    /// Whether no number did.
    pub passed: bool,
    /// Times at which the future was overwritten.
    pub cuts: u32,
    /// The first number that did.
    pub violation: Option<Violation>,
    /// What was found, in a sentence.
    pub detail: String,
    /// How much the features of the judged rows differ when the data begins later; empty without features, and where
    /// there is not enough before the segment.
    #[serde(default)]
    pub warm_up: Vec<WarmUpDrift>,
}

/// Features of the judged rows with fewer rows before them than there are. A difference is a figure, no failure: an
/// average with a long memory never quite forgets where it began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarmUpDrift {
    /// Rows before the judged ones.
    pub rows_before: u32,
    /// Numbers that are defined in both.
    pub compared: u32,
    /// Largest difference, relative to the number or to 1 where it is smaller.
    pub largest: f64,
    /// The same in the last row.
    pub last: f64,
}

/// A part of the report that is not defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingPart {
    /// Name of the part.
    pub part: String,
    /// Why.
    pub reason: String,
}
