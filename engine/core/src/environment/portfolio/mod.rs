//! The corrected environment for many instruments: target weights, sound accounting, no look-ahead.
//!
//! At bar t the agent sees the window that ends at t and says which share of the account each instrument shall have,
//! cash first. The weights become orders at the close of t, each reviewed by `engine::risk`, and are filled at the open
//! of t + 1 (or, as a marked option, at the close of t): sales first, purchases as far as the money goes, all cut alike,
//! so that the order of the instruments decides nothing. The account begins in cash and is valued at the close of t + 1;
//! the reward is the log return of that value, costs included.
//!
//! Each instrument has a ledger of its own that begins with nothing; the account's cash is the initial cash, the
//! dividends and what the ledgers' trades brought. An instrument without a bar keeps its last price and cannot be
//! traded; after `absent_bars_max` such bars it counts as delisted and is settled at its last price, free of fees.

mod rebalance;
mod saved;

use std::sync::Arc;

pub use rebalance::value_kept;
pub(super) use rebalance::{ORDER_SHARE_MIN, affordable_share};
use rebalance::{Standing, changes, part};

use super::reward::{log_return, ruined};
use super::state::Ended;
use super::{AccountSnapshot, Action, ActionSpace, Environment, Holding, PanelData, StepResult};
use crate::config::{FillRule, MatchingConfig, PortfolioConfig, PortfolioUnits, RiskConfig};
use crate::error::EngineError;
use crate::matching::bars::Market;
use crate::matching::{market_fill, slippage::slipped};
use crate::num::{Money, NumError, Price, Quantity, narrow};
use crate::orders::{Fill, OrderIntent, Side};
use crate::portfolio::Ledger;
use crate::risk::{ApprovedOrder, RiskView, review};

/// Trading many instruments by weights.
#[derive(Debug, Clone)]
pub struct Portfolio {
    panel: Arc<PanelData>,
    config: PortfolioConfig,
    costs: MatchingConfig,
    limits: RiskConfig,
    names: Vec<String>,
    window: usize,
    state: State,
    work: Work,
}

#[derive(Debug, Clone, PartialEq)]
struct State {
    start_row: usize,
    row: usize,
    ledgers: Vec<Ledger>,
    /// Units held, as in the ledgers.
    units: Vec<f64>,
    /// Bars in a row without a price.
    absent: Vec<u32>,
    dividends: f64,
    equity: f64,
    ended: Ended,
    refusal_count: u32,
    cut_count: u32,
    fills: Vec<(usize, Fill)>,
    /// Row and instrument of each settlement.
    delisted: Vec<(usize, usize)>,
}

/// Numbers of one step, kept so that a step allocates little.
#[derive(Debug, Clone)]
struct Work {
    held: Vec<f64>,
    changes: Vec<f64>,
}

impl Portfolio {
    /// Builds the environment and begins an episode.
    ///
    /// # Errors
    /// Refuses data with less than one step after the window.
    pub fn new(
        config: &PortfolioConfig,
        costs: &MatchingConfig,
        limits: &RiskConfig,
        panel: Arc<PanelData>,
    ) -> Result<Self, EngineError> {
        let window = config.window_bars as usize;
        if panel.rows() <= window {
            return Err(refused(format!(
                "at least {} bars are needed to look back {window} and make one step, found {}; use more data or a \
                 smaller window_bars",
                window + 1,
                panel.rows()
            )));
        }
        Ok(Self {
            names: names(&panel, window),
            state: State::begin(config, panel.assets(), window - 1)?,
            work: Work { held: vec![0.0; panel.assets()], changes: vec![0.0; panel.assets()] },
            config: config.clone(),
            costs: costs.clone(),
            limits: limits.clone(),
            window,
            panel,
        })
    }

    /// Returns the books of each instrument; each begins with nothing.
    #[must_use]
    pub fn ledgers(&self) -> &[Ledger] {
        &self.state.ledgers
    }

