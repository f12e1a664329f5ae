//! One segment of a panel: prices to trade several instruments at and normalised features to look at. Shared, never
//! changed. Knows nothing of accounts.
//!
//! Prices are `[T · N]`, row by row. Features are `[T, K, N]`, so that the window an agent looks at is one contiguous
//! piece. An instrument without a bar keeps its last price and its last features and is not tradable; before its first
//! bar it has the price 0 and features of 0, which nobody trades on.

use std::ops::Range;
use std::sync::Arc;

use super::market_data::{PRICE_MAX, PRICE_MIN, periods_per_year};
use crate::config::DividendRule;
use crate::error::EngineError;
use crate::features::FeatureFrame;
use crate::market::BarPanel;
use crate::num::narrow;

/// A step of the adjustment factor smaller than this share is rounding of the vendor's columns, not a dividend.
const DIVIDEND_SHARE_MIN: f64 = 1e-5;

/// The prices and features of one segment of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelData {
    time_ms: Vec<i64>,
    instruments: Vec<String>,
    names: Vec<String>,
    open: Vec<f64>,
    close: Vec<f64>,
    dividend: Option<Vec<f64>>,
    tradable: Vec<bool>,
    features: Vec<f32>,
    periods_per_year: f64,
}

/// One frame of (normalised) features per instrument, each over the rows of the panel at which the instrument has a bar.
pub type InstrumentFrames = [FeatureFrame];

impl PanelData {
    /// Takes the bars of `rows` and their features. What happened before `rows` is used to carry prices and features on.
    ///
    /// # Errors
    /// Refuses a panel that is not valid, rows that do not exist, frames that do not fit the panel, prices below 1e-9 or
    /// above 1e15, and features that are not finite in single precision.
    pub fn new(
        panel: &BarPanel,
        frames: &InstrumentFrames,
        rows: Range<usize>,
        dividends: DividendRule,
    ) -> Result<Self, EngineError> {
        panel.validate().map_err(|error| refused(error.to_string()))?;
        let names = names(panel, frames, &rows)?;
        let cut = Cut { panel, rows: rows.clone(), dividends };
        let mut data = Self {
            time_ms: panel.time_ms[rows.clone()].to_vec(),
            instruments: panel.instruments.clone(),
            names: names.clone(),
            open: vec![0.0; rows.len() * panel.width()],
            close: vec![0.0; rows.len() * panel.width()],
            dividend: None,
            tradable: vec![false; rows.len() * panel.width()],
            features: vec![0.0; rows.len() * names.len() * panel.width()],
            periods_per_year: periods_per_year(&panel.time_ms),
        };
        let mut paid = vec![0.0; rows.len() * panel.width()];
        for (column, frame) in frames.iter().enumerate() {
            data.fill(&cut, column, frame)?;
            if dividends == DividendRule::Explicit {
                implied_dividends(panel, column, &rows, &mut paid);
            }
        }
        if dividends == DividendRule::Explicit {
            data.dividend = Some(paid);
        }
        Ok(data)
    }

    /// Takes prices alone, for accounting done by hand: `open` and `close` `[T · N]`, row by row; a price of 0 means
    /// that there is no bar.
    ///
    /// # Errors
    /// Refuses columns of different or no length, and what is no price.
    pub fn from_prices(
        instruments: &[&str],
        open: &[f64],
        close: &[f64],
    ) -> Result<Self, EngineError> {
        let width = instruments.len();
        if width == 0
            || open.len() != close.len()
            || open.is_empty()
            || !open.len().is_multiple_of(width)
        {
            return Err(refused(format!(
                "opens and closes of {width} instruments were wanted row by row, found {} and {}",
                open.len(),
                close.len()
            )));
        }
        let rows = open.len() / width;
        let mut panel = BarPanel {
            instruments: instruments.iter().map(|name| (*name).to_owned()).collect(),
            interval_seconds: 86_400.0,
            time_ms: (0..rows).map(|row| row as i64 * 86_400_000).collect(),
            present: open.iter().map(|price| *price != 0.0).collect(),
            ..BarPanel::default()
        };
        let present = |values: &[f64]| values.to_vec();
        (panel.open, panel.close, panel.adjusted_close) =
            (present(open), present(close), present(close));
        panel.high = open.iter().zip(close).map(|(open, close)| open.max(*close)).collect();
        panel.low = open.iter().zip(close).map(|(open, close)| open.min(*close)).collect();
        let frames: Vec<FeatureFrame> = (0..width)
            .map(|column| FeatureFrame {
                names: Vec::new(),
                width: 0,
                rows: panel.series(column).len(),
                warmup_rows: 0,
                values: Vec::new(),
            })
            .collect();
        Self::new(&panel, &frames, 0..rows, DividendRule::None)
    }

