//! Simple returns per bar and the total return.

use super::defined;

/// Returns `equity[i + 1] / equity[i] − 1` for every bar; undefined when a value that is divided by is not above 0.
#[must_use]
pub fn returns(equity: &[f64]) -> Option<Vec<f64>> {
    equity
        .windows(2)
        .map(|pair| match pair {
            [before, after] if *before > 0.0 => defined(after / before - 1.0),
            _ => None,
        })
        .collect()
}

/// Returns the growth from the first to the last value; undefined without values or from nothing.
#[must_use]
pub fn total_return(equity: &[f64]) -> Option<f64> {
    let (first, last) = (equity.first()?, equity.last()?);
    if *first > 0.0 { defined(last / first - 1.0) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_those_done_by_hand() {
        let found = returns(&[100.0, 110.0, 99.0]).unwrap();
        assert!((found[0] - 0.1).abs() < 1e-15 && (found[1] + 0.1).abs() < 1e-15);
        assert!((total_return(&[100.0, 110.0, 99.0]).unwrap() + 0.01).abs() < 1e-15);
    }

    #[test]
    fn are_undefined_from_nothing() {
        assert_eq!(total_return(&[]), None);
        assert_eq!(total_return(&[0.0, 1.0]), None);
        assert_eq!(total_return(&[f64::NAN, 1.0]), None);
        assert_eq!(returns(&[1.0, 0.0, 1.0]), None);
        assert_eq!(returns(&[1.0]), Some(vec![]));
    }
}
