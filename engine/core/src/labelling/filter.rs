//! Zero-phase low-pass: a fourth-order Butterworth filter run forwards and backwards. Knows nothing of segments.
//!
//! Coefficients by the bilinear transform with prewarping (Oppenheim and Schafer, "Discrete-Time Signal Processing",
//! ch. 7), to the last bit those of the reference's library; the start of each pass is the state that a constant leaves
//! behind. Spec/trademaster.md section 7, step 1.

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

/// A complex number, real part first.
type Complex = (f64, f64);

/// Quotient by Smith's rule (Communications of the ACM 5, 1962), the order of operations of numpy.
fn quotient(x: Complex, y: Complex) -> Complex {
    if y.1.abs() <= y.0.abs() {
        let ratio = y.1 / y.0;
        let scale = 1.0 / (y.0 + y.1 * ratio);
        ((x.0 + x.1 * ratio) * scale, (x.1 - x.0 * ratio) * scale)
    } else {
        let ratio = y.0 / y.1;
        let scale = 1.0 / (y.1 + y.0 * ratio);
        ((x.0 * ratio + x.1) * scale, (x.1 * ratio - x.0) * scale)
    }
}

/// Returns the fourth-order low-pass with cut-off `wn`, in units of half the sampling rate, 0 < `wn` < 1.
///
/// Every operation stands in the order in which the reference's library does it (poles, bilinear transform, polynomial
/// from its roots). A low cut-off magnifies the last bit of `a` by about `wn⁻⁴`: 10⁷ for 50 rows, so another order
/// would give other turning points.
#[must_use]
pub fn butterworth(wn: f64) -> Butterworth {
    let warped = 4.0 * (PI * wn / 2.0).tan();
    let mut below: Complex = (1.0, 0.0);
    let mut roots = [(0.0, 0.0); ORDER];
    for (root, eighths) in roots.iter_mut().zip([-3.0, -1.0, 1.0, 3.0]) {
        let (sine, cosine) = (PI * eighths / 8.0).sin_cos();
        let pole = (-cosine * warped, -sine * warped);
        let rest = (4.0 - pole.0, -pole.1);
        *root = quotient((4.0 + pole.0, pole.1), rest);
        below = (below.0 * rest.0 - below.1 * rest.1, below.0 * rest.1 + below.1 * rest.0);
    }
    let gain = warped.powf(4.0) * quotient((1.0, 0.0), below).0;
    let b = [1.0, 4.0, 6.0, 4.0, 1.0].map(|binomial| binomial * gain);
    let a = polynomial(&roots);
    Butterworth { b, a, zi: constant_state(&b, &a) }
}

/// Returns the real coefficients of Π(z − root), highest power first.
///
/// Products of real and of imaginary parts are added up apart, as a complex scalar product does it.
fn polynomial(roots: &[Complex; ORDER]) -> [f64; ORDER + 1] {
    let mut found: [Complex; ORDER + 1] = [(0.0, 0.0); ORDER + 1];
    found[0] = (1.0, 0.0);
    for root in roots {
        for k in (1..=ORDER).rev() {
            let (higher, own) = (found[k - 1], found[k]);
            let real = (own.0 - higher.0 * root.0) + higher.1 * root.1;
            let imaginary = -(higher.0 * root.1) + (own.1 - higher.1 * root.0);
            found[k] = (real, imaginary);
        }
    }
    found.map(|coefficient| coefficient.0)
}

/// Returns the state in which a constant 1 has left the filter: the solution of `(I − A)·z = b − a·b[0]`, A the filter's
/// companion matrix, by elimination with the largest pivot of each column.
fn constant_state(b: &[f64; ORDER + 1], a: &[f64; ORDER + 1]) -> [f64; ORDER] {
    let mut rows = [[0.0; ORDER + 1]; ORDER];
    for (k, row) in rows.iter_mut().enumerate() {
        row[0] = a[k + 1];
        row[k] += 1.0;
        if k + 1 < ORDER {
            row[k + 1] = -1.0;
        }
        row[ORDER] = b[k + 1] - a[k + 1] * b[0];
    }
    for column in 0..ORDER {
        let mut pivot = column;
        for row in column + 1..ORDER {
            if rows[pivot][column].abs() < rows[row][column].abs() {
                pivot = row;
            }
        }
        rows.swap(column, pivot);
        let chosen = rows[column];
        let inverse = 1.0 / chosen[column];
        for row in rows.iter_mut().skip(column + 1) {
            let factor = row[column] * inverse;
            for (cell, above) in row.iter_mut().zip(&chosen).skip(column + 1) {
                *cell -= factor * above;
            }
        }
    }
    let mut state = [0.0; ORDER];
    for column in (0..ORDER).rev() {
        state[column] = rows[column][ORDER] / rows[column][column];
        for row in rows.iter_mut().take(column) {
            row[ORDER] -= row[column] * state[column];
        }
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
    #[expect(clippy::float_cmp, reason = "the last bit is what is tested")]
    fn coefficients_are_the_published_ones_to_the_last_bit() {
        let twelve = butterworth(1.0 / 6.0);
        assert_eq!(twelve.b[0], 0.002_576_434_425_322_620_3);
        let a = [
            1.0,
            -2.638_627_743_891_247_8,
            2.769_309_786_151_488,
            -1.339_280_761_265_205,
            0.249_821_669_810_126_3,
        ];
        assert_eq!(twelve.a, a);
        let zi = [
            0.997_423_565_574_683_5,
            -1.651_509_916_017_870_8,
            1.102_341_263_581_698_5,
            -0.247_245_235_384_805_22,
        ];
        near(&twelve.zi, &zi, 1e-14);
        let long = butterworth(2.0 / 48.0);
        assert_eq!(long.b[0], 1.555_172_178_089_176e-5);
        let a = [
            1.0,
            -3.658_060_302_401_883,
            5.031_433_533_367_606,
            -3.083_228_301_758_815,
            0.710_103_898_341_586_6,
        ];
        assert_eq!(long.a, a);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the last bit is what is tested")]
    fn coefficients_of_a_slow_filter_have_the_errors_of_the_references_library() {
        // scipy 1.17: butter(4, 2/480) and lfilter_zi. The sum of `a` is 1e-9 of its parts, so its last bits are felt.
        let slow = butterworth(2.0 / 480.0);
        assert_eq!(slow.b[0], 1.803_979_519_590_706_2e-9);
        let a = [
            1.0,
            -3.965_794_380_070_051_7,
            5.897_966_938_614_086,
            -3.898_544_917_372_419,
            0.966_372_387_692_056_9,
        ];
        assert_eq!(slow.a, a);
        let zi = [
            0.999_999_993_395_209_8,
            -2.965_794_374_851_732,
            2.932_172_524_623_455,
            -0.966_372_381_248_706_6,
        ];
        near(&slow.zi, &zi, 1e-13);
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
