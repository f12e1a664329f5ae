//! Several series → one panel on one time axis, with what is missing dropped, carried forward or interpolated. Each
//! instrument by itself, never across; every cell that was not in the source is marked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bar::{Bar, BarSeries};
use super::calendar::civil::DAY_MS;
use super::calendar::{BarStamp, Calendar};
use super::error::{DataError, DataErrorKind, Fault};
use super::panel::{BarPanel, CELLS_MAX, Join};
use super::transformation::Transformation;

/// What is done where an instrument has no bar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)]
pub enum Missing {
    /// Nothing: the cell is absent, and its readers must know it.
    #[default]
    Keep,
    /// Only times at which every instrument has a bar are kept.
    Drop,
    /// The last close is carried forward as a bar without trade, at most this many times in a row. Uses the past only.
    ForwardFill {
        /// Most times in a row.
        limit: u32,
    },
    /// Between two bars of an instrument the prices are interpolated. This **looks ahead**: a filled bar knows the next
    /// true one. For charts and for training data whose gaps would hurt more; never for a result that should be traded.
    Interpolate {
        /// In prices or in their logarithms.
        scale: Scale,
        /// Longest gap that is filled, in times of the axis.
        limit: u32,
        /// Must be `true`: that the result looks ahead is known and wanted.
        accept_look_ahead: bool,
    },
}

/// In what prices move evenly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// By equal amounts.
    #[default]
    Linear,
    /// By equal shares.
    Log,
}

/// A panel and what was done to make it.
#[derive(Debug, Clone, PartialEq)]
pub struct Aligned {
    /// The panel.
    pub panel: BarPanel,
    /// `[T · N]` which cells were not in the source.
    pub filled: Vec<bool>,
    /// How many those are.
    pub filled_count: usize,
    /// Times of the axis that were left out.
    pub dropped_times: usize,
    /// For the manifest.
    pub transformation: Transformation,
}

/// Puts series on one axis: the times of any of them, and with a calendar also those at which there should be bars,
/// from the first to the last time of any.
///
/// # Errors
/// Refuses what [`BarPanel::join`] refuses, an interpolation whose look into the future was not accepted, daily bars
/// at different times of the day with a calendar, and more cells than a panel may have.
pub fn align(
    series: &[BarSeries],
    missing: Missing,
    calendar: Option<&Calendar>,
) -> Result<Aligned, DataError> {
    if let Missing::Interpolate { accept_look_ahead: false, .. } = missing {
        let fault = Fault::new(
            "accept_look_ahead = true, for interpolated bars know the next true one",
            "false",
            "Use forward_fill for anything that should be traded, or accept it",
        );
        return Err(DataError::new("alignment", DataErrorKind::Time, fault));
    }
    let mut panel = BarPanel::join(series, Join::Outer)?;
    if let Some(calendar) = calendar {
        panel = on_calendar(&panel, calendar)?;
    }
    let mut filled = vec![false; panel.present.len()];
    let rows_before = panel.rows();
    for column in 0..panel.width() {
        match missing {
            Missing::Keep | Missing::Drop => {}
            Missing::ForwardFill { limit } => {
                forward(&mut panel, &mut filled, column, limit);
            }
            Missing::Interpolate { scale, limit, .. } => {
                between(&mut panel, &mut filled, column, (scale, limit));
            }
        }
    }
    let kept: Vec<usize> = (0..panel.rows())
        .filter(|row| {
            let mut cells = panel.present[row * panel.width()..(row + 1) * panel.width()].iter();
            if missing == Missing::Drop {
                cells.all(|there| *there)
            } else {
                cells.any(|there| *there)
            }
        })
        .collect();
    if kept.is_empty() {
        let fault = Fault::new(
            "at least one time that all instruments share",
            "none",
            "Align instruments that traded at the same times, or keep what is missing",
        );
        return Err(DataError::new("alignment", DataErrorKind::Empty, fault));
    }
    let (panel, filled) = rows(&panel, &filled, &kept);
    let filled_count = filled.iter().filter(|filled| **filled).count();
    let dropped_times = rows_before - kept.len();
    let transformation = describe(missing, calendar, [filled_count, dropped_times]);
    Ok(Aligned { panel, filled, filled_count, dropped_times, transformation })
}

fn describe(missing: Missing, calendar: Option<&Calendar>, counts: [usize; 2]) -> Transformation {
    let how = match missing {
        Missing::Keep => "missing bars kept absent".to_owned(),
        Missing::Drop => "times kept at which every instrument has a bar".to_owned(),
        Missing::ForwardFill { limit } => format!("last close carried forward up to {limit} times"),
        Missing::Interpolate { scale: Scale::Linear, limit, .. } => {
            format!("gaps of up to {limit} times interpolated in the price")
        }
        Missing::Interpolate { scale: Scale::Log, limit, .. } => {
            format!("gaps of up to {limit} times interpolated in the logarithm of the price")
        }
    };
    let axis =
        calendar.map_or(String::new(), |calendar| format!(", on the calendar {:?}", calendar.name));
    let [filled, dropped] = counts;
    let step = Transformation::new(
        "align",
        format!("{how}{axis}; {filled} bars filled, {dropped} times dropped"),
    );
    match missing {
        Missing::Interpolate { .. } => step.looking_ahead(),
        Missing::Keep | Missing::Drop | Missing::ForwardFill { .. } => step,
    }
}

