//! The corrected high-frequency environment: target holdings on an order book, sound accounting, no look-ahead.
//!
//! At snapshot t the agent sees the window that ends at t and says what it wants to hold. What depth and money do not
//! allow at t is a counted refusal and holds. What is left is reviewed by `engine::risk` and walks the book of
//! snapshot t + 1 (or, as a marked option, of t): all displayed levels, at their prices; what they do not show stays
//! unfilled and is reported. The account begins with given cash and is valued at t + 1, a long holding at the bid, a
//! short one at the ask; the reward is the log return of that value, fees included. Slippage is the walk itself:
//! `slippage_bps` is not used.

mod moves;

use std::sync::Arc;

pub use moves::{Grid, Sides, can_move, moving_cost, reachable};
use moves::{payable, taker};

use super::reward::{log_return, ruined};
use super::state::{Ended, Reader, Writer, agrees, damaged};
use super::{AccountSnapshot, Action, ActionSpace, BookData, Environment, StepResult};
use crate::config::{FillRule, HighFrequencyConfig, MatchingConfig, RiskConfig};
use crate::error::EngineError;
use crate::matching::book::{Piece, Taken, best, piece_fill, together, walk};
use crate::num::{Money, NumError, Price, Quantity, narrow};
use crate::orders::{Fill, OrderIntent};
use crate::portfolio::Ledger;
use crate::risk::{ApprovedOrder, Funds, RiskView, review};

/// Names environment and layout of saved states.
const TAG: [u8; 8] = *b"TMHF0001";
/// Less than this share of an order left open is rounding.
const UNFILLED_SHARE_MIN: f64 = 1e-9;

/// Trading one instrument on its order book.
#[derive(Debug, Clone)]
pub struct HighFrequency {
    data: Arc<BookData>,
    config: HighFrequencyConfig,
    costs: MatchingConfig,
    limits: RiskConfig,
    grid: Grid,
    names: Vec<String>,
    window: usize,
    state: State,
}

#[derive(Debug, Clone)]
struct State {
    start_row: usize,
    row: usize,
    ledger: Ledger,
    equity: f64,
    ended: Ended,
    refusal_count: u32,
    cut_count: u32,
    /// Units of the last order that were not filled.
    unfilled: f64,
    fills: Vec<(usize, Fill)>,
}

impl HighFrequency {
    /// Builds the environment and begins an episode.
    ///
    /// # Errors
    /// Refuses data with less than one step after the window.
    pub fn new(
        config: &HighFrequencyConfig,
        costs: &MatchingConfig,
        limits: &RiskConfig,
        data: Arc<BookData>,
    ) -> Result<Self, EngineError> {
        let window = config.window_snapshots as usize;
        if data.rows() <= window {
            return Err(refused(format!(
                "at least {} snapshots are needed to look back {window} and make one step, found {}; use more data or \
                 a smaller window_snapshots",
                window + 1,
                data.rows()
            )));
        }
        let grid = Grid::of(config);
        let mut names = data.window_names(window);
        names.extend(["holding".to_owned(), "cash".to_owned()]);
        names.extend((0..grid.count()).map(|action| format!("reachable:{action}")));
        Ok(Self {
            names,
            grid,
            window,
            state: State::begin(config, window - 1)?,
            config: config.clone(),
            costs: costs.clone(),
            limits: limits.clone(),
            data,
        })
    }

    /// Returns which actions can be carried out at the present snapshot `[count]`.
    #[must_use]
    pub fn mask(&self) -> Vec<bool> {
        let mut mask = vec![false; self.grid.count()];
        let sides = self.sides(self.state.row);
        reachable(&self.grid, &self.funds(), &sides, self.costs.fee_rate, &mut mask);
        mask
    }

    /// Returns the holdings among which the agent chooses.
    #[must_use]
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// Returns how many units of the last order were not filled: the book showed no more, or the money ended.
    #[must_use]
    pub fn unfilled(&self) -> f64 {
        self.state.unfilled
    }

