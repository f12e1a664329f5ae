//! Series topics: bins that are overwritten from an index on. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::messages::topics::SeriesPatch;

/// One series and when each of its bins last changed.
#[derive(Debug, Default)]
struct Bins {
    now: SeriesPatch,
    changed: Vec<u64>,
}

/// The series of one topic.
#[derive(Debug, Default)]
pub(crate) struct SeriesCore {
    head: u64,
    replaced: u64,
    series: BTreeMap<String, Bins>,
}

impl SeriesCore {
    /// Returns the number of the newest change.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Overwrites bins. A patch that does not join on to what is there is refused with `false`.
    pub(crate) fn overwrite(&mut self, patches: BTreeMap<String, SeriesPatch>) -> bool {
        let mut all_fit = true;
        if patches.is_empty() {
            return all_fit;
        }
        self.head += 1;
        for (name, patch) in patches {
            let bins = self.series.entry(name).or_default();
            if bins.now.stride != patch.stride {
                if !bins.changed.is_empty() {
                    self.replaced = self.head;
                }
                *bins = Bins {
                    now: SeriesPatch { stride: patch.stride, ..SeriesPatch::default() },
                    changed: Vec::new(),
                };
            }
            all_fit &= bins.overwrite(self.head, patch);
        }
        all_fit
    }

    /// Whether a reader at `cursor` can go on with overwrites.
    pub(crate) fn can_resume(&self, cursor: u64) -> bool {
        (self.replaced..=self.head).contains(&cursor)
    }

    /// Returns `{stride, series}`: everything there is.
    pub(crate) fn snapshot(&self) -> Value {
        self.since(0)
    }

    /// Returns `{stride, series}`: of each series that changed after `cursor` the bins from the first changed one on.
    pub(crate) fn since(&self, cursor: u64) -> Value {
        let mut series = Map::new();
        for (name, bins) in &self.series {
            if let Some(at) = bins.changed.iter().position(|seq| cursor < *seq) {
                series.insert(name.clone(), bins.from(at));
            }
        }
        let stride = self.series.values().map(|bins| bins.now.stride).max().unwrap_or(1);
        json!({ "stride": stride, "series": series })
    }
}

impl Bins {
    fn overwrite(&mut self, seq: u64, patch: SeriesPatch) -> bool {
        let at = patch.at;
        let count = patch.x.len();
        let even = [patch.min.len(), patch.max.len(), patch.last.len(), patch.n.len()]
            .iter()
            .all(|len| *len == count);
        if !even || self.changed.len() < at {
            return false;
        }
        fn replace<T>(old: &mut Vec<T>, at: usize, new: Vec<T>) {
            old.truncate(at);
            old.extend(new);
        }
        replace(&mut self.now.x, at, patch.x);
        replace(&mut self.now.min, at, patch.min);
        replace(&mut self.now.max, at, patch.max);
        replace(&mut self.now.last, at, patch.last);
        replace(&mut self.now.n, at, patch.n);
        replace(&mut self.changed, at, vec![seq; count]);
        true
    }

    fn from(&self, at: usize) -> Value {
        fn tail<T: serde::Serialize>(values: &[T], at: usize) -> Value {
            json!(values.get(at..).unwrap_or_default())
        }
        json!({
            "stride": self.now.stride,
            "at": at,
            "x": tail(&self.now.x, at),
            "min": tail(&self.now.min, at),
            "max": tail(&self.now.max, at),
            "last": tail(&self.now.last, at),
            "n": tail(&self.now.n, at),
        })
    }
}
