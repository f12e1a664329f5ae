//! The cost ladder: what is left of a result when costs are multiplied, and the multiplier at which nothing is.
//!
//! The run itself is a closure from the multiplier of all fees and slippage to the total return; whether actions are
//! fixed or decided anew is the caller's choice, and both belong into a report.
//!
//! Source: learning.md section 10.7.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;

/// Multipliers of every report.
pub const MULTIPLIERS: [f64; 5] = [0.0, 1.0, 2.0, 5.0, 10.0];
/// Costs beyond this multiple are not looked at.
pub const MULTIPLIER_MAX: f64 = 1_024.0;
/// Width of the interval at which bisection stops, relative to the multiplier.
const PRECISION: f64 = 1e-6;

/// One rung.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rung {
    /// Factor on all fees and slippage.
    pub multiplier: f64,
    /// Total return at these costs; absent where it is not defined.
    pub total_return: Option<f64>,
}

/// Where the total return is zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BreakEven {
    /// At this multiple of the costs.
    At {
        /// Factor on all fees and slippage.
        multiplier: f64,
    },
    /// Nowhere: there is no profit even without costs.
    NoProfit,
    /// Beyond the largest multiple looked at; also when nothing was traded at a profit that no cost can touch.
    Beyond {
        /// The largest multiple looked at.
        multiplier: f64,
    },
    /// Not defined: a run on the way has no total return.
    Undefined,
}

/// A result at rising costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostLadder {
    /// One rung per multiplier, as asked for.
    pub rungs: Vec<Rung>,
    /// Where nothing is left.
    pub break_even: BreakEven,
}

/// Returns the ladder of a run. `total_return` runs it with all costs multiplied.
///
/// # Errors
/// Refuses multipliers below 0 or not finite; passes on what a run refuses.
pub fn cost_ladder(
    multipliers: &[f64],
    total_return: &mut dyn FnMut(f64) -> Result<Option<f64>, EngineError>,
) -> Result<CostLadder, EngineError> {
    if let Some(bad) = multipliers.iter().find(|one| !(0.0 <= **one && one.is_finite())) {
        return Err(EngineError::Refused {
            what: "cost ladder",
            detail: format!("wanted multipliers of at least 0, found {bad}"),
        });
    }
    let mut rungs = Vec::new();
    for multiplier in multipliers {
        rungs.push(Rung { multiplier: *multiplier, total_return: total_return(*multiplier)? });
    }
    Ok(CostLadder { rungs, break_even: break_even(total_return)? })
}

/// Doubles the costs until the profit is gone, then halves the interval.
fn break_even(
    total_return: &mut dyn FnMut(f64) -> Result<Option<f64>, EngineError>,
) -> Result<BreakEven, EngineError> {
    let Some(free) = total_return(0.0)? else { return Ok(BreakEven::Undefined) };
    if free <= 0.0 || free.is_nan() {
        return Ok(BreakEven::NoProfit);
    }
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        match total_return(high)? {
            Some(left) if 0.0 < left => low = high,
            Some(_) => break,
            // ruined on the way: no return is a profit no longer
            None => return Ok(BreakEven::Undefined),
        }
        if MULTIPLIER_MAX <= high {
            return Ok(BreakEven::Beyond { multiplier: MULTIPLIER_MAX });
        }
        high *= 2.0;
    }
    while PRECISION * high.max(PRECISION) < high - low {
        let middle = low + (high - low) / 2.0;
        match total_return(middle)? {
            Some(left) if 0.0 < left => low = middle,
            Some(_) => high = middle,
            None => return Ok(BreakEven::Undefined),
        }
    }
    Ok(BreakEven::At { multiplier: low + (high - low) / 2.0 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ladder(run: impl Fn(f64) -> Option<f64>) -> CostLadder {
        cost_ladder(&MULTIPLIERS, &mut |multiplier| Ok(run(multiplier))).unwrap()
    }

    #[test]
    fn every_rung_is_run_and_the_zero_is_found() {
        let found = ladder(|multiplier| Some(0.3 - 0.1 * multiplier));
        let returns: Vec<f64> = found.rungs.iter().map(|rung| rung.total_return.unwrap()).collect();
        for (found, wanted) in returns.iter().zip([0.3, 0.2, 0.1, -0.2, -0.7]) {
            assert!((found - wanted).abs() < 1e-12);
        }
        let BreakEven::At { multiplier } = found.break_even else { panic!("{found:?}") };
        assert!((multiplier - 3.0).abs() < 1e-5);
    }

    #[test]
    fn says_when_there_is_none() {
        assert_eq!(ladder(|_| Some(-0.1)).break_even, BreakEven::NoProfit);
        assert_eq!(ladder(|_| Some(0.0)).break_even, BreakEven::NoProfit);
        assert_eq!(ladder(|_| Some(f64::NAN)).break_even, BreakEven::NoProfit);
        assert_eq!(
            ladder(|_| Some(0.1)).break_even,
            BreakEven::Beyond { multiplier: MULTIPLIER_MAX }
        );
        assert_eq!(ladder(|_| None).break_even, BreakEven::Undefined);
        let ruined = ladder(|multiplier| (multiplier < 1.5).then_some(0.1));
        assert_eq!(ruined.break_even, BreakEven::Undefined);
    }

    #[test]
    fn passes_on_what_a_run_refuses_and_refuses_negative_costs() {
        let mut cancelled = |_: f64| Err(EngineError::Cancelled);
        assert_eq!(cost_ladder(&[1.0], &mut cancelled), Err(EngineError::Cancelled));
        assert!(cost_ladder(&[-1.0], &mut |_| Ok(None)).is_err());
        assert!(cost_ladder(&[f64::NAN], &mut |_| Ok(None)).is_err());
    }

    proptest! {
        #[test]
        fn the_break_even_of_a_falling_line_is_its_zero(zero in 0.001..1_000.0_f64, slope in 0.001..10.0_f64) {
            let found = ladder(|multiplier| Some(slope * (zero - multiplier)));
            let BreakEven::At { multiplier } = found.break_even else { panic!("{found:?}") };
            prop_assert!((multiplier - zero).abs() <= 2e-6 * zero.max(1.0));
        }
    }
}
