//! The sealed rows as a segment of their own: what comes before them decides how they are seen, and nothing of them does.
//!
//! Who may open them is decided elsewhere; whoever may not is given data without them.

use super::kinds::prepare_unsealed;
use super::length::lookback;
use super::{TaskData, prepare, prepare_book, prepare_panel};
use crate::config::{Segment, SplitConfig, StrategyConfig};
use crate::error::EngineError;
use crate::features::Normaliser;
use crate::market::MarketSeries;
use crate::market::part::{part, rows, sealed};
use crate::market::split::DECISIONS_MIN;

/// Returns what a session may see of its data: all of it where it is about the opened rows, else without the sealed ones.
/// Whoever runs on what this returns cannot read a sealed row, whatever it does.
///
/// # Errors
/// Refuses single trades where something is sealed.
pub fn visible(
    strategy: &StrategyConfig,
    data: MarketSeries,
    segment: Option<Segment>,
) -> Result<MarketSeries, EngineError> {
    if strategy.seal.is_nothing() || segment == Some(Segment::Sealed) {
        return Ok(data);
    }
    part(&data, 0..sealed(rows(&data), strategy.seal.share).start)
}

/// Prepares the sealed rows of the whole data. The segment begins with the rows that its first decision looks back on; the
/// normaliser is that of the training segment of what is not sealed, unless a model brings its own.
///
/// # Errors
/// Refuses a strategy that seals nothing, data too short for it, and what the preparation of its kind refuses.
pub(super) fn prepare_sealed(
    strategy: &StrategyConfig,
    data: &MarketSeries,
    config: &SplitConfig,
    normaliser: Option<&Normaliser>,
) -> Result<TaskData, EngineError> {
    let (all, look) = (rows(data), lookback(strategy));
    let hidden = sealed(all, strategy.seal.share);
    if hidden.len() < DECISIONS_MIN {
        return Err(refused(format!(
            "wanted at least {DECISIONS_MIN} sealed rows, found {} of {all} (share {}); seal a larger share, or import more \
             rows",
            hidden.len(),
            strategy.seal.share
        )));
    }
    let fitted = match normaliser {
        Some(given) => given.clone(),
        None => fitted(strategy, &part(data, 0..hidden.start)?, config)?,
    };
    let valid = look + DECISIONS_MIN;
    let begin = hidden.start.saturating_sub(look);
    if begin <= valid {
        return Err(refused(format!(
            "wanted more than {valid} rows before the {look} that the first sealed decision looks back on, found {begin}; \
             seal a smaller share, or import more rows"
        )));
    }
    // Whole rows as shares, so that the test segment is exactly the sealed rows and what they look back on.
    let share = |count: usize| count as f64 / all as f64;
    let whole = SplitConfig { train: share(begin - valid), valid: share(valid), purge_bars: 0 };
    prepare_unsealed(strategy, data, &whole, Segment::Test, Some(&fitted))
}

