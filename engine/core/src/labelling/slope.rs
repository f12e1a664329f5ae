//! The slope of a segment: a straight line by least squares. No labels.

/// Returns the slope of the line of least squares through `values` at 0, 1, 2, …; 0 for a single value.
#[must_use]
pub fn slope(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if values.len() < 2 {
        return 0.0;
    }
    let centre = (n - 1.0) / 2.0;
    // Differences to the first value, so that a high price does not swallow a small movement.
    let origin = values.first().copied().unwrap_or_default();
    let mut offset = -centre;
    let mut product = 0.0;
    for value in values {
        product += offset * (value - origin);
        offset += 1.0;
    }
    product / (n * (n * n - 1.0) / 12.0)
}

/// Returns the slope of each segment in per cent of its first value per row.
#[must_use]
pub fn normalised(values: &[f64], points: &[usize]) -> Vec<f64> {
    points
        .windows(2)
        .map(|ends| {
            let segment = values.get(ends[0]..ends[1]).unwrap_or_default();
            segment.first().map_or(0.0, |first| 100.0 * slope(segment) / first)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_one_done_by_hand() {
        assert!((slope(&[1.0, 3.0, 5.0]) - 2.0).abs() < 1e-15);
        // 1, 2, 6: offsets −1, 0, 1; (6 − 1)/2
        assert!((slope(&[1.0, 2.0, 6.0]) - 2.5).abs() < 1e-15);
        assert!(slope(&[7.0]).abs() < 1e-15 && slope(&[]).abs() < 1e-15);
    }

    #[test]
    fn is_per_cent_of_the_first_value() {
        let found = normalised(&[100.0, 101.0, 102.0, 50.0, 49.0], &[0, 3, 5]);
        assert!((found[0] - 1.0).abs() < 1e-12 && (found[1] + 2.0).abs() < 1e-12);
    }
}
