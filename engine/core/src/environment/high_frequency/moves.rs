//! Which holdings can be reached from where one stands, and what moving there costs. Pure: what the environment, its
//! mask and an oracle share.

use crate::config::HighFrequencyConfig;
use crate::market::book::Depth;
use crate::matching::book::{Piece, Taken, Want, best, displayed, walk};
use crate::orders::Side;
use crate::risk::Funds;

/// A distance below this share of one step of the grid is rounding.
const GRID_ROUNDING: f64 = 1e-9;

/// The holdings among which the agent chooses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Largest holding, units.
    pub max_holding: f64,
    /// Steps from nothing to the largest holding.
    pub steps: u32,
    /// Whether holdings below zero are among them.
    pub allow_short: bool,
}

impl Grid {
    /// Returns the holdings of an environment.
    #[must_use]
    pub fn of(config: &HighFrequencyConfig) -> Self {
        Self {
            max_holding: config.max_holding,
            steps: config.holding_steps,
            allow_short: config.allow_short,
        }
    }

    /// Returns how many holdings there are; each is an action, the lowest first.
    #[must_use]
    pub fn count(&self) -> usize {
        let steps = self.steps as usize;
        if self.allow_short { 2 * steps + 1 } else { steps + 1 }
    }

    /// Returns the units of one step.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.max_holding / f64::from(self.steps)
    }

    /// Returns the holding that an action asks for, units.
    #[must_use]
    pub fn holding(&self, action: usize) -> f64 {
        let below = if self.allow_short { f64::from(self.steps) } else { 0.0 };
        self.max_holding * ((action as f64 - below) / f64::from(self.steps))
    }

    /// Returns the change from `units` to the holding of an action; 0 where it is only rounding away.
    #[must_use]
    pub fn change(&self, action: usize, units: f64) -> f64 {
        let change = self.holding(action) - units;
        if change.abs() <= GRID_ROUNDING * self.step() { 0.0 } else { change }
    }

    /// Returns the action whose holding is nearest to `units`.
    #[must_use]
    pub fn nearest(&self, units: f64) -> usize {
        let distance = |action: &usize| (self.holding(*action) - units).abs();
        (0..self.count()).min_by(|one, two| distance(one).total_cmp(&distance(two))).unwrap_or(0)
    }
}

/// The two sides of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sides<'a> {
    /// What is bid.
    pub bids: Depth<'a>,
    /// What is asked.
    pub asks: Depth<'a>,
}

impl<'a> Sides<'a> {
    /// Returns the side that a taker hits.
    #[must_use]
    pub fn hit_by(&self, side: Side) -> Depth<'a> {
        match side {
            Side::Buy => self.asks,
            Side::Sell => self.bids,
        }
    }

    /// Returns the price that values a holding: what it could be sold, or bought back, for.
    #[must_use]
    pub fn mark(&self, units: f64) -> f64 {
        if units < 0.0 { best(self.asks) } else { best(self.bids) }
    }
}

/// Returns the cash that changing a holding by `change` units costs, fees included: above 0 when it is paid, below 0
/// when it is received. Absent when the displayed levels (all of them) do not suffice.
#[must_use]
pub fn moving_cost(sides: &Sides<'_>, change: f64, fee_rate: f64) -> Option<f64> {
    let want = taker(change);
    let depth = sides.hit_by(want.side);
    if displayed(depth) < want.units * (1.0 - GRID_ROUNDING) {
        return None;
    }
    let value: f64 =
        walk(depth, &Taken::default(), &want).map(|piece| piece.units * piece.price).sum();
    Some(match want.side {
        Side::Buy => value * (1.0 + fee_rate),
        Side::Sell => -value * (1.0 - fee_rate),
    })
}

/// Returns what a taker wants who changes a holding by `change` units.
#[must_use]
pub(super) fn taker(change: f64) -> Want {
    let side = if change < 0.0 { Side::Sell } else { Side::Buy };
    Want { side, units: change.abs(), limit: None }
}

/// Writes for each action whether its holding can be reached at this snapshot: the book displays enough and the account
/// can pay for it. Staying where one stands (at the nearest holding) is always among them.
///
/// Shapes: `mask` `[count]`.
pub fn reachable(grid: &Grid, funds: &Funds, sides: &Sides<'_>, fee_rate: f64, mask: &mut [bool]) {
    let nearest = grid.nearest(funds.position);
    for (action, slot) in mask.iter_mut().enumerate() {
        let change = grid.change(action, funds.position);
        *slot = action == nearest || can_move(change, funds, sides, fee_rate);
    }
}

