//! Zero-phase low-pass: a fourth-order Butterworth filter run forwards and backwards. Knows nothing of segments.
//!
//! Coefficients by the bilinear transform with prewarping (Oppenheim and Schafer, "Discrete-Time Signal Processing",
//! ch. 7); the start of each pass is the state that a constant leaves behind. Spec/trademaster.md section 7, step 1.

use std::f64::consts::PI;

use crate::error::EngineError;

/// Order of the filter.
const ORDER: usize = 4;
/// Rows that are mirrored at each end, three times the number of coefficients.
pub const PADDING: usize = 3 * (ORDER + 1);

/// A filter as its difference equation: `b` over past inputs, `a` over past outputs (`a[0]` is 1), and the state `zi`
/// in which a constant 1 has left it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Butterworth {
    /// Weights of the inputs, newest first.
    pub b: [f64; ORDER + 1],
    /// Weights of the outputs, newest first.
    pub a: [f64; ORDER + 1],
    /// State after a constant 1, for the transposed direct form II.
    pub zi: [f64; ORDER],
}

/// Returns the fourth-order low-pass with cut-off `wn`, in units of half the sampling rate, 0 < `wn` < 1.
///
/// The two pairs of poles lie at the angles π/8 and 3π/8; each gives one quadratic section, and the sections are
/// multiplied out.
#[must_use]
pub fn butterworth(wn: f64) -> Butterworth {
    let warped = (PI * wn / 2.0).tan();
    let square = warped * warped;
    let (mut gain, mut sections) = (1.0, [[0.0; 3]; 2]);
    for (section, angle) in sections.iter_mut().zip([PI / 8.0, 3.0 * PI / 8.0]) {
        let damping = 2.0 * warped * angle.cos();
        let scale = 1.0 + damping + square;
        *section = [1.0, 2.0 * (square - 1.0) / scale, (1.0 - damping + square) / scale];
        gain *= square / scale;
    }
    let mut a = [0.0; ORDER + 1];
    for (i, left) in sections[0].iter().enumerate() {
        for (j, right) in sections[1].iter().enumerate() {
            a[i + j] += left * right;
        }
    }
    let b = [1.0, 4.0, 6.0, 4.0, 1.0].map(|binomial| binomial * gain);
    Butterworth { b, a, zi: constant_state(&b, &a) }
}

/// Returns the state in which a constant 1 has left the filter.
///
/// With input 1 and output y the states obey `z[k-1] = b[k] − a[k]·y + z[k]`, `y = b[0] + z[0]`; summed up,
/// `y = Σb/Σa`, and the states follow one from the other.
fn constant_state(b: &[f64; ORDER + 1], a: &[f64; ORDER + 1]) -> [f64; ORDER] {
    let output = b.iter().sum::<f64>() / a.iter().sum::<f64>();
    let mut state = [0.0; ORDER];
    let mut last = output - b[0];
    for (k, value) in state.iter_mut().enumerate() {
        if k > 0 {
            last = last - b[k] + a[k] * output;
        }
        *value = last;
    }
    state
}

/// Runs `values` through the filter in place, from the state that its first value would have left.
fn pass(filter: &Butterworth, values: impl DoubleEndedIterator<Item = f64>, out: &mut Vec<f64>) {
    let mut values = values.peekable();
    let first = values.peek().copied().unwrap_or_default();
    let [mut z0, mut z1, mut z2, mut z3] = filter.zi.map(|state| state * first);
    let (b, a) = (filter.b, filter.a);
    for x in values {
        let y = z0 + b[0] * x;
        z0 = z1 + b[1] * x - a[1] * y;
        z1 = z2 + b[2] * x - a[2] * y;
        z2 = z3 + b[3] * x - a[3] * y;
        z3 = b[4] * x - a[4] * y;
        out.push(y);
    }
}

