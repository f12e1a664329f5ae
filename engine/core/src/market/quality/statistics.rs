//! Robust numbers in linear time: the median and the median distance from it.

/// Returns the middle value, the upper one of two; absent without any.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (_, median, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*median)
}

/// Returns the median distance of `values` from `centre`; absent without any.
#[must_use]
pub fn deviation_from(values: &[f64], centre: f64) -> Option<f64> {
    median(values.iter().map(|value| (value - centre).abs()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_upper_of_two_middles() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(3.0));
        assert_eq!(deviation_from(&[1.0, 2.0, 9.0], 2.0), Some(1.0));
    }
}
