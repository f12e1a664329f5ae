//! Bytes of the outside become bars. Columns are bound by name, never by position; a file is imported whole or not at
//! all; an error names file, line, column, what was wanted, what was found and what to do.

mod assemble;
pub mod csv;
mod mapping;
pub mod parquet;
pub mod reference;
pub mod rows;
pub mod series;
mod text;
mod time;

pub use mapping::CsvMapping;

/// Most rows that one file may hold.
pub const ROWS_MAX: usize = 5_000_000;
/// Most bytes that are read of one file.
pub const BYTES_MAX: u64 = 2 << 30;
