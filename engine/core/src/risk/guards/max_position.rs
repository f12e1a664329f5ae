//! Largest position: refuses orders after which more units would be held, long or short, than allowed.
//!
//! An order that makes the position smaller without crossing zero always passes: a limit that was lowered must not
//! hold anybody in.

use crate::orders::OrderIntent;
use crate::risk::{Guard, Refusal, RiskGuard, RiskView};

/// The limit, units of the instrument.
pub(in crate::risk) struct MaxPosition {
    /// Largest absolute position.
    pub(in crate::risk) limit: f64,
}

impl RiskGuard for MaxPosition {
    fn guard(&self) -> Guard {
        Guard::MaxPosition
    }

    fn check(&self, intent: &OrderIntent, view: &RiskView) -> Result<(), Refusal> {
        let before = view.position.get();
        let after = before + intent.quantity().get();
        let reduces = after.abs() <= before.abs() && after * before >= 0.0;
        if after.abs() <= self.limit || (reduces && !self.limit.is_nan()) {
            return Ok(());
        }
        let value = after.is_finite().then_some(after.abs());
        Err(Refusal { guard: self.guard(), limit: self.limit, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::Quantity;

    fn check(limit: f64, before: f64, change: f64) -> Result<(), Refusal> {
        let view = RiskView { position: Quantity::new(before).unwrap(), reference_price: None };
        let intent = OrderIntent::market(Quantity::new(change).unwrap()).unwrap();
        MaxPosition { limit }.check(&intent, &view)
    }

    #[test]
    fn accepts_up_to_the_limit_and_refuses_above_it() {
        assert!(check(10.0, 4.0, 5.0).is_ok());
        assert!(check(10.0, 4.0, 6.0).is_ok());
        assert!(check(10.0, 4.0, 6.000_001).is_err());
        assert!(check(10.0, -4.0, -6.0).is_ok());
        assert!(check(10.0, -4.0, -7.0).is_err());
        assert!(check(10.0, 9.0, -20.0).is_err());
    }

    #[test]
    fn lets_a_position_above_the_limit_shrink_but_not_turn() {
        assert!(check(1.0, 5.0, -1.0).is_ok());
        assert!(check(1.0, -5.0, 5.0).is_ok());
        assert!(check(1.0, 5.0, -8.0).is_err());
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        assert!(check(f64::NAN, 0.0, 1.0).is_err());
        assert!(check(f64::NAN, 2.0, -1.0).is_err());
        let overflow = check(f64::MAX, f64::MAX, f64::MAX).unwrap_err();
        assert_eq!(overflow.value, None);
    }
}
