//! Hop 5: what an action means. The same functions in training, back-test, paper and live.
//!
//! Action k of 2V + 1 is an order of k − V lots. It is made smaller to keep the position limit, to stay long-only
//! where shorts are not allowed, and to what the account can pay for at the last close; the reason is kept. What is
//! left over goes to the risk review, which can only pass or refuse.

use crate::config::{AlgorithmicTradingConfig, RiskConfig};
use crate::num::{NumError, Price, Quantity};
use crate::orders::OrderIntent;
use crate::risk::{ApprovedOrder, Funds, Refusal, RiskView, Terms, affordable_lots, review};

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
