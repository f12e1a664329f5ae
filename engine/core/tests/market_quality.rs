//! The quality report: what is planted is found, with its rows; what is good stays unsuspected.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "real files are read, or said to be missing"
)]

use std::path::PathBuf;

use engine::market::calendar::{Calendar, CalendarName};
use engine::market::parse::{ImportOptions, import};
use engine::market::quality::{
    Check, Finding, QualityReport, Segment, SegmentRole, Severity, inspect, report, segments,
};
use engine::market::{BarPanel, BarSeries, Join, MarketSeries, synthetic};
use proptest::prelude::*;

fn data(path: &str) -> Option<MarketSeries> {
    let root = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = root.join(path);
    if !file.exists() {
        eprintln!("SKIPPED: {} is not there; set TM_TEST_DATA", file.display());
        return None;
    }
    let opened = std::fs::File::open(file).unwrap();
    Some(import(opened, path, &ImportOptions::default()).unwrap().data)
}

fn of(bars: BarSeries) -> QualityReport {
    report(&MarketSeries::Bars(bars), None)
}

fn find(report: &QualityReport, check: Check) -> Option<&Finding> {
    report.findings.iter().find(|finding| finding.check == check)
}

#[test]
fn what_is_planted_is_found_with_its_rows() {
    let mut bars = synthetic::generate(4, 400);
    bars.time_ms[200..].iter_mut().for_each(|time| *time += 3 * 86_400_000);
    for column in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
        column[300..].iter_mut().for_each(|price| *price *= 25.0);
    }
    for row in 50..60 {
        for column in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
            column[row] = 1000.0;
        }
    }
    bars.volume.as_mut().unwrap()[10..20].iter_mut().for_each(|value| *value = 0.0);
    let report = of(bars.clone());
    let planted = [
        (Check::Gaps, Severity::Warning, 200),
        (Check::Jumps, Severity::Danger, 300),
        (Check::Volume, Severity::Warning, 10),
        (Check::StalePrices, Severity::Warning, 51),
        (Check::FlatBars, Severity::Info, 50),
    ];
    for (check, severity, row) in planted {
        let finding = find(&report, check).unwrap_or_else(|| panic!("{check:?}"));
        assert_eq!((finding.severity, finding.rows[0]), (severity, row), "{check:?}");
        assert_eq!(finding.instruments, ["SYNTHETIC"]);
    }
    assert_eq!(report.worst(), Some(Severity::Danger));
    assert_eq!(report.findings[0].severity, Severity::Danger, "the gravest first");
    assert!(report.score < of(synthetic::generate(4, 400)).score);
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<QualityReport>(&text).unwrap(), report);
    // The sentences are those of the report.
    for sentence in inspect(&bars) {
        assert!(report.findings.iter().any(|finding| finding.message == sentence), "{sentence}");
    }
}

#[test]
fn a_calendar_tells_nights_from_holes() {
    let Some(MarketSeries::Bars(mut bars)) = data("raw/dj30/AAPL.csv") else { return };
    let calendar = Calendar::of(CalendarName::UsEquities);
    let whole = report(&MarketSeries::Bars(bars.clone()), Some(&calendar));
    assert_eq!(find(&whole, Check::CalendarGaps), None);
    assert_eq!(find(&whole, Check::Gaps), None);
    assert!(find(&of(bars.clone()), Check::Gaps).unwrap().message.contains("closing times"));
    assert_eq!(find(&whole, Check::SuspectedSplits), None, "the vendor adjusted for 4 for 1");
    bars = {
        let mut shorter = bars.slice(0..100);
        for bar in bars.slice(103..2517).bars() {
            shorter.push(&bar);
        }
        shorter
    };
    let holed = report(&MarketSeries::Bars(bars), Some(&calendar));
    let finding = find(&holed, Check::CalendarGaps).unwrap();
    assert_eq!((finding.count, finding.rows.as_slice()), (3, &[100][..]));
}

