//! The runs of a back-test at full length, for those who judge them further. Thins nothing and writes no report.

use super::assemble::{Axis, Played};
use super::course::{Course, Decisions, Traded};
use super::remarks::remarks;
use super::{BacktestInput, OnProgress, Scope, play};
use crate::error::EngineError;
use crate::metrics::trades::TimedFill;

/// One policy's run. Slices have one entry per bar of the run.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    /// `agent` or the baseline's name.
    pub(crate) name: String,
    /// Times, milliseconds since 1970 UTC.
    pub(crate) times_ms: Vec<i64>,
    /// Close, midpoint, or index of the mean instrument.
    pub(crate) prices: Vec<f64>,
    /// Value of the account; after a ruin its last value is carried on.
    pub(crate) equity: Vec<f64>,
    /// Units held; of a portfolio the share that is invested.
    pub(crate) position: Vec<f64>,
    /// `[rows · (N + 1)]` shares of the account, cash first, as far as the run went; empty where there is one instrument.
    pub(crate) weights: Vec<f64>,
    /// What was decided, one entry per step.
    pub(crate) decisions: Decisions,
    /// Fills, where there is one instrument.
    pub(crate) fills: Vec<TimedFill>,
    /// Whether anything was traded.
    pub(crate) traded: bool,
    /// Fees and slippage paid.
    pub(crate) costs: f64,
    /// Orders that were refused.
    pub(crate) refusal_count: u32,
    /// Whether the account was ruined.
    pub(crate) ruined: bool,
    /// Bars per year.
    pub(crate) periods_per_year: f64,
}

/// The agent's run beside its baselines.
#[derive(Debug, Clone)]
pub(crate) struct Tracks {
    /// The agent's.
    pub(crate) agent: Track,
    /// Those it is compared with.
    pub(crate) baselines: Vec<Track>,
    /// Share of random draws of equal turnover that grew less than the agent.
    pub(crate) random_percentile: Option<f64>,
    /// What belongs beside every figure.
    pub(crate) remarks: Vec<String>,
    /// The instruments, in the order of the data.
    pub(crate) instruments: Vec<String>,
    /// First and last time, RFC 3339 UTC.
    pub(crate) span: [String; 2],
}

/// Runs the policy and its baselines.
///
/// # Errors
/// As [`super::run`].
pub(crate) fn tracks(
    input: &BacktestInput<'_>,
    progress: &mut OnProgress<'_>,
) -> Result<Tracks, EngineError> {
    let played = play(input, Scope::Everyone, progress)?;
    let axis = &played.axis;
    Ok(Tracks {
        agent: track(axis, "agent", &played.agent),
        baselines: played.baselines.iter().map(|one| track(axis, one.name, &one.course)).collect(),
        random_percentile: played.random_percentile,
        remarks: remarks(input, &played),
        instruments: axis.instruments.clone(),
        span: [axis.time(0)?, axis.time(axis.rows.len() - 1)?],
    })
}

/// Runs the policy alone. After a ruin the run ends.
///
/// # Errors
/// As [`super::run`].
pub(crate) fn agent_track(
    input: &BacktestInput<'_>,
    progress: &mut OnProgress<'_>,
) -> Result<Track, EngineError> {
    let Played { axis, agent, .. } = play(input, Scope::Agent, progress)?;
    Ok(track(&axis, "agent", &agent))
}

/// Carries decisions out again, alone: what became of them under the input's costs.
///
/// # Errors
/// As [`super::run`].
pub(crate) fn replayed_track(
    input: &BacktestInput<'_>,
    decisions: &Decisions,
    progress: &mut OnProgress<'_>,
) -> Result<Track, EngineError> {
    let Played { axis, agent, .. } = play(input, Scope::Replay(decisions), progress)?;
    Ok(track(&axis, "agent", &agent))
}

fn track(axis: &Axis, name: &str, course: &Course) -> Track {
    let mut equity = course.equity.clone();
    let mut position = course.position.clone();
    equity.resize(axis.rows.len(), equity.last().copied().unwrap_or(0.0));
    position.resize(axis.rows.len(), 0.0);
    let timed = |Traded { index, fill, .. }: &Traded| TimedFill { bar: *index, fill: *fill };
    let one = axis.instruments.len() < 2;
    Track {
        name: name.to_owned(),
        times_ms: axis.times_ms.clone(),
        prices: axis.prices.clone(),
        equity,
        position,
        weights: course.weights.clone(),
        decisions: course.decisions.clone(),
        fills: if one { course.fills.iter().map(timed).collect() } else { Vec::new() },
        traded: !course.fills.is_empty(),
        costs: course.costs,
        refusal_count: course.refusal_count,
        ruined: course.ruined,
        periods_per_year: axis.periods_per_year,
    }
}
