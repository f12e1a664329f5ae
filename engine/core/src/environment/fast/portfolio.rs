//! Trading a portfolio in plain numbers: the same targets and fills as `Portfolio`, without its orders and ledgers.
//!
//! For complete panels and fractional units. Loops run over whole columns, so that several instruments are computed at
//! once; sums are kept side by side and agree with the audited ones up to rounding.

use std::sync::Arc;

use super::{refused, unlimited};
use crate::config::{FillRule, MatchingConfig, PortfolioConfig, PortfolioUnits, RiskConfig};
use crate::environment::portfolio::{ORDER_SHARE_MIN, affordable_share, value_kept};
use crate::environment::reward::{log_return, ruined};
use crate::environment::state::Ended;
use crate::environment::{PanelData, StepResult};
use crate::error::EngineError;

/// Sums side by side.
const LANES: usize = 4;

/// Trading many instruments by weights, account in plain numbers.
#[derive(Debug, Clone)]
pub struct FastPortfolio {
    panel: Arc<PanelData>,
    initial_cash: f64,
    window: usize,
    fee_rate: f64,
    slippage: f64,
    fill: FillRule,
    row: usize,
    cash: f64,
    equity: f64,
    units: Vec<f64>,
    held: Vec<f64>,
    target: Vec<f64>,
    ended: Ended,
}

impl FastPortfolio {
    /// Builds the account and begins an episode.
    ///
    /// # Errors
    /// Refuses risk limits, whole lots, panels in which a bar is absent, and data with less than one step after the
    /// window.
    pub fn new(
        config: &PortfolioConfig,
        costs: &MatchingConfig,
        limits: &RiskConfig,
        panel: Arc<PanelData>,
    ) -> Result<Self, EngineError> {
        unlimited(limits)?;
        if config.units != PortfolioUnits::Fractional {
            return Err(refused("fractional units are wanted, found whole lots".to_owned()));
        }
        let complete = (0..panel.rows()).all(|row| panel.tradable(row).iter().all(|there| *there));
        let window = config.window_bars as usize;
        if !complete || panel.rows() <= window {
            return Err(refused(format!(
                "more than {window} rows with a bar of every instrument are wanted, found {} rows{}; use the audited \
                 environment",
                panel.rows(),
                if complete { "" } else { " with gaps" }
            )));
        }
        let nothing = vec![0.0; panel.assets()];
        Ok(Self {
            initial_cash: config.initial_cash,
            window,
            fee_rate: costs.fee_rate,
            slippage: costs.slippage_bps * 1e-4,
            fill: costs.fill,
            row: window - 1,
            cash: config.initial_cash,
            equity: config.initial_cash,
            units: nothing.clone(),
            held: nothing.clone(),
            target: nothing,
            ended: Ended::No,
            panel,
        })
    }

    /// Begins an episode `offset` steps after the start of the data.
    ///
    /// # Errors
    /// Refuses an offset that leaves no step; nothing is changed then.
    pub fn reset_at(&mut self, offset: usize) -> Result<(), EngineError> {
        let steps = self.panel.rows() - self.window;
        if steps <= offset {
            return Err(refused(format!(
                "an episode can begin 0 to {} steps after the start, not {offset}",
                steps - 1
            )));
        }
        self.row = self.window - 1 + offset;
        (self.cash, self.equity) = (self.initial_cash, self.initial_cash);
        self.units.fill(0.0);
        self.ended = Ended::No;
        Ok(())
    }

    /// Returns the value of the account, quote currency.
    #[must_use]
    pub fn equity(&self) -> f64 {
        self.equity
    }

    /// Returns the cash, quote currency.
    #[must_use]
    pub fn cash(&self) -> f64 {
        self.cash
    }

    /// Returns the units held `[N]`.
    #[must_use]
    pub fn units(&self) -> &[f64] {
        &self.units
    }

