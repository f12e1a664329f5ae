//! The Alpha158-style set: shapes of single bars, and 28 or 29 figures of each of five windows.
//!
//! Formulas: `trademaster.md` §5.2. `corrected` puts right what the table's third column names and adds RESI and the
//! bar's prices against its close; of the published set VWAP0 alone is absent, because bars hold no volume-weighted
//! price. `faithful` is the reference's own arithmetic, its look-ahead included: each value of RSQR, streamed, is what
//! the reference would have written had the series ended there; [`Block::looks_ahead`] names those columns, and a batch
//! writes their last value into every row, as the reference does.
//!
//! A value is absent until its window is full, and where it is not defined (a correlation with what does not vary).

mod candle;
mod flow;
mod group;

use candle::{PRICES, SHAPES};
use group::{FLOW, Group, PRICE, Today};

use super::ratio::{CloseReturn, MeanAgainstToday};
use super::{Block, Feature};
use crate::config::Truth;
use crate::market::Bar;

/// Windows, in bars.
pub const WINDOWS: [usize; 5] = [5, 10, 20, 30, 60];
/// Windows of the averages that the reference adds, in bars.
const MEAN_BARS: [usize; 7] = [5, 10, 15, 20, 25, 30, 60];
/// Guards divisions, as published.
const TINY: f64 = 1e-12;
/// Only this feature is absent from the reference's set.
const ABSENT: &str = "RESI";
/// The feature that the reference computes from the end of the series.
const HINDSIGHT: &str = "RSQR";

/// The set, fed bar by bar.
pub struct Alpha158 {
    truth: Truth,
    volume: bool,
    previous: Option<Bar>,
    groups: Vec<Group>,
    classic: Vec<Box<dyn Feature>>,
    cells: Vec<Vec<Option<f64>>>,
}

impl Alpha158 {
    /// Returns the empty set, with or without the features that need volume.
    #[must_use]
    pub fn new(truth: Truth, volume: bool) -> Self {
        let classic: Vec<Box<dyn Feature>> = match truth {
            Truth::Corrected => Vec::new(),
            Truth::Faithful => {
                let mut classic: Vec<Box<dyn Feature>> = vec![Box::new(CloseReturn::default())];
                for bars in MEAN_BARS {
                    classic.push(Box::new(MeanAgainstToday::new(bars)));
                }
                classic
            }
        };
        Self {
            truth,
            volume,
            previous: None,
            groups: WINDOWS.iter().map(|window| Group::new(truth, *window, volume)).collect(),
            classic,
            cells: vec![Vec::new(); WINDOWS.len()],
        }
    }

    fn bar_names(&self) -> impl Iterator<Item = String> {
        let prices = match self.truth {
            Truth::Corrected => &PRICES[..],
            Truth::Faithful => &[],
        };
        SHAPES.iter().chain(prices).map(|name| (*name).to_owned())
    }

    fn rolling(&self) -> impl Iterator<Item = &'static str> {
        let flow = if self.volume { &FLOW[..] } else { &[] };
        let faithful = self.truth == Truth::Faithful;
        PRICE.iter().chain(flow).copied().filter(move |name| !(faithful && *name == ABSENT))
    }
}

impl Block for Alpha158 {
    fn names(&self) -> Vec<String> {
        let rolling = self
            .rolling()
            .flat_map(|name| WINDOWS.iter().map(move |window| format!("{name}{window}")));
        let classic = self.classic.iter().map(|feature| feature.name());
        self.bar_names().chain(rolling).chain(classic).collect()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        match self.truth {
            Truth::Corrected => candle::corrected(bar, row),
            Truth::Faithful => candle::faithful(bar, row),
        }
        let today = Today { bar, previous: self.previous.as_ref() };
        for (group, cells) in self.groups.iter_mut().zip(&mut self.cells) {
            cells.clear();
            group.update(&today, cells);
        }
        let width = self.cells.first().map_or(0, Vec::len);
        for name in 0..width {
            row.extend(self.cells.iter().map(|cells| cells[name]));
        }
        row.extend(self.classic.iter_mut().map(|feature| feature.update(bar)));
        self.previous = Some(*bar);
    }

    fn looks_ahead(&self) -> Vec<usize> {
        match self.truth {
            Truth::Corrected => Vec::new(),
            Truth::Faithful => {
                let before = self.bar_names().count();
                let place = self.rolling().position(|name| name == HINDSIGHT).unwrap_or_default();
                let first = before + place * WINDOWS.len();
                (first..first + WINDOWS.len()).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_have_the_columns_of_the_table() {
        let names = |truth, volume| Alpha158::new(truth, volume).names();
        // 9 of the bar, 3 prices, 29 figures of 5 windows.
        assert_eq!(names(Truth::Corrected, true).len(), 9 + 3 + 29 * 5);
        assert_eq!(names(Truth::Corrected, false).len(), 9 + 3 + 21 * 5);
        // 9 of the bar, 28 figures of 5 windows, zclose and seven averages.
        assert_eq!(names(Truth::Faithful, true).len(), 9 + 28 * 5 + 8);
        assert_eq!(names(Truth::Faithful, false).len(), 9 + 20 * 5 + 8);
        let faithful = names(Truth::Faithful, false);
        assert_eq!(faithful[9], "ROC5");
        assert_eq!(
            faithful[108..],
            ["SUMD60", "zclose", "zd_5", "zd_10", "zd_15", "zd_20", "zd_25", "zd_30", "zd_60"]
        );
    }

    #[test]
    fn only_the_reference_looks_ahead_and_only_in_one_feature() {
        let block = Alpha158::new(Truth::Faithful, true);
        let names = block.names();
        let ahead: Vec<&str> =
            block.looks_ahead().iter().map(|column| names[*column].as_str()).collect();
        assert_eq!(ahead, ["RSQR5", "RSQR10", "RSQR20", "RSQR30", "RSQR60"]);
        assert!(Alpha158::new(Truth::Corrected, true).looks_ahead().is_empty());
    }
}