#[test]
fn a_calendar_is_not_asked_about_years_it_does_not_know() {
    let calendar = Calendar::of(CalendarName::UsEquities);
    let mut bars = synthetic::generate(1, 300);
    let days = 25 * 365 * 86_400_000;
    bars.time_ms.iter_mut().for_each(|time| *time += days);
    let report = report(&MarketSeries::Bars(bars), Some(&calendar));
    let finding = find(&report, Check::CalendarGaps).unwrap();
    assert_eq!((finding.severity, finding.count), (Severity::Info, 0));
    assert!(finding.message.contains("from 2000 to 2035 only"), "{}", finding.message);
    assert_eq!(find(&report, Check::OutsideCalendar), None);
}

#[test]
fn the_known_defects_of_the_catalogue_are_told() {
    let Some(coin) = data("raw/crypto/coin_Bitcoin.csv") else { return };
    let coin = report(&coin, None);
    assert_eq!(find(&coin, Check::Volume).unwrap().count, 242, "unknown volume until 2013-12-26");
    assert_eq!(find(&coin, Check::FlatBars).unwrap().count, 1);
    assert_eq!(find(&coin, Check::SuspectedSplits), None);
    let Some(panel) = data("portfolio_management/dj30/test.csv") else { return };
    assert!(
        find(&report(&panel, None), Check::Length)
            .is_none_or(|finding| finding.severity < Severity::Danger)
    );
    let mut series = Vec::new();
    for name in ["AAPL", "BA", "CAT", "KO", "DOW", "WMT"] {
        let Some(MarketSeries::Bars(bars)) = data(&format!("raw/dj30/{name}.csv")) else { return };
        series.push(bars);
    }
    let panel = MarketSeries::Panel(BarPanel::join(&series, Join::Outer).unwrap());
    let panel = report(&panel, Some(&Calendar::of(CalendarName::UsEquities)));
    assert_eq!(find(&panel, Check::Survivorship).unwrap().severity, Severity::Warning);
    let late = find(&panel, Check::UnevenStarts).unwrap();
    assert_eq!(
        (late.instruments.as_slice(), late.severity),
        (&["DOW".to_owned()][..], Severity::Warning)
    );
    assert_eq!(find(&panel, Check::Completeness), None);
    let Some(book) = data("order_execution/BTC/test.csv") else { return };
    let book = report(&book, None);
    assert!(find(&book, Check::Book).is_some_and(|finding| finding.count <= 8));
}

#[test]
fn segments_that_overlap_or_run_backwards_are_a_danger() {
    let segment = |role, first_ms, last_ms| Segment { role, first_ms, last_ms };
    let honest = [
        segment(SegmentRole::Train, 0, 10),
        segment(SegmentRole::Valid, 11, 20),
        segment(SegmentRole::Test, 21, 30),
    ];
    assert!(segments(&honest).is_empty());
    let overlap = [honest[0], segment(SegmentRole::Valid, 10, 20), honest[2]];
    let found = segments(&overlap);
    assert_eq!((found.len(), found[0].check), (1, Check::SegmentOverlap));
    let mut cut = Vec::new();
    for (role, name) in
        [(SegmentRole::Train, "train"), (SegmentRole::Valid, "valid"), (SegmentRole::Test, "test")]
    {
        let Some(data) = data(&format!("algorithmic_trading/BTC/{name}.csv")) else { return };
        let [first_ms, last_ms] = data.span_ms().unwrap();
        cut.push(segment(role, first_ms, last_ms));
    }
    let found = segments(&cut);
    assert_eq!(
        (found.len(), found[0].check, found[0].severity),
        (1, Check::SegmentOrder, Severity::Danger)
    );
    assert!(found[0].message.contains("the test segment"), "{}", found[0].message);
    let report = of(synthetic::generate(1, 300)).with(found);
    assert_eq!(report.worst(), Some(Severity::Danger));
}

proptest! {
    #[test]
    fn a_score_lies_between_0_and_100(seed: u64, rows in 1_usize..300, factor in 1e-3..1e3_f64, at in 0_usize..300) {
        let mut bars = synthetic::generate(seed, rows);
        for column in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
            column.iter_mut().skip(at).for_each(|price| *price *= factor);
        }
        let report = of(bars);
        prop_assert!((0.0..=100.0).contains(&report.score));
        prop_assert!(report.findings.windows(2).all(|pair| pair[1].severity <= pair[0].severity));
        prop_assert!(report.findings.iter().all(|finding| finding.rows.len() <= 20));
    }
}
