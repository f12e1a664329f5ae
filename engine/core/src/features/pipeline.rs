//! Named features in order, fed together; the only match over feature sets and entries of lists.

use super::alpha158::Alpha158;
use super::calendar::{Calendar, CalendarCycle};
use super::candle::Candle;
use super::expression::Formulas;
use super::momentum::{Cci, Macd, Momentum, Roc, Rsi, Stochastic, WilliamsR};
use super::moving_average::{Dema, Ema, Kama, Sma, Wma};
use super::ratio::{AgainstClose, CloseReturn, MeanAgainstToday, Price, Raw};
use super::returns::{LogReturn, SimpleReturn};
use super::trend::Adx;
use super::volatility::{Atr, Bollinger, Donchian, Keltner, RealisedVolatility};
use super::volume::{Chaikin, ChaikinMoneyFlow, Mfi, Obv, SessionVwap, Vwap};
use super::{Block, Feature};
use crate::config::{FeatureItem, FeatureSet, FeaturesConfig, Truth};
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;
use crate::market::{Bar, BarSeries, DataError};

/// Windows of the averages, in bars.
const MEAN_BARS: [usize; 6] = [5, 10, 15, 20, 25, 30];
/// No feature fills its window for longer.
const WARMUP_ROWS_MAX: usize = 50_000;

/// Features of a whole series.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureFrame {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Number of columns.
    pub width: usize,
    /// Number of rows: one per bar.
    pub rows: usize,
    /// Rows at the start before every feature has been defined once; undefined cells are NaN. Nobody may read them: use
    /// [`row`](Self::row).
    pub warmup_rows: usize,
    /// `[rows, width]`, row by row. After the warm-up a value that is not defined at its bar (a correlation with what
    /// does not vary) is the last one that was.
    pub values: Vec<f64>,
}

impl FeatureFrame {
    /// Returns the features at a bar; absent in the warm-up and beyond the end.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<&[f64]> {
        if index < self.warmup_rows {
            return None;
        }
        self.values.get(index.checked_mul(self.width)?..)?.get(..self.width)
    }
}

/// Features fed bar by bar.
pub struct Pipeline {
    blocks: Vec<Box<dyn Block>>,
    /// The last defined value of each column.
    last: Vec<Option<f64>>,
}

impl Pipeline {
    /// Returns the features of `set`, empty.
    #[must_use]
    pub fn new(set: FeatureSet) -> Self {
        Self::of(blocks_of(set))
    }

    /// Returns the features that a configuration chooses, empty: its list, or its set where there is no list.
    ///
    /// # Errors
    /// Refuses a formula that cannot be read, with the place of the mistake, and a column named twice.
    pub fn from_config(config: &FeaturesConfig) -> Result<Self, EngineError> {
        if config.list.is_empty() {
            return Ok(Self::new(config.set));
        }
        let mut blocks = Vec::new();
        // Formulas that follow each other are one program, so that what they share is computed once.
        let mut formulas = Vec::new();
        for item in &config.list {
            if let FeatureItem::Expression(formula) = item {
                formulas.push((formula.column.clone(), formula.text.clone()));
                continue;
            }
            flush(&mut formulas, &mut blocks)?;
            blocks.extend(blocks_of_item(item));
        }
        flush(&mut formulas, &mut blocks)?;
        let pipeline = Self::of(blocks);
        let mut names = pipeline.names();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(EngineError::Refused {
                what: "features",
                detail: format!(
                    "wanted each column once; found '{}' twice. Remove one of the two entries",
                    pair[0]
                ),
            });
        }
        Ok(pipeline)
    }

    fn of(blocks: Vec<Box<dyn Block>>) -> Self {
        let width = blocks.iter().map(|block| block.names().len()).sum();
        Self { blocks, last: vec![None; width] }
    }

    /// Returns the names of the columns, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.blocks.iter().flat_map(|block| block.names()).collect()
    }

    /// Takes the next bar and appends one value per feature to `row`; absent until it has been defined once. A value
    /// that is not defined at this bar is the last one that was.
    pub fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        let start = row.len();
        self.update_raw(bar, row);
        for (cell, last) in row[start..].iter_mut().zip(&mut self.last) {
            match cell {
                Some(value) => *last = Some(*value),
                None => *cell = *last,
            }
        }
    }

    /// Takes the next bar and appends one value per feature to `row`; absent wherever it is not defined.
    pub fn update_raw(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        let start = row.len();
        for block in &mut self.blocks {
            block.update(bar, row);
        }
        for cell in &mut row[start..] {
            *cell = cell.filter(|value| value.is_finite());
        }
    }

    /// Returns the columns that a batch fills with their last value: they look ahead, as the reference does.
    #[must_use]
    pub fn looks_ahead(&self) -> Vec<usize> {
        let mut first = 0;
        let mut columns = Vec::new();
        for block in &self.blocks {
            columns.extend(block.looks_ahead().iter().map(|column| first + column));
            first += block.names().len();
        }
        columns
    }
}

