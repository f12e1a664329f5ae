//! One segment of prepared data: prices to trade at and normalised features to look at. Shared, never changed.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::error::{EngineError, few};
use crate::features::FeatureFrame;
use crate::market::BarSeries;
use crate::num::{Price, narrow};

/// Highest price taken: keeps every amount of the account far inside the range of `f64`.
pub(super) const PRICE_MAX: f64 = 1e15;
/// Lowest price taken: what the account's money buys at it is still a count of units that is exact.
pub(super) const PRICE_MIN: f64 = 1e-9;
/// Largest quotient of two prices of one segment: beyond it an account that fits the one is lost in rounding at the
/// other.
const PRICE_RATIO_MAX: f64 = 1e12;
/// Milliseconds of a year of 365.25 days.
const YEAR_MS: f64 = 365.25 * 86_400_000.0;
/// Distance of two rows of reference files, whose time stamps are opaque: one day.
const REFERENCE_INTERVAL_MS: i64 = 86_400_000;

/// The bars and features of one segment.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketData {
    time_ms: Vec<i64>,
    open: Vec<Price>,
    close: Vec<Price>,
    names: Vec<String>,
    /// `[feature, row]`, feature by feature, so that a window of one feature is contiguous.
    features: Vec<f32>,
    periods_per_year: f64,
}

impl MarketData {
    /// Takes the bars and (normalised) features of `rows`.
    ///
    /// # Errors
    /// Refuses rows that do not exist, features that are not defined in them, prices below 1e-9 or above 1e15, and
    /// prices of which one is more than 1e12 times another.
    pub fn new(
        bars: &BarSeries,
        frame: &FeatureFrame,
        rows: Range<usize>,
    ) -> Result<Self, EngineError> {
        if bars.len() < rows.end || frame.rows != bars.len() || rows.start < frame.warmup_rows {
            return Err(refused(format!(
                "rows {}..{} were wanted of {} bars and {} rows of features with {} rows of warm-up",
                rows.start,
                rows.end,
                bars.len(),
                frame.rows,
                frame.warmup_rows
            )));
        }
        let mut features = Vec::with_capacity(frame.width * rows.len());
        for (column, name) in frame.names.iter().enumerate() {
            for row in rows.clone() {
                let value = frame.row(row).and_then(|cells| cells.get(column).copied());
                features.push(finite(value.unwrap_or(f64::NAN), name, row)?);
            }
        }
        let (open, close) =
            prices(&bars.open[rows.clone()], &bars.close[rows.clone()], rows.start)?;
        Ok(Self {
            time_ms: bars.time_ms[rows].to_vec(),
            open,
            close,
            names: frame.names.clone(),
            features,
            periods_per_year: periods_per_year(&bars.time_ms),
        })
    }

    /// Takes the named columns of a table in the reference system's layout, features as they stand there.
    ///
    /// # Errors
    /// Refuses when columns are missing (all are named), differ in length, or hold what is no price or not finite.
    pub fn from_reference(
        columns: &BTreeMap<String, Vec<f64>>,
        names: &[String],
    ) -> Result<Self, EngineError> {
        Self::from_columns(columns, names, "open")
    }

    /// The same for an environment that knows closes alone: `open` may be a feature and is no price, and every bar opens
    /// where it closes.
    ///
    /// # Errors
    /// As [`MarketData::from_reference`], but `open` need not be there.
    pub fn from_reference_closes(
        columns: &BTreeMap<String, Vec<f64>>,
        names: &[String],
    ) -> Result<Self, EngineError> {
        Self::from_columns(columns, names, "close")
    }

