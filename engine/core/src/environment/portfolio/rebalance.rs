//! From target weights to quantities: what a portfolio is worth after the costs of reaching them, and which units each
//! instrument then has to have. Pure; knows no books and no orders.

/// Newton's method from 1 downwards ends after at most one round per kink of the sum; the limit only guards rounding.
const ROUNDS_MAX: usize = 64;
/// Sums side by side.
const LANES: usize = 4;
/// An order below this share of the account is rounding of weights, not a wish.
pub(in crate::environment) const ORDER_SHARE_MIN: f64 = 1e-12;
/// A share of a lot that counts as the whole one: rounding.
const LOT_ROUNDING: f64 = 1e-9;

/// The account at the close on which the weights were decided. All slices are `[N]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    /// Units held.
    pub units: &'a [f64],
    /// Last prices, quote currency.
    pub close: &'a [f64],
    /// Which instruments can be traded; the others keep what is held of them.
    pub tradable: &'a [bool],
    /// Value of the account, quote currency, above 0.
    pub equity: f64,
    /// Cost of trading one unit of quote currency.
    pub cost_rate: f64,
    /// Units of one lot; absent where fractions can be held.
    pub lot: Option<f64>,
}

/// Returns the share of the account's value that is left after the costs of moving from weights `held` to weights
/// `target`: the root μ of `μ = 1 − c · Σ |μ · target_i − held_i|`. Cash is not part of the sum, for moving it is free.
///
/// Shapes: `target` and `held` `[N]`, instruments only. Requires: `target` adds up to at most 1 and `c` lies below 1.
///
/// The difference of both sides rises in μ and is convex, so that Newton's method falls onto the root from 1 without
/// passing it, and stands still after finitely many rounds. Source: Ormos and Urbán 2013, and Jiang et al. 2017 (arXiv
/// 1706.10059), section 2.3, who count the cash leg, too; here after spec/trademaster.md 11, row P2.
#[must_use]
pub fn value_kept(target: &[f64], held: &[f64], cost_rate: f64) -> f64 {
    let mut kept = 1.0;
    for _ in 0..ROUNDS_MAX {
        let (moved, slope) = moved(kept, target, held);
        let excess = kept - 1.0 + cost_rate * moved;
        let next = kept - excess / (1.0 + cost_rate * slope);
        // Rounding can no longer be told from progress.
        if kept <= next || excess <= f64::EPSILON {
            break;
        }
        kept = next;
    }
    kept
}

/// Returns `Σ |kept · target − held|` and its slope in `kept`. Four sums side by side, which a processor adds at once.
fn moved(kept: f64, target: &[f64], held: &[f64]) -> (f64, f64) {
    let (mut moved, mut slope) = ([0.0; LANES], [0.0; LANES]);
    let mut targets = target.chunks_exact(LANES);
    let mut holdings = held.chunks_exact(LANES);
    for (target, held) in targets.by_ref().zip(holdings.by_ref()) {
        for lane in 0..LANES {
            let change = kept * target[lane] - held[lane];
            moved[lane] += change.abs();
            slope[lane] += target[lane].copysign(change);
        }
    }
    for (target, held) in targets.remainder().iter().zip(holdings.remainder()) {
        let change = kept * target - held;
        moved[0] += change.abs();
        slope[0] += target.copysign(change);
    }
    (moved.iter().sum(), slope.iter().sum())
}

/// Writes the units by which each instrument has to change, positive to buy, and returns whether the weights had to be
/// made smaller because instruments that cannot be traded hold on to a part of the account.
///
/// Shapes: `weights` `[N + 1]`, cash first; `changes` and `scratch` `[N]`.
pub(super) fn changes(
    weights: &[f64],
    standing: &Standing<'_>,
    scratch: &mut [f64],
    changes: &mut [f64],
) -> bool {
    let Standing { units, close, tradable, equity, .. } = *standing;
    let targets = weights.get(1..).unwrap_or_default();
    let (mut frozen, mut wished) = (0.0, 0.0);
    for (index, target) in targets.iter().enumerate() {
        let held = units[index] * close[index] / equity;
        (scratch[index], changes[index]) = (held, *target);
        if tradable[index] {
            wished += target;
        } else {
            frozen += held;
            (scratch[index], changes[index]) = (0.0, 0.0);
        }
    }
    // Weights that add up to a hair more than 1 are rounding; those that want what is frozen elsewhere are cut.
    let free = (1.0 - frozen).max(0.0);
    let cut = free < wished;
    if cut {
        let share = free / wished;
        changes.iter_mut().for_each(|target| *target *= share);
    }
    let kept = value_kept(changes, scratch, standing.cost_rate) * equity;
    for index in 0..changes.len() {
        changes[index] =
            if tradable[index] { change(kept * changes[index], index, standing) } else { 0.0 };
    }
    cut && 0.0 < frozen
}

