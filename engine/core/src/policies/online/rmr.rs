//! Robust median reversion: the next price is expected at the L1-median of the last ones.
//!
//! Huang et al. 2013 (IJCAI-13). The median is the point with the least sum of Euclidean distances to the last W price
//! vectors, found by Weiszfeld's iteration in the form of Vardi and Zhang 2000 (doi 10.1073/pnas.97.4.1423), which may
//! pass through data points, from the median of each coordinate. Prices are taken relative to the present one: the
//! median moves with a common scale of all coordinates only, so raw prices are kept as cumulative relatives. While
//! fewer than W + 1 relatives are known, x̃ = x_t; the first period moves nothing (as in OLMAR).

use serde::{Deserialize, Serialize};

use super::simplex::move_towards;
use super::{OnlineSelection, Period};
use crate::config::policy::RmrConfig;
use crate::error::EngineError;

/// A point nearer than this to a price vector, as a share of its size, lies on it.
const ON_POINT: f64 = 1e-12;

/// Robust median reversion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rmr {
    config: RmrConfig,
    weights: Vec<f64>,
    /// The newest W price vectors, in units of the price before the first period.
    prices: Vec<Vec<f64>>,
    periods: usize,
}

impl Rmr {
    /// Begins with equal weights.
    #[must_use]
    pub fn new(config: &RmrConfig, width: usize) -> Self {
        Self {
            config: config.clone(),
            weights: super::uniform(width),
            prices: vec![vec![1.0; width]],
            periods: 0,
        }
    }
}

impl OnlineSelection for Rmr {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        self.periods += 1;
        let window = usize::try_from(self.config.window).unwrap_or(usize::MAX);
        let mut now: Vec<f64> = match self.prices.last() {
            Some(before) => before.iter().zip(period.relatives).map(|(a, b)| a * b).collect(),
            None => period.relatives.to_vec(),
        };
        // Only ratios count: a common scale keeps long series within range.
        let most = now.iter().copied().fold(0.0, f64::max);
        if !(1e-100..=1e100).contains(&most) {
            now.iter_mut().for_each(|price| *price /= most);
            for row in &mut self.prices {
                row.iter_mut().for_each(|price| *price /= most);
            }
        }
        self.prices.push(now.clone());
        let surplus = self.prices.len().saturating_sub(window);
        self.prices.drain(..surplus);
        if self.periods < 2 {
            return Ok(());
        }
        self.weights = if self.periods < window + 1 {
            move_towards(&self.weights, period.relatives, self.config.epsilon)
        } else {
            let median = l1_median(&self.prices, &self.config);
            let expected: Vec<f64> = median.iter().zip(&now).map(|(a, b)| a / b).collect();
            move_towards(&self.weights, &expected, self.config.epsilon)
        };
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.prices.iter().all(|row| row.len() == self.weights.len())
    }
}

/// Returns the point with the least sum of distances to `points`, up to the configured tolerance.
fn l1_median(points: &[Vec<f64>], config: &RmrConfig) -> Vec<f64> {
    let width = points.first().map_or(0, Vec::len);
    let mut at: Vec<f64> = (0..width).map(|part| middle(points, part)).collect();
    for _ in 0..config.iterations_max {
        let next = weiszfeld(points, &at);
        let moved: f64 = next.iter().zip(&at).map(|(a, b)| (a - b).abs()).sum();
        let size: f64 = next.iter().map(|part| part.abs()).sum();
        at = next;
        if moved <= config.tolerance * size {
            break;
        }
    }
    at
}

fn middle(points: &[Vec<f64>], part: usize) -> f64 {
    let mut column: Vec<f64> = points.iter().map(|point| point[part]).collect();
    column.sort_by(f64::total_cmp);
    let half = column.len() / 2;
    if column.len().is_multiple_of(2) {
        (column[half - 1] + column[half]) / 2.0
    } else {
        column[half]
    }
}

/// Returns the next point: Vardi and Zhang 2000, equation 2.6.
fn weiszfeld(points: &[Vec<f64>], at: &[f64]) -> Vec<f64> {
    let norm = |part: &[f64]| part.iter().map(|value| value * value).sum::<f64>().sqrt();
    let size = norm(at);
    let (mut sum, mut scale, mut on_point) = (vec![0.0; at.len()], 0.0, 0.0);
    let mut pull = vec![0.0; at.len()];
    for point in points {
        let away: Vec<f64> = point.iter().zip(at).map(|(a, b)| a - b).collect();
        let far = norm(&away);
        if far <= ON_POINT * size {
            on_point += 1.0;
            continue;
        }
        scale += 1.0 / far;
        for ((part, all), (value, step)) in
            sum.iter_mut().zip(&mut pull).zip(point.iter().zip(&away))
        {
            *part += value / far;
            *all += step / far;
        }
    }
    if scale <= 0.0 || scale.is_nan() {
        return at.to_vec();
    }
    let strength = norm(&pull);
    let stay = if strength > 0.0 { (on_point / strength).min(1.0) } else { 1.0 };
    let stay = if on_point > 0.0 { stay } else { 0.0 };
    sum.iter().zip(at).map(|(part, own)| (1.0 - stay) * part / scale + stay * own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(points: &[Vec<f64>]) -> Vec<f64> {
        let config =
            RmrConfig { iterations_max: 100_000, tolerance: 1e-15, ..RmrConfig::default() };
        l1_median(points, &config)
    }

    #[test]
    fn medians_done_by_hand() {
        // On a line it is the median; of a square its centre; of an equilateral triangle its centre.
        let line = [vec![1.0, 1.0], vec![2.0, 2.0], vec![9.0, 9.0]];
        assert!((exact(&line)[0] - 2.0).abs() < 1e-9);
        let square = [vec![1.0, 1.0], vec![3.0, 1.0], vec![1.0, 3.0], vec![3.0, 3.0]];
        assert!(exact(&square).iter().all(|part| (part - 2.0).abs() < 1e-12));
        let high = 3.0_f64.sqrt();
        let triangle = [vec![1.0, 1.0], vec![3.0, 1.0], vec![2.0, 1.0 + high]];
        let centre = exact(&triangle);
        assert!((centre[0] - 2.0).abs() < 1e-7 && (centre[1] - 1.0 - high / 3.0).abs() < 1e-7);
    }

    #[test]
    fn a_wide_angle_makes_the_corner_the_median() {
        // The angle at (2, 1) is above 120 degrees.
        let corner = exact(&[vec![1.0, 1.0], vec![2.0, 1.01], vec![3.0, 1.0]]);
        assert!((corner[0] - 2.0).abs() < 1e-9 && (corner[1] - 1.01).abs() < 1e-9);
    }
}
