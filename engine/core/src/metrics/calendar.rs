//! Returns by calendar period in UTC: day, ISO week, month, quarter, year. No exchange calendar.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{defined, finite};

/// Length of a calendar period.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Midnight to midnight, labelled `2024-02-29`.
    Day,
    /// Monday to Sunday by ISO 8601, labelled `2024-W09`.
    Week,
    /// Labelled `2024-02`.
    Month,
    /// Labelled `2024-Q1`.
    Quarter,
    /// Labelled `2024`.
    Year,
}

impl Period {
    /// Every period, shortest first.
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    fn label(self, date: Date) -> String {
        match self {
            Self::Day => date.to_string(),
            Self::Week => {
                let week = date.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month => format!("{:04}-{:02}", date.year(), date.month()),
            Self::Quarter => format!("{:04}-Q{}", date.year(), (date.month() - 1) / 3 + 1),
            Self::Year => format!("{:04}", date.year()),
        }
    }
}

/// Growth within one period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeriodReturn {
    /// The period, for example `2024-02`.
    pub label: String,
    /// Last value of the period / last value of the period before − 1 (for the first period: / first value).
    pub value: f64,
}

/// Returns the growth of each period that holds at least one bar's return. The first value is where growth is counted
/// from: a period that holds nothing else is left out.
///
/// Shapes: `times_ms` and `equity` `[T]`, milliseconds since 1970 UTC, strictly rising. Undefined when the lengths
/// differ, times do not rise, or a value is not finite and above 0.
#[must_use]
pub fn period_returns(
    times_ms: &[i64],
    equity: &[f64],
    period: Period,
) -> Option<Vec<PeriodReturn>> {
    let rising = times_ms.windows(2).all(|pair| pair[0] < pair[1]);
    let positive = finite(equity)?.iter().all(|value| *value > 0.0);
    if !(rising && positive && times_ms.len() == equity.len()) {
        return None;
    }
    let mut found: Vec<PeriodReturn> = Vec::new();
    let (mut base, mut last) = (*equity.first()?, *equity.first()?);
    let mut day: Option<(Date, String)> = None;
    for (time, value) in times_ms.iter().zip(equity).skip(1) {
        let date = date(*time)?;
        let label = match day.take() {
            Some((before, label)) if before == date => label,
            _ => period.label(date),
        };
        if let Some(open) = found.last_mut().filter(|open| open.label == label) {
            open.value = defined(value / base - 1.0)?;
        } else {
            base = last;
            found.push(PeriodReturn { label: label.clone(), value: defined(value / base - 1.0)? });
        }
        last = *value;
        day = Some((date, label));
    }
    Some(found)
}

/// Returns the UTC date of a time.
fn date(time_ms: i64) -> Option<Date> {
    Some(Timestamp::from_millisecond(time_ms).ok()?.to_zoned(TimeZone::UTC).date())
}

/// Returns the index of the first time within the last `months` calendar months; undefined when the series does not
/// reach that far back.
#[must_use]
pub fn months_back(times_ms: &[i64], months: i32) -> Option<usize> {
    let end = Timestamp::from_millisecond(*times_ms.last()?).ok()?.to_zoned(TimeZone::UTC);
    let begin = end.checked_sub(jiff::Span::new().try_months(months).ok()?).ok()?;
    let begin = begin.timestamp().as_millisecond();
    let index = times_ms.partition_point(|time| *time < begin);
    (*times_ms.first()? <= begin).then_some(index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000;
    /// 2024-02-28T00:00:00Z, a Wednesday.
    const START: i64 = 1_709_078_400_000;

    #[test]
    fn are_those_done_by_hand() {
        let times: Vec<i64> = (0..4).map(|day| START + day * DAY).collect();
        let equity = [100.0, 110.0, 121.0, 133.1];
        let days = period_returns(&times, &equity, Period::Day).unwrap();
        let labels: Vec<&str> = days.iter().map(|one| one.label.as_str()).collect();
        assert_eq!(labels, ["2024-02-29", "2024-03-01", "2024-03-02"]);
        assert!(days.iter().all(|one| (one.value - 0.1).abs() < 1e-12));
        let months = period_returns(&times, &equity, Period::Month).unwrap();
        assert_eq!(months.len(), 2);
        assert!((months[0].value - 0.1).abs() < 1e-12 && (months[1].value - 0.21).abs() < 1e-12);
        let label = |period| period_returns(&times, &equity, period).unwrap()[0].label.clone();
        assert_eq!(label(Period::Week), "2024-W09");
        assert_eq!(label(Period::Quarter), "2024-Q1");
        assert_eq!(label(Period::Year), "2024");
    }

    #[test]
    fn a_week_belongs_to_the_year_of_its_thursday() {
        // 2024-12-29 is a Sunday, 2024-12-30 the Monday of 2025-W01
        let sunday = 1_735_430_400_000;
        let found =
            period_returns(&[sunday - DAY, sunday, sunday + DAY], &[1.0, 1.0, 1.0], Period::Week);
        let labels: Vec<String> = found.unwrap().into_iter().map(|one| one.label).collect();
        assert_eq!(labels, ["2024-W52", "2025-W01"]);
    }

    #[test]
    fn bars_within_a_day_are_compounded() {
        let times: Vec<i64> = (0..48).map(|hour| START + hour * 3_600_000).collect();
        let equity: Vec<f64> = (0..48).map(|hour| 100.0 * 1.01_f64.powi(hour)).collect();
        let days = period_returns(&times, &equity, Period::Day).unwrap();
        assert_eq!(days.len(), 2);
        assert!((days[0].value - (1.01_f64.powi(23) - 1.0)).abs() < 1e-12);
        assert!((days[1].value - (1.01_f64.powi(24) - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn are_undefined_for_series_that_are_none() {
        assert_eq!(period_returns(&[], &[], Period::Day), None);
        assert_eq!(period_returns(&[2, 1], &[1.0, 1.0], Period::Day), None);
        assert_eq!(period_returns(&[1], &[1.0, 2.0], Period::Day), None);
        assert_eq!(period_returns(&[1, 2], &[1.0, f64::NAN], Period::Day), None);
        assert_eq!(period_returns(&[1, 2], &[1.0, 0.0], Period::Day), None);
        assert_eq!(period_returns(&[i64::MIN, i64::MAX], &[1.0, 1.0], Period::Day), None);
        assert_eq!(period_returns(&[1], &[1.0], Period::Day), Some(vec![]));
    }

    #[test]
    fn months_back_needs_that_much_history() {
        let times: Vec<i64> = (0..100).map(|day| START + day * DAY).collect();
        // the last is 2024-06-06; three months before: 2024-03-06, seven days after the first
        assert_eq!(months_back(&times, 3), Some(7));
        assert_eq!(months_back(&times, 4), None);
        assert_eq!(months_back(&[], 1), None);
    }

    proptest! {
        #[test]
        fn compounding_any_period_gives_the_whole(
            steps in prop::collection::vec((1_i64..400, 0.5..2.0_f64), 1..60),
        ) {
            let (mut times, mut equity) = (vec![START], vec![100.0]);
            for (hours, growth) in &steps {
                times.push(times.last().unwrap() + hours * 3_600_000);
                equity.push(equity.last().unwrap() * growth);
            }
            let whole = equity.last().unwrap() / 100.0;
            for period in Period::ALL {
                let parts = period_returns(&times, &equity, period).unwrap();
                let product: f64 = parts.iter().map(|one| 1.0 + one.value).product();
                prop_assert!((product / whole - 1.0).abs() < 1e-9);
            }
        }
    }
}