    fn from_columns(
        columns: &BTreeMap<String, Vec<f64>>,
        names: &[String],
        open: &str,
    ) -> Result<Self, EngineError> {
        let mut missing: Vec<&str> = names.iter().map(String::as_str).collect();
        for price in [open, "close"] {
            if !missing.contains(&price) {
                missing.push(price);
            }
        }
        missing.retain(|name| !columns.contains_key(*name));
        if !missing.is_empty() {
            let found = few(columns.keys());
            return Err(refused(format!(
                "the columns {} are missing; found {found}",
                missing.join(", ")
            )));
        }
        let column = |name: &str| columns.get(name).map_or(&[][..], Vec::as_slice);
        let rows = column("close").len();
        let mut features = Vec::with_capacity(names.len() * rows);
        for name in names {
            let values = column(name);
            if values.len() != rows {
                return Err(refused(format!(
                    "column {name} has {} rows, close has {rows}",
                    values.len()
                )));
            }
            for (row, value) in values.iter().enumerate() {
                features.push(finite(*value, name, row)?);
            }
        }
        let time_ms: Vec<i64> = (0..rows).map(|row| row as i64 * REFERENCE_INTERVAL_MS).collect();
        let (open, close) = prices(column(open), column("close"), 0)?;
        Ok(Self {
            periods_per_year: periods_per_year(&time_ms),
            time_ms,
            open,
            close,
            names: names.to_vec(),
            features,
        })
    }

    /// Returns the number of bars.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.close.len()
    }

    /// Returns the number of features.
    #[must_use]
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// Returns the features' names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the times of the bars, milliseconds since 1970 UTC.
    #[must_use]
    pub fn time_ms(&self) -> &[i64] {
        &self.time_ms
    }

    /// Returns the first prices of the bars.
    #[must_use]
    pub fn open(&self) -> &[Price] {
        &self.open
    }

    /// Returns the last prices of the bars.
    #[must_use]
    pub fn close(&self) -> &[Price] {
        &self.close
    }

    /// Returns one feature over all rows.
    ///
    /// # Panics
    /// When there is no such feature.
    #[must_use]
    pub fn feature(&self, index: usize) -> &[f32] {
        let rows = self.rows();
        &self.features[index * rows..(index + 1) * rows]
    }

    /// Returns how many bars a year has, from the times of the whole series: 365.25 for calendar days, about 252 for
    /// trading days.
    #[must_use]
    pub fn periods_per_year(&self) -> f64 {
        self.periods_per_year
    }
}

/// Bars per year by the time that passes between the first bar and the last; 1 when that cannot be known.
pub(super) fn periods_per_year(time_ms: &[i64]) -> f64 {
    match time_ms {
        [first, .., last] if first < last => {
            (time_ms.len() - 1) as f64 * YEAR_MS / (last - first) as f64
        }
        _ => 1.0,
    }
}

/// Takes both columns; `first_row` is the row of their first value, for messages.
fn prices(
    open: &[f64],
    close: &[f64],
    first_row: usize,
) -> Result<(Vec<Price>, Vec<Price>), EngineError> {
    let taken = (column(open, "open", first_row)?, column(close, "close", first_row)?);
    let all = || open.iter().enumerate().chain(close.iter().enumerate());
    let by_price = |left: &(usize, &f64), right: &(usize, &f64)| left.1.total_cmp(right.1);
    let (lowest, highest) = (all().min_by(by_price), all().max_by(by_price));
    if let (Some((low_row, low)), Some((high_row, high))) = (lowest, highest)
        && low * PRICE_RATIO_MAX < *high
    {
        return Err(refused(format!(
            "prices of one segment must lie within a factor of 1e12, found {low} in row {} and {high} in row {}; correct \
             the data, or cut it where the price was redenominated",
            first_row + low_row,
            first_row + high_row
        )));
    }
    Ok(taken)
}

fn column(values: &[f64], name: &str, first_row: usize) -> Result<Vec<Price>, EngineError> {
    values
        .iter()
        .enumerate()
        .map(|(offset, value)| match Price::new(*value) {
            Ok(price) if (PRICE_MIN..=PRICE_MAX).contains(value) => Ok(price),
            Ok(_) | Err(_) => Err(refused(format!(
                "{name} of row {} must be a price of at least 1e-9 and at most 1e15, found {value}",
                first_row + offset
            ))),
        })
        .collect()
}

fn finite(value: f64, column: &str, row: usize) -> Result<f32, EngineError> {
    let single = narrow(value);
    if single.is_finite() {
        return Ok(single);
    }
    Err(refused(format!(
        "feature {column} of row {row} must be finite in single precision, found {value}"
    )))
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "market data", detail }
}