    /// Returns the books.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.state.ledger
    }

    fn sides(&self, row: usize) -> Sides<'_> {
        Sides { bids: self.data.book().bids(row), asks: self.data.book().asks(row) }
    }

    fn funds(&self) -> Funds {
        let ledger = &self.state.ledger;
        Funds { cash: ledger.cash(), position: ledger.position().quantity() }
    }

    fn trade(&mut self, action: usize) -> Result<(), NumError> {
        self.state.fills.clear();
        self.state.unfilled = 0.0;
        let funds = self.funds();
        let change = self.grid.change(action, funds.position);
        if change == 0.0 {
            return Ok(());
        }
        let seen = self.sides(self.state.row);
        // What the mask says of this one action.
        let allowed = can_move(change, &funds, &seen, self.costs.fee_rate)
            || action == self.grid.nearest(funds.position);
        if !allowed {
            self.state.refusal_count += 1;
            return Ok(());
        }
        let view = RiskView {
            position: Quantity::new(funds.position)?,
            reference_price: Some(Price::new(best(seen.hit_by(taker(change).side)))?),
        };
        let intent = OrderIntent::market(Quantity::new(change)?)?;
        match review(&intent, &view, &self.limits).outcome {
            Ok(order) => self.execute(&order),
            Err(_) => {
                self.state.refusal_count += 1;
                Ok(())
            }
        }
    }

    /// Walks the book as far as it shows anything and the account can pay.
    fn execute(&mut self, order: &ApprovedOrder) -> Result<(), NumError> {
        let row = match self.costs.fill {
            FillRule::NextOpen => self.state.row + 1,
            FillRule::SameClose => self.state.row,
        };
        let data = Arc::clone(&self.data);
        let sides = Sides { bids: data.book().bids(row), asks: data.book().asks(row) };
        let want = taker(order.quantity().get());
        let depth = sides.hit_by(want.side);
        let (ask, fee_rate) = (best(sides.asks), self.costs.fee_rate);
        let mut left = want.units;
        for piece in walk(depth, &Taken::default(), &want) {
            let units = payable(&piece, want.side, &self.funds(), (ask, fee_rate));
            if 0.0 < units {
                let fill = piece_fill(want.side, &Piece { units, ..piece }, best(depth), fee_rate)?;
                self.state.ledger.apply(&fill);
                self.state.fills.push((0, fill));
                left -= units;
            }
            if units < piece.units {
                break;
            }
        }
        if UNFILLED_SHARE_MIN * want.units < left {
            self.state.unfilled = left;
            self.state.cut_count += 1;
        }
        Ok(())
    }

    /// Moves to the next snapshot, values the account there and says how the step ended.
    fn advance(&mut self) -> Result<StepResult, NumError> {
        self.state.row += 1;
        let mark = Price::new(self.sides(self.state.row).mark(self.funds().position))?;
        let state = &mut self.state;
        state.ledger.assert_identity(mark);
        let before = state.equity;
        state.equity = state.ledger.equity(mark);
        if ruined(state.equity, self.config.initial_cash) {
            state.ended = Ended::Terminated;
        } else if state.row + 1 == self.data.rows() {
            state.ended = Ended::Truncated;
        }
        let reward = log_return(before, state.equity, self.config.initial_cash);
        Ok(state.ended.result(reward))
    }
}

impl State {
    fn begin(config: &HighFrequencyConfig, row: usize) -> Result<Self, EngineError> {
        let cash = Money::new(config.initial_cash).map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            start_row: row,
            row,
            ledger: Ledger::new(cash),
            equity: config.initial_cash,
            ended: Ended::No,
            refusal_count: 0,
            cut_count: 0,
            unfilled: 0.0,
            fills: Vec::new(),
        })
    }
}

impl Environment for HighFrequency {
    fn observation_names(&self) -> &[String] {
        &self.names
    }

