//! Corrected replays of the reference's own files: they run over the rows that faithful replays run over, their books
//! balance, and where the reference's quirks are taken away they are its figures.
//!
//! Needs the reference's files (`TM_TEST_DATA`, default `../shared/data`); says so and skips where they are absent.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests read files and say what they skip"
)]

use std::path::PathBuf;

use engine::config::{FeatureSet, FeaturesConfig, FillRule, Truth};
use engine::environment::faithful::{self, ReplayEnvironment, ReplayOptions, ReplayOutput};
use engine::market::MarketSeries;
use engine::market::parse::import::{ImportOptions, import};
use engine::market::parse::reference;
use engine::session::replay::{
    CheckPlan, CorrectedDetails, CorrectedOptions, CorrectedReplay, check, replay,
};
use serde_json::json;

const TRADING: &str = "algorithmic_trading/BTC/test.csv";
const STOCKS: &str = "portfolio_management/dj30/test.csv";
const BOOK: &str = "order_execution/BTC/test.csv";
const SALE: &str = "order_execution/PD_BTC/test.csv";

/// A file in both readings.
struct File {
    bytes: Vec<u8>,
    data: MarketSeries,
}

impl File {
    /// Reads a data file, or says that it is skipped.
    fn read(path: &str) -> Option<Self> {
        let folder = std::env::var_os("TM_TEST_DATA").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
            PathBuf::from,
        );
        let file = folder.join(path);
        let Ok(bytes) = std::fs::read(&file) else {
            eprintln!(
                "SKIPPED: {} is absent; set TM_TEST_DATA to the folder of the reference's data",
                file.display()
            );
            return None;
        };
        let data = import(bytes.as_slice(), path, &ImportOptions::default()).unwrap().data;
        Some(Self { bytes, data })
    }

    fn faithful(
        &self,
        environment: ReplayEnvironment,
        policy: &str,
        options: &ReplayOptions,
    ) -> ReplayOutput {
        let table = reference::parse(self.bytes.as_slice(), "file").unwrap();
        faithful::replay(environment, &table, &policy.parse().unwrap(), options).unwrap()
    }

    fn corrected(
        &self,
        environment: ReplayEnvironment,
        policy: &str,
        options: &CorrectedOptions,
    ) -> CorrectedReplay {
        let found = replay(environment, &self.data, &policy.parse().unwrap(), options).unwrap();
        assert!(found.ledger.balances, "{environment} {policy}: {:?}", found.ledger);
        found
    }
}

