//! Bars of one instrument: columns of equal length, in time order.

use std::ops::Range;

use super::error::{DataError, DataErrorKind, Fault};

/// Open and close may lie this far outside high and low, relative to the price: vendors round each column by itself.
pub const ROUNDING: f64 = 1e-6;

/// Lowest price that is imported: what no environment can count units at (see `environment::MarketData`) is refused
/// while the file can still be corrected. Real quotes end at about 1e-9 (coins with many zeros, in dollars).
pub const IMPORT_PRICE_MIN: f64 = 1e-9;
/// Highest price that is imported. The dearest quote on record, a share at some 1e9 units of a weak currency, lies far
/// below; a price above is a slip of the exporter, and products of two of them still stay far inside `f64`.
pub const IMPORT_PRICE_MAX: f64 = 1e12;
/// Smallest volume that is imported besides 0: the smallest unit of the finest-grained coin.
pub const IMPORT_VOLUME_MIN: f64 = 1e-18;
/// Largest volume that is imported. Coins with 1e15 units in circulation trade below it; sums over any file stay exact
/// enough, and no mean of volumes overflows.
pub const IMPORT_VOLUME_MAX: f64 = 1e18;

/// One bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Time as written in the source, milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// First price, quote currency.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Last price adjusted for splits and dividends; the close where the source has none.
    pub adjusted_close: f64,
    /// What was traded, in the source's unit; absent where the source has none.
    pub volume: Option<f64>,
}

/// Bars of one instrument. Every column has one value per bar.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BarSeries {
    /// Name of the instrument, for example `BTC`.
    pub instrument: String,
    /// Usual distance between two bars (their median), in seconds; 0 for fewer than two bars.
    pub interval_seconds: f64,
    /// Times as written in the source, milliseconds since 1970 UTC, strictly increasing.
    pub time_ms: Vec<i64>,
    /// First prices, quote currency.
    pub open: Vec<f64>,
    /// Highest prices.
    pub high: Vec<f64>,
    /// Lowest prices.
    pub low: Vec<f64>,
    /// Last prices.
    pub close: Vec<f64>,
    /// Last prices adjusted for splits and dividends; equal to `close` where the source has none.
    pub adjusted_close: Vec<f64>,
    /// What was traded, in the source's unit; absent where the source has none.
    pub volume: Option<Vec<f64>>,
}

impl BarSeries {
    /// Returns the number of bars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.time_ms.len()
    }

    /// Whether there is no bar.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.time_ms.is_empty()
    }

    /// Returns the bars of `range`, cut to what is there. The interval stays that of the whole.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        Self {
            instrument: self.instrument.clone(),
            interval_seconds: self.interval_seconds,
            time_ms: self.time_ms[range.clone()].to_vec(),
            open: self.open[range.clone()].to_vec(),
            high: self.high[range.clone()].to_vec(),
            low: self.low[range.clone()].to_vec(),
            close: self.close[range.clone()].to_vec(),
            adjusted_close: self.adjusted_close[range.clone()].to_vec(),
            volume: self.volume.as_ref().map(|volume| volume[range].to_vec()),
        }
    }

    /// Returns the bar at `index`.
    #[must_use]
    pub fn bar(&self, index: usize) -> Option<Bar> {
        Some(Bar {
            time_ms: *self.time_ms.get(index)?,
            open: *self.open.get(index)?,
            high: *self.high.get(index)?,
            low: *self.low.get(index)?,
            close: *self.close.get(index)?,
            adjusted_close: *self.adjusted_close.get(index)?,
            volume: self.volume.as_ref().and_then(|volume| volume.get(index).copied()),
        })
    }

    /// Returns every bar in time order.
    pub fn bars(&self) -> impl Iterator<Item = Bar> + '_ {
        (0..self.len()).filter_map(|index| self.bar(index))
    }

    /// Appends one bar, unchecked; the interval is not touched. A series with volume takes a missing one as 0.
    pub fn push(&mut self, bar: &Bar) {
        self.time_ms.push(bar.time_ms);
        self.open.push(bar.open);
        self.high.push(bar.high);
        self.low.push(bar.low);
        self.close.push(bar.close);
        self.adjusted_close.push(bar.adjusted_close);
        if let Some(volume) = &mut self.volume {
            volume.push(bar.volume.unwrap_or(0.0));
        }
    }

    /// Checks everything the rest of the engine relies on: columns of equal length, at least one bar, times strictly
    /// increasing, prices finite and above 0, high and low around open and close.
    ///
    /// # Errors
    /// Refuses with the row (from 1) and the column of the first fault.
    pub fn validate(&self) -> Result<(), DataError> {
        self.validate_shape()?;
        let mut previous = None;
        for (index, bar) in self.bars().enumerate() {
            check(&bar, previous).map_err(|fault| {
                DataError::new(&self.instrument, fault.kind, fault.fault)
                    .at_line(index as u64 + 1)
                    .in_column(fault.field)
            })?;
            previous = Some(bar.time_ms);
        }
        Ok(())
    }

    fn validate_shape(&self) -> Result<(), DataError> {
        let refuse = |column: &str, kind, fault| {
            Err(DataError::new(&self.instrument, kind, fault).in_column(column))
        };
        if self.is_empty() {
            let fault = Fault::new("at least one bar", "none", "Import a file with data rows");
            return refuse("time_ms", DataErrorKind::Empty, fault);
        }
        let columns = [
            ("open", self.open.len()),
            ("high", self.high.len()),
            ("low", self.low.len()),
            ("close", self.close.len()),
            ("adjusted_close", self.adjusted_close.len()),
            ("volume", self.volume.as_ref().map_or(self.len(), Vec::len)),
        ];
        for (name, length) in columns {
            if length != self.len() {
                let wanted = format!("{} values, one per bar", self.len());
                let fault = Fault::new(wanted, length.to_string(), "Import the source file again");
                return refuse(name, DataErrorKind::Columns, fault);
            }
        }
        if !(self.interval_seconds.is_finite() && 0.0 <= self.interval_seconds) {
            let found = self.interval_seconds.to_string();
            let fault =
                Fault::new("an interval of 0 s or more", found, "Import the source file again");
            return refuse("interval_seconds", DataErrorKind::Time, fault);
        }
        Ok(())
    }
}

