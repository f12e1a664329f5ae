//! The classic features: prices as they are, prices against the close, returns, and averages against today.
//!
//! Formulas: `trademaster.md` §5.1, checked on the reference's files. Unlike there, nothing is filled while a window is
//! not full: such values are not defined.

use super::Feature;
use super::window::Window;
use crate::market::Bar;

/// A price of the bar.
#[derive(Debug, Clone, Copy)]
pub(super) enum Price {
    High,
    Low,
    Open,
    Close,
    AdjustedClose,
}

impl Price {
    fn of(self, bar: &Bar) -> f64 {
        match self {
            Self::High => bar.high,
            Self::Low => bar.low,
            Self::Open => bar.open,
            Self::Close => bar.close,
            Self::AdjustedClose => bar.adjusted_close,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
            Self::Open => "open",
            Self::Close => "close",
            Self::AdjustedClose => "adjcp",
        }
    }
}

/// A price as it is.
pub(super) struct Raw(pub(super) Price);

impl Feature for Raw {
    fn name(&self) -> String {
        self.0.name().to_owned()
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        Some(self.0.of(bar))
    }
}

/// price / close − 1.
pub(super) struct AgainstClose(pub(super) Price);

impl Feature for AgainstClose {
    fn name(&self) -> String {
        format!("z{}", self.0.name())
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        Some(self.0.of(bar) / bar.close - 1.0)
    }
}

/// close / close of the bar before − 1.
#[derive(Default)]
pub(super) struct CloseReturn {
    previous: Option<f64>,
}

impl Feature for CloseReturn {
    fn name(&self) -> String {
        "zclose".to_owned()
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.previous.replace(bar.close).map(|previous| bar.close / previous - 1.0)
    }
}

/// Mean of the last k adjusted closes, today's included, / today's − 1.
pub(super) struct MeanAgainstToday {
    bars: usize,
    window: Window,
}

impl MeanAgainstToday {
    pub(super) fn new(bars: usize) -> Self {
        Self { bars, window: Window::new(bars) }
    }
}

impl Feature for MeanAgainstToday {
    fn name(&self) -> String {
        format!("zd_{}", self.bars)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.window.push(bar.adjusted_close);
        self.window.mean().map(|mean| mean / bar.adjusted_close - 1.0)
    }
}
