//! Correlation-driven nonparametric learning: looks up past windows that resemble the present one and holds what would
//! have grown most after them.
//!
//! Li, Hoi and Gopalkrishnan 2011 (doi 10.1145/1961189.1961193), algorithms 1 and 2. An expert (w, ρ) collects the
//! periods that followed windows of w periods whose correlation with the present window is at least ρ (all w·N numbers
//! as one vector; 0 where one does not vary), and holds their log-optimal portfolio; without any, equal weights. The
//! portfolio is the mean of the experts', weighted by their wealth before costs: all of them (CORN-U), or the
//! wealthiest K (CORN-K).

use serde::{Deserialize, Serialize};

use super::{OnlineSelection, Period};
use crate::config::policy::{CornExpertsConfig, CornUniformConfig};
use crate::error::EngineError;
use crate::policies::algebra::dot;
use crate::policies::log_optimal::log_optimal;

/// How far short of the greatest total logarithm of growth an expert's portfolio may stay.
const TOLERANCE: f64 = 1e-8;
/// A variance (sum of squares) below this is rounding.
const VARIANCE_MIN: f64 = 1e-18;

/// Correlation-driven experts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Corn {
    window_max: usize,
    levels: Vec<f64>,
    kept: usize,
    weights: Vec<f64>,
    /// Experts, window by window, level by level.
    experts: Vec<Expert>,
    /// Every row seen.
    history: Vec<f64>,
    /// Of each window length: scalar products of the present window with those that ended at each earlier period.
    products: Vec<Vec<f64>>,
    /// Of each period: sum and sum of squares of its relatives less 1.
    sums: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Expert {
    /// Logarithm of its wealth.
    wealth: f64,
    weights: Vec<f64>,
}

impl Corn {
    /// All experts of one level, weighted by their wealth.
    #[must_use]
    pub fn uniform(config: &CornUniformConfig, width: usize) -> Self {
        Self::new(config.window_max, vec![config.rho], usize::MAX, width)
    }

    /// The wealthiest experts of several levels.
    #[must_use]
    pub fn experts(config: &CornExpertsConfig, width: usize) -> Self {
        let levels =
            (0..config.levels).map(|level| f64::from(level) / f64::from(config.levels)).collect();
        let kept = usize::try_from(config.kept).unwrap_or(usize::MAX);
        Self::new(config.window_max, levels, kept, width)
    }

    fn new(window_max: u32, levels: Vec<f64>, kept: usize, width: usize) -> Self {
        let window_max = usize::try_from(window_max).unwrap_or(usize::MAX);
        let expert = Expert { wealth: 0.0, weights: super::uniform(width) };
        Self {
            window_max,
            kept,
            weights: super::uniform(width),
            experts: vec![expert; window_max * levels.len()],
            levels,
            history: Vec::new(),
            products: vec![Vec::new(); window_max],
            sums: Vec::new(),
        }
    }

    /// Adds a period to the products and sums.
    fn remember(&mut self, relatives: &[f64]) {
        let width = self.weights.len();
        let moves = |row: &[f64]| row.iter().map(|relative| relative - 1.0).collect::<Vec<f64>>();
        let present = moves(relatives);
        let fresh: Vec<f64> =
            self.history.chunks_exact(width).map(|row| dot(&moves(row), &present)).collect();
        // A window of w ending now is one of w − 1 ending a period ago, and the present period.
        for longer in (1..self.window_max).rev() {
            let shorter = std::mem::take(&mut self.products[longer - 1]);
            let before = std::iter::once(&0.0).chain(&shorter);
            self.products[longer] = fresh.iter().zip(before).map(|(a, b)| a + b).collect();
        }
        self.products[0] = fresh;
        self.sums.push((present.iter().sum(), dot(&present, &present)));
        self.history.extend_from_slice(relatives);
    }

    /// Sum and sum of squares of the window of `length` periods that ends at `end`.
    fn window_sums(&self, end: usize, length: usize) -> (f64, f64) {
        let rows = &self.sums[end + 1 - length..=end];
        rows.iter().fold((0.0, 0.0), |(sum, squares), row| (sum + row.0, squares + row.1))
    }

    /// Returns, for windows of `length`, the correlation of the present one with each that ended at a period from
    /// `length` − 1 to the one before the present.
    fn correlations(&self, length: usize) -> Vec<f64> {
        let now = self.sums.len() - 1;
        let count = (length * self.weights.len()) as f64;
        let (sum, squares) = self.window_sums(now, length);
        let variance = squares - sum * sum / count;
        (length - 1..now)
            .map(|end| {
                let (other_sum, other_squares) = self.window_sums(end, length);
                let other = other_squares - other_sum * other_sum / count;
                let shared = self.products[length - 1][end] - sum * other_sum / count;
                if VARIANCE_MIN <= variance && VARIANCE_MIN <= other {
                    shared / (variance * other).sqrt()
                } else {
                    0.0
                }
            })
            .collect()
    }

