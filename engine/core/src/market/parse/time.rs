//! Times as vendors write them → milliseconds since 1970 UTC.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Earliest time that is believed: 1700-01-01, before any price on record.
const EARLIEST_MS: i64 = -8_520_336_000_000;
/// Latest time that is believed: 2200-01-01.
const LATEST_MS: i64 = 7_258_118_400_000;

/// How a file writes its times. One file writes all of them in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// As a date, with or without a time of day, or as the type of the column says.
    Calendar,
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// Microseconds since 1970.
    Microseconds,
    /// Nanoseconds since 1970.
    Nanoseconds,
}

impl Written {
    /// Returns what a reader of the file would call it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Calendar => "a date",
            Self::Seconds => "seconds since 1970",
            Self::Milliseconds => "milliseconds since 1970",
            Self::Microseconds => "microseconds since 1970",
            Self::Nanoseconds => "nanoseconds since 1970",
        }
    }
}

/// A time and how it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Milliseconds since 1970 UTC.
    pub(super) time_ms: i64,
    /// How the file wrote it.
    pub(super) written: Written,
}

/// Returns the time written in `text`; absent where it is none, or not one of the years 1700 to 2199.
pub(super) fn parse(text: &str) -> Option<Stamp> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-')
        && digits_only(text)
    {
        return from_digits(text);
    }
    calendar(from_calendar(text)?)
}

/// Returns a number that grows with the time written in `text`, whatever its unit: nanoseconds since 1970 of a date, or a
/// whole number as it is. Whether it was a date stands beside it, for the two do not compare.
pub(super) fn order_key(text: &str) -> Option<(bool, i128)> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i128>() {
        return Some((false, number));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some((true, time.as_nanosecond()));
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let time = TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()?;
    Some((true, time.as_nanosecond()))
}

/// Returns the time of a date and a time of day in two cells.
pub(super) fn parse_pair(date: &str, clock: &str) -> Option<Stamp> {
    let (date, clock) = (date.trim(), clock.trim());
    let clock = if (4..=6).contains(&clock.len()) && clock.bytes().all(|byte| byte.is_ascii_digit())
    {
        let full = format!("{clock:0<6}");
        format!("{}:{}:{}", &full[..2], &full[2..4], &full[4..])
    } else {
        clock.to_owned()
    };
    let date = from_digits_date(date).or_else(|| date.parse::<Date>().ok())?;
    parse(&format!("{date} {clock}"))
}

/// Returns the time that a plain number means: seconds, milliseconds, microseconds or nanoseconds since 1970, told
/// apart by size. Only years after 1972 are safe to tell, so smaller numbers are refused. From 1973 to 2199 the sizes
/// of two units never meet, so the first row settles the unit of the file.
pub(super) fn from_number(number: i64) -> Option<Stamp> {
    let (time, written) = match number {
        100_000_000..100_000_000_000 => (number * 1000, Written::Seconds),
        100_000_000_000..100_000_000_000_000 => (number, Written::Milliseconds),
        100_000_000_000_000..100_000_000_000_000_000 => (number / 1000, Written::Microseconds),
        100_000_000_000_000_000.. => (number / 1_000_000, Written::Nanoseconds),
        _ => return None,
    };
    believed(time).map(|time_ms| Stamp { time_ms, written })
}

/// Returns a time that was written as a date.
pub(super) fn calendar(time: i64) -> Option<Stamp> {
    believed(time).map(|time_ms| Stamp { time_ms, written: Written::Calendar })
}

/// Returns the time that a number with a fraction means.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn from_fraction(number: f64) -> Option<Stamp> {
    if (1e8..1e11).contains(&number) {
        let time_ms = believed((number * 1000.0).round() as i64)?;
        return Some(Stamp { time_ms, written: Written::Seconds });
    }
    (1e11..9e18).contains(&number).then(|| from_number(number as i64)).flatten()
}

/// Returns `time` where it lies in the years 1700 to 2199.
fn believed(time: i64) -> Option<i64> {
    (EARLIEST_MS..LATEST_MS).contains(&time).then_some(time)
}

