//! The hindsight oracle of high-frequency trading: the best holding on every row, by dynamic programming.
//! Source: TradeMaster 1.0.0, spec/trademaster.md section 3.9.

use super::hft_book::{HftBook, Levels, walk};

/// What a walk that the book cannot fill is worse by, before the fee.
const SHORTAGE: f64 = 1e12;

/// Units, fees and steps of the holding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ladder {
    /// Holdings 0 … `count` − 1.
    pub(super) count: usize,
    /// Units of the largest.
    pub(super) max_holding: f64,
    /// Cost rate c.
    pub(super) cost_rate: f64,
}

impl Ladder {
    /// Returns the units of `steps` steps.
    pub(super) fn units(&self, steps: usize) -> f64 {
        steps as f64 / (self.count - 1) as f64 * self.max_holding
    }

    fn proceeds(&self, bids: &Levels, steps: usize) -> f64 {
        let walked = walk(bids, self.units(steps));
        let value = if walked.short { walked.value - SHORTAGE } else { walked.value };
        value * (1.0 - self.cost_rate)
    }

    fn cost(&self, asks: &Levels, steps: usize) -> f64 {
        let walked = walk(asks, self.units(steps));
        let value = if walked.short { walked.value + SHORTAGE } else { walked.value };
        value * (1.0 + self.cost_rate)
    }

    /// Returns the money that every change of the holding brings on one row: sales of 0, 1, … steps and purchases.
    fn row(&self, bids: &Levels, asks: &Levels) -> (Vec<f64>, Vec<f64>) {
        let sales = (0..self.count).map(|steps| self.proceeds(bids, steps)).collect();
        let purchases = (0..self.count).map(|steps| self.cost(asks, steps)).collect();
        (sales, purchases)
    }
}

/// Returns `before` plus what moving from holding `from` to `to` brings.
fn after(before: f64, from: usize, to: usize, row: &(Vec<f64>, Vec<f64>)) -> f64 {
    if from > to { before + row.0[from - to] } else { before - row.1[to - from] }
}

/// Returns the holding to move to on every row but the last, on which everything is sold.
pub(super) fn best_actions(book: &HftBook, ladder: &Ladder) -> Vec<usize> {
    let rows: Vec<(Vec<f64>, Vec<f64>)> =
        book.bids.iter().zip(&book.asks).map(|(bids, asks)| ladder.row(bids, asks)).collect();
    let Some((first, rest)) = rows.split_first() else { return Vec::new() };
    let mut best: Vec<Vec<f64>> = vec![(0..ladder.count).map(|to| -first.1[to]).collect()];
    for row in rest {
        let before = &best[best.len() - 1];
        let now = (0..ladder.count)
            .map(|to| {
                let sums = before.iter().enumerate().map(|(from, sum)| after(*sum, from, to, row));
                sums.fold(f64::NEG_INFINITY, f64::max)
            })
            .collect();
        best.push(now);
    }
    backtrack(rest, &best)
}

/// Goes back from nothing held on the last row, each time to the first holding that reaches the best sum.
#[expect(clippy::float_cmp, reason = "the sum that was the best is found again, bit for bit")]
fn backtrack(rows: &[(Vec<f64>, Vec<f64>)], best: &[Vec<f64>]) -> Vec<usize> {
    let (mut actions, mut to) = (Vec::with_capacity(rows.len()), 0);
    for (index, row) in rows.iter().enumerate().rev() {
        let (before, target) = (&best[index], best[index + 1][to]);
        let reached = |from: &usize| after(before[*from], *from, to, row) == target;
        to = (0..before.len()).find(reached).unwrap_or(0);
        actions.push(to);
    }
    actions.reverse();
    actions
}
