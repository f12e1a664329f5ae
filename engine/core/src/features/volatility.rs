//! How far prices move: ranges, bands and realised volatility.
//!
//! Realised volatilities are per bar, not annualised.

use super::rolling::{Extremum, Moments, Seed, Smooth, Sum, number};
use super::{Block, Feature, quotient};
use crate::config::VolatilityEstimator;
use crate::market::Bar;

/// High − low, widened to the close before. Absent for the first bar, as in TA-Lib.
#[derive(Debug, Clone, Default)]
pub(super) struct TrueRange {
    previous: Option<f64>,
}

impl TrueRange {
    pub(super) fn update(&mut self, bar: &Bar) -> Option<f64> {
        let previous = self.previous.replace(bar.close)?;
        Some(bar.high.max(previous) - bar.low.min(previous))
    }
}

/// Average true range, Wilder's smoothing.
///
/// Source: Wilder 1978.
pub struct Atr {
    window: usize,
    range: TrueRange,
    smooth: Smooth,
}

impl Atr {
    /// Returns the average over `window` ranges.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, range: TrueRange::default(), smooth: Smooth::wilder(window, Seed::Mean) }
    }
}

impl Feature for Atr {
    fn name(&self) -> String {
        format!("atr_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let range = self.range.update(bar)?;
        self.smooth.update(range)
    }
}

/// Bollinger's bands: mean ± a number of deviations (of the population), where the close stands between them (0 at the
/// lower, 1 at the upper), and their distance relative to the mean.
pub struct Bollinger {
    window: usize,
    deviations: f64,
    moments: Moments,
}

impl Bollinger {
    /// Returns the bands of `window` bars, `deviations` wide to each side.
    #[must_use]
    pub fn new(window: usize, deviations: f64) -> Self {
        Self { window, deviations, moments: Moments::new(window) }
    }
}

impl Block for Bollinger {
    fn names(&self) -> Vec<String> {
        ["bollinger_upper", "bollinger_lower", "bollinger_percent", "bollinger_width"]
            .iter()
            .map(|name| format!("{name}_{}_{}", self.window, self.deviations))
            .collect()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        self.moments.push(bar.close);
        let Some((mean, deviation)) = self.moments.mean().zip(self.moments.deviation(0)) else {
            row.extend([None; 4]);
            return;
        };
        let half = self.deviations * deviation;
        let place = quotient(bar.close - (mean - half), 2.0 * half);
        row.extend([Some(mean + half), Some(mean - half), place, Some(2.0 * half / mean)]);
    }
}

/// Donchian's channel: highest high, lowest low, and the middle between them.
pub struct Donchian {
    window: usize,
    high: Extremum,
    low: Extremum,
}

impl Donchian {
    /// Returns the channel of `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, high: Extremum::maximum(window), low: Extremum::minimum(window) }
    }
}

impl Block for Donchian {
    fn names(&self) -> Vec<String> {
        ["donchian_upper", "donchian_lower", "donchian_middle"]
            .iter()
            .map(|name| format!("{name}_{}", self.window))
            .collect()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        let high = self.high.update(bar.high).map(|high| high.value);
        let low = self.low.update(bar.low).map(|low| low.value);
        row.extend([high, low, high.zip(low).map(|(high, low)| f64::midpoint(high, low))]);
    }
}

/// Keltner's channel: exponential average of the close ± a multiple of the average true range of the same window.
///
/// Source: Raschke's form of Keltner 1960.
pub struct Keltner {
    window: usize,
    multiple: f64,
    centre: Smooth,
    range: Atr,
}

impl Keltner {
    /// Returns the channel of `window` bars, `multiple` ranges wide to each side.
    #[must_use]
    pub fn new(window: usize, multiple: f64) -> Self {
        Self {
            window,
            multiple,
            centre: Smooth::exponential(window, Seed::Mean),
            range: Atr::new(window),
        }
    }
}

impl Block for Keltner {
    fn names(&self) -> Vec<String> {
        ["keltner_upper", "keltner_lower"]
            .iter()
            .map(|name| format!("{name}_{}_{}", self.window, self.multiple))
            .collect()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        let centre = self.centre.update(bar.close);
        let both = centre.zip(Feature::update(&mut self.range, bar));
        row.extend(
            [1.0, -1.0]
                .map(|side| both.map(|(centre, range)| centre + side * self.multiple * range)),
        );
    }
}

/// Share of the close's variance in Yang and Zhang's estimate, before the term of the window.
const YANG_ZHANG: f64 = 0.34;

/// Realised volatility of a window, per bar, from the estimator of the same name.
///
/// Sources: Parkinson 1980; Garman, Klass 1980 (practical form); Rogers, Satchell 1991; Yang, Zhang 2000, eq. 7 to 9.
pub struct RealisedVolatility {
    window: usize,
    estimator: VolatilityEstimator,
    previous: Option<f64>,
    terms: Sum,
    overnight: Moments,
    session: Moments,
}

impl RealisedVolatility {
    /// Returns the estimate over `window` bars; close-to-close and Yang–Zhang need at least two.
    #[must_use]
    pub fn new(estimator: VolatilityEstimator, window: usize) -> Self {
        Self {
            window,
            estimator,
            previous: None,
            terms: Sum::new(window),
            overnight: Moments::new(window),
            session: Moments::new(window),
        }
    }

    fn yang_zhang(&mut self, bar: &Bar, previous: Option<f64>) -> Option<f64> {
        let previous = previous?;
        self.overnight.push((bar.open / previous).ln());
        self.session.push((bar.close / bar.open).ln());
        let within = self.terms.update(rogers_satchell(bar))? / number(self.window);
        let (overnight, session) = self.overnight.variance(1).zip(self.session.variance(1))?;
        let count = number(self.window);
        let share = YANG_ZHANG / (1.0 + YANG_ZHANG + (count + 1.0) / (count - 1.0));
        Some(overnight + share * session + (1.0 - share) * within)
    }
}

fn rogers_satchell(bar: &Bar) -> f64 {
    (bar.high / bar.close).ln() * (bar.high / bar.open).ln()
        + (bar.low / bar.close).ln() * (bar.low / bar.open).ln()
}

impl Feature for RealisedVolatility {
    fn name(&self) -> String {
        format!("{}_{}", self.estimator.name(), self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let previous = self.previous.replace(bar.close);
        let range = (bar.high / bar.low).ln();
        let count = number(self.window);
        let variance = match self.estimator {
            VolatilityEstimator::CloseToClose => {
                self.overnight.push((bar.close / previous?).ln());
                self.overnight.variance(1)
            }
            VolatilityEstimator::Parkinson => {
                let scale = 4.0 * std::f64::consts::LN_2 * count;
                self.terms.update(range * range).map(|sum| sum / scale)
            }
            VolatilityEstimator::GarmanKlass => {
                let body = (bar.close / bar.open).ln();
                let weight = 2.0 * std::f64::consts::LN_2 - 1.0;
                self.terms.update(0.5 * range * range - weight * body * body).map(|sum| sum / count)
            }
            VolatilityEstimator::RogersSatchell => {
                self.terms.update(rogers_satchell(bar)).map(|sum| sum / count)
            }
            VolatilityEstimator::YangZhang => self.yang_zhang(bar, previous),
        };
        // Rounded prices can lie outside their range by a hair.
        variance.map(|variance| variance.max(0.0).sqrt())
    }
}
