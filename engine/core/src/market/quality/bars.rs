//! Findings about the bars of one instrument.

use super::statistics::{deviation_from, median};
use super::{Check, Finding, Severity, plural, show_span};
use crate::market::adjust::suspected_splits;
use crate::market::align::whole_seconds;
use crate::market::bar::{BarSeries, show_time};
use crate::market::calendar::Calendar;

/// A step longer than this many intervals is a gap.
const GAP_INTERVALS: f64 = 1.5;
/// A return farther from the median than this many median absolute deviations is an outlier.
const OUTLIER_DEVIATIONS: f64 = 10.0;
/// Below this share of missing steps a market has opening hours, and gaps are its nights and weekends.
const ROUND_THE_CLOCK_SHARE: f64 = 0.05;
/// Fewer bars than this teach nothing.
const BARS_FEW: usize = 250;
/// A close this many times the one before it, or its share, is a jump: no market moves so from bar to bar, but splits,
/// redenominations and slips of the decimal point do.
const JUMP_FACTOR: f64 = 20.0;
/// This many bars without any trade in a row are told.
const SILENT_BARS: usize = 5;
/// This many equal closes in a row are told.
const STALE_BARS: usize = 5;

/// Returns the warnings about a series, one sentence each, in a fixed order: length, gaps, jumps, outliers, flat bars,
/// volume.
#[must_use]
pub fn inspect(series: &BarSeries) -> Vec<String> {
    basic(series).into_iter().map(|finding| finding.message).collect()
}

/// Returns everything there is to know about a series.
pub(super) fn findings(series: &BarSeries, calendar: Option<&Calendar>) -> Vec<Finding> {
    let mut found = basic(series);
    found.extend([stale(series), repeated(series), splits(series)].into_iter().flatten());
    let ends = [series.time_ms.first(), series.time_ms.last()];
    match calendar {
        Some(calendar) if ends.into_iter().flatten().all(|time| calendar.knows(*time)) => {
            // The calendar knows which long steps are nights.
            found.retain(|finding| finding.check != Check::Gaps);
            found.extend(against(series, calendar));
        }
        Some(calendar) => found.push(unknown(calendar)),
        None => {}
    }
    found.into_iter().map(|finding| finding.of(&series.instrument)).collect()
}

fn basic(series: &BarSeries) -> Vec<Finding> {
    let checks =
        [few(series), gaps(series), jumps(series), outliers(series), flat(series), volume(series)];
    checks.into_iter().flatten().collect()
}

fn few(series: &BarSeries) -> Option<Finding> {
    let count = series.len();
    let message = format!("only {count} bars: figures about so short a series mean little");
    (count < BARS_FEW).then(|| Finding::new(Check::Length, Severity::Warning, message))
}

#[expect(clippy::cast_precision_loss, reason = "steps and counts are far below 2^53")]
fn gaps(series: &BarSeries) -> Option<Finding> {
    let interval_ms = series.interval_seconds * 1000.0;
    if interval_ms <= 0.0 {
        return None;
    }
    let step = |row: usize| (series.time_ms[row] - series.time_ms[row - 1]) as f64;
    let long: Vec<usize> =
        (1..series.len()).filter(|row| interval_ms * GAP_INTERVALS < step(*row)).collect();
    let longest = *long.iter().max_by(|left, right| step(**left).total_cmp(&step(**right)))?;
    let count = long.len();
    let span = show_span(step(longest) / 1000.0);
    let many = ROUND_THE_CLOCK_SHARE < count as f64 / series.len() as f64;
    let hint = if many { "; so many suggest a market with closing times" } else { "" };
    let message = format!(
        "{count} gap{} against the usual step of {}; the longest is {span} after {}{hint}",
        plural(count),
        show_span(series.interval_seconds),
        show_time(series.time_ms[longest - 1]),
    );
    let severity = if many { Severity::Info } else { Severity::Warning };
    Some(Finding::new(Check::Gaps, severity, message).at(long.into_iter()))
}

fn unknown(calendar: &Calendar) -> Finding {
    let [first, last] = calendar.years.unwrap_or_default();
    let message = format!(
        "not compared with the calendar {:?}: its holidays are known from {first} to {last} only",
        calendar.name
    );
    Finding::new(Check::CalendarGaps, Severity::Info, message)
}

fn against(series: &BarSeries, calendar: &Calendar) -> Vec<Finding> {
    let Some(seconds) = whole_seconds(series.interval_seconds).filter(|seconds| 0 < *seconds)
    else {
        return Vec::new();
    };
    let stamp = calendar.stamp_of(&series.time_ms);
    let mut found = Vec::new();
    let gaps = calendar.gaps(&series.time_ms, seconds, stamp);
    if let Some(longest) = gaps.iter().max_by_key(|gap| gap.missing) {
        let missing: u64 = gaps.iter().map(|gap| gap.missing).sum();
        let message = format!(
            "{missing} bar{} missing on the calendar {:?} in {} place{}; most of them ({}) after {}",
            plural(usize::try_from(missing).unwrap_or(usize::MAX)),
            calendar.name,
            gaps.len(),
            plural(gaps.len()),
            longest.missing,
            show_time(longest.after_ms)
        );
        let rows =
            gaps.iter().map(|gap| series.time_ms.partition_point(|time| *time < gap.before_ms));
        let finding = Finding::new(Check::CalendarGaps, Severity::Warning, message).at(rows);
        found.push(Finding { count: missing, ..finding });
    }
    let outside = calendar.outside(&series.time_ms, seconds, stamp);
    if 0 < outside {
        let message = format!(
            "{outside} bar{} at times at which the calendar {:?} has no trading",
            plural(outside),
            calendar.name
        );
        let finding = Finding::new(Check::OutsideCalendar, Severity::Warning, message);
        found.push(Finding { count: outside as u64, ..finding });
    }
    found
}

