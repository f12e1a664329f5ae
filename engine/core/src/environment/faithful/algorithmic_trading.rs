//! Algorithmic trading as the reference computes it. Source: TradeMaster 1.0.0, spec/trademaster.md section 3.1.
//!
//! Quirks kept: the trade happens at the close just observed; the reward looks F bars ahead; the terminal call repeats
//! the last reward; opening a short costs cash like a purchase; trades through zero are mis-costed; a purchase costs
//! p/(1 − c); an order that cannot be paid is cut to whole units, and 0/0 is NaN; nothing bounds the position but
//! cash; the episode stops F rows before the end.

use std::sync::Arc;

use crate::config::{EnvironmentConfig, StrategyConfig};
use crate::environment::observation::{self, AccountObservation};
use crate::environment::state::{Reader, Writer, damaged};
use crate::environment::{
    AccountSnapshot, Action, ActionSpace, Environment, MarketData, RewardUnit, StepResult,
};
use crate::error::EngineError;
use crate::num::{Money, Price, Quantity, narrow};
use crate::orders::Fill;

/// Names environment and layout of saved states.
const TAG: [u8; 8] = *b"TMFA0001";

/// How the asset value goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AssetRecursion {
    /// Version 1.0.0: cash + holding · close.
    #[default]
    Release1,
    /// The earlier release: the holding's gain is added to the last value, so that fees never reach the curve.
    EarlierFeeFree,
}

/// What the reference fixes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constants {
    /// Cash at the start.
    pub cash: f64,
    /// Fee rate c.
    pub fee_rate: f64,
    /// Most units per order, V.
    pub max_volume: u32,
    /// Rows looked back on, B.
    pub backward: usize,
    /// Rows the reward looks ahead, F.
    pub forward: usize,
    /// Weight of the future price, w.
    pub future_weight: f64,
    /// How the asset value goes on.
    pub recursion: AssetRecursion,
}

impl Default for Constants {
    fn default() -> Self {
        Self {
            cash: 100_000.0,
            fee_rate: 0.001,
            max_volume: 1,
            backward: 5,
            forward: 5,
            future_weight: 0.2,
            recursion: AssetRecursion::Release1,
        }
    }
}

/// The environment.
#[derive(Debug, Clone)]
pub struct AlgorithmicTrading {
    market: Arc<MarketData>,
    constants: Constants,
    names: Vec<String>,
    start_day: usize,
    state: State,
}

#[derive(Debug, Clone, Copy)]
struct State {
    day: usize,
    cash: f64,
    holding: f64,
    assets: f64,
    reward: f64,
    daily_return: f64,
    costs: f64,
    terminal: bool,
    last_fill: Option<Fill>,
}

impl AlgorithmicTrading {
    /// Builds the environment at the start of an episode.
    ///
    /// # Errors
    /// Refuses data with fewer than B + F + 1 rows, which is too short for the terminal call.
    pub fn new(market: Arc<MarketData>, constants: Constants) -> Result<Self, EngineError> {
        let wanted = constants.backward + constants.forward + 1;
        if market.rows() < wanted || constants.backward == 0 || constants.forward == 0 {
            return Err(EngineError::Refused {
                what: "faithful algorithmic trading",
                detail: format!(
                    "at least {wanted} rows and a look-back and look-forward of 1 are needed, found {} rows",
                    market.rows()
                ),
            });
        }
        Ok(Self {
            names: observation::names(market.names(), constants.backward),
            start_day: constants.backward,
            state: State::begin(&constants, constants.backward),
            market,
            constants,
        })
    }

    /// Builds the environment with the constants of a strategy. Slippage, lots, position limit and risk limits do not
    /// exist in the reference and are not applied.
    ///
    /// # Errors
    /// Refuses data that is too short, and strategies of another task.
    pub fn from_strategy(
        strategy: &StrategyConfig,
        market: Arc<MarketData>,
    ) -> Result<Self, EngineError> {
        let EnvironmentConfig::AlgorithmicTrading(config) = &strategy.environment else {
            return Err(EngineError::Refused {
                what: "faithful algorithmic trading",
                detail: format!(
                    "algorithmic trading was wanted, found the task {}; let `build` choose the environment",
                    strategy.environment.task()
                ),
            });
        };
        let constants = Constants {
            cash: config.initial_cash,
            fee_rate: strategy.matching.fee_rate,
            max_volume: config.max_volume,
            backward: config.backward_bars as usize,
            forward: config.forward_bars as usize,
            future_weight: config.future_weight,
            recursion: AssetRecursion::Release1,
        };
        Self::new(market, constants)
    }

