//! Order books written as distances from the midpoint (fractions of it) and amounts of money at each level:
//! `midpoint`, `bids_distance_0`, `bids_notional_0`, `asks_distance_0`, ….
//!
//! price = midpoint · (1 + distance), size = notional / price. Some programs read the distances as percentages; the
//! files themselves show that they are fractions: midpoint · (`asks_distance_0` − `bids_distance_0`) is the spread.

use std::io::Read;

use super::{Level, Snapshot, Snapshots};
use crate::market::book::{BookSeries, LEVELS_MAX};
use crate::market::error::{DataError, DataErrorKind, Fault};
use crate::market::parse::mapping::plain;
use crate::market::parse::row::{Cell, Cells, stem};
use crate::market::parse::text::{Layout, Table};

/// Reads the file. Amounts bought and sold, where `buys` and `sells` are there, become units at the midpoint.
///
/// # Errors
/// Refuses the first thing that is not good, with line and column; then nothing is imported.
pub fn parse(reader: impl Read, file_name: &str) -> Result<BookSeries, DataError> {
    read(reader, file_name, &Layout::default())
}

/// Columns of one side, nearest level first.
struct Side {
    distance: Vec<usize>,
    notional: Vec<usize>,
}

struct Columns {
    time: usize,
    midpoint: usize,
    bids: Side,
    asks: Side,
    flow: Option<[usize; 2]>,
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
    let levels = columns.bids.distance.len();
    let header = header.view();
    let mut cells = Cells::new(&header, table.decimal_comma());
    let mut snapshots = Snapshots::new(file, stem(file), levels, columns.flow.is_some());
    let mut sides: [Vec<Level>; 2] = [Vec::new(), Vec::new()];
    while let Some(line) = table.advance()? {
        let cell = |column: usize| table.cell(column).map_or(Cell::Missing, Cell::Text);
        let stamp = cells.time(line, columns.time, cell(columns.time), None)?;
        let mut number = |column: usize| cells.number(line, column, &cell(column));
        let midpoint = number(columns.midpoint)?;
        for (side, places) in sides.iter_mut().zip([&columns.bids, &columns.asks]) {
            side.clear();
            for (distance, notional) in places.distance.iter().zip(&places.notional) {
                let price = midpoint * (1.0 + number(*distance)?);
                side.push(Level { price, size: number(*notional)? / price });
            }
        }
        let flow = columns.flow.map(|columns| columns.map(&mut number));
        let (bought, sold) = match flow {
            Some([bought, sold]) => (Some(bought? / midpoint), Some(sold? / midpoint)),
            None => (None, None),
        };
        let [bids, asks] = &sides;
        let snapshot = Snapshot { time_ms: stamp.time_ms(), bids, asks, bought, sold };
        snapshots.push(line, &snapshot)?;
    }
    snapshots.finish()
}

impl Columns {
    fn bind(names: &[String], file: &str) -> Result<Self, DataError> {
        let at = |wanted: &str| names.iter().position(|name| plain(name) == wanted);
        let needed = |wanted: &[&str]| {
            wanted.iter().find_map(|name| at(name)).ok_or_else(|| {
                let fault = Fault::new(
                    format!("a column '{}'", wanted[0]),
                    "none",
                    "Import it as a book by level if it has prices and sizes",
                );
                DataError::new(file, DataErrorKind::Columns, fault).at_line(1)
            })
        };
        let levels = (0..=LEVELS_MAX)
            .find(|level| at(&format!("bidsdistance{level}")).is_none())
            .unwrap_or(LEVELS_MAX + 1);
        if !(1..=LEVELS_MAX).contains(&levels) {
            let fault = Fault::new(
                format!("1 to {LEVELS_MAX} levels, from bids_distance_0 on"),
                levels.to_string(),
                "Leave out the levels beyond, or number them from 0",
            );
            return Err(DataError::new(file, DataErrorKind::Columns, fault).at_line(1));
        }
        let side = |side: &str| {
            let column =
                |what: &str, level: usize| needed(&[format!("{side}{what}{level}").as_str()]);
            let all = |what: &str| {
                (0..levels).map(|level| column(what, level)).collect::<Result<Vec<usize>, _>>()
            };
            Ok::<Side, DataError>(Side { distance: all("distance")?, notional: all("notional")? })
        };
        Ok(Self {
            time: needed(&["systemtime", "timestamp", "time", "datetime", "date"])?,
            midpoint: needed(&["midpoint", "mid"])?,
            bids: side("bids")?,
            asks: side("asks")?,
            flow: at("buys").zip(at("sells")).map(|(buys, sells)| [buys, sells]),
        })
    }
}
