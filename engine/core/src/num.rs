//! Prices, quantities and amounts of money of the simulated account: finite, checked, never mixed up.
//!
//! Here they are `f64`. Training environments and their back-tests decide on bars whose prices are `f64` already, run
//! millions of steps per second and are held to their ledger identity to 1e-9; the fixed-point types of orders that
//! reach a venue come with execution (spec/trading.md, section 2: "f64 only in features, metrics and training
//! environments").

/// A number that is not what its type promises.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what} must be {wanted}, found {found}")]
pub struct NumError {
    /// `price`, `quantity` or `amount of money`.
    pub what: &'static str,
    /// The condition.
    pub wanted: &'static str,
    /// What was found.
    pub found: f64,
}

/// Quote currency per unit of the instrument: finite and above zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Price(f64);

/// Units of the instrument, signed: positive is long or a buy.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Quantity(f64);

/// An amount of quote currency, signed.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Money(f64);

impl Price {
    /// Takes a finite number above zero.
    ///
    /// # Errors
    /// Refuses zero, negative numbers, NaN and the infinities.
    pub fn new(value: f64) -> Result<Self, NumError> {
        if value > 0.0 && value.is_finite() {
            return Ok(Self(value));
        }
        Err(NumError { what: "price", wanted: "finite and above zero", found: value })
    }

    /// Returns the number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Quantity {
    /// No units.
    pub const ZERO: Self = Self(0.0);

    /// Takes a finite number.
    ///
    /// # Errors
    /// Refuses NaN and the infinities.
    pub fn new(value: f64) -> Result<Self, NumError> {
        if value.is_finite() {
            return Ok(Self(value));
        }
        Err(NumError { what: "quantity", wanted: "finite", found: value })
    }

    /// Returns the number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);

    /// Takes a finite number.
    ///
    /// # Errors
    /// Refuses NaN and the infinities.
    pub fn new(value: f64) -> Result<Self, NumError> {
        if value.is_finite() {
            return Ok(Self(value));
        }
        Err(NumError { what: "amount of money", wanted: "finite", found: value })
    }

    /// Returns the number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// Returns the nearest `f32`: what networks see.
#[expect(
    clippy::cast_possible_truncation,
    reason = "observations are single precision by contract"
)]
#[must_use]
pub fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_a_price() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Price::new(value).is_err(), "{value}");
        }
        assert!(Price::new(0.01).is_ok());
    }

    #[test]
    fn refuses_quantities_and_money_that_are_not_finite() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Quantity::new(value).is_err(), "{value}");
            assert!(Money::new(value).is_err(), "{value}");
        }
        assert!(Quantity::new(-1.0).is_ok());
        assert!(Money::new(-1.0).is_ok());
    }
}
