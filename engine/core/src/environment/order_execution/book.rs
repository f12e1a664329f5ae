//! Executing a given amount on an order book: each snapshot the agent may place a limit order, so far from the middle.
//!
//! The action is `[share, offset]`: which share of the whole amount to order, and how far from the middle: above 0
//! towards (and through) the other side, below 0 away from it. The order reaches the market at the next snapshot (or, as
//! a marked option, at the present one): what crosses walks the book at the book's prices, the rest joins the queue at
//! its price and is taken back after its time in force. An order the account cannot pay for beside those at rest, or
//! that the risk review refuses, is refused before the market sees it. What is left after the last step walks the last
//! book; what even that does not show is counted at the last level's price.

use std::sync::Arc;

use super::resting::{Change, Resting, displayed_at};
use super::{Account, ExecutionReport, RefusalReason, first_row};
use crate::config::{FillRule, MatchingConfig, OffsetUnit, OrderExecutionConfig, RiskConfig};
use crate::environment::high_frequency::Sides;
use crate::environment::state::{Ended, Reader, Writer, agrees, damaged};
use crate::environment::{
    AccountSnapshot, Action, ActionSpace, BookData, Environment, RewardUnit, StepResult,
};
use crate::error::EngineError;
use crate::matching::book::{Piece, Taken, Want, best, piece_fill, together, walk};
use crate::matching::queue::QueuePlace;
use crate::num::{NumError, Price, Quantity, narrow};
use crate::orders::{Fill, OrderIntent, Side};
use crate::risk::{RiskView, review};

/// Names environment and layout of saved states.
const TAG: [u8; 8] = *b"TMEL0001";
/// Less than this share of the amount is rounding, not an order.
const ORDER_SHARE_MIN: f64 = 1e-9;
/// A price this share of a tick beyond a grid line lies on it: rounding.
const TICK_ROUNDING: f64 = 1e-6;
/// Numbers of an observation beside the window.
const OWN: [&str; 4] = ["time_left", "amount_left", "amount_resting", "mid_against_arrival_bps"];

/// Execution on an order book.
#[derive(Debug, Clone)]
pub struct ExecutionOnBook {
    data: Arc<BookData>,
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
    resting: Vec<Resting>,
    /// What was taken of the opposite side of the present snapshot.
    taken: Taken,
    ended: Ended,
}

/// An order that was accepted and has not reached the market.
#[derive(Debug, Clone, Copy)]
struct Accepted {
    price: f64,
    units: f64,
}

impl ExecutionOnBook {
    /// Builds the environment and begins an episode.
    ///
    /// # Errors
    /// Refuses data that is too short for one episode.
    pub fn new(
        config: &OrderExecutionConfig,
        costs: &MatchingConfig,
        limits: &RiskConfig,
        data: Arc<BookData>,
    ) -> Result<Self, EngineError> {
        let row = first_row(config, data.rows(), 0)?;
        let most = config.offset_max;
        let mut names = data.window_names(config.window_steps as usize);
        names.extend(OWN.map(str::to_owned));
        Ok(Self {
            state: State::begin(config, &data, row)?,
            names,
            space: ActionSpace::Box { low: vec![0.0, -most], high: vec![1.0, most] },
            config: config.clone(),
            costs: costs.clone(),
            limits: limits.clone(),
            data,
        })
    }

    /// Returns the units at rest in the book.
    #[must_use]
    pub fn resting_units(&self) -> f64 {
        self.state.resting.iter().map(|order| order.units).sum()
    }

    fn steps_left(&self) -> usize {
        self.state.start_row + self.config.horizon_steps as usize - self.state.row
    }

    /// The price of an order: the middle and the offset, rounded to a tick away from the other side.
    fn price(&self, offset: f64) -> f64 {
        let (mid, tick) = (self.data.book().mid(self.state.row), self.config.tick_size);
        let distance = match self.config.offset_unit {
            OffsetUnit::Ticks => offset * tick,
            OffsetUnit::BasisPoints => offset * 1e-4 * mid,
        };
        let ticks = (mid + self.state.account.sign() * distance) / tick;
        match self.state.account.side {
            Side::Buy => (ticks + TICK_ROUNDING).floor() * tick,
            Side::Sell => (ticks - TICK_ROUNDING).ceil() * tick,
        }
    }