/// Returns the usual distance between two of `time_ms`: the median, in seconds; 0 for fewer than two.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "distances of decades are far below 2^53 ms")]
pub fn interval_seconds(time_ms: &[i64]) -> f64 {
    let mut steps: Vec<i64> =
        time_ms.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).map_or(0.0, |step| *step as f64 / 1000.0)
}

/// A fault within one bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BarFault {
    /// Field of [`Bar`].
    pub(crate) field: &'static str,
    /// What kind.
    pub(crate) kind: DataErrorKind,
    /// The sentences.
    pub(crate) fault: Fault,
}

/// Checks one bar by itself and against the time of the one before it.
///
/// # Errors
/// Returns the first fault.
pub(crate) fn check(bar: &Bar, previous_ms: Option<i64>) -> Result<(), BarFault> {
    check_prices(bar)?;
    check_range(bar)?;
    let Some(previous) = previous_ms else {
        return Ok(());
    };
    if previous < bar.time_ms {
        return Ok(());
    }
    let found = if previous == bar.time_ms { "the same time again" } else { "an earlier time" };
    let fault = Fault::new(
        format!("a time after that of the row before ({})", show_time(previous)),
        format!("{} ({found})", show_time(bar.time_ms)),
        "Sort the file by time and remove repeated rows; a file with several instruments needs one chosen",
    );
    Err(BarFault { field: "time", kind: DataErrorKind::Time, fault })
}

/// Checks that the numbers of a bar are of a size that a market can have. Only for files: what is stored stays readable.
///
/// # Errors
/// Returns the first fault.
pub(crate) fn check_import(bar: &Bar) -> Result<(), BarFault> {
    let next = "Correct or remove the row; if all rows are like this, the export uses other units";
    for (field, price) in prices_of(bar) {
        if !(IMPORT_PRICE_MIN..=IMPORT_PRICE_MAX).contains(&price) {
            let wanted = format!("a price from {IMPORT_PRICE_MIN:e} to {IMPORT_PRICE_MAX:e}");
            let fault = Fault::new(wanted, show_number(price), next);
            return Err(BarFault { field, kind: DataErrorKind::Bar, fault });
        }
    }
    match bar.volume {
        Some(volume)
            if 0.0 < volume && !(IMPORT_VOLUME_MIN..=IMPORT_VOLUME_MAX).contains(&volume) =>
        {
            let wanted =
                format!("a volume of 0, or from {IMPORT_VOLUME_MIN:e} to {IMPORT_VOLUME_MAX:e}");
            let fault = Fault::new(wanted, show_number(volume), next);
            Err(BarFault { field: "volume", kind: DataErrorKind::Bar, fault })
        }
        Some(_) | None => Ok(()),
    }
}

/// A number at the edge of its range in a form that fits a line.
fn show_number(number: f64) -> String {
    format!("{number:e}")
}

fn prices_of(bar: &Bar) -> [(&'static str, f64); 5] {
    [
        ("open", bar.open),
        ("high", bar.high),
        ("low", bar.low),
        ("close", bar.close),
        ("adjusted_close", bar.adjusted_close),
    ]
}

fn check_prices(bar: &Bar) -> Result<(), BarFault> {
    for (field, price) in prices_of(bar) {
        if !(price.is_finite() && 0.0 < price) {
            let fault = Fault::new(
                "a finite price above 0",
                price.to_string(),
                "Correct or remove the row; use a longer bar if nothing was traded",
            );
            return Err(BarFault { field, kind: DataErrorKind::Bar, fault });
        }
    }
    if let Some(volume) = bar.volume
        && !(volume.is_finite() && 0.0 <= volume)
    {
        let fault = Fault::new(
            "a finite volume of 0 or more",
            volume.to_string(),
            "Correct or remove the row",
        );
        return Err(BarFault { field: "volume", kind: DataErrorKind::Bar, fault });
    }
    Ok(())
}

fn check_range(bar: &Bar) -> Result<(), BarFault> {
    if bar.high < bar.low {
        let fault = Fault::new(
            format!("a high of at least the low ({})", bar.low),
            bar.high.to_string(),
            "Correct the row, or exchange the two columns in the mapping",
        );
        return Err(BarFault { field: "high", kind: DataErrorKind::Bar, fault });
    }
    let slack = bar.high * ROUNDING;
    for (field, price) in [("open", bar.open), ("close", bar.close)] {
        if !(bar.low - slack <= price && price <= bar.high + slack) {
            let fault = Fault::new(
                format!("a price between low ({}) and high ({})", bar.low, bar.high),
                price.to_string(),
                "Correct the row; if many rows fail, the columns are mapped wrongly or only some are adjusted",
            );
            return Err(BarFault { field, kind: DataErrorKind::Bar, fault });
        }
    }
    Ok(())
}

/// Returns a time as RFC 3339 UTC, or the number where it lies outside the calendar.
#[must_use]
pub fn show_time(time_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(time_ms)
        .map_or_else(|_| format!("{time_ms} ms"), |time| time.to_string())
}
