//! The JSON of a labelling, written piece by piece so that millions of rows need no second copy.

use engine::config::LabellingConfig;
use engine::labelling::{LabelSlices, LabelStatistics, Labelling, Stages};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Labelled, Results};

/// Everything that is told about a run. With one ticker its fields stand at the top, with several in `items`.
pub(super) struct View<'a> {
    pub(super) results: &'a Results,
    /// Files that were written, relative to the directory.
    pub(super) files: &'a [String],
    /// Whether values per row are told.
    pub(super) rows: bool,
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let results = self.results;
        let config = &results.input.config;
        let mut map = serializer.serialize_map(None)?;
        let names: Vec<&str> =
            results.tickers.iter().map(|one| one.series.ticker.as_str()).collect();
        map.serialize_entry("tickers", &names)?;
        map.serialize_entry("config", config)?;
        map.serialize_entry("remarks", &results.remarks)?;
        match results.tickers.as_slice() {
            [one] => Ticker { one, config, rows: self.rows }.entries(&mut map)?,
            several => {
                let items: Vec<Ticker<'_>> =
                    several.iter().map(|one| Ticker { one, config, rows: self.rows }).collect();
                map.serialize_entry("items", &items)?;
            }
        }
        if let Some(portfolio) = &results.portfolio {
            let told = serde_json::json!({
                "days": portfolio.labels.len(),
                "days_per_label": portfolio.days_per_label(config.label_count),
                "day_labels": portfolio.labels,
                "slices": portfolio.slices,
                "unlabelled_rows": portfolio.unlabelled_rows,
            });
            map.serialize_entry("portfolio", &told)?;
        }
        map.serialize_entry("files", self.files)?;
        map.end()
    }
}

/// One ticker.
struct Ticker<'a> {
    one: &'a Labelled,
    config: &'a LabellingConfig,
    rows: bool,
}

impl Serialize for Ticker<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.entries(&mut map)?;
        map.end()
    }
}

impl Ticker<'_> {
    fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        // Named one by one, so that a new field is a decision here.
        let Labelling {
            ticker,
            truth,
            hindsight,
            row_count,
            turning_points,
            stages,
            slopes,
            thresholds,
            segment_labels,
            labels,
            filtered,
            pct_return,
            pct_return_filtered,
            slices,
            metrics,
        } = &self.one.labelling;
        map.serialize_entry("ticker", ticker)?;
        map.serialize_entry("mode", truth)?;
        map.serialize_entry("hindsight", hindsight)?;
        map.serialize_entry("times_checked", &self.one.series.order.is_some())?;
        map.serialize_entry("row_count", row_count)?;
        map.serialize_entry("turning_points", turning_points)?;
        map.serialize_entry::<_, Stages>("stages", stages)?;
        map.serialize_entry("segments", &Segments(self.one))?;
        map.serialize_entry("slopes", slopes)?;
        map.serialize_entry("thresholds", thresholds)?;
        map.serialize_entry("segment_labels", segment_labels)?;
        map.serialize_entry("rows_per_label", &self.per_label(|one| one.row_count))?;
        map.serialize_entry("slices_per_label", &self.per_label(|one| one.slices.len()))?;
        map.serialize_entry("slices", slices)?;
        map.serialize_entry::<_, Vec<LabelStatistics>>("metrics", metrics)?;
        if self.rows {
            map.serialize_entry("labels", labels)?;
            map.serialize_entry("filtered", filtered)?;
            map.serialize_entry("pct_return", pct_return)?;
            map.serialize_entry("pct_return_filtered", pct_return_filtered)?;
        }
        Ok(())
    }

    /// One number for each label, 0 for those that do not occur.
    fn per_label(&self, number: impl Fn(&LabelSlices) -> usize) -> Vec<usize> {
        let mut numbers = vec![0; self.config.label_count as usize];
        for one in &self.one.labelling.slices {
            if let Some(entry) = numbers.get_mut(one.label as usize) {
                *entry = number(one);
            }
        }
        numbers
    }
}

/// The final segments with their times.
struct Segments<'a>(&'a Labelled);

impl Serialize for Segments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Labelled { series, labelling } = self.0;
        let mut list = serializer.serialize_seq(Some(labelling.segment_labels.len()))?;
        let named = labelling.slopes.iter().zip(&labelling.segment_labels);
        for (ends, (slope, label)) in labelling.turning_points.windows(2).zip(named) {
            list.serialize_element(&serde_json::json!({
                "start": ends[0],
                "end": ends[1],
                "from": series.times.get(ends[0]),
                "to": series.times.get(ends[1] - 1),
                "slope": slope,
                "label": label,
            }))?;
        }
        list.end()
    }
}
