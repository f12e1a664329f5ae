//! Fills against depth: a taker walks the displayed levels at their prices, from the best one on. Pure; the caller
//! books what comes of it.
//!
//! What is taken of a snapshot stays taken until the next one: [`Taken`] keeps count, so that one displayed unit never
//! fills two orders.

use super::fees::fee;
use crate::market::book::Depth;
use crate::num::{Money, NumError, Price, Quantity};
use crate::orders::{Fill, Side};

/// A remainder below this share of what was wanted is rounding.
const REMAINDER_SHARE: f64 = 1e-12;

/// What was taken of one side of the present snapshot, level by level.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taken(Vec<f64>);

impl Taken {
    /// Forgets everything: a new snapshot has `levels` levels.
    pub fn renew(&mut self, levels: usize) {
        self.0.clear();
        self.0.resize(levels, 0.0);
    }

    /// Returns what was taken of a level.
    #[must_use]
    pub fn of(&self, level: usize) -> f64 {
        self.0.get(level).copied().unwrap_or(0.0)
    }

    /// Notes a piece that was taken.
    pub fn note(&mut self, piece: &Piece) {
        if let Some(taken) = self.0.get_mut(piece.level) {
            *taken += piece.units;
        }
    }

    /// Returns the numbers to save.
    #[must_use]
    pub fn levels(&self) -> &[f64] {
        &self.0
    }
}

/// What a taker wants of one side of the book.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Want {
    /// Direction of the taker.
    pub side: Side,
    /// Units, 0 or more.
    pub units: f64,
    /// Worst price; absent for a market order.
    pub limit: Option<f64>,
}

/// What one level gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// The level.
    pub level: usize,
    /// Its price.
    pub price: f64,
    /// Units taken of it.
    pub units: f64,
}

/// Walks the levels of the side that the taker hits (asks for a purchase) and returns the pieces, best price first.
/// Together they are at most what was wanted, each at most what its level still shows.
pub fn walk<'a>(
    depth: Depth<'a>,
    taken: &'a Taken,
    want: &Want,
) -> impl Iterator<Item = Piece> + use<'a> {
    let Want { side, units, limit } = *want;
    let mut left = units;
    let accepted = move |price: f64| match (side, limit) {
        (_, None) => true,
        (Side::Buy, Some(limit)) => price <= limit,
        (Side::Sell, Some(limit)) => limit <= price,
    };
    (0..depth.price.len()).filter_map(move |level| {
        let price = depth.price[level];
        let shown = (depth.size[level] - taken.of(level)).max(0.0);
        let piece = left.min(shown);
        if piece <= REMAINDER_SHARE * units || !accepted(price) {
            return None;
        }
        left -= piece;
        Some(Piece { level, price, units: piece })
    })
}

/// Returns all units displayed on a side.
#[must_use]
pub fn displayed(depth: Depth<'_>) -> f64 {
    depth.size.iter().sum()
}

/// Returns the price of the first level that shows anything; of level 0 where none does.
#[must_use]
pub fn best(depth: Depth<'_>) -> f64 {
    let level = depth.size.iter().position(|size| 0.0 < *size).unwrap_or(0);
    depth.price[level]
}

/// Returns the fill of a piece. Slippage is counted against `reference`, the price at which the first unit was to be had.
///
/// # Errors
/// Refuses arithmetic that leaves the finite numbers.
pub fn piece_fill(
    side: Side,
    piece: &Piece,
    reference: f64,
    fee_rate: f64,
) -> Result<Fill, NumError> {
    let signed = match side {
        Side::Buy => piece.units,
        Side::Sell => -piece.units,
    };
    Ok(Fill {
        quantity: Quantity::new(signed)?,
        price: Price::new(piece.price)?,
        fee: Money::new(fee(piece.units * piece.price, fee_rate))?,
        slippage: Money::new((signed * (piece.price - reference)).max(0.0))?,
    })
}

