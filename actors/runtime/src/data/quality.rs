//! The quality report of data of any kind as the world is shown it, and what a split of it does wrong. Pure; the
//! checks are the engine's.

use engine::config::{SplitConfig, Violation};
use engine::market::bar::show_time;
use engine::market::parse::MarketSeries;
use engine::market::quality::{Finding, Segment, SegmentRole, report, segments};
use engine::market::{BarSeries, split};

use super::plan::{CALENDARS, calendar};
use super::times::{first_ms, until_ms};
use crate::views::{ExampleView, FindingView, QualityView, SegmentView};

const SPLIT_WORDS: &str = "0.7,0.15 or 0.7,0.15,30 (shares of training and validation, bars purged), or train:DAY..DAY,valid:DAY..DAY,test:DAY..DAY";
/// Most segments of one split.
const SEGMENTS_MAX: usize = 32;

/// What the report is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QualityQuery {
    /// The calendar that the data should keep to.
    pub calendar: Option<String>,
    /// The split to check.
    pub split: Option<SplitText>,
}

/// A split as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitText {
    /// Shares of the rows.
    Shares(SplitConfig),
    /// Spans of time: role, first and first not included, milliseconds since 1970 UTC.
    Spans(Vec<(SegmentRole, i64, i64)>),
}

impl QualityQuery {
    /// Reads the words of a query.
    ///
    /// # Errors
    /// Returns every violation; the pointers are `/calendar` and `/split`.
    pub fn parse(calendar_name: Option<&str>, split: Option<&str>) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        if let Some(name) = calendar_name
            && calendar(name).is_none()
        {
            let detail = format!("wanted one of {}", CALENDARS.join(", "));
            let violation = Violation::new("/calendar", "not_allowed", detail);
            found.push(violation.with("allowed", CALENDARS.to_vec()));
        }
        let parsed = split.map(read_split);
        if let (Some(text), Some(None)) = (split, &parsed) {
            let shown: String = text.chars().take(60).collect();
            let detail = format!("wanted {SPLIT_WORDS}; found '{shown}'");
            found.push(Violation::new("/split", "invalid_format", detail).with("got", shown));
        }
        if !found.is_empty() {
            return Err(found);
        }
        Ok(Self { calendar: calendar_name.map(str::to_owned), split: parsed.flatten() })
    }
}

/// Returns the report, without the split.
pub(crate) fn assess(data: &MarketSeries, calendar_name: Option<&str>) -> QualityView {
    let known = calendar_name.and_then(calendar);
    let found = report(data, known.as_ref());
    QualityView {
        dataset_id: None,
        sha256: None,
        kind: found.kind,
        instrument_count: found.instruments,
        rows: found.rows,
        from: found.first.clone(),
        to: found.last.clone(),
        interval_seconds: found.interval_seconds,
        score: found.score,
        worst: found.worst(),
        calendar: calendar_name.map(str::to_owned),
        findings: found.findings.into_iter().map(|finding| shown(data, finding)).collect(),
        segments: Vec::new(),
    }
}

