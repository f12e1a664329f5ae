//! Hop 9: numbers about a run. One metric per file; undefined is `None`, never NaN, never a huge number.
//!
//! [`MetricName`] is the closed list of what is streamed, stored and drawn while a run goes on. [`Figure`] is the closed
//! list of what a finished run's [`tear_sheet`](tear_sheet::tear_sheet) carries. `docs/metrics.md` defines each.

pub mod benchmark;
pub mod calendar;
pub mod calmar;
pub mod capacity;
pub mod costs;
pub mod drawdowns;
pub mod exposure;
pub mod faithful;
mod figure;
pub mod max_drawdown;
pub mod moments;
mod name;
pub mod normal;
pub mod omega;
pub mod per_bar;
pub mod quantile;
pub mod returns;
pub mod sharpe;
pub mod sortino;
pub mod stability;
pub mod summary;
pub mod tail;
pub mod tear_sheet;
pub mod trades;
pub mod turnover;
pub mod value_at_risk;
pub mod volatility;
pub mod win_rate;

pub use figure::{Figure, FigureGroup, Unit};
pub use name::{MetricName, UnknownMetric};
pub use summary::{Run, summary};

/// A standard deviation below this is rounding: unbounded, ten equal returns of 1 % have a Sharpe ratio of 5e15.
pub(crate) const DEVIATION_MIN: f64 = 1e-12;

/// Returns the mean; undefined for no values.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Returns the standard deviation of a sample (divided by n − 1); undefined below two values.
pub(crate) fn sample_deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - centre) * (value - centre)).sum();
    (2 <= values.len()).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// Returns the sample deviation of values that vary; undefined below two, when they do not, and when one is not finite.
pub(crate) fn sample_spread(values: &[f64]) -> Option<f64> {
    sample_deviation(finite(values)?).filter(|spread| DEVIATION_MIN <= *spread)
}

/// Returns the value when it is finite.
pub(crate) fn defined(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Returns the values when every one is finite.
pub(crate) fn finite(values: &[f64]) -> Option<&[f64]> {
    values.iter().all(|value| value.is_finite()).then_some(values)
}
