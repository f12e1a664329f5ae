//! When markets trade, as data: weekdays, sessions, holidays, half days, time zone. What is expected between two times,
//! and what is missing.

pub mod civil;
pub mod us;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::civil::{DAY_MS, civil, day_number, day_of, last_weekday, nth_weekday, weekday};
use super::bar::show_time;
use super::error::{DataError, DataErrorKind, Fault};
use super::parse::ROWS_MAX;

const MINUTE_MS: i64 = 60_000;
/// Minutes of a day.
const DAY_MINUTES: i64 = 1440;

/// Markets whose calendar is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalendarName {
    /// Round the clock, every day, in UTC: crypto.
    #[default]
    AlwaysOpen,
    /// New York, 09:30 to 16:00, holidays and half days of 2000 to 2035.
    UsEquities,
    /// Sunday 17:00 to Friday 17:00 New York; a trading day begins at 17:00 of the day before.
    ForexWeek,
    /// Shanghai and Shenzhen, 09:30 to 11:30 and 13:00 to 15:00. Their holidays follow no rule: add them as a list.
    ChinaAShares,
}

/// How far local time is from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// Always the same number of minutes east of Greenwich.
    Fixed(i64),
    /// New York with its summer time: since 2007 from the second Sunday of March to the first of November, from 1987
    /// from the first Sunday of April to the last of October.
    NewYork,
}

impl Zone {
    /// Returns a local minute (counted from 1970-01-01 00:00 local) as UTC milliseconds.
    fn utc_ms(self, local_minute: i64) -> i64 {
        let offset = match self {
            Self::Fixed(minutes) => minutes,
            Self::NewYork => {
                let [start, end] = summer(civil(local_minute.div_euclid(DAY_MINUTES))[0]);
                if (start..end).contains(&local_minute) { -240 } else { -300 }
            }
        };
        (local_minute - offset) * MINUTE_MS
    }

    /// Returns the time at which a local clock shows `local_us`, microseconds since 1970-01-01 00:00 local. Of the hour
    /// that a clock shows twice in autumn, the first.
    #[must_use]
    pub fn utc_us(self, local_us: i64) -> i64 {
        const MINUTE_US: i64 = MINUTE_MS * 1000;
        let minute = local_us.div_euclid(MINUTE_US);
        self.utc_ms(minute) * 1000 + local_us.rem_euclid(MINUTE_US)
    }

    /// Returns the local day of a time.
    fn local_day(self, time_ms: i64) -> i64 {
        let minute = time_ms.div_euclid(MINUTE_MS);
        let offset = match self {
            Self::Fixed(minutes) => minutes,
            Self::NewYork => {
                let standard = minute - 300;
                let [start, end] = summer(civil(standard.div_euclid(DAY_MINUTES))[0]);
                // In standard time summer ends an hour earlier.
                if (start..end - 60).contains(&standard) { -240 } else { -300 }
            }
        };
        (minute + offset).div_euclid(DAY_MINUTES)
    }
}

/// Returns the local minutes at which New York's summer time begins and ends, each by the clock before the change.
fn summer(year: i64) -> [i64; 2] {
    const SUNDAY: usize = 6;
    let days = if 2007 <= year {
        [nth_weekday(year, 3, SUNDAY, 2), nth_weekday(year, 11, SUNDAY, 1)]
    } else {
        [nth_weekday(year, 4, SUNDAY, 1), last_weekday(year, 10, SUNDAY)]
    };
    days.map(|day| day * DAY_MINUTES + 120)
}

/// One session of a trading day, in local minutes from the midnight with which the day begins; the open may lie on the
/// day before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// First minute.
    pub open: i64,
    /// Minute at which it is over.
    pub close: i64,
}

/// A trading calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Calendar {
    /// Which one.
    pub name: CalendarName,
    /// Local time.
    pub zone: Zone,
    /// Days with trading, from Monday.
    pub weekdays: [bool; 7],
    /// Sessions of a full day, in order.
    pub sessions: Vec<Session>,
    /// Days without trading, counted from 1970-01-01.
    pub holidays: BTreeSet<i64>,
    /// Days that end early, with the minute.
    pub half_days: BTreeMap<i64, i64>,
    /// First and last year whose holidays are known; absent where there are none to know.
    pub years: Option<[i64; 2]>,
}

