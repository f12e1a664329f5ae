//! What a reader should know about good data before relying on it: gaps, outliers, stale prices, suspected splits,
//! survivors, segments that overlap. Not errors: what is wrong is refused by the parsers. Linear in time and memory.

mod bars;
mod panel;
mod segments;
pub mod statistics;
mod ticks;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::bars::inspect;
pub use self::segments::{Segment, SegmentRole, segments};
use super::bar::show_time;
use super::calendar::Calendar;
use super::series::{DataKind, MarketSeries};

/// Rows that a finding lists; the others are counted.
pub const ROWS_SHOWN: usize = 20;
/// Instruments that a finding lists.
pub const INSTRUMENTS_SHOWN: usize = 40;

/// How much a finding matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Look before relying on figures.
    Warning,
    /// Figures on this data are wrong or flattered unless something is done.
    Danger,
}

/// What was looked at.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Whether there are enough rows.
    Length,
    /// Steps longer than the usual one.
    Gaps,
    /// Bars that the calendar expects and that are not there.
    CalendarGaps,
    /// Bars at times at which the market is closed.
    OutsideCalendar,
    /// Prices that jump by a factor.
    Jumps,
    /// Returns far from the usual ones.
    Outliers,
    /// Bars whose high is their low.
    FlatBars,
    /// Volume of 0.
    Volume,
    /// Closes that do not move.
    StalePrices,
    /// Rows that repeat the one before.
    Duplicates,
    /// Jumps that look like splits nobody adjusted for.
    SuspectedSplits,
    /// Whether instruments that ended are in it.
    Survivorship,
    /// Instruments that begin later than others.
    UnevenStarts,
    /// Instruments with holes.
    Completeness,
    /// Spreads and empty levels of order books.
    Book,
    /// Segments that share times.
    SegmentOverlap,
    /// Segments used earlier that lie later in time.
    SegmentOrder,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, in one sentence.
    pub message: String,
    /// How many rows are concerned.
    pub count: u64,
    /// The first rows concerned, from 0, in the series of the first instrument named.
    pub rows: Vec<u64>,
    /// The instruments concerned; none where it is all.
    pub instruments: Vec<String>,
}

/// Everything that was found in a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QualityReport {
    /// What rows are.
    pub kind: DataKind,
    /// Number of instruments.
    pub instruments: u64,
    /// Number of rows.
    pub rows: u64,
    /// First time, RFC 3339 UTC; absent without rows.
    pub first: Option<String>,
    /// Last time.
    pub last: Option<String>,
    /// Usual distance of two bars, seconds; absent for trades and books.
    pub interval_seconds: Option<f64>,
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
    /// 100 without findings, less what each takes away by its severity and the share of rows concerned; at least 0.
    pub score: f64,
}

impl QualityReport {
    /// Returns the gravest severity; absent without findings.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Adds findings from elsewhere, such as those of [`segments`](fn@segments), and counts the score anew.
    #[must_use]
    pub fn with(mut self, more: Vec<Finding>) -> Self {
        self.findings.extend(more);
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self.score = score(&self.findings, self.rows);
        self
    }
}

/// Returns what there is to know about data of any kind, against a calendar where there is one.
#[must_use]
pub fn report(data: &MarketSeries, calendar: Option<&Calendar>) -> QualityReport {
    let findings = match data {
        MarketSeries::Bars(series) => bars::findings(series, calendar),
        MarketSeries::Panel(panel) => panel::findings(panel, calendar),
        MarketSeries::Trades(trades) => ticks::of_trades(trades),
        MarketSeries::Book(book) => ticks::of_book(book),
    };
    let span = data.span_ms().map(|span| span.map(show_time));
    let (first, last) = match span {
        Some([first, last]) => (Some(first), Some(last)),
        None => (None, None),
    };
    let report = QualityReport {
        kind: data.kind(),
        instruments: data.instruments().len() as u64,
        rows: data.rows() as u64,
        first,
        last,
        interval_seconds: data.interval_seconds(),
        findings: Vec::new(),
        score: 100.0,
    };
    report.with(findings)
}

/// Returns the warnings about data of any kind, one sentence each: those of [`inspect`] for bars of one instrument, the
/// messages of the report for the rest.
#[must_use]
pub fn inspect_any(data: &MarketSeries) -> Vec<String> {
    match data {
        MarketSeries::Bars(series) => inspect(series),
        MarketSeries::Panel(_) | MarketSeries::Trades(_) | MarketSeries::Book(_) => {
            report(data, None).findings.into_iter().map(|finding| finding.message).collect()
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn score(findings: &[Finding], rows: u64) -> f64 {
    let lost = |finding: &Finding| {
        let share = (finding.count as f64 / (rows as f64).max(1.0)).min(1.0);
        let [fixed, by_share] = match finding.severity {
            Severity::Info => [0.0, 2.0],
            Severity::Warning => [3.0, 20.0],
            Severity::Danger => [15.0, 50.0],
        };
        fixed + by_share * share
    };
    (100.0 - findings.iter().map(lost).sum::<f64>()).max(0.0)
}

impl Finding {
    /// Returns a finding about no rows in particular.
    fn new(check: Check, severity: Severity, message: String) -> Self {
        Self { check, severity, message, count: 0, rows: Vec::new(), instruments: Vec::new() }
    }

    /// Adds the rows concerned.
    fn at(mut self, rows: impl Iterator<Item = usize>) -> Self {
        for row in rows {
            self.count += 1;
            if self.rows.len() < ROWS_SHOWN {
                self.rows.push(row as u64);
            }
        }
        self
    }

    /// Adds an instrument concerned.
    fn of(mut self, instrument: &str) -> Self {
        if self.instruments.len() < INSTRUMENTS_SHOWN {
            self.instruments.push(instrument.to_owned());
        }
        self
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn show_span(seconds: f64) -> String {
    for (unit, name) in [(86_400.0, "d"), (3600.0, "h"), (60.0, "min")] {
        if unit <= seconds {
            let text = format!("{:.1}", seconds / unit);
            return format!("{} {name}", text.strip_suffix(".0").unwrap_or(&text));
        }
    }
    format!("{seconds} s")
}
