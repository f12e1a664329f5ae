//! Market regimes of a data set as one report. Labels use hindsight: for judging, never an input of a strategy.
//!
//! Deterministic: equal inputs give equal bytes. Reports progress and can be stopped between two segments.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::backtest::{OnProgress, Source};
use crate::config::LabellingConfig;
use crate::error::EngineError;
use crate::evaluation::thin;
use crate::labelling::{Labelling, Series, label_with};
use crate::market::{BarSeries, DataKind, MarketSeries};

/// Layout of the report.
const FORMAT: u32 = 1;
/// Steps of progress that one instrument counts.
const STEPS: u64 = 1_000;
/// Merge rounds after which progress stands still until the end; most series need fewer.
const ROUNDS_SHOWN: u64 = 10;

/// Everything a labelling depends on.
#[derive(Debug, Clone, Copy)]
pub struct LabellingInput<'a> {
    /// How to label.
    pub config: &'a LabellingConfig,
    /// What to label.
    pub data: &'a MarketSeries,
    /// Where the data comes from.
    pub source: Source<'a>,
    /// Version of the program, for the report.
    pub build: &'a str,
}

/// The regimes of every instrument of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabellingReport {
    /// Layout of this document; 1.
    pub format: u32,
    /// Name of the data set.
    pub dataset: String,
    /// SHA-256 of the data snapshot, lower-case hexadecimal.
    pub dataset_sha256: String,
    /// Whether the data is synthetic. Shown wherever a number is shown.
    pub synthetic: bool,
    /// Always true: labels know the future.
    pub hindsight: bool,
    /// Column that was labelled.
    pub column: String,
    /// The labelling as run.
    pub config: LabellingConfig,
    /// What belongs beside every label.
    pub remarks: Vec<String>,
    /// One entry per instrument.
    pub items: Vec<LabelledInstrument>,
    /// Version of the program that computed this.
    pub build: String,
}

/// The regimes of one instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelledInstrument {
    /// Its name.
    pub ticker: String,
    /// Rows that were labelled.
    pub row_count: usize,
    /// Number of labels asked for; 0 is the steepest fall.
    pub label_count: u32,
    /// Final boundaries: 0, first rows of later segments, number of rows.
    pub turning_points: Vec<usize>,
    /// Segments between them, in time order.
    pub segments: Vec<LabelledSegment>,
    /// Bounds of the slope between labels, per cent per row; none for the method `dtw`.
    pub thresholds: Vec<f64>,
    /// Rows that bear each label, 0 first.
    pub rows_per_label: Vec<usize>,
    /// Runs of consecutive rows of each label, 0 first.
    pub slices_per_label: Vec<usize>,
    /// Figures of each label that occurs.
    pub metrics: Vec<LabelFigures>,
    /// What is drawn.
    pub chart: LabelChart,
}

/// A stretch of rows with one label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelledSegment {
    /// First row.
    pub start: usize,
    /// Row after the last.
    pub end: usize,
    /// Time of the first row, milliseconds since 1970 UTC.
    pub from_ms: f64,
    /// Time of the last row.
    pub to_ms: f64,
    /// Slope, per cent of the first filtered value per row.
    pub slope: f64,
    /// The label.
    pub label: u32,
}

/// What the slices of one label look like: mean and population deviation over slices. Undefined is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelFigures {
    /// The label.
    pub label: u32,
    /// Slope per row as a share of the slice's first value.
    pub slope_mean: Option<f64>,
    /// Its deviation.
    pub slope_sd: Option<f64>,
    /// Rows.
    pub length_mean: Option<f64>,
    /// Their deviation.
    pub length_sd: Option<f64>,
    /// Steepest rise from a low, as a share per row.
    pub rise_mean: Option<f64>,
    /// Its deviation.
    pub rise_sd: Option<f64>,
    /// Largest fall from a high, as a share per row.
    pub fall_mean: Option<f64>,
    /// Its deviation.
    pub fall_sd: Option<f64>,
}

/// Curves of one length, thinned; the lowest and the highest value of each stretch are among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelChart {
    /// Times, milliseconds since 1970 UTC.
    pub times_ms: Vec<f64>,
    /// The column as it is.
    pub values: Vec<f64>,
    /// The column after the filter.
    pub filtered: Vec<f64>,
    /// Label of each point.
    pub labels: Vec<u32>,
}

