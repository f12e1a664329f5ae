//! Bars for a chart: neighbours become one bar. Pure and deterministic.

use engine::market::BarSeries;

use crate::views::BarsView;

/// Most bars of one answer.
pub(crate) const BINS_MAX: u32 = 5_000;

/// Returns the whole series in at most `bins` bars (at least 1): first open, highest high, lowest low, last close,
/// summed volume, time of the first.
pub(crate) fn bars(series: &BarSeries, bins: u32) -> BarsView {
    let bins = usize::try_from(bins.clamp(1, BINS_MAX)).unwrap_or(1);
    let stride = series.len().div_ceil(bins).max(1);
    let starts: Vec<usize> = (0..series.len()).step_by(stride).collect();
    let end = |start: usize| (start + stride).min(series.len());
    let fold = |values: &[f64], pick: fn(f64, f64) -> f64, first: f64| -> Vec<f64> {
        starts
            .iter()
            .map(|start| values[*start..end(*start)].iter().copied().fold(first, pick))
            .collect()
    };
    BarsView {
        stride: u32::try_from(stride).unwrap_or(u32::MAX),
        times_ms: starts.iter().map(|start| milliseconds(series.time_ms[*start])).collect(),
        open: starts.iter().map(|start| series.open[*start]).collect(),
        high: fold(&series.high, f64::max, f64::NEG_INFINITY),
        low: fold(&series.low, f64::min, f64::INFINITY),
        close: starts.iter().map(|start| series.close[end(*start) - 1]).collect(),
        volume: series.volume.as_ref().map(|volume| fold(volume, |sum, value| sum + value, 0.0)),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of any date of trading are below 2^53"
)]
fn milliseconds(time_ms: i64) -> f64 {
    time_ms as f64
}

#[cfg(test)]
mod tests {
    use engine::market::synthetic;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_bars_of_two() {
        let series = synthetic::generate(7, 1_000).slice(0..5);
        let view = bars(&series, 3);
        assert_eq!(view.stride, 2);
        assert_eq!(view.open, [series.open[0], series.open[2], series.open[4]]);
        assert_eq!(view.close, [series.close[1], series.close[3], series.close[4]]);
        assert_eq!(view.high[0].to_bits(), series.high[0].max(series.high[1]).to_bits());
        assert_eq!(view.low[2].to_bits(), series.low[4].to_bits());
    }

    proptest! {
        #[test]
        fn never_more_than_asked_and_nothing_is_lost(rows in 1_usize..400, bins in 0_u32..600) {
            let series = synthetic::generate(1, 400).slice(0..rows);
            let view = bars(&series, bins);
            prop_assert!(view.open.len() <= usize::try_from(bins.max(1)).unwrap());
            prop_assert_eq!(view.close.last(), series.close.last());
            let highest = |values: &[f64]| values.iter().copied().fold(f64::MIN, f64::max).to_bits();
            prop_assert_eq!(highest(&view.high), highest(&series.high));
        }
    }
}
