//! Replays of order execution: ETEO and PD.

use std::sync::Arc;

use serde::Serialize;

use super::super::{Eteo, EteoBook, FaithfulEnvironment, OrderPrice, Pd, PdTable, ReplayPolicy};
use super::{
    ReplayDetails, ReplayEnvironment, ReplayOptions, ReplayOutput, classic, foreign, output, play,
    refused,
};
use crate::config::FeatureSet;
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;

/// Cash at the start of ETEO.
const ETEO_CASH: f64 = 100_000.0;
/// Window L of PD.
const PD_LENGTH: usize = 10;

/// What only ETEO has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EteoDetails {
    /// Cash after the leftover was settled.
    pub cash_left: f64,
    /// Cash that the reference's time-weighted benchmark leaves.
    pub twap: f64,
    /// Free cash, locked cash, free BTC, locked BTC at the end.
    pub portfolio: [f64; 4],
    /// BTC still to be bought at the end.
    pub order_left: f64,
}

/// What only PD has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PdDetails {
    /// Money made.
    pub money: f64,
    /// Mean of the prices visited.
    pub mean_price: f64,
    /// How much is left to be sold.
    pub order_left: f64,
}

pub(super) fn eteo(
    table: &ReferenceTable,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let name = ReplayEnvironment::ExecutionEteo;
    let order = match policy {
        ReplayPolicy::Nothing => None,
        ReplayPolicy::Order { volume, price } => Some((*volume, *price)),
        ReplayPolicy::Constant(_)
        | ReplayPolicy::Cycle(_)
        | ReplayPolicy::Modulo(_)
        | ReplayPolicy::Logits(_)
        | ReplayPolicy::Weights(_)
        | ReplayPolicy::Uniform
        | ReplayPolicy::AverageHolding
        | ReplayPolicy::BlindBid
        | ReplayPolicy::Twap
        | ReplayPolicy::AtOnce
        | ReplayPolicy::Oracle => return Err(foreign(name)),
    };
    let book = Arc::new(EteoBook::from_table(table)?);
    let cash = options.initial_amount.unwrap_or(ETEO_CASH);
    let mut environment = Eteo::new(book, cash)?;
    let episode = play(&mut environment, |environment, _| match order {
        None => vec![0.0, 0.0],
        Some((volume, price)) => vec![volume, price_now(environment, price)],
    })?;
    let Some(result) = environment.result() else {
        let detail = "an episode ended without a result".to_owned();
        return Err(EngineError::Invariant { what: "replay", detail });
    };
    let account = environment.portfolio();
    let details = ReplayDetails::Eteo(EteoDetails {
        cash_left: result.cash_left,
        twap: result.twap,
        portfolio: [account.free_cash, account.locked_cash, account.free_btc, account.locked_btc],
        order_left: environment.observe().last().copied().unwrap_or(f64::NAN),
    });
    Ok(output((name, &environment), episode, result.cash_left, details))
}

/// Returns the price of an order in the present row; levels as the reference prices them.
fn price_now(environment: &Eteo, price: OrderPrice) -> f64 {
    let (book, row) = (environment.book(), environment.row());
    match price {
        OrderPrice::Fixed(price) => price,
        OrderPrice::Level { side, level, factor } => factor * book.price(row, side, level),
        OrderPrice::Midpoint { factor } => factor * book.midpoint(row),
    }
}

pub(super) fn pd(
    table: &ReferenceTable,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let name = ReplayEnvironment::ExecutionPd;
    let default = classic(FeatureSet::Classic16);
    let wanted: Vec<&str> = default.iter().map(String::as_str).collect();
    let table = Arc::new(PdTable::from_table(table, &options.choice(&wanted))?);
    let mut environment = Pd::new(table, options.window.unwrap_or(PD_LENGTH))?;
    let amounts = match policy {
        ReplayPolicy::Constant(amount) => vec![*amount],
        ReplayPolicy::Cycle(amounts) => amounts.clone(),
        ReplayPolicy::Twap => vec![1.0 / environment.step_count() as f64],
        ReplayPolicy::AtOnce => vec![1.0],
        ReplayPolicy::Nothing => vec![0.0],
        ReplayPolicy::Modulo(_)
        | ReplayPolicy::Logits(_)
        | ReplayPolicy::Weights(_)
        | ReplayPolicy::Order { .. }
        | ReplayPolicy::Uniform
        | ReplayPolicy::AverageHolding
        | ReplayPolicy::BlindBid
        | ReplayPolicy::Oracle => return Err(foreign(name)),
    };
    let episode = play(&mut environment, |_, call| vec![amounts[call % amounts.len()]])?;
    let details = ReplayDetails::Pd(PdDetails {
        money: environment.money(),
        mean_price: environment
            .mean_price()
            .ok_or_else(|| refused("no price was visited".to_owned()))?,
        order_left: environment.order_left(),
    });
    let money = environment.money();
    Ok(output((name, &environment), episode, money, details))
}
