//! ETEO as the reference computes it: one BTC is to be bought with limit orders in a 15-level book.
//! Source: TradeMaster 1.0.0, spec/trademaster.md section 3.7.
//!
//! Quirks kept: prices of levels multiply a fraction by 0.01; the queue of a buy order is always 0, for it is compared
//! without that factor; the queue is money while sizes are BTC; a crossing order fills whole at its own price; every
//! step fills one of 30 places, null actions too; the benchmark uses the last row's ask distance over all rows; the
//! value history survives `reset` and grows twice per step; negative free balances are an error.

use std::collections::VecDeque;
use std::sync::Arc;

use super::eteo_book::{EteoBook, LEVELS, Side};
use super::interface::{FaithfulEnvironment, Info, Step, check_action};
use crate::error::EngineError;

const WHAT: &str = "ETEO order execution";
/// Places of the order list; the configured length is read from the wrong object.
const PLACES: usize = 30;
/// BTC to be bought.
const TARGET: f64 = 1.0;
/// Free cash nearer to 0 than this is 0.
const CASH_DUST: f64 = 1e-10;
/// Seconds in an hour, by which the rows left are divided.
const TIME_SCALE: f64 = 3600.0;

/// An entry of the list; size 0 is none. Sizes above 0 buy.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Order {
    size: f64,
    price: f64,
    queue: f64,
}

/// Cash and BTC, free and locked in resting orders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EteoPortfolio {
    /// Cash that may be spent.
    pub free_cash: f64,
    /// Cash that resting buy orders hold.
    pub locked_cash: f64,
    /// BTC that may be sold.
    pub free_btc: f64,
    /// BTC that resting sell orders hold.
    pub locked_btc: f64,
}

/// How an episode ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EteoResult {
    /// Cash after the leftover was bought (or what is too much sold) at the best price.
    pub cash_left: f64,
    /// Cash the reference's time-weighted benchmark leaves.
    pub twap: f64,
}

/// The environment. Observation: 154 normalised columns, time left, BTC left; action: volume (above 0 buys, below 0
/// sells) and price.
#[derive(Debug, Clone)]
pub struct Eteo {
    book: Arc<EteoBook>,
    initial_cash: f64,
    row: usize,
    portfolio: EteoPortfolio,
    orders: VecDeque<Order>,
    result: Option<EteoResult>,
    history: Vec<f64>,
    assets: Vec<f64>,
}

impl Eteo {
    /// Builds the environment at the start of an episode; the reference begins with 100000 in cash.
    ///
    /// # Errors
    /// Refuses cash not above 0.
    pub fn new(book: Arc<EteoBook>, initial_cash: f64) -> Result<Self, EngineError> {
        if !(initial_cash > 0.0 && initial_cash.is_finite()) {
            let detail = format!("the cash at the start must be above 0, found {initial_cash}");
            return Err(EngineError::Refused { what: WHAT, detail });
        }
        let mut environment = Self {
            book,
            initial_cash,
            row: 0,
            portfolio: begin(initial_cash),
            orders: VecDeque::new(),
            result: None,
            history: vec![initial_cash],
            assets: Vec::new(),
        };
        environment.reset();
        Ok(environment)
    }

    /// Returns the present row.
    #[must_use]
    pub fn row(&self) -> usize {
        self.row
    }

    /// Returns the book.
    #[must_use]
    pub fn book(&self) -> &EteoBook {
        &self.book
    }

    /// Returns cash and BTC.
    #[must_use]
    pub fn portfolio(&self) -> EteoPortfolio {
        self.portfolio
    }

    /// Returns how the episode ended; absent before.
    #[must_use]
    pub fn result(&self) -> Option<EteoResult> {
        self.result
    }

    /// Returns the value history: twice per step, and kept over `reset`.
    #[must_use]
    pub fn value_history(&self) -> &[f64] {
        &self.history
    }

    fn btc(&self) -> f64 {
        self.portfolio.free_btc + self.portfolio.locked_btc
    }