/// Whether a holding can be changed by `change` units at this snapshot: the book displays enough and the account can pay
/// for it.
#[must_use]
pub fn can_move(change: f64, funds: &Funds, sides: &Sides<'_>, fee_rate: f64) -> bool {
    moving_cost(sides, change, fee_rate)
        .is_some_and(|cost| affordable(funds, change, cost, best(sides.asks)))
}

/// Whether the account stays unlevered: what reduces a holding always may be, a long one is paid in cash, a short one
/// keeps its proceeds and as much again.
fn affordable(funds: &Funds, change: f64, cost: f64, ask: f64) -> bool {
    let (before, after) = (funds.position, funds.position + change);
    if after.abs() <= before.abs() && 0.0 <= after * before {
        return true;
    }
    let needed = if after < 0.0 { 2.0 * after.abs() * ask } else { 0.0 };
    needed <= funds.cash - cost
}

/// Returns how many units of a piece the account can pay for, by the rule of [`reachable`].
#[must_use]
pub(super) fn payable(piece: &Piece, side: Side, funds: &Funds, terms: (f64, f64)) -> f64 {
    let (ask, fee_rate) = terms;
    let reducing = match side {
        Side::Buy => (-funds.position).max(0.0),
        Side::Sell => funds.position.max(0.0),
    }
    .min(piece.units);
    let price = piece.price;
    let opening = match side {
        Side::Buy => {
            let paid = price * (1.0 + fee_rate);
            (funds.cash - reducing * paid) / paid
        }
        Side::Sell => {
            let received = price * (1.0 - fee_rate);
            let short = (-(funds.position - reducing)).max(0.0);
            let slack = funds.cash + reducing * received - 2.0 * short * ask;
            slack / (2.0 * ask - received)
        }
    };
    (reducing + opening.max(0.0)).min(piece.units)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDES: Sides<'static> = Sides {
        bids: Depth { price: &[99.0, 98.0], size: &[1.0, 2.0] },
        asks: Depth { price: &[101.0, 102.0], size: &[1.0, 2.0] },
    };
    const GRID: Grid = Grid { max_holding: 4.0, steps: 4, allow_short: true };

    fn mask(position: f64, cash: f64) -> Vec<bool> {
        let mut mask = vec![false; GRID.count()];
        reachable(&GRID, &Funds { cash, position }, &SIDES, 0.0, &mut mask);
        mask
    }

    #[test]
    fn moving_uses_every_level_and_nothing_more() {
        assert_eq!(moving_cost(&SIDES, 3.0, 0.0), Some(305.0));
        assert_eq!(moving_cost(&SIDES, 3.5, 0.0), None);
        assert_eq!(moving_cost(&SIDES, -2.0, 0.01), Some(-197.0 * 0.99));
        assert_eq!(moving_cost(&SIDES, 0.0, 0.01), Some(0.0));
    }

    #[test]
    fn the_mask_is_what_depth_and_money_allow() {
        // Holdings −4 … 4; from 0 the book shows 3 either way.
        let rich = mask(0.0, 1e6);
        assert_eq!(rich, [false, true, true, true, true, true, true, true, false]);
        // 203 pay for 2 units; a short of 1 needs 2 · 101 with its proceeds of 99, one of 2 needs 404 with 197.
        let poor = mask(0.0, 203.0);
        assert_eq!(poor, [false, false, false, true, true, true, true, false, false]);
        // What reduces always may be, and staying always may.
        let broke = mask(2.0, -150.0);
        assert_eq!(broke, [false, false, false, false, true, true, true, false, false]);
    }

    #[test]
    fn a_holding_is_valued_at_what_it_could_be_closed_for() {
        assert!((SIDES.mark(1.0) - 99.0).abs() < 1e-12);
        assert!((SIDES.mark(-1.0) - 101.0).abs() < 1e-12);
        assert_eq!(GRID.nearest(-2.4), 2);
    }

    #[test]
    fn a_piece_is_paid_for_only_as_far_as_the_money_goes() {
        let piece = Piece { level: 0, price: 100.0, units: 5.0 };
        let funds = |cash, position| Funds { cash, position };
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-9, "{found}");
        near(payable(&piece, Side::Buy, &funds(250.0, 0.0), (100.0, 0.0)), 2.5);
        near(payable(&piece, Side::Buy, &funds(100.0, -3.0), (100.0, 0.0)), 3.0);
        near(payable(&piece, Side::Sell, &funds(0.0, 4.0), (100.0, 0.0)), 5.0);
        near(payable(&piece, Side::Sell, &funds(100.0, 0.0), (100.0, 0.0)), 1.0);
        near(payable(&piece, Side::Sell, &funds(-9.0, 0.0), (100.0, 0.0)), 0.0);
    }
}
