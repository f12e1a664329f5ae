//! What is sealed never reaches what a worker computes, and its report says how the seal stood.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks the events it looks at")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod common;

use common::{Node, Place};
use engine::config::{AgentConfig, BacktestConfig, SealConfig, Segment, SessionConfig};
use engine::evaluation::report::BacktestReport;
use engine::evaluation::seal::SealMark;
use engine::market::{BarSeries, MarketSeries, synthetic};
use engine::session::protocol::{InputFile, MetricPoint, WorkerResult, WorkerSpec};

const ROWS: usize = 700;
/// A fifth of them is sealed.
const OPEN: usize = 560;

/// The series of [`Place::new`] with another future from the seal on.
fn another_future() -> BarSeries {
    let mut bars = synthetic::generate(11, ROWS);
    for row in OPEN..ROWS {
        for prices in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
            prices[row] *= 2.0;
        }
    }
    bars
}

fn sealed(mut spec: WorkerSpec, dataset: &InputFile) -> WorkerSpec {
    spec.dataset = dataset.clone();
    if let Some(strategy) = &mut spec.strategy {
        strategy.seal = SealConfig { share: 0.2 };
    }
    spec
}

fn ran(spec: &WorkerSpec) -> (Vec<MetricPoint>, WorkerResult) {
    let mut node = Node::run(spec);
    assert_eq!(node.wait(), 0, "{:?}", node.fault());
    (node.points(), node.result().unwrap())
}

#[test]
fn training_on_sealed_data_is_training_on_data_that_ends_before_the_seal() {
    let place = Place::new();
    let cut = synthetic::generate(11, ROWS).slice(0..OPEN);
    let cut = place.snapshot("cut", MarketSeries::Bars(cut));
    let other = place.snapshot("other", MarketSeries::Bars(another_future()));
    let (points, _) = ran(&sealed(place.training("sealed", 1), &place.dataset));
    assert!(!points.is_empty());
    let (elsewhere, _) = ran(&sealed(place.training("elsewhere", 1), &other));
    assert_eq!(points, elsewhere, "what is sealed does not matter");
    let mut short = place.training("short", 1);
    short.dataset = cut;
    assert_eq!(points, ran(&short).0);
}

#[test]
fn a_back_test_runs_before_the_seal_or_on_the_opened_rows_and_says_which() {
    let place = Place::new();
    let times = synthetic::generate(11, ROWS).time_ms;
    let report = |name: &str, segment: Segment, seal: SealMark| -> BacktestReport {
        let mut spec = sealed(place.training(name, 1), &place.dataset);
        let session = BacktestConfig { segment, ..BacktestConfig::default() };
        spec.session = SessionConfig::Backtest(session);
        if let Some(strategy) = &mut spec.strategy {
            strategy.agent = AgentConfig::of("buy_and_hold").unwrap();
        }
        spec.seal = seal;
        let (_, result) = ran(&spec);
        let WorkerResult::Report { report_file, .. } = result else { panic!("{result:?}") };
        let path = std::path::Path::new(&spec.work_dir).join(report_file);
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let last = |report: &BacktestReport| report.times_ms.last().copied().unwrap();
    let tested = report("test", Segment::Test, SealMark::Unopened);
    assert_eq!((last(&tested), tested.seal), (times[OPEN - 1] as f64, SealMark::Unopened));
    let mark = SealMark::OpenedFor { opened_ms: 5, other_snapshots: 0 };
    let opened = report("opened", Segment::Sealed, mark.clone());
    assert_eq!((last(&opened), &opened.seal), (times[ROWS - 1] as f64, &mark));
    let within = opened.times_ms.iter().filter(|time| times[OPEN] as f64 <= **time).count();
    assert_eq!(within, ROWS - OPEN, "every sealed row is run");
}
