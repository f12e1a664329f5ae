//! Which program wrote a file: told from its first bytes by the names and the number of its columns. A guess that a
//! reader can follow and overrule; the parsers check every row all the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mapping::{CsvMapping, plain};
use super::text::{Layout, separator};
use crate::market::series::DataKind;

/// How many bytes [`detect`] looks at.
pub const HEAD_BYTES: usize = 64 << 10;

/// A way to write market data.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Any table of bars with a header whose names can be bound.
    Bars,
    /// Yahoo Finance: `Date,Open,High,Low,Close,Adj Close,Volume`; cells may be `null`.
    Yahoo,
    /// Binance klines: twelve columns, with or without a header, milliseconds or (since 2025) microseconds.
    BinanceKlines,
    /// Stooq, daily: `Date,Open,High,Low,Close,Volume`.
    Stooq,
    /// Stooq, text: `<TICKER>,<PER>,<DATE>,<TIME>,…`.
    StooqText,
    /// Kaggle's cryptocurrency histories: `SNo,Name,Symbol,Date,High,Low,Open,Close,Volume,Marketcap`.
    CryptoHistory,
    /// MetaTrader 4 and 5: `<DATE>` tab `<TIME>` …, or without a header `2023.01.31,00:00,…`.
    MetaTrader,
    /// Futures in five-minute bars: `datetime, open, high, low, close, volume, hold, symbol`.
    Futures,
    /// Several bars a day of many stocks, with an `adjclose` that repeats the close.
    IntradayPanel,
    /// The reference system's tables: `tic`, `adjcp` and computed features.
    FeatureTable,
    /// Binance single trades, six or seven columns.
    BinanceTrades,
    /// Binance trades of one price and taker put together, seven or eight columns.
    BinanceAggregateTrades,
    /// Any table of trades with a header whose names can be bound.
    Trades,
    /// Order books as distances from the midpoint and amounts of money: `bids_distance_0`, `bids_notional_0`, ….
    BookDistances,
    /// Order books as prices and sizes by level: `bid1_price`, `bid1_size`, … or `bids[0].price`, ….
    BookLevels,
    /// Order books as JSON, one per line, with `bids` and `asks`.
    BookJson,
    /// Binance `bookDepth`: sums of depth within percentages of the price. It is no order book and cannot be imported.
    BinanceBookDepth,
}

/// How sure a detection is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Nothing else fits; the import may still fail.
    Guess,
    /// The columns fit, but other programs write them too.
    Likely,
    /// The columns are this program's own.
    Certain,
}

/// What was found in the first bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Detection {
    /// The dialect.
    pub dialect: Dialect,
    /// Its name for people.
    pub name: String,
    /// How sure this is.
    pub certainty: Certainty,
    /// What rows are. A table with an instrument column is called bars until more than one instrument was read.
    pub kind: DataKind,
    /// What stands between two cells; absent for JSON.
    pub separator: Option<char>,
    /// Whether the first line names the columns.
    pub has_header: bool,
    /// Why, in one sentence.
    pub reason: String,
}

impl Dialect {
    /// Every dialect, for forms and tests.
    pub const ALL: [Self; 17] = [
        Self::Bars,
        Self::Yahoo,
        Self::BinanceKlines,
        Self::Stooq,
        Self::StooqText,
        Self::CryptoHistory,
        Self::MetaTrader,
        Self::Futures,
        Self::IntradayPanel,
        Self::FeatureTable,
        Self::BinanceTrades,
        Self::BinanceAggregateTrades,
        Self::Trades,
        Self::BookDistances,
        Self::BookLevels,
        Self::BookJson,
        Self::BinanceBookDepth,
    ];

