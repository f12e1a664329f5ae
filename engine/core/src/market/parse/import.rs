//! One door for every file: look at the first bytes, take the parser of that dialect, return what was read with how it
//! was read. Everything that was found can be overruled.

use std::io::{Cursor, Read};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dialect::{Certainty, Detection, Dialect, HEAD_BYTES, detect};
use super::mapping::CsvMapping;
use super::text::{Layout, read_error};
use super::trades::TradeMapping;
use super::{depth, panel, parquet, trades};
use crate::market::book::BookSeries;
use crate::market::error::{DataError, DataErrorKind, Fault};
use crate::market::panel::{BarPanel, Join};
use crate::market::series::{DataKind, MarketSeries};
use crate::market::snapshot;
use crate::market::zone::{ClockChange, LocalClock, NamedZone};

/// What is known about a file beforehand. Everything absent is found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImportOptions {
    /// The dialect.
    pub dialect: Option<Dialect>,
    /// What stands between two cells.
    pub separator: Option<Separator>,
    /// Whether `1,5` is a number. Absent: only where cells are separated by semicolons.
    pub decimal_comma: Option<bool>,
    /// Whether rows in which no price is given are passed over. Absent: only in the dialect of Yahoo.
    pub skip_empty_rows: Option<bool>,
    /// Columns of bars, and the instrument to choose.
    pub mapping: CsvMapping,
    /// Columns of trades.
    pub trades: TradeMapping,
    /// Which times a panel keeps.
    pub join: PanelJoin,
    /// Where times without a zone were written; absent: UTC. Days without a time of day stay days.
    pub zone: Option<NamedZone>,
    /// Which reading of a local time is meant that a change of the clock lets happen twice or never; absent: refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_change: Option<ClockChange>,
}

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Separator {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// The tabulator.
    Tab,
    /// `|`
    Bar,
}

/// Which times a panel keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PanelJoin {
    /// Every time of any instrument; the others have no bar there.
    #[default]
    Outer,
    /// Only times that all instruments have.
    Inner,
}

impl From<PanelJoin> for Join {
    fn from(join: PanelJoin) -> Self {
        match join {
            PanelJoin::Outer => Self::Outer,
            PanelJoin::Inner => Self::Inner,
        }
    }
}

impl Separator {
    fn sign(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Semicolon => ';',
            Self::Tab => '\t',
            Self::Bar => '|',
        }
    }
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// What it holds.
    pub data: MarketSeries,
    /// How it was written.
    pub detection: Detection,
    /// Things a reader should know, one sentence each: rows passed over, a dialect that was only guessed.
    pub notes: Vec<String>,
}

/// Reads a text file of any kind and dialect. `file_name` is used in errors, and as the instrument's name where nothing
/// else gives one. Memory is bounded by the limits of this module whatever the file holds.
///
/// # Errors
/// Refuses the first thing that is not good, with line and column; then nothing is imported.
pub fn import(
    mut reader: impl Read,
    file_name: &str,
    options: &ImportOptions,
) -> Result<Imported, DataError> {
    let mut head = Vec::new();
    reader
        .by_ref()
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(|error| read_error(file_name, &error))?;
    let mut detection = detect(&head);
    if let Some(dialect) = options.dialect.filter(|dialect| *dialect != detection.dialect) {
        detection.dialect = dialect;
        dialect.name().clone_into(&mut detection.name);
        detection.kind = dialect.kind();
        "chosen by the user".clone_into(&mut detection.reason);
    }
    if let Some(separator) = options.separator {
        detection.separator = Some(separator.sign());
    }
    let mut layout = detection.layout(cells_of(&head, detection.separator));
    layout.decimal_comma = options.decimal_comma;
    layout.clock = clock(file_name, options)?;
    layout.skip_empty_rows = options.skip_empty_rows.unwrap_or(layout.skip_empty_rows);
    let names = first_line(&head, detection.separator, &layout);
    let source = Cursor::new(head).chain(reader);
    let mut notes = Vec::new();
    let data = match detection.dialect.kind() {
        DataKind::Bars | DataKind::Panel => {
            let mapping = detection.dialect.refine(&options.mapping, &names);
            let (mut series, skipped) = panel::read(source, file_name, &mapping, &layout)?;
            if 0 < skipped {
                notes.push(format!("{skipped} rows without any price were passed over"));
            }
            match (series.len(), series.pop()) {
                (1, Some(only)) => MarketSeries::Bars(only),
                (_, last) => {
                    series.extend(last);
                    MarketSeries::Panel(BarPanel::join(&series, options.join.into())?)
                }
            }
        }
        DataKind::Trades => {
            MarketSeries::Trades(trades::read(source, file_name, &options.trades, &layout)?)
        }
        DataKind::Book => MarketSeries::Book(book(source, file_name, detection.dialect, &layout)?),
    };
    detection.kind = data.kind();
    Ok(Imported { data, detection, notes })
}

