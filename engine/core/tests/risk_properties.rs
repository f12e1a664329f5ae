//! The review passes exactly what is shown to keep every limit.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

use engine::config::RiskConfig;
use engine::num::{Price, Quantity};
use engine::orders::OrderIntent;
use engine::risk::{CheckOutcome, Guard, RiskView, review};
use proptest::prelude::*;

fn limits() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => Just(None),
        6 => (0.0..1e6_f64).prop_map(Some),
        1 => Just(Some(f64::NAN)),
        1 => Just(Some(f64::INFINITY)),
    ]
}

proptest! {
    #[test]
    fn an_order_passes_exactly_when_every_limit_is_shown_to_hold(
        before in -1e3..1e3_f64,
        change in prop_oneof![-1e3..-1e-3_f64, 1e-3..1e3_f64],
        price in prop::option::of(1e-3..1e4_f64),
        max_position in limits(),
        max_notional in limits(),
    ) {
        let intent = OrderIntent::market(Quantity::new(change).unwrap()).unwrap();
        let view = RiskView {
            position: Quantity::new(before).unwrap(),
            reference_price: price.map(|value| Price::new(value).unwrap()),
        };
        let verdict = review(&intent, &view, &RiskConfig { max_position, max_notional });

        let after = before + change;
        let reduces = after.abs() <= before.abs() && after * before >= 0.0;
        let position_holds = max_position.is_none_or(|limit| after.abs() <= limit || (reduces && !limit.is_nan()));
        let notional_holds =
            max_notional.is_none_or(|limit| price.is_some_and(|price| (change * price).abs() <= limit));
        prop_assert_eq!(verdict.outcome.is_ok(), position_holds && notional_holds);
        for (check, holds) in verdict.checks.iter().zip([position_holds, notional_holds]) {
            prop_assert_eq!(matches!(check.outcome, CheckOutcome::Refused(_)), !holds);
        }
        match verdict.outcome {
            Ok(order) => prop_assert_eq!(order.quantity(), intent.quantity()),
            Err(refusal) => {
                let first = if position_holds { Guard::MaxNotional } else { Guard::MaxPosition };
                prop_assert_eq!(refusal.guard, first);
            }
        }
    }

    #[test]
    fn a_limit_that_is_not_a_number_refuses_everything(
        change in prop_oneof![-1e3..-1e-3_f64, 1e-3..1e3_f64],
        guard in 0..2_usize,
    ) {
        let intent = OrderIntent::market(Quantity::new(change).unwrap()).unwrap();
        let view = RiskView { position: Quantity::ZERO, reference_price: Price::new(1.0).ok() };
        let mut limits = RiskConfig::default();
        match guard {
            0 => limits.max_position = Some(f64::NAN),
            _ => limits.max_notional = Some(f64::NAN),
        }
        prop_assert!(review(&intent, &view, &limits).outcome.is_err());
    }
}