    /// Accepts an order or refuses it with a reason.
    fn place(&mut self, share: f64, offset: f64) -> Result<Option<Accepted>, NumError> {
        let price = self.price(offset);
        let resting = self.resting_units();
        let account = &mut self.state.account;
        let units = (share * account.amount).min(account.left - resting);
        if units <= ORDER_SHARE_MIN * account.amount {
            return Ok(None);
        }
        let Ok(limit) = Price::new(price) else {
            account.refuse(RefusalReason::Price);
            return Ok(None);
        };
        let with_fee = 1.0 + self.costs.fee_rate;
        let locked: f64 =
            self.state.resting.iter().map(|order| order.units * order.price * with_fee).sum();
        let free = account.ledger.cash() - locked;
        let payable = account.side == Side::Sell || units * price * with_fee <= free;
        if !payable {
            account.refuse(RefusalReason::Balance);
            return Ok(None);
        }
        let intent = OrderIntent::limit(Quantity::new(account.sign() * units)?, limit)?;
        let view = RiskView {
            position: Quantity::new(account.position())?,
            reference_price: Some(Price::new(self.data.book().mid(self.state.row))?),
        };
        match review(&intent, &view, &self.limits).outcome {
            Ok(order) => Ok(order
                .limit_price()
                .map(|price| Accepted { price: price.get(), units: order.quantity().get().abs() })),
            Err(_) => {
                account.refuse(RefusalReason::Risk);
                Ok(None)
            }
        }
    }

    /// An order reaches the market: what crosses is filled, the rest joins the queue.
    fn arrive(&mut self, accepted: Accepted) -> Result<(), NumError> {
        let want = Want {
            side: self.state.account.side,
            units: accepted.units,
            limit: Some(accepted.price),
        };
        let filled = self.take(&want)?;
        let units = accepted.units - filled;
        if units <= ORDER_SHARE_MIN * self.config.amount {
            return Ok(());
        }
        let sides = sides(&self.data, self.state.row);
        let own = match want.side {
            Side::Buy => sides.bids,
            Side::Sell => sides.asks,
        };
        let shown = displayed_at(want.side, own, accepted.price, self.config.tick_size);
        let place = shown.map(QueuePlace::behind);
        self.state.resting.push(Resting { price: accepted.price, units, place, age: 0 });
        Ok(())
    }

    /// Walks the present snapshot and returns the units taken.
    fn take(&mut self, want: &Want) -> Result<f64, NumError> {
        let data = Arc::clone(&self.data);
        let depth = sides(&data, self.state.row).hit_by(want.side);
        let pieces: Vec<Piece> = walk(depth, &self.state.taken, want).collect();
        let mut filled = 0.0;
        for piece in &pieces {
            let paid = piece.price * (1.0 + self.costs.fee_rate);
            let units = match want.side {
                Side::Buy => (self.state.account.ledger.cash() / paid).clamp(0.0, piece.units),
                Side::Sell => piece.units,
            };
            if 0.0 < units {
                let part = Piece { units, ..*piece };
                let fill = piece_fill(want.side, &part, best(depth), self.costs.fee_rate)?;
                self.state.account.book(fill);
                self.state.taken.note(&part);
                filled += units;
            }
            if units < piece.units {
                self.state.account.cut_count += 1;
                break;
            }
        }
        Ok(filled)
    }

