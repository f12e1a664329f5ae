//! Limit orders at rest on a book of snapshots: where they stand, and what the next snapshot does to them. Pure; books
//! nothing.
//!
//! Between two snapshots the source tells how many units takers bought and sold. They are taken to have walked the
//! levels of the snapshot before, best price first; what reaches an order's price eats what stands before it, then the
//! order. Afterwards an order whose price the other side now reaches is filled at its own price, as far as that side
//! displays units. A price beyond the displayed levels has an unknown queue; the order joins at the back of what is
//! displayed once the price comes into view.

use crate::config::QueueModel;
use crate::environment::high_frequency::Sides;
use crate::market::book::Depth;
use crate::matching::book::{Taken, Want, walk};
use crate::matching::queue::QueuePlace;
use crate::orders::Side;

/// An order at rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Resting {
    /// Its price.
    pub(super) price: f64,
    /// Units not yet filled.
    pub(super) units: f64,
    /// Its place; absent while its price is beyond the displayed levels.
    pub(super) place: Option<QueuePlace>,
    /// Snapshots since it was accepted.
    pub(super) age: u32,
}

/// What moves resting orders from one snapshot to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    /// Direction of the orders.
    pub(super) side: Side,
    /// The snapshot before.
    pub(super) before: Sides<'a>,
    /// The snapshot now.
    pub(super) now: Sides<'a>,
    /// Units that takers traded against the orders' side in between.
    pub(super) flow: f64,
    /// Half of this apart, two prices are the same.
    pub(super) tick: f64,
    /// Which cancellations move orders up.
    pub(super) model: QueueModel,
}

impl Change<'_> {
    /// The side on which the orders rest.
    fn own<'b>(&self, sides: &Sides<'b>) -> Depth<'b> {
        match self.side {
            Side::Buy => sides.bids,
            Side::Sell => sides.asks,
        }
    }

    /// Moves one order on and returns the units that are filled, at its own price. `used` counts the flow that our own
    /// orders have taken already, `taken` what was taken of the side they are filled from.
    pub(super) fn apply(&self, order: &mut Resting, used: &mut f64, taken: &mut Taken) -> f64 {
        let mut filled = self.trades(order, used);
        let want = Want { side: self.side, units: order.units - filled, limit: Some(order.price) };
        let opposite = self.now.hit_by(self.side);
        let pieces: Vec<_> = walk(opposite, taken, &want).collect();
        for piece in &pieces {
            taken.note(piece);
            filled += piece.units;
        }
        order.units -= filled;
        let before = displayed_at(self.side, self.own(&self.before), order.price, self.tick);
        let now = displayed_at(self.side, self.own(&self.now), order.price, self.tick);
        order.place = match (order.place, now) {
            (Some(mut place), Some(now)) => {
                place.shown(self.model, before.unwrap_or(now), now);
                Some(place)
            }
            (None, Some(now)) => Some(QueuePlace::behind(now)),
            (place, None) => place,
        };
        order.age += 1;
        filled
    }

    /// Units that the flow between the snapshots fills.
    fn trades(&self, order: &mut Resting, used: &mut f64) -> f64 {
        let Some(place) = &mut order.place else { return 0.0 };
        let depth = self.own(&self.before);
        let better: f64 = depth
            .price
            .iter()
            .zip(depth.size)
            .filter(|(price, _)| beyond(self.side, order.price, **price, self.tick))
            .map(|(_, size)| size)
            .sum();
        let at_price = (self.flow - better - *used).max(0.0);
        let filled = place.trade(at_price).min(order.units);
        *used += filled;
        filled
    }
}

/// Whether `price` stands before ours in its side's order: dearer among bids, cheaper among asks.
fn beyond(side: Side, ours: f64, price: f64, tick: f64) -> bool {
    match side {
        Side::Buy => ours + 0.5 * tick < price,
        Side::Sell => price < ours - 0.5 * tick,
    }
}

/// Returns the units displayed at a price: 0 between levels and before the best one, absent beyond the last one.
pub(super) fn displayed_at(side: Side, depth: Depth<'_>, price: f64, tick: f64) -> Option<f64> {
    for (level, size) in depth.price.iter().zip(depth.size) {
        if (level - price).abs() < 0.5 * tick {
            return Some(*size);
        }
        if !beyond(side, price, *level, tick) {
            return Some(0.0);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Sides<'static> = Sides {
        bids: Depth { price: &[99.0, 98.0], size: &[1.0, 4.0] },
        asks: Depth { price: &[101.0, 102.0], size: &[1.0, 2.0] },
    };

    fn change(now: Sides<'static>, flow: f64) -> Change<'static> {
        let model = QueueModel::RiskAverse;
        Change { side: Side::Buy, before: BEFORE, now, flow, tick: 0.01, model }
    }

    fn bid(price: f64) -> Resting {
        let displayed = displayed_at(Side::Buy, BEFORE.bids, price, 0.01);
        Resting { price, units: 2.0, place: displayed.map(QueuePlace::behind), age: 0 }
    }

    fn filled(order: &mut Resting, now: Sides<'static>, flow: f64) -> f64 {
        let mut taken = Taken::default();
        taken.renew(2);
        change(now, flow).apply(order, &mut 0.0, &mut taken)
    }

    #[test]
    fn a_level_is_matched_by_tick_and_unknown_beyond_the_last() {
        assert_eq!(displayed_at(Side::Buy, BEFORE.bids, 98.000_001, 0.01), Some(4.0));
        assert_eq!(displayed_at(Side::Buy, BEFORE.bids, 100.0, 0.01), Some(0.0));
        assert_eq!(displayed_at(Side::Buy, BEFORE.bids, 98.5, 0.01), Some(0.0));
        assert_eq!(displayed_at(Side::Buy, BEFORE.bids, 97.0, 0.01), None);
        assert_eq!(displayed_at(Side::Sell, BEFORE.asks, 103.0, 0.01), None);
        assert_eq!(displayed_at(Side::Sell, BEFORE.asks, 100.5, 0.01), Some(0.0));
    }

    #[test]
    fn takers_first_eat_better_prices_and_what_stands_before_us() {
        // 5 units were sold: 1 at 99, 4 at 98, all of which stood before us.
        assert!(filled(&mut bid(98.0), BEFORE, 5.0).abs() < 1e-12);
        assert!((filled(&mut bid(98.0), BEFORE, 6.5) - 1.5).abs() < 1e-12);
        // A better price than all others is hit first.
        assert!((filled(&mut bid(100.0), BEFORE, 0.5) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_other_side_reaching_our_price_fills_us_as_far_as_it_shows_units() {
        let fallen = Sides {
            bids: Depth { price: &[96.0, 95.0], size: &[1.0, 1.0] },
            asks: Depth { price: &[97.0, 98.0], size: &[0.5, 1.0] },
        };
        let mut order = bid(98.0);
        assert!((filled(&mut order, fallen, 0.0) - 1.5).abs() < 1e-12);
        assert!((order.units - 0.5).abs() < 1e-12 && order.age == 1);
    }

    #[test]
    fn an_order_out_of_sight_joins_at_the_back_when_its_price_comes_into_view() {
        let mut order = bid(97.0);
        assert_eq!(order.place, None);
        let seen = Sides { bids: Depth { price: &[98.0, 97.0], size: &[1.0, 7.0] }, ..BEFORE };
        assert!(filled(&mut order, seen, 100.0).abs() < 1e-12);
        assert_eq!(order.place, Some(QueuePlace::behind(7.0)));
    }
}
