//! Splits and dividends: adjusted prices, the growth of a holding, and splits that nobody told.
//!
//! An event belongs to the first bar that trades without it (its ex-date).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bar::{BarSeries, show_time};
use super::error::{DataError, DataErrorKind, Fault};
use super::quality::statistics::{deviation_from, median};
use super::transformation::Transformation;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// So many new shares for each old one: 2 for a split of two for one, 0.1 for a reverse split of one for ten.
    Split(f64),
    /// So much money for each share held, in the currency and the shares of the day.
    Dividend(f64),
}

/// One corporate action.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CorporateAction {
    /// From this time on the price is without it, milliseconds since 1970 UTC.
    pub ex_ms: i64,
    /// What happened.
    pub kind: ActionKind,
}

/// Which end of the history keeps its prices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The last prices stay and earlier ones are lowered. The usual way; every new action changes the whole history,
    /// so that the level of a price knows later actions, though no ratio of two prices does.
    #[default]
    Backward,
    /// The first prices stay and later ones are raised. Nothing known later changes anything.
    Forward,
}

/// What is adjusted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// Which end keeps its prices.
    pub direction: Direction,
    /// Whether open, high, low and close are adjusted for dividends too. The adjusted close always is.
    pub dividends: bool,
}

/// Adjusted bars.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjusted {
    /// The bars; volume is adjusted for splits.
    pub bars: BarSeries,
    /// What each price was multiplied by for splits.
    pub split_factor: Vec<f64>,
    /// What the adjusted close was multiplied by: splits and dividends.
    pub total_factor: Vec<f64>,
    /// What 1 in the first close has grown to, each dividend reinvested at the close before it, less itself.
    pub total_return: Vec<f64>,
    /// Actions before the second bar or after the last one: they change nothing.
    pub without_effect: usize,
    /// For the manifest.
    pub transformation: Transformation,
}

/// Adjusts bars that are as traded. A dividend D on a bar multiplies what lies before by 1 − D / close of the bar
/// before, a split of n by 1 / n.
///
/// Source: CRSP, "Data definitions: factor to adjust price"; the dividend rule is the one that Yahoo states.
///
/// # Errors
/// Refuses bars that are not valid, splits that are not above 0, dividends below 0, and dividends of at least the
/// price before.
pub fn adjust(
    bars: &BarSeries,
    actions: &[CorporateAction],
    how: Adjustment,
) -> Result<Adjusted, DataError> {
    bars.validate()?;
    let count = bars.len();
    let Steps { split, paid, without_effect } = steps(bars, actions)?;
    let mut dividend = vec![1.0; count];
    let mut total_return = vec![1.0; count];
    for row in 1..count {
        // Paid in the shares of the day, on the price of the day before in the same shares.
        let before = bars.close[row - 1] * split[row];
        let kept = 1.0 - paid[row] / before;
        if kept <= 0.0 || kept.is_nan() {
            let wanted = format!("a dividend below the price before ({before})");
            return refuse(bars, bars.time_ms[row], &wanted, paid[row]);
        }
        dividend[row] = kept;
        total_return[row] = total_return[row - 1] * bars.close[row] / (before * kept);
    }
    let split_factor = cumulated(&split, how.direction);
    let dividend_factor = cumulated(&dividend, how.direction);
    let total_factor: Vec<f64> =
        split_factor.iter().zip(&dividend_factor).map(|(split, paid)| split * paid).collect();
    let price_factor = if how.dividends { &total_factor } else { &split_factor };
    let scaled = |column: &[f64], factor: &[f64]| {
        column.iter().zip(factor).map(|(value, factor)| value * factor).collect::<Vec<f64>>()
    };
    let adjusted = BarSeries {
        open: scaled(&bars.open, price_factor),
        high: scaled(&bars.high, price_factor),
        low: scaled(&bars.low, price_factor),
        close: scaled(&bars.close, price_factor),
        adjusted_close: scaled(&bars.close, &total_factor),
        volume: bars.volume.as_ref().map(|volume| {
            volume.iter().zip(&split_factor).map(|(units, factor)| units / factor).collect()
        }),
        ..bars.clone()
    };
    adjusted.validate()?;
    let detail = format!(
        "{} of {} actions, {:?}, prices adjusted for splits{}",
        actions.len() - without_effect,
        actions.len(),
        how.direction,
        if how.dividends { " and dividends" } else { "" }
    );
    Ok(Adjusted {
        bars: adjusted,
        split_factor,
        total_factor,
        total_return,
        without_effect,
        transformation: Transformation::new("adjust", detail),
    })
}

/// What the actions do, bar by bar.
struct Steps {
    /// What a bar's splits multiply the prices before it by.
    split: Vec<f64>,
    /// Dividends without which it trades first.
    paid: Vec<f64>,
    without_effect: usize,
}