fn jumps(series: &BarSeries) -> Option<Finding> {
    let close = &series.close;
    let jumped = |row: &usize| {
        let (before, after) = (close[row - 1], close[*row]);
        before * JUMP_FACTOR < after || after * JUMP_FACTOR < before
    };
    let rows: Vec<usize> = (1..close.len()).filter(jumped).collect();
    let first = *rows.first()?;
    let when = series.time_ms.get(first).copied().map(show_time).unwrap_or_default();
    let message = format!(
        "{} jump{} of the close by more than {JUMP_FACTOR} times from one bar to the next, first from {} to {} at \
         {when}: a split, a redenomination or a slip of the decimal point?",
        rows.len(),
        plural(rows.len()),
        close[first - 1],
        close[first],
    );
    Some(Finding::new(Check::Jumps, Severity::Danger, message).at(rows.into_iter()))
}

fn outliers(series: &BarSeries) -> Option<Finding> {
    let returns: Vec<f64> = series.close.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
    let centre = median(returns.clone())?;
    let deviation = deviation_from(&returns, centre)?;
    if deviation <= 0.0 {
        return None;
    }
    let distance = |value: f64| (value - centre).abs();
    let rows: Vec<usize> = (0..returns.len())
        .filter(|row| OUTLIER_DEVIATIONS * deviation < distance(returns[*row]))
        .map(|row| row + 1)
        .collect();
    let largest = *rows.iter().max_by(|left, right| {
        distance(returns[**left - 1]).total_cmp(&distance(returns[**right - 1]))
    })?;
    let percent = (returns[largest - 1].exp() - 1.0) * 100.0;
    let message = format!(
        "{} outlier{} among the returns (over {OUTLIER_DEVIATIONS} median deviations); the largest is \
         {percent:+.1} % at {}",
        rows.len(),
        plural(rows.len()),
        show_time(series.time_ms[largest]),
    );
    Some(Finding::new(Check::Outliers, Severity::Info, message).at(rows.into_iter()))
}

#[expect(clippy::float_cmp, reason = "a flat bar repeats one number")]
fn flat(series: &BarSeries) -> Option<Finding> {
    let is_flat = |row: &usize| series.high[*row] == series.low[*row];
    let rows: Vec<usize> = (0..series.len()).filter(is_flat).collect();
    let message = format!("{} bar{} with high = low", rows.len(), plural(rows.len()));
    let found = Finding::new(Check::FlatBars, Severity::Info, message);
    (!rows.is_empty()).then(|| found.at(rows.into_iter()))
}

fn volume(series: &BarSeries) -> Option<Finding> {
    let volume = series.volume.as_ref()?;
    let zeros: Vec<usize> = (0..volume.len()).filter(|row| volume[*row] <= 0.0).collect();
    let longest = longest_run(volume.iter().map(|value| *value <= 0.0));
    let message = format!(
        "volume is 0 in {} bars, up to {longest} in a row: it may mean unknown rather than none",
        zeros.len()
    );
    let found = Finding::new(Check::Volume, Severity::Warning, message);
    (SILENT_BARS <= longest).then(|| found.at(zeros.into_iter()))
}

fn longest_run(marks: impl Iterator<Item = bool>) -> usize {
    let (mut longest, mut run) = (0, 0);
    for mark in marks {
        run = if mark { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[expect(clippy::float_cmp, reason = "a stale price repeats one number")]
fn stale(series: &BarSeries) -> Option<Finding> {
    let repeats = |row: &usize| series.close[*row] == series.close[row - 1];
    let longest = 1 + longest_run((1..series.len()).map(|row| repeats(&row)));
    if longest < STALE_BARS {
        return None;
    }
    let rows: Vec<usize> = (1..series.len()).filter(repeats).collect();
    let message = format!(
        "the close stays the same in {} bar{}, up to {longest} bars in a row: no trade, or a feed that stood still",
        rows.len(),
        plural(rows.len())
    );
    Some(Finding::new(Check::StalePrices, Severity::Warning, message).at(rows.into_iter()))
}

#[expect(clippy::float_cmp, reason = "a repeated row repeats its numbers")]
fn repeated(series: &BarSeries) -> Option<Finding> {
    let moved = |row: &usize| series.high[*row] != series.low[*row];
    let repeats = |row: &usize| {
        let columns = [&series.open, &series.high, &series.low, &series.close];
        let volume = series.volume.as_ref();
        columns.iter().all(|column| column[*row] == column[row - 1])
            && volume.is_none_or(|volume| volume[*row] == volume[row - 1])
    };
    let rows: Vec<usize> = (1..series.len()).filter(|row| moved(row) && repeats(row)).collect();
    let message =
        format!("{} bar{} repeat the one before in every number", rows.len(), plural(rows.len()));
    let found = Finding::new(Check::Duplicates, Severity::Warning, message);
    (!rows.is_empty()).then(|| found.at(rows.into_iter()))
}

fn splits(series: &BarSeries) -> Option<Finding> {
    let found = suspected_splits(series);
    let first = found.first()?;
    let message = format!(
        "{} jump{} that look like splits nobody adjusted for, first {} for {} at {}",
        found.len(),
        plural(found.len()),
        first.new_shares,
        first.old_shares,
        show_time(first.time_ms)
    );
    let rows = found.iter().map(|split| split.row);
    Some(Finding::new(Check::SuspectedSplits, Severity::Danger, message).at(rows))
}
