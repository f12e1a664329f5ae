//! Earlier results over the same data: what was tried before counts against what is found now.

use std::collections::BTreeMap;

use crate::error::EngineError;
use crate::evaluation::bootstrap::Resampling;
use crate::evaluation::deflated_sharpe::{SharpeSample, expected_best};
use crate::evaluation::overfitting::{Overfitting, Score, cscv};
use crate::evaluation::report::BacktestReport;
use crate::evaluation::snooping::Resampled;
use crate::evaluation::trials::clusters;
use crate::metrics::moments::covariance;
use crate::metrics::returns::returns;
use crate::metrics::{Figure, MetricName};
use crate::session::backtest::Track;

use super::report::{EvaluationReport, SharpeEvidence, Snooping};

/// Blocks of the cross-validation: 252 splits.
const BLOCKS: usize = 10;
/// Cells that curves are compared on where not all of them have every bar.
const CELLS: usize = 250;

/// An earlier result over the same data.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its name, for the report.
    pub name: String,
    /// Times of the equity, milliseconds since 1970 UTC.
    pub times_ms: Vec<f64>,
    /// Value of the account.
    pub equity: Vec<f64>,
    /// Sharpe ratio per bar, measured on every bar; absent where it is not defined.
    pub ratio: Option<f64>,
}

impl Trial {
    /// Takes what is needed from a report.
    #[must_use]
    pub fn of(name: String, report: &BacktestReport) -> Self {
        let annual = report.agent.metrics.get(MetricName::Sharpe.as_str()).copied().flatten();
        let ratio = annual.map(|ratio| ratio / report.periods_per_year.sqrt());
        Self {
            name,
            times_ms: report.times_ms.clone(),
            equity: report.agent.equity.clone(),
            ratio: ratio.filter(|ratio| ratio.is_finite()),
        }
    }

    /// Takes what is needed from an earlier evaluation, whose agent is a median run; absent where it has no such curve.
    #[must_use]
    pub fn of_evaluation(name: String, report: &EvaluationReport) -> Option<Self> {
        let agent = report.policies.first()?;
        let annual = agent.sheet.figures.get(&Figure::Sharpe).copied().flatten();
        let ratio = annual.map(|ratio| ratio / report.periods_per_year.sqrt());
        Some(Self {
            name,
            times_ms: report.times_ms.clone(),
            equity: agent.equity.clone(),
            ratio: ratio.filter(|ratio| ratio.is_finite()),
        })
    }

    /// Whether this is the run itself, seen before.
    fn is(&self, agent: &Track) -> bool {
        let own: BTreeMap<i64, f64> =
            agent.times_ms.iter().copied().zip(agent.equity.iter().copied()).collect();
        !self.times_ms.is_empty()
            && self.spans(agent)
            && self.times_ms.iter().zip(&self.equity).all(|(time, value)| {
                own.get(&whole(*time)).is_some_and(|own| own.total_cmp(value).is_eq())
            })
    }

    /// Whether it begins and ends where the run does.
    fn spans(&self, agent: &Track) -> bool {
        let ends =
            [self.times_ms.first(), self.times_ms.last()].map(|time| time.map(|one| whole(*one)));
        ends == [agent.times_ms.first().copied(), agent.times_ms.last().copied()]
    }

    /// Returns the value at each time: the last one known.
    fn at(&self, times_ms: &[i64]) -> Vec<f64> {
        let value = |time: &i64| {
            let known = self.times_ms.partition_point(|one| whole(*one) <= *time);
            known.checked_sub(1).and_then(|last| self.equity.get(last)).copied().unwrap_or(f64::NAN)
        };
        times_ms.iter().map(value).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "times in milliseconds lie far below 2^53")]
fn whole(time_ms: f64) -> i64 {
    time_ms as i64
}

/// The run and the trials that can be compared with it.
pub(super) struct Compared {
    /// Trials that are not the run itself.
    others: Vec<Trial>,
    lost: u32,
    /// Names, the agent first.
    names: Vec<String>,
    /// Returns on common times, the agent first.
    series: Vec<Vec<f64>>,
    /// Those of the baseline.
    benchmark: Option<Vec<f64>>,
}