    /// Returns the dividends paid in this episode, quote currency.
    #[must_use]
    pub fn dividends(&self) -> f64 {
        self.state.dividends
    }

    /// Returns the cash, quote currency.
    #[must_use]
    pub fn cash(&self) -> f64 {
        self.state.cash(&self.config)
    }

    fn lot(&self) -> Option<f64> {
        match self.config.units {
            PortfolioUnits::Fractional => None,
            PortfolioUnits::WholeLots => Some(self.config.lot_units),
        }
    }

    /// Cost of trading one unit of quote currency: fee, slippage, and the fee on the slippage of a purchase.
    fn cost_rate(&self) -> f64 {
        let slippage = self.costs.slippage_bps * 1e-4;
        slippage + self.costs.fee_rate * (1.0 + slippage)
    }

    /// Decides at the close: weights become reviewed orders.
    fn decide(&mut self, weights: &[f64]) -> Result<Vec<(usize, ApprovedOrder)>, NumError> {
        let row = self.state.row;
        let close = self.panel.close(row);
        let standing = Standing {
            units: &self.state.units,
            close,
            tradable: self.panel.tradable(row),
            equity: self.state.equity,
            cost_rate: self.cost_rate(),
            lot: self.lot(),
        };
        let cut = changes(weights, &standing, &mut self.work.held, &mut self.work.changes);
        self.state.cut_count += u32::from(cut);
        let mut orders = Vec::new();
        for (index, change) in self.work.changes.iter().enumerate() {
            if *change == 0.0 {
                continue;
            }
            let intent = OrderIntent::market(Quantity::new(*change)?)?;
            let view = RiskView {
                position: Quantity::new(self.state.units[index])?,
                reference_price: Some(Price::new(close[index])?),
            };
            match review(&intent, &view, &self.limits).outcome {
                Ok(order) => orders.push((index, order)),
                Err(_) => self.state.refusal_count += 1,
            }
        }
        Ok(orders)
    }

    /// Fills orders: sales first, then purchases as far as the money goes, all cut by the same share.
    fn execute(&mut self, orders: &[(usize, ApprovedOrder)]) -> Result<(), NumError> {
        for (index, order) in orders {
            if order.side() == Side::Sell && self.can_fill(*index) {
                self.fill(*index, order, order.quantity().get())?;
            }
        }
        let mut wanted = 0.0;
        for (index, order) in orders {
            if order.side() == Side::Buy && self.can_fill(*index) {
                let price = slipped(Side::Buy, self.reference(*index)?, self.costs.slippage_bps)?;
                wanted += order.quantity().get() * price.get() * (1.0 + self.costs.fee_rate);
            }
        }
        let share = affordable_share(self.cash(), wanted);
        for (index, order) in orders {
            if !self.can_fill(*index) {
                // Nobody trades what has no bar: the order expires.
                self.state.cut_count += 1;
            } else if order.side() == Side::Buy {
                let quantity = part(order.quantity().get(), share, self.lot());
                self.state.cut_count += u32::from(share < 1.0);
                if 0.0 < quantity {
                    self.fill(*index, order, quantity)?;
                }
            }
        }
        Ok(())
    }

    /// Row whose prices fill an order decided now.
    fn fill_row(&self) -> usize {
        match self.costs.fill {
            FillRule::NextOpen => self.state.row + 1,
            FillRule::SameClose => self.state.row,
        }
    }

    fn can_fill(&self, index: usize) -> bool {
        self.panel.tradable(self.fill_row())[index]
    }

    fn reference(&self, index: usize) -> Result<Price, NumError> {
        let market = self.market(index)?;
        Ok(match self.costs.fill {
            FillRule::NextOpen => market.next_open,
            FillRule::SameClose => market.close,
        })
    }

    fn market(&self, index: usize) -> Result<Market, NumError> {
        Ok(Market {
            close: Price::new(self.panel.close(self.state.row)[index])?,
            next_open: Price::new(self.panel.open(self.state.row + 1)[index])?,
        })
    }