    /// Moves to the next snapshot and lets it do to the resting orders what it does.
    fn advance(&mut self) -> Result<(), NumError> {
        self.state.row += 1;
        let (data, row) = (Arc::clone(&self.data), self.state.row);
        self.state.taken.renew(data.book().levels);
        let side = self.state.account.side;
        let flow = match side {
            Side::Buy => &data.book().sold,
            Side::Sell => &data.book().bought,
        };
        let change = Change {
            side,
            before: sides(&data, row - 1),
            now: sides(&data, row),
            flow: flow.as_ref().map_or(0.0, |units| units[row]),
            tick: self.config.tick_size,
            model: self.config.queue,
        };
        let mut orders = std::mem::take(&mut self.state.resting);
        // Better prices first, then who came first; the sort is stable.
        orders.sort_by(|one, two| match side {
            Side::Buy => two.price.total_cmp(&one.price),
            Side::Sell => one.price.total_cmp(&two.price),
        });
        let mut used = 0.0;
        for mut order in orders {
            let filled = change.apply(&mut order, &mut used, &mut self.state.taken);
            if 0.0 < filled {
                let piece = Piece { level: usize::MAX, price: order.price, units: filled };
                let fill = piece_fill(side, &piece, order.price, self.costs.fee_rate)?;
                self.state.account.book(fill);
            }
            let open = ORDER_SHARE_MIN * self.config.amount < order.units;
            if open && order.age < self.config.time_in_force_steps {
                self.state.resting.push(order);
            }
        }
        Ok(())
    }

    /// Executes what is left by walking the present book.
    fn finish(&mut self) -> Result<(), NumError> {
        self.state.resting.clear();
        let account = &mut self.state.account;
        let want = Want { side: account.side, units: account.left, limit: None };
        let intent = OrderIntent::market(Quantity::new(account.sign() * want.units)?)?;
        let view = RiskView {
            position: Quantity::new(account.position())?,
            reference_price: Some(Price::new(self.data.book().mid(self.state.row))?),
        };
        if review(&intent, &view, &self.limits).outcome.is_ok() {
            self.take(&want)?;
        } else {
            account.refuse(RefusalReason::Risk);
        }
        let depth = sides(&self.data, self.state.row).hit_by(want.side);
        let worst = depth.price.last().copied().unwrap_or(self.state.account.arrival);
        let left = self.state.account.left;
        self.state.account.charge(left, worst, 0.0);
        Ok(())
    }

    fn turn(&mut self, share: f64, offset: f64) -> Result<(), NumError> {
        let accepted = self.place(share, offset)?;
        let row = match self.costs.fill {
            FillRule::SameClose => {
                if let Some(order) = accepted {
                    self.arrive(order)?;
                }
                self.advance()?;
                self.state.row - 1
            }
            FillRule::NextOpen => {
                self.advance()?;
                if let Some(order) = accepted {
                    self.arrive(order)?;
                }
                self.state.row
            }
        };
        self.note(row);
        if self.steps_left() == 0 && !self.state.account.done() {
            self.finish()?;
        }
        if self.steps_left() == 0 || self.state.account.done() {
            self.state.ended = Ended::Terminated;
        }
        self.state.account.ledger.assert_identity(self.mark()?);
        Ok(())
    }

    /// Notes the benchmarks of a traded row: its own best price for a taker, and what the market traded.
    fn note(&mut self, row: usize) {
        let book = self.data.book();
        let taker = best(sides(&self.data, row).hit_by(self.state.account.side));
        let flow = match (&book.bought, &book.sold) {
            (Some(bought), Some(sold)) => Some((book.mid(row), bought[row] + sold[row])),
            (None, _) | (_, None) => None,
        };
        self.state.account.note(taker, flow);
    }

    fn mark(&self) -> Result<Price, NumError> {
        Price::new(sides(&self.data, self.state.row).mark(self.state.account.position()))
    }
}

fn sides(data: &BookData, row: usize) -> Sides<'_> {
    Sides { bids: data.book().bids(row), asks: data.book().asks(row) }
}

impl State {
    fn begin(
        config: &OrderExecutionConfig,
        data: &BookData,
        row: usize,
    ) -> Result<Self, EngineError> {
        let arrival =
            Price::new(data.book().mid(row)).map_err(|error| super::refused(error.to_string()))?;
        let mut taken = Taken::default();
        taken.renew(data.book().levels);
        Ok(Self {
            start_row: row,
            row,
            account: Account::begin(config, arrival)?,
            resting: Vec::new(),
            taken,
            ended: Ended::No,
        })
    }
}

