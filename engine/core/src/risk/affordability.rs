//! How many lots of an order an account can pay for. Cuts an order before and at its execution; replaces no guard.
//!
//! Rule, unlevered for both sides: after the trade, the value of the position must not exceed the account's equity
//! at the execution price, costs paid. For a long position that says "cash does not fall below zero"; for a short one
//! it keeps the proceeds and as much again as margin. What reduces a position without crossing zero is always
//! affordable, so that nobody is held in.

use crate::num::{Price, Quantity};

/// What the account has before the order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Funds {
    /// Cash, quote currency.
    pub cash: f64,
    /// Units held, negative when short.
    pub position: f64,
}

/// At which terms the order would be executed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Units per lot, above zero.
    pub lot: Quantity,
    /// Price per unit, slippage included.
    pub price: Price,
    /// Fee as a share of the traded value.
    pub fee_rate: f64,
}

/// Returns how many of the `wanted` lots (signed, positive to buy) can be paid for: the same sign, at most as many.
#[must_use]
pub fn affordable_lots(wanted: i64, funds: &Funds, terms: &Terms) -> i64 {
    let mut lots = wanted;
    while lots != 0 && !affordable(lots, funds, terms) {
        lots -= lots.signum();
    }
    lots
}

fn affordable(lots: i64, funds: &Funds, terms: &Terms) -> bool {
    let (before, price) = (funds.position, terms.price.get());
    let change = lots as f64 * terms.lot.get();
    let after = before + change;
    if after.abs() <= before.abs() && after * before >= 0.0 {
        return true;
    }
    let cash = funds.cash - change * price - change.abs() * price * terms.fee_rate;
    after.abs() * price <= cash + after * price
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms {
            lot: Quantity::new(1.0).unwrap(),
            price: Price::new(100.0).unwrap(),
            fee_rate: 0.01,
        }
    }

    #[test]
    fn cuts_a_purchase_to_what_cash_and_fee_allow() {
        let funds = Funds { cash: 1009.0, position: 0.0 };
        assert_eq!(affordable_lots(20, &funds, &terms()), 9);
        assert_eq!(affordable_lots(20, &Funds { cash: 1010.0, ..funds }, &terms()), 10);
        assert_eq!(affordable_lots(3, &funds, &terms()), 3);
        assert_eq!(affordable_lots(1, &Funds { cash: 100.0, ..funds }, &terms()), 0);
        assert_eq!(affordable_lots(1, &Funds { cash: -5.0, ..funds }, &terms()), 0);
    }

    #[test]
    fn a_short_needs_its_value_as_equity() {
        let funds = Funds { cash: 1000.0, position: 0.0 };
        assert_eq!(affordable_lots(-20, &funds, &terms()), -9);
    }

    #[test]
    fn what_reduces_is_always_affordable() {
        let ruined = Funds { cash: -5000.0, position: 10.0 };
        assert_eq!(affordable_lots(-10, &ruined, &terms()), -10);
        assert_eq!(affordable_lots(-11, &ruined, &terms()), -10);
        let short = Funds { cash: 10.0, position: -10.0 };
        assert_eq!(affordable_lots(10, &short, &terms()), 10);
    }

    #[test]
    fn cash_that_is_not_a_number_affords_nothing_new() {
        assert_eq!(affordable_lots(1, &Funds { cash: f64::NAN, position: 0.0 }, &terms()), 0);
    }
}
