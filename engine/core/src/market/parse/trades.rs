//! Single trades as vendors write them → one checked series. Columns are bound by name; Binance's dumps without a
//! header get the names that their number of columns means.

use std::io::Read;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dialect::{Dialect, detect};
use super::import::{ImportOptions, import};
use super::mapping::{Header, plain, shorten};
use super::row::{Cell, Cells, stem};
use super::text::{self, Layout, Table};
use super::{INSTRUMENTS_MAX, ROWS_MAX};
use crate::market::bar::{IMPORT_PRICE_MAX, IMPORT_PRICE_MIN, IMPORT_VOLUME_MAX, show_time};
use crate::market::error::{DataError, DataErrorKind, Fault};
use crate::market::series::MarketSeries;
use crate::market::tick::{Aggressor, TradeSeries};

/// Names of columns, as the file's header spells them (case does not matter). What is absent is found by the names
/// that vendors use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TradeMapping {
    /// Column of the time.
    pub time: Option<String>,
    /// Column of the price.
    pub price: Option<String>,
    /// Column of the units traded.
    pub quantity: Option<String>,
    /// Column of who crossed the spread: buy or sell.
    pub side: Option<String>,
    /// Column of whether the buyer was waiting in the book: true or false.
    pub buyer_is_maker: Option<String>,
    /// Column that names the instrument, for files with several.
    pub instrument_column: Option<String>,
    /// The instrument to import. In a file without such a column: the name to give it.
    pub instrument: Option<String>,
}

const TIME: &[&str] =
    &["transacttime", "timestamp", "time", "datetime", "date", "tradetime", "ts", "t"];
const PRICE: &[&str] = &["price", "p", "tradeprice", "rate"];
const QUANTITY: &[&str] = &["quantity", "qty", "amount", "size", "volume", "vol", "q"];
const SIDE: &[&str] = &["side", "takerside", "direction", "aggressor", "type"];
const MAKER: &[&str] = &["isbuyermaker", "buyerismaker", "buyermaker", "m"];
const INSTRUMENT: &[&str] = &["symbol", "instrument", "pair", "tic", "ticker"];

/// Reads trades of one instrument.
///
/// # Errors
/// Refuses the first thing that is not good, with line and column; then nothing is imported.
pub fn parse(
    reader: impl Read,
    file_name: &str,
    mapping: &TradeMapping,
) -> Result<TradeSeries, DataError> {
    let options = ImportOptions {
        dialect: Some(Dialect::Trades),
        trades: mapping.clone(),
        ..ImportOptions::default()
    };
    let mut reader = reader;
    let mut head = Vec::new();
    reader
        .by_ref()
        .take(super::dialect::HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(|error| text::read_error(file_name, &error))?;
    let found = detect(&head).dialect;
    let is_dump = matches!(found, Dialect::BinanceTrades | Dialect::BinanceAggregateTrades);
    let dialect = if is_dump { Some(found) } else { options.dialect };
    let source = std::io::Cursor::new(head).chain(reader);
    match import(source, file_name, &ImportOptions { dialect, ..options })?.data {
        MarketSeries::Trades(trades) => Ok(trades),
        MarketSeries::Bars(_) | MarketSeries::Panel(_) | MarketSeries::Book(_) => {
            let fault = Fault::new("trades", "another kind", "Name the dialect");
            Err(DataError::new(file_name, DataErrorKind::Columns, fault))
        }
    }
}

struct Columns {
    time: usize,
    price: usize,
    quantity: usize,
    side: Option<usize>,
    maker: Option<usize>,
    instrument: Option<usize>,
}

impl Columns {
    fn bind(header: &Header<'_>, mapping: &TradeMapping) -> Result<Self, DataError> {
        let needed =
            |part, named: &Option<String>, aliases| header.needed(part, named.as_ref(), aliases);
        let optional =
            |part, named: &Option<String>, aliases| header.optional(part, named.as_ref(), aliases);
        Ok(Self {
            time: needed("time", &mapping.time, TIME)?,
            price: needed("price", &mapping.price, PRICE)?,
            quantity: needed("quantity", &mapping.quantity, QUANTITY)?,
            side: optional("side", &mapping.side, SIDE)?,
            maker: optional("buyer_is_maker", &mapping.buyer_is_maker, MAKER)?,
            instrument: optional("instrument_column", &mapping.instrument_column, INSTRUMENT)?,
        })
    }
}

/// See [`parse`].
pub(super) fn read(
    reader: impl Read,
    file: &str,
    mapping: &TradeMapping,
    layout: &Layout,
) -> Result<TradeSeries, DataError> {
    let mut table = Table::open(reader, file, layout)?;
    let header = table.header();
    let header = header.view();
    let columns = Columns::bind(&header, mapping)?;
    let mut cells = Cells::new(&header, table.decimal_comma());
    let mut trades = TradeSeries::default();
    let mut others = 0_usize;
    let wanted = mapping.instrument.as_deref().map(str::trim);
    let mut name: Option<String> = None;
    while let Some(line) = table.advance()? {
        let cell = |column: usize| table.cell(column).map_or(Cell::Missing, Cell::Text);
        if let Some(column) = columns.instrument {
            let found = cells.name(line, column, &cell(column))?;
            if wanted.is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&found)) {
                others += 1;
                continue;
            }
            let first = name.get_or_insert_with(|| found.clone());
            if *first != found {
                let found = format!("'{}' and '{}'", shorten(first), shorten(&found));
                let next = format!("Choose one, for example instrument={}", shorten(first));
                let fault = Fault::new("one instrument", found, next);
                return Err(cells.error(line, column, DataErrorKind::Instrument, fault));
            }
        }
        if ROWS_MAX <= trades.len() {
            return Err(text::too_many_rows(file, line));
        }
        let time = cells.time(line, columns.time, cell(columns.time), None)?.time_us;
        let price = cells.number(line, columns.price, &cell(columns.price))?;
        let quantity = cells.number(line, columns.quantity, &cell(columns.quantity))?;
        check(&trades, time, [price, quantity]).map_err(|(part, kind, fault)| {
            let column = [columns.time, columns.price, columns.quantity][part];
            cells.error(line, column, kind, fault)
        })?;
        let aggressor = aggressor(&cells, &columns, line, &cell)?;
        trades.time_us.push(time);
        trades.price.push(price);
        trades.quantity.push(quantity);
        trades.aggressor.push(aggressor);
    }
    if trades.is_empty() {
        return Err(nothing(file, wanted, others));
    }
    trades.instrument = name.or(wanted.map(str::to_owned)).unwrap_or_else(|| stem(file));
    Ok(trades)
}

