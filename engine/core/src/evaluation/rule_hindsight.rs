//! The hindsight bound of all-in, all-out trading in whole units: the greatest account value that buying as many units as
//! cash allows and selling all of them could have come to.
//!
//! Buying at price p with fee f takes ⌊cash/(p·(1 + f))⌋ units and leaves the rest in cash; selling u units gives
//! u·p·(1 − f). At the end units are valued at the last price without a fee. It knows the future and gives a number, not
//! decisions.

use crate::error::EngineError;

/// Units held and cash beside them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Held {
    units: f64,
    cash: f64,
}

/// Returns the greatest final value of `cash` traded at `prices` in order, one decision at each, with fee rate `fee`.
///
/// Exact: of all ways to be in cash only the richest matters; of all ways to be invested only those that no other
/// exceeds in both units and cash.
///
/// # Errors
/// Refuses prices that are not finite and above 0, cash below 0, and fee rates outside 0 to 1.
pub fn best_all_in(prices: &[f64], cash: f64, fee: f64) -> Result<f64, EngineError> {
    let good = prices.iter().all(|price| price.is_finite() && *price > 0.0)
        && cash.is_finite()
        && cash >= 0.0
        && (0.0..1.0).contains(&fee);
    if !good {
        return Err(EngineError::Refused {
            what: "hindsight bound",
            detail: format!(
                "wanted finite prices above 0, cash of at least 0 and a fee rate from 0 to 1; found cash {cash}, fee \
                 {fee} and prices from {:?}",
                prices.iter().copied().reduce(f64::min)
            ),
        });
    }
    let mut richest = cash;
    let mut invested: Vec<Held> = Vec::new();
    for price in prices {
        let units = (richest / price / (1.0 + fee)).floor();
        let bought = Held { units, cash: richest - units * price * (1.0 + fee) };
        let sold = invested.iter().map(|held| held.cash + held.units * price * (1.0 - fee));
        richest = sold.fold(richest, f64::max);
        let exceeds = |one: &Held, other: &Held| other.units <= one.units && other.cash <= one.cash;
        if units > 0.0 && !invested.iter().any(|held| exceeds(held, &bought)) {
            invested.retain(|held| !exceeds(&bought, held));
            invested.push(bought);
        }
    }
    let last = prices.last().copied().unwrap_or(0.0);
    Ok(invested.iter().map(|held| held.cash + held.units * last).fold(richest, f64::max))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gives_the_published_figures() {
        for (prices, wanted) in [
            (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..], 5994.001),
            (&[1.0, 3.0, 6.0, 3.0, 5.0, 1.0], 9960.055),
            (&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 1000.0),
        ] {
            let found = best_all_in(prices, 1000.0, 0.001).unwrap();
            assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
        }
    }

    #[test]
    fn refuses_what_is_no_market() {
        for (prices, cash, fee) in [
            (&[0.0][..], 1.0, 0.0),
            (&[f64::NAN], 1.0, 0.0),
            (&[1.0], -1.0, 0.0),
            (&[1.0], 1.0, 1.0),
            (&[1.0], f64::NAN, 0.0),
        ] {
            assert!(best_all_in(prices, cash, fee).is_err());
        }
        assert!((best_all_in(&[], 7.0, 0.0).unwrap() - 7.0).abs() < 1e-15);
    }

    /// Tries every sequence of holding and trading.
    fn brute_force(prices: &[f64], held: Held, fee: f64) -> f64 {
        let Some((price, rest)) = prices.split_first() else { return held.cash };
        let last = if rest.is_empty() { held.cash + held.units * price } else { 0.0 };
        let hold = if rest.is_empty() { last } else { brute_force(rest, held, fee) };
        let next = if held.units > 0.0 {
            Held { units: 0.0, cash: held.cash + held.units * price * (1.0 - fee) }
        } else {
            let units = (held.cash / price / (1.0 + fee)).floor();
            Held { units, cash: held.cash - units * price * (1.0 + fee) }
        };
        let traded = if rest.is_empty() {
            next.cash + next.units * price
        } else {
            brute_force(rest, next, fee)
        };
        hold.max(traded)
    }

    proptest! {
        #[test]
        fn is_the_best_of_all_sequences(
            prices in prop::collection::vec(1.0..30.0_f64, 1..10),
            cash in 10.0..200.0_f64,
            fee in 0.0..0.05_f64,
        ) {
            let found = best_all_in(&prices, cash, fee).unwrap();
            let wanted = brute_force(&prices, Held { units: 0.0, cash }, fee);
            prop_assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
        }
    }
}
