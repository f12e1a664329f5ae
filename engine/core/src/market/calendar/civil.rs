//! Days as numbers: days since 1970-01-01, their weekday, their year, month and day. The proleptic Gregorian calendar,
//! whole numbers only.

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// Returns the day of a time, counted from 1970-01-01 UTC.
#[must_use]
pub fn day_of(time_ms: i64) -> i64 {
    time_ms.div_euclid(DAY_MS)
}

/// Returns the weekday: 0 is Monday.
#[must_use]
pub fn weekday(day: i64) -> usize {
    // 1970-01-01 was a Thursday.
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0)
}

/// Returns the number of a date. Months above 12 run on into the next year.
///
/// Source: H. Hinnant, "chrono-compatible low-level date algorithms": years begin in March, so that the leap day is
/// the last of its year.
#[must_use]
pub fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1);
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Returns year, month and day of a day.
#[must_use]
pub fn civil(day: i64) -> [i64; 3] {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year, month, day_of_year - (153 * month_index + 2) / 5 + 1]
}

/// Returns the n-th (from 1) weekday (0 is Monday) of a month.
#[must_use]
pub fn nth_weekday(year: i64, month: i64, wanted: usize, nth: i64) -> i64 {
    let first = day_number(year, month, 1);
    let ahead = (wanted + 7 - weekday(first)) % 7;
    first + i64::try_from(ahead).unwrap_or(0) + 7 * (nth - 1)
}

/// Returns the last weekday (0 is Monday) of a month.
#[must_use]
pub fn last_weekday(year: i64, month: i64, wanted: usize) -> i64 {
    let last = day_number(year, month + 1, 1) - 1;
    let back = (weekday(last) + 7 - wanted) % 7;
    last - i64::try_from(back).unwrap_or(0)
}

/// Returns Easter Sunday of a year.
///
/// Source: the anonymous Gregorian computus (Meeus 1991, "Astronomical Algorithms", chapter 8).
#[must_use]
pub fn easter(year: i64) -> i64 {
    let golden = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let moon =
        (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    let week = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let correction = (golden + 11 * moon + 22 * week) / 451;
    let sum = moon + week - 7 * correction + 114;
    day_number(year, sum / 31, sum % 31 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn knows_dates_that_everybody_knows() {
        assert_eq!(day_number(1970, 1, 1), 0);
        assert_eq!(day_number(2000, 2, 29), 11_016);
        assert_eq!(day_number(2020, 13, 1), day_number(2021, 1, 1));
        assert_eq!((weekday(0), weekday(day_number(2021, 7, 5))), (3, 0));
        let easters = [(2000, 4, 23), (2011, 4, 24), (2019, 4, 21), (2024, 3, 31), (2035, 3, 25)];
        for (year, month, day) in easters {
            assert_eq!(easter(year), day_number(year, month, day), "{year}");
        }
        assert_eq!(nth_weekday(2021, 11, 3, 4), day_number(2021, 11, 25), "Thanksgiving");
        assert_eq!(last_weekday(2021, 5, 0), day_number(2021, 5, 31), "Memorial Day");
    }

    proptest! {
        #[test]
        fn numbers_and_dates_are_the_same_days(day in -800_000_i64..800_000) {
            let [year, month, of_month] = civil(day);
            prop_assert_eq!(day_number(year, month, of_month), day);
            prop_assert!((1..=12).contains(&month) && (1..=31).contains(&of_month));
            prop_assert_eq!(weekday(day + 7), weekday(day));
        }
    }
}
