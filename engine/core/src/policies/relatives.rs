//! Price relatives of several assets: a checked table, and the view of its past that a policy is given.
//!
//! A relative is price now / price one period before. Reads bytes of a CSV; opens no file.

use csv::{ReaderBuilder, StringRecord};

use crate::error::EngineError;
use crate::market::{DataError, DataErrorKind, Fault};

/// Most assets of a table.
pub const ASSETS_MAX: usize = 10_000;
/// Most numbers of a table: 5 million periods of 10 assets.
const VALUES_MAX: usize = 50_000_000;
/// Headings by which a first column of dates or row numbers is known.
const INDEX_HEADINGS: [&str; 9] =
    ["", "date", "time", "datetime", "timestamp", "index", "day", "period", "unnamed: 0"];

/// What the numbers of a table are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RelativesKind {
    /// Growth since the beginning: the first row is the first relative, each further one is divided by that before.
    #[default]
    Cumulative,
    /// The relatives themselves.
    Simple,
    /// Prices: one period fewer than rows.
    Prices,
}

/// Price relatives, one row per period. At least one asset and one period; every number is finite and above 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Relatives {
    assets: Vec<String>,
    values: Vec<f64>,
}

impl Relatives {
    /// Takes relatives, row after row: `values` `[T · N]` for `assets` `[N]`.
    ///
    /// # Errors
    /// Refuses tables without assets or periods, with a broken last row, and numbers that are not finite or not above
    /// 0, naming period and asset.
    pub fn new(assets: Vec<String>, values: Vec<f64>) -> Result<Self, EngineError> {
        let refuse = |detail: String| EngineError::Refused { what: "relatives", detail };
        let width = assets.len();
        if width == 0 || ASSETS_MAX < width {
            return Err(refuse(format!(
                "wanted 1 to {ASSETS_MAX} assets, found {width}; choose other columns"
            )));
        }
        if values.is_empty() || !values.len().is_multiple_of(width) || VALUES_MAX < values.len() {
            return Err(refuse(format!(
                "wanted whole rows of {width} numbers, at least one and at most {VALUES_MAX} numbers, found {} numbers; \
                 complete the last row or cut the table",
                values.len()
            )));
        }
        match values.iter().position(|value| !is_relative(*value)) {
            None => Ok(Self { assets, values }),
            Some(place) => Err(refuse(format!(
                "wanted finite numbers above 0, found {} in period {} of {}; correct or leave out the asset",
                values[place],
                place / width + 1,
                assets[place % width]
            ))),
        }
    }

    /// Takes rows of another kind and turns them into relatives.
    ///
    /// # Errors
    /// As [`Relatives::new`]; a single row of prices is refused too.
    pub fn from_rows(
        kind: RelativesKind,
        assets: Vec<String>,
        rows: Vec<f64>,
    ) -> Result<Self, EngineError> {
        let width = assets.len();
        let checked = Self::new(assets, rows)?;
        let quotients = |rows: &[f64]| -> Vec<f64> {
            rows.iter().zip(&rows[width..]).map(|(before, now)| now / before).collect()
        };
        let values = match kind {
            RelativesKind::Simple => return Ok(checked),
            RelativesKind::Cumulative => {
                let mut values = checked.values[..width].to_vec();
                values.extend(quotients(&checked.values));
                values
            }
            RelativesKind::Prices if checked.periods() < 2 => {
                return Err(EngineError::Refused {
                    what: "relatives",
                    detail:
                        "wanted at least two rows of prices, found 1; one period needs two prices"
                            .to_owned(),
                });
            }
            RelativesKind::Prices => quotients(&checked.values),
        };
        Self::new(checked.assets, values)
    }

    /// Reads a CSV: one line of asset names, then one row per period. A first column headed `date`, `index` or alike,
    /// or without heading, is skipped.
    ///
    /// # Errors
    /// Refuses what is not such a table, with line and column.
    pub fn from_csv(file: &str, bytes: &[u8], kind: RelativesKind) -> Result<Self, DataError> {
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut records = reader.records();
        let heading = match records.next() {
            Some(heading) => heading.map_err(|error| unreadable(file, &error))?,
            None => return Err(empty(file)),
        };
        let (skipped, assets) = assets_of(file, &heading)?;
        let mut rows = Vec::new();
        for record in records {
            let record = record.map_err(|error| unreadable(file, &error))?;
            read_row(file, &record, (skipped, &assets), &mut rows)?;
        }
        if rows.is_empty() {
            return Err(empty(file));
        }
        Self::from_rows(kind, assets, rows).map_err(|error| {
            let fault = Fault {
                wanted: "price relatives".to_owned(),
                found: error.to_string(),
                next: "correct the file or name what its numbers are".to_owned(),
            };
            DataError::new(file, DataErrorKind::Cell, fault)
        })
    }

