//! Time zones by their names: local clocks → UTC, with what to do where a clock was changed.
//!
//! The rules are those of the IANA database that is compiled in; no file and no setting of the machine is read. What
//! trades when stands in `calendar`, which computes the two rules that it needs by itself.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calendar::Zone;
use super::error::Fault;

/// Most names that are offered in place of one that is not known.
const NEAR_MAX: usize = 3;
/// Least likeness of a name that is offered, of 1.
const LIKENESS_MIN: f64 = 0.75;
/// Longest text that is compared with every name.
const NAME_CHARS_MAX: usize = 64;

/// Where times without a zone were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NamedZone {
    /// A fixed distance, or New York: as programs before the names wrote it.
    Rule(Zone),
    /// A name of the IANA database, such as `Europe/Berlin`.
    Name(String),
}

/// What is done with a local time that a change of the clock lets happen twice, or never. Either has two readings: by
/// the clock before the change and by the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockChange {
    /// The earlier of the two readings.
    Earlier,
    /// The later of the two readings.
    Later,
}

/// A text that names no zone, with the names that look like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownZone {
    /// The most alike first; none where nothing is.
    pub near: Vec<String>,
}

impl NamedZone {
    /// Returns the zone of a name, whatever its case, of `UTC`, `Z`, or of a distance such as `+05:30`.
    ///
    /// # Errors
    /// Returns the names that look like an unknown one.
    pub fn parse(text: &str) -> Result<Self, UnknownZone> {
        if matches!(text, "UTC" | "Z") {
            return Ok(Self::Rule(Zone::Fixed(0)));
        }
        if let Some(minutes) = offset(text) {
            return Ok(Self::Rule(Zone::Fixed(minutes)));
        }
        match known(text).as_deref() {
            Some("America/New_York") => Ok(Self::Rule(Zone::NewYork)),
            Some(name) => Ok(Self::Name(name.to_owned())),
            None => Err(UnknownZone { near: near(text) }),
        }
    }
}

impl From<Zone> for NamedZone {
    fn from(zone: Zone) -> Self {
        Self::Rule(zone)
    }
}

impl fmt::Display for NamedZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(Zone::Fixed(0)) => f.write_str("UTC"),
            Self::Rule(Zone::Fixed(minutes)) => {
                let sign = if *minutes < 0 { '-' } else { '+' };
                let minutes = minutes.abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            Self::Rule(Zone::NewYork) => f.write_str("America/New_York"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Returns every name of the database, in the order of the alphabet.
#[must_use]
pub fn names() -> Vec<String> {
    let database = TimeZoneDatabase::bundled();
    let mut names: Vec<String> = database.available().map(|name| name.to_string()).collect();
    names.sort_unstable();
    names
}

/// A zone that local times can be read by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalClock {
    name: String,
    rules: Rules,
    change: Option<ClockChange>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rules {
    /// Microseconds east of Greenwich.
    Fixed(i64),
    Database(TimeZone),
}

impl LocalClock {
    /// Returns the clock of a zone. Without `change` a time that happens twice or never is refused.
    ///
    /// # Errors
    /// Refuses a name that is not in the database.
    pub(crate) fn of(zone: &NamedZone, change: Option<ClockChange>) -> Result<Self, Fault> {
        let name = zone.to_string();
        let rules = match zone {
            NamedZone::Rule(Zone::Fixed(minutes)) => Rules::Fixed(minutes * 60_000_000),
            NamedZone::Rule(Zone::NewYork) | NamedZone::Name(_) => {
                match TimeZoneDatabase::bundled().get(&name) {
                    Ok(rules) => Rules::Database(rules),
                    Err(_) => {
                        let wanted = "a time zone such as Europe/Berlin or +05:30";
                        return Err(Fault::new(wanted, format!("'{name}'"), said(&near(&name))));
                    }
                }
            }
        };
        Ok(Self { name, rules, change })
    }

    /// Returns the time at which the clock shows `local_us`, microseconds since 1970-01-01 00:00 local.
    ///
    /// # Errors
    /// Refuses a time that happens twice or never where nobody said which reading is meant.
    pub(crate) fn utc_us(&self, local_us: i64) -> Result<i64, Fault> {
        let rules = match &self.rules {
            Rules::Fixed(east_us) => return Ok(local_us - east_us),
            Rules::Database(rules) => rules,
        };
        // Every time that is believed lies within the years that the database knows.
        let Ok(local) = Timestamp::from_microsecond(local_us) else {
            return Err(Fault::new(
                "a time of the years 1700 to 2199",
                "another",
                "Check the time",
            ));
        };
        let local = Offset::UTC.to_datetime(local);
        let east_us = |offset: Offset| i64::from(offset.seconds()) * 1_000_000;
        let (before, after, happens) = match rules.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => return Ok(local_us - east_us(offset)),
            AmbiguousOffset::Gap { before, after } => (before, after, "never"),
            AmbiguousOffset::Fold { before, after } => (before, after, "twice"),
        };
        let mut readings = [local_us - east_us(before), local_us - east_us(after)];
        readings.sort_unstable();
        match self.change {
            Some(ClockChange::Earlier) => Ok(readings[0]),
            Some(ClockChange::Later) => Ok(readings[1]),
            None => {
                let [one, other] = readings.map(|time_us| {
                    Timestamp::from_microsecond(time_us)
                        .map_or_else(|_| time_us.to_string(), |time| time.to_string())
                });
                Err(Fault::new(
                    format!("a time that happens once in {}", self.name),
                    format!("{local}, which happens {happens} there: it is {one} or {other}"),
                    "Write the times in UTC or with their offset, or say clock_change=earlier or clock_change=later",
                ))
            }
        }
    }
}

/// Returns what to do about a name that is not known.
pub(crate) fn said(near: &[String]) -> String {
    if near.is_empty() {
        return "Name a zone of the IANA database, such as Europe/Berlin, or a distance such as +05:30"
            .to_owned();
    }
    format!("Did you mean {}?", near.join(" or "))
}

/// Minutes east of Greenwich.
fn offset(text: &str) -> Option<i64> {
    let east = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let two = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse::<i64>().ok())
            .flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours <= 14 && minutes < 60).then_some(east * (hours * 60 + minutes))
}

