//! Courses become a report: one time axis, figures, thinned weights.

use std::collections::{BTreeMap, BTreeSet};

use super::course::{Course, Traded};
use crate::error::EngineError;
use crate::evaluation::report::{PolicyResult, Trade, WeightCourse};
use crate::metrics::max_drawdown::drawdown;
use crate::metrics::win_rate::wins;
use crate::metrics::{MetricName, Run, summary};
use crate::orders::Fill;

/// Most columns of weights that have a name, cash among them.
pub const WEIGHT_NAMES_MAX: usize = 16;
/// Weights are written to this fraction: a tenth of a basis point.
const WEIGHT_UNIT: f64 = 1e5;

/// What a task's runs gave.
pub(super) struct Played {
    pub(super) axis: Axis,
    pub(super) agent: Course,
    pub(super) baselines: Vec<Named>,
    /// Share of random draws that grew less than the agent.
    pub(super) random_percentile: Option<f64>,
    /// What the task itself has to say.
    pub(super) remarks: Vec<String>,
}

impl Played {
    /// The agent's run without any other.
    pub(super) fn alone(axis: Axis, agent: Course) -> Self {
        let (baselines, remarks) = (Vec::new(), Vec::new());
        Self { axis, agent, baselines, random_percentile: None, remarks }
    }
}

/// A baseline's run.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) course: Course,
    /// Whether its trades are listed.
    pub(super) trades: bool,
}

impl Named {
    /// A baseline whose trades are listed.
    pub(super) fn shown(name: &'static str, course: Course) -> Self {
        Self { name, course, trades: true }
    }

    /// A baseline whose trades say nothing.
    pub(super) fn bare(name: &'static str, course: Course) -> Self {
        Self { name, course, trades: false }
    }
}

/// The rows that every curve of the report is drawn over.
pub(super) struct Axis {
    /// Rows of the segment.
    pub(super) rows: Vec<usize>,
    /// Their times.
    pub(super) times_ms: Vec<i64>,
    /// Their prices.
    pub(super) prices: Vec<f64>,
    /// What the prices are.
    pub(super) price_name: &'static str,
    /// The instruments, in the order of the data.
    pub(super) instruments: Vec<String>,
    /// Rows per year.
    pub(super) periods_per_year: f64,
}

impl Axis {
    /// Returns the time of an entry, RFC 3339 UTC.
    ///
    /// # Errors
    /// Refuses times that no calendar has.
    pub(super) fn time(&self, index: usize) -> Result<String, EngineError> {
        jiff::Timestamp::from_millisecond(self.times_ms[index])
            .map(|time| format!("{time:.3}"))
            .map_err(|error| EngineError::Refused { what: "back-test", detail: error.to_string() })
    }

    /// Writes a run down; after a ruin its last value is carried on.
    pub(super) fn result(&self, name: &str, run: &Course, trades: bool) -> PolicyResult {
        let mut equity = run.equity.clone();
        let mut position = run.position.clone();
        let last = equity.last().copied().unwrap_or(0.0);
        equity.resize(self.rows.len(), last);
        position.resize(self.rows.len(), 0.0);
        PolicyResult {
            name: name.to_owned(),
            metrics: self.metrics(&equity, run),
            drawdown: drawdown(&equity),
            equity,
            position,
            costs: run.costs,
            trades: if trades { self.trades(run) } else { Vec::new() },
            refusal_count: run.refusal_count,
            weights: self.weights(run),
            execution: run.execution.clone(),
        }
    }

    /// Returns every metric of a run. An execution has none of them: its account is not there to grow.
    fn metrics(&self, equity: &[f64], run: &Course) -> BTreeMap<String, Option<f64>> {
        let named = |name: MetricName| name.as_str().to_owned();
        if run.execution.is_some() {
            return MetricName::RUN.into_iter().map(|name| (named(name), None)).collect();
        }
        let fills: Vec<Fill> = run.fills.iter().map(|traded| traded.fill).collect();
        let periods_per_year = self.periods_per_year;
        let mut measured = summary(&Run { equity, fills: &fills, periods_per_year });
        if 1 < self.instruments.len() {
            measured.insert(MetricName::WinRate, win_rate_of_many(&run.fills));
        }
        measured.into_iter().map(|(name, value)| (named(name), value)).collect()
    }

    fn trades(&self, run: &Course) -> Vec<Trade> {
        let many = 1 < self.instruments.len();
        run.fills
            .iter()
            .map(|Traded { index, instrument, fill, position }| Trade {
                time_ms: self.times_ms[*index] as f64,
                index: u32::try_from(*index).unwrap_or(u32::MAX),
                side: fill.side().as_str().to_owned(),
                quantity: fill.quantity.get().abs(),
                price: fill.price.get(),
                fee: fill.fee.get(),
                position: *position,
                instrument: many.then(|| self.instruments.get(*instrument).cloned()).flatten(),
            })
            .collect()
    }

    /// Returns the weights at each entry: cash, the instruments that had most on average in the order of the data, and
    /// the others together.
    fn weights(&self, run: &Course) -> Option<WeightCourse> {
        let width = self.instruments.len() + 1;
        if run.weights.is_empty() {
            return None;
        }
        let kept = largest(&run.weights, width);
        let mut names = vec!["cash".to_owned()];
        names.extend(kept.iter().map(|column| self.instruments[*column - 1].clone()));
        let others = kept.len() + 1 < width;
        if others {
            names.push("others".to_owned());
        }
        let written = |weight: f64| (weight * WEIGHT_UNIT).round() / WEIGHT_UNIT;
        let mut rows: Vec<Vec<f64>> = run
            .weights
            .chunks_exact(width)
            .map(|weights| {
                let mut row = vec![weights[0]];
                row.extend(kept.iter().map(|column| weights[*column]));
                if others {
                    let named: f64 = row.iter().sum();
                    row.push((weights.iter().sum::<f64>() - named).max(0.0));
                }
                row.into_iter().map(written).collect()
            })
            .collect();
        // After a ruin nothing is held.
        let mut nothing = vec![0.0; names.len()];
        nothing[0] = 1.0;
        rows.resize(self.rows.len(), nothing);
        Some(WeightCourse { names, rows })
    }
}

/// Returns the columns of the instruments that had the largest mean weights, ascending; of equals the first.
fn largest(weights: &[f64], width: usize) -> BTreeSet<usize> {
    let mut sums = vec![0.0; width];
    for row in weights.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight);
    }
    let mut columns: Vec<usize> = (1..width).collect();
    columns.sort_by(|one, two| sums[*two].total_cmp(&sums[*one]).then(one.cmp(two)));
    columns.into_iter().take(WEIGHT_NAMES_MAX - 1).collect()
}

/// Returns the share of closing fills that made money, each instrument by itself; undefined when none closes.
fn win_rate_of_many(fills: &[Traded]) -> Option<f64> {
    let mut by_instrument: BTreeMap<usize, Vec<Fill>> = BTreeMap::new();
    for traded in fills {
        by_instrument.entry(traded.instrument).or_default().push(traded.fill);
    }
    let (mut won, mut closed) = (0, 0);
    for fills in by_instrument.values() {
        let (wins, closes) = wins(fills);
        won += wins;
        closed += closes;
    }
    (0 < closed).then(|| f64::from(won) / f64::from(closed))
}
