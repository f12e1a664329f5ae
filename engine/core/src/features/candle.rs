//! The shape of one bar relative to its own range, and the gap before it.

use super::{Block, quotient};
use crate::market::Bar;

/// Body (signed) and shadows as shares of the bar's range, and open / close before − 1. Shares of a bar without range
/// are not defined.
#[derive(Debug, Clone, Default)]
pub struct Candle {
    previous: Option<f64>,
}

impl Block for Candle {
    fn names(&self) -> Vec<String> {
        ["candle_body", "candle_upper", "candle_lower", "candle_gap"].map(str::to_owned).to_vec()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        let range = bar.high - bar.low;
        let upper = bar.high - bar.open.max(bar.close);
        let lower = bar.open.min(bar.close) - bar.low;
        row.extend([bar.close - bar.open, upper, lower].map(|part| quotient(part, range)));
        row.push(self.previous.replace(bar.close).map(|previous| bar.open / previous - 1.0));
    }
}