/// Returns the columns that can be labelled of data of this kind, the usual one first.
#[must_use]
pub fn columns_of(kind: DataKind) -> &'static [&'static str] {
    match kind {
        DataKind::Bars | DataKind::Panel => &["adjcp", "close", "open", "high", "low"],
        DataKind::Trades => &["price"],
        DataKind::Book => &["midpoint", "bid1_price", "ask1_price"],
    }
}

/// Labels every instrument of the data.
///
/// # Errors
/// Refuses a column that the data does not have, and data of which no instrument can be labelled; ends with `Cancelled`
/// when progress says so.
pub fn run(
    input: &LabellingInput<'_>,
    progress: &mut OnProgress<'_>,
) -> Result<LabellingReport, EngineError> {
    let columns = columns(input.data, &input.config.indicator)?;
    let mut remarks = remarks(input);
    let mut items = Vec::with_capacity(columns.len());
    let mut first_refusal = None;
    let of = STEPS * columns.len() as u64;
    for (place, column) in columns.iter().enumerate() {
        let begun = STEPS * place as u64;
        let labelled = label_with(&column.series(), input.config, &mut |found| {
            progress(begun + steps(found), of)
        });
        match labelled {
            Ok(labelling) => items.push(item(column, &labelling, input.config.label_count)),
            Err(EngineError::Cancelled) => return Err(EngineError::Cancelled),
            Err(error) => {
                remarks.push(format!("{} was left out: {error}", column.ticker));
                first_refusal.get_or_insert(error);
            }
        }
        if progress(begun + STEPS, of).is_break() {
            return Err(EngineError::Cancelled);
        }
    }
    if items.is_empty() {
        return Err(first_refusal.unwrap_or_else(|| refused("there is no instrument".to_owned())));
    }
    Ok(LabellingReport {
        format: FORMAT,
        dataset: input.source.name.to_owned(),
        dataset_sha256: input.source.sha256.to_owned(),
        synthetic: input.source.synthetic,
        hindsight: true,
        column: input.config.indicator.clone(),
        config: input.config.clone(),
        remarks,
        items,
        build: input.build.to_owned(),
    })
}

/// How much of one instrument is done, 0 to [`STEPS`].
fn steps(progress: crate::labelling::Progress) -> u64 {
    let rounds = u64::from(progress.round.saturating_sub(1)).min(ROUNDS_SHOWN - 1);
    let within =
        STEPS / ROUNDS_SHOWN * progress.segments_done as u64 / (progress.segments as u64).max(1);
    (rounds * STEPS / ROUNDS_SHOWN + within).min(STEPS)
}

/// One instrument's rows.
struct Column<'a> {
    ticker: String,
    times_ms: Cow<'a, [i64]>,
    values: Cow<'a, [f64]>,
    /// Increases from row to row; absent where several rows may share a time.
    order: Option<Vec<i128>>,
}

impl Column<'_> {
    fn series(&self) -> Series<'_> {
        Series { ticker: &self.ticker, values: &self.values, order: self.order.as_deref() }
    }
}

fn order(times_ms: &[i64]) -> Option<Vec<i128>> {
    Some(times_ms.iter().map(|time| i128::from(*time)).collect())
}

fn columns<'a>(data: &'a MarketSeries, column: &str) -> Result<Vec<Column<'a>>, EngineError> {
    Ok(match data {
        MarketSeries::Bars(bars) => vec![of_bars(Cow::Borrowed(bars), column)?],
        MarketSeries::Panel(panel) => (0..panel.width())
            .map(|place| of_bars(Cow::Owned(panel.series(place)), column))
            .collect::<Result<_, _>>()?,
        MarketSeries::Trades(trades) => {
            if column != "price" {
                return Err(unknown(DataKind::Trades, column));
            }
            vec![Column {
                ticker: trades.instrument.clone(),
                times_ms: trades.time_us.iter().map(|time| time.div_euclid(1_000)).collect(),
                values: Cow::Borrowed(&trades.price),
                order: None,
            }]
        }
        MarketSeries::Book(book) => {
            let best = |prices: &[f64]| -> Vec<f64> {
                prices.iter().step_by(book.levels.max(1)).copied().collect()
            };
            let values = match column {
                "midpoint" => (0..book.len()).map(|row| book.mid(row)).collect(),
                "bid1_price" => best(&book.bid_price),
                "ask1_price" => best(&book.ask_price),
                _ => return Err(unknown(DataKind::Book, column)),
            };
            vec![Column {
                ticker: book.instrument.clone(),
                times_ms: Cow::Borrowed(&book.time_ms),
                values: Cow::Owned(values),
                order: order(&book.time_ms),
            }]
        }
    })
}

