//! Rules that look at nothing: stay in cash, hold equal shares, restore equal weights.

use super::{PortfolioView, WeightPolicy, check, invested_equally};
use crate::error::EngineError;

/// Never trades.
#[derive(Debug, Clone, Copy)]
pub struct StayInCash;

impl WeightPolicy for StayInCash {
    fn name(&self) -> &'static str {
        "do_nothing"
    }

    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        check(view)?;
        Ok(view.holdings.to_vec())
    }
}

/// Buys equal shares with what is all cash, and holds.
#[derive(Debug, Clone, Copy)]
pub struct HoldEqual;

impl WeightPolicy for HoldEqual {
    fn name(&self) -> &'static str {
        "buy_and_hold"
    }

    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        check(view)?;
        if view.is_all_cash() {
            return Ok(invested_equally(view.seen.width()));
        }
        Ok(view.holdings.to_vec())
    }
}

/// Restores equal weights at every bar.
#[derive(Debug, Clone, Copy)]
pub struct Uniform;

impl WeightPolicy for Uniform {
    fn name(&self) -> &'static str {
        "uniform"
    }

    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        check(view)?;
        Ok(invested_equally(view.seen.width()))
    }
}
