//! Holidays and half days of US equities, by rule from 2000 to 2035, with the closures that no rule foretells.
//!
//! Source: rules 7.2 of the exchange and its published lists of past closures.

use super::civil::{day_number, easter, last_weekday, nth_weekday, weekday};

/// Years for which the rules are known to hold.
pub const YEARS: std::ops::RangeInclusive<i64> = 2000..=2035;
const MONDAY: usize = 0;
const THURSDAY: usize = 3;
const FRIDAY: usize = 4;
const SATURDAY: usize = 5;
const SUNDAY: usize = 6;

/// Days of mourning, attack and storm.
const CLOSED: [[i64; 3]; 10] = [
    [2001, 9, 11],
    [2001, 9, 12],
    [2001, 9, 13],
    [2001, 9, 14],
    [2004, 6, 11],
    [2007, 1, 2],
    [2012, 10, 29],
    [2012, 10, 30],
    [2018, 12, 5],
    [2025, 1, 9],
];

/// Returns the weekdays of `year` on which there is no trading.
#[must_use]
pub fn holidays(year: i64) -> Vec<i64> {
    let mut days = vec![
        nth_weekday(year, 1, MONDAY, 3),
        nth_weekday(year, 2, MONDAY, 3),
        easter(year) - 2,
        last_weekday(year, 5, MONDAY),
        nth_weekday(year, 9, MONDAY, 1),
        nth_weekday(year, 11, THURSDAY, 4),
    ];
    // A New Year's Day on a Saturday is not kept: the Friday before belongs to the year's closing.
    days.extend(observed(day_number(year, 1, 1)).filter(|day| day_number(year, 1, 1) <= *day));
    if 2022 <= year {
        days.extend(observed(day_number(year, 6, 19)));
    }
    days.extend(observed(day_number(year, 7, 4)));
    days.extend(observed(day_number(year, 12, 25)));
    let special = CLOSED.iter().filter(|date| date[0] == year);
    days.extend(special.map(|[year, month, day]| day_number(*year, *month, *day)));
    days.sort_unstable();
    days
}

/// Returns the days of `year` on which trading ends at 13:00.
#[must_use]
pub fn half_days(year: i64) -> Vec<i64> {
    let mut days = vec![nth_weekday(year, 11, THURSDAY, 4) + 1];
    let eve = day_number(year, 12, 24);
    if weekday(eve) < FRIDAY {
        days.push(eve);
    }
    // Until 2012 the day after a Thursday's Independence Day was the half one.
    let independence = day_number(year, 7, 4);
    match weekday(independence) {
        THURSDAY if year < 2013 => days.push(independence + 1),
        1..=FRIDAY => days.push(independence - 1),
        _ => {}
    }
    if year == 2003 {
        days.push(day_number(2003, 12, 26));
    }
    days.sort_unstable();
    days
}

/// Returns the weekday on which a holiday is kept: Friday for a Saturday, Monday for a Sunday.
fn observed(day: i64) -> impl Iterator<Item = i64> {
    let kept = match weekday(day) {
        SATURDAY => day - 1,
        SUNDAY => day + 1,
        _ => day,
    };
    std::iter::once(kept)
}
