//! Walk-forward: train, test on what follows, move on; anchored or rolling.
//!
//! Every test block lies behind its training window, so only the horizon is purged at the boundary between them.
//! Source: Pardo 2008, "The Evaluation and Optimization of Trading Strategies"; learning.md section 10.1.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;

/// Where a training window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// Always at the first row: it grows.
    Anchored,
    /// Always the same number of rows before the test block: it moves.
    Rolling,
}

/// How a series is walked through, in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WalkForward {
    /// Where a training window begins.
    pub window: Window,
    /// Rows before the first test block; the length of a rolling window before purging.
    pub train: usize,
    /// Rows of a test block.
    pub test: usize,
    /// Rows between the beginnings of two test blocks; equal to `test` no row is tested twice.
    pub step: usize,
    /// Rows purged at the end of each training window: the horizon of label or reward.
    pub horizon: usize,
}

/// One training window and the test block behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Rows that may be trained on.
    pub train: Range<usize>,
    /// Rows the result is measured on.
    pub test: Range<usize>,
}

/// Returns the folds of a series in time order. A last test block that is cut short by the end is left out.
///
/// # Errors
/// Refuses lengths of 0, a horizon that leaves nothing to train on and a series too short for one fold.
pub fn walk_forward(rows: usize, plan: &WalkForward) -> Result<Vec<Fold>, EngineError> {
    let refused = |detail: String| EngineError::Refused { what: "walk-forward", detail };
    if plan.train == 0 || plan.test == 0 || plan.step == 0 || plan.train <= plan.horizon {
        return Err(refused(format!(
            "wanted a training window longer than the horizon and a test block and a step of at least 1, found {} rows of \
             training, a horizon of {}, {} of test and steps of {}; lengthen what is too short",
            plan.train, plan.horizon, plan.test, plan.step
        )));
    }
    let folds: Vec<Fold> = (plan.train..rows)
        .step_by(plan.step)
        .take_while(|start| start.saturating_add(plan.test) <= rows)
        .map(|start| {
            let begin = match plan.window {
                Window::Anchored => 0,
                Window::Rolling => start - plan.train,
            };
            Fold { train: begin..start - plan.horizon, test: start..start + plan.test }
        })
        .collect();
    if folds.is_empty() {
        return Err(refused(format!(
            "wanted at least {} rows for one fold, found {rows}; import more or shorten the windows",
            plan.train.saturating_add(plan.test)
        )));
    }
    Ok(folds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAN: WalkForward =
        WalkForward { window: Window::Rolling, train: 50, test: 20, step: 20, horizon: 5 };

    #[test]
    fn rolls_or_grows_and_purges_the_horizon() {
        let folds = walk_forward(100, &PLAN).unwrap();
        assert_eq!(
            folds,
            [Fold { train: 0..45, test: 50..70 }, Fold { train: 20..65, test: 70..90 }]
        );
        let grown = walk_forward(100, &WalkForward { window: Window::Anchored, ..PLAN }).unwrap();
        assert_eq!(grown[1], Fold { train: 0..65, test: 70..90 });
        assert_eq!(walk_forward(110, &PLAN).unwrap().len(), 3);
    }

    #[test]
    fn refuses_what_gives_no_fold() {
        assert!(walk_forward(69, &PLAN).is_err());
        for plan in [
            WalkForward { train: 0, ..PLAN },
            WalkForward { test: 0, ..PLAN },
            WalkForward { step: 0, ..PLAN },
            WalkForward { horizon: 50, ..PLAN },
            WalkForward { test: usize::MAX, ..PLAN },
        ] {
            assert!(walk_forward(1_000, &plan).is_err(), "{plan:?}");
        }
    }

    proptest! {
        #[test]
        fn training_never_reaches_the_test_block(
            rows in 0_usize..500, train in 1_usize..100, test in 1_usize..50, step in 1_usize..50, horizon in 0_usize..20,
        ) {
            let plan = WalkForward { window: Window::Anchored, train, test, step, horizon };
            if let Ok(folds) = walk_forward(rows, &plan) {
                for fold in folds {
                    prop_assert!(fold.train.end + horizon <= fold.test.start);
                    prop_assert!(!fold.train.is_empty() && fold.test.end <= rows);
                }
            }
        }
    }
}
