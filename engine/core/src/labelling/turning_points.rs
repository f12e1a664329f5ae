//! Where the filtered series turns, and which of these points are far enough apart. No labels yet.
//!
//! Points are row numbers: the first is 0, the last the number of rows, and segment `i` is `[points[i], points[i+1])`.

/// Returns the relative change of each value to the one before; 0 for the first.
#[must_use]
pub fn changes(values: &[f64]) -> Vec<f64> {
    let mut found = Vec::with_capacity(values.len());
    found.extend(values.first().map(|_| 0.0));
    found.extend(values.windows(2).map(|pair| pair[1] / pair[0] - 1.0));
    found
}

/// Returns 0, every row at which the sign of the change turns, and the number of rows.
#[must_use]
pub fn raw(changes: &[f64]) -> Vec<usize> {
    let mut points = vec![0];
    let turns = changes.windows(2).zip(1_usize..).filter(|(pair, _)| pair[0] * pair[1] < 0.0);
    points.extend(turns.map(|(_, row)| row));
    points.push(changes.len());
    points
}

/// Returns the points that leave at least `min_length` rows between them, kept from left to right. The last segment
/// is longer than `min_length`, unless it is the only one.
#[must_use]
pub fn length_pass(points: &[usize], min_length: Option<usize>) -> Vec<usize> {
    let (Some(min), [first, inner @ .., end]) = (min_length, points) else {
        return points.to_vec();
    };
    let mut kept = vec![*first];
    let mut last = *first;
    for point in inner {
        if end - point <= min {
            break;
        }
        if min <= point - last {
            kept.push(*point);
            last = *point;
        }
    }
    kept.push(*end);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_stands_where_the_change_turns() {
        let changes = changes(&[1.0, 2.0, 3.0, 2.0, 1.0, 1.5]);
        assert!((changes[1] - 1.0).abs() < 1e-15 && changes[0].abs() < 1e-15);
        // up, up, down, down, up
        assert_eq!(raw(&changes), [0, 3, 5, 6]);
    }

    #[test]
    fn a_change_of_nothing_does_not_turn() {
        assert_eq!(raw(&changes(&[1.0, 2.0, 2.0, 1.0])), [0, 4]);
        assert_eq!(raw(&[]), [0, 0]);
    }

    #[test]
    fn short_segments_are_dropped_from_the_left_and_the_end_is_kept_long() {
        assert_eq!(length_pass(&[0, 2, 5, 6, 9, 12], Some(3)), [0, 5, 12]);
        // 12 − 8 − 1 = 3 is enough, 12 − 9 − 1 = 2 is not
        assert_eq!(length_pass(&[0, 8, 12], Some(3)), [0, 8, 12]);
        assert_eq!(length_pass(&[0, 9, 12], Some(3)), [0, 12]);
        assert_eq!(length_pass(&[0, 1, 2, 12], None), [0, 1, 2, 12]);
        assert_eq!(length_pass(&[0, 4], Some(9)), [0, 4]);
    }
}
