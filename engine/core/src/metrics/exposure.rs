//! How much of the account was at work: exposure and time in the market.

use super::{defined, finite, mean};

/// What was held at each bar. Every slice has one entry per value of the account.
#[derive(Debug, Clone, Copy)]
pub struct Holdings<'a> {
    /// Value of the account, quote currency.
    pub equity: &'a [f64],
    /// Units held after the bar, negative when short.
    pub position: &'a [f64],
    /// Price at the bar's end, quote currency.
    pub prices: &'a [f64],
}

impl Holdings<'_> {
    /// Returns position × price / account at each bar; undefined when lengths differ, without bars, when a value is not
    /// finite or an account is not above 0.
    fn shares(&self) -> Option<Vec<f64>> {
        let same =
            self.position.len() == self.equity.len() && self.prices.len() == self.equity.len();
        let positive = finite(self.equity)?.iter().all(|value| *value > 0.0);
        if !(same && positive) {
            return None;
        }
        let values = self.position.iter().zip(self.prices).zip(self.equity);
        values.map(|((held, price), account)| defined(held * price / account)).collect()
    }
}

/// Returns the mean of |position value| / account; 1 is fully invested, above 1 is leverage.
#[must_use]
pub fn gross_exposure(holdings: &Holdings<'_>) -> Option<f64> {
    mean(&holdings.shares()?.iter().map(|share| share.abs()).collect::<Vec<_>>())
}

/// Returns the mean of position value / account with its sign; below 0 the account was mostly short.
#[must_use]
pub fn net_exposure(holdings: &Holdings<'_>) -> Option<f64> {
    mean(&holdings.shares()?)
}

/// Returns the share of bars that ended with a position, 0 to 1; undefined without bars.
#[must_use]
pub fn time_in_market(position: &[f64]) -> Option<f64> {
    let held: Vec<f64> =
        finite(position)?.iter().map(|units| if units.abs() > 0.0 { 1.0 } else { 0.0 }).collect();
    mean(&held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_those_done_by_hand() {
        let holdings = Holdings {
            equity: &[100.0, 100.0, 200.0, 100.0],
            position: &[0.0, 1.0, -2.0, 2.0],
            prices: &[10.0, 50.0, 50.0, 100.0],
        };
        assert!((gross_exposure(&holdings).unwrap() - (0.5 + 0.5 + 2.0) / 4.0).abs() < 1e-15);
        assert!((net_exposure(&holdings).unwrap() - (0.5 - 0.5 + 2.0) / 4.0).abs() < 1e-15);
        assert_eq!(time_in_market(holdings.position), Some(0.75));
    }

    #[test]
    fn are_undefined_without_books() {
        let nothing = Holdings { equity: &[], position: &[], prices: &[] };
        assert_eq!(gross_exposure(&nothing), None);
        let broken = Holdings { equity: &[0.0], position: &[1.0], prices: &[1.0] };
        assert_eq!(net_exposure(&broken), None);
        let uneven = Holdings { equity: &[1.0], position: &[], prices: &[1.0] };
        assert_eq!(gross_exposure(&uneven), None);
        assert_eq!(time_in_market(&[]), None);
        assert_eq!(time_in_market(&[f64::NAN]), None);
    }
}
