//! Named features in order, fed together; the only match over feature sets.

use super::Feature;
use super::ratio::{AgainstClose, CloseReturn, MeanAgainstToday, Price, Raw};
use crate::config::FeatureSet;
use crate::market::parse::reference::ReferenceTable;
use crate::market::{Bar, BarSeries, DataError};

/// Windows of the averages, in bars.
const MEAN_BARS: [usize; 6] = [5, 10, 15, 20, 25, 30];
/// No feature fills its window for longer.
const WARMUP_ROWS_MAX: usize = 10_000;

/// Features of a whole series.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureFrame {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Number of columns.
    pub width: usize,
    /// Number of rows: one per bar.
    pub rows: usize,
    /// Rows at the start in which not every feature is defined; undefined cells are NaN. Nobody may read them: use
    /// [`row`](Self::row).
    pub warmup_rows: usize,
    /// `[rows, width]`, row by row.
    pub values: Vec<f64>,
}

impl FeatureFrame {
    /// Returns the features at a bar; absent in the warm-up and beyond the end.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<&[f64]> {
        if index < self.warmup_rows {
            return None;
        }
        self.values.get(index.checked_mul(self.width)?..)?.get(..self.width)
    }
}

/// A feature set fed bar by bar.
pub struct Pipeline {
    features: Vec<Box<dyn Feature>>,
}

impl Pipeline {
    /// Returns the features of `set`, empty.
    #[must_use]
    pub fn new(set: FeatureSet) -> Self {
        let mut features: Vec<Box<dyn Feature>> = Vec::new();
        match set {
            FeatureSet::Classic16 => {
                for price in
                    [Price::High, Price::Low, Price::Open, Price::Close, Price::AdjustedClose]
                {
                    features.push(Box::new(Raw(price)));
                }
            }
            FeatureSet::Classic11 => {}
        }
        for price in [Price::Open, Price::High, Price::Low, Price::AdjustedClose] {
            features.push(Box::new(AgainstClose(price)));
        }
        features.push(Box::new(CloseReturn::default()));
        for bars in MEAN_BARS {
            features.push(Box::new(MeanAgainstToday::new(bars)));
        }
        Self { features }
    }

    /// Returns the names of the columns, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.name()).collect()
    }

    /// Takes the next bar and appends one value per feature to `row`; absent while a window fills.
    pub fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        row.extend(self.features.iter_mut().map(|feature| feature.update(bar)));
    }
}

/// Returns the names of the columns of `set`, in order.
#[must_use]
pub fn names(set: FeatureSet) -> Vec<String> {
    Pipeline::new(set).names()
}

/// Returns how many rows at the start of a series have a feature of `set` that is not defined yet, for series that are
/// long enough to have more.
#[must_use]
pub fn warmup_rows(set: FeatureSet) -> usize {
    // A feature is absent only while its window fills, whatever the bars hold.
    let bar = Bar {
        time_ms: 0,
        open: 1.0,
        high: 1.0,
        low: 1.0,
        close: 1.0,
        adjusted_close: 1.0,
        volume: None,
    };
    let mut pipeline = Pipeline::new(set);
    let mut row = Vec::new();
    let mut filling = |_: &usize| {
        row.clear();
        pipeline.update(&bar, &mut row);
        row.iter().any(Option::is_none)
    };
    (0..WARMUP_ROWS_MAX).take_while(|index| filling(index)).count()
}

/// Returns the features of every bar: the streaming features, fed in order. Row t depends on bars up to t only.
#[must_use]
pub fn frame(series: &BarSeries, set: FeatureSet) -> FeatureFrame {
    let mut pipeline = Pipeline::new(set);
    let names = pipeline.names();
    let width = names.len();
    let mut values = Vec::with_capacity(series.len() * width);
    let mut warmup_rows = 0;
    let mut row = Vec::with_capacity(width);
    for (index, bar) in series.bars().enumerate() {
        row.clear();
        pipeline.update(&bar, &mut row);
        if row.iter().any(Option::is_none) {
            warmup_rows = index + 1;
        }
        values.extend(row.iter().map(|value| value.unwrap_or(f64::NAN)));
    }
    FeatureFrame { names, width, rows: series.len(), warmup_rows, values }
}

/// Returns the features as the reference system wrote them beside its prices, filled warm-up rows included. For
/// comparison with its published figures; everything else uses [`frame`].
///
/// # Errors
/// Refuses a table in which a column of the set is absent.
pub fn from_table(table: &ReferenceTable, set: FeatureSet) -> Result<FeatureFrame, DataError> {
    let names = names(set);
    let columns =
        names.iter().map(|name| table.column(name)).collect::<Result<Vec<&[f64]>, _>>()?;
    let rows = table.len();
    let values = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    Ok(FeatureFrame { width: names.len(), names, rows, warmup_rows: 0, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::synthetic;

    #[test]
    fn the_warm_up_of_a_set_is_that_of_its_frame() {
        for set in [FeatureSet::Classic16, FeatureSet::Classic11] {
            let frame = frame(&synthetic::generate(5, 200), set);
            assert_eq!(warmup_rows(set), frame.warmup_rows, "{set:?}");
            assert!(0 < frame.warmup_rows);
        }
    }
}
