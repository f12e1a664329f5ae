//! Fills against bars: a market order decided on one bar is executed at the next open, or at the close just observed
//! when the optimistic option says so. Slippage is against us; what the account cannot pay for is cut to whole lots.
//!
//! There is no volume cap: the bars' volume has no declared unit in most sources (spec/trading.md 4.1 applies once an
//! instrument definition states it).

use super::fees::fee;
use super::slippage::slipped;
use crate::config::{FillRule, MatchingConfig};
use crate::num::{Money, NumError, Price, Quantity};
use crate::orders::Fill;
use crate::risk::{ApprovedOrder, Funds, Terms, affordable_lots};

/// A fill may exceed its order by this share: the rounding of units into lots and back.
const ROUNDING: f64 = 1e-9;

/// The simulated exchange of one instrument.
#[derive(Debug, Clone, PartialEq)]
pub struct BarExchange {
    costs: MatchingConfig,
    lot: Quantity,
}

/// The two prices between which the fill rule chooses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Market {
    /// Close of the bar on which the order was decided.
    pub close: Price,
    /// Open of the following bar.
    pub next_open: Price,
}

impl BarExchange {
    /// Opens an exchange with its costs and the size of one lot.
    #[must_use]
    pub fn new(costs: MatchingConfig, lot: Quantity) -> Self {
        Self { costs, lot }
    }

    /// Returns the units of one lot.
    #[must_use]
    pub fn lot(&self) -> Quantity {
        self.lot
    }

    /// Executes a market order as far as the account can pay for it; `None` when it affords no lot.
    ///
    /// # Errors
    /// Refuses arithmetic that leaves the finite numbers.
    pub fn execute(
        &self,
        order: &ApprovedOrder,
        market: &Market,
        funds: &Funds,
    ) -> Result<Option<Fill>, NumError> {
        let price = self.costs.price(order, market)?;
        let terms = Terms { lot: self.lot, price, fee_rate: self.costs.fee_rate };
        let lots = affordable_lots(whole_lots(order.quantity(), self.lot), funds, &terms);
        if lots == 0 {
            return Ok(None);
        }
        let quantity = Quantity::new(lots as f64 * self.lot.get())?;
        market_fill(&self.costs, order, market, quantity).map(Some)
    }
}

impl MatchingConfig {
    /// Returns the price at which a market order is executed, slippage included.
    fn price(&self, order: &ApprovedOrder, market: &Market) -> Result<Price, NumError> {
        slipped(order.side(), self.reference(market), self.slippage_bps)
    }

    fn reference(&self, market: &Market) -> Price {
        match self.fill {
            FillRule::NextOpen => market.next_open,
            FillRule::SameClose => market.close,
        }
    }
}

/// Executes `quantity` of a market order without asking what the account can pay for: for accounts that fit several
/// orders into one purse themselves.
///
/// # Errors
/// Refuses arithmetic that leaves the finite numbers.
///
/// # Panics
/// When `quantity` exceeds the order or points the other way: nothing may be traded that was not approved.
pub fn market_fill(
    costs: &MatchingConfig,
    order: &ApprovedOrder,
    market: &Market,
    quantity: Quantity,
) -> Result<Fill, NumError> {
    let (wanted, filled) = (order.quantity().get(), quantity.get());
    assert!(
        0.0 < filled * wanted && filled.abs() <= wanted.abs() * (1.0 + ROUNDING),
        "a fill of {filled} is not part of an order of {wanted}"
    );
    let (reference, price) = (costs.reference(market), costs.price(order, market)?);
    let value = (filled * price.get()).abs();
    Ok(Fill {
        quantity,
        price,
        fee: Money::new(fee(value, costs.fee_rate))?,
        slippage: Money::new((filled * (price.get() - reference.get())).abs())?,
    })
}

/// Returns the whole lots in a quantity, towards zero. A share of 1e-9 of a lot is rounding and counts as present.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates and orders are bounded in lots far below"
)]
fn whole_lots(quantity: Quantity, lot: Quantity) -> i64 {
    let lots = quantity.get() / lot.get();
    let nearest = lots.round();
    if (lots - nearest).abs() <= 1e-9 { nearest as i64 } else { lots.trunc() as i64 }
}