/// Which end of a bar its time is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BarStamp {
    /// The time at which it begins.
    #[default]
    Start,
    /// The time at which it is over.
    End,
}

/// A place where bars are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Last bar before, milliseconds since 1970 UTC.
    pub after_ms: i64,
    /// First bar behind.
    pub before_ms: i64,
    /// Bars that should stand between them.
    pub missing: u64,
}

impl Calendar {
    /// Returns the calendar of a market.
    #[must_use]
    pub fn of(name: CalendarName) -> Self {
        const WEEK: [bool; 7] = [true, true, true, true, true, false, false];
        let (zone, weekdays, sessions) = match name {
            CalendarName::AlwaysOpen => (Zone::Fixed(0), [true; 7], vec![[0, DAY_MINUTES]]),
            CalendarName::UsEquities => (Zone::NewYork, WEEK, vec![[570, 960]]),
            CalendarName::ForexWeek => (Zone::NewYork, WEEK, vec![[-420, 1020]]),
            CalendarName::ChinaAShares => (Zone::Fixed(480), WEEK, vec![[570, 690], [780, 900]]),
        };
        let mut calendar = Self {
            name,
            zone,
            weekdays,
            sessions: sessions.into_iter().map(|[open, close]| Session { open, close }).collect(),
            holidays: BTreeSet::new(),
            half_days: BTreeMap::new(),
            years: None,
        };
        if name == CalendarName::UsEquities {
            calendar.years = Some([*us::YEARS.start(), *us::YEARS.end()]);
            for year in us::YEARS {
                calendar.holidays.extend(us::holidays(year));
                calendar.half_days.extend(us::half_days(year).into_iter().map(|day| (day, 780)));
            }
        }
        calendar
    }

    /// Returns the calendar with more days without trading, each as year, month and day.
    #[must_use]
    pub fn with_holidays(mut self, dates: &[[i64; 3]]) -> Self {
        self.holidays
            .extend(dates.iter().map(|[year, month, day]| day_number(*year, *month, *day)));
        self
    }

    /// Whether the holidays around a time are known.
    #[must_use]
    pub fn knows(&self, time_ms: i64) -> bool {
        let year = civil(day_of(time_ms))[0];
        self.years.is_none_or(|[first, last]| (first..=last).contains(&year))
    }

    /// Whether there is trading on a day, counted from 1970-01-01.
    #[must_use]
    pub fn is_trading_day(&self, day: i64) -> bool {
        self.weekdays[weekday(day)] && !self.holidays.contains(&day)
    }

