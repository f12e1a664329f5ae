//! Executing a given amount on bars: each bar the agent says which share of the whole amount to execute next.
//!
//! Decided at the close of t, filled at the open of t + 1 (or, as a marked option, at the close of t) with slippage and
//! fee, through the same review and matching as every other task. Shares are cut to what is left; nobody trades back.
//! What is left after the last step is executed at the last close.

use std::sync::Arc;

use super::{Account, ExecutionReport, RefusalReason, first_row};
use crate::config::{FillRule, MatchingConfig, OrderExecutionConfig, RiskConfig};
use crate::environment::observation::{self, AccountObservation};
use crate::environment::state::{Ended, Reader, Writer, agrees, damaged};
use crate::environment::{
    AccountSnapshot, Action, ActionSpace, Environment, MarketData, RewardUnit, StepResult,
};
use crate::error::EngineError;
use crate::matching::bars::Market;
use crate::matching::book::together;
use crate::matching::{market_fill, slippage::slipped};
use crate::num::{NumError, Price, Quantity, narrow};
use crate::orders::{Fill, OrderIntent, Side};
use crate::risk::{RiskView, review};

/// Names environment and layout of saved states.
const TAG: [u8; 8] = *b"TMEB0001";

/// Execution on bars.
#[derive(Debug, Clone)]
pub struct ExecutionOnBars {
    market: Arc<MarketData>,
    config: OrderExecutionConfig,
    costs: MatchingConfig,
    limits: RiskConfig,
    names: Vec<String>,
    space: ActionSpace,
    state: State,
}

#[derive(Debug, Clone)]
struct State {
    start_row: usize,
    row: usize,
    account: Account,
    ended: Ended,
}

impl ExecutionOnBars {
    /// Builds the environment and begins an episode.
    ///
    /// # Errors
    /// Refuses data that is too short for one episode.
    pub fn new(
        config: &OrderExecutionConfig,
        costs: &MatchingConfig,
        limits: &RiskConfig,
        market: Arc<MarketData>,
    ) -> Result<Self, EngineError> {
        let row = first_row(config, market.rows(), 0)?;
        let mut names = observation::names(market.names(), config.window_steps as usize);
        let account = names.len() - 2;
        names.splice(account.., ["time_left".to_owned(), "amount_left".to_owned()]);
        Ok(Self {
            state: State::begin(config, &market, row)?,
            names,
            space: ActionSpace::Box { low: vec![0.0], high: vec![1.0] },
            config: config.clone(),
            costs: costs.clone(),
            limits: limits.clone(),
            market,
        })
    }

    fn steps_left(&self) -> usize {
        self.state.start_row + self.config.horizon_steps as usize - self.state.row
    }

    /// Sends a market order for `units` to a market that stands at `prices`.
    fn execute(&mut self, units: f64, prices: &Market) -> Result<(), NumError> {
        let account = &mut self.state.account;
        let wanted = units.min(account.left);
        if wanted <= 0.0 {
            return Ok(());
        }
        let reference = match self.costs.fill {
            FillRule::NextOpen => prices.next_open,
            FillRule::SameClose => prices.close,
        };
        let price = slipped(account.side, reference, self.costs.slippage_bps)?.get();
        let paid = price * (1.0 + self.costs.fee_rate);
        let payable = match account.side {
            Side::Buy => (account.ledger.cash() / paid).max(0.0),
            Side::Sell => wanted,
        };
        let intent = OrderIntent::market(Quantity::new(account.sign() * wanted)?)?;
        let view = RiskView {
            position: Quantity::new(account.position())?,
            reference_price: Some(prices.close),
        };
        let Ok(order) = review(&intent, &view, &self.limits).outcome else {
            account.refuse(RefusalReason::Risk);
            return Ok(());
        };
        let filled = wanted.min(payable);
        account.cut_count += u32::from(filled < wanted);
        if 0.0 < filled {
            let quantity = Quantity::new(account.sign() * filled)?;
            account.book(market_fill(&self.costs, &order, prices, quantity)?);
        }
        Ok(())
    }

    fn turn(&mut self, share: f64) -> Result<(), NumError> {
        let row = self.state.row;
        let (close, open) = (self.market.close(), self.market.open());
        let prices = Market { close: close[row], next_open: open[row + 1] };
        let taker = match self.costs.fill {
            FillRule::NextOpen => prices.next_open,
            FillRule::SameClose => prices.close,
        };
        let last = close[row + 1];
        self.state.account.note(taker.get(), None);
        self.execute(share * self.config.amount, &prices)?;
        self.state.row += 1;
        if self.steps_left() == 0 && !self.state.account.done() {
            self.execute(self.state.account.left, &Market { close: last, next_open: last })?;
            let account = &mut self.state.account;
            let left = account.left;
            account.charge(left, last.get(), 0.0);
        }
        self.state.account.ledger.assert_identity(last);
        if self.steps_left() == 0 || self.state.account.done() {
            self.state.ended = Ended::Terminated;
        }
        Ok(())
    }