    /// Returns the names of the assets.
    #[must_use]
    pub fn assets(&self) -> &[String] {
        &self.assets
    }

    /// Returns the number of assets.
    #[must_use]
    pub fn width(&self) -> usize {
        self.assets.len()
    }

    /// Returns the number of periods.
    #[must_use]
    pub fn periods(&self) -> usize {
        self.values.len() / self.width()
    }

    /// Returns every row in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.width())
    }

    /// Returns what was seen before period `period` (from 0): its rows `0..period`, all of them beyond the end.
    #[must_use]
    pub fn before(&self, period: usize) -> Seen<'_> {
        let end = period.saturating_mul(self.width()).min(self.values.len());
        Seen { width: self.width(), values: &self.values[..end] }
    }
}

/// The past: relatives of the periods that are over. What comes later is not in it, so that nothing decided from it can
/// depend on the future.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    width: usize,
    values: &'a [f64],
}

impl<'a> Seen<'a> {
    /// Takes rows of `width` relatives, oldest first; numbers beyond the last whole row are not seen.
    #[must_use]
    pub fn new(width: usize, values: &'a [f64]) -> Self {
        let width = width.max(1);
        Self { width, values: &values[..values.len() / width * width] }
    }

    /// Returns the number of assets.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the number of periods that are over.
    #[must_use]
    pub fn periods(&self) -> usize {
        self.values.len() / self.width
    }

    /// Returns every row, oldest first.
    pub fn rows(&self) -> std::slice::ChunksExact<'a, f64> {
        self.values.chunks_exact(self.width)
    }

    /// Returns the newest `count` rows, oldest first; fewer where fewer were seen.
    #[must_use]
    pub fn newest(&self, count: usize) -> Seen<'a> {
        let from = self.periods().saturating_sub(count) * self.width;
        Self { width: self.width, values: &self.values[from..] }
    }

    /// Returns the oldest `count` rows; fewer where fewer were seen.
    #[must_use]
    pub fn oldest(&self, count: usize) -> Seen<'a> {
        let to = self.periods().min(count) * self.width;
        Self { width: self.width, values: &self.values[..to] }
    }

    /// Returns the rows from `period` (from 0) on.
    #[must_use]
    pub fn from(&self, period: usize) -> Seen<'a> {
        let from = period.min(self.periods()) * self.width;
        Self { width: self.width, values: &self.values[from..] }
    }
}

/// Whether a number may be a relative or a price.
pub(crate) fn is_relative(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn unreadable(file: &str, error: &csv::Error) -> DataError {
    let fault = Fault {
        wanted: "a comma-separated table in UTF-8".to_owned(),
        found: error.to_string(),
        next: "export the table as CSV".to_owned(),
    };
    let plain = DataError::new(file, DataErrorKind::Unreadable, fault);
    error.position().map_or(plain.clone(), |position| plain.at_line(position.line()))
}

fn empty(file: &str) -> DataError {
    let fault = Fault {
        wanted: "a line of asset names and at least one row of numbers".to_owned(),
        found: "none".to_owned(),
        next: "check that this is the file you mean".to_owned(),
    };
    DataError::new(file, DataErrorKind::Empty, fault)
}

/// Returns how many leading columns are skipped (0 or 1), and the names of the assets.
fn assets_of(file: &str, heading: &StringRecord) -> Result<(usize, Vec<String>), DataError> {
    let names: Vec<String> =
        heading.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
    let is_index = |name: &String| INDEX_HEADINGS.contains(&name.to_lowercase().as_str());
    let skipped = usize::from(names.first().is_some_and(is_index));
    let assets: Vec<String> = names[skipped..].to_vec();
    let columns = |found: String| {
        let fault = Fault {
            wanted: format!("a first line with 1 to {ASSETS_MAX} different asset names"),
            found,
            next: "add a line of names above the numbers; head a column of dates `date`".to_owned(),
        };
        DataError::new(file, DataErrorKind::Columns, fault).at_line(1)
    };
    if assets.is_empty() || ASSETS_MAX < assets.len() {
        return Err(columns(format!("{} names", assets.len())));
    }
    if let Some(index) = assets.iter().position(String::is_empty) {
        return Err(columns(format!("no name above column {}", index + skipped + 1)));
    }
    if assets.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err(columns("numbers only".to_owned()));
    }
    let mut sorted: Vec<&String> = assets.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(columns(format!("'{}' twice", pair[0]))),
        None => Ok((skipped, assets)),
    }
}

