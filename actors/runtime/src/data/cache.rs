//! Decoded snapshots, so that a chart does not read a file each time. Pure.

use std::sync::Arc;

use engine::market::BarSeries;

/// Most bars kept over all series; one series alone may be larger.
const BARS_MAX: usize = 2_000_000;

/// The series used last, newest first.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    series: Vec<(String, Arc<BarSeries>)>,
}

impl Cache {
    /// Returns a series by the hash of its snapshot.
    pub(crate) fn get(&mut self, sha256: &str) -> Option<Arc<BarSeries>> {
        let position = self.series.iter().position(|(hash, _)| hash == sha256)?;
        let found = self.series.remove(position);
        self.series.insert(0, found.clone());
        Some(found.1)
    }

    /// Keeps a series and forgets those not used for longest.
    pub(crate) fn put(&mut self, sha256: String, series: Arc<BarSeries>) {
        self.series.retain(|(hash, _)| *hash != sha256);
        self.series.insert(0, (sha256, series));
        let mut bars = 0;
        let mut kept = 0;
        for (_, series) in &self.series {
            bars += series.len();
            if 0 < kept && BARS_MAX < bars {
                break;
            }
            kept += 1;
        }
        self.series.truncate(kept);
    }
}