fn flush(
    formulas: &mut Vec<(String, String)>,
    blocks: &mut Vec<Box<dyn Block>>,
) -> Result<(), EngineError> {
    if !formulas.is_empty() {
        blocks.push(Box::new(Formulas::new(formulas)?));
        formulas.clear();
    }
    Ok(())
}

fn blocks_of(set: FeatureSet) -> Vec<Box<dyn Block>> {
    match set {
        FeatureSet::Classic16 => {
            let prices = [Price::High, Price::Low, Price::Open, Price::Close, Price::AdjustedClose];
            let mut blocks: Vec<Box<dyn Block>> = Vec::new();
            for price in prices {
                blocks.push(Box::new(Raw(price)));
            }
            blocks.extend(classic());
            blocks
        }
        FeatureSet::Classic11 => classic(),
        FeatureSet::Alpha158 => vec![Box::new(Alpha158::new(Truth::Corrected, true))],
        FeatureSet::Alpha158Price => vec![Box::new(Alpha158::new(Truth::Corrected, false))],
    }
}

fn classic() -> Vec<Box<dyn Block>> {
    let mut blocks: Vec<Box<dyn Block>> = Vec::new();
    for price in [Price::Open, Price::High, Price::Low, Price::AdjustedClose] {
        blocks.push(Box::new(AgainstClose(price)));
    }
    blocks.push(Box::new(CloseReturn::default()));
    for bars in MEAN_BARS {
        blocks.push(Box::new(MeanAgainstToday::new(bars)));
    }
    blocks
}

fn blocks_of_item(item: &FeatureItem) -> Vec<Box<dyn Block>> {
    match item {
        FeatureItem::Classic16(_) => blocks_of(FeatureSet::Classic16),
        FeatureItem::Classic11(_) => blocks_of(FeatureSet::Classic11),
        // Formulas are gathered by the caller.
        FeatureItem::Expression(_) => Vec::new(),
        FeatureItem::Alpha158(set) => vec![Box::new(Alpha158::new(set.truth, set.volume))],
        FeatureItem::Macd(macd) => {
            vec![Box::new(Macd::new(bars(macd.fast), bars(macd.slow), bars(macd.signal)))]
        }
        FeatureItem::Stochastic(place) => vec![Box::new(Stochastic::new(
            bars(place.window),
            bars(place.smooth),
            bars(place.signal),
        ))],
        FeatureItem::Bollinger(bands) => {
            vec![Box::new(Bollinger::new(bars(bands.window), bands.width))]
        }
        FeatureItem::Keltner(bands) => {
            vec![Box::new(Keltner::new(bars(bands.window), bands.width))]
        }
        FeatureItem::Chaikin(flow) => {
            vec![Box::new(Chaikin::new(bars(flow.fast), bars(flow.slow)))]
        }
        FeatureItem::Adx(of) => vec![Box::new(Adx::new(bars(of.window)))],
        FeatureItem::Donchian(of) => vec![Box::new(Donchian::new(bars(of.window)))],
        FeatureItem::Candle(_) => vec![Box::new(Candle::default())],
        FeatureItem::Calendar(_) => vec![Box::new(Calendar)],
        FeatureItem::CalendarCycle(_) => vec![Box::new(CalendarCycle)],
        FeatureItem::SimpleReturn(of) => one(SimpleReturn::new(bars(of.window))),
        FeatureItem::LogReturn(of) => one(LogReturn::new(bars(of.window))),
        FeatureItem::Sma(of) => one(Sma::new(bars(of.window))),
        FeatureItem::Ema(of) => one(Ema::new(bars(of.window))),
        FeatureItem::Wma(of) => one(Wma::new(bars(of.window))),
        FeatureItem::Dema(of) => one(Dema::new(bars(of.window))),
        FeatureItem::Kama(of) => one(Kama::new(bars(of.window))),
        FeatureItem::Rsi(of) => one(Rsi::new(bars(of.window))),
        FeatureItem::WilliamsR(of) => one(WilliamsR::new(bars(of.window))),
        FeatureItem::Cci(of) => one(Cci::new(bars(of.window))),
        FeatureItem::Roc(of) => one(Roc::new(bars(of.window))),
        FeatureItem::Momentum(of) => one(Momentum::new(bars(of.window))),
        FeatureItem::Atr(of) => one(Atr::new(bars(of.window))),
        FeatureItem::Volatility(of) => one(RealisedVolatility::new(of.estimator, bars(of.window))),
        FeatureItem::Obv(_) => one(Obv::default()),
        FeatureItem::Vwap(of) => one(Vwap::new(bars(of.window))),
        FeatureItem::VwapSession(_) => one(SessionVwap::default()),
        FeatureItem::Mfi(of) => one(Mfi::new(bars(of.window))),
        FeatureItem::ChaikinMoneyFlow(of) => one(ChaikinMoneyFlow::new(bars(of.window))),
    }
}

