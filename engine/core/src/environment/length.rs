//! How many bars a session needs: asked when it is submitted and again when its data is prepared. Pure.

use std::fmt;
use std::ops::Range;

use crate::config::{EnvironmentConfig, SplitConfig, StrategyConfig, Truth};
use crate::features;
use crate::market::DataKind;
use crate::market::split::{DECISIONS_MIN, Refusal, Splits, split};

/// Longest series that is considered when the needed length is looked for; a split that needs more needs another split.
const ROWS_CONSIDERED: usize = 1 << 32;

/// A series that is too short for what is to run on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooFewBars {
    /// Bars of the whole series.
    pub rows: usize,
    /// Fewest bars of the whole series with which this configuration runs; absent where no length would do.
    pub needed: Option<usize>,
    /// Which segment falls short, of how much, and what to do.
    pub reason: String,
}

impl fmt::Display for TooFewBars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.needed {
            Some(needed) => write!(f, "; {needed} bars are enough, found {}", self.rows),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TooFewBars {}

/// Returns the bars before the first decision of a segment that it has to hold itself: the look-back, and in
/// `faithful` mode also the bars that the reference's reward looks ahead.
#[must_use]
pub fn lookback(strategy: &StrategyConfig) -> usize {
    match &strategy.environment {
        EnvironmentConfig::AlgorithmicTrading(config) => {
            let window = config.backward_bars as usize;
            match config.truth {
                Truth::Corrected => window,
                Truth::Faithful => window + config.forward_bars as usize,
            }
        }
        EnvironmentConfig::Portfolio(config) => config.window_bars as usize,
        // A whole episode has to fit; what every segment must hold beside the look-back counts towards it.
        EnvironmentConfig::OrderExecution(config) => {
            let horizon = (config.horizon_steps as usize).max(DECISIONS_MIN);
            config.window_steps as usize + horizon - DECISIONS_MIN
        }
        EnvironmentConfig::HighFrequency(config) => config.window_snapshots as usize,
    }
}

/// Why a task cannot run on bars of one instrument; absent where it can.
fn not_on_bars(strategy: &StrategyConfig) -> Option<String> {
    let needs = match &strategy.environment {
        EnvironmentConfig::AlgorithmicTrading(_) | EnvironmentConfig::OrderExecution(_) => {
            return None;
        }
        EnvironmentConfig::Portfolio(_) => "a panel of several instruments",
        EnvironmentConfig::HighFrequency(_) => "an order book",
    };
    Some(format!(
        "the task {} needs {needs}, but this is a series of bars of one instrument; choose other data or another task",
        strategy.environment.task()
    ))
}

/// Cuts a series of `rows` bars into the segments that a session runs on: split by time, without the bars in which the
/// features warm up.
///
/// # Errors
/// Refuses a series that leaves a segment without [`DECISIONS_MIN`] decisions, with the number of bars that would do,
/// and tasks that do not run on bars of one instrument.
pub fn segments(
    strategy: &StrategyConfig,
    config: &SplitConfig,
    rows: usize,
) -> Result<Splits, TooFewBars> {
    if let Some(reason) = not_on_bars(strategy) {
        return Err(TooFewBars { rows, needed: None, reason });
    }
    let lookback = lookback(strategy);
    let warmup = features::warmup_rows_of(&strategy.features).map_err(|error| TooFewBars {
        rows,
        needed: None,
        reason: error.to_string(),
    })?;
    cut(rows, config, lookback, warmup).map_err(|reason| TooFewBars {
        rows,
        needed: needed(config, lookback, warmup),
        reason,
    })
}

/// Passes data of which a task gets segments that are long enough, as far as its number of rows tells.
///
/// `rows` counts what a manifest counts: bars, snapshots, or the bars of all instruments of a panel, of which there are at
/// least as many as times. A panel that passes may therefore still be refused when its data is prepared; bars and books are
/// judged exactly. The kind of the data is not judged here.
///
/// # Errors
/// As [`segments`].
pub fn check_rows(
    strategy: &StrategyConfig,
    config: &SplitConfig,
    (kind, rows): (DataKind, usize),
) -> Result<(), TooFewBars> {
    let warmup = match kind {
        DataKind::Bars => return segments(strategy, config, rows).map(drop),
        DataKind::Panel => features::warmup_rows_of(&strategy.features)
            .map_err(|error| TooFewBars { rows, needed: None, reason: error.to_string() })?,
        // The change of the middle needs the snapshot before.
        DataKind::Book => 1,
        DataKind::Trades => return Ok(()),
    };
    let lookback = lookback(strategy);
    cut(rows, config, lookback, warmup).map(drop).map_err(|reason| TooFewBars {
        rows,
        // How many times a number of bars of several instruments makes is not known.
        needed: if kind == DataKind::Panel { None } else { needed(config, lookback, warmup) },
        reason,
    })
}

/// Passes data of which all rows together allow a decision; `rows` counts as in [`check_rows`].
///
/// # Errors
/// Says how many rows there are and how many would do.
pub fn check_whole(
    strategy: &StrategyConfig,
    (kind, rows): (DataKind, usize),
) -> Result<(), TooFewBars> {
    let warmup = match kind {
        DataKind::Bars | DataKind::Panel => features::warmup_rows_of(&strategy.features)
            .map_err(|error| TooFewBars { rows, needed: None, reason: error.to_string() })?,
        DataKind::Book => 1,
        DataKind::Trades => return Ok(()),
    };
    let needed = warmup.saturating_add(lookback(strategy)).saturating_add(DECISIONS_MIN);
    if needed <= rows {
        return Ok(());
    }
    let reason = format!(
        "wanted at least {needed} rows ({warmup} in which features warm up, {} to look back on)",
        lookback(strategy)
    );
    Err(TooFewBars {
        rows,
        needed: if kind == DataKind::Panel { None } else { Some(needed) },
        reason,
    })
}

/// Cuts any rows, of which the first `warmup` are not used.
pub(super) fn cut(
    rows: usize,
    config: &SplitConfig,
    lookback: usize,
    warmup: usize,
) -> Result<Splits, String> {
    let splits = split(rows, config, lookback).map_err(|refusal: Refusal| refusal.to_string())?;
    let warm = |range: Range<usize>| range.start.max(warmup)..range.end;
    let splits =
        Splits { train: warm(splits.train), valid: warm(splits.valid), test: warm(splits.test) };
    let wanted = lookback.saturating_add(DECISIONS_MIN);
    for (segment, range) in
        [("training", &splits.train), ("validation", &splits.valid), ("test", &splits.test)]
    {
        if range.len() < wanted {
            return Err(format!(
                "the {segment} segment has {} bars after the {warmup} bars in which features warm up, but needs \
                 {wanted} ({lookback} to look back on); import more bars or change the split",
                range.len()
            ));
        }
    }
    Ok(splits)
}

/// Every segment grows with the series, so the shortest length that will do is found by halving.
fn needed(config: &SplitConfig, lookback: usize, warmup: usize) -> Option<usize> {
    let fits = |rows: usize| cut(rows, config, lookback, warmup).is_ok();
    let (mut short, mut enough) = (0, ROWS_CONSIDERED);
    if !fits(enough) {
        return None;
    }
    while short + 1 < enough {
        let middle = short + (enough - short) / 2;
        if fits(middle) {
            enough = middle;
        } else {
            short = middle;
        }
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{OrderExecutionConfig, PortfolioConfig};
    use crate::environment::{prepare, prepare_book};
    use crate::market::{BookSeries, synthetic};

    fn strategy(backward: u32, truth: Truth) -> StrategyConfig {
        let mut strategy = StrategyConfig::default();
        let EnvironmentConfig::AlgorithmicTrading(config) = &mut strategy.environment else {
            panic!("the default is algorithmic trading");
        };
        (config.backward_bars, config.truth) = (backward, truth);
        strategy
    }

    #[test]
    fn names_how_many_bars_there_are_and_how_many_would_do() {
        let found = segments(&strategy(5, Truth::Corrected), &SplitConfig::default(), 100);
        let refused = found.expect_err("validation is purged away");
        assert_eq!(refused.rows, 100);
        let needed = refused.needed.expect("some length will do");
        assert!(refused.to_string().contains(&needed.to_string()), "{refused}");
        assert!(segments(&strategy(5, Truth::Corrected), &SplitConfig::default(), needed).is_ok());
        assert!(
            segments(&strategy(5, Truth::Corrected), &SplitConfig::default(), needed - 1).is_err()
        );
    }

    #[test]
    fn a_split_that_no_length_serves_says_so() {
        let config = SplitConfig { train: 0.9, valid: 0.1, purge_bars: 0 };
        let refused = segments(&strategy(5, Truth::Corrected), &config, 1000).expect_err("no test");
        assert_eq!(refused.needed, None);
    }

    fn book(rows: usize) -> BookSeries {
        let column = |price: f64| vec![price; rows];
        BookSeries {
            instrument: "BOOK".to_owned(),
            levels: 1,
            time_ms: (0..rows).map(|row| row as i64 * 1000).collect(),
            bid_price: column(99.0),
            bid_size: column(1.0),
            ask_price: column(101.0),
            ask_size: column(1.0),
            bought: None,
            sold: None,
        }
    }

    #[test]
    fn bars_of_a_panel_are_at_least_as_many_as_its_times() {
        let strategy = StrategyConfig {
            environment: EnvironmentConfig::Portfolio(PortfolioConfig::default()),
            ..StrategyConfig::default()
        };
        let split = SplitConfig::default();
        let refused = check_rows(&strategy, &split, (DataKind::Panel, 100)).expect_err("few");
        assert_eq!((refused.rows, refused.needed), (100, None));
        assert!(check_rows(&strategy, &split, (DataKind::Panel, 29 * 500)).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_book_is_accepted_where_it_can_be_prepared(
            rows in 2_usize..400,
            window_steps in 1_u32..30,
            horizon_steps in 1_u32..30,
        ) {
            let config = OrderExecutionConfig {
                window_steps,
                horizon_steps,
                ..OrderExecutionConfig::default()
            };
            let strategy = StrategyConfig {
                environment: EnvironmentConfig::OrderExecution(config),
                ..StrategyConfig::default()
            };
            let split = SplitConfig::default();
            let accepted = check_rows(&strategy, &split, (DataKind::Book, rows)).is_ok();
            let built = prepare_book(&strategy, &book(rows), &split, None)
                .and_then(|prepared| crate::environment::build(&strategy, prepared.test));
            prop_assert_eq!(accepted, built.is_ok());
        }

        #[test]
        fn what_is_accepted_here_is_what_the_worker_can_prepare(
            rows in 2_usize..700,
            backward in 1_u32..60,
            purge_bars in 0_u32..40,
            faithful in any::<bool>(),
        ) {
            let truth = if faithful { Truth::Faithful } else { Truth::Corrected };
            let strategy = strategy(backward, truth);
            let config = SplitConfig { purge_bars, ..SplitConfig::default() };
            let bars = synthetic::generate(3, rows);
            let accepted = segments(&strategy, &config, rows).is_ok();
            let built = prepare(&strategy, &bars, &config, None).and_then(|prepared| {
                for market in [prepared.train, prepared.valid, prepared.test] {
                    crate::environment::build(&strategy, market)?;
                }
                Ok(())
            });
            prop_assert_eq!(accepted, built.is_ok(), "{:?}", built);
        }
    }
}
