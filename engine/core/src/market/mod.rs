//! Hop 1: bytes become bars. Parsers, checks, snapshots, splits and a synthetic market; no files, no clock.

pub mod bar;
pub mod book;
pub mod error;
pub mod panel;
pub mod parse;
pub mod quality;
pub mod snapshot;
pub mod split;
pub mod synthetic;
pub mod tick;

pub use bar::{Bar, BarSeries};
pub use book::BookSeries;
pub use error::{DataError, DataErrorKind, Fault};
pub use panel::{BarPanel, Join};
pub use split::{Splits, split};
pub use tick::{Aggressor, TradeSeries};
