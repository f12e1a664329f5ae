//! Nothing comes from nothing: the ledger under random fills.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

use engine::num::{Money, Price, Quantity};
use engine::orders::Fill;
use engine::portfolio::Ledger;
use proptest::prelude::*;

fn fill(quantity: f64, price: f64, fee: f64) -> Fill {
    Fill {
        quantity: Quantity::new(quantity).unwrap(),
        price: Price::new(price).unwrap(),
        fee: Money::new(fee).unwrap(),
        slippage: Money::ZERO,
    }
}

fn fills() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
    prop::collection::vec((-1e4..1e4_f64, 1e-4..1e6_f64, 0.0..100.0_f64), 1..200)
}

proptest! {
    #[test]
    fn the_identity_holds_after_every_fill_at_every_price(start in 0.0..1e9_f64, fills in fills(), mark in 1e-4..1e6_f64) {
        let mut ledger = Ledger::new(Money::new(start).unwrap());
        let mark = Price::new(mark).unwrap();
        let (mut cash, mut units) = (start, 0.0);
        for (quantity, price, fee) in fills {
            ledger.apply(&fill(quantity, price, fee));
            cash -= quantity * price + fee;
            units += quantity;
            prop_assert!(ledger.identity_error(mark) <= 1e-9);
            let plain = cash + units * mark.get();
            let scale = cash.abs().max((units * mark.get()).abs()).max(1e9);
            prop_assert!((ledger.equity(mark) - plain).abs() <= 1e-9 * scale);
        }
    }

    #[test]
    fn opening_and_closing_at_one_price_costs_exactly_the_fees(
        start in 1.0..1e9_f64,
        quantity in prop_oneof![-1e4..-1e-6_f64, 1e-6..1e4_f64],
        price in 1e-4..1e6_f64,
        fees in (0.0..100.0_f64, 0.0..100.0_f64),
    ) {
        let mut ledger = Ledger::new(Money::new(start).unwrap());
        ledger.apply(&fill(quantity, price, fees.0));
        ledger.apply(&fill(-quantity, price, fees.1));
        let scale = start.max((quantity * price).abs());
        prop_assert_eq!(ledger.position().quantity(), 0.0);
        prop_assert_eq!(ledger.realised(), 0.0);
        prop_assert!((ledger.cash() - (start - fees.0 - fees.1)).abs() <= 1e-12 * scale);
        prop_assert!((ledger.fees() - fees.0 - fees.1).abs() <= 1e-12);
    }

    #[test]
    fn books_are_restored_to_the_bit_and_wrong_ones_refused(fills in fills(), at in 0..8_usize) {
        let mut ledger = Ledger::new(Money::new(1e6).unwrap());
        for (quantity, price, fee) in fills {
            ledger.apply(&fill(quantity, price, fee));
        }
        let state = ledger.state();
        prop_assert_eq!(&Ledger::restore(&state).unwrap(), &ledger);
        let mut wrong = state;
        wrong[at] = f64::NAN;
        prop_assert!(Ledger::restore(&wrong).is_err());
        wrong = state;
        wrong[1] += 1e-3 * state[7];
        prop_assert!(Ledger::restore(&wrong).is_err());
    }
}
