//! All rows as one segment, for rules and for models that come from other data: nothing is fitted here, so nothing of a row
//! can be known before it.

use std::ops::Range;

use super::length::lookback;
use super::prepare::refuse_look_ahead;
use super::{BookData, MarketData, PanelData, TaskData, depth_features};
use crate::config::{EnvironmentConfig, StrategyConfig, Truth};
use crate::error::EngineError;
use crate::features::{FeatureFrame, Normaliser, frame_of};
use crate::market::split::DECISIONS_MIN;
use crate::market::{BarPanel, BarSeries, BookSeries, MarketSeries};

/// Prepares every row behind the warm-up of the features. Observations are scaled by `normaliser`, which a model brings;
/// without one they stay as they are, for rules do not look at them.
///
/// # Errors
/// Refuses data that is not valid, features that look ahead, data too short for one look-back and [`DECISIONS_MIN`] decisions,
/// and a normaliser of another feature set.
pub(super) fn prepare_whole(
    strategy: &StrategyConfig,
    data: &MarketSeries,
    normaliser: Option<&Normaliser>,
) -> Result<TaskData, EngineError> {
    data.validate().map_err(|error| refused(error.to_string()))?;
    if strategy.environment.truth() == Truth::Corrected {
        refuse_look_ahead(strategy)?;
    }
    match data {
        MarketSeries::Bars(bars) => on_bars(strategy, bars, normaliser),
        MarketSeries::Panel(panel) => on_panel(strategy, panel, normaliser),
        MarketSeries::Book(book) => on_book(strategy, book, normaliser),
        MarketSeries::Trades(_) => {
            Err(refused("no task runs on single trades; sample them into bars first".to_owned()))
        }
    }
}

fn on_bars(
    strategy: &StrategyConfig,
    bars: &BarSeries,
    normaliser: Option<&Normaliser>,
) -> Result<TaskData, EngineError> {
    let mut frame = frame_of(bars, &strategy.features)?;
    let rows = long_enough(strategy, frame.warmup_rows..bars.len())?;
    scale(std::slice::from_mut(&mut frame), normaliser)?;
    Ok(TaskData::Bars(MarketData::new(bars, &frame, rows)?.into()))
}

fn on_panel(
    strategy: &StrategyConfig,
    panel: &BarPanel,
    normaliser: Option<&Normaliser>,
) -> Result<TaskData, EngineError> {
    let EnvironmentConfig::Portfolio(config) = &strategy.environment else {
        return Err(refused("a panel is for the task portfolio; choose other data".to_owned()));
    };
    let warmup = crate::features::warmup_rows_of(&strategy.features)?;
    let rows = long_enough(strategy, warmup..panel.rows())?;
    let mut frames: Vec<FeatureFrame> = (0..panel.width())
        .map(|column| frame_of(&panel.series(column), &strategy.features))
        .collect::<Result<_, _>>()?;
    scale(&mut frames, normaliser)?;
    Ok(TaskData::Panel(PanelData::new(panel, &frames, rows, config.dividends)?.shared()))
}

fn on_book(
    strategy: &StrategyConfig,
    book: &BookSeries,
    normaliser: Option<&Normaliser>,
) -> Result<TaskData, EngineError> {
    let mut frame = depth_features(book);
    let rows = long_enough(strategy, frame.warmup_rows..book.len())?;
    scale(std::slice::from_mut(&mut frame), normaliser)?;
    Ok(TaskData::Book(BookData::new(book, &frame, rows)?.shared()))
}

/// Passes rows that allow a decision.
pub(super) fn long_enough(
    strategy: &StrategyConfig,
    rows: Range<usize>,
) -> Result<Range<usize>, EngineError> {
    let (lookback, found) = (lookback(strategy), rows.len());
    if lookback.saturating_add(DECISIONS_MIN) <= found {
        return Ok(rows);
    }
    Err(refused(format!(
        "wanted at least {} rows behind the {} in which features warm up ({lookback} to look back on), found {found}; import \
         more",
        lookback + DECISIONS_MIN,
        rows.start
    )))
}

fn scale(frames: &mut [FeatureFrame], normaliser: Option<&Normaliser>) -> Result<(), EngineError> {
    let Some(normaliser) = normaliser else { return Ok(()) };
    for frame in frames {
        if [normaliser.mean.len(), normaliser.deviation.len()] != [frame.width; 2] {
            return Err(refused(format!(
                "the model's normaliser has {} columns, the features have {}; use the strategy version the model was trained \
                 with",
                normaliser.mean.len(),
                frame.width
            )));
        }
        normaliser.apply(frame);
    }
    Ok(())
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "preparing all rows", detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AgentConfig, PortfolioConfig, Segment, SplitConfig};
    use crate::environment::{build, prepare_segment};
    use crate::features;
    use crate::market::{Join, synthetic};

    fn whole(strategy: &StrategyConfig, data: &MarketSeries) -> Result<TaskData, EngineError> {
        prepare_segment(strategy, data, &SplitConfig::default(), Segment::Whole, None)
    }

    fn rule() -> StrategyConfig {
        let agent = AgentConfig::of("buy_and_hold").unwrap();
        StrategyConfig { agent, ..StrategyConfig::default() }
    }

    #[test]
    fn every_row_behind_the_warm_up_is_there() {
        let bars = synthetic::generate(3, 300);
        let TaskData::Bars(market) = whole(&rule(), &MarketSeries::Bars(bars)).unwrap() else {
            panic!("bars")
        };
        let warmup = features::warmup_rows_of(&rule().features).unwrap();
        assert_eq!(market.rows(), 300 - warmup);
    }

    #[test]
    fn a_series_too_short_for_three_segments_does_for_one() {
        let warmup = features::warmup_rows_of(&rule().features).unwrap();
        let enough = warmup + lookback(&rule()) + DECISIONS_MIN;
        let bars = |rows| MarketSeries::Bars(synthetic::generate(3, rows));
        let split = SplitConfig::default();
        assert!(prepare_segment(&rule(), &bars(enough), &split, Segment::Test, None).is_err());
        let data = whole(&rule(), &bars(enough)).unwrap();
        assert_eq!(build(&rule(), data).unwrap().steps_per_episode(), DECISIONS_MIN);
        let error = whole(&rule(), &bars(enough - 1)).unwrap_err().to_string();
        assert!(error.contains("import more"), "{error}");
    }

    #[test]
    fn a_panel_is_taken_whole() {
        let series: Vec<BarSeries> = (0..3)
            .map(|seed| {
                let mut one = synthetic::generate(seed, 200);
                one.instrument = format!("I{seed}");
                one
            })
            .collect();
        let panel = BarPanel::join(&series, Join::Inner).unwrap();
        let strategy = StrategyConfig {
            environment: EnvironmentConfig::Portfolio(PortfolioConfig::default()),
            agent: AgentConfig::of("portfolio_rule").unwrap(),
            ..StrategyConfig::default()
        };
        let TaskData::Panel(data) = whole(&strategy, &MarketSeries::Panel(panel)).unwrap() else {
            panic!("a panel")
        };
        let warmup = features::warmup_rows_of(&strategy.features).unwrap();
        assert_eq!(data.rows(), 200 - warmup);
    }
}
