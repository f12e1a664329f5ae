//! Order books as JSON, one snapshot per line, as recorded from partial-book streams: `bids` and `asks` as arrays of
//! price and size, best first; numbers or text. The time is the event's (`E`, `T`) or what the recorder added
//! (`timestamp`, `time`, `ts`). A stream's wrapping (`{"stream": …, "data": {…}}`) is opened. Updates (`b` and `a`) are
//! refused: nobody can tell a whole book from a change of one.

use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;
use serde_json::Value;

use super::{Level, Snapshot, Snapshots};
use crate::market::book::{BookSeries, LEVELS_MAX};
use crate::market::error::{DataError, DataErrorKind, Fault};
use crate::market::parse::mapping::{Header, shorten};
use crate::market::parse::row::{Cell, Cells, stem};
use crate::market::parse::text::{read_error, refuse_other_formats};
use crate::market::parse::{BYTES_MAX, RECORD_BYTES_MAX};
use crate::market::zone::LocalClock;

/// What a recorder may write; everything else is passed over without being kept.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "data")]
    wrapped: Option<Box<Line>>,
    bids: Option<Vec<(Number, Number)>>,
    asks: Option<Vec<(Number, Number)>>,
    #[serde(rename = "E")]
    event: Option<Number>,
    #[serde(rename = "T")]
    transaction: Option<Number>,
    timestamp: Option<Number>,
    time: Option<Number>,
    ts: Option<Number>,
    #[serde(rename = "s", alias = "symbol")]
    symbol: Option<String>,
}

/// A number, or text that should be one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Float(f64),
    Text(String),
}

impl Number {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Whole(number) => Cell::Whole(*number),
            Self::Float(number) => Cell::Number(*number),
            Self::Text(text) => Cell::Text(text),
        }
    }
}

/// Reads the file. Every snapshot has as many levels as the first one, or more, which are cut.
///
/// # Errors
/// Refuses the first thing that is not good, with its line; then nothing is imported.
pub fn parse(reader: impl Read, file_name: &str) -> Result<BookSeries, DataError> {
    read(reader, file_name, None)
}

/// As [`parse`], with times that say no zone read by `clock`.
///
/// # Errors
/// As [`parse`].
pub(in crate::market::parse) fn read(
    reader: impl Read,
    file_name: &str,
    clock: Option<&LocalClock>,
) -> Result<BookSeries, DataError> {
    let names: Vec<String> = ["time", "price", "size"].map(str::to_owned).into();
    let header = Header { file: file_name, names: &names, line: None, clock };
    let mut cells = Cells::new(&header, false);
    let mut reader = BufReader::new(reader).take(BYTES_MAX);
    let mut text = Vec::new();
    let mut snapshots: Option<Snapshots<'_>> = None;
    let mut line = 0_u64;
    loop {
        text.clear();
        line += 1;
        let limit = RECORD_BYTES_MAX as u64 + 1;
        let count = reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut text)
            .map_err(|error| read_error(file_name, &error))?;
        if reader.limit() == 0 || RECORD_BYTES_MAX < count {
            let wanted = format!(
                "lines of at most {} KiB in a file of at most {} MiB",
                RECORD_BYTES_MAX >> 10,
                BYTES_MAX >> 20
            );
            let next = "Write one snapshot per line, and import the file in parts";
            let fault = Fault::new(wanted, "more", next);
            return Err(DataError::new(file_name, DataErrorKind::TooLarge, fault).at_line(line));
        }
        if count == 0 {
            break;
        }
        if line == 1 {
            refuse_other_formats(&text, file_name)?;
        }
        let trimmed = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text).trim_ascii();
        if !trimmed.is_empty() {
            take(&mut snapshots, &mut cells, trimmed, line)?;
        }
    }
    let none = || super::super::text::header_only(file_name);
    snapshots.ok_or_else(none)?.finish()
}