    fn fill(&mut self, index: usize, order: &ApprovedOrder, quantity: f64) -> Result<(), NumError> {
        let quantity = Quantity::new(quantity)?;
        let fill = market_fill(&self.costs, order, &self.market(index)?, quantity)?;
        self.state.book(index, fill);
        Ok(())
    }

    /// Pays the next bar's dividends on what was held over the night.
    fn pay_dividends(&mut self) {
        if let Some(paid) = self.panel.dividend(self.state.row + 1) {
            let units = &self.state.units;
            self.state.dividends +=
                paid.iter().zip(units).map(|(one, units)| one * units).sum::<f64>();
        }
    }

    /// Settles what has had no bar for too long.
    fn delist(&mut self) -> Result<(), NumError> {
        let row = self.state.row;
        let (tradable, close) = (self.panel.tradable(row), self.panel.close(row));
        for index in 0..tradable.len() {
            let state = &mut self.state;
            state.absent[index] = if tradable[index] { 0 } else { state.absent[index] + 1 };
            if state.absent[index] < self.config.absent_bars_max || state.units[index] == 0.0 {
                continue;
            }
            let fill = Fill {
                quantity: Quantity::new(-state.units[index])?,
                price: Price::new(close[index])?,
                fee: Money::ZERO,
                slippage: Money::ZERO,
            };
            state.book(index, fill);
            state.delisted.push((row, index));
        }
        Ok(())
    }

    fn turn(&mut self, weights: &[f64]) -> Result<(), NumError> {
        self.state.fills.clear();
        let orders = self.decide(weights)?;
        match self.costs.fill {
            FillRule::NextOpen => {
                self.pay_dividends();
                self.execute(&orders)?;
            }
            FillRule::SameClose => {
                self.execute(&orders)?;
                self.pay_dividends();
            }
        }
        self.state.row += 1;
        self.delist()
    }

    /// Values the account at the present bar and says how the step ended.
    fn value(&mut self) -> Result<StepResult, NumError> {
        let close = self.panel.close(self.state.row);
        for (ledger, price) in self.state.ledgers.iter().zip(close) {
            if ledger.position().quantity() != 0.0 {
                ledger.assert_identity(Price::new(*price)?);
            }
        }
        let before = self.state.equity;
        let equity = self.state.worth(&self.config, close);
        let state = &mut self.state;
        state.equity = equity;
        if ruined(equity, self.config.initial_cash) {
            state.ended = Ended::Terminated;
        } else if state.row + 1 == self.panel.rows() {
            state.ended = Ended::Truncated;
        }
        Ok(state.ended.result(log_return(before, equity, self.config.initial_cash)))
    }
}

impl State {
    fn begin(config: &PortfolioConfig, assets: usize, row: usize) -> Result<Self, EngineError> {
        Money::new(config.initial_cash).map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            start_row: row,
            row,
            ledgers: vec![Ledger::new(Money::ZERO); assets],
            units: vec![0.0; assets],
            absent: vec![0; assets],
            dividends: 0.0,
            equity: config.initial_cash,
            ended: Ended::No,
            refusal_count: 0,
            cut_count: 0,
            fills: Vec::new(),
            delisted: Vec::new(),
        })
    }

    fn book(&mut self, index: usize, fill: Fill) {
        self.ledgers[index].apply(&fill);
        self.units[index] = self.ledgers[index].position().quantity();
        self.fills.push((index, fill));
    }

    fn cash(&self, config: &PortfolioConfig) -> f64 {
        let traded: f64 = self.ledgers.iter().map(Ledger::cash).sum();
        config.initial_cash + self.dividends + traded
    }

    fn worth(&self, config: &PortfolioConfig, close: &[f64]) -> f64 {
        let held: f64 = self.units.iter().zip(close).map(|(units, price)| units * price).sum();
        self.cash(config) + held
    }
}