fn steps(bars: &BarSeries, actions: &[CorporateAction]) -> Result<Steps, DataError> {
    let count = bars.len();
    let (split, paid) = (vec![1.0; count], vec![0.0; count]);
    let mut steps = Steps { split, paid, without_effect: 0 };
    for action in actions {
        let place = bars.time_ms.partition_point(|time| *time < action.ex_ms);
        let has_effect = (1..count).contains(&place);
        steps.without_effect += usize::from(!has_effect);
        match action.kind {
            ActionKind::Split(ratio) if ratio.is_finite() && 0.0 < ratio => {
                if has_effect {
                    steps.split[place] /= ratio;
                }
            }
            ActionKind::Dividend(amount) if amount.is_finite() && 0.0 <= amount => {
                if has_effect {
                    steps.paid[place] += amount;
                }
            }
            ActionKind::Split(found) | ActionKind::Dividend(found) => {
                let wanted = "a split above 0 or a dividend of 0 or more";
                return refuse(bars, action.ex_ms, wanted, found);
            }
        }
    }
    Ok(steps)
}

fn refuse<T>(bars: &BarSeries, time_ms: i64, wanted: &str, found: f64) -> Result<T, DataError> {
    let next =
        "Correct the list of corporate actions; the bars must be as traded, not adjusted already";
    let found = format!("{found} on {}", show_time(time_ms));
    let fault = Fault::new(wanted, found, next);
    Err(DataError::new(&bars.instrument, DataErrorKind::Bar, fault))
}

/// Returns the factor of each bar: of all steps behind it (backward), or against all steps up to it (forward).
fn cumulated(steps: &[f64], direction: Direction) -> Vec<f64> {
    let mut factors = vec![1.0; steps.len()];
    match direction {
        Direction::Backward => {
            for row in (1..steps.len()).rev() {
                factors[row - 1] = factors[row] * steps[row];
            }
        }
        Direction::Forward => {
            for row in 1..steps.len() {
                factors[row] = factors[row - 1] / steps[row];
            }
        }
    }
    factors
}

/// Shares for shares that companies choose, new for old.
const RATIOS: [(u32, u32); 16] = [
    (2, 1),
    (3, 1),
    (4, 1),
    (5, 1),
    (6, 1),
    (7, 1),
    (8, 1),
    (10, 1),
    (15, 1),
    (20, 1),
    (25, 1),
    (30, 1),
    (50, 1),
    (100, 1),
    (3, 2),
    (5, 2),
];
/// A jump this near to a ratio, as a share of it, may be a split: a day's move lies on top of it.
const RATIO_TOLERANCE: f64 = 0.06;
/// Without volume to confirm it the jump must be this near.
const RATIO_TOLERANCE_ALONE: f64 = 0.015;
/// A split stands out of the usual returns by this many median deviations.
const SPLIT_DEVIATIONS: f64 = 10.0;
/// Bars before and behind in which volume is compared.
const VOLUME_BARS: usize = 5;

/// A jump that looks like a split nobody adjusted for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuspectedSplit {
    /// Bar with the new price, from 0.
    pub row: usize,
    /// Its time, milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// New shares.
    pub new_shares: u32,
    /// For so many old ones.
    pub old_shares: u32,
    /// Close before / open behind.
    pub observed: f64,
    /// Whether volume jumped the other way; absent where there is none.
    pub volume_agrees: Option<bool>,
}

/// Returns jumps of the price from a close to the next open and close near a ratio of small numbers, far out of the
/// usual returns, with volume jumping the other way where there is any.
#[must_use]
pub fn suspected_splits(bars: &BarSeries) -> Vec<SuspectedSplit> {
    let returns: Vec<f64> = bars.close.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
    let Some(centre) = median(returns.clone()) else {
        return Vec::new();
    };
    let deviation = deviation_from(&returns, centre).unwrap_or(0.0);
    let mut found = Vec::new();
    for (index, step) in returns.iter().enumerate() {
        if (step - centre).abs() <= SPLIT_DEVIATIONS * deviation {
            continue;
        }
        let row = index + 1;
        let observed = bars.close[index] / bars.open[row];
        let by_close = bars.close[index] / bars.close[row];
        let near = |ratio: f64, tolerance: f64| {
            (observed / ratio).ln().abs() <= tolerance
                && (by_close / ratio).ln().abs() <= tolerance * 2.0
        };
        let ratios = RATIOS.into_iter().flat_map(|(new, old)| [(new, old), (old, new)]);
        for (new_shares, old_shares) in ratios {
            let ratio = f64::from(new_shares) / f64::from(old_shares);
            let volume_agrees = volume_agrees(bars, row, ratio);
            let tolerance = match volume_agrees {
                Some(true) => RATIO_TOLERANCE,
                Some(false) => continue,
                None => RATIO_TOLERANCE_ALONE,
            };
            if near(ratio, tolerance) {
                let time_ms = bars.time_ms[row];
                found.push(SuspectedSplit {
                    row,
                    time_ms,
                    new_shares,
                    old_shares,
                    observed,
                    volume_agrees,
                });
                break;
            }
        }
    }
    found
}

/// Whether the shares traded rose (or fell) at least half of the way that the ratio would have them.
fn volume_agrees(bars: &BarSeries, row: usize, ratio: f64) -> Option<bool> {
    let volume = bars.volume.as_ref()?;
    let before = median(volume[row.saturating_sub(VOLUME_BARS)..row].to_vec())?;
    let after = median(volume[row..volume.len().min(row + VOLUME_BARS)].to_vec())?;
    if !(0.0 < before && 0.0 < after) {
        return None;
    }
    let moved = (after / before).ln() / ratio.ln();
    Some(0.5 <= moved)
}