/// Returns the normaliser of the training segment of what is not sealed.
fn fitted(
    strategy: &StrategyConfig,
    open: &MarketSeries,
    config: &SplitConfig,
) -> Result<Normaliser, EngineError> {
    Ok(match open {
        MarketSeries::Bars(bars) => prepare(strategy, bars, config, None)?.normaliser,
        MarketSeries::Panel(panel) => prepare_panel(strategy, panel, config, None)?.normaliser,
        MarketSeries::Book(book) => prepare_book(strategy, book, config, None)?.normaliser,
        MarketSeries::Trades(_) => {
            return Err(refused("no task runs on single trades; sample them into bars".to_owned()));
        }
    })
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "preparing the sealed rows", detail }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{MarketData, prepare_segment};
    use super::*;
    use crate::config::{EnvironmentConfig, PortfolioConfig, SealConfig};
    use crate::market::{BarPanel, BarSeries, Join, synthetic};

    fn strategy(share: f64) -> StrategyConfig {
        StrategyConfig { seal: SealConfig { share }, ..StrategyConfig::default() }
    }

    fn bars_of(data: TaskData) -> Arc<MarketData> {
        let TaskData::Bars(market) = data else { panic!("bars") };
        market
    }

    fn segment(strategy: &StrategyConfig, bars: &BarSeries, segment: Segment) -> Arc<MarketData> {
        let data = MarketSeries::Bars(bars.clone());
        let split = SplitConfig::default();
        bars_of(prepare_segment(strategy, &data, &split, segment, None).unwrap())
    }

    #[test]
    fn research_sees_the_rows_before_the_seal_and_splits_them_alone() {
        let bars = synthetic::generate(3, 1_000);
        let whole = MarketSeries::Bars(bars.clone());
        let seen = visible(&strategy(0.15), whole.clone(), Some(Segment::Test)).unwrap();
        assert_eq!(seen, MarketSeries::Bars(bars.slice(0..850)));
        assert_eq!(visible(&strategy(0.15), whole.clone(), None).unwrap(), seen);
        assert_eq!(visible(&strategy(0.0), whole.clone(), None).unwrap(), whole);
        let opened = visible(&strategy(0.15), whole.clone(), Some(Segment::Sealed)).unwrap();
        assert_eq!(opened, whole);
        let MarketSeries::Bars(seen) = seen else { panic!("bars") };
        let test = segment(&strategy(0.15), &seen, Segment::Test);
        assert_eq!(test.time_ms().last(), Some(&bars.time_ms[849]));
    }

    #[test]
    fn the_sealed_segment_is_the_sealed_rows_and_what_they_look_back_on() {
        let bars = synthetic::generate(3, 1_000);
        let strategy = strategy(0.15);
        let sealed = segment(&strategy, &bars, Segment::Sealed);
        let look = lookback(&strategy);
        assert_eq!(sealed.rows(), 150 + look);
        assert_eq!(sealed.time_ms()[look], bars.time_ms[850]);
        assert_eq!(sealed.time_ms().last(), Some(&bars.time_ms[999]));
    }

    #[test]
    fn an_instrument_that_is_listed_in_the_sealed_rows_is_there_and_not_tradable_before() {
        let bars = synthetic::generate(3, 1_000);
        let late = BarSeries { instrument: "LATE".to_owned(), ..bars.slice(900..1_000) };
        let panel = BarPanel::join(&[bars, late], Join::Outer).unwrap();
        let data = MarketSeries::Panel(panel);
        let strategy = StrategyConfig {
            environment: EnvironmentConfig::Portfolio(PortfolioConfig::default()),
            ..strategy(0.15)
        };
        let segment = |segment: Segment| {
            let seen = visible(&strategy, data.clone(), Some(segment)).unwrap();
            let split = SplitConfig::default();
            match prepare_segment(&strategy, &seen, &split, segment, None).unwrap() {
                TaskData::Panel(panel) => panel,
                TaskData::Bars(_) | TaskData::Book(_) => panic!("a panel"),
            }
        };
        let (research, sealed) = (segment(Segment::Test), segment(Segment::Sealed));
        assert_eq!((research.assets(), sealed.assets()), (2, 2));
        assert!((0..research.rows()).all(|row| !research.tradable(row)[1]));
        assert!(sealed.tradable(sealed.rows() - 1)[1]);
    }

    #[test]
    fn nothing_is_fitted_on_sealed_rows() {
        let bars = synthetic::generate(3, 1_000);
        let mut other = bars.clone();
        for row in 850..1_000 {
            let factor = if row % 2 == 0 { 3.0 } else { 2.0 };
            other.open[row] *= factor;
            other.high[row] *= factor;
            other.low[row] *= factor;
            other.close[row] *= factor;
        }
        let strategy = strategy(0.15);
        let look = lookback(&strategy);
        let (one, two) = (
            segment(&strategy, &bars, Segment::Sealed),
            segment(&strategy, &other, Segment::Sealed),
        );
        // Features of one bar's shape do not feel a factor on all its prices, the others do.
        let mut felt = 0;
        for index in 0..one.width() {
            let (one, two) = (one.feature(index), two.feature(index));
            assert_eq!(one[..look], two[..look], "rows before the seal");
            felt += usize::from(one[look..] != two[look..]);
        }
        assert!(0 < felt, "prices that others would see");
    }

    #[test]
    fn refuses_what_seals_nothing_or_leaves_nothing() {
        let data = MarketSeries::Bars(synthetic::generate(3, 200));
        for share in [0.0, 0.001, 0.9] {
            let split = SplitConfig::default();
            let found = prepare_segment(&strategy(share), &data, &split, Segment::Sealed, None);
            assert!(found.is_err(), "{share}");
        }
    }
}
