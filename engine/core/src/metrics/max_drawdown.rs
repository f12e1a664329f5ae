//! Falls from the running peak, 0 to 1.

/// Returns the fall from the running peak at each bar as a share of that peak, 0 to 1. What is owed beyond a total
/// loss counts as a total loss; before the first value above 0 there is no peak to fall from. Requires: finite values.
#[must_use]
pub fn drawdown(equity: &[f64]) -> Vec<f64> {
    let mut peak = 0.0_f64;
    equity
        .iter()
        .map(|value| {
            peak = peak.max(*value);
            if peak > 0.0 { ((peak - value) / peak).clamp(0.0, 1.0) } else { 0.0 }
        })
        .collect()
}

/// Returns the deepest fall, 0 to 1; undefined without values and when one is not finite.
#[must_use]
pub fn max_drawdown(equity: &[f64]) -> Option<f64> {
    if !equity.iter().all(|value| value.is_finite()) {
        return None;
    }
    drawdown(equity).into_iter().reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_one_done_by_hand() {
        assert!((max_drawdown(&[100.0, 120.0, 90.0, 130.0, 117.0]).unwrap() - 0.25).abs() < 1e-15);
        assert_eq!(max_drawdown(&[]), None);
        assert_eq!(max_drawdown(&[5.0]), Some(0.0));
        assert_eq!(max_drawdown(&[5.0, -3.0]), Some(1.0));
    }
}
