//! Hop 9: numbers about a run. One metric per file; undefined is `None`, never NaN, never a huge number.
//!
//! [`MetricName`] is the closed list of everything that may be stored, sent or drawn under a name.

pub mod calmar;
pub mod faithful;
pub mod max_drawdown;
mod name;
pub mod returns;
pub mod sharpe;
pub mod sortino;
pub mod summary;
pub mod turnover;
pub mod volatility;
pub mod win_rate;

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

/// Returns the value when it is finite.
pub(crate) fn defined(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