    /// Returns its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bars => "Table of bars",
            Self::Yahoo => "Yahoo Finance",
            Self::BinanceKlines => "Binance klines",
            Self::Stooq => "Stooq (daily)",
            Self::StooqText => "Stooq (text)",
            Self::CryptoHistory => "Cryptocurrency history (Kaggle)",
            Self::MetaTrader => "MetaTrader 4 or 5",
            Self::Futures => "Futures, five-minute bars",
            Self::IntradayPanel => "Intraday bars of many stocks",
            Self::FeatureTable => "Feature table (TradeMaster)",
            Self::BinanceTrades => "Binance trades",
            Self::BinanceAggregateTrades => "Binance aggregate trades",
            Self::Trades => "Table of trades",
            Self::BookDistances => "Order book by distance from the midpoint",
            Self::BookLevels => "Order book by level",
            Self::BookJson => "Order book as JSON lines",
            Self::BinanceBookDepth => "Binance book depth (percentages)",
        }
    }

    /// Returns what its rows are.
    #[must_use]
    pub fn kind(self) -> DataKind {
        match self {
            Self::Bars
            | Self::Yahoo
            | Self::BinanceKlines
            | Self::Stooq
            | Self::StooqText
            | Self::CryptoHistory
            | Self::MetaTrader
            | Self::Futures
            | Self::IntradayPanel
            | Self::FeatureTable => DataKind::Bars,
            Self::BinanceTrades | Self::BinanceAggregateTrades | Self::Trades => DataKind::Trades,
            Self::BookDistances | Self::BookLevels | Self::BookJson | Self::BinanceBookDepth => {
                DataKind::Book
            }
        }
    }

    /// Returns the names of the columns where the file has no header; absent where the dialect always has one.
    pub(super) fn names(self, cells: usize) -> Option<Vec<String>> {
        let names: &[&str] = match (self, cells) {
            (Self::BinanceKlines, 12) => &[
                "open_time",
                "open",
                "high",
                "low",
                "close",
                "volume",
                "close_time",
                "quote_volume",
                "count",
                "taker_buy_volume",
                "taker_buy_quote_volume",
                "ignore",
            ],
            (Self::MetaTrader, 7) => {
                &["<DATE>", "<TIME>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<TICKVOL>"]
            }
            (Self::MetaTrader, 6) => {
                &["<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<TICKVOL>"]
            }
            (Self::BinanceTrades, 6) => {
                &["id", "price", "qty", "quote_qty", "time", "is_buyer_maker"]
            }
            (Self::BinanceTrades, 7) => {
                &["id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"]
            }
            (Self::BinanceAggregateTrades, 7) => &AGGREGATE[..7],
            (Self::BinanceAggregateTrades, 8) => &AGGREGATE,
            _ => return None,
        };
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    /// Returns `mapping` with what this dialect knows better than the general names, as far as the file has it.
    pub(super) fn refine(self, mapping: &CsvMapping, names: &[String]) -> CsvMapping {
        let mut refined = mapping.clone();
        if self == Self::MetaTrader && refined.volume.is_none() {
            // `<VOL>` is 0 where nothing is exchanged in one place; the ticks are what both versions count.
            refined.volume = names.iter().find(|name| plain(name) == "tickvol").cloned();
        }
        refined
    }
}

const AGGREGATE: [&str; 8] = [
    "agg_trade_id",
    "price",
    "quantity",
    "first_trade_id",
    "last_trade_id",
    "transact_time",
    "is_buyer_maker",
    "was_best_price_match",
];

/// Tells which dialect a file is of, from its first bytes ([`HEAD_BYTES`] are enough). Always answers: what fits
/// nothing is a table of bars, as a guess.
#[must_use]
pub fn detect(head: &[u8]) -> Detection {
    let text = String::from_utf8_lossy(&head[..head.len().min(HEAD_BYTES)]);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with(['{', '[']) {
        let (certainty, reason) = if text.contains("\"bids\"") && text.contains("\"asks\"") {
            (Certainty::Certain, "JSON with bids and asks")
        } else {
            (Certainty::Guess, "JSON")
        };
        return found(Dialect::BookJson, certainty, None, reason);
    }
    let separator = char::from(separator(text.as_bytes()));
    let first: Vec<&str> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split(separator)
        .map(|cell| cell.trim().trim_matches('"'))
        .collect();
    let (dialect, certainty, reason) = if is_data(&first) {
        let (dialect, certainty, reason) = by_shape(&first);
        let mut detection = found(dialect, certainty, Some(separator), reason);
        detection.has_header = false;
        return detection;
    } else {
        by_names(&first)
    };
    found(dialect, certainty, Some(separator), reason)
}

fn found(
    dialect: Dialect,
    certainty: Certainty,
    separator: Option<char>,
    reason: &str,
) -> Detection {
    Detection {
        dialect,
        name: dialect.name().to_owned(),
        certainty,
        kind: dialect.kind(),
        separator,
        has_header: separator.is_some(),
        reason: reason.to_owned(),
    }
}

impl Detection {
    /// Returns how the table is written, for `cells` columns in the first line.
    pub(super) fn layout(&self, cells: usize) -> Layout {
        let names = if self.has_header { None } else { self.dialect.names(cells) };
        Layout {
            separator: self.separator.and_then(|sign| u8::try_from(sign).ok()),
            names,
            decimal_comma: None,
            skip_empty_rows: self.dialect == Dialect::Yahoo,
            clock: None,
        }
    }
}

/// Whether the first line is a row of data: it has no word but `true` and `false`.
fn is_data(cells: &[&str]) -> bool {
    let is_value = |cell: &str| {
        cell.parse::<f64>().is_ok()
            || is_flag(cell)
            || super::time::parse(cell).is_some()
            || is_clock(cell)
    };
    1 < cells.len() && cells.iter().all(|cell| is_value(cell))
}

fn is_flag(cell: &str) -> bool {
    cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false")
}

fn is_clock(cell: &str) -> bool {
    cell.contains(':') && cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
}

