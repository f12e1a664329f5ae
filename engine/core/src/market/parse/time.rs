//! Times as vendors write them → microseconds since 1970 UTC, with how they were written. No rules of time zones: a
//! time without a zone is UTC.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Earliest time that is believed: 1700-01-01, before any price on record.
const EARLIEST_US: i64 = -8_520_336_000_000_000;
/// Latest time that is believed: 2200-01-01.
const LATEST_US: i64 = 7_258_118_400_000_000;

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
    /// Microseconds since 1970 UTC.
    pub(super) time_us: i64,
    /// How the file wrote it.
    pub(super) written: Written,
    /// Minutes east of Greenwich, where the text says so.
    pub(super) offset_minutes: Option<i32>,
}

impl Stamp {
    /// Milliseconds since 1970 UTC.
    pub(super) fn time_ms(self) -> i64 {
        self.time_us.div_euclid(1000)
    }
}

/// Returns the time written in `text`; absent where it is none, or not one of the years 1700 to 2199.
pub(super) fn parse(text: &str) -> Option<Stamp> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-')
        && digits_only(text)
    {
        return from_digits(text);
    }
    let stamp = calendar_us(from_calendar(text)?)?;
    Some(Stamp { offset_minutes: offset_minutes(text), ..stamp })
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
    let date = undotted(date);
    let date = from_digits_date(&date).or_else(|| date.parse::<Date>().ok())?;
    parse(&format!("{date} {clock}"))
}

/// Returns the time that a plain number means: seconds, milliseconds, microseconds or nanoseconds since 1970, told
/// apart by size. Only years after 1972 are safe to tell, so smaller numbers are refused. From 1973 to 2199 the sizes
/// of two units never meet, so the first row settles the unit of the file.
pub(super) fn from_number(number: i64) -> Option<Stamp> {
    let (time, written) = match number {
        100_000_000..100_000_000_000 => (number * 1_000_000, Written::Seconds),
        100_000_000_000..100_000_000_000_000 => (number * 1000, Written::Milliseconds),
        100_000_000_000_000..100_000_000_000_000_000 => (number, Written::Microseconds),
        100_000_000_000_000_000.. => (number / 1000, Written::Nanoseconds),
        _ => return None,
    };
    believed(time).map(|time_us| Stamp { time_us, written, offset_minutes: None })
}

/// Returns a time in milliseconds that was written as a date.
pub(super) fn calendar(time_ms: i64) -> Option<Stamp> {
    calendar_us(time_ms.checked_mul(1000)?)
}

/// Returns a time in microseconds that was written as a date.
pub(super) fn calendar_us(time_us: i64) -> Option<Stamp> {
    let written = Written::Calendar;
    believed(time_us).map(|time_us| Stamp { time_us, written, offset_minutes: None })
}

/// Returns the time that a number with a fraction means.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn from_fraction(number: f64) -> Option<Stamp> {
    if (1e8..1e11).contains(&number) {
        let time_us = believed((number * 1e6).round() as i64)?;
        return Some(Stamp { time_us, written: Written::Seconds, offset_minutes: None });
    }
    (1e11..9e18).contains(&number).then(|| from_number(number as i64)).flatten()
}

/// Returns `time` where it lies in the years 1700 to 2199.
fn believed(time: i64) -> Option<i64> {
    (EARLIEST_US..LATEST_US).contains(&time).then_some(time)
}

fn digits_only(text: &str) -> bool {
    let body = text.strip_prefix('-').unwrap_or(text);
    !body.is_empty()
        && body.bytes().filter(|byte| *byte == b'.').count() <= 1
        && !body.contains('-')
}

fn from_digits(text: &str) -> Option<Stamp> {
    if let Some(date) = from_digits_date(text) {
        return calendar_us(midnight(date)?);
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
    let text = undotted(text);
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_microsecond());
    }
    let text = text.strip_suffix(" UTC").unwrap_or(&text);
    // A date alone must be a whole one: jiff would also read a week date or a year and a month in some forms.
    if let Ok(time) = text.parse::<DateTime>() {
        return utc(time);
    }
    None
}

/// Returns `2023.01.31` and `2023/01/31` as `2023-01-31`: with the year first nothing can be mistaken.
fn undotted(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let year_first = 10 <= bytes.len() && bytes[..4].iter().all(u8::is_ascii_digit);
    if year_first && bytes[4] == bytes[7] && matches!(bytes[4], b'.' | b'/') {
        let sign = char::from(bytes[4]);
        return Cow::Owned(text.replacen(sign, "-", 2));
    }
    Cow::Borrowed(text)
}

