//! The corrected execution tasks: a given amount in a given time, on bars or on an order book.
//!
//! Both count what an execution cost against the price at its arrival (implementation shortfall, Perold 1988), fees
//! included, in basis points; the reward of a step is what it added, with the sign turned. What is left at the end is
//! executed then and has its own part of the last reward. This file holds what both share: the account of a task, its
//! shortfall, its benchmarks and its report.

mod bars;
mod book;
mod resting;

pub use bars::ExecutionOnBars;
pub use book::ExecutionOnBook;

use super::state::{Reader, Writer, damaged};
use crate::config::{ExecutionSide, OrderExecutionConfig};
use crate::error::EngineError;
use crate::num::{Money, NumError, Price, Quantity};
use crate::orders::{Fill, Side};
use crate::portfolio::Ledger;

/// Basis points of the whole.
const BASIS_POINTS: f64 = 1e4;
/// Less than this share of the amount left is rounding: the task is done.
const LEFT_SHARE_MIN: f64 = 1e-9;

/// How an execution went, as far as it has come.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionReport {
    /// Middle (or close) at the first decision, quote currency per unit.
    pub arrival_price: f64,
    /// Units executed.
    pub executed: f64,
    /// Units not executed.
    pub left: f64,
    /// Units of orders that rest in the book; 0 on bars.
    pub resting: f64,
    /// Average price of what was executed, fees excluded; absent before the first fill.
    pub average_price: Option<f64>,
    /// Cost against the arrival price, fees included, basis points of the arrival value of the whole amount; what could
    /// not be executed at the end counts at the price it would have had.
    pub shortfall_bps: f64,
    /// Mean over the traded rows of the price a taker would have had; absent before the first.
    pub twap: Option<f64>,
    /// Mean price weighted by the market's traded units; absent where the data has none.
    pub vwap: Option<f64>,
    /// How much better the average price is than the TWAP, basis points, fees excluded.
    pub better_than_twap_bps: Option<f64>,
    /// Why the last refused order was refused.
    pub last_refusal: Option<RefusalReason>,
}

/// Why an order of an execution task was refused before anybody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// The account could not pay for it beside the orders that rest.
    Balance,
    /// The risk review refused it.
    Risk,
    /// Its price came out at nothing or below.
    Price,
}

/// The account of one task.
#[derive(Debug, Clone)]
struct Account {
    side: Side,
    amount: f64,
    arrival: f64,
    ledger: Ledger,
    left: f64,
    shortfall_bps: f64,
    refusal_count: u32,
    cut_count: u32,
    last_refusal: Option<RefusalReason>,
    price_sum: f64,
    price_count: u32,
    flow_value: f64,
    flow_units: f64,
    executed_value: f64,
    fills: Vec<(usize, Fill)>,
}

impl Account {
    /// Opens the books: what is to be sold is held from the start, bought at the arrival price without a fee.
    fn begin(config: &OrderExecutionConfig, arrival: Price) -> Result<Self, EngineError> {
        let side = match config.side {
            ExecutionSide::Buy => Side::Buy,
            ExecutionSide::Sell => Side::Sell,
        };
        let value = config.amount * arrival.get();
        let open = || {
            let mut ledger = Ledger::new(Money::new(match side {
                Side::Buy => config.initial_cash,
                Side::Sell => config.initial_cash + value,
            })?);
            if side == Side::Sell {
                ledger.apply(&Fill {
                    quantity: Quantity::new(config.amount)?,
                    price: arrival,
                    fee: Money::ZERO,
                    slippage: Money::ZERO,
                });
            }
            Ok::<Ledger, NumError>(ledger)
        };
        Ok(Self {
            side,
            amount: config.amount,
            arrival: arrival.get(),
            ledger: open().map_err(|error| refused(error.to_string()))?,
            left: config.amount,
            shortfall_bps: 0.0,
            refusal_count: 0,
            cut_count: 0,
            last_refusal: None,
            price_sum: 0.0,
            price_count: 0,
            flow_value: 0.0,
            flow_units: 0.0,
            executed_value: 0.0,
            fills: Vec::new(),
        })
    }

    /// 1 for a purchase, −1 for a sale.
    fn sign(&self) -> f64 {
        match self.side {
            Side::Buy => 1.0,
            Side::Sell => -1.0,
        }
    }

    fn position(&self) -> f64 {
        self.ledger.position().quantity()
    }

    /// Whether nothing is left to execute.
    fn done(&self) -> bool {
        self.left <= 0.0
    }

