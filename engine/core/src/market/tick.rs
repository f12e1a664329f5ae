//! Single trades of one instrument, in time order.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::bar::show_time;
use super::error::{DataError, DataErrorKind, Fault};

/// Who crossed the spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggressor {
    /// The buyer took what was asked.
    Buyer,
    /// The seller took what was bid.
    Seller,
    /// The source does not tell.
    Unknown,
}

/// Trades of one instrument. Every column has one value per trade.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TradeSeries {
    /// Name of the instrument.
    pub instrument: String,
    /// Times, microseconds since 1970 UTC, never falling: several trades may share one.
    pub time_us: Vec<i64>,
    /// Prices, quote currency.
    pub price: Vec<f64>,
    /// Units.
    pub quantity: Vec<f64>,
    /// Who crossed the spread.
    pub aggressor: Vec<Aggressor>,
}

impl TradeSeries {
    /// Returns the number of trades.
    #[must_use]
    pub fn len(&self) -> usize {
        self.time_us.len()
    }

    /// Whether there is no trade.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.time_us.is_empty()
    }

    /// Returns a contiguous part; what lies beyond the end is left out.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        Self {
            instrument: self.instrument.clone(),
            time_us: self.time_us[range.clone()].to_vec(),
            price: self.price[range.clone()].to_vec(),
            quantity: self.quantity[range.clone()].to_vec(),
            aggressor: self.aggressor[range].to_vec(),
        }
    }

    /// Checks everything the rest of the engine relies on: columns of one length, times never falling, prices and
    /// quantities finite and above 0.
    ///
    /// # Errors
    /// Refuses with the row (from 1) and the column of the first fault.
    pub fn validate(&self) -> Result<(), DataError> {
        let lengths = [self.price.len(), self.quantity.len(), self.aggressor.len()];
        if self.is_empty() || lengths.iter().any(|length| *length != self.len()) {
            let wanted = "at least one trade, columns of equal length";
            let found = format!("{} times, {lengths:?}", self.len());
            let fault = Fault::new(wanted, found, "Import the source again");
            return Err(DataError::new(&self.instrument, DataErrorKind::Columns, fault));
        }
        let mut previous = i64::MIN;
        for row in 0..self.len() {
            let refuse = |column: &str, kind, fault| {
                Err(DataError::new(&self.instrument, kind, fault)
                    .at_line(row as u64 + 1)
                    .in_column(column))
            };
            let time = self.time_us[row];
            if time < previous {
                let wanted = format!("a time from {} on", show_time(previous / 1000));
                let next = "Sort the trades by time";
                let fault = Fault::new(wanted, show_time(time / 1000), next);
                return refuse("time", DataErrorKind::Time, fault);
            }
            previous = time;
            for (column, value) in [("price", self.price[row]), ("quantity", self.quantity[row])] {
                if !(value.is_finite() && 0.0 < value) {
                    let next = "Correct or remove the row";
                    let fault = Fault::new("a finite number above 0", value.to_string(), next);
                    return refuse(column, DataErrorKind::Bar, fault);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trades() -> TradeSeries {
        TradeSeries {
            instrument: "BTC".to_owned(),
            time_us: vec![1, 1, 2],
            price: vec![10.0, 11.0, 10.5],
            quantity: vec![1.0, 0.5, 2.0],
            aggressor: vec![Aggressor::Buyer, Aggressor::Seller, Aggressor::Unknown],
        }
    }

    #[test]
    fn several_trades_may_share_a_time_but_none_goes_back() {
        trades().validate().unwrap();
        let mut back = trades();
        back.time_us[2] = 0;
        let error = back.validate().unwrap_err();
        assert_eq!((error.line, error.column.as_deref()), (Some(3), Some("time")));
    }

    #[test]
    fn refuses_what_was_not_traded() {
        let mut nothing = trades();
        nothing.quantity[1] = 0.0;
        assert_eq!(nothing.validate().unwrap_err().column.as_deref(), Some("quantity"));
        let mut no_price = trades();
        no_price.price[0] = f64::NAN;
        assert_eq!(no_price.validate().unwrap_err().line, Some(1));
        assert_eq!(TradeSeries::default().validate().unwrap_err().kind, DataErrorKind::Columns);
    }
}
