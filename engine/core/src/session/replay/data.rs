//! The rows of a file that a corrected replay runs over, as the data of its task. Trades nothing.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::setup::{CorrectedOptions, Setup};
use super::{ReplayEnvironment, refused};
use crate::config::{EnvironmentConfig, SplitConfig, StrategyConfig};
use crate::environment::{
    BookData, MarketData, PanelData, TaskData, check_kind, depth_features, pooled,
};
use crate::error::EngineError;
use crate::features::{FeatureFrame, Normaliser, frame_of, looks_ahead_of};
use crate::market::panel::Join;
use crate::market::{BarPanel, DataError, MarketSeries};

/// What a replay runs on.
#[derive(Debug, Clone)]
pub(super) struct Prepared<'a> {
    /// Environment, costs and limits.
    pub(super) strategy: StrategyConfig,
    /// The whole data, rows before the first one included.
    pub(super) whole: Cow<'a, MarketSeries>,
    /// The rows that are replayed.
    pub(super) data: TaskData,
    /// Names of the instruments.
    pub(super) instruments: Vec<String>,
    /// Names of the features.
    pub(super) features: Vec<String>,
}

impl Prepared<'_> {
    /// Returns the times of the rows that are replayed, in milliseconds.
    pub(super) fn times(&self) -> &[i64] {
        match &self.data {
            TaskData::Bars(bars) => bars.time_ms(),
            TaskData::Panel(panel) => panel.time_ms(),
            TaskData::Book(book) => &book.book().time_ms,
        }
    }
}

/// Cuts the data, computes features where they are wanted, and completes the strategy.
pub(super) fn prepare<'a>(
    environment: ReplayEnvironment,
    setup: Setup,
    data: &'a MarketSeries,
    options: &CorrectedOptions,
) -> Result<Prepared<'a>, EngineError> {
    let whole = fitting(&setup.strategy.environment, data)?;
    check_kind(&setup.strategy.environment, whole.kind())?;
    whole.validate().map_err(|error| refused(error.to_string()))?;
    let observed = setup.observed.then_some(&setup.strategy);
    let instruments = whole.instruments();
    let (strategy, data, features) = match whole.as_ref() {
        MarketSeries::Bars(bars) => {
            let frame = observed.map_or_else(
                || Ok(nothing(bars.len())),
                |strategy| {
                    refuse_look_ahead(strategy)?;
                    frame_of(bars, &strategy.features)
                },
            )?;
            let rows = rows(options, bars.len(), frame.warmup_rows)?;
            let mut frame = frame;
            if let Some(strategy) = observed {
                scale(
                    strategy,
                    &frame.clone(),
                    first_part(&rows),
                    std::slice::from_mut(&mut frame),
                );
            }
            let strategy = setup.clone().fit(environment, rows.len(), &bars.close[rows.clone()])?;
            let names = frame.names.clone();
            (strategy, TaskData::from(Arc::new(MarketData::new(bars, &frame, rows)?)), names)
        }
        MarketSeries::Panel(panel) => {
            let mut frames = frames(panel, observed)?;
            let warmup = frames.iter().map(|frame| frame.warmup_rows).max().unwrap_or(0);
            let rows = rows(options, panel.rows(), warmup)?;
            if let Some(strategy) = observed {
                let pool = pooled(panel, &frames, first_part(&rows));
                scale(strategy, &pool, 0..pool.rows, &mut frames);
            }
            let strategy = setup.clone().fit(environment, rows.len(), &[])?;
            let EnvironmentConfig::Portfolio(config) = &strategy.environment else {
                return Err(refused(format!("{environment} does not run on a panel")));
            };
            let dividends = config.dividends;
            let names = frames.first().map(|frame| frame.names.clone()).unwrap_or_default();
            let segment = PanelData::new(panel, &frames, rows, dividends)?;
            (strategy, TaskData::from(segment.shared()), names)
        }
        MarketSeries::Book(book) => {
            let mut frame =
                if observed.is_some() { depth_features(book) } else { nothing(book.len()) };
            let rows = rows(options, book.len(), frame.warmup_rows)?;
            if let Some(strategy) = observed {
                scale(
                    strategy,
                    &frame.clone(),
                    first_part(&rows),
                    std::slice::from_mut(&mut frame),
                );
            }
            let strategy = setup.clone().fit(environment, rows.len(), &[])?;
            let names = frame.names.clone();
            (strategy, TaskData::from(BookData::new(book, &frame, rows)?.shared()), names)
        }
        MarketSeries::Trades(_) => {
            return Err(refused(
                "no environment runs on single trades; sample them first".to_owned(),
            ));
        }
    };
    Ok(Prepared { strategy, whole, data, instruments, features })
}

/// Returns the data: bars as a panel of one where a portfolio is wanted, and a panel of one as bars where it is not.
fn fitting<'a>(
    environment: &EnvironmentConfig,
    data: &'a MarketSeries,
) -> Result<Cow<'a, MarketSeries>, EngineError> {
    match (environment, data) {
        (EnvironmentConfig::Portfolio(_), MarketSeries::Bars(bars)) => {
            let panel = BarPanel::join(std::slice::from_ref(bars), Join::Outer)
                .map_err(|error: DataError| refused(error.to_string()))?;
            Ok(Cow::Owned(MarketSeries::Panel(panel)))
        }
        (
            EnvironmentConfig::AlgorithmicTrading(_) | EnvironmentConfig::OrderExecution(_),
            MarketSeries::Panel(panel),
        ) if panel.width() == 1 => Ok(Cow::Owned(MarketSeries::Bars(panel.series(0)))),
        _ => Ok(Cow::Borrowed(data)),
    }
}

