//! Stability: how straight the curve of log wealth is.

use super::finite;
use super::moments::correlation;

/// Returns the R² of log wealth (after each bar) on time, 0 to 1; undefined below three returns, after a total loss and
/// when wealth does not change.
#[must_use]
pub fn stability(returns: &[f64]) -> Option<f64> {
    let mut wealth = 0.0;
    let curve: Option<Vec<f64>> = finite(returns)?
        .iter()
        .map(|value| {
            (-1.0 < *value).then(|| {
                wealth += value.ln_1p();
                wealth
            })
        })
        .collect();
    let times: Vec<f64> = (0..returns.len()).map(|bar| bar as f64).collect();
    let together = correlation(&times, &curve?)?;
    (3 <= returns.len()).then_some(together * together)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_for_constant_growth_and_the_one_done_by_hand_else() {
        assert!((stability(&[0.01; 20]).unwrap() - 1.0).abs() < 1e-12);
        // log wealth 1, 0, 1, 2: slope 0.4, explained 0.16·5 = 0.8 of 2
        let (up, down) = (1.0_f64.exp_m1(), (-1.0_f64).exp_m1());
        assert!((stability(&[up, down, up, up]).unwrap() - 0.4).abs() < 1e-12);
    }

    #[test]
    fn is_undefined_when_short_ruined_or_flat() {
        assert_eq!(stability(&[0.01, 0.01]), None);
        assert_eq!(stability(&[0.01, -1.0, 0.01]), None);
        assert_eq!(stability(&[0.0; 5]), None);
    }
}
