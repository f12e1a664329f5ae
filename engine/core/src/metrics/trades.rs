//! What closed trades made: profits after the fees of both sides, and how long they were held.

use super::{DEVIATION_MIN, defined, mean};
use crate::orders::Fill;
use crate::portfolio::Position;

/// A fill and the bar in which it happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimedFill {
    /// Index of the bar.
    pub bar: usize,
    /// What was traded.
    pub fill: Fill,
}

/// (Part of) a position that was closed by one fill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClosedTrade {
    /// Profit after the fees of both sides, quote currency.
    pub profit: f64,
    /// Units closed, positive.
    pub quantity: f64,
    /// Bars between the average opening and the closing.
    pub held_bars: f64,
}

/// Returns every closing fill as a trade, in order.
///
/// Fees are carried as in `win_rate`: what was paid to open is charged to the closing fills in proportion, and a fill
/// through zero pays its own fee in proportion to what it closes. The opening bar of a position built in several fills
/// is their average, weighted by units.
#[must_use]
pub fn closed_trades(fills: &[TimedFill]) -> Vec<ClosedTrade> {
    let (mut position, mut carried, mut opened) = (Position::default(), 0.0, 0.0);
    let mut closed_trades = Vec::new();
    for TimedFill { bar, fill } in fills {
        let (before, change, bar) = (position.quantity(), fill.quantity.get(), *bar as f64);
        let realised = position.apply(fill.quantity, fill.price);
        if before * change >= 0.0 {
            opened = (opened * before.abs() + bar * change.abs()) / (before + change).abs();
            carried += fill.fee.get();
            continue;
        }
        let closed = before.abs().min(change.abs());
        let opening_fees = carried * (closed / before.abs());
        let closing_fees = fill.fee.get() * (closed / change.abs());
        carried = carried - opening_fees + (fill.fee.get() - closing_fees);
        closed_trades.push(ClosedTrade {
            profit: realised - opening_fees - closing_fees,
            quantity: closed,
            held_bars: bar - opened,
        });
        if before.abs() < change.abs() {
            opened = bar;
        }
    }
    closed_trades
}

/// Returns the sum of the profits / the sum of the losses; undefined without a losing trade.
#[must_use]
pub fn profit_factor(trades: &[ClosedTrade]) -> Option<f64> {
    let gains: f64 = trades.iter().map(|trade| trade.profit.max(0.0)).sum();
    let losses: f64 = trades.iter().map(|trade| (-trade.profit).max(0.0)).sum();
    if DEVIATION_MIN <= losses { defined(gains / losses) } else { None }
}

/// Returns the mean profit of the winning / the mean loss of the losing trades; undefined without one of them.
#[must_use]
pub fn payoff_ratio(trades: &[ClosedTrade]) -> Option<f64> {
    let side = |sign: f64| -> Vec<f64> {
        trades.iter().map(|trade| sign * trade.profit).filter(|profit| *profit > 0.0).collect()
    };
    let (gain, loss) = (mean(&side(1.0))?, mean(&side(-1.0))?);
    if DEVIATION_MIN <= loss { defined(gain / loss) } else { None }
}

/// Returns the mean profit of a trade, quote currency; undefined without trades.
#[must_use]
pub fn expectancy(trades: &[ClosedTrade]) -> Option<f64> {
    mean(&trades.iter().map(|trade| trade.profit).collect::<Vec<_>>()).and_then(defined)
}

/// Returns the mean holding time in bars, weighted by units; undefined without trades.
#[must_use]
pub fn mean_holding(trades: &[ClosedTrade]) -> Option<f64> {
    let units: f64 = trades.iter().map(|trade| trade.quantity).sum();
    let bars: f64 = trades.iter().map(|trade| trade.quantity * trade.held_bars).sum();
    if 0.0 < units { defined(bars / units) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::win_rate::win_rate;
    use super::*;
    use crate::testkit::fill;

    fn timed(fills: &[(usize, Fill)]) -> Vec<TimedFill> {
        fills.iter().map(|(bar, fill)| TimedFill { bar: *bar, fill: *fill }).collect()
    }

    #[test]
    fn are_those_done_by_hand() {
        let trades = closed_trades(&timed(&[
            (0, fill(1.0, 100.0, 1.0)),
            (2, fill(1.0, 110.0, 1.0)), // average 105, opened at bar 1 on average
            (5, fill(-1.0, 115.0, 2.0)), // 10 − 1 − 2
            (9, fill(-3.0, 100.0, 4.0)), // closes one: −5 − 1 − 4/2; opens −2 with a fee of 2
            (10, fill(2.0, 90.0, 0.0)), // 20 − 2… of the fee carried: 4·2/3
        ]));
        assert_eq!(trades.len(), 3);
        assert!(
            (trades[0].profit - 7.0).abs() < 1e-12 && (trades[0].held_bars - 4.0).abs() < 1e-12
        );
        let paid = 4.0 / 3.0;
        assert!((trades[1].profit - (-5.0 - 1.0 - paid)).abs() < 1e-12);
        assert!((trades[1].held_bars - 8.0).abs() < 1e-12);
        assert!((trades[2].profit - (20.0 - (4.0 - paid))).abs() < 1e-12);
        assert!((trades[2].held_bars - 1.0).abs() < 1e-12);
        let total: f64 = trades.iter().map(|trade| trade.profit).sum();
        assert!((total - (25.0 - 8.0)).abs() < 1e-12, "every fee is charged once");
        assert!((expectancy(&trades).unwrap() - 17.0 / 3.0).abs() < 1e-12);
        assert!((mean_holding(&trades).unwrap() - (4.0 + 8.0 + 2.0) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn ratios_are_those_done_by_hand() {
        let trade = |profit| ClosedTrade { profit, quantity: 1.0, held_bars: 1.0 };
        let trades = [trade(4.0), trade(2.0), trade(-1.0), trade(-2.0), trade(0.0)];
        assert!((profit_factor(&trades).unwrap() - 2.0).abs() < 1e-15);
        assert!((payoff_ratio(&trades).unwrap() - 2.0).abs() < 1e-15);
        assert_eq!(profit_factor(&trades[..2]), None);
        assert_eq!(payoff_ratio(&trades[2..]), None);
        assert_eq!(expectancy(&[]), None);
        assert_eq!(mean_holding(&[]), None);
    }

    proptest! {
        #[test]
        fn the_share_of_winners_is_the_win_rate(
            orders in prop::collection::vec((1..5_i32, any::<bool>(), 50.0..150.0_f64, 0.0..2.0_f64), 0..40),
        ) {
            let fills: Vec<Fill> = orders
                .iter()
                .map(|(size, buys, price, fee)| fill(f64::from(if *buys { *size } else { -*size }), *price, *fee))
                .collect();
            let timed: Vec<TimedFill> =
                fills.iter().enumerate().map(|(bar, fill)| TimedFill { bar, fill: *fill }).collect();
            let trades = closed_trades(&timed);
            let wins = trades.iter().filter(|trade| trade.profit > 0.0).count();
            let share = (!trades.is_empty()).then(|| wins as f64 / trades.len() as f64);
            prop_assert_eq!(share, win_rate(&fills));
            prop_assert!(trades.iter().all(|trade| 0.0 <= trade.held_bars));
        }
    }
}