    /// Takes weights `[N + 1]`, cash first, and moves to the next bar, as `Portfolio` does. The weights are not checked
    /// one by one: they have to be those of an `ActionSpace::Simplex`.
    ///
    /// # Panics
    /// When there are not N + 1 weights, or the account's value is not a number afterwards.
    pub fn step(&mut self, weights: &[f64]) -> StepResult {
        assert_eq!(weights.len(), self.units.len() + 1, "cash and one weight per instrument");
        if self.ended != Ended::No {
            return self.ended.result(0.0);
        }
        self.decide(&weights[1..]);
        match self.fill {
            FillRule::NextOpen => {
                self.pay_dividends();
                self.execute(true);
            }
            FillRule::SameClose => {
                self.execute(false);
                self.pay_dividends();
            }
        }
        self.row += 1;
        let before = self.equity;
        self.equity = self.cash + dot(&self.units, self.panel.close(self.row));
        assert!(self.equity.is_finite(), "the account is worth {}", self.equity);
        if ruined(self.equity, self.initial_cash) {
            self.ended = Ended::Terminated;
        } else if self.row + 1 == self.panel.rows() {
            self.ended = Ended::Truncated;
        }
        self.ended.result(log_return(before, self.equity, self.initial_cash))
    }

    /// Writes into `target` by how many units each instrument shall change.
    fn decide(&mut self, weights: &[f64]) {
        let close = self.panel.close(self.row);
        let count = self.units.len();
        let (units, held, target) =
            (&self.units[..count], &mut self.held[..count], &mut self.target[..count]);
        let close = &close[..count];
        let wished: f64 = weights.iter().sum();
        let share = if 1.0 < wished { 1.0 / wished } else { 1.0 };
        let per_equity = 1.0 / self.equity;
        for index in 0..count {
            held[index] = units[index] * close[index] * per_equity;
            target[index] = weights[index] * share;
        }
        let cost_rate = self.slippage + self.fee_rate * (1.0 + self.slippage);
        let kept = value_kept(target, held, cost_rate) * self.equity;
        let least = ORDER_SHARE_MIN * self.equity;
        for index in 0..count {
            let wanted = kept * target[index];
            let change = wanted / close[index] - units[index];
            let moves = least < (wanted - units[index] * close[index]).abs();
            target[index] = if moves { change } else { 0.0 };
            if weights[index] <= 0.0 {
                target[index] = -units[index];
            }
        }
    }

    /// Trades the changes: sales first, then purchases as far as the money goes.
    fn execute(&mut self, next_open: bool) {
        let price =
            if next_open { self.panel.open(self.row + 1) } else { self.panel.close(self.row) };
        let count = self.units.len();
        let (units, change, price) =
            (&mut self.units[..count], &self.target[..count], &price[..count]);
        let (sold, bought) = turnover(change, price);
        self.cash += sold * (1.0 - self.slippage) * (1.0 - self.fee_rate);
        let wanted = bought * (1.0 + self.slippage) * (1.0 + self.fee_rate);
        let share = affordable_share(self.cash, wanted);
        self.cash -= wanted * share;
        for index in 0..count {
            units[index] += change[index].min(0.0) + change[index].max(0.0) * share;
        }
    }

    fn pay_dividends(&mut self) {
        if let Some(paid) = self.panel.dividend(self.row + 1) {
            self.cash += dot(&self.units, paid);
        }
    }
}

/// Returns the value sold and the value bought, both 0 or more.
fn turnover(change: &[f64], price: &[f64]) -> (f64, f64) {
    let (mut sold, mut bought) = ([0.0; LANES], [0.0; LANES]);
    let mut changes = change.chunks_exact(LANES);
    let mut prices = price.chunks_exact(LANES);
    for (change, price) in changes.by_ref().zip(prices.by_ref()) {
        for lane in 0..LANES {
            sold[lane] -= change[lane].min(0.0) * price[lane];
            bought[lane] += change[lane].max(0.0) * price[lane];
        }
    }
    for (change, price) in changes.remainder().iter().zip(prices.remainder()) {
        sold[0] -= change.min(0.0) * price;
        bought[0] += change.max(0.0) * price;
    }
    (sold.iter().sum(), bought.iter().sum())
}

/// Returns the sum of the products.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let mut lefts = left.chunks_exact(LANES);
    let mut rights = right.chunks_exact(LANES);
    for (left, right) in lefts.by_ref().zip(rights.by_ref()) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f64 =
        lefts.remainder().iter().zip(rights.remainder()).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f64>() + rest
}
