//! Confidence-weighted mean reversion: a normal distribution over portfolios, moved as little as makes a gain above ε
//! unlikely.
//!
//! Li et al. 2013 (doi 10.1145/2435209.2435213), deviation form; variance form: Li et al. 2011, AISTATS. With M = x·μ,
//! V = xᵀΣx, U = xᵀΣ1 and x̄ = 1ᵀΣx/1ᵀΣ1 the multiplier λ is a root of a quadratic; then μ −= λΣ(x − x̄1), Σ⁻¹ gains a
//! multiple of diag(x)², μ is projected onto the simplex and Σ scaled. Σ is updated as (I + ΣD)⁻¹Σ, which needs no
//! inverse of a matrix that is nearly singular.

use serde::{Deserialize, Serialize};

use super::simplex::project;
use super::{OnlineSelection, Period};
use crate::config::policy::CwmrConfig;
use crate::error::EngineError;
use crate::policies::algebra::{Square, dot};

/// A determinant up to this counts as 0, and is cured by adding as much to the diagonal.
const DETERMINANT_MIN: f64 = f64::EPSILON;

/// Which measure of spread the constraint uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spread {
    /// The standard deviation.
    Deviation,
    /// The variance.
    Variance,
}

/// Confidence-weighted mean reversion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cwmr {
    config: CwmrConfig,
    spread: Spread,
    weights: Vec<f64>,
    covariance: Square,
}

/// The scalars of one period.
struct Scalars {
    /// ε − M.
    short: f64,
    /// xᵀΣx.
    variance: f64,
    /// V − x̄U.
    gap: f64,
}

impl Cwmr {
    /// Begins with equal weights and Σ = I/N².
    #[must_use]
    pub fn new(config: &CwmrConfig, spread: Spread, width: usize) -> Self {
        let count = width.max(1) as f64;
        Self {
            config: config.clone(),
            spread,
            weights: super::uniform(width),
            covariance: Square::identity(width, 1.0 / (count * count)),
        }
    }

    /// Returns λ: the greatest non-negative root, 0 where there is none.
    fn multiplier(&self, scalars: &Scalars) -> f64 {
        let phi = self.config.phi;
        let Scalars { short, variance, gap } = *scalars;
        let (square, linear, constant) = match self.spread {
            Spread::Deviation => {
                let half = gap + phi * phi * variance / 2.0;
                (
                    half * half - phi.powi(4) * variance * variance / 4.0,
                    2.0 * short * half,
                    short * short - phi * phi * variance,
                )
            }
            Spread::Variance => (
                2.0 * phi * variance * gap,
                2.0 * phi * variance * short + gap,
                short - phi * variance,
            ),
        };
        let inner = linear * linear - 4.0 * square * constant;
        if inner < 0.0 || inner.is_nan() {
            return 0.0;
        }
        let roots = if square.abs() > 0.0 {
            let (root, below) = (inner.sqrt(), 2.0 * square);
            [(-linear + root) / below, (-linear - root) / below]
        } else {
            [-constant / linear; 2]
        };
        roots.into_iter().filter(|root| root.is_finite()).fold(0.0, f64::max)
    }

    /// Returns what Σ⁻¹ gains, as a multiple of diag(x)².
    fn precision(&self, multiplier: f64, variance: f64) -> f64 {
        let phi = self.config.phi;
        match self.spread {
            Spread::Deviation => {
                let first = multiplier * phi * variance;
                let spread = (-first + (first * first + 4.0 * variance).sqrt()) / 2.0;
                if spread > 0.0 { multiplier * phi / spread } else { 0.0 }
            }
            Spread::Variance => 2.0 * multiplier * phi,
        }
    }

    fn sharpen(&mut self, relatives: &[f64], precision: f64) {
        let size = self.covariance.size();
        if precision > 0.0 {
            let mut system = self.covariance.clone();
            for row in system.values.chunks_exact_mut(size) {
                for (value, relative) in row.iter_mut().zip(relatives) {
                    *value *= precision * relative * relative;
                }
            }
            system.add_to_diagonal(1.0);
            let (solved, _) = system.eliminate(self.covariance.clone());
            if let Some(solved) = solved.filter(|solved| all_finite(&solved.values)) {
                // Symmetric but for rounding.
                for row in 0..size {
                    for column in 0..size {
                        self.covariance.values[row * size + column] =
                            (solved.at(row, column) + solved.at(column, row)) / 2.0;
                    }
                }
            }
        }
        let (_, determinant) = self.covariance.clone().eliminate(Square::identity(size, 0.0));
        if determinant <= DETERMINANT_MIN || determinant.is_nan() {
            self.covariance.add_to_diagonal(DETERMINANT_MIN);
        }
        let scale = 1.0 / (size as f64 * self.covariance.values.iter().sum::<f64>());
        if scale.is_finite() && scale > 0.0 {
            self.covariance.values.iter_mut().for_each(|value| *value *= scale);
        }
    }
}

fn all_finite(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_finite())
}

impl OnlineSelection for Cwmr {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        let relatives = period.relatives;
        let spread = self.covariance.times(relatives);
        let ones: Vec<f64> =
            (0..relatives.len()).map(|row| self.covariance.row(row).iter().sum()).collect();
        let mean = spread.iter().sum::<f64>() / ones.iter().sum::<f64>();
        let variance = dot(relatives, &spread);
        let scalars = Scalars {
            short: self.config.epsilon - dot(relatives, &self.weights),
            variance,
            gap: variance - mean * dot(relatives, &ones),
        };
        let multiplier = self.multiplier(&scalars);
        let moved: Vec<f64> = self
            .weights
            .iter()
            .zip(spread.iter().zip(&ones))
            .map(|(weight, (part, one))| weight - multiplier * (part - mean * one))
            .collect();
        let precision = self.precision(multiplier, variance);
        self.sharpen(relatives, precision);
        if all_finite(&moved) {
            self.weights = project(&moved);
        }
        Ok(())
    }

    fn is_whole(&self) -> bool {
        let width = self.weights.len();
        self.covariance.size() == width && self.covariance.values.len() == width * width
    }
}
