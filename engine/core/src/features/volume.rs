//! Features of what was traded. Where a bar has no volume, they are not defined, and windows begin anew.

use super::momentum::typical;
use super::rolling::{Seed, Smooth, Sum};
use super::{Block, Feature, quotient};
use crate::market::Bar;

const DAY_MS: i64 = 86_400_000;

/// On-balance volume: what was traded on rising closes less what was traded on falling ones, from the first bar on,
/// which counts as rising (TA-Lib). Sums grow without bound: take differences of it.
///
/// Source: Granville 1963.
#[derive(Debug, Clone, Default)]
pub struct Obv {
    previous: Option<f64>,
    total: f64,
}

impl Feature for Obv {
    fn name(&self) -> String {
        "obv".to_owned()
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let previous = self.previous.replace(bar.close);
        let volume = bar.volume?;
        match previous {
            Some(previous) if bar.close < previous => self.total -= volume,
            Some(previous) if bar.close <= previous => {}
            Some(_) | None => self.total += volume,
        }
        Some(self.total)
    }
}

/// Volume-weighted mean of the typical price over a window.
pub struct Vwap {
    window: usize,
    money: Sum,
    volume: Sum,
}

impl Vwap {
    /// Returns the mean over `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, money: Sum::new(window), volume: Sum::new(window) }
    }
}

impl Feature for Vwap {
    fn name(&self) -> String {
        format!("vwap_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let Some(volume) = bar.volume else {
            self.money.clear();
            self.volume.clear();
            return None;
        };
        let money = self.money.update(typical(bar) * volume);
        let volume = self.volume.update(volume);
        money.zip(volume).and_then(|(money, volume)| quotient(money, volume))
    }
}

/// Volume-weighted mean of the typical price since the day began (UTC). Meant for bars shorter than a day.
#[derive(Debug, Clone, Default)]
pub struct SessionVwap {
    day: Option<i64>,
    money: f64,
    volume: f64,
}

impl Feature for SessionVwap {
    fn name(&self) -> String {
        "vwap_session".to_owned()
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let day = bar.time_ms.div_euclid(DAY_MS);
        if self.day.replace(day) != Some(day) {
            (self.money, self.volume) = (0.0, 0.0);
        }
        let volume = bar.volume?;
        self.money += typical(bar) * volume;
        self.volume += volume;
        quotient(self.money, self.volume)
    }
}

/// Money flow index: share of the money that flowed at rising typical prices, in per cent.
///
/// Source: Quong, Soudack 1989; TA-Lib.
pub struct Mfi {
    window: usize,
    previous: Option<f64>,
    gains: Sum,
    losses: Sum,
}

impl Mfi {
    /// Returns the index over `window` changes.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, previous: None, gains: Sum::new(window), losses: Sum::new(window) }
    }
}

impl Feature for Mfi {
    fn name(&self) -> String {
        format!("mfi_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let price = typical(bar);
        let previous = self.previous.replace(price);
        let Some(volume) = bar.volume else {
            self.gains.clear();
            self.losses.clear();
            return None;
        };
        let (money, change) = (price * volume, price - previous?);
        let gains = self.gains.update(if 0.0 < change { money } else { 0.0 });
        let losses = self.losses.update(if change < 0.0 { money } else { 0.0 });
        let (gains, losses) = gains.zip(losses)?;
        quotient(100.0 * gains, gains + losses)
    }
}

/// Volume of a bar, positive where it closes at its high and negative at its low; 0 for a bar without range.
fn money_flow(bar: &Bar, volume: f64) -> f64 {
    let place = (bar.close - bar.low) - (bar.high - bar.close);
    quotient(place, bar.high - bar.low).unwrap_or(0.0) * volume
}

/// Chaikin's money flow: what flowed in, relative to what was traded, over a window.
pub struct ChaikinMoneyFlow {
    window: usize,
    flow: Sum,
    volume: Sum,
}

impl ChaikinMoneyFlow {
    /// Returns the share over `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, flow: Sum::new(window), volume: Sum::new(window) }
    }
}

impl Feature for ChaikinMoneyFlow {
    fn name(&self) -> String {
        format!("chaikin_money_flow_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let Some(volume) = bar.volume else {
            self.flow.clear();
            self.volume.clear();
            return None;
        };
        let flow = self.flow.update(money_flow(bar, volume));
        let volume = self.volume.update(volume);
        flow.zip(volume).and_then(|(flow, volume)| quotient(flow, volume))
    }
}

/// The accumulation/distribution line and Chaikin's oscillator: a fast less a slow exponential average of it, both
/// beginning with the first value (TA-Lib).
pub struct Chaikin {
    windows: [usize; 2],
    line: f64,
    fast: Smooth,
    slow: Smooth,
}

impl Chaikin {
    /// Returns the oscillator of averages over `fast` and `slow` bars.
    #[must_use]
    pub fn new(fast: usize, slow: usize) -> Self {
        Self {
            windows: [fast, slow],
            line: 0.0,
            fast: Smooth::exponential(fast, Seed::First),
            slow: Smooth::exponential(slow, Seed::First),
        }
    }
}

impl Block for Chaikin {
    fn names(&self) -> Vec<String> {
        let [fast, slow] = self.windows;
        vec!["accumulation_distribution".to_owned(), format!("chaikin_{fast}_{slow}")]
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        let Some(volume) = bar.volume else {
            row.extend([None, None]);
            return;
        };
        self.line += money_flow(bar, volume);
        let both = [self.fast.update(self.line), self.slow.update(self.line)];
        row.push(Some(self.line));
        row.push(both[0].zip(both[1]).map(|(fast, slow)| fast - slow));
    }
}