    fn cash(&self) -> f64 {
        self.portfolio.free_cash + self.portfolio.locked_cash
    }

    /// Returns cash and BTC at the best bid.
    fn value(&self) -> f64 {
        self.cash() + self.btc() * self.book.price(self.row, Side::Bids, 0)
    }

    /// Puts an order, or nothing, into the list; the oldest leaves a full one.
    fn place(&mut self, volume: f64, price: f64) {
        let mut order = Order::default();
        if volume > 0.0 {
            let cash = self.portfolio.free_cash;
            let size = if volume * price >= cash { cash / price } else { volume };
            // The reference looks for the level without the factor 0.01 and finds none.
            order = Order { size, price, queue: 0.0 };
        } else if volume < 0.0 {
            let size = volume.abs().min(self.portfolio.free_btc);
            order = Order { size: -size, price, queue: self.queue_before(price) };
        }
        self.orders.push_back(order);
        if PLACES < self.orders.len() {
            self.orders.pop_front();
        }
    }

    /// Returns what rests before a sell order: nothing outside the levels or between them.
    fn queue_before(&self, price: f64) -> f64 {
        let nearest = self.book.price(self.row, Side::Asks, 0);
        let farthest = self.book.price(self.row, Side::Asks, LEVELS - 1);
        if !(nearest..=farthest).contains(&price) {
            return 0.0;
        }
        let level = self.book.level_at(self.row, Side::Asks, price);
        level.map_or(0.0, |level| self.book.notional(self.row, Side::Asks, level))
    }

    /// Shortens the queues by what was cancelled at their level; a queue whose level is gone is 0.
    fn shorten_queues(&mut self) {
        let (book, row) = (&self.book, self.row);
        for order in self.orders.iter_mut().filter(|order| order.queue.abs() > 0.0) {
            let side = if order.size > 0.0 { Side::Bids } else { Side::Asks };
            order.queue = book
                .level_at(row, side, order.price)
                .map_or(0.0, |level| (order.queue - book.cancelled(row, side, level)).max(0.0));
        }
    }

    /// Locks what resting orders need.
    fn lock(&mut self) -> Result<(), EngineError> {
        let (cash, btc) = (self.cash(), self.btc());
        let buys = self.orders.iter().filter(|order| order.size > 0.0);
        let locked_cash = buys.fold(0.0, |sum, order| sum + order.size * order.price);
        let sells = self.orders.iter().filter(|order| order.size < 0.0);
        let locked_btc = sells.fold(0.0, |sum, order| sum + order.size.abs());
        let mut free_cash = cash - locked_cash;
        if free_cash.abs() < CASH_DUST {
            free_cash = 0.0;
        }
        let free_btc = btc - locked_btc;
        if !(free_cash >= 0.0 && free_btc >= 0.0) {
            return Err(EngineError::Refused {
                what: WHAT,
                detail: format!(
                    "free balances must not be negative, found {free_cash} in cash and {free_btc} BTC in row {}; the \
                     reference stops here, too: place smaller orders",
                    self.row
                ),
            });
        }
        self.portfolio = EteoPortfolio { free_cash, locked_cash, free_btc, locked_btc };
        Ok(())
    }

    /// Fills what the new row's best prices reach, in the order of the list.
    #[expect(clippy::float_cmp, reason = "the reference compares prices for equality")]
    fn fill(&mut self) {
        let (bid, ask) =
            (self.book.price(self.row, Side::Bids, 0), self.book.price(self.row, Side::Asks, 0));
        let resting = |side| self.book.notional(self.row, side, 0);
        for order in &mut self.orders {
            if order.size < 0.0 {
                let size = order.size.abs();
                let sold = if order.price < bid {
                    size
                } else if order.price == bid {
                    (resting(Side::Bids) - order.queue).min(size)
                } else {
                    continue;
                };
                self.portfolio.locked_btc -= sold;
                self.portfolio.free_cash += sold * order.price;
                *order = rest(order, sold - size);
            } else if order.size > 0.0 {
                let bought = if order.price > ask {
                    order.size
                } else if order.price == ask {
                    (resting(Side::Asks) - order.queue).min(order.size)
                } else {
                    continue;
                };
                self.portfolio.locked_cash -= bought * order.price;
                self.portfolio.free_btc += bought;
                *order = rest(order, order.size - bought);
            }
        }
    }

