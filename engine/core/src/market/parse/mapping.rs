//! Which column plays which part: named by the user, else found by the names that vendors use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::market::error::{DataError, DataErrorKind, Fault};
use crate::market::zone::LocalClock;

/// Names of columns, as the file's header spells them (case does not matter). What is absent is found by the names
/// that vendors use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsvMapping {
    /// Column of the time. Times without a zone are UTC; plain numbers are seconds, milliseconds, microseconds or
    /// nanoseconds since 1970: the size of the first one settles the unit, and every row must keep to it.
    pub time: Option<String>,
    /// Column of the first price.
    pub open: Option<String>,
    /// Column of the highest price.
    pub high: Option<String>,
    /// Column of the lowest price.
    pub low: Option<String>,
    /// Column of the last price.
    pub close: Option<String>,
    /// Column of the adjusted last price. Without one the close is taken.
    pub adjusted_close: Option<String>,
    /// Column of the traded volume. Without one the bars have no volume.
    pub volume: Option<String>,
    /// Column that names the instrument, for files with several.
    pub instrument_column: Option<String>,
    /// The instrument to import. In a file without such a column: the name to give it.
    pub instrument: Option<String>,
}

const TIME: &[&str] = &[
    "date",
    "datetime",
    "timestamp",
    "opentime",
    "time",
    "systemtime",
    "ts",
    "unix",
    "unixtime",
    "unixtimestamp",
    "timems",
    "timestampms",
    "opentimems",
    "closetime",
    "t",
];
const CLOCK: &[&str] = &["time"];
const OPEN: &[&str] = &["open", "openprice", "o"];
const HIGH: &[&str] = &["high", "highprice", "h"];
const LOW: &[&str] = &["low", "lowprice", "l"];
const CLOSE: &[&str] = &["close", "closeprice", "last", "c"];
const ADJUSTED: &[&str] = &["adjcp", "adjclose", "adjustedclose", "adjcloseprice", "closeadj"];
const VOLUME: &[&str] = &["volume", "vol", "basevolume", "tickvol", "v"];
const INSTRUMENT: &[&str] = &["tic", "ticker", "symbol", "instrument", "asset", "pair", "code"];

/// Position of each part's column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) time: usize,
    /// A second column with the time of day, where the first holds the date only.
    pub(super) clock: Option<usize>,
    pub(super) open: usize,
    pub(super) high: usize,
    pub(super) low: usize,
    pub(super) close: usize,
    pub(super) adjusted_close: Option<usize>,
    pub(super) volume: Option<usize>,
    pub(super) instrument: Option<usize>,
}

/// A file's header.
pub(super) struct Header<'a> {
    pub(super) file: &'a str,
    pub(super) names: &'a [String],
    /// Line of the header; absent in Parquet.
    pub(super) line: Option<u64>,
    /// Where times without a zone were written; absent: UTC.
    pub(super) clock: Option<&'a LocalClock>,
}