    /// Writes one instrument: its prices, its features, and where it can be traded.
    fn fill(
        &mut self,
        cut: &Cut<'_>,
        column: usize,
        frame: &FeatureFrame,
    ) -> Result<(), EngineError> {
        let Cut { panel, rows, dividends } = cut;
        let (assets, width) = (panel.width(), frame.width);
        let (mut last, mut seen) = (0.0, vec![0.0_f32; width]);
        let mut bars = 0;
        for row in 0..rows.end {
            let bar = panel.bar(row, column);
            let mut open = last;
            if let Some(bar) = &bar {
                let factor = match dividends {
                    DividendRule::Adjusted => bar.adjusted_close / bar.close,
                    DividendRule::Explicit | DividendRule::None => 1.0,
                };
                open = price(bar.open * factor, panel, row, column)?;
                last = price(bar.close * factor, panel, row, column)?;
            }
            // Without features there is nothing to warm up.
            let mut warm = bar.is_some() && width == 0;
            if bar.is_some() {
                if let Some(cells) = frame.row(bars).filter(|cells| !cells.is_empty()) {
                    for (slot, (cell, name)) in seen.iter_mut().zip(cells.iter().zip(&frame.names))
                    {
                        *slot = finite(*cell, name, row)?;
                    }
                    warm = true;
                }
                bars += 1;
            }
            let Some(at) = row.checked_sub(rows.start) else { continue };
            let cell = at * assets + column;
            (self.open[cell], self.close[cell]) = (open, last);
            self.tradable[cell] = warm;
            for (feature, value) in seen.iter().enumerate() {
                self.features[(at * width + feature) * assets + column] = *value;
            }
        }
        Ok(())
    }

    /// Returns the number of times, T.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.time_ms.len()
    }

    /// Returns the number of instruments, N.
    #[must_use]
    pub fn assets(&self) -> usize {
        self.instruments.len()
    }

    /// Returns the names of the instruments.
    #[must_use]
    pub fn instruments(&self) -> &[String] {
        &self.instruments
    }

    /// Returns the names of the features, K.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the times, milliseconds since 1970 UTC.
    #[must_use]
    pub fn time_ms(&self) -> &[i64] {
        &self.time_ms
    }

    /// Returns the first prices `[N]` of a row; the last known ones where there is no bar, 0 before the first bar.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn open(&self, row: usize) -> &[f64] {
        &self.open[row * self.assets()..(row + 1) * self.assets()]
    }

    /// Returns the last prices `[N]` of a row; the last known ones where there is no bar, 0 before the first bar.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn close(&self, row: usize) -> &[f64] {
        &self.close[row * self.assets()..(row + 1) * self.assets()]
    }

    /// Returns what a unit held over the night pays at a row `[N]`, quote currency; absent unless dividends are explicit.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn dividend(&self, row: usize) -> Option<&[f64]> {
        let paid = self.dividend.as_ref()?;
        Some(&paid[row * self.assets()..(row + 1) * self.assets()])
    }

    /// Returns which instruments `[N]` have a bar and all their features at a row.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn tradable(&self, row: usize) -> &[bool] {
        &self.tradable[row * self.assets()..(row + 1) * self.assets()]
    }

    /// Returns the features `[W, K, N]` of some rows, oldest first.
    ///
    /// # Panics
    /// When there are no such rows.
    #[must_use]
    pub fn window(&self, rows: Range<usize>) -> &[f32] {
        let size = self.names.len() * self.assets();
        &self.features[rows.start * size..rows.end * size]
    }

    /// Returns how many times a year has, from the times of the whole panel.
    #[must_use]
    pub fn periods_per_year(&self) -> f64 {
        self.periods_per_year
    }

    /// Returns the same data shared.
    #[must_use]
    pub fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

/// What is cut out of a panel.
struct Cut<'a> {
    panel: &'a BarPanel,
    rows: Range<usize>,
    dividends: DividendRule,
}

