//! Bytes of the outside become bars. Columns are bound by name, never by position; a file is imported whole or not at
//! all; an error names file, line, column, what was wanted, what was found and what to do.

mod assemble;
mod count;
pub mod csv;
pub mod depth;
pub mod dialect;
pub mod import;
mod mapping;
mod number;
pub mod panel;
pub mod parquet;
pub mod reference;
mod row;
pub mod rows;
pub mod series;
mod text;
mod time;
pub mod trades;
pub mod wide;

pub use count::refuse_too_many_rows;
pub use dialect::{Certainty, Detection, Dialect, detect};
pub use import::{ImportOptions, Imported, import, import_parquet};
pub use mapping::CsvMapping;

pub use super::series::{DataKind, MarketSeries};

/// Most rows that one file may hold.
pub const ROWS_MAX: usize = 5_000_000;
/// Most bytes that are read of one file.
pub const BYTES_MAX: u64 = 2 << 30;
/// Most bytes of one row. Rows of order books with many levels have some tens of kilobytes.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Most columns of one table.
pub const COLUMNS_MAX: usize = 4096;
/// Most instruments of one table.
pub const INSTRUMENTS_MAX: usize = 10_000;