/// One snapshot as it was written.
struct Written {
    stamp: Number,
    bids: Vec<(Number, Number)>,
    asks: Vec<(Number, Number)>,
    symbol: Option<String>,
}

fn refuse(file: &str, line: u64, wanted: &str, found: String, next: &str) -> DataError {
    DataError::new(file, DataErrorKind::Cell, Fault::new(wanted, found, next)).at_line(line)
}

/// Reads one line, its wrapping opened.
fn written(file: &str, text: &[u8], line: u64) -> Result<Written, DataError> {
    let outer: Line = serde_json::from_slice(text).map_err(|error| {
        let found = if serde_json::from_slice::<Value>(text).is_ok() {
            format!("JSON of another form ({error})")
        } else {
            format!("what is no JSON ({error})")
        };
        let next = "Write one JSON object with bids and asks per line";
        refuse(file, line, "a snapshot of an order book", shorten(&found), next)
    })?;
    // What the exchange says before what the recorder says, the inner before the wrapping.
    let Line { wrapped, bids, asks, event, transaction, timestamp, time, ts, symbol } = outer;
    let outside = event.or(transaction).or(timestamp).or(time).or(ts);
    let (inside, bids, asks, named) = match wrapped.map(|inner| *inner) {
        Some(inner) => {
            let Line { event, transaction, timestamp, time, ts, .. } = inner;
            let stamp = event.or(transaction).or(timestamp).or(time).or(ts);
            (stamp, inner.bids, inner.asks, inner.symbol)
        }
        None => (None, bids, asks, None),
    };
    let Some(stamp) = inside.or(outside) else {
        let next =
            "Record the time of receipt with each snapshot, for example as \"ts\" in milliseconds";
        let wanted = "a time (E, T, timestamp, time or ts)";
        return Err(refuse(file, line, wanted, "none".to_owned(), next));
    };
    let (Some(bids), Some(asks)) = (bids, asks) else {
        let next = "Import partial book snapshots; updates (b, a) alone make no book";
        return Err(refuse(file, line, "bids and asks", "one of them absent".to_owned(), next));
    };
    Ok(Written { stamp, bids, asks, symbol: symbol.or(named) })
}

fn take<'f>(
    snapshots: &mut Option<Snapshots<'f>>,
    cells: &mut Cells<'f>,
    text: &[u8],
    line: u64,
) -> Result<(), DataError> {
    let file = cells.header.file;
    let Written { stamp, bids, asks, symbol } = written(file, text, line)?;
    let stamp = cells.time(line, 0, stamp.cell(), None)?;
    let depth = bids.len().min(asks.len()).min(LEVELS_MAX);
    let snapshots = match snapshots {
        Some(snapshots) => snapshots,
        None if depth == 0 => {
            let next = "Remove the snapshot";
            return Err(refuse(file, line, "at least one level a side", "none".to_owned(), next));
        }
        None => {
            let name = symbol.unwrap_or_else(|| stem(file));
            snapshots.insert(Snapshots::new(file, name, depth, false))
        }
    };
    let levels = snapshots.series.levels;
    if depth < levels {
        let wanted = format!("{levels} levels a side, as in the first snapshot");
        let next = "Remove the snapshot, or begin the file with one of the fewest levels";
        return Err(refuse(file, line, &wanted, depth.to_string(), next));
    }
    let mut read = |side: &[(Number, Number)]| {
        let level = |(price, size): &(Number, Number)| {
            Ok(Level {
                price: cells.number(line, 1, &price.cell())?,
                size: cells.number(line, 2, &size.cell())?,
            })
        };
        side[..levels].iter().map(level).collect::<Result<Vec<Level>, DataError>>()
    };
    let (bids, asks) = (read(&bids)?, read(&asks)?);
    let time_ms = stamp.time_ms();
    let snapshot = Snapshot { time_ms, bids: &bids, asks: &asks, bought: None, sold: None };
    snapshots.push(line, &snapshot)
}
