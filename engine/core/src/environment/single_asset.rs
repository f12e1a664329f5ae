//! The corrected environment for one instrument: sound accounting, no look-ahead.
//!
//! At bar t the agent sees the window that ends at t. Its order is fitted to limits and funds, reviewed by
//! `engine::risk`, and filled by `engine::matching` at the open of bar t + 1 (or, as a marked option, at the close of
//! t). The account is valued at the close of t + 1; the reward is the log return of that value, costs included. The
//! episode runs to the last bar (truncated) or to ruin (terminated).
//!
//! One lot is `lot_share` of the initial cash at the close of the bar on which the episode begins. State is `f64`:
//! training environments are the one place where the platform counts money in it (see [`crate::num`]); the ledger's
//! identity is asserted at every step.

use std::sync::Arc;

use super::action::{AccountView, ActionRules, CutReason, decide_order};
use super::observation::{self, AccountObservation};
use super::reward::{log_return, ruined};
use super::state::{Ended, Reader, Writer, damaged};
use super::{AccountSnapshot, Action, ActionSpace, Environment, MarketData, StepResult};
use crate::config::{
    AlgorithmicTradingConfig, EnvironmentConfig, MatchingConfig, RiskConfig, StrategyConfig,
};
use crate::error::EngineError;
use crate::matching::BarExchange;
use crate::matching::bars::Market;
use crate::num::{Money, NumError, Price, Quantity};
use crate::orders::Fill;
use crate::portfolio::{Ledger, LedgerState};
use crate::risk::{Funds, Terms};

/// Names environment and layout of saved states.
const TAG: [u8; 8] = *b"TMSA0001";

/// Trading one instrument.
#[derive(Debug, Clone)]
pub struct SingleAsset {
    market: Arc<MarketData>,
    config: AlgorithmicTradingConfig,
    costs: MatchingConfig,
    limits: RiskConfig,
    rules: ActionRules,
    names: Vec<String>,
    window: usize,
    state: State,
}

#[derive(Debug, Clone)]
struct State {
    start_row: usize,
    row: usize,
    lots: i64,
    exchange: BarExchange,
    ledger: Ledger,
    equity: f64,
    ended: Ended,
    refusal_count: u32,
    cut_count: u32,
    last_fill: Option<Fill>,
}

impl SingleAsset {
    /// Builds the environment and begins an episode.
    ///
    /// # Errors
    /// Refuses data with less than one step after the window, and lots that come to nothing.
    pub fn new(strategy: &StrategyConfig, market: Arc<MarketData>) -> Result<Self, EngineError> {
        let EnvironmentConfig::AlgorithmicTrading(config) = &strategy.environment else {
            return Err(refused(format!(
                "algorithmic trading was wanted, found the task {}; let `build` choose the environment",
                strategy.environment.task()
            )));
        };
        let window = config.backward_bars as usize;
        if market.rows() <= window {
            return Err(refused(format!(
                "at least {} bars are needed to look back {window} and make one step, found {}; use more data or a \
                 smaller backward_bars",
                window + 1,
                market.rows()
            )));
        }
        let state = State::begin(config, &strategy.matching, &market, window - 1)?;
        Ok(Self {
            names: observation::names(market.names(), window),
            config: config.clone(),
            costs: strategy.matching.clone(),
            limits: strategy.risk.clone(),
            rules: ActionRules::of(config),
            window,
            market,
            state,
        })
    }

    /// Returns the account as the decision sees it.
    #[must_use]
    pub fn account_view(&self) -> AccountView {
        let state = &self.state;
        AccountView {
            lots: state.lots,
            funds: Funds {
                cash: state.ledger.cash(),
                position: state.ledger.position().quantity(),
            },
            terms: Terms {
                lot: state.exchange.lot(),
                price: self.market.close()[state.row],
                fee_rate: self.costs.fee_rate,
            },
        }
    }

    /// Returns which orders may be wished for.
    #[must_use]
    pub fn rules(&self) -> ActionRules {
        self.rules
    }

    /// Returns the books.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.state.ledger
    }

    fn trade(&mut self, action: usize) -> Result<(), NumError> {
        let account = self.account_view();
        let decision = decide_order(action, &self.rules, &account, &self.limits)?;
        let state = &mut self.state;
        let mut cut = decision.cut;
        state.refusal_count += u32::from(decision.refusal.is_some());
        state.last_fill = None;
        if let Some(order) = decision.order {
            let prices = Market {
                close: self.market.close()[state.row],
                next_open: self.market.open()[state.row + 1],
            };
            let fill = state.exchange.execute(&order, &prices, &account.funds)?;
            let filled = fill.map_or(0.0, |fill| fill.quantity.get());
            if (order.quantity().get() - filled).abs() > 0.5 * state.exchange.lot().get() {
                cut = Some(CutReason::Funds);
            }
            if let Some(fill) = fill {
                state.ledger.apply(&fill);
                state.lots += lots_of(fill.quantity, state.exchange.lot());
                state.last_fill = Some(fill);
            }
        }
        state.cut_count += u32::from(cut.is_some());
        Ok(())
    }

    /// Moves to the next bar, values the account there and says how the step ended.
    fn advance(&mut self) -> StepResult {
        let state = &mut self.state;
        state.row += 1;
        let mark = self.market.close()[state.row];
        state.ledger.assert_identity(mark);
        let before = state.equity;
        state.equity = state.ledger.equity(mark);
        if ruined(state.equity, self.config.initial_cash) {
            state.ended = Ended::Terminated;
        } else if state.row + 1 == self.market.rows() {
            state.ended = Ended::Truncated;
        }
        state.ended.result(log_return(before, state.equity, self.config.initial_cash))
    }
}