    /// Returns the constants.
    #[must_use]
    pub fn constants(&self) -> &Constants {
        &self.constants
    }

    /// Returns the data.
    #[must_use]
    pub fn market(&self) -> &MarketData {
        &self.market
    }

    /// Returns the row after the last one seen.
    #[must_use]
    pub fn day(&self) -> usize {
        self.state.day
    }

    /// Returns the "daily return" of the last trade, which is an amount of currency.
    #[must_use]
    pub fn daily_return(&self) -> f64 {
        self.state.daily_return
    }

    /// Returns `info.volidality` (their spelling): the variance of the F coming returns of close. Looks ahead.
    #[must_use]
    pub fn volidality(&self) -> f64 {
        let closes =
            &self.market.close()[self.state.day - 1..self.state.day + self.constants.forward];
        let returns: Vec<f64> =
            closes.windows(2).map(|pair| pair[1].get() / pair[0].get() - 1.0).collect();
        let mean = returns.iter().sum::<f64>() / returns.len() as f64;
        returns.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>()
            / returns.len() as f64
    }

    /// Returns what the initial cash would be worth if it had been invested in the last row of the first window,
    /// fractions and fees ignored, at the row of the present day.
    #[must_use]
    pub fn buy_and_hold_assets(&self) -> f64 {
        let close = self.market.close();
        self.constants.cash / close[self.constants.backward - 1].get() * close[self.state.day].get()
    }

    fn close(&self, row: usize) -> f64 {
        self.market.close()[row].get()
    }

    fn last_day(&self) -> usize {
        self.market.rows() - self.constants.forward - 1
    }

    /// Trades `wished` units at `price` and returns what was traded.
    fn trade(&mut self, wished: f64, price: f64) -> f64 {
        let c = self.constants.fee_rate;
        let state = &mut self.state;
        let (holding, cash) = (state.holding, state.cash);
        let after = holding + wished;
        let growth = after.abs() - holding.abs();
        if growth < 0.0 {
            state.cash += growth.abs() * price * (1.0 - c);
            state.holding = after;
            return wished;
        }
        let cost = wished.abs() * price / (1.0 - c);
        if cash > cost {
            state.cash -= cost;
            state.holding = after;
            return wished;
        }
        // Cut to what cash pays for. A wish of nothing without cash is 0/0: everything is NaN from here on.
        let units = (cash / (price / (1.0 - c))).trunc();
        let traded = wished.abs() / wished * units;
        state.holding = holding + traded;
        state.cash -= traded.abs() * price / (1.0 - c);
        traded
    }

    /// Notes a trade for reports: what it cost beyond the price.
    fn note(&mut self, traded: f64, price: f64, cash_before: f64, holding_before: f64) {
        let grew = self.state.holding.abs() - holding_before.abs();
        let moved = (self.state.cash - cash_before).abs();
        let fee = (moved - grew.abs() * price).abs();
        let fee = if traded == 0.0 || !fee.is_finite() { 0.0 } else { fee };
        self.state.costs += fee;
        let parts = (Quantity::new(traded), Price::new(price), Money::new(fee));
        self.state.last_fill = match parts {
            (Ok(quantity), Ok(price), Ok(fee)) if traded != 0.0 => {
                Some(Fill { quantity, price, fee, slippage: Money::ZERO })
            }
            _ => None,
        };
    }
}

impl State {
    fn begin(constants: &Constants, day: usize) -> Self {
        Self {
            day,
            cash: constants.cash,
            holding: 0.0,
            assets: constants.cash,
            reward: 0.0,
            daily_return: 0.0,
            costs: 0.0,
            terminal: false,
            last_fill: None,
        }
    }
}

impl Environment for AlgorithmicTrading {
    fn observation_names(&self) -> &[String] {
        &self.names
    }

    fn action_space(&self) -> ActionSpace {
        ActionSpace::Discrete(self.action_count())
    }

    fn action_count(&self) -> usize {
        2 * self.constants.max_volume as usize + 1
    }