fn one(feature: impl Feature + 'static) -> Vec<Box<dyn Block>> {
    vec![Box::new(feature)]
}

fn bars(window: u32) -> usize {
    window as usize
}

/// Returns the names of the columns of `set`, in order.
#[must_use]
pub fn names(set: FeatureSet) -> Vec<String> {
    Pipeline::new(set).names()
}

/// Returns the names of the columns that a configuration chooses, in order.
///
/// # Errors
/// As [`Pipeline::from_config`].
pub fn names_of(config: &FeaturesConfig) -> Result<Vec<String>, EngineError> {
    Ok(Pipeline::from_config(config)?.names())
}

/// Returns how many rows at the start of a series have a feature of `set` that is not defined yet, for series that are
/// long enough to have more.
#[must_use]
pub fn warmup_rows(set: FeatureSet) -> usize {
    warmup(Pipeline::new(set))
}

/// Returns the same for what a configuration chooses.
///
/// # Errors
/// As [`Pipeline::from_config`].
pub fn warmup_rows_of(config: &FeaturesConfig) -> Result<usize, EngineError> {
    Ok(warmup(Pipeline::from_config(config)?))
}

/// Returns the names of the columns that look ahead among those that a configuration chooses; none but of `faithful` sets.
///
/// # Errors
/// As [`Pipeline::from_config`].
pub fn looks_ahead_of(config: &FeaturesConfig) -> Result<Vec<String>, EngineError> {
    let pipeline = Pipeline::from_config(config)?;
    let names = pipeline.names();
    Ok(pipeline.looks_ahead().into_iter().filter_map(|column| names.get(column).cloned()).collect())
}

/// Feeds bars that move up and down and never repeat themselves, so that whatever is absent is absent because its
/// window fills. A series that stands still at its start warms up for longer.
fn warmup(mut pipeline: Pipeline) -> usize {
    let mut row = Vec::new();
    let mut filling = |index: &usize| {
        row.clear();
        pipeline.update(&lively(*index), &mut row);
        row.iter().any(Option::is_none)
    };
    (0..WARMUP_ROWS_MAX).take_while(|index| filling(index)).count()
}

#[expect(clippy::cast_precision_loss, reason = "warm-ups are short")]
#[expect(clippy::cast_possible_wrap, reason = "warm-ups are short")]
fn lively(index: usize) -> Bar {
    // Multiples of an irrational number, modulo 1: no two alike, none following the other.
    let chance = |offset: f64| (index as f64 * 0.618_033_988_749_894_9 + offset).fract();
    let (open, close) = (100.0 + chance(0.1), 100.0 + chance(0.4));
    Bar {
        time_ms: index as i64 * 3_600_000,
        open,
        high: open.max(close) + 0.1 + chance(0.7),
        low: open.min(close) - 0.1 - chance(0.2),
        close,
        adjusted_close: close,
        volume: Some(1000.0 + 100.0 * chance(0.9)),
    }
}