impl Header<'_> {
    /// Finds the column of every part.
    ///
    /// # Errors
    /// Refuses when a needed column is absent or a name stands twice.
    pub(super) fn bind(&self, mapping: &CsvMapping) -> Result<Roles, DataError> {
        let time = self.needed("time", mapping.time.as_ref(), TIME)?;
        let clock = match &mapping.time {
            None if plain(&self.names[time]) == "date" => self.optional("time", None, CLOCK)?,
            None | Some(_) => None,
        };
        Ok(Roles {
            time,
            clock,
            open: self.needed("open", mapping.open.as_ref(), OPEN)?,
            high: self.needed("high", mapping.high.as_ref(), HIGH)?,
            low: self.needed("low", mapping.low.as_ref(), LOW)?,
            close: self.needed("close", mapping.close.as_ref(), CLOSE)?,
            adjusted_close: self.optional(
                "adjusted_close",
                mapping.adjusted_close.as_ref(),
                ADJUSTED,
            )?,
            volume: self.optional("volume", mapping.volume.as_ref(), VOLUME)?,
            instrument: self.optional(
                "instrument_column",
                mapping.instrument_column.as_ref(),
                INSTRUMENT,
            )?,
        })
    }

    pub(super) fn needed(
        &self,
        part: &str,
        named: Option<&String>,
        aliases: &[&str],
    ) -> Result<usize, DataError> {
        if let Some(index) = self.optional(part, named, aliases)? {
            return Ok(index);
        }
        let near = self.nearest(part);
        let hint = near.map(|name| format!(" (is it '{name}'?)")).unwrap_or_default();
        let fault = Fault::new(
            format!(
                "a column for '{part}', named like {}",
                aliases[..aliases.len().min(4)].join(", ")
            ),
            self.list(),
            format!("Name the column in the mapping: {part}=<column>{hint}"),
        );
        Err(self.error(fault))
    }

    pub(super) fn optional(
        &self,
        part: &str,
        named: Option<&String>,
        aliases: &[&str],
    ) -> Result<Option<usize>, DataError> {
        if let Some(name) = named {
            return self.explicit(part, name).map(Some);
        }
        for alias in aliases {
            let mut found =
                (0..self.names.len()).filter(|index| plain(&self.names[*index]) == *alias);
            let Some(first) = found.next() else {
                continue;
            };
            if let Some(second) = found.next() {
                return Err(self.twice(part, [first, second]));
            }
            return Ok(Some(first));
        }
        Ok(None)
    }

    fn explicit(&self, part: &str, name: &str) -> Result<usize, DataError> {
        let wanted = name.trim();
        if let Some(exact) = self.names.iter().position(|header| header.trim() == wanted) {
            return Ok(exact);
        }
        let same =
            |index: &usize| self.names[*index].trim().to_lowercase() == wanted.to_lowercase();
        let mut found = (0..self.names.len()).filter(same);
        match (found.next(), found.next()) {
            (Some(index), None) => Ok(index),
            (Some(first), Some(second)) => Err(self.twice(part, [first, second])),
            (None, _) => {
                let near = self
                    .nearest(wanted)
                    .map(|near| format!(": did you mean '{near}'?"))
                    .unwrap_or_default();
                let fault = Fault::new(
                    format!("the column '{}' that the mapping names for '{part}'", shorten(wanted)),
                    self.list(),
                    format!("Correct the mapping{near}"),
                );
                Err(self.error(fault))
            }
        }
    }

    fn twice(&self, part: &str, columns: [usize; 2]) -> DataError {
        let fault = Fault::new(
            format!("one column for '{part}'"),
            format!(
                "two: columns {} and {} are both named '{}'",
                columns[0] + 1,
                columns[1] + 1,
                self.names[columns[0]]
            ),
            format!("Rename one of them, or name the right one in the mapping: {part}=<column>"),
        );
        self.error(fault)
    }

    fn nearest(&self, wanted: &str) -> Option<&str> {
        let wanted = plain(wanted);
        let scored = self
            .names
            .iter()
            .filter(|name| !name.trim().is_empty())
            .map(|name| (strsim::jaro_winkler(&wanted, &plain(name)), name));
        let best = scored.max_by(|left, right| left.0.total_cmp(&right.0))?;
        (0.75 <= best.0).then_some(best.1.as_str())
    }

    fn list(&self) -> String {
        let named: Vec<String> =
            self.names.iter().take(30).map(|name| format!("'{}'", shorten(name))).collect();
        let more = if named.len() < self.names.len() { " …" } else { "" };
        format!("the columns {}{more}", named.join(", "))
    }

    fn error(&self, fault: Fault) -> DataError {
        let error = DataError::new(self.file, DataErrorKind::Columns, fault);
        match self.line {
            Some(line) => error.at_line(line),
            None => error,
        }
    }
}

/// Returns a header without what vendors vary: case, spaces, brackets and joining signs.
pub(super) fn plain(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|sign| !sign.is_whitespace() && !"_-.<>()[]*\"'\u{feff}".contains(*sign));
    kept.flat_map(char::to_lowercase).collect()
}

/// Returns `text` cut to what fits in a message, without control characters.
pub(super) fn shorten(text: &str) -> String {
    let mut kept: String =
        text.chars().take(40).map(|sign| if sign.is_control() { '·' } else { sign }).collect();
    if text.chars().count() > 40 {
        kept.push('…');
    }
    kept
}