    /// Settles the episode on the present row.
    fn settle(&self) -> EteoResult {
        let rows = self.book.rows();
        let distance = self.book.distance(self.row, Side::Asks, 0);
        let paid: f64 = (0..rows)
            .map(|row| 1.0 / rows as f64 * self.book.midpoint(row) * (1.0 + 0.01 * distance))
            .sum();
        let leftover = TARGET - self.btc();
        let side = if leftover >= 0.0 { Side::Asks } else { Side::Bids };
        EteoResult {
            cash_left: self.cash() - leftover * self.book.price(self.row, side, 0),
            twap: self.initial_cash - paid,
        }
    }
}

fn begin(cash: f64) -> EteoPortfolio {
    EteoPortfolio { free_cash: cash, locked_cash: 0.0, free_btc: 0.0, locked_btc: 0.0 }
}

/// Returns what stays in an order's place after a fill.
fn rest(order: &Order, size: f64) -> Order {
    if size.abs() > 0.0 { Order { size, price: order.price, queue: 0.0 } } else { Order::default() }
}

impl FaithfulEnvironment for Eteo {
    fn observation_shape(&self) -> Vec<usize> {
        vec![self.book.names().len() + 2]
    }

    fn observation_names(&self) -> Vec<String> {
        let mut names = self.book.names().to_vec();
        names.extend(["time_left".to_owned(), "order_left".to_owned()]);
        names
    }

    fn reset(&mut self) {
        self.row = 0;
        self.portfolio = begin(self.initial_cash);
        self.orders.clear();
        self.result = None;
        self.assets = vec![self.initial_cash];
    }

    fn observe(&self) -> Vec<f64> {
        let mut state = self.book.normalised(self.row);
        state.push((self.book.rows() - self.row) as f64 / TIME_SCALE);
        state.push(TARGET - self.btc());
        state
    }

    /// A negative free balance is an error after the row has moved on, as in the reference: the episode is lost then.
    fn step(&mut self, action: &[f64]) -> Result<Step, EngineError> {
        check_action(WHAT, action, 2)?;
        let (volume, price) = (action[0], action[1]);
        if volume.abs() > 0.0 && price <= 0.0 {
            let detail = format!("the price of an order must be above 0, found {price}");
            return Err(EngineError::Refused { what: WHAT, detail });
        }
        if self.result.is_some() {
            return Ok(Step { reward: 0.0, done: true });
        }
        self.place(volume, price);
        self.row += 1;
        self.shorten_queues();
        self.lock()?;
        self.history.push(self.value());
        self.fill();
        self.history.push(self.value());
        self.assets.push(self.value());
        if self.row + 1 < self.book.rows() - 1 {
            return Ok(Step { reward: 0.0, done: false });
        }
        let result = self.settle();
        self.result = Some(result);
        let reward = if result.cash_left >= result.twap { 1.0 } else { 0.0 };
        Ok(Step { reward, done: true })
    }

    /// Cash plus BTC at the best bid, after each step. The reference's own list is [`Eteo::value_history`].
    fn assets(&self) -> Vec<f64> {
        self.assets.clone()
    }

    fn returns(&self) -> Vec<f64> {
        let changes = self.assets.windows(2).map(|pair| pair[1] / pair[0] - 1.0);
        std::iter::once(0.0).chain(changes).collect()
    }

    /// `portfolio`: free and locked cash, free and locked BTC.
    fn info(&self) -> Info {
        let EteoPortfolio { free_cash, locked_cash, free_btc, locked_btc } = self.portfolio;
        Info::from([("portfolio", vec![free_cash, locked_cash, free_btc, locked_btc])])
    }
}
