//! Hop 3: the vector an agent sees. The same function in training, back-test, paper and live.

use super::MarketData;
use crate::config::AlgorithmicTradingConfig;
use crate::num::narrow;

/// The account's two numbers, in the order in which they stand at the end of an observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccountObservation {
    /// `corrected`: cash / initial cash. `faithful`: cash.
    pub cash: f32,
    /// `corrected`: lots held / position limit. `faithful`: units held.
    pub position: f32,
}

impl AccountObservation {
    /// Returns what the `corrected` environments show of an account.
    #[must_use]
    pub fn corrected(cash: f64, lots: i64, config: &AlgorithmicTradingConfig) -> Self {
        Self {
            cash: narrow(cash / config.initial_cash),
            position: narrow(lots as f64 / f64::from(config.position_limit_lots)),
        }
    }
}

/// Returns a name for each number of an observation: `close[-4]` is the close four bars ago, `close[0]` the present.
#[must_use]
pub fn names(features: &[String], window: usize) -> Vec<String> {
    let mut names = Vec::with_capacity(features.len() * window + 2);
    for feature in features {
        for age in (0..window).rev() {
            names.push(if age == 0 {
                format!("{feature}[0]")
            } else {
                format!("{feature}[-{age}]")
            });
        }
    }
    names.extend(["cash".to_owned(), "position".to_owned()]);
    names
}

/// Writes the observation at bar `row`: the last `window` values of each feature, feature by feature and oldest first,
/// then cash and position. Reads no row after `row`.
///
/// # Panics
/// When fewer than `window` rows end at `row`, or `out` has not `width · window + 2` numbers.
pub fn observe(
    market: &MarketData,
    row: usize,
    window: usize,
    account: AccountObservation,
    out: &mut [f32],
) {
    assert_eq!(
        out.len(),
        market.width() * window + 2,
        "the observation buffer has the wrong length"
    );
    let seen = row + 1 - window..row + 1;
    let (windows, tail) = out.split_at_mut(market.width() * window);
    for (feature, slot) in windows.chunks_exact_mut(window).enumerate() {
        slot.copy_from_slice(&market.feature(feature)[seen.clone()]);
    }
    tail.copy_from_slice(&[account.cash, account.position]);
}
