//! Decisions of an earlier run, carried out again: at other costs, or as the best in hindsight. Decides nothing.

use super::course::Decisions;
use crate::error::EngineError;
use crate::policies::Policy;
use crate::policies::rules::{PortfolioView, WeightPolicy};

/// Plays actions back.
#[derive(Debug, Clone)]
pub(super) struct Replay {
    actions: Vec<usize>,
    last: usize,
    step: usize,
}

impl Replay {
    /// Takes the action of each step; after them the last is repeated, `first` where there is none.
    pub(super) fn new(actions: Vec<usize>, first: usize) -> Self {
        Self { actions, last: first, step: 0 }
    }

    /// Takes the action of each step, and the one that is repeated after them.
    pub(super) fn then(mut actions: Vec<usize>, rest: usize) -> Box<dyn Policy> {
        actions.push(rest);
        Box::new(Self::new(actions, rest))
    }
}

impl Policy for Replay {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn act(&mut self, _: &[f32]) -> usize {
        self.last = self.actions.get(self.step).copied().unwrap_or(self.last);
        self.step += 1;
        self.last
    }
}

/// Plays target weights back; after them the holdings stay as they are.
#[derive(Debug, Clone)]
pub(super) struct ReplayWeights {
    targets: Vec<f64>,
    step: usize,
}

impl ReplayWeights {
    /// Takes the target weights of each step.
    pub(super) fn new(decisions: &Decisions) -> Self {
        Self { targets: decisions.targets.clone(), step: 0 }
    }
}

impl WeightPolicy for ReplayWeights {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        let width = view.holdings.len();
        let target = self.targets.get(self.step * width..(self.step + 1) * width);
        self.step += 1;
        Ok(target.unwrap_or(view.holdings).to_vec())
    }
}
