//! Almgren and Chriss 2000 (doi 10.21314/JOR.2001.041): the schedule with the least expected cost + λ·variance under linear
//! impact, in closed form.
//!
//! With τ = T/N and η̃ = η − γτ/2: κ̃² = λσ²/η̃, cosh(κτ) = 1 + κ̃²τ²/2, holdings x_j = X·sinh(κ(T − t_j))/sinh(κT)
//! for j = 0…N. E = γX²/2 + ε·Σ|n_k| + η̃/τ·Σn_k², V = σ²·Σ τ·x_k². Prices follow an
//! arithmetic random walk without drift; impact does not depend on the time of day.

use super::{check_amount, refuse};
use crate::config::policy::AlmgrenChrissConfig;
use crate::error::EngineError;

/// Below this κT the schedule differs from equal slices by rounding only.
const CURVATURE_MIN: f64 = 1e-9;

/// One point of the efficient frontier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrontierPoint {
    /// λ.
    pub risk_aversion: f64,
    /// E, quote currency.
    pub expected_cost: f64,
    /// V, quote currency squared.
    pub variance: f64,
}

/// The model with checked parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct AlmgrenChriss {
    config: AlmgrenChrissConfig,
    slice_days: f64,
    /// η̃, above 0.
    impact: f64,
}

impl AlmgrenChriss {
    /// Takes the parameters.
    ///
    /// # Errors
    /// Refuses a temporary impact too small for the permanent one (η̃ must be above 0): waiting would then pay.
    pub fn new(config: &AlmgrenChrissConfig) -> Result<Self, EngineError> {
        let slice_days = config.horizon_days / f64::from(config.slices);
        let impact = config.temporary_impact - config.permanent_impact * slice_days / 2.0;
        if impact > 0.0 && impact.is_finite() {
            return Ok(Self { config: config.clone(), slice_days, impact });
        }
        Err(refuse(format!(
            "wanted temporary_impact above permanent_impact · slice/2, found {} and {}; raise the first or use more slices",
            config.temporary_impact,
            config.permanent_impact * slice_days / 2.0
        )))
    }

    /// Returns κ per day: its inverse is the time in which holdings fall to 1/e.
    #[must_use]
    pub fn urgency(&self) -> f64 {
        let config = &self.config;
        let risk = config.risk_aversion * config.volatility * config.volatility / self.impact;
        // acosh(1 + y) by logarithms that keep a small y.
        let bend = risk * self.slice_days * self.slice_days / 2.0;
        (bend + (bend * (bend + 2.0)).sqrt()).ln_1p() / self.slice_days
    }

    /// Returns what is still held at the beginning and after each slice, `[slices + 1]`: `amount` down to 0.
    ///
    /// # Errors
    /// Refuses amounts that are not finite.
    pub fn trajectory(&self, amount: f64) -> Result<Vec<f64>, EngineError> {
        check_amount(amount)?;
        let slices = self.config.slices;
        let curvature = self.urgency() * self.config.horizon_days;
        Ok((0..=slices)
            .map(|slice| {
                let left = f64::from(slices - slice) / f64::from(slices);
                if curvature <= CURVATURE_MIN {
                    return amount * left;
                }
                // sinh(κT·left)/sinh(κT) without overflow.
                let fall = (curvature * (left - 1.0)).exp();
                amount * fall * (-2.0 * curvature * left).exp_m1() / (-2.0 * curvature).exp_m1()
            })
            .collect())
    }

    /// Returns what is traded in each slice, `[slices]`.
    ///
    /// # Errors
    /// Refuses amounts that are not finite.
    pub fn schedule(&self, amount: f64) -> Result<Vec<f64>, EngineError> {
        Ok(self.trajectory(amount)?.windows(2).map(|pair| pair[0] - pair[1]).collect())
    }

    /// Returns the expected cost of a schedule, quote currency.
    #[must_use]
    pub fn expected_cost(&self, schedule: &[f64]) -> f64 {
        let amount: f64 = schedule.iter().sum();
        let traded: f64 = schedule.iter().map(|part| part.abs()).sum();
        let squares: f64 = schedule.iter().map(|part| part * part).sum();
        self.config.permanent_impact * amount * amount / 2.0
            + self.config.fixed_cost * traded
            + self.impact / self.slice_days * squares
    }

    /// Returns the variance of the cost of a schedule, quote currency squared.
    #[must_use]
    pub fn variance(&self, schedule: &[f64]) -> f64 {
        let mut left: f64 = schedule.iter().sum();
        let mut squares = 0.0;
        for part in schedule {
            left -= part;
            squares += left * left;
        }
        self.config.volatility * self.config.volatility * self.slice_days * squares
    }

    /// Returns cost and variance of the best schedule for each risk aversion.
    ///
    /// # Errors
    /// Refuses amounts that are not finite and risk aversions below 0.
    pub fn frontier(
        &self,
        amount: f64,
        risk_aversions: &[f64],
    ) -> Result<Vec<FrontierPoint>, EngineError> {
        risk_aversions
            .iter()
            .map(|risk_aversion| {
                if !(risk_aversion.is_finite() && *risk_aversion >= 0.0) {
                    return Err(refuse(format!(
                        "wanted a risk aversion of at least 0, found {risk_aversion}"
                    )));
                }
                let config =
                    AlmgrenChrissConfig { risk_aversion: *risk_aversion, ..self.config.clone() };
                let model = Self { config, ..self.clone() };
                let schedule = model.schedule(amount)?;
                Ok(FrontierPoint {
                    risk_aversion: *risk_aversion,
                    expected_cost: model.expected_cost(&schedule),
                    variance: model.variance(&schedule),
                })
            })
            .collect()
    }
}
