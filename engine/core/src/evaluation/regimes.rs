//! Performance per market regime: what one run earned under each label.
//!
//! Labels come from `labelling` and know the future: they sort results after the fact. Tests that restart on every slice
//! of a label stand in `dynamics`. Source: spec/trademaster.md section 6, rows M1, M2 and M4.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Truth;
use crate::error::EngineError;
use crate::labelling::slices::slices;
use crate::metrics::max_drawdown::max_drawdown;
use crate::metrics::returns::returns;
use crate::metrics::sharpe::sharpe;
use crate::metrics::sortino::sortino;
use crate::metrics::volatility::volatility;

/// What one run earned under one label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelPerformance {
    /// The label.
    pub label: u32,
    /// Bars that bear it.
    pub bar_count: usize,
    /// Runs of consecutive bars that bear it.
    pub run_count: usize,
    /// Growth over all its bars, compounded. The growths of all labels multiply to that of the whole run.
    pub total_return: Option<f64>,
    /// Annualised deviation of its returns.
    pub volatility: Option<f64>,
    /// Annualised Sharpe ratio of its returns.
    pub sharpe: Option<f64>,
    /// Annualised Sortino ratio of its returns.
    pub sortino: Option<f64>,
    /// Deepest fall inside one of its runs, 0 to 1.
    pub max_drawdown: Option<f64>,
}

/// Returns what a run earned under each label that occurs, lowest label first. The return into a bar belongs to that
/// bar's label. Shapes: `equity` `[T]` in currency, `labels` `[T]`.
///
/// # Errors
/// Refuses inputs of different lengths.
pub fn by_label(
    equity: &[f64],
    labels: &[u32],
    periods_per_year: f64,
) -> Result<Vec<LabelPerformance>, EngineError> {
    if equity.len() != labels.len() {
        let detail = format!(
            "wanted one label per bar; found {} labels for {} bars. Label the data that was run",
            labels.len(),
            equity.len()
        );
        return Err(EngineError::Refused { what: "performance by label", detail });
    }
    let found = slices(labels, Truth::Corrected).into_iter().map(|of_label| {
        // Each run with the bar before it, from which its first return starts.
        let runs: Vec<&[f64]> = of_label
            .slices
            .iter()
            .filter_map(|slice| equity.get(slice.start.saturating_sub(1)..slice.end))
            .collect();
        let per_bar: Option<Vec<f64>> =
            runs.iter().map(|run| returns(run)).collect::<Option<Vec<_>>>().map(|all| all.concat());
        let of_returns = |metric: fn(&[f64], f64) -> Option<f64>| {
            per_bar.as_deref().and_then(|values| metric(values, periods_per_year))
        };
        LabelPerformance {
            label: of_label.label,
            bar_count: of_label.row_count,
            run_count: of_label.slices.len(),
            total_return: per_bar
                .as_deref()
                .map(|all| all.iter().map(|one| 1.0 + one).product::<f64>() - 1.0),
            volatility: of_returns(volatility),
            sharpe: of_returns(sharpe),
            sortino: of_returns(sortino),
            max_drawdown: runs
                .iter()
                .map(|run| max_drawdown(run))
                .collect::<Option<Vec<_>>>()
                .and_then(|all| all.into_iter().reduce(f64::max)),
        }
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::returns::total_return;

    #[track_caller]
    fn near(found: Option<f64>, wanted: f64) {
        let found = found.expect("defined");
        assert!((found - wanted).abs() <= 1e-7 * wanted.abs().max(1.0), "{found} {wanted}");
    }

    #[test]
    fn returns_belong_to_the_label_of_the_bar_they_lead_to() {
        let found = by_label(&[100.0, 110.0, 99.0, 99.0, 198.0], &[0, 0, 1, 1, 0], 252.0).unwrap();
        near(found[0].total_return, 1.2);
        near(found[1].total_return, -0.1);
        assert_eq!((found[0].bar_count, found[0].run_count), (3, 2));
        near(found[1].max_drawdown, 0.1);
        assert!(by_label(&[1.0], &[], 252.0).is_err());
        let broke = by_label(&[1.0, 0.0, 1.0], &[0, 0, 0], 252.0).unwrap();
        assert_eq!(broke[0].total_return, None);
    }

    proptest! {
        #[test]
        fn the_growths_of_all_labels_multiply_to_the_whole(
            steps in prop::collection::vec((-0.2..0.2_f64, 0_u32..4), 2..60),
        ) {
            let mut value = 100.0;
            let equity: Vec<f64> = steps.iter().map(|(step, _)| { value *= 1.0 + step; value }).collect();
            let labels: Vec<u32> = steps.iter().map(|(_, label)| *label).collect();
            let found = by_label(&equity, &labels, 252.0).unwrap();
            let product: f64 = found.iter().map(|one| 1.0 + one.total_return.unwrap()).product();
            let whole = 1.0 + total_return(&equity).unwrap();
            prop_assert!((product - whole).abs() < 1e-9 * whole);
            prop_assert_eq!(found.iter().map(|one| one.bar_count).sum::<usize>(), equity.len());
        }
    }
}