fn near(found: f64, wanted: f64, what: &str) {
    assert!(
        (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
        "{what}: {found}, not {wanted}"
    );
}

/// Without what the corrected environments do better: fills that can be had, and dividends.
fn as_the_reference_fills() -> CorrectedOptions {
    CorrectedOptions {
        cost_rate: Some(0.0),
        fill: Some(FillRule::SameClose),
        config: Some(json!({"environment": {"dividends": "none"}})),
        ..CorrectedOptions::default()
    }
}

#[test]
fn without_costs_and_at_the_same_closes_portfolios_are_the_references() {
    let Some(file) = File::read(STOCKS) else { return };
    let free = ReplayOptions { cost_rate: Some(0.0), ..ReplayOptions::default() };
    for environment in [
        ReplayEnvironment::Portfolio,
        ReplayEnvironment::PortfolioSarl,
        ReplayEnvironment::PortfolioEiie,
        ReplayEnvironment::PortfolioImitator,
    ] {
        // Weights of nothing are worth nothing in the reference's environment without cash.
        let holds_cash = environment != ReplayEnvironment::PortfolioImitator;
        let policies: &[&str] = if holds_cash { &["nothing"] } else { &[] };
        for policy in ["uniform", "logits:ramp"].iter().chain(policies) {
            let what = format!("{environment} {policy}");
            let theirs = file.faithful(environment, policy, &free);
            let ours = file.corrected(environment, policy, &as_the_reference_fills());
            assert_eq!(ours.calls + 1, theirs.calls, "{what}");
            near(ours.final_assets, theirs.final_assets, &what);
            for (found, wanted) in ours.assets.iter().zip(&theirs.assets) {
                near(*found, *wanted, &what);
            }
        }
    }
}

#[test]
fn without_costs_and_at_the_same_closes_long_trading_is_the_references() {
    let Some(file) = File::read(TRADING) else { return };
    let environment = ReplayEnvironment::AlgorithmicTrading;
    let free = ReplayOptions { cost_rate: Some(0.0), ..ReplayOptions::default() };
    let options = CorrectedOptions { forward: Some(5), config: None, ..as_the_reference_fills() };
    for policy in ["cycle:2,1,0", "cycle:2,2,2,0,1,0,0", "nothing"] {
        let theirs = file.faithful(environment, policy, &free);
        let ours = file.corrected(environment, policy, &options);
        assert_eq!(ours.calls + 1, theirs.calls, "{policy}");
        for (found, wanted) in ours.assets.iter().zip(&theirs.assets) {
            near(*found, *wanted, policy);
        }
    }
}

#[test]
fn costs_are_paid_and_the_next_open_is_another_price() {
    let Some(file) = File::read(TRADING) else { return };
    let environment = ReplayEnvironment::AlgorithmicTrading;
    let theirs = file.faithful(environment, "cycle:2,1,0", &ReplayOptions::default());
    let options = CorrectedOptions { forward: Some(5), ..CorrectedOptions::default() };
    let ours = file.corrected(environment, "cycle:2,1,0", &options);
    assert!((ours.final_assets - theirs.final_assets).abs() > 1.0);
    assert!(0.0 < ours.fees && ours.turnover.is_some() && !ours.metrics.is_empty());
    near(ours.ledger.fees, ours.fees, "fees");
    // The short that the reference counts as a debt of its own making is a gain here when prices fall.
    let short = file.corrected(environment, "cycle:0,1", &options);
    let CorrectedDetails::AlgorithmicTrading(details) = short.details else { panic!("details") };
    assert!(details.holding < 0.0 && 100_000.0 < details.cash);
}

#[test]
fn executions_run_over_the_rows_of_the_reference() {
    if let Some(file) = File::read(BOOK) {
        let environment = ReplayEnvironment::ExecutionEteo;
        let theirs = file.faithful(environment, "nothing", &ReplayOptions::default());
        let none = CorrectedOptions::default();
        let ours = file.corrected(environment, "nothing", &none);
        assert_eq!(ours.calls, theirs.calls);
        // Nothing ordered: all is bought at the end, at the book's prices instead of a hundredth of the distance.
        assert!((ours.final_assets - theirs.final_assets).abs() < 200.0);
        let crossing = file.corrected(environment, "order:1/598@ask0*1.0001", &none);
        let CorrectedDetails::Execution(details) = &crossing.details else { panic!("details") };
        near(details.order_left, 0.0, "left");
        assert!(0.0 < details.shortfall_bps.abs() && details.average_price.is_some());
    }
    if let Some(file) = File::read(SALE) {
        let environment = ReplayEnvironment::ExecutionPd;
        let theirs = file.faithful(environment, "nothing", &ReplayOptions::default());
        let ours = file.corrected(environment, "nothing", &CorrectedOptions::default());
        assert_eq!(ours.calls, theirs.calls);
        // What is left is sold at the same last close.
        near(ours.final_assets, theirs.final_assets, "the last close");
    }
}

#[test]
fn every_environment_passes_the_checker_on_the_references_files() {
    let plan = CheckPlan { truth: Truth::Corrected, cuts: 2 };
    for (environment, path, rows) in [
        (ReplayEnvironment::AlgorithmicTrading, TRADING, 120),
        (ReplayEnvironment::ExecutionPd, SALE, 80),
        (ReplayEnvironment::Portfolio, STOCKS, 40),
        (ReplayEnvironment::ExecutionEteo, BOOK, 60),
        (ReplayEnvironment::Hft, BOOK, 60),
    ] {
        let Some(file) = File::read(path) else { continue };
        let set = FeaturesConfig { set: FeatureSet::Classic11, ..FeaturesConfig::default() };
        let options = CorrectedOptions {
            features: Some(set),
            // The first window of features takes thirty rows of these.
            episode_length: Some(rows),
            ..CorrectedOptions::default()
        };
        let report = check(environment, &file.data, &options, plan).unwrap();
        assert_eq!(report.findings, [], "{environment}");
    }
}
