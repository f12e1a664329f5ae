//! High-frequency trading as the reference computes it: an action is the holding to move to, in tenths of 0.01 BTC.
//! Source: TradeMaster 1.0.0, spec/trademaster.md section 3.9.
//!
//! Quirks kept: orders are filled in the row just observed; level 5 is never traded and what is left is not executed;
//! the holding is valued at the best bid whatever it is; the mask counts four levels and rounds up; the capital is
//! computed after the episode as what was needed at the worst moment, 0 when nothing was bought.

use std::sync::Arc;

use super::columns::{FeatureChoice, numbers};
use super::hft_book::{HftBook, depth, walk};
use super::hft_oracle::{Ladder, best_actions};
use super::interface::{FaithfulEnvironment, Info, Step, choice};
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;

const WHAT: &str = "high-frequency trading";

/// The 66 columns of the observation, in order, spelt as the files spell them.
pub const HFT_FEATURES: [&str; 66] = [
    "imblance_volume_oe",
    "sell_spread_oe",
    "buy_spread_oe",
    "kmid2",
    "bid1_size_n",
    "ksft2",
    "ma_10",
    "ksft",
    "kmid",
    "ask1_size_n",
    "trade_diff",
    "qtlu_10",
    "qtld_10",
    "cntd_10",
    "beta_10",
    "roc_10",
    "bid5_size_n",
    "rsv_10",
    "imxd_10",
    "ask5_size_n",
    "ma_30",
    "max_10",
    "qtlu_30",
    "imax_10",
    "imin_10",
    "min_10",
    "qtld_30",
    "cntn_10",
    "rsv_30",
    "cntp_10",
    "ma_60",
    "max_30",
    "qtlu_60",
    "qtld_60",
    "cntd_30",
    "roc_30",
    "beta_30",
    "bid4_size_n",
    "rsv_60",
    "ask4_size_n",
    "imxd_30",
    "min_30",
    "max_60",
    "imax_30",
    "imin_30",
    "cntd_60",
    "roc_60",
    "beta_60",
    "cntn_30",
    "min_60",
    "cntp_30",
    "bid3_size_n",
    "imxd_60",
    "ask3_size_n",
    "sell_volume_oe",
    "imax_60",
    "imin_60",
    "cntn_60",
    "buy_volume_oe",
    "cntp_60",
    "bid2_size_n",
    "kup",
    "bid1_size",
    "ask1_size",
    "std_30",
    "ask2_size_n",
];

/// What the reference fixes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HftSetup {
    /// Cost rate c (the configured key is misspelt, so this is always in force).
    pub cost_rate: f64,
    /// Units of the largest holding, BTC.
    pub max_holding: f64,
    /// Actions 0 … `action_count` − 1.
    pub action_count: usize,
    /// Rows of the observation.
    pub stack: usize,
    /// Rows of a training episode; absent in validation and test, which run to the end.
    pub episode_length: Option<usize>,
}

impl Default for HftSetup {
    fn default() -> Self {
        Self {
            cost_rate: 0.000_05,
            max_holding: 0.01,
            action_count: 11,
            stack: 1,
            episode_length: None,
        }
    }
}

/// Rows of a training episode in the reference.
pub const HFT_EPISODE_LENGTH: usize = 14_400;

/// Book and features of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct HftTable {
    book: HftBook,
    names: Vec<String>,
    /// `[row, feature]`.
    features: Vec<f64>,
}

