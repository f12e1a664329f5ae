//! Bars that end with activity instead of time: after so many trades, units or so much money.
//!
//! Source: López de Prado 2018, "Advances in Financial Machine Learning", section 2.3.1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Unfinished;
use super::builder::{Point, merge};
use crate::market::bar::{Bar, BarSeries, interval_seconds};
use crate::market::error::{DataError, DataErrorKind, Fault};
use crate::market::tick::TradeSeries;

/// What ends a bar. The trade that reaches the mark belongs to it whole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TradeBars {
    /// So many trades.
    Ticks(u32),
    /// So many units.
    Volume(f64),
    /// So much money, in the quote currency.
    Dollars(f64),
}

impl TradeBars {
    fn mark(self) -> f64 {
        match self {
            Self::Ticks(count) => f64::from(count),
            Self::Volume(units) => units,
            Self::Dollars(money) => money,
        }
    }

    fn weight(self, price: f64, quantity: f64) -> f64 {
        match self {
            Self::Ticks(_) => 1.0,
            Self::Volume(_) => quantity,
            Self::Dollars(_) => price * quantity,
        }
    }
}

/// Returns bars of trades. A bar has the time of its last trade; since no two bars may have one time, a bar that would
/// end within the millisecond of the one before goes on to the next trade after it.
///
/// # Errors
/// Refuses trades that are not valid, a mark that is not above 0, and trades that reach it not once.
pub fn by_trades(
    trades: &TradeSeries,
    ends: TradeBars,
    unfinished: Unfinished,
) -> Result<BarSeries, DataError> {
    trades.validate()?;
    let mark = ends.mark();
    let refuse = |wanted: &str, found: String, next: &str| {
        let fault = Fault::new(wanted, found, next);
        Err(DataError::new(&trades.instrument, DataErrorKind::Empty, fault))
    };
    if !(mark.is_finite() && 0.0 < mark) {
        return refuse("a mark above 0", mark.to_string(), "Name how much ends a bar");
    }
    let mut bars = BarSeries {
        instrument: trades.instrument.clone(),
        volume: Some(Vec::new()),
        ..BarSeries::default()
    };
    let mut open: Option<(Bar, f64)> = None;
    for row in 0..trades.len() {
        let (price, quantity) = (trades.price[row], trades.quantity[row]);
        let time_ms = trades.time_us[row].div_euclid(1000);
        let point = Point::single(time_ms, price, Some(quantity)).bar;
        let weight = ends.weight(price, quantity);
        let (bar, sum) = match open.take() {
            Some((mut bar, sum)) => {
                merge(&mut bar, &point);
                (Bar { time_ms, ..bar }, sum + weight)
            }
            None => (point, weight),
        };
        if mark <= sum && bars.time_ms.last().is_none_or(|last| *last < time_ms) {
            bars.push(&bar);
        } else {
            open = Some((bar, sum));
        }
    }
    if let Some((bar, _)) = open
        && unfinished == Unfinished::Keep
        && bars.time_ms.last().is_none_or(|last| *last < bar.time_ms)
    {
        bars.push(&bar);
    }
    if bars.is_empty() {
        let found = format!("{} trades that do not reach it", trades.len());
        return refuse("at least one finished bar", found, "Lower the mark, or use more trades");
    }
    bars.interval_seconds = interval_seconds(&bars.time_ms);
    Ok(bars)
}
