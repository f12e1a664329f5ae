//! Hop 1: bytes become bars. Parsers, checks, snapshots, splits and a synthetic market; no files, no clock.

pub mod bar;
pub mod error;
pub mod parse;
pub mod quality;
pub mod snapshot;
pub mod split;
pub mod synthetic;

pub use bar::{Bar, BarSeries};
pub use error::{DataError, DataErrorKind, Fault};
pub use split::{Splits, split};