    fn action_space(&self) -> ActionSpace {
        ActionSpace::Discrete(self.grid.count())
    }

    fn steps_per_episode(&self) -> usize {
        self.data.rows() - self.window
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
        self.state = State::begin(&self.config, self.window - 1 + offset)?;
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        assert_eq!(out.len(), self.names.len(), "the observation buffer has the wrong length");
        let row = self.state.row;
        let seen = self.data.window(row + 1 - self.window..row + 1);
        let (window, account) = out.split_at_mut(seen.len());
        window.copy_from_slice(seen);
        let (own, reachable) = account.split_at_mut(2);
        let funds = self.funds();
        own.copy_from_slice(&[
            narrow(funds.position / self.config.max_holding),
            narrow(funds.cash / self.config.initial_cash),
        ]);
        for (slot, allowed) in reachable.iter_mut().zip(self.mask()) {
            *slot = f32::from(u8::from(allowed));
        }
    }

    fn step(&mut self, action: Action<'_>) -> StepResult {
        let action = action.index();
        assert!(action < self.grid.count(), "there is no action {action} of {}", self.grid.count());
        if self.state.ended != Ended::No {
            return self.state.ended.result(0.0);
        }
        match self.trade(action).and_then(|()| self.advance()) {
            Ok(result) => result,
            Err(error) => panic!("an amount left the finite numbers: {error}"),
        }
    }

    fn equity(&self) -> f64 {
        self.state.equity
    }

    fn snapshot(&self) -> AccountSnapshot {
        let state = &self.state;
        let fills: Vec<Fill> = state.fills.iter().map(|(_, fill)| *fill).collect();
        AccountSnapshot {
            bar_index: state.row,
            equity: state.equity,
            cash: state.ledger.cash(),
            position: state.ledger.position().quantity(),
            lot: 0.0,
            costs: state.ledger.fees() + state.ledger.slippage(),
            refusal_count: state.refusal_count,
            cut_count: state.cut_count,
            last_fill: together(&fills).ok().flatten(),
        }
    }

    fn last_fills(&self) -> Vec<(usize, Fill)> {
        self.state.fills.clone()
    }

    fn save(&self) -> Vec<u8> {
        let state = &self.state;
        let mut writer = Writer::new(TAG);
        for count in [self.data.rows(), self.window, state.start_row, state.row] {
            writer.u64(count as u64);
        }
        writer.ledger(&state.ledger).f64(state.equity).u64(state.ended as u64);
        writer.u64(u64::from(state.refusal_count)).u64(u64::from(state.cut_count));
        writer.f64(state.unfilled).fills(&state.fills);
        writer.finish()
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let mut reader = Reader::new(TAG, bytes)?;
        if [reader.usize()?, reader.usize()?] != [self.data.rows(), self.window] {
            return Err(damaged("it belongs to other data or another window"));
        }
        let (start_row, row) = (reader.usize()?, reader.index(self.data.rows())?);
        if start_row + 1 < self.window || row < start_row {
            return Err(damaged("its snapshot does not exist"));
        }
        let mut state = State::begin(&self.config, start_row)?;
        state.row = row;
        state.ledger = reader.ledger()?;
        state.equity = reader.f64()?;
        state.ended = Ended::read(reader.u64()?)?;
        (state.refusal_count, state.cut_count) = (reader.u32()?, reader.u32()?);
        state.unfilled = reader.f64()?;
        state.fills = reader.fills(1, self.data.book().levels)?;
        reader.finish()?;
        let mark = Price::new(self.sides(row).mark(state.ledger.position().quantity()))
            .map_err(|error| damaged(&error.to_string()))?;
        agrees(state.ledger.equity(mark), state.equity)?;
        if !(0.0..f64::INFINITY).contains(&state.unfilled) {
            return Err(damaged("what it left unfilled is not a number of units"));
        }
        self.state = state;
        Ok(())
    }
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "high-frequency environment", detail }
}