impl State {
    fn begin(
        config: &AlgorithmicTradingConfig,
        costs: &MatchingConfig,
        market: &MarketData,
        row: usize,
    ) -> Result<Self, EngineError> {
        let first = market.close()[row].get();
        let number = |error: NumError| refused(error.to_string());
        let lot = config.initial_cash * config.lot_share / first;
        let exists = lot > 0.0;
        if !exists {
            return Err(refused(format!("a lot of {lot} units is nothing; raise lot_share")));
        }
        Ok(Self {
            start_row: row,
            row,
            lots: 0,
            exchange: BarExchange::new(costs.clone(), Quantity::new(lot).map_err(number)?),
            ledger: Ledger::new(Money::new(config.initial_cash).map_err(number)?),
            equity: config.initial_cash,
            ended: Ended::No,
            refusal_count: 0,
            cut_count: 0,
            last_fill: None,
        })
    }
}

impl Environment for SingleAsset {
    fn observation_names(&self) -> &[String] {
        &self.names
    }

    fn action_space(&self) -> ActionSpace {
        ActionSpace::Discrete(self.rules.action_count())
    }

    fn action_count(&self) -> usize {
        self.rules.action_count()
    }

    fn steps_per_episode(&self) -> usize {
        self.market.rows() - self.window
    }

    fn reset(&mut self) {
        let begun = self.reset_at(0);
        assert!(begun.is_ok(), "an environment that was built can begin at its start: {begun:?}");
    }

    fn reset_at(&mut self, offset: usize) -> Result<(), EngineError> {
        if self.steps_per_episode() <= offset {
            return Err(refused(format!(
                "an episode can begin 0 to {} steps after the start, not {offset}",
                self.steps_per_episode() - 1
            )));
        }
        self.state =
            State::begin(&self.config, &self.costs, &self.market, self.window - 1 + offset)?;
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        let account =
            AccountObservation::corrected(self.state.ledger.cash(), self.state.lots, &self.config);
        observation::observe(&self.market, self.state.row, self.window, account, out);
    }

    fn step(&mut self, action: Action<'_>) -> StepResult {
        if self.state.ended != Ended::No {
            return self.state.ended.result(0.0);
        }
        let traded = self.trade(action.index());
        assert!(traded.is_ok(), "an amount left the finite numbers: {traded:?}");
        self.advance()
    }

    fn equity(&self) -> f64 {
        self.state.equity
    }

    fn snapshot(&self) -> AccountSnapshot {
        let state = &self.state;
        AccountSnapshot {
            bar_index: state.row,
            equity: state.equity,
            cash: state.ledger.cash(),
            position: state.ledger.position().quantity(),
            lot: state.exchange.lot().get(),
            costs: state.ledger.fees() + state.ledger.slippage(),
            refusal_count: state.refusal_count,
            cut_count: state.cut_count,
            last_fill: state.last_fill,
        }
    }

    fn save(&self) -> Vec<u8> {
        let state = &self.state;
        let mut writer = Writer::new(TAG);
        writer.u64(self.market.rows() as u64).u64(self.window as u64);
        writer.u64(state.start_row as u64).u64(state.row as u64).u64(state.lots.cast_unsigned());
        for number in state.ledger.state() {
            writer.f64(number);
        }
        writer.f64(state.equity).u64(state.ended as u64);
        writer.u64(u64::from(state.refusal_count)).u64(u64::from(state.cut_count));
        writer.fill(state.last_fill.as_ref());
        writer.finish()
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let mut reader = Reader::new(TAG, bytes)?;
        if (reader.usize()?, reader.usize()?) != (self.market.rows(), self.window) {
            return Err(damaged("it belongs to other data or another window"));
        }
        let (start_row, row) = (reader.usize()?, reader.usize()?);
        if start_row + 1 < self.window || row < start_row || self.market.rows() <= row {
            return Err(damaged("its bar does not exist"));
        }
        let mut state = State::begin(&self.config, &self.costs, &self.market, start_row)?;
        state.row = row;
        state.lots = reader.u64()?.cast_signed();
        let mut numbers: LedgerState = LedgerState::default();
        for number in &mut numbers {
            *number = reader.f64()?;
        }
        state.ledger = Ledger::restore(&numbers)?;
        state.equity = reader.f64()?;
        state.ended = Ended::read(reader.u64()?)?;
        state.refusal_count = reader.u32()?;
        state.cut_count = reader.u32()?;
        state.last_fill = reader.fill()?;
        reader.finish()?;
        state.check(&self.market)?;
        self.state = state;
        Ok(())
    }
}

impl State {
    /// Asks whether the parts of a loaded state agree with each other and with the data.
    fn check(&self, market: &MarketData) -> Result<(), EngineError> {
        let mark: Price = market.close()[self.row];
        let value = self.ledger.equity(mark);
        let units = self.lots as f64 * self.exchange.lot().get();
        let held = self.ledger.position().quantity();
        let close = |left: f64, right: f64| (left - right).abs() <= 1e-9 * left.abs().max(1.0);
        if close(value, self.equity) && close(units, held) {
            return Ok(());
        }
        Err(damaged("its account does not agree with the data"))
    }
}

/// Returns the whole lots of a fill; fills are whole lots by construction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a fill is a whole number of lots, far below 2^53"
)]
fn lots_of(quantity: Quantity, lot: Quantity) -> i64 {
    (quantity.get() / lot.get()).round() as i64
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "environment", detail }
}
