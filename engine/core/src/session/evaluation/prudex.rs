//! The policy on six axes: what PRUDEX asks for, as far as one evaluation on one data set can tell.
//!
//! A measure that cannot be computed says why. Stretches of the run stand for tasks: the policies are ranked within each,
//! and the market is beaten in so many of them.
//!
//! Source: PRUDEX-Compass (Sun et al. 2023), learning.md section 13; formulas in `docs/metrics.md`.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{JudgedPolicy, MeasureLacks, PrudexMeasure, PrudexStudy};
use super::runs::{Member, Runs, Stretch};
use super::{BASELINE, EvaluationInput, Missing, parts};
use crate::config::AgentConfig;
use crate::error::EngineError;
use crate::evaluation::prudex::compass::{Compass, CompassColour, drawn};
use crate::evaluation::prudex::measures::{extreme_market, extreme_windows};
use crate::evaluation::prudex::reliability::rank_distribution;
use crate::evaluation::prudex::{self, Measure, Measured, PrudexInput};
use crate::evaluation::radar::{RadarMetrics, gain_score};
use crate::evaluation::timeline::coarser;
use crate::market::MarketSeries;
use crate::metrics::returns::{returns, total_return};
use crate::session::backtest::{Track, Tracks};

const DAY_MS: i64 = 86_400_000;
/// Days below which a run is measured by bars.
const DAYS_MIN: usize = 20;
/// Bars of a stretch and number of stretches.
const WINDOW_MIN: usize = 10;
const WINDOWS_MAX: usize = 10;
/// Wildest stretches of the market, and their length in periods.
const EXTREMES: usize = 3;
const EXTREME_LENGTH: (usize, usize) = (5, 20);
/// Rows that are joined to one for a further time scale.
const SCALES: [usize; 2] = [2, 5];
/// Runs at further time scales: the policy and the market at each.
pub(super) const SCALE_RUNS: u64 = 2 * SCALES.len() as u64;
/// Draws of the distribution of ranks.
const RANK_DRAWS: u32 = 2_000;
/// Most instruments whose principal portfolios are computed.
const INSTRUMENTS_MAX: usize = 256;
/// A share of the account below this is in cash.
const INVESTED_MIN: f64 = 1e-6;

/// What the runs of the policy gave.
pub(super) struct Tried<'t, 'a> {
    /// The run that is shown.
    pub(super) headline: Member<'a>,
    /// Total return of each run.
    pub(super) scores: &'t [f64],
    /// Value of the account in each run, to its end: that of the data, or the run's ruin.
    pub(super) curves: &'t [Vec<f64>],
}

/// Returns the policy on six axes; absent where it cannot be held against doing nothing and the market.
///
/// # Errors
/// `Cancelled` when progress says so, and our own faults.
pub(super) fn study(
    input: &EvaluationInput<'_>,
    (tracks, policies): (&Tracks, &[JudgedPolicy]),
    tried: &Tried<'_, '_>,
    runs: &mut Runs<'_, '_, '_>,
    missing: &mut Missing,
) -> Result<Option<PrudexStudy>, EngineError> {
    let of = |name: &str| parts::radar_metrics(policies, name);
    let market = tracks.baselines.iter().find(|track| track.name == BASELINE);
    let metrics = (of("agent"), of("do_nothing"), of(BASELINE));
    let (Some(market), (Some(policy), Some(nothing), Some(usual))) = (market, metrics) else {
        missing.note("prudex", "There is no run that does nothing, or none of the market.");
        return Ok(None);
    };
    let periods = Periods::of(&tracks.agent, market);
    let cells = cells(input, (&tracks.agent, market), tried.headline, runs)?;
    let (weights, instruments) = holdings(input, &tracks.agent);
    let length = (periods.own.len() / 12).clamp(EXTREME_LENGTH.0, EXTREME_LENGTH.1);
    let wildest = extreme_windows(&periods.market, length, EXTREMES);
    let scores = scores(tried.scores, &nothing, &usual);
    let ranks = ranks(input, tracks, tried.curves);
    let found = prudex::prudex(&PrudexInput {
        policy: &policy,
        nothing: &nothing,
        market: &usual,
        returns: &periods.own,
        market_returns: &periods.market,
        extreme: &extreme_market(&periods.own, &periods.market, &wildest),
        cells: &cells,
        weights: &weights,
        instruments: &instruments,
        truth: input.strategy.environment.truth(),
        runs: &scores,
        ranks: &ranks,
        explainability: input.session.explainability,
    });
    let known = Known {
        instruments: tracks.instruments.len(),
        prices: !instruments.is_empty(),
        runs: tried.scores.len(),
    };
    let entry = drawn("agent", CompassColour::Blue, &found, &BTreeSet::new());
    Ok(Some(PrudexStudy {
        measures: found
            .measures
            .iter()
            .map(|(measure, value)| known.row(*measure, *value))
            .collect(),
        axes: found.axes,
        pride_star: found.pride_star,
        period: periods.name.to_owned(),
        period_count: periods.own.len(),
        compass: Compass { entries: vec![entry] },
    }))
}

