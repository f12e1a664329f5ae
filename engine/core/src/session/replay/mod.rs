//! Runs a fixed policy or a rule through one of the corrected environments, from a file to figures, without a session.
//!
//! The names, sizes and rates are those of the reference's environments, so that one file can be replayed in both modes
//! and the figures compared; [`crate::environment::faithful::replay`] is the other one. [`replay`] is the only match
//! over tasks. Trains nothing and keeps nothing.

mod catalogue;
mod check;
mod course;
mod data;
mod execution;
mod listed;
mod outcome;
mod policy;
mod portfolio;
mod remarks;
mod setup;
#[cfg(test)]
mod tests;

pub use self::catalogue::{corrected_columns, corrected_policies, lacking};
pub use self::check::{CheckFinding, CheckPlan, CheckReport, check};
pub use self::course::LedgerCheck;
pub use self::outcome::{
    CorrectedDetails, CorrectedReplay, ExecutionDetails, HeldPosition, HoldingDetails,
    TradingDetails, UsedConfig, WeightDetails,
};
pub use self::policy::{CorrectedPolicy, Rule, rules};
pub use self::setup::{CorrectedOption, CorrectedOptions};
pub use crate::environment::faithful::ReplayEnvironment;

use crate::environment::faithful::{ReplayPolicy, ReplayTask};
use crate::error::EngineError;
use crate::market::MarketSeries;

/// Replays a policy on data of the kind that the environment's task runs on: bars (or a panel of one instrument) for
/// `algorithmic_trading` and `execution_pd`, panels for the portfolios, order books for `execution_eteo` and `hft`.
/// Deterministic: equal inputs give equal figures.
///
/// # Errors
/// Refuses data of another kind or too short, configurations that are not valid, options and policies that the
/// environment does not have, and actions outside its space.
pub fn replay(
    environment: ReplayEnvironment,
    data: &MarketSeries,
    policy: &CorrectedPolicy,
    options: &CorrectedOptions,
) -> Result<CorrectedReplay, EngineError> {
    let names_prices = matches!(policy, CorrectedPolicy::Fixed(ReplayPolicy::Order { .. }));
    let setup = setup::setup(environment, options, names_prices)?;
    let prepared = data::prepare(environment, setup, data, options)?;
    match environment.task() {
        ReplayTask::Trading => listed::on_bars(&prepared, policy, options.seed),
        ReplayTask::Portfolio => portfolio::run(environment, &prepared, policy, options.seed),
        ReplayTask::Execution => execution::run(environment, &prepared, policy, options.seed),
        ReplayTask::HighFrequency => listed::on_book(&prepared, policy, options.seed),
    }
}

/// Returns the refusal of a policy that an environment does not take.
fn foreign(environment: ReplayEnvironment) -> EngineError {
    refused(format!(
        "{environment} does not take this policy; it takes {}",
        corrected_policies(environment).join(", ")
    ))
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "replay", detail }
}
