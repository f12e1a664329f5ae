//! Hops 3 and 5: what an agent sees and what its action means. [`build`] is the only match over environments.
//!
//! `corrected` environments never look ahead: an order decided at a close is filled at the next open at the earliest,
//! features are normalised by the training segment alone, rewards are net of costs. [`faithful`] ones reproduce the
//! reference system, errors and look-ahead included.

pub mod action;
mod book_data;
pub mod checker;
pub mod faithful;
pub mod fast;
pub mod high_frequency;
mod kinds;
pub mod length;
mod market_data;
pub mod observation;
pub mod order_execution;
mod panel_data;
pub mod portfolio;
mod prepare;
mod prepare_many;
pub mod reward;
mod sealed;
mod single_asset;
mod state;
mod whole;

pub use action::{Action, ActionSpace};
pub use book_data::{BookData, depth_features};
pub use checker::{Finding, check_environment};
pub use high_frequency::HighFrequency;
pub use kinds::{check_kind, data_kinds, prepare_segment};
pub use market_data::MarketData;
pub use order_execution::{ExecutionOnBars, ExecutionOnBook, ExecutionReport};
pub use panel_data::{InstrumentFrames, PanelData};
pub use portfolio::Portfolio;
pub use prepare::{Prepared, TaskData, build, prepare};
pub(crate) use prepare_many::pooled;
pub use prepare_many::{PreparedBook, PreparedPanel, prepare_book, prepare_panel};
pub use sealed::visible;
pub use single_asset::SingleAsset;

use crate::error::EngineError;
use crate::orders::Fill;

/// A task: one episode runs over one segment of the data, bar by bar.
///
/// Requires: `reset` before the first `step`; a built environment is already reset.
pub trait Environment: Send {
    /// Returns a name for each number of the observation.
    fn observation_names(&self) -> &[String];

    /// Returns how many numbers an observation has.
    fn observation_len(&self) -> usize {
        self.observation_names().len()
    }

    /// Returns which actions there are.
    fn action_space(&self) -> ActionSpace;

    /// Returns how many actions there are to choose from, `0..action_count()`; 0 where actions are vectors.
    fn action_count(&self) -> usize {
        self.action_space().count()
    }

    /// Returns how many steps an episode from the start has unless ruin ends it.
    fn steps_per_episode(&self) -> usize;

    /// Begins an episode at the start of the data.
    fn reset(&mut self);

    /// Begins an episode `offset` steps after the start of the data.
    ///
    /// # Errors
    /// Refuses an offset that leaves no step; nothing is changed then.
    fn reset_at(&mut self, offset: usize) -> Result<(), EngineError>;

    /// Writes what the agent sees now. Valid after the end of an episode, too: then it shows the last bar.
    ///
    /// # Panics
    /// When `out` has not [`observation_len`](Self::observation_len) numbers.
    fn observe(&self, out: &mut [f32]);

    /// Takes an action and moves to the next bar. After the end it changes nothing and answers as the last step did,
    /// with a reward of 0.
    ///
    /// # Panics
    /// When the action is none of [`action_space`](Self::action_space) (ask [`ActionSpace::check`] first where it
    /// comes from outside), or the books no longer balance.
    fn step(&mut self, action: Action<'_>) -> StepResult;

    /// Returns the value of the account, quote currency.
    fn equity(&self) -> f64;

    /// Returns the account as it stands.
    fn snapshot(&self) -> AccountSnapshot;

    /// Returns what is held of each instrument, in the order of the data. Cash and the values add up to the equity.
    fn holdings(&self) -> Vec<Holding> {
        let account = self.snapshot();
        vec![Holding { quantity: account.position, value: account.equity - account.cash }]
    }

    /// Returns what the last step traded, with the index of the instrument.
    fn last_fills(&self) -> Vec<(usize, Fill)> {
        self.snapshot().last_fill.map(|fill| (0, fill)).into_iter().collect()
    }

    /// Returns what rewards count.
    fn reward_unit(&self) -> RewardUnit {
        RewardUnit::LogReturn
    }

    /// Returns how an execution goes; absent for tasks that execute no given amount.
    fn execution(&self) -> Option<ExecutionReport> {
        None
    }

    /// Returns what befell the account beside its own trades in this episode, in sentences for a report.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns the whole state as bytes; equal states give equal bytes.
    fn save(&self) -> Vec<u8>;

    /// Restores a state exactly.
    ///
    /// # Errors
    /// Refuses bytes of another environment, other data, or damaged ones; nothing is changed then.
    fn load(&mut self, bytes: &[u8]) -> Result<(), EngineError>;
}

/// What rewards count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewardUnit {
    /// Log returns of the account, net of costs: over an episode they add up to ln(end / start).
    LogReturn,
    /// Basis points of shortfall against the arrival price, the sign turned: they add up to less the whole shortfall.
    ShortfallBasisPoints,
    /// Whatever the reference system counts.
    Reference,
}

/// What a step brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResult {
    /// `corrected`: in the unit that [`Environment::reward_unit`] names. `faithful`: the reference's, in currency.
    pub reward: f64,
    /// The task itself ended (ruin): nothing follows, the value of what follows is 0.
    pub terminated: bool,
    /// The data ended: something would follow.
    pub truncated: bool,
}

impl StepResult {
    /// Whether the episode is over.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// The account of an environment at its present bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccountSnapshot {
    /// Index of the bar seen last, into the market data.
    pub bar_index: usize,
    /// Value of the account at that bar's close, quote currency.
    pub equity: f64,
    /// Cash, quote currency.
    pub cash: f64,
    /// Units held, negative when short; 0 where there are several instruments: see [`Environment::holdings`].
    pub position: f64,
    /// Units of one lot; 0 where there are several instruments or fractions are traded.
    pub lot: f64,
    /// Fees and slippage paid in this episode, quote currency.
    pub costs: f64,
    /// Orders that the risk review refused in this episode.
    pub refusal_count: u32,
    /// Orders that were made smaller (limit or funds) in this episode.
    pub cut_count: u32,
    /// What the last step traded; absent where there are several instruments: see [`Environment::last_fills`].
    pub last_fill: Option<Fill>,
}

/// What is held of one instrument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holding {
    /// Units, negative when short.
    pub quantity: f64,
    /// What they are worth at the prices that value the account, quote currency, negative when short.
    pub value: f64,
}