/// Returns a curve over all rows: after a ruin nothing moves any more.
fn lasting(curve: &[f64], rows: usize) -> Vec<f64> {
    let mut whole = curve.to_vec();
    whole.resize(rows.max(curve.len()), curve.last().copied().unwrap_or(0.0));
    whole
}

/// Returns the growth in each of at most ten stretches of equal length; none where the run is shorter than two of them,
/// and where a growth is not defined.
fn windows(equity: &[f64]) -> Vec<f64> {
    let bars = equity.len().saturating_sub(1);
    let count = (bars / WINDOW_MIN).min(WINDOWS_MAX);
    if count < 2 {
        return Vec::new();
    }
    let ends = (0..=count).map(|place| equity[place * bars / count]);
    let ends: Vec<f64> = ends.collect();
    // An account that is worth nothing and stays so neither grows nor falls.
    let still = |pair: &[f64]| pair[0].total_cmp(&pair[1]).is_eq();
    let grown = |pair: &[f64]| if still(pair) { 0.0 } else { pair[1] / pair[0] - 1.0 };
    let growth: Vec<f64> = ends.windows(2).map(grown).collect();
    if growth.iter().all(|one| one.is_finite()) { growth } else { Vec::new() }
}

/// Returns per period of the run: days, or bars where there are few days.
struct Periods {
    name: &'static str,
    own: Vec<f64>,
    market: Vec<f64>,
}

impl Periods {
    fn of(agent: &Track, market: &Track) -> Self {
        let day = |row: usize| agent.times_ms.get(row).map(|time| time.div_euclid(DAY_MS));
        let rows = agent.equity.len();
        // The first value, and the last of each day behind it.
        let ends: Vec<usize> =
            (0..rows).filter(|row| *row == 0 || day(*row) != day(row + 1)).collect();
        let by_day = DAYS_MIN < ends.len();
        let of = |track: &Track| {
            let values: Vec<f64> = if by_day {
                ends.iter().filter_map(|row| track.equity.get(*row).copied()).collect()
            } else {
                track.equity.clone()
            };
            returns(&values).unwrap_or_default()
        };
        Self { name: if by_day { "day" } else { "bar" }, own: of(agent), market: of(market) }
    }
}