    /// Books a fill and what it cost.
    fn book(&mut self, fill: Fill) {
        let units = fill.quantity.get().abs();
        self.ledger.apply(&fill);
        let left = self.left - units;
        self.left = if left <= LEFT_SHARE_MIN * self.amount { 0.0 } else { left };
        self.executed_value += fill.value();
        self.charge(units, fill.price.get(), fill.fee.get());
        self.fills.push((0, fill));
    }

    /// Adds the shortfall of `units` at a price.
    fn charge(&mut self, units: f64, price: f64, fee: f64) {
        let cost = self.sign() * (price - self.arrival) * units + fee;
        self.shortfall_bps += cost / (self.amount * self.arrival) * BASIS_POINTS;
    }

    /// Counts a refusal.
    fn refuse(&mut self, reason: RefusalReason) {
        self.refusal_count += 1;
        self.last_refusal = Some(reason);
    }

    /// Notes a traded row: what a taker would have paid or got, and what the market traded at `flow` = (price, units).
    fn note(&mut self, price: f64, flow: Option<(f64, f64)>) {
        self.price_sum += price;
        self.price_count += 1;
        if let Some((price, units)) = flow {
            self.flow_value += price * units;
            self.flow_units += units;
        }
    }

    fn report(&self) -> ExecutionReport {
        let executed = self.amount - self.left;
        let average_price = (0.0 < self.executed_value).then(|| self.executed_value / executed);
        let twap = (0 < self.price_count).then(|| self.price_sum / f64::from(self.price_count));
        let better = |average: f64, twap: f64| self.sign() * (twap - average) / twap * BASIS_POINTS;
        ExecutionReport {
            arrival_price: self.arrival,
            executed,
            left: self.left,
            resting: 0.0,
            average_price,
            shortfall_bps: self.shortfall_bps,
            twap,
            vwap: (0.0 < self.flow_units).then(|| self.flow_value / self.flow_units),
            better_than_twap_bps: average_price.zip(twap).map(|(one, other)| better(one, other)),
            last_refusal: self.last_refusal,
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.f64(self.arrival).ledger(&self.ledger);
        for number in [
            self.left,
            self.shortfall_bps,
            self.price_sum,
            self.flow_value,
            self.flow_units,
            self.executed_value,
        ] {
            writer.f64(number);
        }
        for count in [self.refusal_count, self.cut_count, self.price_count] {
            writer.u64(u64::from(count));
        }
        writer.u64(self.last_refusal.map_or(0, |reason| 1 + reason as u64));
        writer.fills(&self.fills);
    }

    /// Reads what [`write`](Self::write) wrote for the same task; `fills_max` bounds the fills of one step.
    fn read(
        config: &OrderExecutionConfig,
        reader: &mut Reader<'_>,
        fills_max: usize,
    ) -> Result<Self, EngineError> {
        let arrival = Price::new(reader.f64()?).map_err(|error| damaged(&error.to_string()))?;
        let mut account = Self::begin(config, arrival)?;
        account.ledger = reader.ledger()?;
        for slot in [
            &mut account.left,
            &mut account.shortfall_bps,
            &mut account.price_sum,
            &mut account.flow_value,
            &mut account.flow_units,
            &mut account.executed_value,
        ] {
            *slot = reader.f64()?;
            if !slot.is_finite() {
                return Err(damaged("a number in it is not finite"));
            }
        }
        if !(0.0..=account.amount).contains(&account.left) {
            return Err(damaged("more is left in it than was to be executed"));
        }
        (account.refusal_count, account.cut_count) = (reader.u32()?, reader.u32()?);
        account.price_count = reader.u32()?;
        account.last_refusal = match reader.u64()? {
            0 => None,
            1 => Some(RefusalReason::Balance),
            2 => Some(RefusalReason::Risk),
            3 => Some(RefusalReason::Price),
            _ => return Err(damaged("a reason in it is none of the known ones")),
        };
        account.fills = reader.fills(1, fills_max)?;
        Ok(account)
    }
}

/// Where an episode may begin: the window before it and the whole horizon after it lie in the data.
///
/// # Errors
/// Refuses data that is too short for one episode, and starts that leave too little of it.
fn first_row(
    config: &OrderExecutionConfig,
    rows: usize,
    offset: usize,
) -> Result<usize, EngineError> {
    let (window, horizon) = (config.window_steps as usize, config.horizon_steps as usize);
    let Some(last) = rows.checked_sub(window + horizon) else {
        return Err(refused(format!(
            "at least {} rows are needed to look back {window} and execute within {horizon}, found {rows}; use more \
             data, or a smaller window_steps or horizon_steps",
            window + horizon
        )));
    };
    if offset <= last {
        return Ok(window - 1 + offset);
    }
    Err(refused(format!("an episode can begin 0 to {last} steps after the start, not {offset}")))
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "execution environment", detail }
}
