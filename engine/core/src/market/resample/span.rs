//! How long a bar is and which bar a time belongs to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::builder::{Bucket, Point};
use crate::market::bar::show_time;
use crate::market::calendar::civil::{DAY_MS, civil, day_number, day_of, weekday};
use crate::market::calendar::{BarStamp, Calendar};
use crate::market::error::{DataError, DataErrorKind, Fault};

/// Length of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Less than a day, counted from the beginning of each session; the last one of a session may be shorter.
    Seconds(u32),
    /// A trading day.
    TradingDay,
    /// The trading days from Monday on.
    Week,
    /// The trading days of a month.
    Month,
}

impl Span {
    /// Returns the length in words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Seconds(seconds) => format!("{seconds} s"),
            Self::TradingDay => "a trading day".to_owned(),
            Self::Week => "a week".to_owned(),
            Self::Month => "a month".to_owned(),
        }
    }

    /// Refuses lengths that are none.
    ///
    /// # Errors
    /// See above.
    pub(super) fn check(self, instrument: &str) -> Result<(), DataError> {
        match self {
            Self::Seconds(seconds) if !(1..86_400).contains(&seconds) => {
                let fault = Fault::new(
                    "1 to 86399 seconds",
                    seconds.to_string(),
                    "Use trading_day, week or month for longer bars",
                );
                Err(DataError::new(instrument, DataErrorKind::Time, fault))
            }
            Self::Seconds(_) | Self::TradingDay | Self::Week | Self::Month => Ok(()),
        }
    }

    /// Refuses to make bars of `interval` seconds longer unless they fit.
    ///
    /// # Errors
    /// See above.
    pub(super) fn refuse_unless_multiple(
        self,
        interval: u32,
        instrument: &str,
    ) -> Result<(), DataError> {
        let fits = match self {
            Self::Seconds(seconds) => 0 < interval && seconds.is_multiple_of(interval),
            Self::TradingDay => interval <= 86_400,
            Self::Week => interval <= 7 * 86_400,
            Self::Month => interval <= 31 * 86_400,
        };
        if fits {
            return Ok(());
        }
        let fault = Fault::new(
            format!("bars that fit into {}", self.words()),
            format!("bars of {interval} s"),
            "Choose a multiple of the bars' own length",
        );
        Err(DataError::new(instrument, DataErrorKind::Time, fault))
    }

    /// Returns the bar that a point belongs to; absent where it lies in no session.
    pub(super) fn bucket(
        self,
        calendar: &Calendar,
        point: &Point,
        stamp: BarStamp,
    ) -> Option<Bucket> {
        let time = point.inside_ms;
        let (day, session) = if point.is_day {
            let day = day_of(time);
            (day, [day * DAY_MS, (day + 1) * DAY_MS])
        } else {
            calendar.session_at(time)?
        };
        let stamped = |start_ms: i64, end_ms: i64| Bucket {
            end_ms,
            stamp_ms: match stamp {
                BarStamp::Start => start_ms,
                BarStamp::End => end_ms,
            },
        };
        match self {
            Self::Seconds(seconds) => {
                let length = i64::from(seconds) * 1000;
                let start = session[0] + (time - session[0]).div_euclid(length) * length;
                Some(stamped(start, session[1].min(start + length)))
            }
            Self::TradingDay => {
                let end = calendar.sessions_of(day).last().filter(|_| !point.is_day);
                Some(stamped(day * DAY_MS, end.map_or(session[1], |session| session[1])))
            }
            Self::Week => {
                let monday = day - i64::try_from(weekday(day)).unwrap_or(0);
                Some(stamped(monday * DAY_MS, boundary(calendar, monday + 7, point)))
            }
            Self::Month => {
                let [year, month, _] = civil(day);
                let next = day_number(year, month + 1, 1);
                let first = day_number(year, month, 1);
                Some(stamped(first * DAY_MS, boundary(calendar, next, point)))
            }
        }
    }
}

/// Returns when the trading days before `day` are over: with the close of the last of them.
fn boundary(calendar: &Calendar, day: i64, point: &Point) -> i64 {
    if point.is_day {
        return day * DAY_MS;
    }
    // No calendar closes for longer than a month.
    let last = (1..=31).find_map(|back| calendar.sessions_of(day - back).last());
    last.map_or(day * DAY_MS, |session| session[1])
}

/// A bucket in words, for tests and messages.
impl std::fmt::Display for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} until {}", show_time(self.stamp_ms), show_time(self.end_ms))
    }
}
