//! Findings about single trades and order books.

use super::statistics::{deviation_from, median};
use super::{Check, Finding, Severity, plural, show_span};
use crate::market::bar::show_time;
use crate::market::book::BookSeries;
use crate::market::tick::{Aggressor, TradeSeries};

/// A pause this many times the usual step is told.
const PAUSE_STEPS: f64 = 100.0;
/// Steps within less than this are no pause, whatever the usual step is.
const PAUSE_SECONDS_MIN: f64 = 60.0;
/// A return farther from the median than this many median deviations is an outlier.
const OUTLIER_DEVIATIONS: f64 = 50.0;
/// This many equal snapshots in a row are told.
const STALE_SNAPSHOTS: usize = 20;

/// Returns everything there is to know about trades.
pub(super) fn of_trades(trades: &TradeSeries) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(pauses(&trades.time_us, 1e6));
    found.extend(outliers(&trades.price, &trades.time_us, 1000));
    let repeated: Vec<usize> = (1..trades.len()).filter(|row| repeats(trades, *row)).collect();
    if !repeated.is_empty() {
        let message = format!(
            "{} trade{} repeat the one before in time, price, quantity and side: one order filled in parts, or a \
             recording that doubled",
            repeated.len(),
            plural(repeated.len())
        );
        let finding = Finding::new(Check::Duplicates, Severity::Info, message);
        found.push(finding.at(repeated.into_iter()));
    }
    let unknown = trades.aggressor.iter().filter(|side| **side == Aggressor::Unknown).count();
    if 0 < unknown {
        let message =
            format!("{unknown} trade{} do not tell who crossed the spread", plural(unknown));
        let finding = Finding::new(Check::Completeness, Severity::Info, message);
        found.push(Finding { count: unknown as u64, ..finding });
    }
    found.into_iter().map(|finding| finding.of(&trades.instrument)).collect()
}

#[expect(clippy::float_cmp, reason = "a repeated row repeats its numbers")]
fn repeats(trades: &TradeSeries, row: usize) -> bool {
    trades.time_us[row] == trades.time_us[row - 1]
        && trades.price[row] == trades.price[row - 1]
        && trades.quantity[row] == trades.quantity[row - 1]
        && trades.aggressor[row] == trades.aggressor[row - 1]
}

/// Returns everything there is to know about an order book.
pub(super) fn of_book(book: &BookSeries) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(pauses(&book.time_ms, 1000.0));
    let mids: Vec<f64> = (0..book.len()).map(|row| book.mid(row)).collect();
    found.extend(outliers(&mids, &book.time_ms, 1));
    let empty: Vec<usize> = (0..book.len())
        .filter(|row| {
            [book.bids(*row), book.asks(*row)].iter().any(|side| side.size.contains(&0.0))
        })
        .collect();
    if !empty.is_empty() {
        let message =
            format!("{} snapshot{} with an empty level", empty.len(), plural(empty.len()));
        let finding = Finding::new(Check::Book, Severity::Info, message);
        found.push(finding.at(empty.into_iter()));
    }
    let same = |row: &usize| {
        book.bids(*row) == book.bids(row - 1) && book.asks(*row) == book.asks(row - 1)
    };
    let rows: Vec<usize> = (1..book.len()).filter(same).collect();
    let longest = rows.chunk_by(|left, right| left + 1 == *right).map(<[usize]>::len).max();
    if let Some(longest) = longest.filter(|longest| STALE_SNAPSHOTS <= *longest) {
        let message = format!(
            "the book stands still in {} snapshots, up to {longest} in a row: a feed that stopped?",
            rows.len()
        );
        let finding = Finding::new(Check::StalePrices, Severity::Warning, message);
        found.push(finding.at(rows.into_iter()));
    }
    found.into_iter().map(|finding| finding.of(&book.instrument)).collect()
}

/// Long steps among times that count `unit` to the second.
#[expect(clippy::cast_precision_loss, reason = "steps of decades are far below 2^53")]
fn pauses(times: &[i64], unit: f64) -> Option<Finding> {
    let steps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / unit).collect();
    let usual = median(steps.clone())?;
    let limit = (usual * PAUSE_STEPS).max(PAUSE_SECONDS_MIN);
    let rows: Vec<usize> =
        (0..steps.len()).filter(|row| limit < steps[*row]).map(|row| row + 1).collect();
    let longest =
        *rows.iter().max_by(|left, right| steps[**left - 1].total_cmp(&steps[**right - 1]))?;
    let message = format!(
        "{} pause{} of more than {}, the longest of {}",
        rows.len(),
        plural(rows.len()),
        show_span(limit),
        show_span(steps[longest - 1])
    );
    Some(Finding::new(Check::Gaps, Severity::Warning, message).at(rows.into_iter()))
}

/// Prices that leap; times count `per_ms` to the millisecond.
fn outliers(prices: &[f64], times: &[i64], per_ms: i64) -> Option<Finding> {
    let returns: Vec<f64> = prices.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
    let moved: Vec<f64> = returns.iter().copied().filter(|step| *step != 0.0).collect();
    let centre = median(moved.clone())?;
    let deviation = deviation_from(&moved, centre).filter(|deviation| 0.0 < *deviation)?;
    let far = |row: &usize| OUTLIER_DEVIATIONS * deviation < (returns[*row] - centre).abs();
    let rows: Vec<usize> = (0..returns.len()).filter(far).map(|row| row + 1).collect();
    let first = *rows.first()?;
    let message = format!(
        "{} price{} leap by more than {OUTLIER_DEVIATIONS} median deviations, first at {}",
        rows.len(),
        plural(rows.len()),
        show_time(times[first] / per_ms)
    );
    Some(Finding::new(Check::Outliers, Severity::Info, message).at(rows.into_iter()))
}
