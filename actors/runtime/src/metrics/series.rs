//! All points of one session in memory, by metric. Pure.

use std::collections::BTreeMap;

use engine::metrics::MetricName;

use super::bins::{Bin, Point, bins, stride};
use crate::messages::metrics::{BINS_MAX, HistoryQuery};
use crate::messages::topics::SeriesPatch;
use crate::views::SeriesView;

/// The points of one session in the order in which they were stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SessionSeries {
    count: u64,
    by_name: BTreeMap<String, Vec<Point>>,
}

/// What was put on a topic of one series: stride and points.
pub(crate) type Shown = BTreeMap<String, (usize, usize)>;

impl SessionSeries {
    /// Returns how many points there are over all metrics.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Adds the next point.
    pub(crate) fn push(&mut self, name: &str, point: Point) {
        self.count += 1;
        match self.by_name.get_mut(name) {
            Some(points) => points.push(point),
            None => {
                self.by_name.insert(name.to_owned(), vec![point]);
            }
        }
    }

    /// Returns binned series for a page, in the order of the names asked for, else of the alphabet.
    pub(crate) fn history(&self, query: &HistoryQuery) -> Vec<SeriesView> {
        let names: Vec<&str> = if query.names.is_empty() {
            self.by_name.keys().map(String::as_str).collect()
        } else {
            query.names.iter().map(String::as_str).collect()
        };
        let wanted = if query.bins == 0 { BINS_MAX } else { query.bins.min(BINS_MAX) };
        names
            .into_iter()
            .map(|name| self.one(name, query, usize::try_from(wanted).unwrap_or(1)))
            .collect()
    }

    fn one(&self, name: &str, query: &HistoryQuery, wanted: usize) -> SeriesView {
        let all = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        let within = |point: &&Point| {
            query.from.is_none_or(|from| from <= point.step)
                && query.to.is_none_or(|to| point.step <= to)
        };
        let points: Vec<Point> = all.iter().filter(within).copied().collect();
        let stride = stride(points.len(), wanted);
        let columns = columns(&bins(&points, stride));
        let known = name.parse::<MetricName>().ok();
        SeriesView {
            name: name.to_owned(),
            unit: known.map_or("none", MetricName::unit).to_owned(),
            meaning: known.map_or("", MetricName::meaning).to_owned(),
            stride: u32::try_from(stride).unwrap_or(u32::MAX),
            x: columns.x,
            min: columns.min,
            max: columns.max,
            last: columns.last,
            n: columns.n,
        }
    }

    /// Returns what changed since `shown`, in at most `wanted` bins per series, and notes it there.
    pub(crate) fn patches(
        &self,
        shown: &mut Shown,
        wanted: usize,
    ) -> BTreeMap<String, SeriesPatch> {
        let mut patches = BTreeMap::new();
        for (name, points) in &self.by_name {
            let now = (stride(points.len(), wanted), points.len());
            let before = shown.insert(name.clone(), now);
            if before == Some(now) {
                continue;
            }
            // The bin of the first new point may have been shown half full: it is written again.
            let at = before
                .filter(|(stride, _)| *stride == now.0)
                .map_or(0, |(stride, count)| count / stride);
            let rest = points.get(at * now.0..).unwrap_or_default();
            let mut patch = columns(&bins(rest, now.0));
            patch.stride = u32::try_from(now.0).unwrap_or(u32::MAX);
            patch.at = at;
            patches.insert(name.clone(), patch);
        }
        patches
    }
}

#[expect(clippy::cast_precision_loss, reason = "environment steps are far below 2^53")]
fn columns(bins: &[Bin]) -> SeriesPatch {
    SeriesPatch {
        stride: 0,
        at: 0,
        x: bins.iter().map(|bin| bin.step as f64).collect(),
        min: bins.iter().map(|bin| bin.min).collect(),
        max: bins.iter().map(|bin| bin.max).collect(),
        last: bins.iter().map(|bin| bin.last).collect(),
        n: bins.iter().map(|bin| bin.n).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::topics::series::SeriesCore;

    fn grown(counts: &[usize]) -> SessionSeries {
        let mut series = SessionSeries::default();
        for step in 0..counts.iter().sum::<usize>() {
            series.push("loss", point(step));
        }
        series
    }

    fn point(step: usize) -> Point {
        let step = u32::try_from(step).unwrap();
        Point { step: u64::from(step), value: Some(f64::from(step).sin()) }
    }

    #[test]
    fn unknown_to_the_session_is_an_empty_series() {
        let query = HistoryQuery { names: vec!["sharpe".to_owned()], ..HistoryQuery::default() };
        let found = grown(&[3]).history(&query);
        assert_eq!((found.len(), found[0].x.len(), found[0].unit.as_str()), (1, 0, "none"));
    }

    #[test]
    fn from_and_to_are_inclusive_steps() {
        let query = HistoryQuery { from: Some(2), to: Some(4), ..HistoryQuery::default() };
        assert_eq!(grown(&[9]).history(&query)[0].x, [2.0, 3.0, 4.0]);
    }

    proptest! {
        /// A subscriber that applies every overwrite sees what a fresh one sees.
        #[test]
        fn patches_add_up_to_the_whole(counts in prop::collection::vec(1_usize..90, 1..12)) {
            let (mut shown, mut live) = (Shown::new(), SeriesCore::default());
            let mut series = SessionSeries::default();
            let mut step = 0;
            for count in &counts {
                for _ in 0..*count {
                    series.push("loss", point(step));
                    step += 1;
                }
                prop_assert!(live.overwrite(series.patches(&mut shown, 16)));
            }
            let mut fresh = SeriesCore::default();
            prop_assert!(fresh.overwrite(grown(&counts).patches(&mut Shown::new(), 16)));
            prop_assert_eq!(live.snapshot(), fresh.snapshot());
        }
    }
}
