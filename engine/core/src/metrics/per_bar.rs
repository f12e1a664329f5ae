//! What single bars won and lost: hit rate, profit factor, payoff, expectancy, streaks and Kelly's fraction.
//!
//! Of returns per bar, not of trades (those: `trades.rs`). Bars with a return of exactly 0 (out of the market) count in
//! the expectancy only.

use super::{DEVIATION_MIN, defined, finite, mean};

/// Sums and counts of the winning and losing bars.
struct Sides {
    gains: f64,
    losses: f64,
    wins: u32,
    defeats: u32,
}

fn sides(returns: &[f64]) -> Option<Sides> {
    let mut sides = Sides { gains: 0.0, losses: 0.0, wins: 0, defeats: 0 };
    for value in finite(returns)? {
        if *value > 0.0 {
            sides.gains += value;
            sides.wins += 1;
        } else if *value < 0.0 {
            sides.losses -= value;
            sides.defeats += 1;
        }
    }
    Some(sides)
}

/// Returns the share of winning bars among those that moved, 0 to 1; undefined when none did.
#[must_use]
pub fn hit_rate(returns: &[f64]) -> Option<f64> {
    let sides = sides(returns)?;
    let moved = sides.wins + sides.defeats;
    (0 < moved).then(|| f64::from(sides.wins) / f64::from(moved))
}

/// Returns the sum of the gains / the sum of the losses; undefined without a loss.
#[must_use]
pub fn profit_factor(returns: &[f64]) -> Option<f64> {
    let sides = sides(returns)?;
    if DEVIATION_MIN <= sides.losses { defined(sides.gains / sides.losses) } else { None }
}

/// Returns the mean gain / the mean loss; undefined without a gain or without a loss.
#[must_use]
pub fn payoff_ratio(returns: &[f64]) -> Option<f64> {
    let sides = sides(returns)?;
    if sides.wins == 0 || sides.losses < DEVIATION_MIN {
        return None;
    }
    defined(sides.gains / f64::from(sides.wins) / (sides.losses / f64::from(sides.defeats)))
}

/// Returns the mean return of a bar; undefined without returns.
#[must_use]
pub fn expectancy(returns: &[f64]) -> Option<f64> {
    mean(finite(returns)?)
}

/// Returns Kelly's fraction of a bet with two outcomes, p − (1 − p)/b, where p is the hit rate and b the payoff ratio;
/// negative when the bet should not be taken. Undefined where one of them is.
///
/// Source: Kelly 1956; Thorp 1969.
#[must_use]
pub fn kelly_two_outcomes(returns: &[f64]) -> Option<f64> {
    let (wins, payoff) = (hit_rate(returns)?, payoff_ratio(returns)?);
    defined(wins - (1.0 - wins) / payoff)
}

/// Returns Kelly's fraction of the continuous case, mean / variance of the returns; undefined below two returns and
/// when they do not vary.
///
/// Source: Merton 1969; Thorp 2006, section 7.
#[must_use]
pub fn kelly_continuous(returns: &[f64]) -> Option<f64> {
    let deviation = super::sample_deviation(finite(returns)?)?;
    if DEVIATION_MIN <= deviation {
        defined(mean(returns)? / (deviation * deviation))
    } else {
        None
    }
}

/// Returns the length of the longest run of winning bars, in bars.
#[must_use]
pub fn consecutive_wins(returns: &[f64]) -> Option<u32> {
    longest_run(returns, |value| value > 0.0)
}

/// Returns the length of the longest run of losing bars, in bars.
#[must_use]
pub fn consecutive_losses(returns: &[f64]) -> Option<u32> {
    longest_run(returns, |value| value < 0.0)
}

/// Undefined without returns.
fn longest_run(returns: &[f64], counts: impl Fn(f64) -> bool) -> Option<u32> {
    let (mut run, mut longest) = (0, 0);
    for value in finite(returns)? {
        run = if counts(*value) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    (!returns.is_empty()).then_some(longest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RETURNS: [f64; 6] = [0.02, 0.04, 0.0, -0.01, -0.02, 0.03];

    #[test]
    fn are_those_done_by_hand() {
        assert!((hit_rate(&RETURNS).unwrap() - 0.6).abs() < 1e-15);
        assert!((profit_factor(&RETURNS).unwrap() - 3.0).abs() < 1e-12);
        assert!((payoff_ratio(&RETURNS).unwrap() - 2.0).abs() < 1e-12);
        assert!((expectancy(&RETURNS).unwrap() - 0.01).abs() < 1e-15);
        assert!((kelly_two_outcomes(&RETURNS).unwrap() - 0.4).abs() < 1e-12);
        // variance ((0.01² + 0.03² + 0.01² + 0.02² + 0.03² + 0.02²)/5 = 0.0028/5
        assert!((kelly_continuous(&RETURNS).unwrap() - 0.01 / 0.000_56).abs() < 1e-9);
        assert_eq!(consecutive_wins(&RETURNS), Some(2));
        assert_eq!(consecutive_losses(&RETURNS), Some(2));
    }

    #[test]
    fn are_undefined_without_losses_or_without_returns() {
        for metric in [hit_rate, profit_factor, payoff_ratio, expectancy, kelly_two_outcomes] {
            assert_eq!(metric(&[]), None);
            assert_eq!(metric(&[f64::NAN, 0.1]), None);
        }
        assert_eq!(profit_factor(&[0.1]), None);
        assert_eq!(payoff_ratio(&[-0.1]), None);
        assert_eq!(hit_rate(&[0.0]), None);
        assert_eq!(kelly_continuous(&[0.01; 4]), None);
        assert_eq!(consecutive_wins(&[]), None);
        assert_eq!(consecutive_losses(&[0.1]), Some(0));
    }

    proptest! {
        #[test]
        fn ratios_do_not_depend_on_scale(returns in prop::collection::vec(-0.1..0.1_f64, 1..50), scale in 0.5..4.0_f64) {
            let scaled: Vec<f64> = returns.iter().map(|value| value * scale).collect();
            for metric in [hit_rate, profit_factor, payoff_ratio, kelly_two_outcomes] {
                if let (Some(a), Some(b)) = (metric(&returns), metric(&scaled)) {
                    prop_assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()));
                }
            }
        }
    }
}