    /// Lets every expert of windows of `length` choose.
    fn choose(&mut self, length: usize) -> Result<(), EngineError> {
        let width = self.weights.len();
        if self.sums.len() <= length {
            return Ok(());
        }
        let correlations = self.correlations(length);
        for (level, rho) in self.levels.iter().enumerate() {
            let similar: Vec<&[f64]> = correlations
                .iter()
                .enumerate()
                .filter(|(_, correlation)| rho <= *correlation)
                // The period that followed a window that began `length` before it.
                .map(|(start, _)| {
                    &self.history[(start + length) * width..(start + length + 1) * width]
                })
                .collect();
            let expert = &mut self.experts[(length - 1) * self.levels.len() + level];
            expert.weights = if similar.is_empty() {
                super::uniform(width)
            } else {
                log_optimal(&similar, Some(&expert.weights), TOLERANCE)?
            };
        }
        Ok(())
    }

    fn combined(&self) -> Vec<f64> {
        let mut order: Vec<&Expert> = self.experts.iter().collect();
        // Stable: of equals the shorter window and the lower level come first.
        order.sort_by(|a, b| b.wealth.total_cmp(&a.wealth));
        order.truncate(self.kept);
        let most = order.first().map_or(0.0, |expert| expert.wealth);
        let mut weights = vec![0.0; self.weights.len()];
        for expert in order {
            let share = (expert.wealth - most).exp();
            for (weight, part) in weights.iter_mut().zip(&expert.weights) {
                *weight += share * part;
            }
        }
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }
}

impl OnlineSelection for Corn {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        for expert in &mut self.experts {
            expert.wealth += dot(&expert.weights, period.relatives).ln();
        }
        self.remember(period.relatives);
        for length in 1..=self.window_max {
            self.choose(length)?;
        }
        self.weights = self.combined();
        Ok(())
    }

    fn is_whole(&self) -> bool {
        let (width, periods) = (self.weights.len(), self.sums.len());
        let experts_fit = self.experts.iter().all(|expert| expert.weights.len() == width);
        experts_fit
            && !self.levels.is_empty()
            && self.experts.len() == self.window_max * self.levels.len()
            && self.history.len() == periods * width
            && self.products.len() == self.window_max
            && self.products.iter().all(|row| row.len() == periods.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_are_those_of_the_definition() {
        let mut corn = Corn::uniform(&CornUniformConfig { window_max: 3, rho: 0.1 }, 3);
        let rows: Vec<Vec<f64>> = (0..12_u32)
            .map(|row| {
                (0..3_u32).map(|asset| 1.0 + 0.1 * f64::from(row * 5 + asset * 7).sin()).collect()
            })
            .collect();
        for row in &rows {
            corn.remember(row);
        }
        for length in 1..=3 {
            let flat = |end: usize| rows[end + 1 - length..=end].concat();
            let present = flat(11);
            for (start, found) in corn.correlations(length).iter().enumerate() {
                let past = flat(start + length - 1);
                let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
                let (a, b) = (mean(&present), mean(&past));
                let sum = |f: &dyn Fn(f64, f64) -> f64| {
                    present.iter().zip(&past).map(|(x, y)| f(x - a, y - b)).sum::<f64>()
                };
                let wanted = sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
                assert!((found - wanted).abs() < 1e-9, "{length} {start}: {found} {wanted}");
            }
        }
    }

    #[test]
    fn what_followed_the_same_window_is_held() {
        // After (1.1, 0.9) always came (0.8, 1.2) and the other way round.
        let mut corn = Corn::uniform(&CornUniformConfig { window_max: 1, rho: 0.5 }, 2);
        for period in 0..9 {
            let relatives = if period % 2 == 0 { [1.1, 0.9] } else { [0.8, 1.2] };
            corn.observe(&Period { relatives: &relatives, growth_net: 1.0 }).unwrap();
        }
        assert!((corn.weights()[1] - 1.0).abs() < 1e-9, "{:?}", corn.weights());
    }

    #[test]
    fn only_the_wealthiest_experts_are_followed() {
        let config = CornExpertsConfig { window_max: 1, levels: 2, kept: 1 };
        let mut corn = Corn::experts(&config, 2);
        assert_eq!(corn.levels, [0.0, 0.5]);
        corn.experts[1].wealth = 1.0;
        corn.experts[1].weights = vec![1.0, 0.0];
        assert_eq!(corn.combined(), [1.0, 0.0]);
        corn.kept = 2;
        let share = 1.0_f64.exp();
        assert!((corn.combined()[0] - (0.5 + share) / (1.0 + share)).abs() < 1e-15);
    }
}
