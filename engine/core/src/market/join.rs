//! Values known at the time: a slow series (fundamentals, macro figures, sentiment) beside a fast one, joined so that
//! no row knows what was published after it.

use super::bar::show_time;
use super::error::{DataError, DataErrorKind, Fault};

/// What was published. Columns of equal length, in order of publication.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observations {
    /// What it is, for errors.
    pub name: String,
    /// The time that each value is about, milliseconds since 1970 UTC.
    pub about_ms: Vec<i64>,
    /// When each value became known, never falling, never before the time it is about.
    pub published_ms: Vec<i64>,
    /// The values, finite.
    pub value: Vec<f64>,
}

/// How values are joined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AsOf {
    /// How long after publication a value can be used: time to receive and to read it, milliseconds, 0 or more.
    pub delay_ms: i64,
    /// How long a value is used after the time it is about, milliseconds; absent: until the next one.
    pub age_max_ms: Option<i64>,
}

/// Returns for each of `time_ms` (never falling) the newest value that was known: of all values published at least the
/// delay before, the one about the latest time; of several about one time, the one published last (a revision). Absent
/// before the first and where the newest is too old.
///
/// # Errors
/// Refuses columns of different length, times that fall, values that are not finite, values published before the time
/// they are about, and a delay below 0.
pub fn as_of(
    time_ms: &[i64],
    observations: &Observations,
    how: AsOf,
) -> Result<Vec<Option<f64>>, DataError> {
    check(time_ms, observations, how)?;
    let mut joined = Vec::with_capacity(time_ms.len());
    let mut newest: Option<usize> = None;
    let mut next = 0;
    for time in time_ms {
        while let Some(published) = observations.published_ms.get(next)
            && published.saturating_add(how.delay_ms) <= *time
        {
            let about = |index: usize| observations.about_ms[index];
            if newest.is_none_or(|newest| about(newest) <= about(next)) {
                newest = Some(next);
            }
            next += 1;
        }
        let fresh = newest.filter(|index| {
            how.age_max_ms
                .is_none_or(|most| time.saturating_sub(observations.about_ms[*index]) <= most)
        });
        joined.push(fresh.map(|index| observations.value[index]));
    }
    Ok(joined)
}

fn check(time_ms: &[i64], observations: &Observations, how: AsOf) -> Result<(), DataError> {
    let name = if observations.name.is_empty() { "observations" } else { &observations.name };
    let refuse = |kind, line: Option<usize>, wanted: String, found: String, next: &str| {
        let error = DataError::new(name, kind, Fault::new(wanted, found, next));
        Err(line.map_or(error.clone(), |line| error.at_line(line as u64 + 1)))
    };
    let count = observations.value.len();
    let lengths = [observations.about_ms.len(), observations.published_ms.len()];
    if lengths != [count; 2] {
        let found = format!("{lengths:?}");
        let next = "Give each value both times";
        return refuse(DataErrorKind::Columns, None, format!("{count} times"), found, next);
    }
    if how.delay_ms < 0 {
        let wanted = "a delay of 0 ms or more".to_owned();
        let next = "A value cannot be used before it is published";
        return refuse(DataErrorKind::Time, None, wanted, format!("{} ms", how.delay_ms), next);
    }
    if let Some(row) = (1..time_ms.len()).find(|row| time_ms[*row] < time_ms[row - 1]) {
        let wanted = format!("a time from {} on", show_time(time_ms[row - 1]));
        let next = "Sort the rows by time";
        return refuse(DataErrorKind::Time, Some(row), wanted, show_time(time_ms[row]), next);
    }
    for row in 0..count {
        let (about, published) = (observations.about_ms[row], observations.published_ms[row]);
        let least = if row == 0 { about } else { about.max(observations.published_ms[row - 1]) };
        if published < least {
            let wanted = format!("published from {} on", show_time(least));
            let next = "Sort by publication; a value is published after the time it is about";
            return refuse(DataErrorKind::Time, Some(row), wanted, show_time(published), next);
        }
        if !observations.value[row].is_finite() {
            let found = observations.value[row].to_string();
            let wanted = "a finite value".to_owned();
            return refuse(DataErrorKind::Cell, Some(row), wanted, found, "Leave the row out");
        }
    }
    Ok(())
}
