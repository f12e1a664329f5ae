//! What a reader should know about good data: gaps, outliers, missing volume, a short history. Not errors.

use super::bar::{BarSeries, show_time};

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

/// Returns the warnings about a series, one sentence each, in a fixed order.
#[must_use]
pub fn inspect(series: &BarSeries) -> Vec<String> {
    let checks =
        [few(series), gaps(series), jumps(series), outliers(series), flat(series), volume(series)];
    checks.into_iter().flatten().collect()
}

fn few(series: &BarSeries) -> Option<String> {
    let count = series.len();
    (count < BARS_FEW)
        .then(|| format!("only {count} bars: figures about so short a series mean little"))
}

#[expect(clippy::cast_precision_loss, reason = "steps and counts are far below 2^53")]
fn gaps(series: &BarSeries) -> Option<String> {
    let interval_ms = series.interval_seconds * 1000.0;
    if interval_ms <= 0.0 {
        return None;
    }
    let steps = series.time_ms.windows(2).map(|pair| (pair[0], (pair[1] - pair[0]) as f64));
    let long: Vec<(i64, f64)> =
        steps.filter(|(_, step)| interval_ms * GAP_INTERVALS < *step).collect();
    let longest = long.iter().max_by(|left, right| left.1.total_cmp(&right.1))?;
    let count = long.len();
    let span = show_span(longest.1 / 1000.0);
    let hint = if ROUND_THE_CLOCK_SHARE < count as f64 / series.len() as f64 {
        "; so many suggest a market with closing times"
    } else {
        ""
    };
    Some(format!(
        "{count} gap{} against the usual step of {}; the longest is {span} after {}{hint}",
        plural(count),
        show_span(series.interval_seconds),
        show_time(longest.0),
    ))
}

fn jumps(series: &BarSeries) -> Option<String> {
    let places = || {
        let jumped =
            |pair: &[f64]| pair[0] * JUMP_FACTOR < pair[1] || pair[1] * JUMP_FACTOR < pair[0];
        let pairs = series.close.windows(2).enumerate();
        pairs.filter(move |(_, pair)| jumped(pair)).map(|(before, pair)| (before, pair[0], pair[1]))
    };
    let (before, from, to) = places().next()?;
    let count = places().count();
    let when = series.time_ms.get(before + 1).copied().map(show_time).unwrap_or_default();
    Some(format!(
        "{count} jump{} of the close by more than {JUMP_FACTOR} times from one bar to the next, first from {from} to {to} at \
         {when}: a split, a redenomination or a slip of the decimal point?",
        plural(count)
    ))
}

fn outliers(series: &BarSeries) -> Option<String> {
    let returns: Vec<f64> = series.close.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
    let centre = median(returns.clone())?;
    let deviation = median(returns.iter().map(|value| (value - centre).abs()).collect())?;
    if deviation <= 0.0 {
        return None;
    }
    let distance = |value: f64| (value - centre).abs();
    let far = |value: &f64| OUTLIER_DEVIATIONS * deviation < distance(*value);
    let count = returns.iter().filter(|value| far(value)).count();
    let (index, largest) = returns
        .iter()
        .enumerate()
        .max_by(|left, right| distance(*left.1).total_cmp(&distance(*right.1)))?;
    if count == 0 {
        return None;
    }
    let percent = (largest.exp() - 1.0) * 100.0;
    Some(format!(
        "{count} outlier{} among the returns (over {OUTLIER_DEVIATIONS} median deviations); the largest is \
         {percent:+.1} % at {}",
        plural(count),
        show_time(series.time_ms[index + 1]),
    ))
}

#[expect(clippy::float_cmp, reason = "a flat bar repeats one number")]
fn flat(series: &BarSeries) -> Option<String> {
    let count = series.bars().filter(|bar| bar.high == bar.low).count();
    (0 < count).then(|| format!("{count} bar{} with high = low", plural(count)))
}

fn volume(series: &BarSeries) -> Option<String> {
    let volume = series.volume.as_ref()?;
    let zeros = volume.iter().filter(|value| **value <= 0.0).count();
    let (mut longest, mut run) = (0_usize, 0_usize);
    for value in volume {
        run = if *value <= 0.0 { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    (SILENT_BARS <= longest).then(|| {
        format!("volume is 0 in {zeros} bars, up to {longest} in a row: it may mean unknown rather than none")
    })
}

/// Returns the middle value; absent without any.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn show_span(seconds: f64) -> String {
    for (unit, name) in [(86_400.0, "d"), (3600.0, "h"), (60.0, "min")] {
        if unit <= seconds {
            let text = format!("{:.1}", seconds / unit);
            return format!("{} {name}", text.strip_suffix(".0").unwrap_or(&text));
        }
    }
    format!("{seconds} s")
}
