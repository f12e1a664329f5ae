//! Hop 5: which actions there are and what they mean. The same functions in training, back-test, paper and live.
//!
//! An [`ActionSpace`] says what an environment takes; an [`Action`] is checked against it before anything is done.
//! Of one instrument, action k of 2V + 1 is an order of k − V lots. It is made smaller to keep the position limit, to
//! stay long-only where shorts are not allowed, and to what the account can pay for at the last close; the reason is
//! kept. What is left over goes to the risk review, which can only pass or refuse.

use crate::config::{AlgorithmicTradingConfig, RiskConfig};
use crate::error::EngineError;
use crate::num::{NumError, Price, Quantity};
use crate::orders::OrderIntent;
use crate::risk::{ApprovedOrder, Funds, Refusal, RiskView, Terms, affordable_lots, review};

/// How far the weights of a portfolio may add up to more than 1: single-precision rounding of a policy's output.
pub const WEIGHT_TOLERANCE: f64 = 1e-5;

/// Which actions an environment takes.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionSpace {
    /// One of `0..n`.
    Discrete(usize),
    /// `[N + 1]` weights of 0 or more that add up to at most 1, cash first; what they leave of 1 is cash, too, so that
    /// weights of nothing but zeros mean cash alone.
    Simplex {
        /// Instruments, N.
        assets: usize,
    },
    /// One number per dimension, each within its bounds.
    Box {
        /// Lowest values.
        low: Vec<f64>,
        /// Highest values.
        high: Vec<f64>,
    },
}

/// What an agent does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action<'a> {
    /// One of a [`ActionSpace::Discrete`] space.
    Discrete(usize),
    /// One of a [`ActionSpace::Simplex`] or [`ActionSpace::Box`] space.
    Vector(&'a [f64]),
}

impl ActionSpace {
    /// Returns how many actions there are to choose from; 0 where actions are vectors.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Discrete(count) => *count,
            Self::Simplex { .. } | Self::Box { .. } => 0,
        }
    }

    /// Returns how many numbers an action has; 0 where actions are chosen from a list.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        match self {
            Self::Discrete(_) => 0,
            Self::Simplex { assets } => assets + 1,
            Self::Box { low, .. } => low.len(),
        }
    }

    /// Passes an action of this space.
    ///
    /// # Errors
    /// Refuses an action of another kind, one that does not exist, and numbers out of bounds, NaN among them.
    pub fn check(&self, action: Action<'_>) -> Result<(), EngineError> {
        match (self, action) {
            (Self::Discrete(count), Action::Discrete(index)) if index < *count => Ok(()),
            (Self::Discrete(count), Action::Discrete(index)) => Err(unfit(format!(
                "there is no action {index} of {count}; choose 0 to {}",
                count - 1
            ))),
            (Self::Simplex { assets }, Action::Vector(weights)) => simplex(*assets, weights),
            (Self::Box { low, high }, Action::Vector(values)) => bounded(low, high, values),
            (Self::Discrete(count), Action::Vector(_)) => {
                Err(unfit(format!("one of {count} actions was wanted, found a vector of numbers")))
            }
            (Self::Simplex { .. } | Self::Box { .. }, Action::Discrete(index)) => {
                Err(unfit(format!(
                    "a vector of {} numbers was wanted, found the action {index} of a list",
                    self.dimensions()
                )))
            }
        }
    }
}

impl Action<'_> {
    /// Returns the index of a discrete action.
    ///
    /// # Panics
    /// When the action is a vector: the caller did not ask [`ActionSpace::check`].
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Discrete(index) => index,
            Self::Vector(values) => panic!("an action of a list was wanted, found {values:?}"),
        }
    }
}

fn simplex(assets: usize, weights: &[f64]) -> Result<(), EngineError> {
    if weights.len() != assets + 1 {
        return Err(unfit(format!(
            "{} weights were wanted (cash, then {assets} instruments), found {}",
            assets + 1,
            weights.len()
        )));
    }
    if let Some((index, weight)) =
        weights.iter().enumerate().find(|(_, weight)| !(weight.is_finite() && 0.0 <= **weight))
    {
        return Err(unfit(format!(
            "weight {index} must be finite and 0 or more, found {weight}; pass scores through softmax"
        )));
    }
    let sum: f64 = weights.iter().sum();
    if sum <= 1.0 + WEIGHT_TOLERANCE {
        return Ok(());
    }
    Err(unfit(format!(
        "the weights must add up to at most 1, found {sum}; divide them by their sum"
    )))
}

