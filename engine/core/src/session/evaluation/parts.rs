//! The parts of a report that follow from the finished runs: sheets, intervals, seeds, regimes, bound, radar, remarks.

use std::ops::ControlFlow;

use super::report::{
    JudgedPolicy, NamedInterval, OracleBound, ProfilePoint, RegimeStudy, SeedStudy,
};
use super::runs::Runs;
use super::trials::Compared;
use super::{BASELINE, EvaluationInput, Missing, SEEDS_MEMBER};
use crate::config::EnvironmentConfig;
use crate::error::EngineError;
use crate::evaluation::bootstrap::{Interval, bca_interval, bootstrap, percentile_interval};
use crate::evaluation::oracle::{Oracle, OracleConfig};
use crate::evaluation::radar::{self, Radar, RadarMetrics};
use crate::evaluation::regimes::by_label;
use crate::evaluation::seeds::{SEEDS_MIN, aggregate, performance_profile};
use crate::evaluation::thin;
use crate::labelling::{Series, label_with};
use crate::metrics::max_drawdown::{drawdown, max_drawdown};
use crate::metrics::returns::total_return;
use crate::metrics::sharpe::sharpe;
use crate::metrics::tear_sheet::{RunRecord, TearSheet, tear_sheet};
use crate::metrics::{Figure, FigureGroup};
use crate::session::backtest::{Track, Tracks};

/// Points of a performance profile.
const PROFILE_POINTS: u32 = 21;

/// A figure of returns per bar.
type Statistic<'a> = &'a dyn Fn(&[f64]) -> Option<f64>;

/// Curves on one thinned time axis.
pub(super) struct Curves {
    pub(super) times_ms: Vec<f64>,
    pub(super) policies: Vec<JudgedPolicy>,
}

/// Returns every policy with its tear sheet beside buying and holding.
pub(super) fn policies(tracks: &Tracks) -> Curves {
    let all: Vec<&Track> = std::iter::once(&tracks.agent).chain(&tracks.baselines).collect();
    let market = tracks.baselines.iter().find(|track| track.name == BASELINE);
    let equities: Vec<&[f64]> = all.iter().map(|track| track.equity.as_slice()).collect();
    let kept = thin::points(&equities, tracks.agent.equity.len(), thin::POINTS_MAX);
    let pick = |values: &[f64]| -> Vec<f64> {
        kept.iter().filter_map(|row| values.get(*row).copied()).collect()
    };
    let one = tracks.instruments.len() < 2;
    let judged = |track: &&Track| JudgedPolicy {
        name: track.name.clone(),
        equity: pick(&track.equity),
        drawdown: pick(&drawdown(&track.equity)),
        sheet: sheet(track, market, one),
        costs: track.costs,
        refusal_count: track.refusal_count,
    };
    Curves {
        times_ms: kept
            .iter()
            .filter_map(|row| tracks.agent.times_ms.get(*row))
            .map(|time| *time as f64)
            .collect(),
        policies: all.iter().map(judged).collect(),
    }
}

/// Returns the sheet of a run. Of several instruments what closed trades and holdings would tell is not defined.
fn sheet(track: &Track, market: Option<&Track>, one: bool) -> TearSheet {
    let record = RunRecord {
        times_ms: &track.times_ms,
        equity: &track.equity,
        position: if one { &track.position } else { &[] },
        prices: if one { &track.prices } else { &[] },
        volume: &[],
        fills: &track.fills,
        periods_per_year: track.periods_per_year,
        risk_free: 0.0,
    };
    let mut sheet = tear_sheet(&record, market.map(|track| track.equity.as_slice()));
    if !one {
        for (figure, value) in &mut sheet.figures {
            if matches!(figure.group(), FigureGroup::Trade | FigureGroup::Activity) {
                *value = None;
            }
        }
    }
    sheet
}