/// Returns a name as the database spells it.
fn known(text: &str) -> Option<String> {
    let zone = TimeZoneDatabase::bundled().get(text).ok()?;
    zone.iana_name().map(str::to_owned)
}

/// Returns the names that look most like a text: as a whole, or by their last part.
fn near(text: &str) -> Vec<String> {
    let plain = |text: &str| -> String {
        let short = text.chars().take(NAME_CHARS_MAX);
        short.filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
    };
    let last = |text: &str| plain(text.rsplit('/').next().unwrap_or_default());
    let (whole, part) = (plain(text), last(text));
    if part.is_empty() {
        return Vec::new();
    }
    let mut alike: Vec<(f64, String)> = names()
        .into_iter()
        .filter_map(|name| {
            let of_whole = strsim::normalized_damerau_levenshtein(&whole, &plain(&name));
            // A city alone tells less than area and city.
            let of_part = 0.95 * strsim::normalized_damerau_levenshtein(&part, &last(&name));
            let likeness = of_whole.max(of_part);
            (LIKENESS_MIN <= likeness).then_some((likeness, name))
        })
        .collect();
    alike.sort_by(|(one, a), (other, b)| other.total_cmp(one).then_with(|| a.cmp(b)));
    alike.into_iter().take(NEAR_MAX).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn local_us(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn read(zone: &str, change: Option<ClockChange>, local: &str) -> Result<String, Fault> {
        let clock = LocalClock::of(&NamedZone::parse(zone).unwrap(), change).unwrap();
        let time = clock.utc_us(local_us(&format!("{local}Z")))?;
        Ok(Timestamp::from_microsecond(time).unwrap().to_string())
    }

    #[test]
    fn every_name_of_the_database_is_taken_and_keeps_its_name() {
        let names = names();
        assert!(500 < names.len(), "{}", names.len());
        for name in &names {
            let zone = NamedZone::parse(name).unwrap_or_else(|_| panic!("{name}"));
            assert!(LocalClock::of(&zone, None).is_ok(), "{name}");
        }
        for name in
            ["Asia/Shanghai", "Europe/London", "Asia/Tokyo", "Asia/Hong_Kong", "Asia/Kolkata"]
        {
            assert_eq!(NamedZone::parse(name).unwrap().to_string(), name);
        }
        assert_eq!(NamedZone::parse("europe/berlin").unwrap().to_string(), "Europe/Berlin");
    }

    #[test]
    fn local_times_become_those_of_greenwich() {
        for (zone, local, wanted) in [
            ("Asia/Shanghai", "2024-07-01T09:30:00", "2024-07-01T01:30:00Z"),
            ("Asia/Shanghai", "1990-07-01T09:30:00", "1990-07-01T00:30:00Z"),
            ("Europe/London", "2024-01-10T08:00:00", "2024-01-10T08:00:00Z"),
            ("Europe/London", "2024-07-10T08:00:00", "2024-07-10T07:00:00Z"),
            ("Asia/Kolkata", "2024-07-10T09:15:00", "2024-07-10T03:45:00Z"),
            ("America/New_York", "2024-07-10T09:30:00.25", "2024-07-10T13:30:00.25Z"),
            ("America/New_York", "2024-01-10T09:30:00", "2024-01-10T14:30:00Z"),
            ("+05:30", "2024-01-10T05:30:00", "2024-01-10T00:00:00Z"),
            ("UTC", "2024-01-10T05:30:00", "2024-01-10T05:30:00Z"),
        ] {
            assert_eq!(read(zone, None, local).unwrap(), wanted, "{zone} {local}");
        }
    }

    #[test]
    fn a_time_that_happens_twice_is_refused_with_both_readings_unless_one_is_chosen() {
        let local = "2021-10-31T02:30:00";
        let fault = read("Europe/Berlin", None, local).unwrap_err();
        assert_eq!(
            fault.found,
            "2021-10-31T02:30:00, which happens twice there: it is 2021-10-31T00:30:00Z or 2021-10-31T01:30:00Z"
        );
        let read = |change| read("Europe/Berlin", Some(change), local).unwrap();
        assert_eq!(read(ClockChange::Earlier), "2021-10-31T00:30:00Z");
        assert_eq!(read(ClockChange::Later), "2021-10-31T01:30:00Z");
    }

    #[test]
    fn a_time_that_never_happens_is_refused_with_both_readings_unless_one_is_chosen() {
        let local = "2021-03-28T02:30:00";
        let fault = read("Europe/Berlin", None, local).unwrap_err();
        assert!(
            fault.found.contains(
                "happens never there: it is 2021-03-28T00:30:00Z or 2021-03-28T01:30:00Z"
            )
        );
        let read = |change| read("Europe/Berlin", Some(change), local).unwrap();
        assert_eq!(read(ClockChange::Earlier), "2021-03-28T00:30:00Z");
        assert_eq!(read(ClockChange::Later), "2021-03-28T01:30:00Z");
        assert!(self::read("America/New_York", None, "2024-03-10T02:30:00").is_err());
    }

    #[test]
    fn names_that_are_none_are_answered_with_those_that_look_like_them() {
        let near = |text| NamedZone::parse(text).unwrap_err().near;
        assert_eq!(near("Asia/Honkong").first().map(String::as_str), Some("Asia/Hong_Kong"));
        assert!(near("Berlin").contains(&"Europe/Berlin".to_owned()));
        assert!(near("New York").contains(&"America/New_York".to_owned()));
        assert!(near("Shanghai").contains(&"Asia/Shanghai".to_owned()));
        for text in ["", "Mars", "Moon", "+5", "+15:00", "05:30", "+05:60", "+0a:00", "北京"] {
            assert!(NamedZone::parse(text).is_err(), "{text}");
        }
        assert!(near("北京").is_empty() && near("").is_empty());
    }

    #[test]
    fn what_older_programs_stored_is_read_and_written_as_they_did() {
        for (zone, wanted) in [
            (NamedZone::parse("America/New_York").unwrap(), r#""new_york""#),
            (NamedZone::parse("-03:30").unwrap(), r#"{"fixed":-210}"#),
            (NamedZone::parse("Asia/Tokyo").unwrap(), r#""Asia/Tokyo""#),
        ] {
            let text = serde_json::to_string(&zone).unwrap();
            assert_eq!(text, wanted);
            assert_eq!(serde_json::from_str::<NamedZone>(&text).unwrap(), zone);
        }
        let unknown = NamedZone::Name("Asia/Honkong".to_owned());
        assert!(LocalClock::of(&unknown, None).unwrap_err().next.contains("Asia/Hong_Kong"));
    }

    proptest! {
        /// What the calendars compute by themselves is what the database says, from 1987 on.
        #[test]
        fn calendars_and_the_database_agree_about_new_york(minute in 8_941_680_i64..35_000_000) {
            let local_us = minute * 60_000_000;
            let clock = LocalClock::of(&NamedZone::Rule(Zone::NewYork), Some(ClockChange::Earlier)).unwrap();
            let strict = LocalClock::of(&NamedZone::Rule(Zone::NewYork), None).unwrap();
            if strict.utc_us(local_us).is_ok() {
                prop_assert_eq!(clock.utc_us(local_us).unwrap(), Zone::NewYork.utc_us(local_us));
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            drop(NamedZone::parse(&text));
        }

        /// A clock that shows a time shows it when it is read.
        #[test]
        fn readings_are_those_of_the_clock(minute in -4_000_000_i64..40_000_000, which in 0_usize..500) {
            let names = names();
            let zone = NamedZone::Name(names[which % names.len()].clone());
            let clock = LocalClock::of(&zone, None).unwrap();
            if let Ok(time_us) = clock.utc_us(minute * 60_000_000) {
                let time = Timestamp::from_microsecond(time_us).unwrap();
                let rules = TimeZoneDatabase::bundled().get(&zone.to_string()).unwrap();
                let shown = rules.to_datetime(time);
                prop_assert_eq!(shown, Offset::UTC.to_datetime(Timestamp::from_second(minute * 60).unwrap()));
            }
        }
    }
}
