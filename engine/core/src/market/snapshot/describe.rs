//! The manifest of a snapshot of any kind: everything that is known about it without opening it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kinds::{BOOK, PANEL, Stored, TRADES, book_columns, panel_columns, trade_columns};
use super::{FORMAT, columns};
use crate::digest::sha256;
use crate::market::bar::show_time;
use crate::market::quality;
use crate::market::series::{DataKind, MarketSeries};
use crate::market::transformation::Provenance;

/// What a snapshot holds, where it came from and what was done to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotManifest {
    /// Layout of the snapshot.
    pub format: String,
    /// What its rows are.
    pub kind: DataKind,
    /// The instruments, in the order of the data.
    pub instruments: Vec<String>,
    /// Usual distance of two bars, seconds; absent for trades and order books.
    pub interval_seconds: Option<f64>,
    /// Bars, trades or order books.
    pub rows: u64,
    /// First time, RFC 3339 UTC.
    pub first: String,
    /// Last time, RFC 3339 UTC.
    pub last: String,
    /// Columns of the snapshot.
    pub columns: Vec<String>,
    /// SHA-256 of the snapshot, lower-case hexadecimal.
    pub sha256: String,
    /// Size of the snapshot.
    pub size_bytes: u64,
    /// Where it came from and what was done to it.
    pub provenance: Provenance,
    /// Whether a value may depend on what came after it.
    pub looks_ahead: bool,
    /// Cells that were filled in by an alignment.
    pub filled: u64,
    /// Made by the synthetic market. Shown wherever a number is shown.
    pub synthetic: bool,
    /// Things a reader should know; not errors.
    pub warnings: Vec<String>,
}

/// Describes data and the snapshot that [`encode_any`](super::encode_any) made of it.
#[must_use]
pub fn describe(stored: &Stored, snapshot: &[u8], synthetic: bool) -> SnapshotManifest {
    let data = &stored.data;
    let (format, columns) = match data {
        MarketSeries::Bars(bars) => (FORMAT, columns(bars.volume.is_some())),
        MarketSeries::Panel(panel) => {
            (PANEL, panel_columns(panel.volume.is_some(), stored.filled.is_some()))
        }
        MarketSeries::Trades(_) => (TRADES, trade_columns()),
        MarketSeries::Book(book) => {
            (BOOK, book_columns(book.levels, [book.bought.is_some(), book.sold.is_some()]))
        }
    };
    let provenance = stored.provenance.clone().unwrap_or_default();
    let filled = stored.filled.iter().flatten().filter(|filled| **filled).count();
    let [first, last] =
        data.span_ms().map_or([const { String::new() }; 2], |span| span.map(show_time));
    SnapshotManifest {
        format: format.to_owned(),
        kind: data.kind(),
        instruments: data.instruments(),
        interval_seconds: data.interval_seconds(),
        rows: data.rows() as u64,
        first,
        last,
        columns,
        sha256: sha256(snapshot),
        size_bytes: snapshot.len() as u64,
        looks_ahead: provenance.looks_ahead(),
        provenance,
        filled: filled as u64,
        synthetic,
        warnings: quality::inspect_any(data),
    }
}