impl HftTable {
    /// Reads book and features.
    ///
    /// # Errors
    /// Refuses missing columns, numbers that are not finite, and fewer than two rows.
    pub fn from_table(
        table: &ReferenceTable,
        features: &FeatureChoice,
    ) -> Result<Self, EngineError> {
        let book = HftBook::from_table(table)?;
        let names = features.resolve(table)?;
        let columns = numbers(table, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
        let features = (0..book.rows())
            .flat_map(|row| columns.iter().map(move |column| column[row]))
            .collect();
        Ok(Self { book, names, features })
    }
}

/// The environment. Observation `[stack, features]`; action: 0 … 10.
#[derive(Debug, Clone)]
pub struct HighFrequency {
    table: Arc<HftTable>,
    setup: HftSetup,
    ladder: Ladder,
    oracle: Arc<Vec<usize>>,
    start: usize,
    day: usize,
    position: f64,
    previous_action: usize,
    done: bool,
    rewards: Vec<f64>,
    /// Money in (above 0) or out of each call.
    cash_flows: Vec<f64>,
    fees: f64,
}

impl HighFrequency {
    /// Builds the environment at the start of an episode and computes the oracle once.
    ///
    /// # Errors
    /// Refuses a stack of 0, fewer rows than stack + 1, fewer than two actions, and rates out of range.
    pub fn new(table: Arc<HftTable>, setup: HftSetup) -> Result<Self, EngineError> {
        let rows = table.book.rows();
        let refused = |detail: String| Err(EngineError::Refused { what: WHAT, detail });
        if setup.stack == 0 || rows < setup.stack + 1 {
            return refused(format!(
                "a stack of at least 1 and at least stack + 1 rows are needed, found {} and {rows}",
                setup.stack
            ));
        }
        if setup.episode_length == Some(0) {
            return refused("an episode must have at least 1 row, found 0".to_owned());
        }
        let sound = setup.max_holding > 0.0 && setup.max_holding.is_finite();
        if !sound || setup.action_count < 2 || !(0.0..1.0).contains(&setup.cost_rate) {
            return refused(format!(
                "wanted a largest holding above 0, at least 2 actions and a cost rate from 0 to below 1, found {}, {} and {}",
                setup.max_holding, setup.action_count, setup.cost_rate
            ));
        }
        let ladder = Ladder {
            count: setup.action_count,
            max_holding: setup.max_holding,
            cost_rate: setup.cost_rate,
        };
        let oracle = Arc::new(best_actions(&table.book, &ladder));
        Ok(Self {
            table,
            ladder,
            oracle,
            start: 0,
            day: setup.stack,
            setup,
            position: 0.0,
            previous_action: 0,
            done: false,
            rewards: Vec::new(),
            cash_flows: Vec::new(),
            fees: 0.0,
        })
    }

    /// Begins an episode on row `start` + stack, as the training variant does.
    ///
    /// # Errors
    /// Refuses a start that leaves no row to move to; nothing is changed then.
    pub fn reset_at(&mut self, start: usize) -> Result<(), EngineError> {
        let rows = self.table.book.rows();
        if rows <= start + self.setup.stack {
            let last = rows.saturating_sub(self.setup.stack + 1);
            let detail = format!("an episode can begin on rows 0 to {last}, not {start}");
            return Err(EngineError::Refused { what: WHAT, detail });
        }
        (self.start, self.day) = (start, start + self.setup.stack);
        (self.position, self.previous_action, self.done) = (0.0, 0, false);
        self.rewards.clear();
        self.cash_flows.clear();
        self.fees = 0.0;
        Ok(())
    }

    /// Returns the oracle's action of every row but the last.
    #[must_use]
    pub fn oracle(&self) -> &[usize] {
        &self.oracle
    }

    /// Returns the units held.
    #[must_use]
    pub fn position(&self) -> f64 {
        self.position
    }

    /// Returns the fees paid so far.
    #[must_use]
    pub fn fees(&self) -> f64 {
        self.fees
    }

    /// Returns the capital that was needed at the worst moment; 0 when nothing was bought.
    #[must_use]
    pub fn required_money(&self) -> f64 {
        let mut balance = 0.0_f64;
        let balances = self.cash_flows.iter().map(|flow| {
            balance += flow;
            balance
        });
        let lowest = balances.reduce(f64::min).unwrap_or(0.0);
        // Never −0.
        0.0 - lowest
    }

    /// Returns all money in and out plus what is held at the best bid.
    #[must_use]
    pub fn final_balance(&self) -> f64 {
        self.cash_flows.iter().sum::<f64>() + self.table.book.value(self.row(), self.position)
    }

