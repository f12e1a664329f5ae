//! Decoded snapshots and their quality reports, so that a chart does not read a file each time. Pure.

use std::sync::Arc;

use engine::market::parse::MarketSeries;

use crate::views::QualityView;

/// Most numbers kept over all snapshots, about 112 MB; one snapshot alone may be larger.
const NUMBERS_MAX: usize = 14_000_000;
/// Most reports kept.
const REPORTS_MAX: usize = 64;

/// The snapshots and reports used last, newest first.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    data: Vec<(String, Arc<MarketSeries>)>,
    /// By snapshot and calendar.
    reports: Vec<(ReportKey, QualityView)>,
}

/// What a report depends on: the snapshot's hash and the calendar.
pub(crate) type ReportKey = (String, Option<String>);

impl Cache {
    /// Returns data by the hash of its snapshot.
    pub(crate) fn get(&mut self, sha256: &str) -> Option<Arc<MarketSeries>> {
        let position = self.data.iter().position(|(hash, _)| hash == sha256)?;
        let found = self.data.remove(position);
        self.data.insert(0, found.clone());
        Some(found.1)
    }

    /// Keeps data and forgets what was not used for longest.
    pub(crate) fn put(&mut self, sha256: String, data: Arc<MarketSeries>) {
        self.data.retain(|(hash, _)| *hash != sha256);
        self.data.insert(0, (sha256, data));
        let mut total = 0_usize;
        let mut kept = 0;
        for (_, data) in &self.data {
            total = total.saturating_add(numbers(data));
            if 0 < kept && NUMBERS_MAX < total {
                break;
            }
            kept += 1;
        }
        self.data.truncate(kept);
    }

    /// Returns the report of a snapshot.
    pub(crate) fn report(&self, key: &ReportKey) -> Option<QualityView> {
        self.reports.iter().find(|(known, _)| known == key).map(|(_, report)| report.clone())
    }

    /// Keeps the report of a snapshot.
    pub(crate) fn put_report(&mut self, key: ReportKey, report: QualityView) {
        self.reports.retain(|(known, _)| *known != key);
        self.reports.insert(0, (key, report));
        self.reports.truncate(REPORTS_MAX);
    }
}

/// How many numbers data holds.
fn numbers(data: &MarketSeries) -> usize {
    match data {
        MarketSeries::Bars(bars) => bars.len() * 7,
        MarketSeries::Panel(panel) => panel.present.len() * 6,
        MarketSeries::Trades(trades) => trades.len() * 4,
        MarketSeries::Book(book) => book.len() * (book.levels * 4 + 3),
    }
}

#[cfg(test)]
mod tests {
    use engine::market::synthetic;

    use super::*;

    #[test]
    fn what_was_not_used_for_longest_is_forgotten_first() {
        let mut cache = Cache::default();
        let large = Arc::new(MarketSeries::Bars(synthetic::generate(1, 800_000)));
        for name in ["a", "b"] {
            cache.put(name.to_owned(), Arc::clone(&large));
        }
        assert!(cache.get("a").is_some() && cache.get("b").is_some());
        cache.get("a");
        cache.put("c".to_owned(), large);
        assert!(cache.get("b").is_none(), "two of 5.6 million numbers fit");
        assert!(cache.get("a").is_some() && cache.get("c").is_some());
    }
}