/// Adds what a split does wrong.
///
/// # Errors
/// Refuses shares that leave a segment too short.
pub(crate) fn with_split(
    view: QualityView,
    data: &MarketSeries,
    split: &SplitText,
) -> Result<QualityView, Violation> {
    let times = times(data);
    let rows = |from: i64, until: i64| {
        times.partition_point(|time| *time < from)..times.partition_point(|time| *time < until)
    };
    let mut cut = Vec::new();
    match split {
        SplitText::Shares(config) => {
            let splits = split::split(times.len(), config, 0)
                .map_err(|refusal| Violation::new("/split", "too_short", refusal.to_string()))?;
            let parts = [
                (SegmentRole::Train, splits.train),
                (SegmentRole::Valid, splits.valid),
                (SegmentRole::Test, splits.test),
            ];
            for (role, range) in parts {
                if let (Some(first), Some(last)) = (
                    times.get(range.start),
                    range.end.checked_sub(1).and_then(|end| times.get(end)),
                ) {
                    cut.push((Segment { role, first_ms: *first, last_ms: *last }, range.len()));
                }
            }
        }
        SplitText::Spans(spans) => {
            for (role, from, until) in spans {
                let segment = Segment { role: *role, first_ms: *from, last_ms: until - 1 };
                cut.push((segment, rows(*from, *until).len()));
            }
        }
    }
    let asked: Vec<Segment> = cut.iter().map(|(segment, _)| *segment).collect();
    let report = report_of(&view);
    let more = report.with(segments(&asked));
    let mut findings: Vec<FindingView> = view.findings.clone();
    for finding in more.findings {
        if !view.findings.iter().any(|known| known.code == finding.check) {
            findings.push(shown(data, finding));
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let segments = cut.into_iter().map(|(segment, rows)| SegmentView {
        role: segment.role,
        from: show_time(segment.first_ms),
        to: show_time(segment.last_ms),
        rows: u64::try_from(rows).unwrap_or(u64::MAX),
    });
    Ok(QualityView {
        score: more.score,
        worst: findings.iter().map(|finding| finding.severity).max(),
        findings,
        segments: segments.collect(),
        ..view
    })
}

/// Returns the engine's report back from its view, so that it counts the score anew.
fn report_of(view: &QualityView) -> engine::market::quality::QualityReport {
    let finding = |finding: &FindingView| Finding {
        check: finding.code,
        severity: finding.severity,
        message: finding.detail.clone(),
        count: finding.count,
        rows: Vec::new(),
        instruments: finding.instruments.clone(),
    };
    engine::market::quality::QualityReport {
        kind: view.kind,
        instruments: view.instrument_count,
        rows: view.rows,
        first: view.from.clone(),
        last: view.to.clone(),
        interval_seconds: view.interval_seconds,
        findings: view.findings.iter().map(finding).collect(),
        score: view.score,
    }
}

fn shown(data: &MarketSeries, finding: Finding) -> FindingView {
    let many = matches!(data, MarketSeries::Panel(_));
    let named = finding.instruments.first().cloned();
    let times = row_times(data, named.as_deref());
    let examples = finding.rows.iter().map(|row| {
        let index = usize::try_from(*row).unwrap_or(usize::MAX);
        ExampleView {
            row: *row,
            time: times.get(index).map(|time| show_time(*time)),
            instrument: named.clone().filter(|_| many),
        }
    });
    FindingView {
        code: finding.check,
        severity: finding.severity,
        count: finding.count,
        detail: finding.message,
        examples: examples.collect(),
        instruments: finding.instruments,
    }
}

/// Times of the rows that findings of an instrument count.
fn row_times(data: &MarketSeries, instrument: Option<&str>) -> Vec<i64> {
    let MarketSeries::Panel(panel) = data else { return times(data) };
    let column =
        instrument.and_then(|name| panel.instruments.iter().position(|other| other == name));
    let Some(column) = column else { return Vec::new() };
    let BarSeries { time_ms, .. } = panel.series(column);
    time_ms
}

/// Times of all rows; of a panel those of its axis.
fn times(data: &MarketSeries) -> Vec<i64> {
    match data {
        MarketSeries::Bars(bars) => bars.time_ms.clone(),
        MarketSeries::Panel(panel) => panel.time_ms.clone(),
        MarketSeries::Trades(trades) => {
            trades.time_us.iter().map(|time| time.div_euclid(1000)).collect()
        }
        MarketSeries::Book(book) => book.time_ms.clone(),
    }
}

fn read_split(text: &str) -> Option<SplitText> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    if !text.contains(':') {
        let share = |text: &str| {
            text.parse::<f64>().ok().filter(|share| (0.0..1.0).contains(share) && *share > 0.0)
        };
        let (train, valid) = (share(parts.first()?)?, share(parts.get(1)?)?);
        let purge_bars = match parts.get(2..)? {
            [] => 0,
            [purge] => purge.parse().ok().filter(|bars: &u32| *bars <= 10_000)?,
            _ => return None,
        };
        return Some(SplitText::Shares(SplitConfig { train, valid, purge_bars }));
    }
    if SEGMENTS_MAX < parts.len() {
        return None;
    }
    let mut spans = Vec::new();
    for part in parts {
        let (role, span) = part.split_once(':')?;
        let role = match role {
            "train" => SegmentRole::Train,
            "valid" => SegmentRole::Valid,
            "test" => SegmentRole::Test,
            _ => return None,
        };
        let (from, to) = span.split_once("..")?;
        let (from, until) = (first_ms(from)?, until_ms(to)?);
        if until <= from {
            return None;
        }
        spans.push((role, from, until));
    }
    Some(SplitText::Spans(spans))
}

#[cfg(test)]
mod tests {
    use engine::market::quality::{Check, Severity};
    use engine::market::synthetic;

    use super::*;

    fn split(text: &str) -> SplitText {
        QualityQuery::parse(None, Some(text)).unwrap().split.unwrap()
    }

    #[test]
    fn segments_that_overlap_or_run_backwards_are_told_and_cost_score() {
        let data = MarketSeries::Bars(synthetic::generate(3, 400));
        let clean = assess(&data, None);
        let shares = with_split(clean.clone(), &data, &split("0.7,0.15,5")).unwrap();
        assert_eq!(shares.findings, clean.findings, "shares are in order by themselves");
        let rows: Vec<u64> = shares.segments.iter().map(|segment| segment.rows).collect();
        assert_eq!(rows, [275, 55, 60]);
        let (from, to) = (clean.from.clone().unwrap(), clean.to.clone().unwrap());
        let overlap = split(&format!("train:{from}..{to},valid:{from}..{to}"));
        let bad = with_split(clean.clone(), &data, &overlap).unwrap();
        assert_eq!(bad.worst, Some(Severity::Danger));
        assert!(bad.findings.iter().any(|finding| finding.code == Check::SegmentOverlap));
        assert!(bad.score < clean.score);
        assert_eq!(bad.segments[0].rows, 400);
        let backwards = split("train:2019-01-01..2019-12-31,test:2018-01-01..2018-12-31");
        let bad = with_split(clean, &data, &backwards).unwrap();
        assert!(bad.findings.iter().any(|finding| finding.code == Check::SegmentOrder));
    }

    #[test]
    fn a_jump_is_shown_with_its_time() {
        let mut bars = synthetic::generate(3, 400);
        for row in 200..400 {
            for column in [
                &mut bars.open,
                &mut bars.high,
                &mut bars.low,
                &mut bars.close,
                &mut bars.adjusted_close,
            ] {
                column[row] *= 40.0;
            }
        }
        let time = show_time(bars.time_ms[200]);
        let view = assess(&MarketSeries::Bars(bars), None);
        let jump = view.findings.iter().find(|finding| finding.code == Check::Jumps).unwrap();
        assert_eq!(jump.examples[0].row, 200);
        assert_eq!(jump.examples[0].time, Some(time));
    }

    #[test]
    fn words_that_are_no_split_or_calendar_are_refused() {
        for text in [
            "",
            "0.7",
            "0.7,x",
            "1.2,0.1",
            "nan,0.1",
            "0.7,0.1,-1",
            "0.7,0.1,5,5",
            "train:2019-01-01",
            "train:2019-01-01..2018-01-01",
            "holdout:2019-01-01..2020-01-01",
            "train:..",
        ] {
            assert!(QualityQuery::parse(None, Some(text)).is_err(), "{text}");
        }
        assert_eq!(QualityQuery::parse(Some("mars"), Some("x")).unwrap_err().len(), 2);
    }
}
