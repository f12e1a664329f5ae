//! All guards in order; the first refusal decides; the verdict lists every check.

use super::guards::{MaxNotional, MaxPosition};
use super::{ApprovedOrder, Guard, Refusal, RiskGuard, RiskView};
use crate::config::RiskConfig;
use crate::orders::OrderIntent;

/// What one guard said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// Which guard.
    pub guard: Guard,
    /// What it said.
    pub outcome: CheckOutcome,
}

/// The answers a guard can give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CheckOutcome {
    /// No limit is configured.
    Unlimited,
    /// Shown to keep the limit.
    Passed,
    /// Not shown to keep the limit.
    Refused(Refusal),
}

/// The result of a review, with every check that was made.
#[derive(Debug, PartialEq)]
pub struct Verdict {
    /// The order, or the first refusal.
    pub outcome: Result<ApprovedOrder, Refusal>,
    /// Every guard's answer, in the order of [`Guard::ALL`].
    pub checks: [Check; Guard::ALL.len()],
}

/// Reviews a wish: the only way to an [`ApprovedOrder`].
#[must_use]
pub fn review(intent: &OrderIntent, view: &RiskView, limits: &RiskConfig) -> Verdict {
    let checks = Guard::ALL.map(|guard| {
        let said = match guard {
            Guard::MaxPosition => {
                limits.max_position.map(|limit| MaxPosition { limit }.check(intent, view))
            }
            Guard::MaxNotional => {
                limits.max_notional.map(|limit| MaxNotional { limit }.check(intent, view))
            }
        };
        let outcome = match said {
            None => CheckOutcome::Unlimited,
            Some(Ok(())) => CheckOutcome::Passed,
            Some(Err(refusal)) => CheckOutcome::Refused(refusal),
        };
        Check { guard, outcome }
    });
    let first_refusal = checks.iter().find_map(|check| match check.outcome {
        CheckOutcome::Refused(refusal) => Some(refusal),
        CheckOutcome::Unlimited | CheckOutcome::Passed => None,
    });
    let outcome = first_refusal.map_or_else(|| Ok(ApprovedOrder::new(intent)), Err);
    Verdict { outcome, checks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::{Price, Quantity};

    fn wish(quantity: f64) -> OrderIntent {
        OrderIntent::market(Quantity::new(quantity).unwrap()).unwrap()
    }

    fn view(position: f64) -> RiskView {
        RiskView {
            position: Quantity::new(position).unwrap(),
            reference_price: Price::new(100.0).ok(),
        }
    }

    #[test]
    fn without_limits_every_check_says_so_and_the_order_passes() {
        let verdict = review(&wish(-3.0), &view(0.0), &RiskConfig::default());
        assert!((verdict.outcome.unwrap().quantity().get() + 3.0).abs() < 1e-12);
        assert!(verdict.checks.iter().all(|check| check.outcome == CheckOutcome::Unlimited));
    }

    #[test]
    fn the_first_refusal_names_the_guard_and_all_are_listed() {
        let limits = RiskConfig { max_position: Some(1.0), max_notional: Some(1.0) };
        let verdict = review(&wish(2.0), &view(0.0), &limits);
        let refusal = verdict.outcome.unwrap_err();
        assert_eq!((refusal.guard, refusal.value), (Guard::MaxPosition, Some(2.0)));
        assert!(
            verdict.checks.iter().all(|check| matches!(check.outcome, CheckOutcome::Refused(_)))
        );
        assert!(refusal.to_string().contains("max_position"), "{refusal}");
    }

    #[test]
    fn one_guard_passing_does_not_hide_another_refusing() {
        let limits = RiskConfig { max_position: Some(10.0), max_notional: Some(150.0) };
        let verdict = review(&wish(2.0), &view(0.0), &limits);
        assert_eq!(verdict.outcome.unwrap_err().guard, Guard::MaxNotional);
        assert_eq!(verdict.checks.first().map(|check| check.outcome), Some(CheckOutcome::Passed));
    }
}
