//! Whether a text has more rows than are read, told long before its rows are: lines are counted, nothing is parsed.

use std::io::Read;

use super::ROWS_MAX;
use super::dialect::{Dialect, detect};
use super::import::ImportOptions;
use super::text::{read_error, too_many_rows};
use crate::market::error::DataError;

/// What is read at once.
const PIECE_BYTES: usize = 1 << 16;

/// Refuses a text that certainly has more rows than are read. Of rows that may be passed over, and of lines that may
/// stand inside of quotes, nothing is certain: such a text is left to its parser.
///
/// # Errors
/// Refuses too many rows; tells when the reader fails.
pub fn refuse_too_many_rows(
    mut reader: impl Read,
    file_name: &str,
    options: &ImportOptions,
) -> Result<(), DataError> {
    let chosen = options.mapping.instrument.is_some() || options.trades.instrument.is_some();
    if chosen || options.skip_empty_rows == Some(true) || options.dialect == Some(Dialect::Yahoo) {
        return Ok(());
    }
    // The header is a line more.
    let most = ROWS_MAX + 1;
    let (mut lines, mut is_blank, mut is_first) = (0_usize, true, true);
    let mut piece = vec![0_u8; PIECE_BYTES];
    loop {
        let count = reader.read(&mut piece).map_err(|error| read_error(file_name, &error))?;
        let bytes = piece.get(..count).unwrap_or_default();
        if bytes.is_empty() || (is_first && detect(bytes).dialect == Dialect::Yahoo) {
            return Ok(());
        }
        is_first = false;
        for byte in bytes {
            match byte {
                b'"' => return Ok(()),
                b'\n' => {
                    lines += usize::from(!is_blank);
                    is_blank = true;
                }
                b'\r' | b' ' | b'\t' => {}
                _ => is_blank = false,
            }
        }
        if most < lines {
            let line = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
            return Err(too_many_rows(file_name, line));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::market::error::DataErrorKind;
    use crate::market::parse::import::import;

    fn text(first: &str, rows: usize, last: &str) -> impl Read {
        let rows = Cursor::new("1,2\r\n\n".repeat(rows));
        Cursor::new(first.to_owned()).chain(rows).chain(Cursor::new(last.to_owned()))
    }

    #[test]
    fn more_rows_than_are_read_are_refused_and_as_many_are_not() {
        let options = ImportOptions::default();
        let count = |rows| refuse_too_many_rows(text("a,b\n", rows, ""), "f", &options);
        assert_eq!(count(ROWS_MAX), Ok(()));
        let error = count(ROWS_MAX + 1).unwrap_err();
        assert_eq!(error.kind, DataErrorKind::TooLarge);
        assert!(error.to_string().contains("at most 5000000 rows"), "{error}");
    }

    #[test]
    fn what_is_not_certain_is_left_to_the_parser() {
        let rows = ROWS_MAX + 10;
        let plain = ImportOptions::default();
        assert_eq!(refuse_too_many_rows(text("a,b\n\"", rows, "\"\n"), "f", &plain), Ok(()));
        let yahoo = "Date,Open,High,Low,Close,Adj Close,Volume\n";
        assert_eq!(refuse_too_many_rows(text(yahoo, rows, ""), "f", &plain), Ok(()));
        let skipping = ImportOptions { skip_empty_rows: Some(true), ..ImportOptions::default() };
        assert_eq!(refuse_too_many_rows(text("a,b\n", rows, ""), "f", &skipping), Ok(()));
        let mut one = ImportOptions::default();
        one.mapping.instrument = Some("A".to_owned());
        assert_eq!(refuse_too_many_rows(text("a,b\n", rows, ""), "f", &one), Ok(()));
    }

    #[test]
    fn what_is_refused_here_is_refused_by_the_parser_too() {
        let row = |time: usize| format!("{},1,1,1,1\n", 1_000_000_000 + time);
        let body: String = (0..=ROWS_MAX).map(row).collect();
        let all = format!("time,open,high,low,close\n{body}");
        let options = ImportOptions::default();
        let early = refuse_too_many_rows(all.as_bytes(), "f", &options).unwrap_err();
        assert_eq!(early, import(all.as_bytes(), "f", &options).unwrap_err());
    }
}