/// Returns the growth of the policy and of the market in the stretches of the run, and at further time scales.
fn cells(
    input: &EvaluationInput<'_>,
    (agent, market): (&Track, &Track),
    headline: Member<'_>,
    runs: &mut Runs<'_, '_, '_>,
) -> Result<BTreeMap<Measure, Vec<(f64, f64)>>, EngineError> {
    let mut cells = BTreeMap::new();
    let rolling = windows(&agent.equity).into_iter().zip(windows(&market.equity)).collect();
    cells.insert(Measure::RollingWindow, rolling);
    let mut scales: Vec<(f64, f64)> =
        total_return(&agent.equity).zip(total_return(&market.equity)).into_iter().collect();
    for factor in SCALES {
        match at_scale(input, factor, headline, runs) {
            Ok(found) => scales.extend(found),
            // Too short for this scale, or of a kind that has none.
            Err(EngineError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    if scales.len() < 2 {
        scales.clear();
    }
    cells.insert(Measure::TimeScale, scales);
    Ok(cells)
}

/// Runs the policy and the market on coarser data, cut at the same shares.
fn at_scale(
    input: &EvaluationInput<'_>,
    factor: usize,
    headline: Member<'_>,
    runs: &mut Runs<'_, '_, '_>,
) -> Result<Option<(f64, f64)>, EngineError> {
    let data = coarser(input.data, factor)?;
    let session = input.session;
    let stretch = Stretch { data: &data, split: &session.split, segment: session.segment };
    let own = runs.alone(stretch, headline)?;
    let Some(rule) = AgentConfig::of(BASELINE) else { return Ok(None) };
    let market = runs.instead(stretch, &rule, session.seed)?;
    Ok(total_return(&own.equity).zip(total_return(&market.equity)))
}

/// Returns what is invested in each instrument at each row as shares of all that is, `[T][N]`, rows without any left
/// out; and the returns of the instruments, `[N][T]`, none where prices have gaps.
fn holdings(input: &EvaluationInput<'_>, agent: &Track) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let MarketSeries::Panel(panel) = input.data else { return (Vec::new(), Vec::new()) };
    let width = panel.width();
    let weights = agent
        .weights
        .chunks_exact(width + 1)
        .filter_map(|row| {
            let invested: f64 = row[1..].iter().sum();
            let shares = || row[1..].iter().map(|weight| weight / invested).collect::<Vec<f64>>();
            (1 < width && INVESTED_MIN < invested).then(shares)
        })
        .collect();
    let ends = agent.times_ms.first().zip(agent.times_ms.last());
    let Some((first, last)) = ends.filter(|_| (2..=INSTRUMENTS_MAX).contains(&width)) else {
        return (weights, Vec::new());
    };
    let rows = panel.time_ms.partition_point(|time| time < first)
        ..panel.time_ms.partition_point(|time| time <= last);
    let column = |place: usize| -> Option<Vec<f64>> {
        let cells = rows.clone().map(|row| row * width + place);
        let closes: Option<Vec<f64>> =
            cells.map(|cell| panel.present[cell].then(|| panel.adjusted_close[cell])).collect();
        returns(&closes?)
    };
    let instruments: Option<Vec<Vec<f64>>> = (0..width).map(column).collect();
    (weights, instruments.unwrap_or_default())
}

/// Returns the growth of each run as a score: 50 is doing nothing, 75 the market. None for a single run.
fn scores(growth: &[f64], nothing: &RadarMetrics, market: &RadarMetrics) -> Vec<Vec<f64>> {
    let score = |value: &f64| {
        let scaled = gain_score(*value, nothing.total_return.unwrap_or(0.0), market.total_return?)?;
        Some(f64::midpoint(scaled, 100.0).clamp(0.0, 100.0))
    };
    let all: Option<Vec<f64>> = growth.iter().map(score).collect();
    all.filter(|all| 1 < all.len()).map(|all| vec![all]).unwrap_or_default()
}

/// Returns how often the policy takes each rank among the baselines that do not know the future, over stretches and
/// seeds; none where the run is too short.
fn ranks(input: &EvaluationInput<'_>, tracks: &Tracks, curves: &[Vec<f64>]) -> Vec<f64> {
    let rows = tracks.agent.equity.len();
    let tried: Vec<Vec<f64>> = curves.iter().map(|curve| windows(&lasting(curve, rows))).collect();
    let stretches = tried.first().map_or(0, Vec::len);
    let column = |place: usize| tried.iter().filter_map(|run| run.get(place).copied()).collect();
    let own: Vec<Vec<f64>> = (0..stretches).map(column).collect();
    let rivals = tracks
        .baselines
        .iter()
        .filter(|track| !track.name.starts_with("hindsight_") && input.session.wants(&track.name));
    let mut all = vec![own];
    all.extend(rivals.map(|track| {
        windows(&track.equity).into_iter().map(|one| vec![one]).collect::<Vec<Vec<f64>>>()
    }));
    let found = rank_distribution(&all, RANK_DRAWS, u64::from(input.session.seed));
    found.ok().and_then(|rows| rows.into_iter().next()).unwrap_or_default()
}

/// What there was to compute from.
struct Known {
    instruments: usize,
    prices: bool,
    runs: usize,
}

impl Known {
    fn row(&self, measure: Measure, value: Measured) -> PrudexMeasure {
        let Measured { raw, score } = value;
        let whole = raw.is_some() && score.is_some();
        let lacks = (!whole).then(|| self.lacks(measure));
        PrudexMeasure { measure, axis: measure.axis(), raw, score, lacks }
    }

    fn lacks(&self, measure: Measure) -> MeasureLacks {
        match measure {
            Measure::Country | Measure::AssetType => MeasureLacks::SeveralDataSets,
            Measure::TSne => MeasureLacks::Picture,
            Measure::TimeScale => MeasureLacks::CoarserData,
            Measure::RollingWindow | Measure::ExtremeMarket | Measure::RankOrder => {
                MeasureLacks::LongerRun
            }
            Measure::Entropy | Measure::Correlation if self.instruments < 2 => {
                MeasureLacks::SeveralInstruments
            }
            Measure::Correlation if !self.prices => MeasureLacks::CompletePrices,
            Measure::Profile | Measure::Variability if self.runs < 2 => MeasureLacks::SeveralRuns,
            Measure::Profit
            | Measure::AlphaDecay
            | Measure::EquityCurve
            | Measure::Risk
            | Measure::RiskAdjusted
            | Measure::Entropy
            | Measure::Correlation
            | Measure::Profile
            | Measure::Variability => MeasureLacks::Undefined,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ruined_run_is_cut_at_the_same_times_as_the_others() {
        let falling: Vec<f64> = (0..=100).map(|bar| f64::from(100 - bar)).collect();
        let others = windows(&vec![1.0; 201]);
        let found = windows(&lasting(&falling, 201));
        assert_eq!(found.len(), others.len());
        assert_eq!(found[others.len() / 2..], vec![0.0; others.len() / 2]);
        assert!(found[0] < 0.0);
        assert_eq!(lasting(&falling, 50), falling);
    }
}
