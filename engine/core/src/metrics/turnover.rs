//! How much is traded.

use super::{defined, mean};
use crate::orders::Fill;

/// Returns traded value / mean value of the account, per year; undefined below two values or without an account.
#[must_use]
pub fn turnover(fills: &[Fill], equity: &[f64], periods_per_year: f64) -> Option<f64> {
    let average = mean(equity)?;
    let bars = equity.len().checked_sub(1).filter(|bars| *bars > 0)?;
    // Not `sum`: of nothing it is −0.
    let traded = fills.iter().map(Fill::value).fold(0.0, |total, value| total + value);
    if average > 0.0 { defined(traded / average * periods_per_year / bars as f64) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::fill;

    #[test]
    fn is_the_one_done_by_hand() {
        let fills = [fill(1.0, 50.0, 0.0), fill(-1.0, 150.0, 0.0)];
        assert!((turnover(&fills, &[90.0, 110.0, 100.0], 4.0).unwrap() - 4.0).abs() < 1e-12);
        assert_eq!(turnover(&fills, &[100.0], 4.0), None);
        let nothing = turnover(&[], &[1.0, 1.0], 4.0).unwrap();
        assert_eq!(nothing.to_bits(), 0.0_f64.to_bits(), "nothing traded is zero without a sign");
    }
}