/// Returns the features of every bar: the streaming features, fed in order. Row t depends on bars up to t only.
#[must_use]
pub fn frame(series: &BarSeries, set: FeatureSet) -> FeatureFrame {
    run(series, Pipeline::new(set))
}

/// Returns the features that a configuration chooses, of every bar. Row t depends on bars up to t only, but for the
/// columns that [`Pipeline::looks_ahead`] names.
///
/// # Errors
/// As [`Pipeline::from_config`].
pub fn frame_of(series: &BarSeries, config: &FeaturesConfig) -> Result<FeatureFrame, EngineError> {
    Ok(run(series, Pipeline::from_config(config)?))
}

fn run(series: &BarSeries, mut pipeline: Pipeline) -> FeatureFrame {
    let names = pipeline.names();
    let width = names.len();
    let mut values = Vec::with_capacity(series.len() * width);
    let mut warmup_rows = 0;
    let mut row = Vec::with_capacity(width);
    for (index, bar) in series.bars().enumerate() {
        row.clear();
        pipeline.update(&bar, &mut row);
        if row.iter().any(Option::is_none) {
            warmup_rows = index + 1;
        }
        values.extend(row.iter().map(|value| value.unwrap_or(f64::NAN)));
    }
    for column in pipeline.looks_ahead() {
        let last = values.get((series.len().saturating_sub(1)) * width + column).copied();
        for cell in values.iter_mut().skip(column).step_by(width) {
            *cell = last.unwrap_or(f64::NAN);
        }
    }
    FeatureFrame { names, width, rows: series.len(), warmup_rows, values }
}

/// Returns the features as the reference system wrote them beside its prices, filled warm-up rows included. For
/// comparison with its published figures; everything else uses [`frame`].
///
/// # Errors
/// Refuses a table in which a column of the set is absent.
pub fn from_table(table: &ReferenceTable, set: FeatureSet) -> Result<FeatureFrame, DataError> {
    let names = names(set);
    let columns =
        names.iter().map(|name| table.column(name)).collect::<Result<Vec<&[f64]>, _>>()?;
    let rows = table.len();
    let values = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    Ok(FeatureFrame { width: names.len(), names, rows, warmup_rows: 0, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::synthetic;

    #[test]
    fn the_warm_up_of_a_set_is_that_of_its_frame() {
        for (set, rows) in [
            (FeatureSet::Classic16, 29),
            (FeatureSet::Classic11, 29),
            (FeatureSet::Alpha158, 60),
            (FeatureSet::Alpha158Price, 60),
        ] {
            let frame = frame(&synthetic::generate(5, 200), set);
            assert_eq!(warmup_rows(set), frame.warmup_rows, "{set:?}");
            assert_eq!(rows, frame.warmup_rows);
        }
    }

    #[test]
    fn what_is_not_defined_for_a_while_keeps_its_last_value() {
        let mut bars = synthetic::generate(5, 80);
        for row in 40..60 {
            for column in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
                column[row] = 7.0;
            }
        }
        let config = FeaturesConfig {
            list: vec![FeatureItem::WilliamsR(crate::config::feature_list::FourteenBars {
                window: 5,
            })],
            ..FeaturesConfig::default()
        };
        let frame = frame_of(&bars, &config).unwrap();
        assert_eq!(frame.warmup_rows, 4);
        let mut raw = Pipeline::from_config(&config).unwrap();
        for (index, bar) in bars.bars().enumerate().skip(4) {
            let mut row = Vec::new();
            raw.update_raw(&bar, &mut row);
            if (44..60).contains(&index) {
                assert_eq!(row, [None], "row {index} has no range");
                assert_eq!(frame.row(index), frame.row(43));
            }
        }
    }

    #[test]
    fn refuses_a_column_named_twice() {
        let rsi = || FeatureItem::Rsi(crate::config::feature_list::FourteenBars::default());
        let config = FeaturesConfig { list: vec![rsi(), rsi()], ..FeaturesConfig::default() };
        let error = names_of(&config).unwrap_err().to_string();
        assert!(error.contains("'rsi_14' twice"), "{error}");
    }
}
