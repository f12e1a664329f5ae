//! Features of several instruments on one time axis, and how they compare at each time.
//!
//! Each instrument has features of its own, fed with its own bars only: nothing crosses from one to the other, unless a
//! formula compares them (`CSRank`, `CSZScore`) or the values of one time are ranked or standardised.

use super::expression::{PanelFormulas, Program};
use super::pipeline::Pipeline;
use super::rolling::number;
use crate::config::{FeatureItem, FeaturesConfig};
use crate::error::EngineError;
use crate::market::{Bar, BarPanel};

/// Features of several instruments: `[T, N, K]`, time by time, instrument by instrument.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelFrame {
    /// Names of the columns, K.
    pub names: Vec<String>,
    /// Names of the instruments, N.
    pub instruments: Vec<String>,
    /// Number of times, T.
    pub rows: usize,
    /// `[T, N, K]`; NaN where a value is not defined. Read by [`cell`](Self::cell).
    pub values: Vec<f64>,
}

/// How the values of one time are made comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrossSection {
    /// Rank / count, in (0, 1]; equal values share the mean of their ranks.
    Rank,
    /// (x − mean) / deviation (of the sample); not defined for fewer than two values, and where they are equal.
    ZScore,
}

impl PanelFrame {
    /// Returns a value; absent where it is not defined, and beyond the ends.
    #[must_use]
    pub fn cell(&self, row: usize, instrument: usize, column: usize) -> Option<f64> {
        let (count, width) = (self.instruments.len(), self.names.len());
        if count <= instrument || width <= column {
            return None;
        }
        let place = row.checked_mul(count * width)?.checked_add(instrument * width + column)?;
        self.values.get(place).copied().filter(|value| value.is_finite())
    }

    /// Returns the rows at the start before every feature of every instrument has been defined once.
    #[must_use]
    pub fn warmup_rows(&self) -> usize {
        let stride = self.instruments.len() * self.names.len();
        let first = |column: usize| {
            let mut cells = self.values.iter().skip(column).step_by(stride.max(1));
            cells.position(|value| value.is_finite()).unwrap_or(self.rows)
        };
        (0..stride).map(first).max().unwrap_or(0)
    }

    /// Makes the values of each time and column comparable between instruments. A row depends on itself only.
    pub fn compare(&mut self, how: CrossSection) {
        let (count, width) = (self.instruments.len(), self.names.len());
        for row in 0..self.rows {
            for column in 0..width {
                let place = |instrument: usize| (row * count + instrument) * width + column;
                let cells: Vec<Option<f64>> = (0..count)
                    .map(|instrument| {
                        Some(self.values[place(instrument)]).filter(|v| v.is_finite())
                    })
                    .collect();
                let compared = match how {
                    CrossSection::Rank => ranks(&cells),
                    CrossSection::ZScore => z_scores(&cells),
                };
                for (instrument, value) in compared.into_iter().enumerate() {
                    self.values[place(instrument)] = value.unwrap_or(f64::NAN);
                }
            }
        }
    }
}

/// Consecutive columns that are computed together.
enum Part {
    /// One pipeline per instrument.
    Alone(Vec<Pipeline>),
    /// Formulas, which may compare instruments.
    Together(PanelFormulas),
}

/// Returns the features that a configuration chooses, of every instrument at every time. An instrument without a bar
/// has none at that time, and its windows wait. A value that is not defined at a bar is the last one that was. Row t
/// depends on bars up to t only.
///
/// # Errors
/// Refuses a formula that cannot be read, with the place of the mistake, and features that look ahead.
pub fn panel_frame(panel: &BarPanel, config: &FeaturesConfig) -> Result<PanelFrame, EngineError> {
    let (names, mut parts) = parts(panel.width(), config)?;
    let (count, width) = (panel.width(), names.len());
    let mut values = vec![f64::NAN; panel.rows() * count * width];
    let mut last = vec![None; count * width];
    let mut cells = Vec::with_capacity(width);
    for row in 0..panel.rows() {
        let bars: Vec<Option<Bar>> = (0..count).map(|column| panel.bar(row, column)).collect();
        for part in &mut parts {
            match part {
                Part::Alone(_) => {}
                Part::Together(formulas) => formulas.update(&bars),
            }
        }
        for (instrument, bar) in bars.iter().enumerate() {
            let Some(bar) = bar else { continue };
            cells.clear();
            for part in &mut parts {
                match part {
                    Part::Alone(pipelines) => pipelines[instrument].update(bar, &mut cells),
                    Part::Together(formulas) => cells
                        .extend((0..formulas.width()).map(|each| formulas.value(instrument, each))),
                }
            }
            let start = (row * count + instrument) * width;
            let places = values[start..start + width].iter_mut();
            let held = &mut last[instrument * width..(instrument + 1) * width];
            for ((place, cell), held) in places.zip(&cells).zip(held) {
                *held = cell.or(*held);
                *place = held.unwrap_or(f64::NAN);
            }
        }
    }
    Ok(PanelFrame { names, instruments: panel.instruments.clone(), rows: panel.rows(), values })
}

