//! The rule anew on further stretches of the data: walk-forward blocks, or groups joined to several paths.
//!
//! A rule is not trained, so that a stretch needs nothing from the bars before it but what the rule looks back on. Each
//! stretch is run on data that ends with it: nothing behind it can be seen. Every run begins without a position.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use super::EvaluationInput;
use super::report::{FoldResult, FoldStudy, PathFigures};
use super::runs::{Member, Runs, Stretch};
use crate::config::{EvaluationScheme, Segment, SplitConfig, WalkWindow};
use crate::environment::length::lookback;
use crate::error::EngineError;
use crate::evaluation::combinatorial::combinatorial;
use crate::evaluation::purge::Purge;
use crate::evaluation::thin;
use crate::evaluation::walk_forward::{WalkForward, Window, walk_forward};
use crate::features::warmup_rows_of;
use crate::market::MarketSeries;
use crate::market::part::{part, rows, times_of};
use crate::market::split::DECISIONS_MIN;
use crate::metrics::max_drawdown::max_drawdown;
use crate::metrics::returns::{returns, total_return};
use crate::metrics::sharpe::sharpe;

/// Most stretches of one evaluation.
const FOLDS_MAX: usize = 200;
/// Points of all curves together.
const POINTS_MAX: usize = 20_000;

/// What is run: rows of the data from `begin`, of which those from `test.start` on count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    begin: usize,
    test: Range<usize>,
}

/// One finished stretch. The curve begins at the bar before the first one that counts.
#[derive(Debug, Clone)]
struct Ran {
    times_ms: Vec<i64>,
    equity: Vec<f64>,
    returns: Option<Vec<f64>>,
    periods_per_year: f64,
}

/// Returns how many runs a scheme needs, as far as its parameters tell.
pub(super) fn runs_of(input: &EvaluationInput<'_>) -> u64 {
    match &input.session.scheme {
        EvaluationScheme::Segment => 0,
        EvaluationScheme::WalkForward { train_bars, test_bars, .. } => {
            let rows = rows(input.data).saturating_sub(*train_bars as usize);
            (rows / (*test_bars as usize).max(1)).min(FOLDS_MAX) as u64
        }
        EvaluationScheme::Combinatorial { groups, .. } => u64::from(*groups),
    }
}

/// Runs the scheme over the data up to the end of the judged segment; absent where there is none.
///
/// # Errors
/// Refuses schemes that do not fit the data, and what a run refuses.
pub(super) fn study(
    input: &EvaluationInput<'_>,
    last_ms: i64,
    seeds: &[u32],
    runs: &mut Runs<'_, '_, '_>,
) -> Result<Option<FoldStudy>, EngineError> {
    let times = times_of(input.data);
    let rows = times.partition_point(|time| *time <= last_ms);
    match &input.session.scheme {
        EvaluationScheme::Segment => Ok(None),
        EvaluationScheme::WalkForward { window, train_bars, test_bars } => {
            let (train, test) = (*train_bars as usize, *test_bars as usize);
            let window = match window {
                WalkWindow::Anchored => Window::Anchored,
                WalkWindow::Rolling => Window::Rolling,
            };
            let plan = WalkForward { window, train, test, step: test, horizon: 0 };
            let blocks: Vec<Block> = walk_forward(rows, &plan)?
                .into_iter()
                .map(|fold| Block { begin: fold.train.start, test: fold.test })
                .collect();
            walked(input, &blocks, seeds, runs).map(Some)
        }
        EvaluationScheme::Combinatorial { groups, tested } => {
            crossed(input, rows, (*groups as usize, *tested as usize), seeds, runs).map(Some)
        }
    }
}

fn walked(
    input: &EvaluationInput<'_>,
    blocks: &[Block],
    seeds: &[u32],
    runs: &mut Runs<'_, '_, '_>,
) -> Result<FoldStudy, EngineError> {
    if FOLDS_MAX < blocks.len() {
        return Err(refused(format!(
            "wanted at most {FOLDS_MAX} blocks, found {}; make them longer",
            blocks.len()
        )));
    }
    let seed = seeds.first().copied().unwrap_or(input.session.seed);
    let mut items = Vec::new();
    let mut joined = Some(Vec::new());
    let mut periods_per_year = 0.0;
    for (number, block) in blocks.iter().enumerate() {
        let ran = run(input, block, seed, runs)?;
        periods_per_year = ran.periods_per_year;
        joined = joined.zip(ran.returns.clone()).map(|(all, own)| [all, own].concat());
        items.push(item(format!("block {}", number + 1), &ran, blocks.len()));
    }
    let paths = vec![path_figures(joined.as_deref(), periods_per_year)];
    Ok(FoldStudy { scheme: "walk_forward".to_owned(), items, paths })
}

