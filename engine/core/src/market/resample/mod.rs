//! Trades, order books and bars → longer bars. A bar is given out only when it is finished: nothing that was known
//! later changes it. Two steps give what one gives.

mod builder;
mod by_trades;
mod span;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::builder::{Builder, Point};
pub use self::by_trades::{TradeBars, by_trades};
pub use self::span::Span;
use super::align::whole_seconds;
use super::bar::BarSeries;
use super::book::BookSeries;
use super::calendar::{BarStamp, Calendar, CalendarName};
use super::error::{DataError, DataErrorKind, Fault};
use super::tick::TradeSeries;
use super::transformation::Transformation;

/// What happens to a last bar that is not finished.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unfinished {
    /// It is left out.
    #[default]
    Drop,
    /// It is given out as it stands. It will change.
    Keep,
}

/// How long bars are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeBars {
    /// Their length.
    pub span: Span,
    /// When the market trades: bars begin with its sessions and do not cross them.
    pub calendar: Calendar,
    /// Which end of a new bar its time is. Bars of a day and longer with [`BarStamp::Start`] have the midnight UTC of
    /// their first trading day, as vendors write daily files.
    pub stamp: BarStamp,
    /// What happens to the last one.
    pub unfinished: Unfinished,
}

impl TimeBars {
    /// Returns bars of `span` round the clock, stamped with their start, the unfinished one left out.
    #[must_use]
    pub fn round_the_clock(span: Span) -> Self {
        Self {
            span,
            calendar: Calendar::of(CalendarName::AlwaysOpen),
            stamp: BarStamp::Start,
            unfinished: Unfinished::Drop,
        }
    }
}

/// Bars to be made longer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShortBars<'a> {
    /// The bars.
    pub bars: &'a BarSeries,
    /// Which end of each its time is.
    pub stamp: BarStamp,
    /// Until when everything is known, milliseconds since 1970 UTC; absent: until the last bar is over.
    pub complete_until_ms: Option<i64>,
}

/// Longer bars and what was done to make them.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampled {
    /// The bars.
    pub bars: BarSeries,
    /// Until when everything is known: what a second step needs.
    pub complete_until_ms: i64,
    /// Whether a last bar was left out because it was not finished.
    pub dropped_unfinished: bool,
    /// Rows of the source that lie in no session; they are in no bar.
    pub outside: u64,
    /// For the manifest.
    pub transformation: Transformation,
}

/// Returns the bars of trades. What was traded is their volume, in units.
///
/// # Errors
/// Refuses trades that are not valid, a length of 0, and trades of which no finished bar can be made.
pub fn of_trades(trades: &TradeSeries, to: &TimeBars) -> Result<Resampled, DataError> {
    trades.validate()?;
    to.span.check(&trades.instrument)?;
    let until = trades.time_us.last().map_or(0, |time| time.div_euclid(1000));
    let points = (0..trades.len()).map(|row| {
        let price = trades.price[row];
        Point::single(trades.time_us[row].div_euclid(1000), price, Some(trades.quantity[row]))
    });
    build(&trades.instrument, points, to, until, "trades")
}

/// Returns bars of the middle between best bid and best ask. Their volume is what takers bought and sold, where the
/// book tells both.
///
/// # Errors
/// Refuses a book that is not valid, a length of 0, and snapshots of which no finished bar can be made.
pub fn of_book(book: &BookSeries, to: &TimeBars) -> Result<Resampled, DataError> {
    book.validate()?;
    to.span.check(&book.instrument)?;
    let until = book.time_ms.last().copied().unwrap_or(0);
    let flow = book.bought.as_ref().zip(book.sold.as_ref());
    let points = (0..book.len()).map(|row| {
        let volume = flow.map(|(bought, sold)| bought[row] + sold[row]);
        Point::single(book.time_ms[row], book.mid(row), volume)
    });
    build(&book.instrument, points, to, until, "middles of an order book")
}

/// Returns longer bars of shorter ones.
///
/// # Errors
/// Refuses bars that are not valid, a length that is no multiple of theirs, and bars of which no finished one can be
/// made.
pub fn of_bars(short: &ShortBars<'_>, to: &TimeBars) -> Result<Resampled, DataError> {
    let bars = short.bars;
    bars.validate()?;
    to.span.check(&bars.instrument)?;
    let interval = whole_seconds(bars.interval_seconds).unwrap_or(u32::MAX);
    to.span.refuse_unless_multiple(interval, &bars.instrument)?;
    let length_ms = i64::from(interval) * 1000;
    let is_daily = 86_400 <= interval;
    let last = bars.time_ms.last().copied().unwrap_or(0);
    let over = match short.stamp {
        BarStamp::Start => last.saturating_add(length_ms),
        BarStamp::End => last,
    };
    let until = short.complete_until_ms.unwrap_or(over);
    let points = bars.bars().map(|bar| {
        // Where it belongs is told by a time inside of it.
        let inside_ms = match short.stamp {
            BarStamp::End if !is_daily => bar.time_ms - 1,
            BarStamp::Start | BarStamp::End => bar.time_ms,
        };
        Point { bar, inside_ms, is_day: is_daily }
    });
    build(&bars.instrument, points, to, until, "bars")
}

fn build(
    instrument: &str,
    points: impl Iterator<Item = Point>,
    to: &TimeBars,
    until: i64,
    what: &str,
) -> Result<Resampled, DataError> {
    let mut builder = Builder::new(instrument);
    let mut outside = 0;
    for point in points {
        match to.span.bucket(&to.calendar, &point, to.stamp) {
            Some(bucket) => builder.take(bucket, &point.bar),
            None => outside += 1,
        }
    }
    let keep = to.unfinished == Unfinished::Keep;
    let (bars, dropped_unfinished) = builder.finish(until, keep);
    if bars.is_empty() {
        let fault = Fault::new(
            format!("at least one finished bar of {}", to.span.words()),
            format!("none ({outside} rows lie outside of the sessions)"),
            "Use shorter bars, more data or another calendar, or keep the unfinished bar",
        );
        return Err(DataError::new(instrument, DataErrorKind::Empty, fault));
    }
    let detail = format!(
        "{what} to bars of {}, calendar {:?}; {outside} rows outside of the sessions left out",
        to.span.words(),
        to.calendar.name
    );
    Ok(Resampled {
        bars,
        complete_until_ms: until,
        dropped_unfinished,
        outside,
        transformation: Transformation::new("resample", detail),
    })
}
