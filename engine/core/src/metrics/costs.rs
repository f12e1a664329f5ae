//! What trading cost: the share of the gross profit and the rate per year.

use super::{defined, mean};
use crate::orders::Fill;

/// Returns the fees and slippage of all fills, quote currency.
#[must_use]
pub fn costs(fills: &[Fill]) -> f64 {
    fills.iter().fold(0.0, |sum, fill| sum + fill.fee.get() + fill.slippage.get())
}

/// Returns costs / (net profit + costs), the share of the gross profit that costs ate: 1 means all of it, above 1 that
/// they turned a profit into a loss. Undefined without values and when there was no profit before costs.
#[must_use]
pub fn cost_share(fills: &[Fill], equity: &[f64]) -> Option<f64> {
    let paid = costs(fills);
    let gross = equity.last()? - equity.first()? + paid;
    if 0.0 < gross { defined(paid / gross) } else { None }
}

/// Returns costs / mean account, per year; undefined below two values or without an account.
#[must_use]
pub fn cost_rate(fills: &[Fill], equity: &[f64], periods_per_year: f64) -> Option<f64> {
    let bars = equity.len().checked_sub(1).filter(|bars| *bars > 0)?;
    let average = mean(equity)?;
    if average > 0.0 {
        defined(costs(fills) / average * periods_per_year / bars as f64)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::fill;

    #[test]
    fn are_those_done_by_hand() {
        let fills = [fill(1.0, 100.0, 2.0), fill(-1.0, 112.0, 3.0)];
        assert!((cost_share(&fills, &[100.0, 115.0]).unwrap() - 0.25).abs() < 1e-15);
        assert!((cost_share(&fills, &[100.0, 97.0]).unwrap() - 2.5).abs() < 1e-15);
        assert!((cost_rate(&fills, &[90.0, 110.0], 2.0).unwrap() - 0.1).abs() < 1e-15);
    }

    #[test]
    fn are_undefined_without_a_gross_profit() {
        let fills = [fill(1.0, 100.0, 2.0)];
        assert_eq!(cost_share(&fills, &[100.0, 90.0]), None);
        assert_eq!(cost_share(&fills, &[]), None);
        assert_eq!(cost_rate(&fills, &[100.0], 252.0), None);
        assert_eq!(cost_rate(&fills, &[f64::NAN, 1.0], 252.0), None);
    }
}