/// Every group is run once for each path that a rule that draws takes through it; the j-th time with the j-th seed.
fn crossed(
    input: &EvaluationInput<'_>,
    rows: usize,
    (groups, tested): (usize, usize),
    seeds: &[u32],
    runs: &mut Runs<'_, '_, '_>,
) -> Result<FoldStudy, EngineError> {
    let head = head(input)?;
    let behind = rows.saturating_sub(head);
    let purge = Purge::default();
    let plan = combinatorial(behind, groups, tested, &purge)?;
    let mut known: BTreeMap<(usize, u32), Ran> = BTreeMap::new();
    let seed_of = |path: usize| {
        let place = path.checked_rem(seeds.len()).unwrap_or(0);
        seeds.get(place).copied().unwrap_or(input.session.seed)
    };
    for path in 0..plan.paths.len() {
        for (number, group) in plan.groups.iter().enumerate() {
            let key = (number, seed_of(path));
            if let Entry::Vacant(slot) = known.entry(key) {
                let test = group.start + head..group.end + head;
                slot.insert(run(input, &Block { begin: 0, test }, key.1, runs)?);
            }
        }
    }
    let mut items = Vec::new();
    let mut paths = Vec::new();
    for path in 0..plan.paths.len() {
        let mut joined = Some(Vec::new());
        let mut periods_per_year = 0.0;
        for number in 0..plan.groups.len() {
            let Some(ran) = known.get(&(number, seed_of(path))) else { continue };
            periods_per_year = ran.periods_per_year;
            joined = joined.zip(ran.returns.clone()).map(|(all, own)| [all, own].concat());
            if path == 0 {
                items.push(item(format!("group {}", number + 1), ran, plan.groups.len()));
            }
        }
        paths.push(path_figures(joined.as_deref(), periods_per_year));
    }
    Ok(FoldStudy { scheme: "combinatorial".to_owned(), items, paths })
}

/// Returns the rows that must stand before the first one that counts.
fn head(input: &EvaluationInput<'_>) -> Result<usize, EngineError> {
    let look = lookback(input.strategy);
    let warmup = match input.data {
        MarketSeries::Bars(_) | MarketSeries::Panel(_) => warmup_rows_of(&input.strategy.features)?,
        MarketSeries::Trades(_) | MarketSeries::Book(_) => 1,
    };
    // Training and validation have to stand, though nothing is learned from them.
    Ok(warmup + 3 * look + 2 * DECISIONS_MIN)
}

/// Runs one block on data that ends with it.
fn run(
    input: &EvaluationInput<'_>,
    block: &Block,
    seed: u32,
    runs: &mut Runs<'_, '_, '_>,
) -> Result<Ran, EngineError> {
    let look = lookback(input.strategy);
    let data = stretch(input.data, block.begin..block.test.end)?;
    let rows = rows(&data);
    // The segment begins with what its first decision looks back on.
    let start = rows.saturating_sub(block.test.len() + look);
    let valid = look + DECISIONS_MIN;
    if start <= valid {
        return Err(refused(format!(
            "wanted more than {} bars before bar {}, which a block begins with ({look} to look back on), found {}; let the \
             first block begin later",
            valid + look,
            block.test.start,
            block.test.start.saturating_sub(block.begin)
        )));
    }
    let share = |part: usize| part as f64 / rows as f64;
    let split = SplitConfig { train: share(start - valid), valid: share(valid), purge_bars: 0 };
    let stretch = Stretch { data: &data, split: &split, segment: Segment::Test };
    let track = runs.alone(stretch, Member { seed, model: None })?;
    let times = times_of(input.data);
    let before = times.get(block.test.start.saturating_sub(1)).copied().unwrap_or(i64::MIN);
    let from = track.times_ms.partition_point(|time| *time < before);
    let mut times_ms = track.times_ms[from..].to_vec();
    let mut equity = track.equity[from..].to_vec();
    // After a ruin nothing moves any more.
    for time in times.iter().take(block.test.end) {
        if times_ms.last().is_some_and(|last| last < time) {
            times_ms.push(*time);
            equity.push(equity.last().copied().unwrap_or(0.0));
        }
    }
    Ok(Ran {
        returns: returns(&equity),
        periods_per_year: track.periods_per_year,
        times_ms,
        equity,
    })
}

fn item(name: String, ran: &Ran, count: usize) -> FoldResult {
    let first = ran.equity.first().copied().filter(|first| 0.0 < *first).unwrap_or(1.0);
    let equity: Vec<f64> = ran.equity.iter().map(|value| value / first).collect();
    let points = (POINTS_MAX / count.max(1)).max(10);
    let kept = thin::points(&[&equity], equity.len(), points);
    let time = |row: usize| ran.times_ms.get(row).map_or(0.0, |time| *time as f64);
    let year = ran.periods_per_year;
    FoldResult {
        name,
        from_ms: time(1.min(ran.times_ms.len().saturating_sub(1))),
        to_ms: time(ran.times_ms.len().saturating_sub(1)),
        times_ms: kept.iter().map(|row| time(*row)).collect(),
        figures: PathFigures {
            total_return: total_return(&equity),
            sharpe: ran.returns.as_deref().and_then(|values| sharpe(values, year)),
            max_drawdown: max_drawdown(&equity),
        },
        equity: kept.iter().filter_map(|row| equity.get(*row).copied()).collect(),
    }
}

/// Returns the figures of joined returns.
fn path_figures(joined: Option<&[f64]>, periods_per_year: f64) -> PathFigures {
    let curve = joined.map(|values| {
        let mut value = 1.0;
        let grown = values.iter().map(|one| {
            value *= 1.0 + one;
            value
        });
        std::iter::once(1.0).chain(grown).collect::<Vec<f64>>()
    });
    PathFigures {
        total_return: curve.as_deref().and_then(total_return),
        sharpe: joined.and_then(|values| sharpe(values, periods_per_year)),
        max_drawdown: curve.as_deref().and_then(max_drawdown),
    }
}

/// Returns the rows of a range, the data itself where that is all of them.
fn stretch(data: &MarketSeries, range: Range<usize>) -> Result<Cow<'_, MarketSeries>, EngineError> {
    if range == (0..rows(data)) {
        return Ok(Cow::Borrowed(data));
    }
    part(data, range).map(Cow::Owned)
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "further stretches", detail }
}
