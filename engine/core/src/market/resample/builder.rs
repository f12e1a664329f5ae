//! Puts points of rising time together to bars: one bar at a time, given out when the next one begins.

use crate::market::bar::{Bar, BarSeries, interval_seconds};

/// What goes into a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Prices and volume; for a single price all four are it.
    pub(super) bar: Bar,
    /// A time inside of it.
    pub(super) inside_ms: i64,
    /// Whether it is a whole trading day, whose date counts and not its time.
    pub(super) is_day: bool,
}

impl Point {
    /// Returns the point of one price.
    pub(super) fn single(time_ms: i64, price: f64, volume: Option<f64>) -> Self {
        let bar = Bar {
            time_ms,
            open: price,
            high: price,
            low: price,
            close: price,
            adjusted_close: price,
            volume,
        };
        Self { bar, inside_ms: time_ms, is_day: false }
    }
}

/// Which bar a point belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    /// When it is over.
    pub(super) end_ms: i64,
    /// The time that it gets.
    pub(super) stamp_ms: i64,
}

/// Builds bars.
pub(super) struct Builder {
    series: BarSeries,
    open: Option<(Bucket, Bar)>,
}

impl Builder {
    pub(super) fn new(instrument: &str) -> Self {
        let series = BarSeries { instrument: instrument.to_owned(), ..BarSeries::default() };
        Self { series, open: None }
    }

    /// Takes the next point, of `bucket`.
    pub(super) fn take(&mut self, bucket: Bucket, point: &Bar) {
        match &mut self.open {
            Some((current, bar)) if *current == bucket => merge(bar, point),
            Some(_) | None => {
                self.close();
                self.open = Some((bucket, Bar { time_ms: bucket.stamp_ms, ..*point }));
            }
        }
    }

    fn close(&mut self) {
        let Some((_, bar)) = self.open.take() else { return };
        if self.series.is_empty() {
            self.series.volume = bar.volume.map(|_| Vec::new());
        }
        self.series.push(&bar);
    }

    /// Returns the bars, and whether a last one that is not over at `until` was left out.
    pub(super) fn finish(mut self, until: i64, keep: bool) -> (BarSeries, bool) {
        let is_open = self.open.is_some_and(|(bucket, _)| until < bucket.end_ms);
        let drops = is_open && !keep;
        if drops {
            self.open = None;
        }
        self.close();
        self.series.interval_seconds = interval_seconds(&self.series.time_ms);
        (self.series, drops)
    }
}

/// Adds a later point to a bar.
pub(super) fn merge(bar: &mut Bar, point: &Bar) {
    bar.high = bar.high.max(point.high);
    bar.low = bar.low.min(point.low);
    bar.close = point.close;
    bar.adjusted_close = point.adjusted_close;
    bar.volume = bar.volume.zip(point.volume).map(|(sum, more)| sum + more);
}