fn nothing(file: &str, wanted: Option<&str>, others: usize) -> DataError {
    if others == 0 {
        return text::header_only(file);
    }
    let fault = Fault::new(
        format!("trades of '{}'", shorten(wanted.unwrap_or_default())),
        format!("{others} of others"),
        format!("Choose an instrument that is there (at most {INSTRUMENTS_MAX} are read)"),
    );
    DataError::new(file, DataErrorKind::Instrument, fault)
}

/// Checks a trade against limits and the one before; the fault names which of time, price and quantity it is.
fn check(
    trades: &TradeSeries,
    time_us: i64,
    [price, quantity]: [f64; 2],
) -> Result<(), (usize, DataErrorKind, Fault)> {
    if let Some(before) = trades.time_us.last().filter(|before| time_us < **before) {
        let wanted = format!("a time from {} on", show_time(before / 1000));
        let fault = Fault::new(wanted, show_time(time_us / 1000), "Sort the trades by time");
        return Err((0, DataErrorKind::Time, fault));
    }
    let next = "Correct or remove the row; if all rows are like this, the export uses other units";
    if !(IMPORT_PRICE_MIN..=IMPORT_PRICE_MAX).contains(&price) {
        let wanted = format!("a price from {IMPORT_PRICE_MIN:e} to {IMPORT_PRICE_MAX:e}");
        return Err((1, DataErrorKind::Bar, Fault::new(wanted, format!("{price:e}"), next)));
    }
    if !(0.0 < quantity && quantity <= IMPORT_VOLUME_MAX) {
        let wanted = format!("units above 0 and up to {IMPORT_VOLUME_MAX:e}");
        return Err((2, DataErrorKind::Bar, Fault::new(wanted, format!("{quantity:e}"), next)));
    }
    Ok(())
}

fn aggressor<'c>(
    cells: &Cells<'_>,
    columns: &Columns,
    line: u64,
    cell: &impl Fn(usize) -> Cell<'c>,
) -> Result<Aggressor, DataError> {
    let word = |column: usize| match cell(column) {
        Cell::Text(text) => plain(text),
        Cell::Number(_) | Cell::Whole(_) | Cell::TimeMs(_) | Cell::Missing => String::new(),
    };
    if let Some(column) = columns.maker {
        return match word(column).as_str() {
            "true" | "1" => Ok(Aggressor::Seller),
            "false" | "0" => Ok(Aggressor::Buyer),
            _ => Err(cells.cell_error(line, column, &cell(column), "true or false")),
        };
    }
    let Some(column) = columns.side else {
        return Ok(Aggressor::Unknown);
    };
    match word(column).as_str() {
        "buy" | "b" | "buyer" | "bid" => Ok(Aggressor::Buyer),
        "sell" | "s" | "seller" | "ask" => Ok(Aggressor::Seller),
        "" | "unknown" | "none" | "na" | "n" => Ok(Aggressor::Unknown),
        _ => Err(cells.cell_error(line, column, &cell(column), "buy or sell")),
    }
}