fn parts(count: usize, config: &FeaturesConfig) -> Result<(Vec<String>, Vec<Part>), EngineError> {
    let (mut names, mut parts) = (Vec::new(), Vec::new());
    let mut rest = &config.list[..];
    let alone = |config: &FeaturesConfig| -> Result<Vec<Pipeline>, EngineError> {
        (0..count).map(|_| Pipeline::from_config(config)).collect()
    };
    if rest.is_empty() {
        let pipelines = alone(config)?;
        names = Pipeline::from_config(config)?.names();
        parts.push(Part::Alone(pipelines));
    }
    while let Some(first) = rest.first() {
        let formula = |item: &FeatureItem| matches!(item, FeatureItem::Expression(_));
        let same = rest.iter().take_while(|item| formula(item) == formula(first)).count();
        let (run, after) = rest.split_at(same);
        rest = after;
        if formula(first) {
            let mut texts = Vec::new();
            for item in run {
                if let FeatureItem::Expression(formula) = item {
                    let column = formula.column.trim();
                    let name = if column.is_empty() { formula.text.trim() } else { column };
                    names.push(name.to_owned());
                    texts.push(formula.text.as_str());
                }
            }
            parts.push(Part::Together(PanelFormulas::new(Program::new(texts)?, count)));
        } else {
            let part = FeaturesConfig { list: run.to_vec(), ..config.clone() };
            let model = Pipeline::from_config(&part)?;
            if !model.looks_ahead().is_empty() {
                return Err(EngineError::Refused {
                    what: "features of a panel",
                    detail: "wanted features that see the past only; found a faithful Alpha158 set. Choose the \
                             corrected one"
                        .to_owned(),
                });
            }
            names.extend(model.names());
            parts.push(Part::Alone(alone(&part)?));
        }
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(EngineError::Refused {
            what: "features of a panel",
            detail: format!("wanted each column once; found '{}' twice. Remove one", pair[0]),
        });
    }
    Ok((names, parts))
}

/// Returns rank / count of each defined value, in (0, 1]; equal values share the mean of their ranks.
#[must_use]
pub fn ranks(row: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut sorted: Vec<f64> = row.iter().flatten().copied().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let count = number(sorted.len());
    let rank = |value: f64| {
        let below = sorted.partition_point(|other| *other < value);
        let equal = sorted[below..].partition_point(|other| *other <= value);
        (number(below) + (number(equal) + 1.0) / 2.0) / count
    };
    row.iter().map(|value| value.map(rank)).collect()
}

/// Returns (x − mean) / deviation of each defined value, the deviation being that of the sample; none where fewer than
/// two are defined or none differs from the mean beyond rounding.
#[must_use]
pub fn z_scores(row: &[Option<f64>]) -> Vec<Option<f64>> {
    let nothing = || vec![None; row.len()];
    let values: Vec<f64> = row.iter().flatten().copied().collect();
    let Some(first) = values.first().filter(|_| 2 <= values.len()) else { return nothing() };
    let count = number(values.len());
    let mean = first + values.iter().map(|value| value - first).sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    let deviation = (squares / (count - 1.0)).sqrt();
    if !(super::rolling::DEVIATION_RELATIVE_MIN * mean.abs() < deviation && deviation.is_finite()) {
        return nothing();
    }
    row.iter().map(|value| value.map(|value| (value - mean) / deviation)).collect()
}

/// Fills what is undefined as the reference system does: the tickers one after the other, each value carried forward,
/// then the first one backward. The first rows of a later ticker get the last value of the one before: a leak, kept to
/// rebuild its files and for nothing else.
///
/// Shapes: one column per ticker, in the reference's order; the result is of the same shape. Where nothing is defined
/// anywhere, the result is NaN throughout.
///
/// Source: `trademaster.md` §5.1, row F1.
#[must_use]
pub fn fill_across(tickers: &[Vec<Option<f64>>]) -> Vec<Vec<f64>> {
    let first = tickers.iter().flatten().flatten().next().copied();
    let mut last = first.unwrap_or(f64::NAN);
    let mut carried = |value: &Option<f64>| {
        last = value.unwrap_or(last);
        last
    };
    tickers.iter().map(|column| column.iter().map(&mut carried).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_scores_that_are_done_by_hand() {
        let row = [Some(3.0), None, Some(1.0), Some(3.0)];
        assert_eq!(ranks(&row), [Some(2.5 / 3.0), None, Some(1.0 / 3.0), Some(2.5 / 3.0)]);
        assert_eq!(z_scores(&[Some(1.0), None, Some(3.0)])[1], None);
        let scores = z_scores(&[Some(1.0), Some(2.0), Some(3.0)]);
        assert_eq!(scores, [Some(-1.0), Some(0.0), Some(1.0)]);
        assert_eq!(z_scores(&[Some(1.0), None]), [None, None]);
        assert_eq!(ranks(&[]), []);
    }

    #[test]
    fn the_reference_fills_from_one_ticker_into_the_next() {
        let filled = fill_across(&[vec![None, Some(1.0), Some(2.0)], vec![None, None, Some(5.0)]]);
        assert_eq!(filled, [vec![1.0, 1.0, 2.0], vec![2.0, 2.0, 5.0]]);
        assert!(fill_across(&[vec![None]])[0][0].is_nan());
    }
}
