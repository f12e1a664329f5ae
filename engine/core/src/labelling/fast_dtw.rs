//! Dynamic time warping, exact and approximate. Knows nothing of segments.
//!
//! Approximation: Salvador and Chan 2007, "Toward accurate dynamic time warping in linear time and space", radius 1:
//! warp series of half the length, and look for the path of the whole ones only around that path. Ties are broken and
//! sums rounded as the reference does, so that distances are bit-equal. Cost of a pair: |x − y|.

/// From this length on a series is halved before it is warped.
const HALVED_FROM: usize = 3;

/// Where the best path into a cell comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Up,
    Left,
    Diagonal,
}

/// A warper with the buffers that it uses again and again.
#[derive(Debug, Clone, Default)]
pub struct Warp {
    /// Columns of each row's window: first and last.
    window: Vec<(usize, usize)>,
    /// Columns of each row's part of the path: first and last.
    trace: Vec<(usize, usize)>,
    /// Steps of all cells, row by row, and where each row begins.
    steps: Vec<Step>,
    row_starts: Vec<usize>,
    above: Vec<f64>,
    here: Vec<f64>,
    halves: Halves,
}

/// Both series at half, a quarter, … of their length, one after the other.
#[derive(Debug, Clone, Default)]
struct Halves {
    values: Vec<f64>,
    /// Where the halves of the first and of the second series begin, and where the level ends.
    levels: Vec<[usize; 3]>,
}

impl Halves {
    /// Halves two series until one of them is short.
    fn of(&mut self, x: &[f64], y: &[f64]) {
        self.values.clear();
        self.levels.clear();
        let (mut x_len, mut y_len) = (x.len(), y.len());
        while HALVED_FROM <= x_len && HALVED_FROM <= y_len {
            let start = self.values.len();
            match self.levels.last().copied() {
                None => {
                    self.values.extend(halved(x));
                    self.values.extend(halved(y));
                }
                Some([first, second, _]) => {
                    self.halve_own(first, x_len);
                    self.halve_own(second, y_len);
                }
            }
            (x_len, y_len) = (x_len / 2, y_len / 2);
            self.levels.push([start, start + x_len, start + x_len + y_len]);
        }
    }

    /// Appends the means of pairs of `len` own values from `start` on.
    fn halve_own(&mut self, start: usize, len: usize) {
        for pair in 0..len / 2 {
            let place = start + 2 * pair;
            self.values.push((self.values[place] + self.values[place + 1]) / 2.0);
        }
    }

    fn at(&self, [first, second, end]: &[usize; 3]) -> (&[f64], &[f64]) {
        (&self.values[*first..*second], &self.values[*second..*end])
    }
}

impl Warp {
    /// Returns a warper.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the approximate distance of `x` and `y`: the sum of |x − y| along the path. Infinite without values.
    pub fn fast(&mut self, x: &[f64], y: &[f64]) -> f64 {
        if x.is_empty() || y.is_empty() {
            return f64::INFINITY;
        }
        let mut halves = std::mem::take(&mut self.halves);
        halves.of(x, y);
        let mut levels = halves.levels.iter().rev().map(|level| halves.at(level));
        let distance = match levels.next() {
            None => self.exact(x, y),
            Some((coarse_x, coarse_y)) => {
                self.exact(coarse_x, coarse_y);
                for (x, y) in levels {
                    self.around_path(x, y);
                }
                self.around_path(x, y)
            }
        };
        self.halves = halves;
        distance
    }

    /// Returns the distance of series twice as long as those of the last path, looking around that path only.
    fn around_path(&mut self, x: &[f64], y: &[f64]) -> f64 {
        self.expand(x.len(), y.len());
        self.inside_window(x, y)
    }

    /// Returns the exact distance of `x` and `y`, looking at every pair. Infinite without values.
    pub fn exact(&mut self, x: &[f64], y: &[f64]) -> f64 {
        if x.is_empty() || y.is_empty() {
            return f64::INFINITY;
        }
        self.window.clear();
        self.window.resize(x.len(), (0, y.len() - 1));
        self.inside_window(x, y)
    }

    /// Calls `visit` with the rows and columns of the last path, backwards.
    pub fn path(&self, mut visit: impl FnMut(usize, usize)) {
        let Some((_, last)) = self.window.last() else { return };
        let (mut row, mut column) = (self.window.len() - 1, *last);
        loop {
            visit(row, column);
            if row == 0 && column == 0 {
                return;
            }
            match self.step_at(row, column) {
                Step::Up => row -= 1,
                Step::Left => column -= 1,
                Step::Diagonal => (row, column) = (row - 1, column - 1),
            }
        }
    }

    fn step_at(&self, row: usize, column: usize) -> Step {
        self.steps[self.row_starts[row] + column - self.window[row].0]
    }

    /// Widens the last path, of series of half the length, into the window of series of these lengths.
    fn expand(&mut self, x_len: usize, y_len: usize) {
        let mut trace = std::mem::take(&mut self.trace);
        trace.clear();
        trace.resize(self.window.len(), (usize::MAX, 0));
        self.path(|row, column| {
            trace[row] = (trace[row].0.min(column), trace[row].1.max(column));
        });
        let last = trace.len() - 1;
        self.window.clear();
        for row in 0..x_len {
            // The path is monotone: the lowest column is that of the row before, the highest that of the row after.
            let low = trace[(row / 2).saturating_sub(1).min(last)].0;
            let high = trace[(row / 2 + 1).min(last)].1;
            let from = (2 * low).saturating_sub(2);
            self.window.push((from, (2 * high + 3).min(y_len - 1)));
        }
        self.trace = trace;
    }

