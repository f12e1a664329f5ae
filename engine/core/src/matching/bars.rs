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
        let side = order.side();
        let reference = match self.costs.fill {
            FillRule::NextOpen => market.next_open,
            FillRule::SameClose => market.close,
        };
        let price = slipped(side, reference, self.costs.slippage_bps)?;
        let terms = Terms { lot: self.lot, price, fee_rate: self.costs.fee_rate };
        let lots = affordable_lots(whole_lots(order.quantity(), self.lot), funds, &terms);
        if lots == 0 {
            return Ok(None);
        }
        let quantity = Quantity::new(lots as f64 * self.lot.get())?;
        let value = (quantity.get() * price.get()).abs();
        Ok(Some(Fill {
            quantity,
            price,
            fee: Money::new(fee(value, self.costs.fee_rate))?,
            slippage: Money::new((quantity.get() * (price.get() - reference.get())).abs())?,
        }))
    }
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