/// Returns the names of the features, the same for all instruments.
fn names(
    panel: &BarPanel,
    frames: &InstrumentFrames,
    rows: &Range<usize>,
) -> Result<Vec<String>, EngineError> {
    if frames.len() != panel.width() || panel.rows() < rows.end || rows.is_empty() {
        return Err(refused(format!(
            "rows {}..{} and features of {} instruments were wanted, found {} rows of {}",
            rows.start,
            rows.end,
            panel.width(),
            panel.rows(),
            frames.len()
        )));
    }
    let names = frames.first().map(|frame| frame.names.clone()).unwrap_or_default();
    for (column, frame) in frames.iter().enumerate() {
        let bars = (0..panel.rows()).filter(|row| panel.present[row * panel.width() + column]);
        if frame.names != names || frame.rows != bars.count() {
            return Err(refused(format!(
                "the features of {} are not those of its bars: compute them with the same set from the same panel",
                panel.instruments[column]
            )));
        }
    }
    Ok(names)
}

/// What the adjusted close says was paid: the factor of the bar before falls short of today's by dividend / close.
///
/// Source: spec/trademaster.md 11, row P8. A fall of the factor (a negative dividend) is no payment and is left out.
fn implied_dividends(panel: &BarPanel, column: usize, rows: &Range<usize>, paid: &mut [f64]) {
    let mut before: Option<(f64, f64)> = None;
    for row in 0..rows.end {
        let Some(bar) = panel.bar(row, column) else { continue };
        let factor = bar.adjusted_close / bar.close;
        if let Some((close, earlier)) = before {
            let share = 1.0 - earlier / factor;
            if let Some(at) = row.checked_sub(rows.start)
                && DIVIDEND_SHARE_MIN < share
            {
                paid[at * panel.width() + column] = close * share;
            }
        }
        before = Some((bar.close, factor));
    }
}

fn price(value: f64, panel: &BarPanel, row: usize, column: usize) -> Result<f64, EngineError> {
    if (PRICE_MIN..=PRICE_MAX).contains(&value) {
        return Ok(value);
    }
    Err(refused(format!(
        "a price of {} in row {row} must be at least 1e-9 and at most 1e15, found {value}; correct the data",
        panel.instruments[column]
    )))
}

fn finite(value: f64, column: &str, row: usize) -> Result<f32, EngineError> {
    let single = narrow(value);
    if single.is_finite() {
        return Ok(single);
    }
    Err(refused(format!(
        "feature {column} of row {row} must be finite in single precision, found {value}"
    )))
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "panel data", detail }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "prices are carried, not computed")]
mod tests {
    use super::*;
    use crate::market::Join;
    use crate::testkit::bars_from_closes;

    #[test]
    fn an_absent_bar_keeps_the_last_price_and_is_not_tradable() {
        let data = PanelData::from_prices(
            &["A", "B"],
            &[10.0, 0.0, 11.0, 20.0, 0.0, 21.0],
            &[10.5, 0.0, 11.5, 20.5, 0.0, 21.5],
        )
        .unwrap();
        assert_eq!(data.tradable(0), [true, false]);
        assert_eq!(data.close(0), [10.5, 0.0]);
        assert_eq!(data.open(2), [11.5, 21.0]);
        assert_eq!(data.tradable(2), [false, true]);
    }

    #[test]
    fn dividends_are_in_the_adjusted_price_or_paid_but_never_both() {
        let mut bars = bars_from_closes(&[100.0, 100.0, 98.0]);
        // 2 were paid on the last day: 98 / 100 of the price before.
        bars.adjusted_close = vec![98.0, 98.0, 98.0];
        let panel = BarPanel::join(&[bars], Join::Inner).unwrap();
        let frame =
            FeatureFrame { names: vec![], width: 0, rows: 3, warmup_rows: 0, values: vec![] };
        let with = |rule| PanelData::new(&panel, std::slice::from_ref(&frame), 0..3, rule).unwrap();
        let adjusted = with(DividendRule::Adjusted);
        assert_eq!((adjusted.close(1)[0], adjusted.close(2)[0]), (98.0, 98.0));
        assert_eq!(adjusted.dividend(2), None);
        let explicit = with(DividendRule::Explicit);
        assert_eq!((explicit.close(1)[0], explicit.close(2)[0]), (100.0, 98.0));
        assert!((explicit.dividend(2).unwrap()[0] - 2.0).abs() < 1e-12);
        assert_eq!(explicit.dividend(1).unwrap()[0], 0.0);
        assert_eq!(with(DividendRule::None).dividend(2), None);
    }

    #[test]
    fn refuses_columns_that_do_not_fit_and_what_is_no_price() {
        assert!(PanelData::from_prices(&["A", "B"], &[1.0], &[1.0]).is_err());
        assert!(PanelData::from_prices(&[], &[], &[]).is_err());
        assert!(PanelData::from_prices(&["A"], &[-1.0], &[1.0]).is_err());
        assert!(PanelData::from_prices(&["A"], &[1.0], &[f64::NAN]).is_err());
    }
}
