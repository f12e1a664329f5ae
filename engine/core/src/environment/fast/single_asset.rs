//! Trading one instrument in plain numbers: the same decisions and fills as `SingleAsset`, without its records.

use std::sync::Arc;

use super::{refused, unlimited};
use crate::config::{AlgorithmicTradingConfig, EnvironmentConfig, FillRule, StrategyConfig, Truth};
use crate::environment::action::ActionRules;
use crate::environment::observation::{self, AccountObservation};
use crate::environment::reward::{log_return, ruined};
use crate::environment::state::Ended;
use crate::environment::{MarketData, StepResult};
use crate::error::EngineError;
use crate::num::{NumError, Quantity};
use crate::risk::{Funds, Terms, affordable_lots};
use crate::{matching::slippage::slipped, orders::Side};

/// Trading one instrument, account in plain numbers.
#[derive(Debug, Clone)]
pub struct FastSingleAsset {
    market: Arc<MarketData>,
    config: AlgorithmicTradingConfig,
    rules: ActionRules,
    window: usize,
    fee_rate: f64,
    slippage_bps: f64,
    fill: FillRule,
    lot: Quantity,
    row: usize,
    lots: i64,
    cash: f64,
    equity: f64,
    ended: Ended,
}

impl FastSingleAsset {
    /// Builds the account and begins an episode.
    ///
    /// # Errors
    /// Refuses other tasks, `faithful` accounting, risk limits, and data with less than one step after the window.
    pub fn new(strategy: &StrategyConfig, market: Arc<MarketData>) -> Result<Self, EngineError> {
        unlimited(&strategy.risk)?;
        let EnvironmentConfig::AlgorithmicTrading(config) = &strategy.environment else {
            return Err(refused(format!(
                "algorithmic trading was wanted, found the task {}",
                strategy.environment.task()
            )));
        };
        let window = config.backward_bars as usize;
        if config.truth != Truth::Corrected || market.rows() <= window {
            return Err(refused(format!(
                "corrected accounting and more than {window} bars are wanted, found {:?} and {}",
                config.truth,
                market.rows()
            )));
        }
        let mut account = Self {
            rules: ActionRules::of(config),
            config: config.clone(),
            window,
            fee_rate: strategy.matching.fee_rate,
            slippage_bps: strategy.matching.slippage_bps,
            fill: strategy.matching.fill,
            lot: Quantity::ZERO,
            row: 0,
            lots: 0,
            cash: 0.0,
            equity: 0.0,
            ended: Ended::No,
            market,
        };
        account.reset_at(0)?;
        Ok(account)
    }

    /// Begins an episode `offset` steps after the start of the data.
    ///
    /// # Errors
    /// Refuses an offset that leaves no step; nothing is changed then.
    pub fn reset_at(&mut self, offset: usize) -> Result<(), EngineError> {
        let steps = self.market.rows() - self.window;
        if steps <= offset {
            return Err(refused(format!(
                "an episode can begin 0 to {} steps after the start, not {offset}",
                steps - 1
            )));
        }
        let row = self.window - 1 + offset;
        let cash = self.config.initial_cash;
        let lot = cash * self.config.lot_share / self.market.close()[row].get();
        self.lot = Quantity::new(lot).map_err(|error| refused(error.to_string()))?;
        (self.row, self.lots, self.ended) = (row, 0, Ended::No);
        (self.cash, self.equity) = (cash, cash);
        Ok(())
    }

    /// Returns the value of the account, quote currency.
    #[must_use]
    pub fn equity(&self) -> f64 {
        self.equity
    }

    /// Returns the cash and the units held.
    #[must_use]
    pub fn funds(&self) -> Funds {
        Funds { cash: self.cash, position: self.lots as f64 * self.lot.get() }
    }

    /// Writes what `SingleAsset` would show.
    ///
    /// # Panics
    /// When `out` has not the length of its observations.
    pub fn observe(&self, out: &mut [f32]) {
        let account = AccountObservation::corrected(self.cash, self.lots, &self.config);
        observation::observe(&self.market, self.row, self.window, account, out);
    }

    /// Takes an action and moves to the next bar, as `SingleAsset` does.
    ///
    /// # Panics
    /// When the action does not exist or an amount leaves the finite numbers.
    pub fn step(&mut self, action: usize) -> StepResult {
        let wished = self.rules.lots(action);
        if self.ended != Ended::No {
            return self.ended.result(0.0);
        }
        if wished != 0
            && let Err(error) = self.trade(wished)
        {
            panic!("an amount left the finite numbers: {error}");
        }
        self.row += 1;
        let before = self.equity;
        let held = self.lots as f64 * self.lot.get();
        self.equity = self.cash + held * self.market.close()[self.row].get();
        if ruined(self.equity, self.config.initial_cash) {
            self.ended = Ended::Terminated;
        } else if self.row + 1 == self.market.rows() {
            self.ended = Ended::Truncated;
        }
        // Most bars without a position: the logarithm of 1 need not be computed.
        let reward = if self.equity.to_bits() == before.to_bits() {
            0.0
        } else {
            log_return(before, self.equity, self.config.initial_cash)
        };
        self.ended.result(reward)
    }

    fn trade(&mut self, wished: i64) -> Result<(), NumError> {
        let limit = i64::from(self.rules.position_limit_lots);
        let lowest = if self.rules.allow_short { -limit } else { 0 };
        let (lowest, highest) = (lowest.min(self.lots), limit.max(self.lots));
        let bounded = (self.lots + wished).clamp(lowest, highest) - self.lots;
        let close = self.market.close()[self.row];
        let funds = self.funds();
        let at = |price| Terms { lot: self.lot, price, fee_rate: self.fee_rate };
        let lots = affordable_lots(bounded, &funds, &at(close));
        if lots == 0 {
            return Ok(());
        }
        let reference = match self.fill {
            FillRule::NextOpen => self.market.open()[self.row + 1],
            FillRule::SameClose => close,
        };
        let side = if lots < 0 { Side::Sell } else { Side::Buy };
        let price = slipped(side, reference, self.slippage_bps)?;
        let filled = affordable_lots(lots, &funds, &at(price));
        let value = filled as f64 * self.lot.get() * price.get();
        self.cash -= value + value.abs() * self.fee_rate;
        self.lots += filled;
        Ok(())
    }
}