fn bounded(low: &[f64], high: &[f64], values: &[f64]) -> Result<(), EngineError> {
    if values.len() != low.len() {
        return Err(unfit(format!("{} numbers were wanted, found {}", low.len(), values.len())));
    }
    for (index, value) in values.iter().enumerate() {
        if !(low[index]..=high[index]).contains(value) {
            return Err(unfit(format!(
                "number {index} must lie within {} and {}, found {value}; clamp it",
                low[index], high[index]
            )));
        }
    }
    Ok(())
}

fn unfit(detail: String) -> EngineError {
    EngineError::Refused { what: "action", detail }
}

/// Writes exp(score) / Σ exp(score), the largest score taken off first, so that no score overflows.
///
/// Shapes: `scores` and `weights` `[N + 1]`, cash first.
///
/// # Panics
/// When the lengths differ or a score is NaN or +∞: weights that mean nothing must not be traded on.
pub fn softmax(scores: &[f64], weights: &mut [f64]) {
    assert_eq!(scores.len(), weights.len(), "one weight per score");
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (weight, score) in weights.iter_mut().zip(scores) {
        *weight = (score - largest).exp();
        sum += *weight;
    }
    assert!(sum.is_finite() && 0.0 < sum, "the scores {scores:?} are not all numbers");
    for weight in weights.iter_mut() {
        *weight /= sum;
    }
}

/// Which orders a strategy may wish for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionRules {
    /// Most lots per order.
    pub max_volume: u32,
    /// Largest absolute position in lots.
    pub position_limit_lots: u32,
    /// Whether positions below zero are allowed.
    pub allow_short: bool,
}

impl ActionRules {
    /// Returns the rules of an environment.
    #[must_use]
    pub fn of(config: &AlgorithmicTradingConfig) -> Self {
        Self {
            max_volume: config.max_volume,
            position_limit_lots: config.position_limit_lots,
            allow_short: config.allow_short,
        }
    }

    /// Returns how many actions there are.
    #[must_use]
    pub fn action_count(&self) -> usize {
        2 * self.max_volume as usize + 1
    }

    /// Returns the lots an action wishes for, positive to buy.
    ///
    /// # Panics
    /// When the action does not exist.
    #[must_use]
    pub fn lots(&self, action: usize) -> i64 {
        assert!(
            action < self.action_count(),
            "there is no action {action} of {}",
            self.action_count()
        );
        action as i64 - i64::from(self.max_volume)
    }
}

/// The account before the decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccountView {
    /// Lots held, negative when short.
    pub lots: i64,
    /// Cash and units held.
    pub funds: Funds,
    /// Lot, last close and fee rate: what the order is estimated at.
    pub terms: Terms,
}

/// Why an order became smaller than wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutReason {
    /// The position limit in lots.
    PositionLimit,
    /// Shorts are not allowed.
    ShortNotAllowed,
    /// The account cannot pay for it.
    Funds,
}

/// A wish after it was fitted to the account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// The order; absent when nothing is left of it or nothing was wished for.
    pub intent: Option<OrderIntent>,
    /// The last reason for which it became smaller.
    pub cut: Option<CutReason>,
}

/// A wish after its review.
#[derive(Debug, PartialEq)]
pub struct OrderDecision {
    /// The order to execute.
    pub order: Option<ApprovedOrder>,
    /// Why it became smaller.
    pub cut: Option<CutReason>,
    /// Why it may not be.
    pub refusal: Option<Refusal>,
}

/// Translates an action into a wish.
///
/// # Errors
/// Refuses arithmetic that leaves the finite numbers.
///
/// # Panics
/// When the action does not exist.
pub fn to_intent(
    action: usize,
    rules: &ActionRules,
    account: &AccountView,
) -> Result<Wish, NumError> {
    let wished = rules.lots(action);
    let mut cut = None;
    let limit = i64::from(rules.position_limit_lots);
    let lowest = if rules.allow_short { -limit } else { 0 };
    // A position already outside its bounds may move back but not further out.
    let (lowest, highest) = (lowest.min(account.lots), limit.max(account.lots));
    let bounded = (account.lots + wished).clamp(lowest, highest) - account.lots;
    if bounded != wished {
        let short = !rules.allow_short && wished < 0;
        cut = Some(if short { CutReason::ShortNotAllowed } else { CutReason::PositionLimit });
    }
    let lots = affordable_lots(bounded, &account.funds, &account.terms);
    if lots != bounded {
        cut = Some(CutReason::Funds);
    }
    if lots == 0 {
        return Ok(Wish { intent: None, cut });
    }
    let quantity = Quantity::new(lots as f64 * account.terms.lot.get())?;
    Ok(Wish { intent: Some(OrderIntent::market(quantity)?), cut })
}

