//! Queue position of a resting order: how much stands before it at its price, and what trades and cancellations do to
//! that. Pure arithmetic; knows no book and no account.
//!
//! Source: spec/trading.md, section 4.3. An order joins at the back of the displayed size. Trades at its price eat what
//! stands before it, and then the order itself. A level that shrinks by more than was traded had cancellations: the
//! model says which share of them stood before us.

use crate::config::QueueModel;

/// A resting order's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueuePlace {
    /// Units before us, F.
    ahead: f64,
    /// Units traded at our price since the level was shown last, C.
    traded: f64,
}

impl QueuePlace {
    /// Joins at the back of what is displayed at the price.
    #[must_use]
    pub fn behind(displayed: f64) -> Self {
        Self { ahead: displayed.max(0.0), traded: 0.0 }
    }

    /// Restores a place.
    #[must_use]
    pub fn restore(ahead: f64, traded: f64) -> Self {
        Self { ahead, traded }
    }

    /// Returns the units before us.
    #[must_use]
    pub fn ahead(&self) -> f64 {
        self.ahead
    }

    /// Returns the units traded at our price since the level was shown last.
    #[must_use]
    pub fn traded(&self) -> f64 {
        self.traded
    }

    /// Takes a trade of `units` at our price and returns how many of them reach us.
    pub fn trade(&mut self, units: f64) -> f64 {
        let reached = (units - self.ahead).max(0.0);
        self.ahead = (self.ahead - units).max(0.0);
        self.traded += units;
        reached
    }

    /// Takes the level's displayed size before and now.
    pub fn shown(&mut self, model: QueueModel, before: f64, now: f64) {
        let gone = before - now - self.traded;
        self.traded = 0.0;
        let risk_averse = self.ahead.min(now);
        if gone < 0.0 {
            self.ahead = risk_averse;
            return;
        }
        let behind = (before - self.ahead).max(0.0);
        let share_behind = match model {
            QueueModel::RiskAverse => {
                self.ahead = risk_averse;
                return;
            }
            QueueModel::Logarithmic => share(behind.ln_1p(), self.ahead.ln_1p()),
            QueueModel::Square => share(behind * behind, self.ahead * self.ahead),
        };
        // What the ones behind us cannot have cancelled was cancelled before us.
        let overflow = (behind - share_behind * gone).min(0.0);
        self.ahead = (self.ahead - (1.0 - share_behind) * gone + overflow).min(now).max(0.0);
    }
}

/// P = f(B) / (f(B) + f(F)): the share of cancellations that happened behind us; 1 where it is not defined.
fn share(behind: f64, ahead: f64) -> f64 {
    if behind + ahead > 0.0 { behind / (behind + ahead) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn trades_eat_what_stands_before_us_and_then_us() {
        let mut place = QueuePlace::behind(10.0);
        assert!(place.trade(4.0).abs() < 1e-12);
        assert!((place.trade(8.0) - 2.0).abs() < 1e-12);
        assert!((place.trade(3.0) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_risk_averse_model_moves_up_by_trades_alone() {
        let mut place = QueuePlace::behind(10.0);
        // 5 came behind us, 5 of 15 went: nobody knows which.
        place.shown(QueueModel::RiskAverse, 10.0, 15.0);
        place.shown(QueueModel::RiskAverse, 15.0, 10.0);
        assert!((place.ahead() - 10.0).abs() < 1e-12);
        // Only 4 are left in all: no more can stand before us.
        place.shown(QueueModel::RiskAverse, 10.0, 4.0);
        assert!((place.ahead() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn cancellations_are_shared_by_the_model_and_trades_are_not_counted_twice() {
        // 10 before us, 10 behind: half of what goes goes before us.
        let mut place = QueuePlace::behind(10.0);
        place.shown(QueueModel::Square, 10.0, 20.0);
        place.shown(QueueModel::Square, 20.0, 16.0);
        assert!((place.ahead() - 8.0).abs() < 1e-12, "{place:?}");
        // All of the change was traded: nothing was cancelled.
        let mut traded = QueuePlace::behind(10.0);
        traded.trade(4.0);
        traded.shown(QueueModel::Logarithmic, 10.0, 6.0);
        assert!((traded.ahead() - 6.0).abs() < 1e-12, "{traded:?}");
    }

    proptest! {
        #[test]
        fn a_place_never_gets_worse_and_never_exceeds_what_is_shown(
            start in 0.0..50.0_f64,
            moves in prop::collection::vec((0.0..20.0_f64, 0.0..60.0_f64), 1..20),
            kind in 0_usize..3,
        ) {
            let model = [QueueModel::RiskAverse, QueueModel::Logarithmic, QueueModel::Square][kind];
            let mut place = QueuePlace::behind(start);
            let mut before = start;
            for (traded, now) in moves {
                let was = place.ahead();
                let reached = place.trade(traded);
                prop_assert!((0.0..=traded).contains(&reached));
                place.shown(model, before, now);
                prop_assert!(place.ahead() <= was && 0.0 <= place.ahead() && place.ahead() <= now.max(0.0));
                before = now;
            }
        }
    }
}
