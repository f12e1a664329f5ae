//! What is left at higher costs, twice: with every decision made anew, and with the decisions that were made.

use std::collections::BTreeMap;

use super::runs::{Member, Runs};
use super::{EvaluationInput, Missing};
use crate::error::EngineError;
use crate::evaluation::cost_ladder::{CostLadder, cost_ladder};
use crate::market::MarketSeries;
use crate::session::backtest::Track;

/// The ladders, and what the verdict wants to know of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ladders {
    /// Decisions are made anew at each multiple.
    pub(super) anew: Option<CostLadder>,
    /// The decisions of the headline run are carried out again.
    pub(super) fixed: Option<CostLadder>,
    /// Growth at the multiple that is wanted, decided anew.
    pub(super) at_wanted: Option<f64>,
}

/// Runs both ladders.
///
/// # Errors
/// As a run.
pub(super) fn ladders<'a>(
    input: &EvaluationInput<'a>,
    headline: Member<'a>,
    agent: &Track,
    runs: &mut Runs<'a, '_, '_>,
    missing: &mut Missing,
) -> Result<Ladders, EngineError> {
    let matching = &input.strategy.matching;
    let book = matches!(input.data, MarketSeries::Book(_));
    if matching.fee_rate <= 0.0 && (book || matching.slippage_bps <= 0.0) {
        missing.note(
            "costs",
            "The strategy charges neither fees nor slippage: nothing can be multiplied.",
        );
        return Ok(Ladders::default());
    }
    let mut found = Ladders::default();
    let rungs = &input.session.cost_multipliers;
    {
        let mut growth_at = known(|multiplier| runs.growth_at(multiplier, headline, agent.traded));
        found.anew = missing.unless("costs", cost_ladder(rungs, &mut growth_at))?;
        if found.anew.is_some() {
            found.at_wanted = growth_at(input.session.thresholds.cost_multiplier)?;
        }
    }
    let mut growth_at = known(|multiplier| runs.growth_of(multiplier, agent));
    found.fixed = missing.unless("costs_fixed", cost_ladder(rungs, &mut growth_at))?;
    Ok(found)
}

/// Remembers what a multiple led to.
fn known(
    mut run: impl FnMut(f64) -> Result<Option<f64>, EngineError>,
) -> impl FnMut(f64) -> Result<Option<f64>, EngineError> {
    let mut known: BTreeMap<u64, Option<f64>> = BTreeMap::new();
    move |multiplier| {
        if let Some(found) = known.get(&multiplier.to_bits()) {
            return Ok(*found);
        }
        let found = run(multiplier)?;
        known.insert(multiplier.to_bits(), found);
        Ok(found)
    }
}
