//! Replays of high-frequency trading.

use std::sync::Arc;

use serde::Serialize;

use super::super::{HFT_FEATURES, HftSetup, HftTable, HighFrequency, ReplayPolicy};
use super::{
    ReplayDetails, ReplayEnvironment, ReplayOptions, ReplayOutput, discrete, foreign, output, play,
};
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;

/// What only high-frequency trading has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HftDetails {
    /// Capital that was needed at the worst moment.
    pub required_money: f64,
    /// All money in and out plus what is held at the best bid.
    pub final_balance: f64,
    /// Final balance per required money; not defined when nothing was bought.
    pub profit_margin: f64,
    /// Units held at the end.
    pub holding: f64,
    /// Fees paid.
    pub fees: f64,
    /// The action of every call.
    pub actions: Vec<usize>,
}

pub(super) fn run(
    table: &ReferenceTable,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let name = ReplayEnvironment::Hft;
    let default = HftSetup::default();
    let setup = HftSetup {
        cost_rate: options.cost_rate.unwrap_or(default.cost_rate),
        stack: options.window.unwrap_or(default.stack),
        episode_length: options.episode_length,
        ..default
    };
    let table = Arc::new(HftTable::from_table(table, &options.choice(&HFT_FEATURES))?);
    let mut environment = HighFrequency::new(table, setup)?;
    environment.reset_at(options.start.unwrap_or(0))?;
    let begin = options.start.unwrap_or(0) + setup.stack - 1;
    let planned = match policy {
        ReplayPolicy::Oracle => environment.oracle()[begin..].to_vec(),
        ReplayPolicy::Constant(_)
        | ReplayPolicy::Cycle(_)
        | ReplayPolicy::Modulo(_)
        | ReplayPolicy::Logits(_)
        | ReplayPolicy::Weights(_)
        | ReplayPolicy::Order { .. }
        | ReplayPolicy::Uniform
        | ReplayPolicy::AverageHolding
        | ReplayPolicy::Nothing
        | ReplayPolicy::BlindBid
        | ReplayPolicy::Twap
        | ReplayPolicy::AtOnce => {
            discrete(name, policy, setup.action_count, (0, setup.action_count - 1), foreign)?
        }
    };
    let mut actions = Vec::new();
    let episode = play(&mut environment, |_, call| {
        let action = planned[call % planned.len()];
        actions.push(action);
        vec![action as f64]
    })?;
    let (required_money, final_balance) =
        (environment.required_money(), environment.final_balance());
    let details = ReplayDetails::HighFrequency(HftDetails {
        required_money,
        final_balance,
        profit_margin: final_balance / required_money,
        holding: environment.position(),
        fees: environment.fees(),
        actions,
    });
    Ok(output((name, &environment), episode, final_balance, details))
}
