//! Order execution by policy distillation, PD, as the reference computes it: one unit is to be sold within the table.
//! Source: TradeMaster 1.0.0, spec/trademaster.md section 3.8.
//!
//! Quirks kept: actions are not clipped and negative ones buy; the perfect state shows the teacher L coming rows; what
//! is left at the end is sold without a reward of its own (the previous one is repeated); the last L rows are unused.

use std::sync::Arc;

use super::columns::{FeatureChoice, above_zero, numbers};
use super::interface::{FaithfulEnvironment, Info, Step, check_action};
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;

const WHAT: &str = "PD order execution";

/// Closes and features of one instrument, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct PdTable {
    close: Vec<f64>,
    names: Vec<String>,
    /// `[row, feature]`.
    features: Vec<f64>,
}

impl PdTable {
    /// Reads closes and features.
    ///
    /// # Errors
    /// Refuses missing columns and closes that are no prices.
    pub fn from_table(
        table: &ReferenceTable,
        features: &FeatureChoice,
    ) -> Result<Self, EngineError> {
        let close = numbers(table, &["close"])?[0];
        above_zero(close, "close")?;
        let names = features.resolve(table)?;
        let columns = numbers(table, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
        let features = (0..close.len())
            .flat_map(|row| columns.iter().map(move |column| column[row]))
            .collect();
        Ok(Self { close: close.to_vec(), names, features })
    }

    fn rows(&self, from: usize, to: usize) -> &[f64] {
        let width = self.names.len();
        &self.features[from * width..to * width]
    }
}

/// The environment. Observation `[1, L, features]`: the last L rows; action: the amount to sell.
#[derive(Debug, Clone)]
pub struct Pd {
    table: Arc<PdTable>,
    length: usize,
    day: usize,
    money: f64,
    left: f64,
    time_left: f64,
    reward: f64,
    done: bool,
    /// The last L pairs (time left, order left).
    private: Vec<[f64; 2]>,
    visited: Vec<f64>,
    assets: Vec<f64>,
}

impl Pd {
    /// Builds the environment at the start of an episode; `length` is the window L.
    ///
    /// # Errors
    /// Refuses L = 0 and tables of fewer than 2·L + 1 rows.
    pub fn new(table: Arc<PdTable>, length: usize) -> Result<Self, EngineError> {
        let rows = table.close.len();
        if length == 0 || rows < 2 * length + 1 {
            let detail = format!(
                "a window of at least 1 and at least {} rows are needed for the window {length}, found {rows} rows",
                2 * length + 1
            );
            return Err(EngineError::Refused { what: WHAT, detail });
        }
        let mut environment = Self {
            table,
            length,
            day: length,
            money: 0.0,
            left: 1.0,
            time_left: 1.0,
            reward: 0.0,
            done: false,
            private: Vec::new(),
            visited: Vec::new(),
            assets: Vec::new(),
        };
        environment.reset();
        Ok(environment)
    }

    /// Returns how many steps the order may be spread over: rows − 2·L.
    #[must_use]
    pub fn step_count(&self) -> usize {
        self.table.close.len() - 2 * self.length
    }

    /// Returns the money made so far.
    #[must_use]
    pub fn money(&self) -> f64 {
        self.money
    }

    /// Returns how much is left to be sold.
    #[must_use]
    pub fn order_left(&self) -> f64 {
        self.left
    }

    /// Returns the mean of the prices visited, to which the reference compares; `None` before the first step.
    #[must_use]
    pub fn mean_price(&self) -> Option<f64> {
        let count = self.visited.len() as f64;
        (!self.visited.is_empty()).then(|| self.visited.iter().sum::<f64>() / count)
    }

    /// Notes a pair and the order's worth at `price`.
    fn note(&mut self, pair: [f64; 2], price: f64) {
        self.private.remove(0);
        self.private.push(pair);
        self.visited.push(price);
        self.assets.push(self.money + self.left * price);
    }
}

impl FaithfulEnvironment for Pd {
    fn observation_shape(&self) -> Vec<usize> {
        vec![1, self.length, self.table.names.len()]
    }

    fn observation_names(&self) -> Vec<String> {
        (1..=self.length)
            .rev()
            .flat_map(|back| self.table.names.iter().map(move |name| format!("{name} t-{back}")))
            .collect()
    }

    fn reset(&mut self) {
        self.day = self.length;
        (self.money, self.left, self.time_left) = (0.0, 1.0, 1.0);
        (self.reward, self.done) = (0.0, false);
        self.private = vec![[1.0, 1.0]; self.length];
        self.visited = Vec::new();
        self.assets = vec![self.table.close[self.day - 1]];
    }

    fn observe(&self) -> Vec<f64> {
        self.table.rows(self.day - self.length, self.day).to_vec()
    }

    fn step(&mut self, action: &[f64]) -> Result<Step, EngineError> {
        check_action(WHAT, action, 1)?;
        if self.done {
            return Ok(Step { reward: self.reward, done: true });
        }
        let amount = action[0];
        self.day += 1;
        let price = self.table.close[self.day - 1];
        if self.table.close.len() - self.length <= self.day {
            self.money += self.left * price;
            (self.left, self.time_left, self.done) = (0.0, 0.0, true);
            self.note([0.0, 0.0], price);
            return Ok(Step { reward: self.reward, done: true });
        }
        let seen = &self.table.close[..self.day - 1];
        let average = seen.iter().sum::<f64>() / seen.len() as f64;
        let sold = if amount.abs() < self.left.abs() {
            amount
        } else {
            self.done = true;
            self.left
        };
        self.money += sold * price;
        self.reward = sold * (price / average - 1.0);
        self.time_left -= 1.0 / self.step_count() as f64;
        // The order is reduced by what was asked for, not by what was sold.
        self.left -= amount;
        let worth = if self.done { 0.0 } else { self.left };
        self.note([self.time_left, self.left], price);
        if let Some(last) = self.assets.last_mut() {
            *last = self.money + worth * price;
        }
        Ok(Step { reward: self.reward, done: self.done })
    }

    /// Money plus what is left of the order at the row's close; the order at the last close before it at first. The
    /// reference records none.
    fn assets(&self) -> Vec<f64> {
        self.assets.clone()
    }

    fn returns(&self) -> Vec<f64> {
        let changes = self.assets.windows(2).map(|pair| pair[1] / pair[0] - 1.0);
        std::iter::once(0.0).chain(changes).collect()
    }

    /// `perfect_state` `[2·L, features]` (the future included) and `private_state` `[L, 2]`.
    fn info(&self) -> Info {
        let end = (self.day + self.length).min(self.table.close.len());
        Info::from([
            ("perfect_state", self.table.rows(self.day - self.length, end).to_vec()),
            ("private_state", self.private.iter().flatten().copied().collect()),
        ])
    }
}
