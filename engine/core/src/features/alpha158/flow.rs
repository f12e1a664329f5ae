//! Figures of one window that need volume.

use super::TINY;
use super::group::{Today, shares};
use crate::config::Truth;
use crate::features::rolling::{Comoments, Lag, Moments, Sum};

/// Kernels of one window. A bar without volume empties those that it would have entered.
pub(super) struct Flow {
    truth: Truth,
    levels: Comoments,
    changes: Comoments,
    /// Close and volume some bars ago: one bar, in `faithful` mode the window.
    before: [Lag; 2],
    volume: Moments,
    turnover: Moments,
    increases: Sum,
    decreases: Sum,
}

impl Flow {
    pub(super) fn new(truth: Truth, window: usize) -> Self {
        let back = match truth {
            Truth::Corrected => 1,
            Truth::Faithful => window,
        };
        Self {
            truth,
            levels: Comoments::new(window),
            changes: Comoments::new(window),
            before: [Lag::new(back), Lag::new(back)],
            volume: Moments::new(window),
            turnover: Moments::new(window),
            increases: Sum::new(window),
            decreases: Sum::new(window),
        }
    }

    fn clear(&mut self) {
        self.levels.clear();
        self.changes.clear();
        self.before.iter_mut().for_each(Lag::clear);
        self.volume.clear();
        self.turnover.clear();
        self.increases.clear();
        self.decreases.clear();
    }

    /// Appends CORR, CORD, VMA, VSTD, WVMA, VSUMP, VSUMN, VSUMD.
    pub(super) fn update(&mut self, today: &Today<'_>, cells: &mut Vec<Option<f64>>) {
        let Some(volume) = today.bar.volume else {
            self.clear();
            cells.extend([None; 8]);
            return;
        };
        let close = today.bar.close;
        self.levels.push(close, (volume + 1.0).ln());
        cells.push(self.levels.correlation());
        cells.push(self.of_changes(close, volume));
        self.volume.push(volume);
        cells.push(self.volume.mean().map(|mean| mean / (volume + TINY)));
        cells.push(self.volume.deviation(1).map(|deviation| deviation / (volume + TINY)));
        if let Some(change) = today.change() {
            self.turnover.push(change.abs() * volume);
        }
        let turnover = self.turnover.deviation(1).zip(self.turnover.mean());
        cells.push(turnover.map(|(deviation, mean)| deviation / (mean + TINY)));
        cells.extend(self.of_volume(today, volume));
    }

    fn of_changes(&mut self, close: f64, volume: f64) -> Option<f64> {
        let [closes, volumes] = &mut self.before;
        let (close_before, volume_before) = closes.update(close).zip(volumes.update(volume))?;
        let growth = volume / volume_before;
        if !growth.is_finite() {
            // After a bar in which nothing was traded the change is not defined.
            self.changes.clear();
            return None;
        }
        self.changes.push(close / close_before, (growth + 1.0).ln());
        self.changes.correlation()
    }

    fn of_volume(&mut self, today: &Today<'_>, volume: f64) -> [Option<f64>; 3] {
        let Some(before) = today.previous.and_then(|previous| previous.volume) else {
            return [None; 3];
        };
        let change = volume - before;
        let increases = self.increases.update(change.max(0.0));
        let decreases = self.decreases.update((-change).max(0.0));
        let found = shares(self.truth, increases, decreases);
        match self.truth {
            Truth::Corrected => found,
            // Decreases carry their sign, so that subtracting them adds: about 1 always.
            Truth::Faithful => {
                let total = increases.zip(decreases).map(|(up, down)| up + down);
                [found[0], found[1], total.map(|total| total / (total + TINY))]
            }
        }
    }
}
