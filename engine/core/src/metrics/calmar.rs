//! Calmar ratio: compound annual return per maximum drawdown, over the whole run and over its last 36 months.

use super::calendar::months_back;
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

/// Months of the original ratio.
const MONTHS: i32 = 36;

/// Returns the Calmar ratio of the last 36 months; undefined when the run is shorter and where the ratio is. Times are
/// milliseconds since 1970 UTC, one per value.
///
/// Source: Young 1991.
#[must_use]
pub fn calmar_36_months(times_ms: &[i64], equity: &[f64], periods_per_year: f64) -> Option<f64> {
    if times_ms.len() != equity.len() {
        return None;
    }
    calmar(equity.get(months_back(times_ms, MONTHS)?..)?, periods_per_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_36_months_forget_what_was_before() {
        let month = 2_629_746_000_i64;
        let times: Vec<i64> = (0..41).map(|bar| bar * month).collect();
        let mut equity = vec![100.0; 41];
        equity[2] = 10.0; // a fall of 90 % more than 36 months before the end
        equity[20] = 80.0;
        equity[40] = 120.0;
        let found = calmar_36_months(&times, &equity, 12.0).unwrap();
        let bars = 40 - months_back(&times, 36).unwrap();
        let wanted = (1.2_f64.powf(12.0 / bars as f64) - 1.0) / 0.2;
        assert!((found - wanted).abs() < 1e-12);
        assert!((35..=36).contains(&bars));
        assert_eq!(calmar_36_months(&times[10..], &equity[10..], 12.0), None);
        assert_eq!(calmar_36_months(&times, &equity[1..], 12.0), None);
    }

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
