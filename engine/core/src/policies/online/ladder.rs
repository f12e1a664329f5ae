//! The cost ladder of a run: what is left at 0, 1, 2, 5 and 10 times the cost, and the cost that eats everything.

use serde::Serialize;

use super::run::{Method, Outcome, replay, run};
use crate::error::EngineError;
use crate::policies::relatives::Relatives;

/// Multiples of the cost that are shown.
pub const MULTIPLES: [f64; 5] = [0.0, 1.0, 2.0, 5.0, 10.0];
/// The cost whose multiples are shown where none was given.
pub const COST_SHOWN: f64 = 0.001;
/// The break-even cost is known to this.
const BREAK_EVEN_TOLERANCE: f64 = 1e-9;

/// One rung.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LadderStep {
    /// Multiple of the base cost.
    pub multiple: f64,
    /// Cost, share of the value traded.
    pub cost: f64,
    /// Wealth with the same decisions; absent after ruin.
    pub wealth_fixed: Option<f64>,
    /// Wealth when decided again at this cost; absent after ruin.
    pub wealth_decided: Option<f64>,
}

/// The ladder of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostLadder {
    /// Cost that is multiplied.
    pub base: f64,
    /// Rungs, cheapest first.
    pub steps: Vec<LadderStep>,
    /// Cost at which the same decisions end with what they began with; absent where they lose without costs, or
    /// survive every cost below 1.
    pub break_even_cost: Option<f64>,
}

/// Returns the ladder of `outcome`, which came of running `method` over `relatives`. Base is its cost, or
/// [`COST_SHOWN`] where that is 0.
///
/// # Errors
/// Refuses an outcome of another table.
pub fn ladder(
    method: &Method,
    relatives: &Relatives,
    outcome: &Outcome,
) -> Result<CostLadder, EngineError> {
    let base = if outcome.cost > 0.0 { outcome.cost } else { COST_SHOWN };
    let fixed = |cost: f64| replay(&outcome.weights, relatives, cost);
    // Refuses what does not fit; after that only ruin is left to refuse.
    let free = fixed(0.0)?;
    let mut steps = Vec::new();
    for multiple in MULTIPLES {
        let cost = base * multiple;
        let kept = if multiple > 0.0 { fixed(cost).ok() } else { Some(free.clone()) };
        let wealth_fixed = kept.as_ref().map(Outcome::final_wealth);
        let wealth_decided = if outcome.reads_net_growth {
            run(method, relatives, cost).ok().map(|again| again.final_wealth())
        } else {
            wealth_fixed
        };
        steps.push(LadderStep { multiple, cost, wealth_fixed, wealth_decided });
    }
    let log_wealth = |cost: f64| fixed(cost).map_or(f64::NEG_INFINITY, |run| run.log_wealth);
    Ok(CostLadder { base, steps, break_even_cost: break_even(free.log_wealth, log_wealth) })
}

/// Halves the interval in which the logarithm of wealth changes sign.
fn break_even(free: f64, log_wealth: impl Fn(f64) -> f64) -> Option<f64> {
    let (mut low, mut high) = (0.0, 1.0 - f64::EPSILON);
    if free <= 0.0 || free.is_nan() || log_wealth(high) > 0.0 {
        return None;
    }
    while BREAK_EVEN_TOLERANCE < high - low {
        let middle = f64::midpoint(low, high);
        if log_wealth(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(f64::midpoint(low, high))
}
