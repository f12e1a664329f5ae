//! Capacity estimate: how large the account may grow before its own market impact eats the profit.
//!
//! Model (deliberately simple): a trade of value v in a bar with traded value V costs v·σ·√(v/V), where σ is the
//! standard deviation of the market's returns per bar and the factor is 1. At k times the size profit before impact is
//! k·P and impact is k·√k·I, with I the impact at the present size; both meet at k = (P/I)². Profit P is what the run
//! kept after its configured costs, so slippage that was charged already counts on top: the estimate is cautious.
//!
//! Source: square-root law, Almgren et al. 2005 ("Direct estimation of equity market impact"); Tóth et al. 2011.

use super::returns::returns;
use super::trades::TimedFill;
use super::{DEVIATION_MIN, defined, finite, sample_deviation};

/// Where a strategy's edge ends under the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// Factor by which the account could grow until nothing is left; 0 when there is no profit to begin with.
    pub scale: f64,
    /// Mean share of the bar's traded value at that size, weighted by trade value. Above 1 the market is not that deep.
    pub participation: f64,
    /// First value of the account times the factor, quote currency.
    pub value: f64,
}

/// What the estimate is made from. Slices have one entry per bar; a fill names its bar.
#[derive(Debug, Clone, Copy)]
pub struct CapacityInput<'a> {
    /// Value of the account, quote currency.
    pub equity: &'a [f64],
    /// Price at the bar's end, quote currency.
    pub prices: &'a [f64],
    /// Units traded by the whole market in each bar.
    pub volume: &'a [f64],
    /// Own fills.
    pub fills: &'a [TimedFill],
}

/// Returns the estimate; undefined without fills, without volume in a bar that was traded in, when prices do not vary
/// and when lengths differ.
#[must_use]
pub fn capacity(input: &CapacityInput<'_>) -> Option<Capacity> {
    let bars = input.equity.len();
    if input.prices.len() != bars || input.volume.len() != bars || input.fills.is_empty() {
        return None;
    }
    let sigma = sample_deviation(&returns(finite(input.prices)?)?)?;
    let first = *finite(input.equity)?.first()?;
    let profit = input.equity.last()? - first;
    let (mut impact, mut weighted, mut traded) = (0.0, 0.0, 0.0);
    for TimedFill { bar, fill } in input.fills {
        let market = input.volume.get(*bar)? * input.prices.get(*bar)?;
        if !(market > 0.0 && market.is_finite()) {
            return None;
        }
        let (value, share) = (fill.value(), fill.value() / market);
        impact += value * sigma * share.sqrt();
        weighted += value * share;
        traded += value;
    }
    if !(DEVIATION_MIN <= sigma && 0.0 < impact && 0.0 < first) {
        return None;
    }
    let scale = defined((profit.max(0.0) / impact).powi(2))?;
    Some(Capacity {
        scale,
        participation: defined(scale * weighted / traded)?,
        value: defined(scale * first)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::fill;

    const PRICES: [f64; 3] = [100.0, 110.0, 99.0];

    fn estimate(last: f64) -> Option<Capacity> {
        let fills = [
            TimedFill { bar: 0, fill: fill(1.0, 100.0, 0.0) },
            TimedFill { bar: 2, fill: fill(-1.0, 100.0, 0.0) },
        ];
        let volume = [100.0, 0.0, 10_000.0 / 99.0];
        let equity = [1_000.0, 1_000.0, last];
        capacity(&CapacityInput {
            equity: &equity,
            prices: &PRICES,
            volume: &volume,
            fills: &fills,
        })
    }

    #[test]
    fn is_the_one_done_by_hand() {
        // returns ±0.1: σ = 0.1·√2; each trade is 1 % of its bar: impact 2·100·σ·0.1 = 20σ = 2·√2
        let found = estimate(1_004.0 * 1.0).unwrap();
        assert!((found.scale - 16.0 / 8.0).abs() < 1e-9);
        assert!((found.participation - 0.02).abs() < 1e-9);
        assert!((found.value - 2_000.0).abs() < 1e-6);
    }

    #[test]
    fn no_profit_has_no_capacity_and_no_volume_no_estimate() {
        assert_eq!(estimate(990.0).unwrap().scale.to_bits(), 0.0_f64.to_bits());
        let fills = [TimedFill { bar: 1, fill: fill(1.0, 100.0, 0.0) }];
        let input = CapacityInput {
            equity: &[1.0, 1.0, 2.0],
            prices: &PRICES,
            volume: &[1.0, 0.0, 1.0],
            fills: &fills,
        };
        assert_eq!(capacity(&input), None);
        assert_eq!(capacity(&CapacityInput { fills: &[], ..input }), None);
        assert_eq!(capacity(&CapacityInput { volume: &[], ..input }), None);
        let beyond = [TimedFill { bar: 7, fill: fill(1.0, 100.0, 0.0) }];
        assert_eq!(capacity(&CapacityInput { fills: &beyond, ..input }), None);
    }

    #[test]
    fn twice_the_profit_is_four_times_the_capacity() {
        let (one, two) = (estimate(1_004.0).unwrap(), estimate(1_008.0).unwrap());
        assert!((two.scale / one.scale - 4.0).abs() < 1e-9);
    }
}