/// The units from what is held to a value wanted.
fn change(wanted: f64, index: usize, standing: &Standing<'_>) -> f64 {
    let (held, price) = (standing.units[index], standing.close[index]);
    if wanted <= 0.0 {
        return -held;
    }
    if (wanted - held * price).abs() <= ORDER_SHARE_MIN * standing.equity {
        return 0.0;
    }
    match standing.lot {
        None => wanted / price - held,
        Some(lot) => ((wanted / price / lot + LOT_ROUNDING).floor() - (held / lot).round()) * lot,
    }
}

/// Returns the share of the purchases that `cash` pays for, 1 at most.
#[must_use]
pub(in crate::environment) fn affordable_share(cash: f64, wanted: f64) -> f64 {
    if wanted <= cash { 1.0 } else { (cash / wanted).max(0.0) }
}

/// Returns `quantity` cut to a share, towards zero and to whole lots where there are lots.
#[must_use]
pub(super) fn part(quantity: f64, share: f64, lot: Option<f64>) -> f64 {
    if 1.0 <= share {
        return quantity;
    }
    match lot {
        None => quantity * share,
        Some(lot) => (quantity * share / lot + LOT_ROUNDING).floor() * lot,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entering_from_cash_pays_for_what_is_bought() {
        // All into one instrument: μ = 1 − c·μ, so that μ = 1 / (1 + c).
        assert!((value_kept(&[1.0], &[0.0], 0.01) - 1.0 / 1.01).abs() < 1e-15);
        // Out of it: μ = 1 − c.
        assert!((value_kept(&[0.0], &[1.0], 0.01) - 0.99).abs() < 1e-15);
        // Nothing to do costs nothing.
        assert!((value_kept(&[0.3, 0.7], &[0.3, 0.7], 0.01) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn moving_between_two_instruments_pays_on_both_sides() {
        // μ = 1 − c·(1 + μ): sell everything of the first, buy the second with what is left.
        let kept = value_kept(&[0.0, 1.0], &[1.0, 0.0], 0.01);
        assert!((kept - 0.99 / 1.01).abs() < 1e-15, "{kept}");
    }

    #[test]
    fn frozen_value_leaves_less_to_the_others_and_lots_leave_change_in_cash() {
        let standing = Standing {
            units: &[5.0, 0.0],
            close: &[10.0, 20.0],
            tradable: &[false, true],
            equity: 100.0,
            cost_rate: 0.0,
            lot: None,
        };
        let (mut scratch, mut found) = ([0.0; 2], [0.0; 2]);
        assert!(changes(&[0.0, 0.0, 1.0], &standing, &mut scratch, &mut found));
        assert!(found[0].abs() < 1e-12 && (found[1] - 2.5).abs() < 1e-12, "{found:?}");
        let lots = Standing { lot: Some(1.0), ..standing };
        assert!(!changes(&[0.6, 0.0, 0.4], &lots, &mut scratch, &mut found));
        assert!((found[1] - 2.0).abs() < 1e-12, "{found:?}");
    }

    proptest! {
        #[test]
        fn the_root_solves_its_equation(
            raw in prop::collection::vec((0.0..1.0_f64, 0.0..1.0_f64), 1..40),
            cost_rate in 0.0..0.2_f64,
            cash in 0.0..1.0_f64,
        ) {
            let total = |pick: fn(&(f64, f64)) -> f64| raw.iter().map(pick).sum::<f64>() + cash + 1e-9;
            let target: Vec<f64> = raw.iter().map(|pair| pair.0 / total(|pair| pair.0)).collect();
            let held: Vec<f64> = raw.iter().map(|pair| pair.1 / total(|pair| pair.1)).collect();
            let kept = value_kept(&target, &held, cost_rate);
            let moved: f64 = target.iter().zip(&held).map(|(to, from)| (kept * to - from).abs()).sum();
            prop_assert!((kept - (1.0 - cost_rate * moved)).abs() < 1e-13, "{kept} {moved}");
            prop_assert!((1.0 - 2.0 * cost_rate..=1.0).contains(&kept));
        }
    }
}