fn of_bars<'a>(bars: Cow<'a, BarSeries>, column: &str) -> Result<Column<'a>, EngineError> {
    let order = order(&bars.time_ms);
    let ticker = bars.instrument.clone();
    match bars {
        Cow::Borrowed(bars) => {
            let values = Cow::Borrowed(prices(bars, column)?.as_slice());
            Ok(Column { ticker, times_ms: Cow::Borrowed(&bars.time_ms), values, order })
        }
        Cow::Owned(bars) => {
            let values = Cow::Owned(prices(&bars, column)?.clone());
            Ok(Column { ticker, times_ms: Cow::Owned(bars.time_ms), values, order })
        }
    }
}

fn prices<'a>(bars: &'a BarSeries, column: &str) -> Result<&'a Vec<f64>, EngineError> {
    match column {
        "adjcp" => Ok(&bars.adjusted_close),
        "close" => Ok(&bars.close),
        "open" => Ok(&bars.open),
        "high" => Ok(&bars.high),
        "low" => Ok(&bars.low),
        _ => Err(unknown(DataKind::Bars, column)),
    }
}

fn unknown(kind: DataKind, column: &str) -> EngineError {
    refused(format!(
        "wanted as `indicator` one of {} for data of the kind {}; found '{column}'",
        columns_of(kind).join(", "),
        kind.name()
    ))
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "labelling", detail }
}

fn remarks(input: &LabellingInput<'_>) -> Vec<String> {
    let mut remarks = vec![
        "Labels use hindsight: they are for judging results, never an input of a strategy."
            .to_owned(),
    ];
    if input.source.synthetic {
        remarks.push("The data is synthetic: it says nothing about any market.".to_owned());
    }
    if input.config.truth == crate::config::Truth::Faithful {
        remarks.push(
            "Faithful to the reference system, its errors included: for verification only."
                .to_owned(),
        );
    }
    remarks
}

fn item(column: &Column<'_>, labelling: &Labelling, label_count: u32) -> LabelledInstrument {
    let time = |row: usize| column.times_ms.get(row).map_or(0.0, |time| *time as f64);
    let bounds = labelling.turning_points.windows(2);
    let named = labelling.slopes.iter().zip(&labelling.segment_labels);
    let segments = bounds.zip(named).map(|(ends, (slope, label))| LabelledSegment {
        start: ends[0],
        end: ends[1],
        from_ms: time(ends[0]),
        to_ms: time(ends[1] - 1),
        slope: *slope,
        label: *label,
    });
    let of_label = |label: u32| labelling.slices.iter().find(|slices| slices.label == label);
    let count = |part: &dyn Fn(&crate::labelling::LabelSlices) -> usize| {
        (0..label_count).map(|label| of_label(label).map_or(0, part)).collect()
    };
    LabelledInstrument {
        ticker: column.ticker.clone(),
        row_count: labelling.row_count,
        label_count,
        turning_points: labelling.turning_points.clone(),
        segments: segments.collect(),
        thresholds: labelling.thresholds.clone(),
        rows_per_label: count(&|slices| slices.row_count),
        slices_per_label: count(&|slices| slices.slices.len()),
        metrics: figures(labelling),
        chart: chart(column, labelling),
    }
}

fn figures(labelling: &Labelling) -> Vec<LabelFigures> {
    let pairs = labelling.slices.iter().zip(&labelling.metrics);
    let figure =
        |(slices, found): (&crate::labelling::LabelSlices, &crate::labelling::LabelStatistics)| {
            let [
                slope_mean,
                slope_sd,
                length_mean,
                length_sd,
                rise_mean,
                rise_sd,
                fall_mean,
                fall_sd,
                ..,
            ] = found.values;
            LabelFigures {
                label: slices.label,
                slope_mean,
                slope_sd,
                length_mean,
                length_sd,
                rise_mean,
                rise_sd,
                fall_mean,
                fall_sd,
            }
        };
    pairs.map(figure).collect()
}

