//! Largest order: refuses orders whose value exceeds the limit, or whose value cannot be known.

use crate::orders::OrderIntent;
use crate::risk::{Guard, Refusal, RiskGuard, RiskView};

/// The limit, quote currency.
pub(in crate::risk) struct MaxNotional {
    /// Largest value of one order at the reference price.
    pub(in crate::risk) limit: f64,
}

impl RiskGuard for MaxNotional {
    fn guard(&self) -> Guard {
        Guard::MaxNotional
    }

    fn check(&self, intent: &OrderIntent, view: &RiskView) -> Result<(), Refusal> {
        let value = view.reference_price.map(|price| (intent.quantity().get() * price.get()).abs());
        match value {
            Some(known) if known <= self.limit => Ok(()),
            Some(_) | None => Err(Refusal {
                guard: self.guard(),
                limit: self.limit,
                value: value.filter(|known| known.is_finite()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::{Price, Quantity};

    fn check(limit: f64, quantity: f64, price: Option<f64>) -> Result<(), Refusal> {
        let reference_price = price.map(|value| Price::new(value).unwrap());
        let view = RiskView { position: Quantity::ZERO, reference_price };
        let intent = OrderIntent::market(Quantity::new(quantity).unwrap()).unwrap();
        MaxNotional { limit }.check(&intent, &view)
    }

    #[test]
    fn accepts_up_to_the_limit_and_refuses_above_it() {
        assert!(check(1000.0, 9.0, Some(100.0)).is_ok());
        assert!(check(1000.0, -10.0, Some(100.0)).is_ok());
        assert!(check(1000.0, 10.01, Some(100.0)).is_err());
    }

    #[test]
    fn refuses_without_a_price_and_when_the_limit_is_not_a_number() {
        assert_eq!(check(1000.0, 1.0, None).unwrap_err().value, None);
        assert!(check(f64::NAN, 1.0, Some(1.0)).is_err());
        assert_eq!(check(f64::MAX, f64::MAX, Some(2.0)).unwrap_err().value, None);
    }
}