    /// Returns the distance along the best path inside the window. Requires: windows overlap or touch from row to row,
    /// and neither end of them ever goes back.
    fn inside_window(&mut self, x: &[f64], y: &[f64]) -> f64 {
        let width = y.len() + 1;
        // Column j of the table stands at j + 1, so that the column before the first exists and is infinite.
        for row in [&mut self.above, &mut self.here] {
            row.clear();
            row.resize(width, f64::INFINITY);
        }
        self.above[0] = 0.0;
        self.steps.clear();
        self.row_starts.clear();
        for (value, (from, to)) in x.iter().zip(&self.window) {
            self.row_starts.push(self.steps.len());
            // What an earlier row left before the window is not part of this one.
            self.here[*from] = f64::INFINITY;
            let mut left = f64::INFINITY;
            let mut diagonal = self.above[*from];
            let targets = self.here[from + 1..=to + 1].iter_mut();
            let ups = &self.above[from + 1..=to + 1];
            for ((other, up), target) in y[*from..=*to].iter().zip(ups).zip(targets) {
                let cost = (value - other).abs();
                let (mut best, mut step) = (up + cost, Step::Up);
                let by_left = left + cost;
                if by_left < best {
                    (best, step) = (by_left, Step::Left);
                }
                let by_diagonal = diagonal + cost;
                if by_diagonal < best {
                    (best, step) = (by_diagonal, Step::Diagonal);
                }
                *target = best;
                self.steps.push(step);
                left = best;
                diagonal = *up;
            }
            std::mem::swap(&mut self.above, &mut self.here);
        }
        self.above[width - 1]
    }
}

/// Returns the means of pairs; an odd last value is dropped.
fn halved(values: &[f64]) -> impl Iterator<Item = f64> {
    values.chunks_exact(2).map(|pair| (pair[0] + pair[1]) / 2.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The textbook table, cell by cell, over cells given as a set.
    fn by_cells(x: &[f64], y: &[f64], cells: &[(usize, usize)]) -> (f64, Vec<(usize, usize)>) {
        let mut table = std::collections::BTreeMap::from([((0, 0), (0.0, (0, 0)))]);
        for (i, j) in cells {
            let (i, j) = (i + 1, j + 1);
            let cost = (x[i - 1] - y[j - 1]).abs();
            let mut best = (f64::INFINITY, (0, 0));
            let mut first = true;
            for from in [(i - 1, j), (i, j - 1), (i - 1, j - 1)] {
                let sum = table.get(&from).map_or(f64::INFINITY, |cell| cell.0) + cost;
                if first || sum < best.0 {
                    best = (sum, from);
                    first = false;
                }
            }
            table.insert((i, j), best);
        }
        let mut path = Vec::new();
        let mut at = (x.len(), y.len());
        while at != (0, 0) {
            path.push((at.0 - 1, at.1 - 1));
            at = table[&at].1;
        }
        (table[&(x.len(), y.len())].0, path)
    }

    /// The algorithm as the specification tells it, with sets of cells.
    fn by_the_text(x: &[f64], y: &[f64]) -> (f64, Vec<(usize, usize)>) {
        if x.len() < 3 || y.len() < 3 {
            let all: Vec<_> =
                (0..x.len()).flat_map(|i| (0..y.len()).map(move |j| (i, j))).collect();
            return by_cells(x, y, &all);
        }
        let (_, path) = by_the_text(&halved(x).collect::<Vec<_>>(), &halved(y).collect::<Vec<_>>());
        let mut near = std::collections::BTreeSet::new();
        for (i, j) in path {
            for a in -1..=1 {
                for b in -1..=1 {
                    let (i, j) = (i as i64 + a, j as i64 + b);
                    for cell in [
                        (2 * i, 2 * j),
                        (2 * i, 2 * j + 1),
                        (2 * i + 1, 2 * j),
                        (2 * i + 1, 2 * j + 1),
                    ] {
                        near.insert(cell);
                    }
                }
            }
        }
        let mut cells = Vec::new();
        let mut start = 0;
        for i in 0..x.len() {
            let mut first = None;
            for j in start..y.len() {
                if near.contains(&(i as i64, j as i64)) {
                    cells.push((i, j));
                    first = first.or(Some(j));
                } else if first.is_some() {
                    break;
                }
            }
            start = first.expect("every row has cells");
        }
        by_cells(x, y, &cells)
    }

    #[test]
    fn the_published_check() {
        let found = Warp::new().fast(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 3.0, 4.0]);
        assert!((found - 2.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_is_infinitely_far_and_equals_are_not_apart() {
        let mut warp = Warp::new();
        assert!(warp.fast(&[], &[1.0]).is_infinite() && warp.exact(&[1.0], &[]).is_infinite());
        assert!(warp.fast(&[1.0; 9], &[1.0; 14]).abs() < 1e-15);
        assert!((warp.fast(&[1.0], &[3.0, 5.0]) - 6.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn is_the_algorithm_of_the_specification_to_the_bit(
            x in prop::collection::vec(-3_i32..3, 1..40),
            y in prop::collection::vec(-3_i32..3, 1..40),
            scale in 0.1..2.0_f64,
        ) {
            // Few values make many ties.
            let real = |values: &[i32]| -> Vec<f64> { values.iter().map(|v| f64::from(*v) * scale).collect() };
            let (x, y) = (real(&x), real(&y));
            let (wanted, path) = by_the_text(&x, &y);
            let mut warp = Warp::new();
            prop_assert_eq!(warp.fast(&x, &y).to_bits(), wanted.to_bits());
            let mut found = Vec::new();
            warp.path(|row, column| found.push((row, column)));
            prop_assert_eq!(found, path);
            prop_assert!(warp.exact(&x, &y) <= wanted + 1e-9);
        }
    }
}
