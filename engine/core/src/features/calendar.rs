//! The calendar of a bar (UTC): weekday, day of the month, month, as numbers and as points on a circle.

use std::f64::consts::TAU;

use jiff::Timestamp;
use jiff::tz::Offset;

use super::Block;
use crate::market::Bar;

/// Names of the three numbers.
const NAMES: [&str; 3] = ["weekday", "day", "month"];
/// Length of the circle of each.
const PERIODS: [f64; 3] = [7.0, 31.0, 12.0];

/// weekday (Monday is 0), day (from 1) and month (from 1); absent for times outside the calendar.
fn numbers(bar: &Bar) -> Option<[f64; 3]> {
    let time = Offset::UTC.to_datetime(Timestamp::from_millisecond(bar.time_ms).ok()?);
    Some([
        f64::from(time.weekday().to_monday_zero_offset()),
        f64::from(time.day()),
        f64::from(time.month()),
    ])
}

/// The three numbers as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calendar;

impl Block for Calendar {
    fn names(&self) -> Vec<String> {
        NAMES.iter().map(|name| (*name).to_owned()).collect()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        match numbers(bar) {
            Some(numbers) => row.extend(numbers.map(Some)),
            None => row.extend([None; 3]),
        }
    }
}

/// Sine and cosine of each number on its circle, so that the last and the first are neighbours.
#[derive(Debug, Clone, Copy, Default)]
pub struct CalendarCycle;

impl Block for CalendarCycle {
    fn names(&self) -> Vec<String> {
        NAMES.iter().flat_map(|name| [format!("{name}_sin"), format!("{name}_cos")]).collect()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        let Some(numbers) = numbers(bar) else {
            row.extend([None; 6]);
            return;
        };
        for (number, period) in numbers.into_iter().zip(PERIODS) {
            let angle = TAU * number / period;
            row.extend([Some(angle.sin()), Some(angle.cos())]);
        }
    }
}