/// Returns the offset that the end of a time states: `Z`, ` UTC`, `+02:00`, `-0500`, `+02`.
fn offset_minutes(text: &str) -> Option<i32> {
    if text.ends_with(['Z', 'z']) || text.ends_with(" UTC") {
        return Some(0);
    }
    // Behind the date, whose own signs are no offset.
    let rest = text.get(10..)?;
    let sign = rest.rfind(['+', '-'])?;
    let east = if rest[sign..].starts_with('-') { -1 } else { 1 };
    let digits: String = rest[sign + 1..].chars().filter(char::is_ascii_digit).collect();
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..4).unwrap_or("00").parse().ok()?;
    Some(east * (hours * 60 + minutes))
}

fn midnight(date: Date) -> Option<i64> {
    utc(date.at(0, 0, 0, 0))
}

fn utc(time: DateTime) -> Option<i64> {
    TimeZone::UTC.to_timestamp(time).ok().map(Timestamp::as_microsecond)
}

/// Shortest time between two changes of the clock by rule: summer time lasts for months.
const RULE_US: i64 = 28 * 86_400_000_000;
/// How far a rule moves the clock, in minutes.
const RULE_MINUTES: [i32; 2] = [30, 60];

/// Watches the offsets of one column: one all along, or two that take turns as summer and winter do.
#[derive(Debug, Clone, Default)]
pub(super) struct OffsetWatch {
    first: Option<Option<i32>>,
    second: Option<i32>,
    last: Option<(i64, i32)>,
    changed_us: Option<i64>,
}

impl OffsetWatch {
    /// Takes the next time of the file.
    ///
    /// # Errors
    /// Returns in words what was wanted and what was found, where no rule can have written both.
    pub(super) fn take(&mut self, stamp: Stamp) -> Result<(), (String, String)> {
        let first = *self.first.get_or_insert(stamp.offset_minutes);
        let (first, offset) = match (first, stamp.offset_minutes) {
            (None, None) => return Ok(()),
            (Some(first), Some(offset)) => (first, offset),
            (first, found) => return Err((show_offset(first), show_offset(found))),
        };
        if offset != first {
            let second = *self.second.get_or_insert(offset);
            if second != offset || !RULE_MINUTES.contains(&(offset - first).abs()) {
                return Err((show_offset(Some(first)), show_offset(Some(offset))));
            }
        }
        if let Some((before_us, before)) = self.last {
            if stamp.time_us < before_us {
                // The next instrument begins: its clock is watched anew.
                self.changed_us = None;
            } else if before != offset {
                let soon = self.changed_us.is_some_and(|at| stamp.time_us - at < RULE_US);
                if soon {
                    let wanted =
                        format!("{} for weeks, as with summer time", show_offset(Some(before)));
                    return Err((wanted, show_offset(Some(offset))));
                }
                self.changed_us = Some(stamp.time_us);
            }
        }
        self.last = Some((stamp.time_us, offset));
        Ok(())
    }
}

fn show_offset(offset: Option<i32>) -> String {
    offset.map_or_else(
        || "a time without a zone".to_owned(),
        |minutes| {
            let sign = if minutes < 0 { '-' } else { '+' };
            let minutes = minutes.abs();
            format!("the zone {sign}{:02}:{:02}", minutes / 60, minutes % 60)
        },
    )
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
            ("2013.04.29", day),
            ("2013.04.29 00:00", day),
            ("2013/04/29 00:00:00", day),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text).map(Stamp::time_ms), Some(wanted), "{text}");
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

    #[test]
    fn reads_the_offset_that_a_time_states() {
        for (text, wanted) in [
            ("2020-01-01T00:00:00Z", Some(0)),
            ("2020-01-01 00:00:00 UTC", Some(0)),
            ("2020-01-01T00:00:00+05:30", Some(330)),
            ("2020-01-01 00:00:00-0500", Some(-300)),
            ("2020-01-01 00:00:00", None),
            ("2020-01-01", None),
            ("1577836800", None),
        ] {
            assert_eq!(parse(text).expect(text).offset_minutes, wanted, "{text}");
        }
    }

    #[test]
    fn summer_time_is_a_rule_and_other_changes_are_not() {
        let watch = |texts: &[&str]| {
            let mut watch = OffsetWatch::default();
            texts.iter().try_for_each(|text| watch.take(parse(text).expect(text)))
        };
        let winter = "2020-01-02T00:00:00-05:00";
        let summer = "2020-05-02T00:00:00-04:00";
        assert!(watch(&[winter, summer, "2020-12-02T00:00:00-05:00"]).is_ok());
        // Two instruments one after the other.
        assert!(watch(&[winter, summer, winter, summer]).is_ok());
        assert!(watch(&[winter, "2020-05-02T00:00:00+02:00"]).is_err(), "another continent");
        assert!(watch(&[winter, summer, "2020-05-03T00:00:00-05:00"]).is_err(), "to and fro");
        assert!(watch(&[winter, "2020-05-02"]).is_err(), "with and without");
        assert!(watch(&["2020-01-02", "2020-01-03"]).is_ok());
    }
}
