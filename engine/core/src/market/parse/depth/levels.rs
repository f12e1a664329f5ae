//! Order books written as prices and sizes by level, in the ways that are common: `bid1_price`, `bid1_size`, …;
//! `bids[0].price`, `bids[0].amount`, …; `bid_price_1`, `bid_qty_1`, …. Levels may count from 0 or from 1.

use std::collections::BTreeMap;
use std::io::Read;

use super::{Level, Snapshot, Snapshots};
use crate::market::book::{BookSeries, LEVELS_MAX};
use crate::market::error::{DataError, DataErrorKind, Fault};
use crate::market::parse::mapping::plain;
use crate::market::parse::row::{Cell, Cells, stem};
use crate::market::parse::text::{Layout, Table};

const TIME: [&str; 9] = [
    "systemtime",
    "timestamp",
    "time",
    "datetime",
    "date",
    "transactiontime",
    "eventtime",
    "ts",
    "localtimestamp",
];
const SIZE: [&str; 6] = ["size", "amount", "qty", "quantity", "volume", "vol"];

/// Reads the file.
///
/// # Errors
/// Refuses the first thing that is not good, with line and column; then nothing is imported.
pub fn parse(reader: impl Read, file_name: &str) -> Result<BookSeries, DataError> {
    read(reader, file_name, &Layout::default())
}

/// A side, a level as the file counts it, and whether it is the size.
type Place = (bool, usize, bool);

/// Returns what a column without its joining signs holds: `bid1price`, `bids0amount`, `askprice3`.
fn place(name: &str) -> Option<Place> {
    let (is_ask, rest) = if let Some(rest) = name.strip_prefix("bid") {
        (false, rest)
    } else {
        (true, name.strip_prefix("ask")?)
    };
    let rest = rest.strip_prefix('s').filter(|rest| !rest.starts_with("ize")).unwrap_or(rest);
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let word: String = rest.chars().filter(|sign| !sign.is_ascii_digit()).collect();
    let level = digits.parse().ok().filter(|_| digits.len() <= 3)?;
    match word.as_str() {
        "price" => Some((is_ask, level, false)),
        word if SIZE.contains(&word) => Some((is_ask, level, true)),
        _ => None,
    }
}

/// Whether these names, without their joining signs, are those of a book.
pub(in crate::market::parse) fn has_levels(names: &[String]) -> bool {
    let places: Vec<Place> = names.iter().filter_map(|name| place(name)).collect();
    [false, true].iter().all(|is_ask| {
        places.iter().any(|place| place.0 == *is_ask && place.2)
            && places.iter().any(|place| place.0 == *is_ask && !place.2)
    })
}

struct Columns {
    time: usize,
    instrument: Option<usize>,
    /// Price and size of each level, nearest first.
    bids: Vec<[usize; 2]>,
    asks: Vec<[usize; 2]>,
}

/// See [`parse`].
pub(in crate::market::parse) fn read(
    reader: impl Read,
    file: &str,
    layout: &Layout,
) -> Result<BookSeries, DataError> {
    let mut table = Table::open(reader, file, layout)?;
    let header = table.header();
    let columns = Columns::bind(&header.names, file)?;
    let header = header.view();
    let mut cells = Cells::new(&header, table.decimal_comma());
    let mut snapshots = Snapshots::new(file, stem(file), columns.bids.len(), false);
    let mut sides: [Vec<Level>; 2] = [Vec::new(), Vec::new()];
    let mut named: Option<String> = None;
    while let Some(line) = table.advance()? {
        let cell = |column: usize| table.cell(column).map_or(Cell::Missing, Cell::Text);
        if let Some(column) = columns.instrument {
            let name = cells.name(line, column, &cell(column))?;
            if *named.get_or_insert_with(|| name.clone()) != name {
                let fault = Fault::new(
                    "books of one instrument",
                    format!("a second one, '{name}'"),
                    "Split the file by instrument",
                );
                return Err(cells.error(line, column, DataErrorKind::Instrument, fault));
            }
        }
        let stamp = cells.time(line, columns.time, cell(columns.time), None)?;
        for (side, places) in sides.iter_mut().zip([&columns.bids, &columns.asks]) {
            side.clear();
            for [price, size] in places {
                side.push(Level {
                    price: cells.number(line, *price, &cell(*price))?,
                    size: cells.number(line, *size, &cell(*size))?,
                });
            }
        }
        let [bids, asks] = &sides;
        let snapshot = Snapshot { time_ms: stamp.time_ms(), bids, asks, bought: None, sold: None };
        snapshots.push(line, &snapshot)?;
    }
    let mut series = snapshots.finish()?;
    if let Some(name) = named {
        series.instrument = name;
    }
    Ok(series)
}

impl Columns {
    fn bind(names: &[String], file: &str) -> Result<Self, DataError> {
        let refuse = |wanted: String, found: String, next: &str| {
            let fault = Fault::new(wanted, found, next);
            Err(DataError::new(file, DataErrorKind::Columns, fault).at_line(1))
        };
        let bare: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let at = |wanted: &&str| bare.iter().position(|name| name == wanted);
        let Some(time) = TIME.iter().find_map(at) else {
            let wanted = format!("a column for the time, named like {}", TIME[..4].join(", "));
            return refuse(wanted, "none".to_owned(), "Rename the column of the time");
        };
        let mut places = BTreeMap::new();
        for (position, name) in bare.iter().enumerate() {
            if let Some(place) = place(name)
                && places.insert(place, position).is_some()
            {
                let found = format!("'{name}' twice");
                return refuse("each level once".to_owned(), found, "Rename one of them");
            }
        }
        let first = usize::from(!places.keys().any(|place| place.1 == 0));
        let levels = places.keys().filter(|place| !place.0 && !place.2).count();
        if !(1..=LEVELS_MAX).contains(&levels) {
            let wanted = format!("1 to {LEVELS_MAX} levels such as bid1_price and bid1_size");
            return refuse(wanted, levels.to_string(), "Leave out the levels beyond");
        }
        let mut sides = [Vec::new(), Vec::new()];
        for (side, is_ask) in sides.iter_mut().zip([false, true]) {
            for level in first..first + levels {
                let pair = [false, true].map(|is_size| places.get(&(is_ask, level, is_size)));
                let [Some(price), Some(size)] = pair else {
                    let side = if is_ask { "ask" } else { "bid" };
                    let wanted = format!("price and size of {side} level {level}");
                    let next = "Number the levels without gaps, as many asks as bids";
                    return refuse(wanted, "one of them absent".to_owned(), next);
                };
                side.push([*price, *size]);
            }
        }
        if places.len() != levels * 4 {
            let wanted = format!("{levels} levels a side, with price and size");
            let found = format!("{} columns", places.len());
            return refuse(wanted, found, "Write as many asks as bids");
        }
        let [bids, asks] = sides;
        let instrument = ["symbol", "instrument", "tic", "ticker"].iter().find_map(at);
        Ok(Self { time, instrument, bids, asks })
    }
}
