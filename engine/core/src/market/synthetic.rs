//! A seeded market for runs without data. Always labelled synthetic: nothing it shows says anything about a market.
//!
//! Daily bars of a price that switches between three regimes (rising, falling, sideways), each with its own drift and
//! volatility and a geometric length; volatility clusters within a regime. A bar is made of sixteen steps, so that
//! open, high, low and close belong together; volume grows with the range. Random stream: `Synthesis`.

use super::bar::{Bar, BarSeries};
use crate::rng::{Stream, StreamId};

/// Name of the instrument.
pub const INSTRUMENT: &str = "SYNTHETIC";
/// 2015-01-01 23:59:59 UTC, the end of the first daily bar.
const FIRST_MS: i64 = 1_420_156_799_000;
const DAY_MS: i64 = 86_400_000;
const FIRST_PRICE: f64 = 1000.0;
const STEPS_PER_BAR: u32 = 16;
/// The price is kept within these by turning the drift, so that no length of run leaves the range of numbers.
const PRICE_RANGE: [f64; 2] = [10.0, 1e6];

/// Drift and volatility per bar, and the mean length in bars.
struct Regime {
    drift: f64,
    volatility: f64,
    bars_mean: f64,
}

const REGIMES: [Regime; 3] = [
    Regime { drift: 0.004, volatility: 0.018, bars_mean: 60.0 },
    Regime { drift: -0.005, volatility: 0.028, bars_mean: 40.0 },
    Regime { drift: 0.0, volatility: 0.012, bars_mean: 50.0 },
];

/// Returns `rows` daily bars. Equal arguments give equal bars, and a longer series begins with the shorter one.
#[must_use]
pub fn generate(seed: u64, rows: usize) -> BarSeries {
    let mut market = Market::new(seed);
    let mut series = BarSeries {
        instrument: INSTRUMENT.to_owned(),
        volume: Some(Vec::new()),
        ..BarSeries::default()
    };
    let mut time_ms = FIRST_MS;
    for _ in 0..rows {
        series.push(&market.bar(time_ms));
        time_ms = time_ms.saturating_add(DAY_MS);
    }
    series.interval_seconds = super::bar::interval_seconds(&series.time_ms);
    series
}

struct Market {
    stream: Stream,
    regime: usize,
    price: f64,
    /// Variance of the bar against that of its regime: 1 on average.
    heat: f64,
    last_shock: f64,
}

impl Market {
    fn new(seed: u64) -> Self {
        Self {
            stream: Stream::new(seed, StreamId::Synthesis, 0),
            regime: 2,
            price: FIRST_PRICE,
            heat: 1.0,
            last_shock: 1.0,
        }
    }

    fn bar(&mut self, time_ms: i64) -> Bar {
        self.switch();
        let regime = &REGIMES[self.regime];
        // GARCH(1,1) around 1: large moves are followed by large moves.
        self.heat = 0.05 + 0.85 * self.heat + 0.10 * self.last_shock * self.last_shock * self.heat;
        let volatility = regime.volatility * self.heat.min(9.0).sqrt();
        let drift = self.kept_in_range(regime.drift) - volatility * volatility / 2.0;
        let gap = 0.1 * volatility * self.stream.normal();
        let open = rounded(self.price * gap.exp());
        let (mut price, mut high, mut low) = (open, open, open);
        let steps = f64::from(STEPS_PER_BAR);
        for _ in 0..STEPS_PER_BAR {
            let step = drift / steps + volatility / steps.sqrt() * self.stream.normal();
            price = rounded(price * step.exp());
            high = high.max(price);
            low = low.min(price);
        }
        self.last_shock = ((price / self.price).ln() - drift) / volatility;
        self.price = price;
        let range = (high / low).ln() / volatility;
        let volume = (1000.0 * (0.5 + range) * (0.3 * self.stream.normal()).exp()).round();
        Bar { time_ms, open, high, low, close: price, adjusted_close: price, volume: Some(volume) }
    }

    /// Leaves the regime with the chance that its mean length means; then one of the others is as likely as the other.
    fn switch(&mut self) {
        let leaves = self.stream.uniform() * REGIMES[self.regime].bars_mean < 1.0;
        let other = 1 + usize::from(self.stream.below(2) == 1);
        if leaves {
            self.regime = (self.regime + other) % REGIMES.len();
        }
    }

    fn kept_in_range(&self, drift: f64) -> f64 {
        if self.price < PRICE_RANGE[0] {
            drift.abs()
        } else if PRICE_RANGE[1] < self.price {
            -drift.abs()
        } else {
            drift
        }
    }
}

/// Prices have four decimals and are never 0.
fn rounded(price: f64) -> f64 {
    ((price * 10_000.0).round() / 10_000.0).max(0.0001)
}
