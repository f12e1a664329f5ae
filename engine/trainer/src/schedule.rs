//! Values that change with the step: pure functions, so that a resumed session needs no state for them.

/// Returns a straight line from `start` at step 0 to `end` at `length` steps, constant afterwards.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "steps stay far below 2^53")]
pub fn linear(start: f64, end: f64, length: u64, step: u64) -> f64 {
    if step >= length {
        return end;
    }
    start + (end - start) * (step as f64 / length as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_from_start_to_end_and_stays() {
        let at = |step| linear(1.0, 0.1, 10, step);
        assert!((at(0) - 1.0).abs() < 1e-15 && (at(5) - 0.55).abs() < 1e-15);
        assert!((at(10) - 0.1).abs() < 1e-15 && (at(1_000_000) - 0.1).abs() < 1e-15);
        assert!((linear(1.0, 0.1, 0, 0) - 0.1).abs() < 1e-15);
    }
}
