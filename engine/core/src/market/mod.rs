//! Hop 1: bytes become bars. Parsers, checks, snapshots, splits and a synthetic market; no files, no clock.

pub mod bar;
pub mod error;
pub mod split;

pub use bar::{Bar, BarSeries};
pub use error::{DataError, DataErrorKind};
pub use split::{Splits, split};