/// Returns several fills of one order as one, at their average price; absent when there are none.
///
/// # Errors
/// Refuses arithmetic that leaves the finite numbers.
pub fn together(fills: &[Fill]) -> Result<Option<Fill>, NumError> {
    let sum = |of: fn(&Fill) -> f64| fills.iter().map(of).sum::<f64>();
    let units = sum(|fill| fill.quantity.get());
    if fills.is_empty() || units == 0.0 {
        return Ok(None);
    }
    Ok(Some(Fill {
        quantity: Quantity::new(units)?,
        price: Price::new(sum(|fill| fill.quantity.get() * fill.price.get()) / units)?,
        fee: Money::new(sum(|fill| fill.fee.get()))?,
        slippage: Money::new(sum(|fill| fill.slippage.get()))?,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ASKS: Depth<'static> =
        Depth { price: &[100.0, 101.0, 102.0, 103.0, 104.0], size: &[1.0, 2.0, 0.0, 4.0, 5.0] };

    fn pieces(want: &Want, taken: &Taken) -> Vec<(usize, f64)> {
        walk(ASKS, taken, want).map(|piece| (piece.level, piece.units)).collect()
    }

    #[test]
    fn a_taker_walks_from_the_best_price_through_all_levels() {
        let none = Taken::default();
        let buy = |units, limit| Want { side: Side::Buy, units, limit };
        assert_eq!(pieces(&buy(0.5, None), &none), [(0, 0.5)]);
        assert_eq!(pieces(&buy(4.0, None), &none), [(0, 1.0), (1, 2.0), (3, 1.0)]);
        // The last level counts; what nobody shows is not filled.
        assert_eq!(pieces(&buy(50.0, None), &none).last(), Some(&(4, 5.0)));
        assert_eq!(pieces(&buy(50.0, Some(101.0)), &none), [(0, 1.0), (1, 2.0)]);
        assert_eq!(pieces(&buy(0.0, None), &none), []);
        assert_eq!((displayed(ASKS), best(ASKS)), (12.0, 100.0));
    }

    #[test]
    fn what_was_taken_stays_taken() {
        let mut taken = Taken::default();
        taken.renew(5);
        taken.note(&Piece { level: 0, price: 100.0, units: 0.75 });
        let buy = Want { side: Side::Buy, units: 1.0, limit: None };
        assert_eq!(pieces(&buy, &taken), [(0, 0.25), (1, 0.75)]);
        taken.renew(5);
        assert_eq!(pieces(&buy, &taken), [(0, 1.0)]);
    }

    #[test]
    fn pieces_become_one_fill_at_their_average_price() {
        let fills: Vec<Fill> =
            walk(ASKS, &Taken::default(), &Want { side: Side::Buy, units: 3.0, limit: None })
                .map(|piece| piece_fill(Side::Buy, &piece, 100.0, 0.01).unwrap())
                .collect();
        let whole = together(&fills).unwrap().unwrap();
        assert!((whole.price.get() - 302.0 / 3.0).abs() < 1e-12);
        assert!((whole.fee.get() - 3.02).abs() < 1e-12);
        assert!((whole.slippage.get() - 2.0).abs() < 1e-12);
        assert_eq!(together(&[]).unwrap(), None);
    }

    proptest! {
        #[test]
        fn never_more_than_wanted_never_more_than_shown_never_worse_than_the_limit(
            sizes in prop::collection::vec(0.0..5.0_f64, 1..15),
            units in 0.0..40.0_f64,
            limit in prop::option::of(99.0..116.0_f64),
        ) {
            let price: Vec<f64> = (0..sizes.len()).map(|level| 100.0 + level as f64).collect();
            let depth = Depth { price: &price, size: &sizes };
            let want = Want { side: Side::Buy, units, limit };
            let taken = Taken::default();
            let pieces: Vec<Piece> = walk(depth, &taken, &want).collect();
            let filled: f64 = pieces.iter().map(|piece| piece.units).sum();
            prop_assert!(filled <= units * (1.0 + 1e-12));
            prop_assert!(pieces.iter().all(|piece| piece.units <= sizes[piece.level]));
            prop_assert!(pieces.iter().all(|piece| limit.is_none_or(|limit| piece.price <= limit)));
            // Whatever is left unfilled is not there to be had.
            let there: f64 = price
                .iter()
                .zip(&sizes)
                .filter(|(price, _)| limit.is_none_or(|limit| **price <= limit))
                .map(|(_, size)| size)
                .sum();
            prop_assert!((filled - units.min(there)).abs() < 1e-9);
        }
    }
}
