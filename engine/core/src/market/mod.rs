//! Hop 1: bytes become bars, panels, trades and order books. Parsers, snapshots, calendars, alignment, resampling,
//! adjustment, a quality report, splits and a synthetic market; no files, no clock.

pub mod adjust;
pub mod align;
pub mod bar;
pub mod book;
pub mod calendar;
pub mod error;
pub mod join;
pub mod panel;
pub mod parse;
pub mod part;
pub mod quality;
pub mod resample;
pub mod series;
pub mod snapshot;
pub mod split;
pub mod synthetic;
pub mod tick;
pub mod transformation;
pub mod zone;

pub use bar::{Bar, BarSeries};
pub use book::BookSeries;
pub use error::{DataError, DataErrorKind, Fault};
pub use panel::{BarPanel, Join};
pub use series::{DataKind, MarketSeries};
pub use split::{Splits, split};
pub use tick::{Aggressor, TradeSeries};
pub use transformation::{Provenance, Transformation};
