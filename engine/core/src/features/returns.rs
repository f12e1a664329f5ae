//! Returns of the close over several bars.

use super::Feature;
use super::rolling::Lag;
use crate::market::Bar;

/// close / close some bars before − 1.
pub struct SimpleReturn {
    bars: usize,
    before: Lag,
}

impl SimpleReturn {
    /// Returns the return over `bars` bars.
    #[must_use]
    pub fn new(bars: usize) -> Self {
        Self { bars, before: Lag::new(bars) }
    }
}

impl Feature for SimpleReturn {
    fn name(&self) -> String {
        format!("return_{}", self.bars)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.before.update(bar.close).map(|before| bar.close / before - 1.0)
    }
}

/// ln(close / close some bars before).
pub struct LogReturn {
    bars: usize,
    before: Lag,
}

impl LogReturn {
    /// Returns the return over `bars` bars.
    #[must_use]
    pub fn new(bars: usize) -> Self {
        Self { bars, before: Lag::new(bars) }
    }
}

impl Feature for LogReturn {
    fn name(&self) -> String {
        format!("log_return_{}", self.bars)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.before.update(bar.close).map(|before| (bar.close / before).ln())
    }
}
