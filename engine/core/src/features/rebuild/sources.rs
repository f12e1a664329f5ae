//! What each data set is made of: which raw files, what is left out, where it is cut.

use super::{Cut, Hashed, RawFile, Rebuilt, WarmUp, hashed, rebuild, unreadable};
use crate::error::EngineError;
use crate::market::parse::{CsvMapping, ImportOptions, MarketSeries, csv, import};
use crate::market::{Bar, BarSeries, bar};

/// The stock that was listed too late.
const LATE: &str = "DOW";

/// Rebuilds the 29 stocks of the index from 30 raw files: DOW is left out, train is 2012 to 2019, valid 2020, test 2021.
///
/// # Errors
/// Refuses a file that cannot be read, with its line and column, and stocks with different days.
pub fn dow_30(files: &[RawFile<'_>], warm_up: WarmUp) -> Result<Rebuilt, EngineError> {
    let mut series = Vec::new();
    for file in files {
        series.push(csv::parse(file.bytes, file.name, &CsvMapping::default()).map_err(unreadable)?);
    }
    let late: Vec<(String, String)> = series
        .iter()
        .filter(|one| one.instrument == LATE)
        .map(|one| (one.instrument.clone(), format!("{} days only", one.len())))
        .collect();
    series.retain(|one| one.instrument != LATE);
    series.sort_by(|left, right| left.instrument.cmp(&right.instrument));
    let cuts = [
        Cut::new("train", [2012, 1, 3], [2019, 12, 31]),
        Cut::new("valid", [2020, 1, 1], [2020, 12, 31]),
        Cut::new("test", [2021, 1, 1], [2021, 12, 31]),
    ];
    let rebuilt = rebuild(&series, &cuts, warm_up, files)?;
    Ok(Rebuilt { left_out: late, ..rebuilt })
}

/// Rebuilds the Bitcoin table from the raw history: the last day is left out. The tables are `data` (all of it) and the
/// published segments, of which test lies before valid.
///
/// # Errors
/// Refuses a file that cannot be read, with its line and column.
pub fn bitcoin(file: RawFile<'_>, warm_up: WarmUp) -> Result<Rebuilt, EngineError> {
    let series = csv::parse(file.bytes, file.name, &CsvMapping::default()).map_err(unreadable)?;
    let series = series.slice(0..series.len().saturating_sub(1));
    let cuts = [
        Cut::new("data", [2013, 4, 29], [2021, 7, 5]),
        Cut::new("train", [2014, 2, 23], [2016, 8, 10]),
        Cut::new("valid", [2019, 8, 16], [2020, 3, 2]),
        Cut::new("test", [2018, 4, 3], [2019, 6, 1]),
    ];
    rebuild(&[series], &cuts, warm_up, &[file])
}

/// Rebuilds exchange rates from a table with one row per day and one column per currency, in units per dollar, `ND`
/// where there is none: the price of a currency is 1 / rate. Only days with all currencies are kept, without the first.
/// `cuts` names the segments.
///
/// # Errors
/// Refuses a table without a time or with a rate that is neither a number above 0 nor `ND`, with line and column.
pub fn exchange_rates(
    file: RawFile<'_>,
    cuts: &[Cut],
    warm_up: WarmUp,
) -> Result<Rebuilt, EngineError> {
    let rates =
        crate::market::parse::wide::parse(file.bytes, file.name, &["ND"]).map_err(unreadable)?;
    let complete: Vec<usize> = (0..rates.time_ms.len())
        .filter(|row| rates.values.iter().all(|column| column[*row].is_some()))
        .skip(1)
        .collect();
    let mut series = Vec::new();
    for (name, column) in rates.names.iter().zip(&rates.values) {
        let mut one = BarSeries { instrument: name.clone(), ..BarSeries::default() };
        for row in &complete {
            let Some(price) = column[*row].map(|rate| 1.0 / rate) else { continue };
            one.push(&Bar {
                time_ms: rates.time_ms[*row],
                open: price,
                high: price,
                low: price,
                close: price,
                adjusted_close: price,
                volume: None,
            });
        }
        one.interval_seconds = bar::interval_seconds(&one.time_ms);
        one.validate().map_err(unreadable)?;
        series.push(one);
    }
    rebuild(&series, cuts, warm_up, &[file])
}

/// Rebuilds the stocks with several bars a day: those with a bar at every time are kept, the others left out.
///
/// # Errors
/// Refuses a file that cannot be read, with its line and column, and one in which no stock is complete.
pub fn intraday_50(file: RawFile<'_>, warm_up: WarmUp) -> Result<Rebuilt, EngineError> {
    let imported = import(file.bytes, file.name, &ImportOptions::default()).map_err(unreadable)?;
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    match imported.data {
        MarketSeries::Panel(panel) => {
            for column in 0..panel.width() {
                let one = panel.series(column);
                if one.len() == panel.rows() {
                    kept.push(one);
                } else {
                    let reason = format!("{} of {} bars", one.len(), panel.rows());
                    left_out.push((one.instrument, reason));
                }
            }
        }
        MarketSeries::Bars(bars) => kept.push(bars),
        MarketSeries::Trades(_) | MarketSeries::Book(_) => {}
    }
    kept.sort_by(|left, right| left.instrument.cmp(&right.instrument));
    let cuts = [
        Cut::new("train", [2016, 6, 1], [2019, 10, 27]),
        Cut::new("valid", [2019, 10, 28], [2020, 3, 29]),
        Cut::new("test", [2020, 3, 30], [2020, 8, 31]),
    ];
    let rebuilt = rebuild(&kept, &cuts, warm_up, &[file])?;
    Ok(Rebuilt { left_out, ..rebuilt })
}

/// Returns the hashes of raw files, to compare before a long computation.
#[must_use]
pub fn hashes(files: &[RawFile<'_>]) -> Vec<Hashed> {
    files.iter().map(hashed).collect()
}