    /// Returns open and close of each session of a day, UTC milliseconds; nothing where there is no trading.
    pub fn sessions_of(&self, day: i64) -> impl Iterator<Item = [i64; 2]> + '_ {
        let end = self.half_days.get(&day).copied().unwrap_or(i64::MAX);
        let open = self.is_trading_day(day);
        self.sessions
            .iter()
            .filter(move |session| open && session.open < end)
            .map(move |session| [session.open, session.close.min(end)])
            .map(move |ends| ends.map(|minute| self.zone.utc_ms(day * DAY_MINUTES + minute)))
    }

    /// Returns the trading day in one of whose sessions a time lies, and that session; absent outside of all.
    #[must_use]
    pub fn session_at(&self, time_ms: i64) -> Option<(i64, [i64; 2])> {
        let local = self.zone.local_day(time_ms);
        // A session may begin on the day before its own.
        [local, local + 1].into_iter().find_map(|day| {
            let session =
                self.sessions_of(day).find(|[open, close]| (*open..*close).contains(&time_ms))?;
            Some((day, session))
        })
    }

    /// Returns how many trading days lie strictly between two.
    fn days_between(&self, first: i64, last: i64) -> u64 {
        (first + 1..last).filter(|day| self.is_trading_day(*day)).count() as u64
    }

    /// Returns the times of all bars of `interval_seconds` from `from_ms` on and before `to_ms`. From a day on bars are
    /// days, at their midnight UTC; shorter ones begin with each session.
    ///
    /// # Errors
    /// Refuses an interval of 0, and more times than a data set may have.
    pub fn expected_times(
        &self,
        interval_seconds: u32,
        range: std::ops::Range<i64>,
        stamp: BarStamp,
    ) -> Result<Vec<i64>, DataError> {
        let interval = i64::from(interval_seconds) * 1000;
        if interval == 0 {
            let fault = Fault::new("an interval above 0", "0 s", "Name the interval of the bars");
            return Err(DataError::new("calendar", DataErrorKind::Time, fault));
        }
        let mut times = Vec::new();
        // A day of margin at each end: local days are not those of UTC.
        for day in day_of(range.start) - 1..=day_of(range.end.saturating_sub(1)) + 1 {
            if DAY_MS <= interval {
                let time = day * DAY_MS;
                times.extend(
                    Some(time).filter(|time| self.is_trading_day(day) && range.contains(time)),
                );
            } else {
                for [open, close] in self.sessions_of(day) {
                    let mut start = open;
                    while start < close {
                        let time = match stamp {
                            BarStamp::Start => start,
                            BarStamp::End => close.min(start + interval),
                        };
                        times.extend(Some(time).filter(|time| range.contains(time)));
                        start += interval;
                    }
                }
            }
            if ROWS_MAX < times.len() {
                let fault = Fault::new(
                    format!("at most {ROWS_MAX} times"),
                    format!("more, up to {}", show_time(range.end)),
                    "Use longer bars or a shorter span",
                );
                return Err(DataError::new("calendar", DataErrorKind::TooLarge, fault));
            }
        }
        Ok(times)
    }

    /// Returns where bars are missing between the first and the last of `time_ms`, which rise. From a day on whole days
    /// are compared, whatever their time of day. Takes time proportional to the bars and to the days they span.
    #[must_use]
    pub fn gaps(&self, time_ms: &[i64], interval_seconds: u32, stamp: BarStamp) -> Vec<Gap> {
        let interval = i64::from(interval_seconds.max(1)) * 1000;
        time_ms
            .windows(2)
            .filter_map(|pair| {
                let missing = if DAY_MS <= interval {
                    self.days_between(day_of(pair[0]), day_of(pair[1]))
                } else if pair[1] - pair[0] <= interval {
                    0
                } else {
                    self.bars_between(pair[0], pair[1], interval, stamp)
                };
                let gap = Gap { after_ms: pair[0], before_ms: pair[1], missing };
                (0 < missing).then_some(gap)
            })
            .collect()
    }

    /// Counts the bars whose time lies strictly between two others.
    fn bars_between(&self, after: i64, before: i64, interval: i64, stamp: BarStamp) -> u64 {
        let mut count = 0;
        for day in day_of(after) - 1..=day_of(before) + 1 {
            for [open, close] in self.sessions_of(day) {
                let bars = (close - open + interval - 1) / interval;
                // Bars with a time below `limit`: those of the day up to a number.
                let below = |limit: i64| match stamp {
                    BarStamp::Start => {
                        (limit - open + interval - 1).div_euclid(interval).clamp(0, bars)
                    }
                    BarStamp::End if close < limit => bars,
                    BarStamp::End => (limit - open - 1).div_euclid(interval).clamp(0, bars - 1),
                };
                count += below(before) - below(after + 1);
            }
        }
        count.max(0).unsigned_abs()
    }

    /// Returns how many of the times lie on no trading day (from a day on) or in no session.
    #[must_use]
    pub fn outside(&self, time_ms: &[i64], interval_seconds: u32, stamp: BarStamp) -> usize {
        let is_daily = 86_400 <= interval_seconds;
        let inside = |time: i64| {
            if is_daily {
                return self.is_trading_day(day_of(time));
            }
            match stamp {
                BarStamp::Start => self.session_at(time).is_some(),
                BarStamp::End => self.session_at(time - 1).is_some(),
            }
        };
        time_ms.iter().filter(|time| !inside(**time)).count()
    }

    /// Tells which end of their bars times are, by the sessions' ends among them; their start where nothing tells.
    #[must_use]
    pub fn stamp_of(&self, time_ms: &[i64]) -> BarStamp {
        let (mut opens, mut closes) = (0_usize, 0_usize);
        for time in time_ms {
            opens += usize::from(self.session_at(*time).is_some_and(|(_, ends)| ends[0] == *time));
            closes +=
                usize::from(self.session_at(*time - 1).is_some_and(|(_, ends)| ends[1] == *time));
        }
        if opens < closes { BarStamp::End } else { BarStamp::Start }
    }
}
