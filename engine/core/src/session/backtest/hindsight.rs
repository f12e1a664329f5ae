//! What would have been best, for comparison alone: the best holdings on an order book, and the best constant weights.
//! Nothing here can decide: what it finds is played back over the same data.

use crate::config::{FillRule, MatchingConfig};
use crate::environment::BookData;
use crate::environment::high_frequency::{Grid, Sides, moving_cost};
use crate::error::EngineError;
use crate::policies::online;
use crate::policies::relatives::Relatives;
use crate::policies::rules::{PortfolioView, WeightPolicy};

/// Most comparisons for the best holdings: some seconds.
const COMPARISONS_MAX: usize = 400_000_000;
/// Most relatives for the best constant weights.
const RELATIVES_MAX: usize = 2_000_000;
/// Most instruments for the best constant weights.
const ASSETS_MAX: usize = 200;

/// Restores the same weights at every bar.
#[derive(Debug, Clone)]
pub(super) struct Constant {
    weights: Vec<f64>,
}

impl WeightPolicy for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn decide(&mut self, _: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        Ok(self.weights.clone())
    }
}

/// Returns the constant weights that would have grown most without costs over `relatives` `[t · N]`; absent where they
/// are too many, or where none are found.
pub(super) fn best_constant(instruments: &[String], relatives: &[f64]) -> Option<Constant> {
    if ASSETS_MAX < instruments.len() || RELATIVES_MAX < relatives.len() {
        return None;
    }
    let relatives = Relatives::new(instruments.to_vec(), relatives.to_vec()).ok()?;
    let best = online::bcrp::weights(&relatives).ok()?;
    let sum: f64 = best.iter().sum();
    let weights = std::iter::once(0.0).chain(best.iter().map(|weight| weight / sum)).collect();
    Some(Constant { weights })
}

/// Returns the holdings (one per step from row `start` on) that would have been worth most at the end, exact for whole
/// orders that the displayed levels carry at once, at the fills of the environment and with money enough; absent where
/// the run is too long.
///
/// Backwards over rows and holdings: the worth of holding h at row t is the greatest of −cost(h → g) plus the worth of
/// holding g at t + 1; at the end what is held is worth its mark. Of equals the smallest change is taken.
pub(in crate::session) fn best_holdings(
    costs: &MatchingConfig,
    grid: &Grid,
    data: &BookData,
    start: usize,
) -> Option<Vec<usize>> {
    let (count, last) = (grid.count(), data.rows().checked_sub(1)?);
    let steps = last.checked_sub(start)?;
    if COMPARISONS_MAX / (count * count) < steps {
        return None;
    }
    let table = |row: usize| changes(grid, &sides(data, row), costs.fee_rate);
    let mut worth: Vec<f64> = (0..count)
        .map(|action| grid.holding(action) * sides(data, last).mark(grid.holding(action)))
        .collect();
    let mut choices = vec![0_u16; steps * count];
    let mut next = table(last);
    for step in (0..steps).rev() {
        let seen = table(start + step);
        let paid = match costs.fill {
            FillRule::NextOpen => &next,
            FillRule::SameClose => &seen,
        };
        let row = &mut choices[step * count..(step + 1) * count];
        let mut before = vec![f64::NEG_INFINITY; count];
        for from in 0..count {
            // The change by `to − from` steps stands at `to + count − 1 − from`.
            let shift = count - 1 - from;
            let (mut best, mut chosen) = (worth[from], from);
            for (to, after) in worth.iter().enumerate() {
                let (Some(_), Some(cost)) = (seen[to + shift], paid[to + shift]) else { continue };
                let value = after - cost;
                let nearer = to.abs_diff(from) < chosen.abs_diff(from);
                if best < value || (best <= value && nearer) {
                    (best, chosen) = (value, to);
                }
            }
            before[from] = best;
            row[from] = u16::try_from(chosen).ok()?;
        }
        (worth, next) = (before, seen);
    }
    let mut held = grid.nearest(0.0);
    let path = choices.chunks_exact(count).map(|row| {
        held = usize::from(row[held]);
        held
    });
    Some(path.collect())
}

/// Cash that each change costs, `[2 · count − 1]`, the largest sale first; absent where the levels do not carry it.
fn changes(grid: &Grid, sides: &Sides<'_>, fee_rate: f64) -> Vec<Option<f64>> {
    let count = grid.count();
    (0..2 * count - 1)
        .map(|place| {
            let steps = place as f64 - (count - 1) as f64;
            if steps == 0.0 { Some(0.0) } else { moving_cost(sides, steps * grid.step(), fee_rate) }
        })
        .collect()
}

fn sides(data: &BookData, row: usize) -> Sides<'_> {
    Sides { bids: data.book().bids(row), asks: data.book().asks(row) }
}