/// Reads a Parquet file: bars of one instrument, a long table of several, or a snapshot of this program of any kind.
/// Of `options` the mapping and the join are used.
///
/// # Errors
/// Refuses the first thing that is not good, with row (from 1) and column; then nothing is imported.
pub fn import_parquet(
    bytes: Bytes,
    file_name: &str,
    options: &ImportOptions,
) -> Result<Imported, DataError> {
    let own = snapshot::is_snapshot(bytes.clone());
    let (data, reason) = if own && options.mapping == CsvMapping::default() {
        (snapshot::decode_any(bytes)?.data, "a snapshot of this program")
    } else {
        let mut series = parquet::parse_many(bytes, file_name, &options.mapping)?;
        let data = match (series.len(), series.pop()) {
            (1, Some(only)) => MarketSeries::Bars(only),
            (_, last) => {
                series.extend(last);
                MarketSeries::Panel(BarPanel::join(&series, options.join.into())?)
            }
        };
        (data, "Parquet whose columns can be bound")
    };
    let dialect = match data.kind() {
        DataKind::Bars | DataKind::Panel => Dialect::Bars,
        DataKind::Trades => Dialect::Trades,
        DataKind::Book => Dialect::BookLevels,
    };
    let detection = Detection {
        dialect,
        name: dialect.name().to_owned(),
        certainty: if own { Certainty::Certain } else { Certainty::Likely },
        kind: data.kind(),
        separator: None,
        has_header: true,
        reason: reason.to_owned(),
    };
    Ok(Imported { data, detection, notes: Vec::new() })
}

/// Returns the clock of the zone that was named.
fn clock(file: &str, options: &ImportOptions) -> Result<Option<LocalClock>, DataError> {
    let Some(zone) = &options.zone else { return Ok(None) };
    LocalClock::of(zone, options.clock_change)
        .map(Some)
        .map_err(|fault| DataError::new(file, DataErrorKind::Time, fault))
}

fn book(
    source: impl Read,
    file: &str,
    dialect: Dialect,
    layout: &Layout,
) -> Result<BookSeries, DataError> {
    match dialect {
        Dialect::BookDistances => depth::distances::read(source, file, layout),
        Dialect::BookJson => depth::json::read(source, file, layout.clock.as_ref()),
        Dialect::BinanceBookDepth => {
            let fault = Fault::new(
                "prices and sizes of levels",
                "sums of depth within percentages of the price (Binance bookDepth)",
                "These sums are no order book: no order can be filled against them. Record partial book snapshots \
                 (depth5, depth10, depth20) and import those",
            );
            Err(DataError::new(file, DataErrorKind::Columns, fault))
        }
        Dialect::Bars
        | Dialect::Yahoo
        | Dialect::BinanceKlines
        | Dialect::Stooq
        | Dialect::StooqText
        | Dialect::CryptoHistory
        | Dialect::MetaTrader
        | Dialect::Futures
        | Dialect::IntradayPanel
        | Dialect::FeatureTable
        | Dialect::BinanceTrades
        | Dialect::BinanceAggregateTrades
        | Dialect::Trades
        | Dialect::BookLevels => depth::levels::read(source, file, layout),
    }
}

fn cells_of(head: &[u8], separator: Option<char>) -> usize {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let separator = separator.and_then(|sign| u8::try_from(sign).ok()).unwrap_or(b',');
    line.split(|byte| *byte == separator).count()
}

fn first_line(head: &[u8], separator: Option<char>, layout: &Layout) -> Vec<String> {
    if let Some(names) = &layout.names {
        return names.clone();
    }
    let text = String::from_utf8_lossy(head);
    let line = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    line.split(separator.unwrap_or(','))
        .map(|cell| cell.trim().trim_matches('"').to_owned())
        .collect()
}
