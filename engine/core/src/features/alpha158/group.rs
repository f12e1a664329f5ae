//! All figures of one window: those of prices here, those of volume in `flow`.

use super::TINY;
use super::flow::Flow;
use crate::config::Truth;
use crate::features::rolling::{Extremum, Lag, Ordered, Regression, Sum, number};
use crate::market::Bar;

/// Figures that need prices only, in the table's order.
pub(super) const PRICE: [&str; 21] = [
    "ROC", "MA", "STD", "BETA", "RSQR", "RESI", "MAX", "MIN", "QTLU", "QTLD", "RANK", "RSV",
    "IMAX", "IMIN", "IMXD", "CNTP", "CNTN", "CNTD", "SUMP", "SUMN", "SUMD",
];
/// Figures that need volume.
pub(super) const FLOW: [&str; 8] =
    ["CORR", "CORD", "VMA", "VSTD", "WVMA", "VSUMP", "VSUMN", "VSUMD"];
/// Upper and lower quantile.
const QUANTILES: [f64; 2] = [0.8, 0.2];

/// A bar and the one before it.
pub(super) struct Today<'a> {
    pub(super) bar: &'a Bar,
    pub(super) previous: Option<&'a Bar>,
}

impl Today<'_> {
    /// close / close before − 1.
    pub(super) fn change(&self) -> Option<f64> {
        self.previous.map(|previous| self.bar.close / previous.close - 1.0)
    }
}

/// Kernels of one window.
pub(super) struct Group {
    truth: Truth,
    window: usize,
    before: Lag,
    line: Regression,
    ordered: Ordered,
    highest: Extremum,
    lowest: Extremum,
    /// Places of the largest high and the largest low: only in `faithful` mode.
    places: [Extremum; 2],
    ups: Sum,
    downs: Sum,
    gains: Sum,
    losses: Sum,
    flow: Option<Flow>,
}

impl Group {
    pub(super) fn new(truth: Truth, window: usize, volume: bool) -> Self {
        Self {
            truth,
            window,
            before: Lag::new(window),
            line: Regression::new(window),
            ordered: Ordered::new(window),
            highest: Extremum::maximum(window),
            lowest: Extremum::minimum(window),
            places: [Extremum::maximum(window), Extremum::maximum(window)],
            ups: Sum::new(window),
            downs: Sum::new(window),
            gains: Sum::new(window),
            losses: Sum::new(window),
            flow: volume.then(|| Flow::new(truth, window)),
        }
    }

    /// Takes the next bar and appends the value of each figure.
    pub(super) fn update(&mut self, today: &Today<'_>, cells: &mut Vec<Option<f64>>) {
        self.trend(today.bar, cells);
        match self.truth {
            Truth::Corrected => self.range(today.bar, cells),
            Truth::Faithful => self.faithful_range(today.bar, cells),
        }
        self.moves(today, cells);
        if let Some(flow) = &mut self.flow {
            flow.update(today, cells);
        }
    }

    /// ROC, MA, STD, BETA, RSQR and, not in the reference, RESI.
    fn trend(&mut self, bar: &Bar, cells: &mut Vec<Option<f64>>) {
        let close = bar.close;
        cells.push(self.before.update(close).map(|before| before / close));
        let line = self.line.update(close);
        cells.push(line.map(|line| line.mean / close));
        cells.push(line.map(|line| line.variance.sqrt() / close));
        cells.push(line.map(|line| line.slope / close));
        cells.push(line.and_then(|line| line.r_squared));
        match self.truth {
            Truth::Corrected => cells.push(line.map(|line| line.residual / close)),
            Truth::Faithful => {}
        }
    }

    /// MAX, MIN, QTLU, QTLD, RANK, RSV, IMAX, IMIN, IMXD as published.
    fn range(&mut self, bar: &Bar, cells: &mut Vec<Option<f64>>) {
        let (close, window) = (bar.close, number(self.window));
        let highest = self.highest.update(bar.high);
        let lowest = self.lowest.update(bar.low);
        cells.push(highest.map(|highest| highest.value / close));
        cells.push(lowest.map(|lowest| lowest.value / close));
        self.ordered.push(close);
        cells.extend(QUANTILES.map(|share| self.ordered.quantile(share).map(|at| at / close)));
        cells.push(self.ordered.rank().map(|rank| rank / window));
        let both = highest.zip(lowest);
        cells.push(both.map(|(highest, lowest)| {
            (close - lowest.value) / (highest.value - lowest.value + TINY)
        }));
        let place = |extreme: crate::features::rolling::Extreme| number(extreme.place) / window;
        cells.push(highest.map(place));
        cells.push(lowest.map(place));
        cells.push(
            both.map(|(highest, lowest)| (number(highest.place) - number(lowest.place)) / window),
        );
    }

    /// The same as the reference has them: extremes of the close, ranks as they are, the range of ratios, the place of
    /// the largest low, and the difference of places divided by the window twice.
    fn faithful_range(&mut self, bar: &Bar, cells: &mut Vec<Option<f64>>) {
        let (close, window) = (bar.close, number(self.window));
        let highest = self.highest.update(close).map(|highest| highest.value / close);
        let lowest = self.lowest.update(close).map(|lowest| lowest.value / close);
        cells.extend([highest, lowest]);
        self.ordered.push(close);
        cells.extend(QUANTILES.map(|share| self.ordered.quantile(share).map(|at| at / close)));
        cells.push(self.ordered.rank());
        cells.push(
            highest
                .zip(lowest)
                .map(|(highest, lowest)| (close - lowest) / (highest - lowest + TINY)),
        );
        let [of_high, of_low] = &mut self.places;
        let of_high = of_high.update(bar.high).map(|extreme| number(extreme.place) / window);
        let of_low = of_low.update(bar.low).map(|extreme| number(extreme.place) / window);
        cells.extend([of_high, of_low]);
        cells.push(of_high.zip(of_low).map(|(high, low)| (high - low) / window));
    }

    /// CNTP, CNTN, CNTD, SUMP, SUMN, SUMD.
    fn moves(&mut self, today: &Today<'_>, cells: &mut Vec<Option<f64>>) {
        let Some(change) = today.change() else {
            cells.extend([None; 6]);
            return;
        };
        let window = number(self.window);
        let flag = |set: bool| if set { 1.0 } else { 0.0 };
        let ups = self.ups.update(flag(0.0 < change)).map(|ups| ups / window);
        let downs = self.downs.update(flag(change < 0.0)).map(|downs| downs / window);
        cells.extend([ups, downs, ups.zip(downs).map(|(ups, downs)| ups - downs)]);
        let gains = self.gains.update(change.max(0.0));
        let losses = self.losses.update((-change).max(0.0));
        cells.extend(shares(self.truth, gains, losses));
    }
}

/// Share of what went up, of what went down, and their difference. The reference writes the last two as 1 − p and
/// 2 · p − 1, which differ where nothing moved.
pub(super) fn shares(truth: Truth, gains: Option<f64>, losses: Option<f64>) -> [Option<f64>; 3] {
    let Some((gains, losses)) = gains.zip(losses) else { return [None; 3] };
    let total = gains + losses + TINY;
    let share = gains / total;
    match truth {
        Truth::Corrected => [Some(share), Some(losses / total), Some((gains - losses) / total)],
        Truth::Faithful => [Some(share), Some(1.0 - share), Some(2.0 * share - 1.0)],
    }
}