fn read_row(
    file: &str,
    record: &StringRecord,
    (skipped, assets): (usize, &[String]),
    rows: &mut Vec<f64>,
) -> Result<(), DataError> {
    let line = record.position().map_or(0, csv::Position::line);
    let wanted = skipped + assets.len();
    if record.len() != wanted || VALUES_MAX < rows.len() + assets.len() {
        let fault = Fault {
            wanted: format!("{wanted} cells, and at most {VALUES_MAX} numbers in the whole table"),
            found: format!("{} cells after {} numbers", record.len(), rows.len()),
            next: "complete the row, or cut the table".to_owned(),
        };
        return Err(DataError::new(file, DataErrorKind::Cell, fault).at_line(line));
    }
    for (cell, asset) in record.iter().skip(skipped).zip(assets) {
        match cell.trim().parse::<f64>() {
            Ok(value) if is_relative(value) => rows.push(value),
            Ok(_) | Err(_) => {
                let fault = Fault {
                    wanted: "a finite number above 0".to_owned(),
                    found: format!("'{}'", cell.trim().chars().take(40).collect::<String>()),
                    next: "correct the cell, or leave out the column".to_owned(),
                };
                let error = DataError::new(file, DataErrorKind::Cell, fault);
                return Err(error.at_line(line).in_column(asset));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, kind: RelativesKind) -> Result<Relatives, DataError> {
        Relatives::from_csv("t.csv", text.as_bytes(), kind)
    }

    #[test]
    fn cumulative_simple_and_prices_are_those_done_by_hand() {
        let text = "a,b\n2,4\n4,2\n";
        let values = |kind| read(text, kind).unwrap().values;
        assert_eq!(values(RelativesKind::Cumulative), [2.0, 4.0, 2.0, 0.5]);
        assert_eq!(values(RelativesKind::Simple), [2.0, 4.0, 4.0, 2.0]);
        assert_eq!(values(RelativesKind::Prices), [2.0, 0.5]);
    }

    #[test]
    fn a_leading_date_column_is_skipped() {
        for head in ["date", "Date", "", "index", "\u{feff}date"] {
            let table = read(&format!("{head},a,b\n2020-01-01,1,2\n"), RelativesKind::Simple);
            let table = table.unwrap();
            assert_eq!((table.assets().join(" "), table.periods()), ("a b".to_owned(), 1));
        }
    }

    #[test]
    fn garbage_is_refused_with_line_and_column() {
        for (text, line, column) in [
            ("a,b\n1,2\n3,x\n", 3, Some("b")),
            ("a,b\n1,2\n3,-1\n", 3, Some("b")),
            ("a,b\nnan,2\n", 2, Some("a")),
            ("a,b\n0,2\n", 2, Some("a")),
            ("a,b\n1,2,3\n", 2, None),
            ("a,b\n1\n", 2, None),
            ("1,2\n1,2\n", 1, None),
            ("a,a\n1,2\n", 1, None),
            ("a,\n1,2\n", 1, None),
        ] {
            let error = read(text, RelativesKind::Simple).unwrap_err();
            assert_eq!((error.line, error.column.as_deref()), (Some(line), column), "{error}");
        }
        for text in ["", "a,b\n", "date\n2020-01-01\n"] {
            assert!(read(text, RelativesKind::Simple).is_err(), "{text:?}");
        }
        assert!(Relatives::from_csv("t.csv", &[0xff, 0xfe, 0, 1], RelativesKind::Simple).is_err());
        assert!(read("a\n1\n", RelativesKind::Prices).is_err());
    }

    #[test]
    fn only_the_past_is_seen() {
        let table = read("a,b\n1,2\n3,4\n5,6\n", RelativesKind::Simple).unwrap();
        let seen = table.before(2);
        assert_eq!(seen.rows().collect::<Vec<_>>(), [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(seen.newest(1).rows().collect::<Vec<_>>(), [[3.0, 4.0]]);
        assert_eq!(table.before(0).periods(), 0);
        assert_eq!(table.before(9).periods(), 3);
        assert_eq!(seen.from(1).periods(), 1);
    }
}