impl Compared {
    /// Aligns trials with the run and its baseline.
    pub(super) fn new(
        (agent, baseline): (&Track, Option<&Track>),
        trials: &[Trial],
        lost: u32,
    ) -> Self {
        let others: Vec<Trial> = trials.iter().filter(|trial| !trial.is(agent)).cloned().collect();
        let near: Vec<&Trial> = others.iter().filter(|trial| trial.spans(agent)).collect();
        let bars = agent.times_ms.len();
        let every_bar = near.iter().all(|trial| trial.times_ms.len() == bars);
        let cells = CELLS.min(bars.saturating_sub(1)).max(1);
        let rows: Vec<usize> = if every_bar {
            (0..bars).collect()
        } else {
            (0..=cells).map(|cell| bars.saturating_sub(1) * cell / cells).collect()
        };
        let pick = |values: &[f64]| -> Option<Vec<f64>> {
            returns(&rows.iter().filter_map(|row| values.get(*row).copied()).collect::<Vec<_>>())
        };
        let times: Vec<i64> =
            rows.iter().filter_map(|row| agent.times_ms.get(*row).copied()).collect();
        let (mut names, mut series) = (Vec::new(), Vec::new());
        if let Some(own) = pick(&agent.equity) {
            names.push("agent".to_owned());
            series.push(own);
            for trial in near {
                if let Some(found) = returns(&trial.at(&times)) {
                    names.push(trial.name.clone());
                    series.push(found);
                }
            }
        }
        let benchmark = baseline.and_then(|track| pick(&track.equity));
        Self { others, lost, names, series, benchmark }
    }

    /// Returns the number of returns that are compared: those of bars, or of cells of several bars where a report was
    /// thinned.
    pub(super) fn cells(&self) -> usize {
        self.series.first().map_or(0, Vec::len)
    }

    /// Returns the number of trials: the run, every other one, and those that are lost.
    pub(super) fn count(&self) -> usize {
        1 + self.others.len() + self.lost as usize
    }

    /// Returns what is left of the run's Sharpe ratio; undefined where it has none.
    ///
    /// The variance is that of the ratios per bar over all trials that have one.
    pub(super) fn evidence(
        &self,
        per_bar: &[f64],
        periods_per_year: f64,
        wanted: f64,
    ) -> Option<SharpeEvidence> {
        let sample = SharpeSample::of(per_bar)?;
        let mut ratios = vec![sample.ratio];
        ratios.extend(self.others.iter().filter_map(|trial| trial.ratio));
        let (trials, year) = (self.count(), periods_per_year.sqrt());
        let variance = if trials == 1 { Some(0.0) } else { covariance(&ratios, &ratios) };
        let benchmark = variance.and_then(|variance| expected_best(variance, trials as f64));
        let effective = clusters(&self.series)
            .map(|groups| groups.len() + trials.saturating_sub(self.series.len()));
        let deflated = |count: Option<usize>| sample.deflated(variance?, count? as f64);
        Some(SharpeEvidence {
            ratio: sample.ratio * year,
            psr: sample.probability_above(0.0),
            dsr: deflated(Some(trials)),
            dsr_effective: deflated(effective),
            benchmark: benchmark.map(|ratio| ratio * year),
            trials,
            trials_effective: effective,
            trials_lost: self.lost,
            track_record_min: benchmark
                .and_then(|target| sample.track_record_min(target, 1.0 - wanted)),
            track_record: per_bar.len(),
        })
    }

    /// Returns the probability of overfitting.
    ///
    /// # Errors
    /// Refuses a single trial and too few bars.
    pub(super) fn overfitting(&self) -> Result<Overfitting, EngineError> {
        cscv(&self.series, BLOCKS, Score::Sharpe)
    }

    /// Returns whether the best of all is better than the baseline.
    ///
    /// # Errors
    /// Refuses runs without a baseline and too few bars.
    pub(super) fn snooping(
        &self,
        plan: &Resampling,
        p_value: f64,
        baseline: &str,
    ) -> Result<Snooping, EngineError> {
        let benchmark = self.benchmark.as_ref().ok_or_else(|| EngineError::Refused {
            what: "test for data snooping",
            detail: format!("wanted the returns of {baseline}, found none"),
        })?;
        let differences: Vec<Vec<f64>> = self
            .series
            .iter()
            .map(|one| one.iter().zip(benchmark).map(|(own, other)| own - other).collect())
            .collect();
        let drawn = Resampled::draw(&differences, plan)?;
        let found = drawn.superior_ability();
        let name = |place: usize| self.names.get(place).cloned();
        Ok(Snooping {
            benchmark: baseline.to_owned(),
            candidates: self.names.clone(),
            statistic: found.statistic,
            p_lower: found.p_lower,
            p_consistent: found.p_consistent,
            p_upper: found.p_upper,
            better: drawn.step_m(p_value).into_iter().filter_map(name).collect(),
        })
    }
}