fn chart(column: &Column<'_>, labelling: &Labelling) -> LabelChart {
    let kept = thin::points(&[&column.values], labelling.row_count, thin::POINTS_MAX);
    fn at<T: Copy>(values: &[T], kept: &[usize]) -> Vec<T> {
        kept.iter().filter_map(|row| values.get(*row).copied()).collect()
    }
    LabelChart {
        times_ms: at(&column.times_ms, &kept).into_iter().map(|time| time as f64).collect(),
        values: at(&column.values, &kept),
        filtered: at(&labelling.filtered, &kept),
        labels: at(&labelling.labels, &kept),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::market::{BarPanel, Join, synthetic};

    fn source<'a>() -> Source<'a> {
        Source { name: "s", sha256: "00", synthetic: true }
    }

    fn input<'a>(config: &'a LabellingConfig, data: &'a MarketSeries) -> LabellingInput<'a> {
        LabellingInput { config, data, source: source(), build: "test" }
    }

    fn labelled(
        config: &LabellingConfig,
        data: &MarketSeries,
    ) -> Result<LabellingReport, EngineError> {
        run(&input(config, data), &mut |_, _| ControlFlow::Continue(()))
    }

    #[test]
    fn every_row_has_one_label_and_the_report_says_what_the_labeller_says() {
        let bars = synthetic::generate(7, 12_000);
        let config = LabellingConfig::default();
        let direct = crate::labelling::label(
            &Series { ticker: &bars.instrument, values: &bars.adjusted_close, order: None },
            &config,
        )
        .unwrap();
        let data = MarketSeries::Bars(bars);
        let report = labelled(&config, &data).unwrap();
        let [item] = report.items.as_slice() else { panic!("{}", report.items.len()) };
        assert_eq!(item.turning_points, direct.turning_points);
        assert_eq!(item.rows_per_label.iter().sum::<usize>(), 12_000);
        assert_eq!(item.segments.last().map(|last| last.end), Some(12_000));
        assert!(item.chart.values.len() <= thin::POINTS_MAX && 4_000 < item.chart.values.len());
        for segment in &item.segments {
            assert!(direct.labels[segment.start..segment.end].iter().all(|l| *l == segment.label));
        }
        assert!(report.hindsight && report.remarks.len() == 2, "{:?}", report.remarks);
        assert_eq!(
            serde_json::to_vec(&report).unwrap(),
            serde_json::to_vec(&labelled(&config, &data).unwrap()).unwrap()
        );
    }

    #[test]
    fn a_panel_is_labelled_instrument_by_instrument_and_what_cannot_be_is_named() {
        let mut short = synthetic::generate(2, 100);
        short = short.slice(0..10);
        short.instrument = "SHORT".to_owned();
        let mut long = synthetic::generate(1, 400);
        long.instrument = "LONG".to_owned();
        let panel = BarPanel::join(&[long, short], Join::Outer).unwrap();
        let report = labelled(&LabellingConfig::default(), &MarketSeries::Panel(panel)).unwrap();
        assert_eq!(report.items.len(), 1);
        assert!(report.remarks.iter().any(|text| text.starts_with("SHORT was left out")));
    }

    #[test]
    fn a_column_that_the_data_lacks_is_refused_with_those_it_has() {
        let data = MarketSeries::Bars(synthetic::generate(1, 200));
        let config =
            LabellingConfig { indicator: "midpoint".to_owned(), ..LabellingConfig::default() };
        let error = labelled(&config, &data).unwrap_err().to_string();
        assert!(
            error.contains("adjcp, close, open, high, low") && error.contains("midpoint"),
            "{error}"
        );
    }

    #[test]
    fn it_ends_when_it_is_told_to_and_never_counts_backwards() {
        let data = MarketSeries::Bars(synthetic::generate(1, 5_000));
        let config = LabellingConfig::default();
        let stopped = run(&input(&config, &data), &mut |_, _| ControlFlow::Break(()));
        assert!(matches!(stopped, Err(EngineError::Cancelled)));
        let mut last = 0;
        run(&input(&config, &data), &mut |done, of| {
            assert!(last <= done && done <= of, "{last} {done} {of}");
            last = done;
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(last, STEPS);
    }
}