/// Returns `values` without what moves faster than the cut-off `wn`, not shifted in time.
///
/// Shape: `[n]` → `[n]`. Each end is continued by [`PADDING`] rows turned about its last point.
///
/// # Errors
/// Refuses `n ≤ 15`, and a cut-off outside `(0, 1)`.
pub fn zero_phase(values: &[f64], wn: f64) -> Result<Vec<f64>, EngineError> {
    let inside = 0.0 < wn && wn < 1.0;
    if !inside {
        let detail = format!(
            "wanted a cut-off between 0 and 1, in units of half the sampling rate; found {wn}. Raise min_length or \
             filter_strength"
        );
        return Err(EngineError::Refused { what: "labelling", detail });
    }
    let n = values.len();
    if n <= PADDING {
        let detail = format!(
            "wanted more than {PADDING} rows, because the filter mirrors {PADDING} at each end; found {n}. Use a \
             longer series"
        );
        return Err(EngineError::Refused { what: "labelling", detail });
    }
    let filter = butterworth(wn);
    let (first, last) = (values[0], values[n - 1]);
    let head = values[1..=PADDING].iter().rev().map(|value| 2.0 * first - value);
    let tail = values[n - 1 - PADDING..n - 1].iter().rev().map(|value| 2.0 * last - value);
    let mut forward = Vec::with_capacity(n + 2 * PADDING);
    pass(&filter, head.chain(values.iter().copied()).chain(tail), &mut forward);
    let mut backward = Vec::with_capacity(n + 2 * PADDING);
    pass(&filter, forward.into_iter().rev(), &mut backward);
    backward.reverse();
    backward.truncate(n + PADDING);
    backward.drain(..PADDING);
    Ok(backward)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: &[f64], wanted: &[f64], tolerance: f64) {
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() <= tolerance * wanted.abs(), "{found} {wanted}");
        }
    }

    #[test]
    fn coefficients_are_the_published_ones() {
        let twelve = butterworth(1.0 / 6.0);
        near(&[twelve.b[0]], &[0.002_576_434_425_322_620_3], 1e-13);
        let a = [
            1.0,
            -2.638_627_743_891_247_8,
            2.769_309_786_151_488,
            -1.339_280_761_265_205,
            0.249_821_669_810_126_3,
        ];
        near(&twelve.a, &a, 1e-14);
        let zi = [
            0.997_423_565_574_683_5,
            -1.651_509_916_017_870_8,
            1.102_341_263_581_698_5,
            -0.247_245_235_384_805_22,
        ];
        near(&twelve.zi, &zi, 1e-12);
        let long = butterworth(2.0 / 48.0);
        near(&[long.b[0]], &[1.555_172_178_089_176e-5], 1e-11);
        let a = [
            1.0,
            -3.658_060_302_401_883,
            5.031_433_533_367_606,
            -3.083_228_301_758_815,
            0.710_103_898_341_586_6,
        ];
        near(&long.a, &a, 1e-14);
    }

    #[test]
    fn a_straight_line_passes_unchanged_and_a_wave_does_not() {
        let line: Vec<f64> = (0..200_i32).map(|i| 100.0 + 0.5 * f64::from(i)).collect();
        let kept = zero_phase(&line, 1.0 / 6.0).unwrap();
        // Each pass starts as after a constant, which is felt for a few periods.
        near(&kept[60..140], &line[60..140], 1e-7);
        near(&kept, &line, 1e-3);
        let wave: Vec<f64> = (0..200_i32).map(|i| f64::from(i % 2) - 0.5).collect();
        let kept = zero_phase(&wave, 1.0 / 6.0).unwrap();
        assert!(kept[60..140].iter().all(|value| value.abs() < 1e-5));
    }

    #[test]
    fn refuses_fifteen_rows_and_takes_sixteen() {
        let rows: Vec<f64> = (0..16_i32).map(|i| f64::from(i * i % 7)).collect();
        assert!(zero_phase(&rows, 0.2).is_ok());
        let error = zero_phase(&rows[..15], 0.2).unwrap_err().to_string();
        assert!(error.contains("more than 15 rows") && error.contains("found 15"), "{error}");
        for wn in [0.0, 1.0, -0.5, 2.0, f64::NAN] {
            assert!(zero_phase(&rows, wn).is_err());
        }
    }
}