fn digits_only(text: &str) -> bool {
    let body = text.strip_prefix('-').unwrap_or(text);
    !body.is_empty()
        && body.bytes().filter(|byte| *byte == b'.').count() <= 1
        && !body.contains('-')
}

fn from_digits(text: &str) -> Option<Stamp> {
    if let Some(date) = from_digits_date(text) {
        return calendar(midnight(date)?);
    }
    match text.parse::<i64>() {
        Ok(number) => from_number(number),
        Err(_) => from_fraction(text.parse::<f64>().ok()?),
    }
}

fn from_digits_date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year = text[..4].parse().ok()?;
    Date::new(year, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()
}

fn from_calendar(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    // A date alone must be a whole one: jiff would also read a week date or a year and a month in some forms.
    if let Ok(time) = text.parse::<DateTime>() {
        return utc(time);
    }
    None
}

fn midnight(date: Date) -> Option<i64> {
    utc(date.at(0, 0, 0, 0))
}

fn utc(time: DateTime) -> Option<i64> {
    TimeZone::UTC.to_timestamp(time).ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_vendors_write() {
        let day = 1_367_193_600_000;
        let cases = [
            ("2013-04-29", day),
            ("20130429", day),
            ("2013-04-29 23:59:59", day + 86_399_000),
            ("2013-04-29T00:00:00Z", day),
            ("2013-04-29T02:00:00+02:00", day),
            ("2013-04-29 00:00:00 UTC", day),
            ("2013-04-29 00:00:00.250000+00:00", day + 250),
            ("1367193600", day),
            ("1367193600.5", day + 500),
            ("1367193600000", day),
            ("1367193600000000", day),
            ("1367193600000000000", day),
            (" 2013-04-29 ", day),
            ("1900-01-02", -2_208_902_400_000),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text).map(|stamp| stamp.time_ms), Some(wanted), "{text}");
        }
    }

    #[test]
    fn tells_how_a_time_was_written() {
        for (text, wanted) in [
            ("2013-04-29", Written::Calendar),
            ("20130429", Written::Calendar),
            ("1367193600", Written::Seconds),
            ("1367193600.5", Written::Seconds),
            ("1367193600000", Written::Milliseconds),
            ("1367193600000000", Written::Microseconds),
            ("1367193600000000000", Written::Nanoseconds),
        ] {
            assert_eq!(parse(text).map(|stamp| stamp.written), Some(wanted), "{text}");
        }
    }

    #[test]
    fn refuses_what_could_be_read_in_two_ways_or_not_at_all() {
        for text in [
            "",
            "x",
            "04/29/2013",
            "29.04.2013",
            "2013-13-01",
            "2013-02-30",
            "0",
            "12",
            "-5",
            "1e9",
            "9999-01-01",
            "99999999999999999999",
            "13:00",
            "2013",
            "2013-04",
            "--",
            "..",
            "-",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn keys_grow_with_time_and_tell_dates_from_numbers() {
        let key = |text| order_key(text).map(|(_, key)| key);
        assert!(key("2013-04-29") < key("2013-04-29 00:00:00.000001"));
        assert!(key("2013-04-29 00:00:00.5+00:00") < key("2013-04-29T00:00:01Z"));
        assert_eq!(order_key("17"), Some((false, 17)));
        assert_eq!(order_key("2013-04-29").map(|(is_date, _)| is_date), Some(true));
        for text in ["", "Monday", "1.5", "2013-13-01"] {
            assert_eq!(order_key(text), None, "{text}");
        }
    }

    #[test]
    fn joins_a_date_and_a_time_of_day() {
        assert_eq!(parse_pair("20130429", "130500"), parse("2013-04-29 13:05:00"));
        assert_eq!(parse_pair("2013-04-29", "13:05"), parse("2013-04-29 13:05:00"));
        assert_eq!(parse_pair("2013-04-29", "25:00"), None);
        assert_eq!(parse_pair("2013-04-29", "aé1"), None);
    }
}