impl Environment for ExecutionOnBook {
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
        let row = first_row(&self.config, self.data.rows(), offset)?;
        self.state = State::begin(&self.config, &self.data, row)?;
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        assert_eq!(out.len(), self.names.len(), "the observation buffer has the wrong length");
        let (row, account) = (self.state.row, &self.state.account);
        let seen = self.data.window(row + 1 - self.config.window_steps as usize..row + 1);
        let (window, own) = out.split_at_mut(seen.len());
        window.copy_from_slice(seen);
        own.copy_from_slice(&[
            narrow(self.steps_left() as f64 / f64::from(self.config.horizon_steps)),
            narrow(account.left / account.amount),
            narrow(self.resting_units() / account.amount),
            narrow((self.data.book().mid(row) / account.arrival - 1.0) * 1e4),
        ]);
    }

    fn step(&mut self, action: Action<'_>) -> StepResult {
        let fits = self.space.check(action);
        let (Action::Vector([share, offset]), Ok(())) = (action, &fits) else {
            panic!("{}", fits.err().map_or_else(String::new, |error| error.to_string()));
        };
        if self.state.ended != Ended::No {
            return self.state.ended.result(0.0);
        }
        self.state.account.fills.clear();
        let before = self.state.account.shortfall_bps;
        if let Err(error) = self.turn(*share, *offset) {
            panic!("an amount left the finite numbers: {error}");
        }
        self.state.ended.result(before - self.state.account.shortfall_bps)
    }

    fn equity(&self) -> f64 {
        let mark = sides(&self.data, self.state.row).mark(self.state.account.position());
        self.state.account.ledger.cash() + self.state.account.position() * mark
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
        let resting = self.resting_units();
        Some(ExecutionReport { resting, ..self.state.account.report() })
    }

    fn save(&self) -> Vec<u8> {
        let mut writer = Writer::new(TAG);
        let state = &self.state;
        for count in [self.data.rows(), state.start_row, state.row] {
            writer.u64(count as u64);
        }
        writer.u64(state.ended as u64);
        state.account.write(&mut writer);
        for taken in state.taken.levels() {
            writer.f64(*taken);
        }
        writer.u64(state.resting.len() as u64);
        for order in &state.resting {
            let place = order.place.unwrap_or(QueuePlace::restore(-1.0, 0.0));
            writer.f64(order.price).f64(order.units);
            writer.f64(place.ahead()).f64(place.traded()).u64(u64::from(order.age));
        }
        writer.finish()
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let mut reader = Reader::new(TAG, bytes)?;
        if reader.usize()? != self.data.rows() {
            return Err(damaged("it belongs to other data"));
        }
        let start = reader.usize()?;
        let offset = start.saturating_add(1).checked_sub(self.config.window_steps as usize);
        let offset = offset.ok_or_else(|| damaged("its snapshot does not exist"))?;
        if first_row(&self.config, self.data.rows(), offset).is_err() {
            return Err(damaged("its snapshot does not exist"));
        }
        let mut state = State::begin(&self.config, &self.data, start)?;
        state.row = reader.index(start + self.config.horizon_steps as usize + 1)?;
        state.ended = Ended::read(reader.u64()?)?;
        state.account = Account::read(&self.config, &mut reader, FILLS_MAX)?;
        for level in 0..self.data.book().levels {
            let units = number(&mut reader)?;
            state.taken.note(&Piece { level, price: 0.0, units });
        }
        for _ in 0..reader.count(self.config.time_in_force_steps as usize + 1)? {
            let (price, units) = (number(&mut reader)?, number(&mut reader)?);
            let (ahead, traded) = (reader.f64()?, number(&mut reader)?);
            let place = (0.0 <= ahead).then(|| QueuePlace::restore(ahead, traded));
            state.resting.push(Resting { price, units, place, age: reader.u32()? });
        }
        reader.finish()?;
        let arrival = self.data.book().mid(start);
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

/// Most fills of one step: every level for the order, for what is left, and one per resting order.
const FILLS_MAX: usize = 1 << 20;

fn number(reader: &mut Reader<'_>) -> Result<f64, EngineError> {
    let number = reader.f64()?;
    if number.is_finite() { Ok(number) } else { Err(damaged("a number in it is not finite")) }
}