/// Returns growth, growth per year, Sharpe ratio and drawdown of the agent with their intervals.
///
/// Bias-corrected and accelerated; of the drawdown percentiles, because a deepest fall is no smooth function of the
/// returns.
///
/// # Errors
/// Those of the bootstrap that are no refusals.
pub(super) fn intervals(
    input: &EvaluationInput<'_>,
    agent: &Track,
    per_bar: &[f64],
    missing: &mut Missing,
) -> Result<Vec<NamedInterval>, EngineError> {
    let year = agent.periods_per_year;
    let (plan, level) = (input.resampling(per_bar.len(), 0), input.session.bootstrap.confidence);
    let grown = |values: &[f64]| Some(values.iter().map(|one| 1.0 + one).product::<f64>() - 1.0);
    let annual = |values: &[f64]| {
        let whole = 1.0 + grown(values)?;
        (0.0 < whole).then(|| whole.powf(year / values.len() as f64) - 1.0)
    };
    let ratio = |values: &[f64]| sharpe(values, year);
    let smooth: [(&str, Statistic<'_>); 3] =
        [("total_return", &grown), ("annual_return", &annual), ("sharpe", &ratio)];
    let mut found = Vec::new();
    for (name, statistic) in smooth {
        let Some(interval) =
            missing.unless("intervals", bca_interval(per_bar, statistic, level, &plan))?
        else {
            return Ok(Vec::new());
        };
        note(&mut found, name, statistic(per_bar).zip(interval), missing);
    }
    let fall = |values: &[f64]| {
        let mut value = 1.0;
        let curve = values.iter().map(|one| {
            value *= 1.0 + one;
            value
        });
        max_drawdown(&std::iter::once(1.0).chain(curve).collect::<Vec<f64>>())
    };
    let resampled = bootstrap(per_bar, &fall, &plan)?;
    let interval = percentile_interval(&resampled, level);
    note(&mut found, "max_drawdown", max_drawdown(&agent.equity).zip(interval), missing);
    Ok(found)
}

fn note(
    found: &mut Vec<NamedInterval>,
    name: &str,
    value: Option<(f64, Interval)>,
    missing: &mut Missing,
) {
    match value.filter(|(value, interval)| {
        value.is_finite() && interval.low.is_finite() && interval.high.is_finite()
    }) {
        Some((value, Interval { low, high })) => {
            found.push(NamedInterval { name: name.to_owned(), value, low, high });
        }
        None => missing.note(
            &format!("intervals/{name}"),
            "The figure is not defined, or does not vary between resamples.",
        ),
    }
}

/// Returns how the result varies between runs that differ by their seed.
///
/// # Errors
/// Refuses a single run.
pub(super) fn seed_study(
    input: &EvaluationInput<'_>,
    names: &[String],
    scores: &[f64],
) -> Result<SeedStudy, EngineError> {
    let refused = |detail: &str| EngineError::Refused { what: "seeds", detail: detail.to_owned() };
    if scores.len() < 2 {
        return Err(refused(if input.models.is_empty() && 1 < input.session.seeds {
            "the rule does the same with every seed: it draws nothing"
        } else {
            "wanted at least two runs that differ by their seed, found one"
        }));
    }
    if scores.len() != names.len() {
        return Err(refused("the growth of a run is not defined"));
    }
    let all = [scores.to_vec()];
    let plan = input.resampling(scores.len(), SEEDS_MEMBER);
    let (low, high) = scores
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |ends, one| (ends.0.min(*one), ends.1.max(*one)));
    let thresholds: Vec<f64> = (0..PROFILE_POINTS)
        .map(|place| low + (high - low) * f64::from(place) / f64::from(PROFILE_POINTS - 1))
        .collect();
    let shares = performance_profile(&all, &thresholds).unwrap_or_default();
    Ok(SeedStudy {
        count: scores.len(),
        names: names.to_vec(),
        scores: scores.to_vec(),
        iqm: aggregate(&all, &plan)?,
        profile: thresholds
            .iter()
            .zip(shares)
            .map(|(threshold, share)| ProfilePoint { threshold: *threshold, share })
            .collect(),
    })
}

/// Returns performance by the regimes of the segment's prices.
///
/// # Errors
/// `Cancelled` when progress says so.
pub(super) fn regimes(
    input: &EvaluationInput<'_>,
    agent: &Track,
    baseline: Option<&Track>,
    runs: &mut Runs<'_, '_, '_>,
    missing: &mut Missing,
) -> Result<Option<RegimeStudy>, EngineError> {
    let config = &input.session.regimes;
    if !config.enabled {
        missing.note("regimes", "The session does not ask for them.");
        return Ok(None);
    }
    let series = Series { ticker: "prices", values: &agent.prices, order: None };
    let found =
        label_with(&series, &config.labelling(), &mut |_| -> ControlFlow<()> { runs.tick() })
            .and_then(|labelling| {
                let year = agent.periods_per_year;
                let of = |track: &Track| by_label(&track.equity, &labelling.labels, year);
                Ok(RegimeStudy {
                    label_count: config.label_count,
                    rows: of(agent)?,
                    benchmark: baseline.map(of).transpose()?.unwrap_or_default(),
                })
            });
    missing.unless("regimes", found)
}

/// Returns the best that could have been done with one instrument at the bars' closes, and the agent's share of it.
///
/// # Errors
/// None but of our own.
pub(super) fn oracle(
    input: &EvaluationInput<'_>,
    agent: &Track,
    missing: &mut Missing,
) -> Result<Option<OracleBound>, EngineError> {
    let short = match &input.strategy.environment {
        EnvironmentConfig::AlgorithmicTrading(config) => config.allow_short,
        EnvironmentConfig::HighFrequency(config) => config.allow_short,
        EnvironmentConfig::Portfolio(_) | EnvironmentConfig::OrderExecution(_) => {
            missing.note("oracle", "The bound is computed for one instrument.");
            return Ok(None);
        }
    };
    if !input.session.oracle {
        missing.note("oracle", "The session does not ask for it.");
        return Ok(None);
    }
    let matching = &input.strategy.matching;
    let (positions, start) = if short { (vec![-1.0, 0.0, 1.0], 1) } else { (vec![0.0, 1.0], 0) };
    let cost = matching.fee_rate + matching.slippage_bps / 10_000.0;
    let config = OracleConfig { positions, cost, start };
    let relatives: Vec<f64> = agent.prices.windows(2).map(|pair| pair[1] / pair[0]).collect();
    let solved = Oracle::new(&relatives, &config);
    let Some(best) = missing.unless("oracle", solved)?.and_then(|oracle| oracle.log_wealth())
    else {
        return Ok(None);
    };
    let grown = total_return(&agent.equity).map(f64::ln_1p).filter(|value| value.is_finite());
    let total = best.exp_m1();
    Ok(Some(OracleBound {
        total_return: total.is_finite().then_some(total),
        share: grown.filter(|_| 1e-12 < best).map(|grown| grown / best),
    }))
}

/// Returns the figures of a policy that a radar is drawn from; absent where it was not run.
pub(super) fn radar_metrics(policies: &[JudgedPolicy], name: &str) -> Option<RadarMetrics> {
    let sheet = &policies.iter().find(|policy| policy.name == name)?.sheet;
    let figure = |figure: Figure| sheet.figures.get(&figure).copied().flatten();
    Some(RadarMetrics {
        excess: figure(Figure::ExcessReturn),
        total_return: figure(Figure::TotalReturn),
        sharpe: figure(Figure::Sharpe),
        calmar: figure(Figure::Calmar),
        sortino: figure(Figure::Sortino),
        volatility: figure(Figure::Volatility),
        max_drawdown: figure(Figure::MaxDrawdown),
    })
}

/// Returns the agent on the scale from doing nothing to buying and holding; absent where one of the two was not run.
pub(super) fn radar(policies: &[JudgedPolicy]) -> Option<Radar> {
    let of = |name: &str| radar_metrics(policies, name);
    Some(radar::radar(&of("agent")?, &of("do_nothing")?, &of(BASELINE)?))
}

/// Returns the growth of each baseline that was asked for and does not know the future.
pub(super) fn baselines(input: &EvaluationInput<'_>, tracks: &Tracks) -> Vec<(String, f64)> {
    tracks
        .baselines
        .iter()
        .filter(|track| input.session.wants(&track.name))
        .filter(|track| !track.name.starts_with("hindsight_"))
        .filter_map(|track| Some((track.name.clone(), total_return(&track.equity)?)))
        .collect()
}

/// Returns the remarks of the back-test and those of the tests.
pub(super) fn remarks(
    input: &EvaluationInput<'_>,
    tracks: &Tracks,
    compared: &Compared,
) -> Vec<String> {
    let mut remarks = tracks.remarks.clone();
    if 0 < input.trials_lost {
        remarks.push(format!(
            "{} earlier trials of the strategy left no result: they count, but their Sharpe ratios are not known.",
            input.trials_lost
        ));
    }
    if compared.count() == 1 {
        remarks.push(
            "No earlier trial of this strategy on this data is known: the Sharpe ratio is judged as a first try. What was \
             tried elsewhere counts, too."
                .to_owned(),
        );
    }
    let drawn =
        if input.models.is_empty() { input.session.seeds as usize } else { input.models.len() };
    if drawn < SEEDS_MIN && (1 < input.models.len() || input.models.is_empty()) {
        remarks.push(format!(
            "Only {drawn} seeds: at least {SEEDS_MIN} belong into a comparison. The agent shown is the median run."
        ));
    }
    if input.session.regimes.enabled {
        remarks.push(
            "Regimes are named in hindsight: they sort results and can guide no policy.".to_owned(),
        );
    }
    remarks
}
