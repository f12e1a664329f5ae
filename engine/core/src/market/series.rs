//! Market data of any kind behind one name: what importers return and snapshots hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bar::BarSeries;
use super::book::BookSeries;
use super::error::DataError;
use super::panel::BarPanel;
use super::tick::TradeSeries;

/// What rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// Bars of one instrument.
    Bars,
    /// Bars of several instruments.
    Panel,
    /// Single trades.
    Trades,
    /// Order books.
    Book,
}

impl DataKind {
    /// Returns the name that manifests use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Panel => "panel",
            Self::Trades => "trades",
            Self::Book => "book",
        }
    }

    /// Returns the kind of a name that manifests use; absent where there is none of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Bars, Self::Panel, Self::Trades, Self::Book]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// Market data of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum MarketSeries {
    /// Bars of one instrument.
    Bars(BarSeries),
    /// Bars of several instruments.
    Panel(BarPanel),
    /// Single trades.
    Trades(TradeSeries),
    /// Order books.
    Book(BookSeries),
}

impl MarketSeries {
    /// Returns what it is.
    #[must_use]
    pub fn kind(&self) -> DataKind {
        match self {
            Self::Bars(_) => DataKind::Bars,
            Self::Panel(_) => DataKind::Panel,
            Self::Trades(_) => DataKind::Trades,
            Self::Book(_) => DataKind::Book,
        }
    }

    /// Returns the names of the instruments.
    #[must_use]
    pub fn instruments(&self) -> Vec<String> {
        match self {
            Self::Bars(bars) => vec![bars.instrument.clone()],
            Self::Panel(panel) => panel.instruments.clone(),
            Self::Trades(trades) => vec![trades.instrument.clone()],
            Self::Book(book) => vec![book.instrument.clone()],
        }
    }

    /// Returns the number of rows: bars (of all instruments together), trades or snapshots.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Bars(bars) => bars.len(),
            Self::Panel(panel) => panel.present.iter().filter(|present| **present).count(),
            Self::Trades(trades) => trades.len(),
            Self::Book(book) => book.len(),
        }
    }

    /// Returns the first and the last time, milliseconds since 1970 UTC; absent without rows.
    #[must_use]
    pub fn span_ms(&self) -> Option<[i64; 2]> {
        let ends = |times: &[i64]| Some([*times.first()?, *times.last()?]);
        match self {
            Self::Bars(bars) => ends(&bars.time_ms),
            Self::Panel(panel) => ends(&panel.time_ms),
            Self::Trades(trades) => {
                ends(&trades.time_us).map(|span| span.map(|time| time.div_euclid(1000)))
            }
            Self::Book(book) => ends(&book.time_ms),
        }
    }

    /// Returns the usual distance of two bars in seconds; absent for trades and books.
    #[must_use]
    pub fn interval_seconds(&self) -> Option<f64> {
        match self {
            Self::Bars(bars) => Some(bars.interval_seconds),
            Self::Panel(panel) => Some(panel.interval_seconds),
            Self::Trades(_) | Self::Book(_) => None,
        }
    }

    /// Checks everything the rest of the engine relies on.
    ///
    /// # Errors
    /// Refuses with the row and the column of the first fault.
    pub fn validate(&self) -> Result<(), DataError> {
        match self {
            Self::Bars(bars) => bars.validate(),
            Self::Panel(panel) => panel.validate(),
            Self::Trades(trades) => trades.validate(),
            Self::Book(book) => book.validate(),
        }
    }
}
