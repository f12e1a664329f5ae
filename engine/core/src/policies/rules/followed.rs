//! Online portfolio selection in the seat of a portfolio rule: fully invested in what the method chooses.

use super::{PortfolioView, WeightPolicy, check, refuse};
use crate::config::policy::OnlineConfig;
use crate::error::EngineError;
use crate::policies::algebra::dot;
use crate::policies::online::{OnlineSelection, Period, Selection};

/// A method and how much of the view it has been fed. A view that is shorter than that is a new beginning.
#[derive(Debug, Clone)]
pub struct Followed {
    config: OnlineConfig,
    selection: Selection,
    fed: usize,
}

impl Followed {
    /// Begins a method over `assets` assets.
    ///
    /// # Errors
    /// As [`Selection::new`].
    pub fn new(config: &OnlineConfig, assets: usize) -> Result<Self, EngineError> {
        Ok(Self { config: config.clone(), selection: Selection::new(config, assets)?, fed: 0 })
    }
}

impl WeightPolicy for Followed {
    fn name(&self) -> &'static str {
        self.config.name()
    }

    /// Only the newest bar's growth after costs is known from the view; of earlier ones that were not fed one by one,
    /// growth before costs is taken.
    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        check(view)?;
        let (width, periods) = (view.seen.width(), view.seen.periods());
        if self.selection.weights().len() != width {
            return Err(refuse(format!(
                "wanted the {} assets it was built for, found {width}",
                self.selection.weights().len()
            )));
        }
        if periods < self.fed {
            *self = Self::new(&self.config, width)?;
        }
        let late = periods - self.fed;
        for row in view.seen.from(self.fed).rows() {
            let gross = dot(self.selection.weights(), row);
            let growth_net = view.growth_net.filter(|_| late == 1).unwrap_or(gross);
            self.selection.observe(&Period { relatives: row, growth_net })?;
            self.fed += 1;
        }
        Ok(std::iter::once(0.0).chain(self.selection.weights().iter().copied()).collect())
    }
}
