//! Builders for tests: bars, fills, small markets. Behind feature `testkit`; no product code uses them.

#![allow(clippy::expect_used, reason = "a panic is how a test fails")]

use crate::market::{Bar, BarSeries};
use crate::num::{Money, Price, Quantity};
use crate::orders::Fill;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Returns a fill without slippage.
///
/// # Panics
/// When a number is not acceptable.
#[must_use]
pub fn fill(quantity: f64, price: f64, fee: f64) -> Fill {
    Fill {
        quantity: Quantity::new(quantity).expect("a quantity"),
        price: Price::new(price).expect("a price"),
        fee: Money::new(fee).expect("a fee"),
        slippage: Money::ZERO,
    }
}

/// Returns daily bars whose opens and closes are given; high and low lie 1 % outside.
#[must_use]
pub fn bars(prices: &[(f64, f64)]) -> BarSeries {
    let mut series = BarSeries {
        instrument: "TEST".to_owned(),
        interval_seconds: 86_400.0,
        ..BarSeries::default()
    };
    let mut time_ms = 0;
    for (open, close) in prices {
        series.push(&Bar {
            time_ms,
            open: *open,
            high: open.max(*close) * 1.01,
            low: open.min(*close) * 0.99,
            close: *close,
            adjusted_close: *close,
            volume: None,
        });
        time_ms += DAY_MS;
    }
    series
}

/// Returns daily bars that follow the closes; each bar opens at the close before.
#[must_use]
pub fn bars_from_closes(closes: &[f64]) -> BarSeries {
    let mut before = closes.first().copied().unwrap_or(1.0);
    let prices: Vec<(f64, f64)> = closes
        .iter()
        .map(|close| {
            let bar = (before, *close);
            before = *close;
            bar
        })
        .collect();
    bars(&prices)
}