    fn mark(&self) -> Price {
        self.market.close()[self.state.row]
    }
}

impl State {
    fn begin(
        config: &OrderExecutionConfig,
        market: &MarketData,
        row: usize,
    ) -> Result<Self, EngineError> {
        let account = Account::begin(config, market.close()[row])?;
        Ok(Self { start_row: row, row, account, ended: Ended::No })
    }
}

impl Environment for ExecutionOnBars {
    fn observation_names(&self) -> &[String] {
        &self.names
    }

    fn action_space(&self) -> ActionSpace {
        self.space.clone()
    }

    fn reward_unit(&self) -> RewardUnit {
        RewardUnit::ShortfallBasisPoints
    }

    fn steps_per_episode(&self) -> usize {
        self.config.horizon_steps as usize
    }

    fn reset(&mut self) {
        let begun = self.reset_at(0);
        assert!(begun.is_ok(), "an environment that was built can begin at its start: {begun:?}");
    }

    fn reset_at(&mut self, offset: usize) -> Result<(), EngineError> {
        let row = first_row(&self.config, self.market.rows(), offset)?;
        self.state = State::begin(&self.config, &self.market, row)?;
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        let own = AccountObservation {
            cash: narrow(self.steps_left() as f64 / f64::from(self.config.horizon_steps)),
            position: narrow(self.state.account.left / self.config.amount),
        };
        let window = self.config.window_steps as usize;
        observation::observe(&self.market, self.state.row, window, own, out);
    }

    fn step(&mut self, action: Action<'_>) -> StepResult {
        let fits = self.space.check(action);
        let (Action::Vector(values), Ok(())) = (action, &fits) else {
            panic!("{}", fits.err().map_or_else(String::new, |error| error.to_string()));
        };
        if self.state.ended != Ended::No {
            return self.state.ended.result(0.0);
        }
        self.state.account.fills.clear();
        let before = self.state.account.shortfall_bps;
        if let Err(error) = self.turn(values.iter().sum()) {
            panic!("an amount left the finite numbers: {error}");
        }
        self.state.ended.result(before - self.state.account.shortfall_bps)
    }

    fn equity(&self) -> f64 {
        self.state.account.ledger.equity(self.mark())
    }

    fn snapshot(&self) -> AccountSnapshot {
        let account = &self.state.account;
        let fills: Vec<Fill> = account.fills.iter().map(|(_, fill)| *fill).collect();
        AccountSnapshot {
            bar_index: self.state.row,
            equity: self.equity(),
            cash: account.ledger.cash(),
            position: account.position(),
            lot: 0.0,
            costs: account.ledger.fees() + account.ledger.slippage(),
            refusal_count: account.refusal_count,
            cut_count: account.cut_count,
            last_fill: together(&fills).ok().flatten(),
        }
    }

    fn last_fills(&self) -> Vec<(usize, Fill)> {
        self.state.account.fills.clone()
    }

    fn execution(&self) -> Option<ExecutionReport> {
        Some(self.state.account.report())
    }

    fn save(&self) -> Vec<u8> {
        let mut writer = Writer::new(TAG);
        let state = &self.state;
        for count in [self.market.rows(), state.start_row, state.row] {
            writer.u64(count as u64);
        }
        writer.u64(state.ended as u64);
        state.account.write(&mut writer);
        writer.finish()
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let mut reader = Reader::new(TAG, bytes)?;
        if reader.usize()? != self.market.rows() {
            return Err(damaged("it belongs to other data"));
        }
        let start = reader.usize()?;
        let offset = start.saturating_add(1).checked_sub(self.config.window_steps as usize);
        let offset = offset.ok_or_else(|| damaged("its bar does not exist"))?;
        if first_row(&self.config, self.market.rows(), offset).is_err() {
            return Err(damaged("its bar does not exist"));
        }
        let mut state = State::begin(&self.config, &self.market, start)?;
        state.row = reader.index(start + self.config.horizon_steps as usize + 1)?;
        state.ended = Ended::read(reader.u64()?)?;
        state.account = Account::read(&self.config, &mut reader, 2)?;
        reader.finish()?;
        let arrival = self.market.close()[start].get();
        if state.row < start || state.account.arrival.to_bits() != arrival.to_bits() {
            return Err(damaged("its account does not agree with the data"));
        }
        let held = match state.account.side {
            Side::Buy => self.config.amount - state.account.left,
            Side::Sell => state.account.left,
        };
        agrees(held, state.account.position())?;
        self.state = state;
        Ok(())
    }
}