/// Returns the rows that are replayed: from the first one whose features are defined.
fn rows(
    options: &CorrectedOptions,
    count: usize,
    warmup: usize,
) -> Result<Range<usize>, EngineError> {
    let unused = options.forward.map_or(0, |forward| forward.saturating_add(1));
    let start = options.start.unwrap_or(0);
    let most = options.episode_length.unwrap_or(usize::MAX);
    let end = start.saturating_add(most).min(count.saturating_sub(unused));
    let start = start.max(warmup);
    if start < end {
        return Ok(start..end);
    }
    Err(refused(format!(
        "no row is left of {count}: the first one is {start} (features fill for {warmup} rows), the end {end}; use more \
         data, fewer features, or another start"
    )))
}

/// No features at all.
fn nothing(rows: usize) -> FeatureFrame {
    FeatureFrame { names: Vec::new(), width: 0, rows, warmup_rows: 0, values: Vec::new() }
}

fn frames(
    panel: &BarPanel,
    observed: Option<&StrategyConfig>,
) -> Result<Vec<FeatureFrame>, EngineError> {
    let Some(strategy) = observed else {
        let present = |column| {
            (0..panel.rows()).filter(|row| panel.present[row * panel.width() + column]).count()
        };
        return Ok((0..panel.width()).map(|column| nothing(present(column))).collect());
    };
    refuse_look_ahead(strategy)?;
    (0..panel.width()).map(|column| frame_of(&panel.series(column), &strategy.features)).collect()
}

/// Refuses features that look ahead.
fn refuse_look_ahead(strategy: &StrategyConfig) -> Result<(), EngineError> {
    let ahead = looks_ahead_of(&strategy.features)?;
    if ahead.is_empty() {
        return Ok(());
    }
    Err(refused(format!(
        "corrected environments show the past only, but {} look ahead; choose others",
        ahead.join(", ")
    )))
}

/// Returns the rows that a session would train on.
fn first_part(rows: &Range<usize>) -> Range<usize> {
    rows.start..rows.start + part(rows.len(), SplitConfig::default().train)
}

/// Scales features as a session does whose training segment is the first part of the rows: one scale for all
/// instruments, of nothing that comes later.
fn scale(
    strategy: &StrategyConfig,
    pool: &FeatureFrame,
    rows: Range<usize>,
    frames: &mut [FeatureFrame],
) {
    let fitted = Normaliser::fit_as(strategy.features.normalisation, pool, rows);
    frames.iter_mut().for_each(|frame| fitted.apply(frame));
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count of rows in memory is a count"
)]
fn part(count: usize, share: f64) -> usize {
    (count as f64 * share) as usize
}

#[cfg(test)]
mod tests {
    use super::super::setup::setup;
    use super::*;
    use crate::config::FeaturesConfig;
    use crate::market::{BarSeries, synthetic};

    fn prepared<'a>(
        environment: ReplayEnvironment,
        data: &'a MarketSeries,
        features: bool,
    ) -> Prepared<'a> {
        let features = features.then(FeaturesConfig::default);
        let options = CorrectedOptions { features, ..CorrectedOptions::default() };
        let setup = setup(environment, &options, false).unwrap();
        prepare(environment, setup, data, &options).unwrap()
    }

    #[test]
    fn a_panel_of_one_instrument_is_as_good_as_its_bars() {
        let bars = synthetic::generate(3, 90);
        let panel = BarPanel::join(std::slice::from_ref(&bars), Join::Outer).unwrap();
        let (bars, panel) = (MarketSeries::Bars(bars), MarketSeries::Panel(panel));
        for environment in [ReplayEnvironment::AlgorithmicTrading, ReplayEnvironment::ExecutionPd] {
            let [of_bars, of_panel] =
                [&bars, &panel].map(|data| prepared(environment, data, false).data);
            let (TaskData::Bars(of_bars), TaskData::Bars(of_panel)) = (of_bars, of_panel) else {
                panic!("bars");
            };
            assert_eq!(of_bars.time_ms(), of_panel.time_ms());
        }
    }

    #[test]
    fn the_scale_knows_nothing_of_what_a_late_instrument_does_afterwards() {
        let bars = synthetic::generate(3, 400);
        let late = |other: bool| {
            let mut late = BarSeries { instrument: "LATE".to_owned(), ..bars.slice(150..400) };
            for row in 200..250 {
                let factor = if other && row % 2 == 0 { 1.5 } else { 1.0 };
                for column in [&mut late.open, &mut late.high, &mut late.low, &mut late.close] {
                    column[row] *= factor;
                }
                late.adjusted_close[row] *= factor;
            }
            MarketSeries::Panel(BarPanel::join(&[bars.clone(), late], Join::Outer).unwrap())
        };
        let features = |data: &MarketSeries| {
            let TaskData::Panel(panel) = prepared(ReplayEnvironment::Portfolio, data, true).data
            else {
                panic!("a panel");
            };
            panel.window(0..100).to_vec()
        };
        assert_eq!(features(&late(false)), features(&late(true)));
    }
}