    fn reward_unit(&self) -> RewardUnit {
        RewardUnit::Reference
    }

    /// The last call is the terminal one, without a trade.
    fn steps_per_episode(&self) -> usize {
        self.market.rows() - self.constants.forward - self.constants.backward
    }

    fn reset(&mut self) {
        self.start_day = self.constants.backward;
        self.state = State::begin(&self.constants, self.start_day);
    }

    fn reset_at(&mut self, offset: usize) -> Result<(), EngineError> {
        if self.steps_per_episode() <= offset {
            return Err(EngineError::Refused {
                what: "faithful algorithmic trading",
                detail: format!(
                    "an episode can begin 0 to {} steps after the start, not {offset}",
                    self.steps_per_episode() - 1
                ),
            });
        }
        self.start_day = self.constants.backward + offset;
        self.state = State::begin(&self.constants, self.start_day);
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        let account = AccountObservation {
            cash: narrow(self.state.cash),
            position: narrow(self.state.holding),
        };
        observation::observe(
            &self.market,
            self.state.day - 1,
            self.constants.backward,
            account,
            out,
        );
    }

    fn step(&mut self, action: Action<'_>) -> StepResult {
        let action = action.index();
        assert!(
            action < self.action_count(),
            "there is no action {action} of {}",
            self.action_count()
        );
        if self.last_day() <= self.state.day {
            // The terminal call does nothing and returns the previous reward once more.
            let reward = if self.state.terminal { 0.0 } else { self.state.reward };
            self.state.terminal = true;
            self.state.last_fill = None;
            return StepResult { reward, terminated: true, truncated: false };
        }
        let wished = action as f64 - f64::from(self.constants.max_volume);
        let price = self.close(self.state.day - 1);
        let (cash_before, holding_before) = (self.state.cash, self.state.holding);
        let traded = self.trade(wished, price);
        self.note(traded, price, cash_before, holding_before);
        self.state.day += 1;
        let next = self.close(self.state.day - 1);
        let future = self.close(self.state.day + self.constants.forward - 2);
        let state = &mut self.state;
        state.daily_return = state.holding * (next - price);
        state.reward =
            state.holding * ((next - price) + self.constants.future_weight * (future - price));
        state.assets = match self.constants.recursion {
            AssetRecursion::Release1 => state.cash + state.holding * next,
            AssetRecursion::EarlierFeeFree => state.assets + state.daily_return,
        };
        StepResult { reward: state.reward, terminated: false, truncated: false }
    }

    fn equity(&self) -> f64 {
        self.state.assets
    }

    fn snapshot(&self) -> AccountSnapshot {
        AccountSnapshot {
            bar_index: self.state.day - 1,
            equity: self.state.assets,
            cash: self.state.cash,
            position: self.state.holding,
            lot: 1.0,
            costs: self.state.costs,
            refusal_count: 0,
            cut_count: 0,
            last_fill: self.state.last_fill,
        }
    }

    fn save(&self) -> Vec<u8> {
        let state = &self.state;
        let mut writer = Writer::new(TAG);
        writer.u64(self.market.rows() as u64).u64(self.constants.backward as u64);
        writer.u64(self.start_day as u64).u64(state.day as u64).u64(u64::from(state.terminal));
        for number in
            [state.cash, state.holding, state.assets, state.reward, state.daily_return, state.costs]
        {
            writer.f64(number);
        }
        writer.fill(state.last_fill.as_ref());
        writer.finish()
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let mut reader = Reader::new(TAG, bytes)?;
        if (reader.usize()?, reader.usize()?) != (self.market.rows(), self.constants.backward) {
            return Err(damaged("it belongs to other data or another window"));
        }
        let (start_day, day) = (reader.usize()?, reader.usize()?);
        if start_day < self.constants.backward || day < start_day || self.last_day() < day {
            return Err(damaged("its row does not exist"));
        }
        let state = State {
            day,
            terminal: reader.u64()? == 1,
            cash: reader.f64()?,
            holding: reader.f64()?,
            assets: reader.f64()?,
            reward: reader.f64()?,
            daily_return: reader.f64()?,
            costs: reader.f64()?,
            last_fill: reader.fill()?,
        };
        reader.finish()?;
        (self.start_day, self.state) = (start_day, state);
        Ok(())
    }
}