    /// Returns which actions the present row could reach: 1 or 0 each.
    #[must_use]
    pub fn mask(&self) -> Vec<f64> {
        let (book, row) = (&self.table.book, self.row());
        let (steps, most) = ((self.setup.action_count - 1) as f64, self.setup.max_holding);
        let highest = (self.position + depth(&book.asks[row])).min(most);
        let lowest = (self.position - depth(&book.bids[row])).max(0.0);
        let upper = (highest * steps / most).trunc();
        let lower = if lowest > 0.0 {
            ((lowest * steps / most).trunc() + 1.0).min(upper).min(self.position * steps / most)
        } else {
            0.0
        };
        (0..self.setup.action_count)
            .map(|action| action as f64)
            .map(|action| if (lower..=upper).contains(&action) { 1.0 } else { 0.0 })
            .collect()
    }

    fn row(&self) -> usize {
        self.day - 1
    }

    fn is_last(&self) -> bool {
        let last = self.table.book.rows() - 1;
        let training = self.setup.episode_length.map_or(last, |length| self.start + length - 1);
        last.min(training) <= self.day
    }

    /// Moves the holding in the present row and returns the money that came in.
    fn trade(&mut self, target: f64) -> f64 {
        let (bids, asks) = (&self.table.book.bids[self.row()], &self.table.book.asks[self.row()]);
        let c = self.setup.cost_rate;
        if target <= self.position {
            let sold = walk(bids, self.position - target);
            self.position = if sold.short { self.position - sold.traded } else { target };
            self.fees += c * sold.value;
            return sold.value * (1.0 - c);
        }
        let bought = walk(asks, target - self.position);
        self.position = if bought.short { self.position + bought.traded } else { target };
        self.fees += c * bought.value;
        -(bought.value * (1.0 + c))
    }

    fn one_hot(&self, action: Option<usize>) -> Vec<f64> {
        let mut flags = vec![0.0; self.setup.action_count];
        if let Some(flag) = action.and_then(|action| flags.get_mut(action)) {
            *flag = 1.0;
        }
        flags
    }
}

impl FaithfulEnvironment for HighFrequency {
    fn observation_shape(&self) -> Vec<usize> {
        vec![self.setup.stack, self.table.names.len()]
    }

    fn observation_names(&self) -> Vec<String> {
        (1..=self.setup.stack)
            .rev()
            .flat_map(|back| self.table.names.iter().map(move |name| format!("{name} t-{back}")))
            .collect()
    }

    fn reset(&mut self) {
        // Row 0 is a start that always exists: a table has at least stack + 1 rows.
        let begun = self.reset_at(0);
        debug_assert!(begun.is_ok());
    }

    fn observe(&self) -> Vec<f64> {
        let width = self.table.names.len();
        self.table.features[(self.day - self.setup.stack) * width..self.day * width].to_vec()
    }

    fn step(&mut self, action: &[f64]) -> Result<Step, EngineError> {
        let chosen = choice(WHAT, action, self.setup.action_count)?;
        if self.done {
            return Ok(Step { reward: 0.0, done: true });
        }
        self.done = self.is_last();
        let before = self.table.book.value(self.row(), self.position);
        let flow =
            self.trade(self.setup.max_holding * (chosen as f64 / (self.ladder.count - 1) as f64));
        self.day += 1;
        let reward = self.table.book.value(self.row(), self.position) + flow - before;
        self.previous_action = chosen;
        self.cash_flows.push(flow);
        self.rewards.push(reward);
        Ok(Step { reward, done: self.done })
    }

    /// Required money and what was won on top of it; known only when the episode is over.
    fn assets(&self) -> Vec<f64> {
        let mut value = self.required_money();
        let mut assets = vec![value];
        assets.extend(self.rewards.iter().map(|reward| {
            value += reward;
            value
        }));
        assets
    }

    /// The rewards, in currency.
    fn returns(&self) -> Vec<f64> {
        std::iter::once(0.0).chain(self.rewards.iter().copied()).collect()
    }

    /// `previous_action`, `avaliable_action` (their spelling): the mask, `DP_action`: the oracle's, one-hot, zeros
    /// after the terminal call.
    fn info(&self) -> Info {
        let hindsight = if self.done { None } else { self.oracle.get(self.row()).copied() };
        Info::from([
            ("previous_action", vec![self.previous_action as f64]),
            ("avaliable_action", self.mask()),
            ("DP_action", self.one_hot(hindsight)),
        ])
    }
}
