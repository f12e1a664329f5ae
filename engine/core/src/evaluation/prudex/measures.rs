//! The measures of one run as PRUDEX defines them, and how they fare in extreme markets.
//!
//! Total return is the product of the daily growth; deviations are population deviations; the Sharpe ratio is scaled by
//! the number of days and the Sortino ratio divided by it. They differ from the tear sheet and are used on this page
//! only.
//!
//! Source: PRUDEX-Compass (Sun et al. 2023), trademaster.md section 6.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::max_drawdown::max_drawdown;

/// Below lies rounding noise.
const DEVIATION_MIN: f64 = 1e-12;

/// Seven measures of one run. Undefined is absent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measures {
    /// TR: product of 1 + r, minus 1.
    pub total_return: Option<f64>,
    /// VOL: population standard deviation of r.
    pub volatility: Option<f64>,
    /// DD: population standard deviation of the returns below 0.
    pub downside: Option<f64>,
    /// MDD: deepest fall from the running peak.
    pub max_drawdown: Option<f64>,
    /// SR: mean/VOL·√n.
    pub sharpe: Option<f64>,
    /// CR: TR/MDD.
    pub calmar: Option<f64>,
    /// SoR: TR/DD/n.
    pub sortino: Option<f64>,
}

/// Returns the measures of a series of returns per day.
#[must_use]
pub fn measures(returns: &[f64]) -> Measures {
    let known = !returns.is_empty() && returns.iter().all(|value| value.is_finite());
    let returns = if known { returns } else { &[] };
    let count = returns.len() as f64;
    let mut wealth = vec![1.0];
    for value in returns {
        wealth.push(wealth[wealth.len() - 1] * (1.0 + value));
    }
    let total_return = wealth.last().filter(|_| known).map(|last| last - 1.0);
    let losses: Vec<f64> = returns.iter().copied().filter(|value| *value < 0.0).collect();
    let (volatility, downside) = (deviation(returns), deviation(&losses));
    let fall = if known { max_drawdown(&wealth) } else { None };
    let over = |above: Option<f64>, below: Option<f64>| {
        let below = below.filter(|below| DEVIATION_MIN <= *below)?;
        Some(above? / below).filter(|ratio| ratio.is_finite())
    };
    let mean = known.then(|| returns.iter().sum::<f64>() / count);
    Measures {
        total_return,
        volatility,
        downside,
        max_drawdown: fall,
        sharpe: over(mean, volatility).map(|ratio| ratio * count.sqrt()),
        calmar: over(total_return, fall),
        sortino: over(total_return, downside).map(|ratio| ratio / count),
    }
}

/// Returns the population standard deviation; undefined without values.
fn deviation(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (!values.is_empty()).then(|| (squares / count).sqrt())
}

/// Returns the stretches in which the market moved most, in time order: the series is cut into windows of `window` days
/// and the `count` with the largest absolute return are kept. A remainder at the end is left out.
#[must_use]
pub fn extreme_windows(market: &[f64], window: usize, count: usize) -> Vec<Range<usize>> {
    if window == 0 {
        return Vec::new();
    }
    let mut windows: Vec<(f64, Range<usize>)> = (0..market.len() / window)
        .map(|number| {
            let range = number * window..(number + 1) * window;
            let growth: f64 = market[range.clone()].iter().map(|value| 1.0 + value).product();
            ((growth - 1.0).abs(), range)
        })
        .filter(|(size, _)| size.is_finite())
        .collect();
    windows.sort_by(|left, right| right.0.total_cmp(&left.0));
    windows.truncate(count);
    let mut ranges: Vec<Range<usize>> = windows.into_iter().map(|(_, range)| range).collect();
    ranges.sort_by_key(|range| range.start);
    ranges
}

/// A strategy in one extreme stretch, beside the market.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExtremeMarket {
    /// First day.
    pub start: u32,
    /// First day behind it.
    pub end: u32,
    /// The strategy's measures.
    pub strategy: Measures,
    /// The market's measures.
    pub market: Measures,
}

/// Returns how a strategy fared in each stretch that lies within both series.
#[must_use]
pub fn extreme_market(
    strategy: &[f64],
    market: &[f64],
    windows: &[Range<usize>],
) -> Vec<ExtremeMarket> {
    let day = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    windows
        .iter()
        .filter_map(|window| {
            Some(ExtremeMarket {
                start: day(window.start),
                end: day(window.end),
                strategy: measures(strategy.get(window.clone())?),
                market: measures(market.get(window.clone())?),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn are_those_done_by_hand() {
        let found = measures(&[0.1, -0.1, 0.2, -0.2]);
        let growth = 1.1 * 0.9 * 1.2 * 0.8;
        let near = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 1e-12;
        assert!(near(found.total_return, growth - 1.0));
        assert!(near(found.volatility, 0.025_f64.sqrt()));
        assert!(near(found.downside, 0.05));
        assert!(near(found.max_drawdown, 0.2));
        assert!(near(found.sharpe, 0.0));
        assert!(near(found.calmar, (growth - 1.0) / 0.2));
        assert!(near(found.sortino, (growth - 1.0) / 0.05 / 4.0));
    }

    #[test]
    fn are_undefined_where_nothing_is_divided_by() {
        for bad in [measures(&[]), measures(&[f64::NAN])] {
            assert_eq!(
                bad.total_return.or(bad.volatility).or(bad.max_drawdown).or(bad.sharpe),
                None
            );
        }
        let rising = measures(&[0.01, 0.01]);
        assert_eq!(
            (rising.sharpe, rising.calmar, rising.sortino, rising.downside),
            (None, None, None, None)
        );
    }

    #[test]
    fn the_wildest_stretches_are_found_in_time_order() {
        let market = [0.0, 0.01, -0.2, -0.1, 0.0, 0.0, 0.3, 0.1, 0.5];
        let windows = extreme_windows(&market, 2, 2);
        assert_eq!(windows, [2..4, 6..8]);
        let found = extreme_market(&[0.0; 9], &market, &windows);
        assert_eq!(found.len(), 2);
        assert!((found[0].market.total_return.unwrap() + 0.28).abs() < 1e-12);
        assert_eq!(found[0].strategy.total_return, Some(0.0));
        assert!(extreme_windows(&market, 0, 2).is_empty());
        assert!(extreme_market(&[0.0; 3], &market, &windows).is_empty());
    }

    proptest! {
        #[test]
        fn are_finite_or_absent(returns in prop::collection::vec(any::<f64>(), 0..20)) {
            let found = measures(&returns);
            for value in [found.volatility, found.sharpe, found.calmar, found.sortino, found.max_drawdown].into_iter().flatten() {
                prop_assert!(!value.is_nan());
            }
        }
    }
}