/// Adds the times at which there should be bars.
fn on_calendar(panel: &BarPanel, calendar: &Calendar) -> Result<BarPanel, DataError> {
    let (Some(first), Some(last)) = (panel.time_ms.first(), panel.time_ms.last()) else {
        return Ok(panel.clone());
    };
    let refuse = |wanted: &str, found: String, next: &str| {
        Err(DataError::new("alignment", DataErrorKind::Time, Fault::new(wanted, found, next)))
    };
    let seconds = whole_seconds(panel.interval_seconds);
    let Some(seconds) = seconds.filter(|seconds| 0 < *seconds) else {
        let found = format!("{} s", panel.interval_seconds);
        return refuse("an interval of whole seconds", found, "Align without a calendar");
    };
    let mut times = if 86_400 <= seconds {
        let of_day = first.rem_euclid(DAY_MS);
        if panel.time_ms.iter().any(|time| time.rem_euclid(DAY_MS) != of_day) {
            let next = "Give all daily bars one time of day, or align without a calendar";
            return refuse("daily bars at one time of day", "several".to_owned(), next);
        }
        let days = first - of_day..last - of_day + 1;
        let mut days = calendar.expected_times(86_400, days, BarStamp::Start)?;
        days.iter_mut().for_each(|day| *day += of_day);
        days
    } else {
        let stamp = calendar.stamp_of(&panel.time_ms);
        calendar.expected_times(seconds, *first..last + 1, stamp)?
    };
    times.extend_from_slice(&panel.time_ms);
    times.sort_unstable();
    times.dedup();
    let cells = times.len().saturating_mul(panel.width());
    if CELLS_MAX < cells {
        let fault = Fault::new(
            format!("at most {CELLS_MAX} cells"),
            cells.to_string(),
            "Align fewer instruments or a shorter span",
        );
        return Err(DataError::new("alignment", DataErrorKind::TooLarge, fault));
    }
    let mut wider = empty(panel, times);
    let mut row = 0;
    for old in 0..panel.rows() {
        while wider.time_ms[row] < panel.time_ms[old] {
            row += 1;
        }
        for column in 0..panel.width() {
            if let Some(bar) = panel.bar(old, column) {
                wider.put(row, column, &bar);
            }
        }
    }
    Ok(wider)
}

fn empty(panel: &BarPanel, time_ms: Vec<i64>) -> BarPanel {
    let cells = time_ms.len() * panel.width();
    let nothing = || vec![f64::NAN; cells];
    BarPanel {
        instruments: panel.instruments.clone(),
        interval_seconds: panel.interval_seconds,
        time_ms,
        present: vec![false; cells],
        open: nothing(),
        high: nothing(),
        low: nothing(),
        close: nothing(),
        adjusted_close: nothing(),
        volume: panel.volume.as_ref().map(|_| nothing()),
    }
}

/// Returns an interval as whole seconds; absent where it is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
pub(super) fn whole_seconds(seconds: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX)).contains(&seconds).then(|| seconds.round() as u32)
}

/// The bar that stands for no trade.
fn still(last: &Bar, time_ms: i64) -> Bar {
    let volume = last.volume.map(|_| 0.0);
    let price = last.close;
    Bar { time_ms, open: price, high: price, low: price, volume, ..*last }
}

fn forward(panel: &mut BarPanel, filled: &mut [bool], column: usize, limit: u32) {
    let mut last: Option<Bar> = None;
    let mut run = 0;
    for row in 0..panel.rows() {
        if let Some(bar) = panel.bar(row, column) {
            (last, run) = (Some(bar), 0);
            continue;
        }
        run += 1;
        if let Some(last) = last.filter(|_| run <= limit) {
            panel.put(row, column, &still(&last, panel.time_ms[row]));
            filled[row * panel.width() + column] = true;
        }
    }
}

fn between(panel: &mut BarPanel, filled: &mut [bool], column: usize, how: (Scale, u32)) {
    let (scale, limit) = how;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut last: Option<(usize, Bar)> = None;
    for row in 0..panel.rows() {
        let Some(next) = panel.bar(row, column) else { continue };
        if let Some((from, before)) = last.replace((row, next))
            && (1..=limit).contains(&(row - from - 1))
        {
            for gap in from + 1..row {
                let bar = mix(&before, &next, panel.time_ms[gap], scale);
                panel.put(gap, column, &bar);
                filled[gap * panel.width() + column] = true;
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "distances of decades are far below 2^53 ms")]
fn mix(before: &Bar, next: &Bar, time_ms: i64, scale: Scale) -> Bar {
    let share = (time_ms - before.time_ms) as f64 / (next.time_ms - before.time_ms) as f64;
    let price = |from: f64, to: f64| match scale {
        Scale::Linear => from + (to - from) * share,
        Scale::Log => (from.ln() + (to.ln() - from.ln()) * share).exp(),
    };
    Bar {
        time_ms,
        open: price(before.open, next.open),
        high: price(before.high, next.high),
        low: price(before.low, next.low),
        close: price(before.close, next.close),
        adjusted_close: price(before.adjusted_close, next.adjusted_close),
        volume: before.volume.and(next.volume).map(|_| 0.0),
    }
}

/// Returns the rows that are kept.
fn rows(panel: &BarPanel, filled: &[bool], kept: &[usize]) -> (BarPanel, Vec<bool>) {
    let times = kept.iter().map(|row| panel.time_ms[*row]).collect();
    let mut shorter = empty(panel, times);
    let mut marks = vec![false; shorter.present.len()];
    for (new, old) in kept.iter().enumerate() {
        for column in 0..panel.width() {
            if let Some(bar) = panel.bar(*old, column) {
                shorter.put(new, column, &bar);
                marks[new * panel.width() + column] = filled[old * panel.width() + column];
            }
        }
    }
    shorter.interval_seconds = super::bar::interval_seconds(&shorter.time_ms);
    (shorter, marks)
}