/// A name for each number: the window `[W, K, N]`, oldest bar first, then the weights, cash first, then which
/// instruments can be traded.
fn names(panel: &PanelData, window: usize) -> Vec<String> {
    let mut names = Vec::new();
    for age in (0..window).rev() {
        let age = if age == 0 { "0".to_owned() } else { format!("-{age}") };
        for feature in panel.names() {
            names.extend(panel.instruments().iter().map(|one| format!("{feature}:{one}[{age}]")));
        }
    }
    names.push("weight:cash".to_owned());
    names.extend(panel.instruments().iter().map(|one| format!("weight:{one}")));
    names.extend(panel.instruments().iter().map(|one| format!("tradable:{one}")));
    names
}

impl Environment for Portfolio {
    fn observation_names(&self) -> &[String] {
        &self.names
    }

    fn action_space(&self) -> ActionSpace {
        ActionSpace::Simplex { assets: self.panel.assets() }
    }

    fn steps_per_episode(&self) -> usize {
        self.panel.rows() - self.window
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
        self.state = State::begin(&self.config, self.panel.assets(), self.window - 1 + offset)?;
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        assert_eq!(out.len(), self.names.len(), "the observation buffer has the wrong length");
        let (state, assets) = (&self.state, self.panel.assets());
        let seen = self.panel.window(state.row + 1 - self.window..state.row + 1);
        let (window, account) = out.split_at_mut(seen.len());
        window.copy_from_slice(seen);
        let (weights, tradable) = account.split_at_mut(assets + 1);
        let share = |value: f64| narrow(value / state.equity);
        weights[0] = share(self.cash());
        for (index, price) in self.panel.close(state.row).iter().enumerate() {
            weights[index + 1] = share(state.units[index] * price);
            tradable[index] = f32::from(u8::from(self.panel.tradable(state.row)[index]));
        }
    }

    fn step(&mut self, action: Action<'_>) -> StepResult {
        let fits = self.action_space().check(action);
        let (Action::Vector(weights), Ok(())) = (action, &fits) else {
            panic!("{}", fits.err().map_or_else(String::new, |error| error.to_string()));
        };
        if self.state.ended != Ended::No {
            return self.state.ended.result(0.0);
        }
        let result = self.turn(weights).and_then(|()| self.value());
        match result {
            Ok(result) => result,
            Err(error) => panic!("an amount left the finite numbers: {error}"),
        }
    }

    fn equity(&self) -> f64 {
        self.state.equity
    }

    fn snapshot(&self) -> AccountSnapshot {
        let state = &self.state;
        let paid = |ledger: &Ledger| ledger.fees() + ledger.slippage();
        AccountSnapshot {
            bar_index: state.row,
            equity: state.equity,
            cash: self.cash(),
            position: 0.0,
            lot: 0.0,
            costs: state.ledgers.iter().map(paid).sum(),
            refusal_count: state.refusal_count,
            cut_count: state.cut_count,
            last_fill: None,
        }
    }

    fn holdings(&self) -> Vec<Holding> {
        let close = self.panel.close(self.state.row);
        let held = self.state.units.iter().zip(close);
        held.map(|(units, price)| Holding { quantity: *units, value: units * price }).collect()
    }

    fn last_fills(&self) -> Vec<(usize, Fill)> {
        self.state.fills.clone()
    }

    fn remarks(&self) -> Vec<String> {
        let named = |(row, index): &(usize, usize)| {
            format!(
                "{} had no bar for {} bars and was settled at its last price, {}.",
                self.panel.instruments()[*index],
                self.config.absent_bars_max,
                self.panel.close(*row)[*index]
            )
        };
        self.state.delisted.iter().map(named).collect()
    }

    fn save(&self) -> Vec<u8> {
        saved::save(self)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.state = saved::load(self, bytes)?;
        Ok(())
    }
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "portfolio environment", detail }
}
