//! Days and times as people write them → milliseconds since 1970 UTC. Pure.

use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Returns when a day or a time begins.
pub(crate) fn first_ms(text: &str) -> Option<i64> {
    day(text).or_else(|| moment(text))
}

/// Returns the first millisecond after a day or a time.
pub(crate) fn until_ms(text: &str) -> Option<i64> {
    match day(text) {
        Some(start) => Some(start + DAY_MS),
        None => moment(text).map(|time| time + 1),
    }
}

fn day(text: &str) -> Option<i64> {
    let is_day = text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    let date: Date = text.parse().ok().filter(|_| is_day)?;
    TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok().map(jiff::Timestamp::as_millisecond)
}

fn moment(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_whole_and_a_time_is_itself() {
        assert_eq!(first_ms("1970-01-02"), Some(DAY_MS));
        assert_eq!(until_ms("1970-01-02"), Some(2 * DAY_MS));
        assert_eq!(first_ms("1970-01-01T00:00:01Z"), Some(1000));
        assert_eq!(until_ms("1970-01-01T01:00:00+01:00"), Some(1));
        for text in
            ["", "1970", "1970-13-01", "1970-01-01 00:00", "19700101", "+000001-01", "2024-02-30"]
        {
            assert_eq!(first_ms(text), None, "{text}");
        }
    }
}
