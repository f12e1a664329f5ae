//! Cash, position, fees and profit of one account in one currency. The identity is asserted after every fill.
//!
//! `cash + position · price = start + realised + unrealised − fees`, for every price.

use super::Position;
use crate::error::EngineError;
use crate::num::{Money, Price};
use crate::orders::Fill;

/// Largest difference of the two sides of the identity, relative to the largest amount that entered it.
pub const IDENTITY_TOLERANCE: f64 = 1e-9;

/// The plain numbers of a ledger, in the order in which they are saved.
pub type LedgerState = [f64; 8];

/// One account's books.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    start: f64,
    cash: f64,
    position: Position,
    realised: f64,
    fees: f64,
    slippage: f64,
    /// Largest amount that ever entered the books: the scale of rounding.
    scale: f64,
}

impl Ledger {
    /// Opens the books with some cash.
    #[must_use]
    pub fn new(start: Money) -> Self {
        let start = start.get();
        Self {
            start,
            cash: start,
            position: Position::default(),
            realised: 0.0,
            fees: 0.0,
            slippage: 0.0,
            scale: start.abs(),
        }
    }

    /// Books one fill.
    ///
    /// # Panics
    /// When the identity does not hold afterwards: the books are wrong and nothing may be decided on them.
    pub fn apply(&mut self, fill: &Fill) {
        let value = fill.quantity.get() * fill.price.get();
        self.cash -= value + fill.fee.get();
        self.fees += fill.fee.get();
        self.slippage += fill.slippage.get();
        self.realised += self.position.apply(fill.quantity, fill.price);
        self.scale = self.scale.max(self.cash.abs()).max(value.abs()).max(self.realised.abs());
        self.assert_identity(fill.price);
    }

    /// Asserts the identity at a price.
    ///
    /// # Panics
    /// When it does not hold to [`IDENTITY_TOLERANCE`], NaN included.
    pub fn assert_identity(&self, price: Price) {
        let error = self.identity_error(price);
        assert!(
            error <= IDENTITY_TOLERANCE,
            "the books do not balance: relative error {error} in {self:?}"
        );
    }

    /// Returns the relative difference of the two sides of the identity at a price; 0 is perfect.
    #[must_use]
    pub fn identity_error(&self, price: Price) -> f64 {
        let left = self.equity(price);
        let right = self.start + self.realised + self.position.unrealised(price) - self.fees;
        let scale = self.scale.max((self.position.quantity() * price.get()).abs());
        if scale > 0.0 { (left - right).abs() / scale } else { (left - right).abs() }
    }

    /// Returns cash plus position at a price.
    #[must_use]
    pub fn equity(&self, price: Price) -> f64 {
        self.cash + self.position.quantity() * price.get()
    }

    /// Returns the cash, quote currency.
    #[must_use]
    pub fn cash(&self) -> f64 {
        self.cash
    }

    /// Returns what is held.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Returns the realised profit before fees.
    #[must_use]
    pub fn realised(&self) -> f64 {
        self.realised
    }

    /// Returns the fees paid.
    #[must_use]
    pub fn fees(&self) -> f64 {
        self.fees
    }

    /// Returns what slippage cost. Already contained in the fill prices.
    #[must_use]
    pub fn slippage(&self) -> f64 {
        self.slippage
    }

    /// Returns the numbers to save.
    #[must_use]
    pub fn state(&self) -> LedgerState {
        [
            self.start,
            self.cash,
            self.position.quantity(),
            self.position.average_price(),
            self.realised,
            self.fees,
            self.slippage,
            self.scale,
        ]
    }

    /// Restores books exactly.
    ///
    /// # Errors
    /// Refuses numbers that are not finite or do not balance.
    pub fn restore(state: &LedgerState) -> Result<Self, EngineError> {
        let refuse = |detail: String| Err(EngineError::State { what: "ledger", detail });
        if !state.iter().all(|number| number.is_finite()) {
            return refuse("a number in it is not finite".to_owned());
        }
        let [start, cash, quantity, average_price, realised, fees, slippage, scale] = *state;
        let position = Position::restore(quantity, average_price);
        let ledger = Self { start, cash, position, realised, fees, slippage, scale };
        let price = Price::new(average_price.max(1.0))
            .map_err(|error| EngineError::State { what: "ledger", detail: error.to_string() })?;
        let error = ledger.identity_error(price);
        if error <= IDENTITY_TOLERANCE {
            return Ok(ledger);
        }
        refuse(format!("its books do not balance (relative error {error})"))
    }
}