/// Translates an action into a reviewed order.
///
/// # Errors
/// Refuses arithmetic that leaves the finite numbers.
///
/// # Panics
/// When the action does not exist.
pub fn decide_order(
    action: usize,
    rules: &ActionRules,
    account: &AccountView,
    limits: &RiskConfig,
) -> Result<OrderDecision, NumError> {
    let wish = to_intent(action, rules, account)?;
    let Some(intent) = wish.intent else {
        return Ok(OrderDecision { order: None, cut: wish.cut, refusal: None });
    };
    let reference_price: Option<Price> = Some(account.terms.price);
    let view = RiskView { position: Quantity::new(account.funds.position)?, reference_price };
    let (order, refusal) = match review(&intent, &view, limits).outcome {
        Ok(order) => (Some(order), None),
        Err(refusal) => (None, Some(refusal)),
    };
    Ok(OrderDecision { order, cut: wish.cut, refusal })
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the weights are exact")]
mod tests {
    use super::*;

    fn account(lots: i64, cash: f64) -> AccountView {
        AccountView {
            lots,
            funds: Funds { cash, position: lots as f64 * 2.0 },
            terms: Terms {
                lot: Quantity::new(2.0).unwrap(),
                price: Price::new(10.0).unwrap(),
                fee_rate: 0.0,
            },
        }
    }

    const RULES: ActionRules =
        ActionRules { max_volume: 2, position_limit_lots: 3, allow_short: false };

    fn units(action: usize, rules: &ActionRules, view: &AccountView) -> (f64, Option<CutReason>) {
        let wish = to_intent(action, rules, view).unwrap();
        (wish.intent.map_or(0.0, |intent| intent.quantity().get()), wish.cut)
    }

    #[test]
    fn each_space_takes_its_own_actions_and_refuses_all_others() {
        let list = ActionSpace::Discrete(3);
        assert!(list.check(Action::Discrete(2)).is_ok());
        assert!(list.check(Action::Discrete(3)).is_err());
        assert!(list.check(Action::Vector(&[0.0])).is_err());
        let weights = ActionSpace::Simplex { assets: 2 };
        assert_eq!((weights.count(), weights.dimensions(), list.count()), (0, 3, 3));
        for fits in [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0; 3], [0.2, 0.4, 0.400_001]] {
            assert!(weights.check(Action::Vector(&fits)).is_ok(), "{fits:?}");
        }
        for unfit in [[1.0, 0.1, 0.0], [1.1, -0.1, 0.0], [f64::NAN, 0.0, 0.0]] {
            assert!(weights.check(Action::Vector(&unfit)).is_err(), "{unfit:?}");
        }
        assert!(weights.check(Action::Vector(&[1.0, 0.0])).is_err());
        assert!(weights.check(Action::Discrete(0)).is_err());
        let range = ActionSpace::Box { low: vec![-1.0, 0.0], high: vec![1.0, 2.0] };
        assert!(range.check(Action::Vector(&[-1.0, 2.0])).is_ok());
        for unfit in [[-1.1, 0.0], [0.0, 2.1], [f64::NAN, 0.0], [0.0, f64::INFINITY]] {
            assert!(range.check(Action::Vector(&unfit)).is_err(), "{unfit:?}");
        }
    }

    #[test]
    fn softmax_bears_scores_that_would_overflow() {
        let mut weights = [0.0; 3];
        softmax(&[1e6, 1e6, -1e6], &mut weights);
        assert_eq!(weights, [0.5, 0.5, 0.0]);
    }

    #[test]
    fn the_middle_action_holds_and_the_others_order_lots() {
        let view = account(1, 1000.0);
        assert_eq!(RULES.action_count(), 5);
        assert_eq!(units(2, &RULES, &view), (0.0, None));
        assert_eq!(units(4, &RULES, &view), (4.0, None));
        assert_eq!(units(1, &RULES, &view), (-2.0, None));
    }

    #[test]
    fn cuts_name_their_reason() {
        assert_eq!(units(4, &RULES, &account(2, 1000.0)), (2.0, Some(CutReason::PositionLimit)));
        assert_eq!(units(0, &RULES, &account(1, 1000.0)), (-2.0, Some(CutReason::ShortNotAllowed)));
        assert_eq!(units(4, &RULES, &account(0, 25.0)), (2.0, Some(CutReason::Funds)));
        assert_eq!(units(4, &RULES, &account(0, 5.0)), (0.0, Some(CutReason::Funds)));
        let short = ActionRules { allow_short: true, ..RULES };
        assert_eq!(units(0, &short, &account(-2, 1000.0)), (-2.0, Some(CutReason::PositionLimit)));
    }

    #[test]
    fn a_refusal_leaves_no_order() {
        let limits = RiskConfig { max_position: Some(1.0), max_notional: None };
        let decision = decide_order(4, &RULES, &account(0, 1000.0), &limits).unwrap();
        assert_eq!(decision.order, None);
        assert!(decision.refusal.is_some());
    }
}