fn by_shape(cells: &[&str]) -> (Dialect, Certainty, &'static str) {
    let flags = cells.iter().rev().take_while(|cell| is_flag(cell)).count();
    let dotted = cells[0].len() == 10 && cells[0].as_bytes().get(4) == Some(&b'.');
    match (cells.len(), flags) {
        (12, 0) => (
            Dialect::BinanceKlines,
            Certainty::Certain,
            "twelve columns of numbers without a header",
        ),
        (8, 2) => (
            Dialect::BinanceAggregateTrades,
            Certainty::Certain,
            "eight columns without a header, the last two true or false",
        ),
        (7, 1) => (
            Dialect::BinanceAggregateTrades,
            Certainty::Likely,
            "seven columns without a header, the last one true or false",
        ),
        (7, 2) => (
            Dialect::BinanceTrades,
            Certainty::Certain,
            "seven columns without a header, the last two true or false",
        ),
        (6, 1) => (
            Dialect::BinanceTrades,
            Certainty::Certain,
            "six columns without a header, the last one true or false",
        ),
        (6 | 7, 0) if dotted => {
            (Dialect::MetaTrader, Certainty::Certain, "dates such as 2023.01.31 and no header")
        }
        _ => (Dialect::Bars, Certainty::Guess, "numbers without a header"),
    }
}

/// Names that must be there, and what follows from them. The first that fits is taken.
const BY_NAMES: [(&[&str], Dialect, Certainty, &str); 15] = [
    (
        &["timestamp", "percentage", "depth", "notional"],
        Dialect::BinanceBookDepth,
        Certainty::Certain,
        "depth within percentages of the price",
    ),
    (
        &["midpoint", "bidsdistance0", "asksdistance0", "bidsnotional0"],
        Dialect::BookDistances,
        Certainty::Certain,
        "columns of distances and notionals by level",
    ),
    (
        &["aggtradeid", "price", "quantity", "transacttime", "isbuyermaker"],
        Dialect::BinanceAggregateTrades,
        Certainty::Certain,
        "the columns of Binance's aggregate trades",
    ),
    (
        &["id", "price", "qty", "time", "isbuyermaker"],
        Dialect::BinanceTrades,
        Certainty::Certain,
        "the columns of Binance's trades",
    ),
    (
        &["opentime", "open", "high", "low", "close", "volume", "closetime"],
        Dialect::BinanceKlines,
        Certainty::Certain,
        "the columns of Binance's klines",
    ),
    (
        &["sno", "name", "symbol", "date", "marketcap"],
        Dialect::CryptoHistory,
        Certainty::Certain,
        "the columns of Kaggle's cryptocurrency histories",
    ),
    (
        &["<ticker>", "<per>", "<date>", "<open>"],
        Dialect::StooqText,
        Certainty::Certain,
        "Stooq's columns in angle brackets",
    ),
    (
        &["<ticker>", "<date>", "<open>"],
        Dialect::StooqText,
        Certainty::Likely,
        "a ticker column in angle brackets",
    ),
    (
        &["<date>", "<open>", "<high>", "<low>", "<close>"],
        Dialect::MetaTrader,
        Certainty::Certain,
        "MetaTrader's columns in angle brackets",
    ),
    (
        &["datetime", "open", "high", "low", "close", "hold", "symbol"],
        Dialect::Futures,
        Certainty::Certain,
        "open interest ('hold') beside the symbol",
    ),
    (
        &["tic", "adjcp", "zopen", "zclose"],
        Dialect::FeatureTable,
        Certainty::Certain,
        "tickers beside computed features",
    ),
    (
        &["date", "open", "high", "low", "close", "adjclose", "tic"],
        Dialect::IntradayPanel,
        Certainty::Likely,
        "tickers beside an adjusted close",
    ),
    (
        &["date", "open", "high", "low", "close", "adjclose", "volume"],
        Dialect::Yahoo,
        Certainty::Certain,
        "Yahoo's columns with 'Adj Close'",
    ),
    (&["price", "side"], Dialect::Trades, Certainty::Likely, "a price and a side in each row"),
    (
        &["open", "high", "low", "close"],
        Dialect::Bars,
        Certainty::Likely,
        "columns for open, high, low and close",
    ),
];

fn by_names(cells: &[&str]) -> (Dialect, Certainty, &'static str) {
    let bare: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
    let bracketed: Vec<String> = cells.iter().map(|cell| cell.to_lowercase()).collect();
    let has = |name: &&str| {
        let names = if name.starts_with('<') { &bracketed } else { &bare };
        names.iter().any(|cell| cell == name)
    };
    if bare == ["date", "open", "high", "low", "close", "volume"] && cells.first() == Some(&"Date")
    {
        return (Dialect::Stooq, Certainty::Likely, "Stooq's columns, which others write too");
    }
    for (wanted, dialect, certainty, reason) in BY_NAMES {
        if wanted.iter().all(&has) {
            return (dialect, certainty, reason);
        }
    }
    if super::depth::levels::has_levels(&bare) {
        return (Dialect::BookLevels, Certainty::Certain, "prices of bids and asks by level");
    }
    let any = |names: &[&str]| names.iter().any(has);
    if any(&["price"]) && any(&["quantity", "qty", "amount", "size", "volume"]) {
        return (Dialect::Trades, Certainty::Likely, "a price and a quantity in each row");
    }
    (Dialect::Bars, Certainty::Guess, "no columns that are known")
}
