//! Calmar ratio: compound annual return per maximum drawdown.

use super::max_drawdown::max_drawdown;
use super::returns::total_return;
use super::{DEVIATION_MIN, defined};

/// Returns the compound annual return; undefined below two values and after a total loss.
#[must_use]
pub fn annual_return(equity: &[f64], periods_per_year: f64) -> Option<f64> {
    let growth = 1.0 + total_return(equity)?;
    let bars = equity.len().checked_sub(1).filter(|bars| *bars > 0)?;
    if growth > 0.0 { defined(growth.powf(periods_per_year / bars as f64) - 1.0) } else { None }
}

/// Returns annual return / maximum drawdown; undefined without a fall.
#[must_use]
pub fn calmar(equity: &[f64], periods_per_year: f64) -> Option<f64> {
    let (gain, fall) = (annual_return(equity, periods_per_year)?, max_drawdown(equity)?);
    if DEVIATION_MIN <= fall { defined(gain / fall) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_one_done_by_hand() {
        // 100 → 90 → 110.25 in two bars of half a year: 10.25 % a year over a fall of 10 %
        assert!((calmar(&[100.0, 90.0, 110.25], 2.0).unwrap() - 1.025).abs() < 1e-12);
        assert!((annual_return(&[100.0, 110.25], 0.5).unwrap() - 0.05).abs() < 1e-12);
    }

    #[test]
    fn is_undefined_without_a_fall_or_after_ruin() {
        assert_eq!(calmar(&[100.0, 110.0], 252.0), None);
        assert_eq!(calmar(&[100.0, 0.0], 252.0), None);
        assert_eq!(calmar(&[100.0], 252.0), None);
    }
}
