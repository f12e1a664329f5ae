//! Evaluations of every task: causality on data of any kind, both cost ladders, baselines by name, and the six axes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use std::ops::ControlFlow;

use engine::config::{
    BaselineName, BootstrapConfig, EvaluationConfig, EvaluationPolicy, StrategyConfig, validate,
};
use engine::evaluation::cost_ladder::CostLadder;
use engine::evaluation::prudex::Measure;
use engine::evaluation::prudex::compass::Compass;
use engine::ids::SessionId;
use engine::market::{BarPanel, BarSeries, Join, MarketSeries, synthetic};
use engine::metrics::Figure;
use engine::session::backtest::{Model, Source};
use engine::session::evaluation::{
    self, CheckCode, EvaluationInput, EvaluationReport, MeasureLacks, PrudexMeasure,
};
use serde_json::{Value, json};

fn session() -> EvaluationConfig {
    EvaluationConfig {
        bootstrap: BootstrapConfig { resamples: 1_000, ..BootstrapConfig::default() },
        cost_multipliers: vec![0.0, 1.0, 2.0],
        seeds: 3,
        causality_cuts: 6,
        ..EvaluationConfig::default()
    }
}

fn strategy(environment: Value, agent: Value) -> StrategyConfig {
    validate::strategy(&json!({"environment": environment, "agent": agent})).unwrap()
}

fn portfolio(agent: Value) -> StrategyConfig {
    strategy(json!({"task": "portfolio"}), agent)
}

fn high_frequency(algorithm: &str) -> StrategyConfig {
    let task = json!({"task": "high_frequency", "initial_cash": 1e6, "max_holding": 2.0, "holding_steps": 2});
    let mut strategy = strategy(task, json!({"algorithm": algorithm}));
    strategy.matching.fee_rate = 0.0001;
    strategy
}

fn judge(
    strategy: &StrategyConfig,
    session: &EvaluationConfig,
    data: &MarketSeries,
) -> EvaluationReport {
    let input = EvaluationInput {
        strategy,
        session,
        data,
        source: Source { name: "s", sha256: "00", synthetic: true },
        models: &[],
        trials: &[],
        trials_lost: 0,
        build: "test",
    };
    evaluation::run(&input, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

fn panel(rows: usize) -> MarketSeries {
    let series: Vec<BarSeries> = (0..3)
        .map(|seed| {
            let mut one = synthetic::generate(seed, rows);
            one.instrument = format!("S{seed}");
            one
        })
        .collect();
    MarketSeries::Panel(BarPanel::join(&series, Join::Inner).unwrap())
}

fn bars(seed: u64, rows: usize) -> MarketSeries {
    MarketSeries::Bars(synthetic::generate(seed, rows))
}

fn measure(report: &EvaluationReport, wanted: Measure) -> PrudexMeasure {
    let found = report.prudex.as_ref().unwrap();
    *found.measures.iter().find(|one| one.measure == wanted).unwrap()
}

fn at_once(ladder: Option<&CostLadder>) -> Option<u64> {
    let rung = ladder?.rungs.iter().find(|rung| (rung.multiplier - 1.0).abs() < 1e-12)?;
    rung.total_return.map(f64::to_bits)
}

fn growth(report: &EvaluationReport, name: &str) -> Option<f64> {
    let policy = report.policies.iter().find(|policy| policy.name == name)?;
    policy.sheet.figures.get(&Figure::TotalReturn).copied().flatten()
}

#[test]
fn every_task_is_causal_and_its_decisions_carried_out_again_are_the_run_itself() {
    let cases = [
        (
            strategy(json!({"task": "algorithmic_trading"}), json!({"algorithm": "random"})),
            bars(3, 900),
        ),
        (
            portfolio(json!({"algorithm": "portfolio_rule", "rule": {"rule": "momentum"}})),
            panel(700),
        ),
        (portfolio(json!({"algorithm": "online_selection"})), panel(700)),
        (high_frequency("random"), MarketSeries::Book(support::books::book(1, 900, 3))),
    ];
    for (strategy, data) in cases {
        let report = judge(&strategy, &session(), &data);
        let name = format!("{} with {}", report.task, strategy.agent.algorithm());
        let causality = report.causality.as_ref().unwrap();
        assert!(causality.passed && causality.cuts == 6, "{name}: {}", causality.detail);
        let own = growth(&report, "agent").map(f64::to_bits);
        assert!(own.is_some(), "{name}");
        assert_eq!(at_once(report.costs.as_ref()), own, "{name}: decided anew");
        assert_eq!(at_once(report.costs_fixed.as_ref()), own, "{name}: as decided");
        let fixed = &report.costs_fixed.as_ref().unwrap().rungs;
        assert!(
            fixed[2].total_return < fixed[0].total_return,
            "{name}: the same trades at twice the costs leave less: {fixed:?}"
        );
        // What is written is read back.
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<EvaluationReport>(&text).unwrap(), report, "{name}");
        assert!(!text.contains("NaN"), "{name}");
    }
}

#[test]
fn trained_models_are_tested_for_causality_and_each_is_a_run() {
    let learner = StrategyConfig::default();
    let data = bars(3, 1_200);
    let MarketSeries::Bars(series) = &data else { panic!("made above") };
    let split = session().split;
    let fitted = engine::environment::prepare(&learner, series, &split, None).unwrap().normaliser;
    let files: Vec<Vec<u8>> =
        (1..4).map(|seed| support::model_file(&[82, 16, 3], Some(&fitted), seed)).collect();
    let models: Vec<Model<'_>> = files.iter().map(|bytes| Model { bytes, sha256: "11" }).collect();
    let session_ids =
        (1..4).map(|number| SessionId::from_uuid(uuid::Uuid::from_u128(number))).collect();
    let session =
        EvaluationConfig { policy: EvaluationPolicy::Sessions { session_ids }, ..session() };
    let input = EvaluationInput {
        strategy: &learner,
        session: &session,
        data: &data,
        source: Source { name: "s", sha256: "00", synthetic: true },
        models: &models,
        trials: &[],
        trials_lost: 0,
        build: "test",
    };
    let report = evaluation::run(&input, &mut |_, _| ControlFlow::Continue(())).unwrap();
    let causality = report.causality.as_ref().unwrap();
    assert!(causality.passed, "{}", causality.detail);
    assert_eq!(report.seeds.as_ref().map(|seeds| seeds.count), Some(3));
    assert!(measure(&report, Measure::Profile).raw.is_some());
    let own = growth(&report, "agent").map(f64::to_bits);
    assert_eq!(at_once(report.costs_fixed.as_ref()), own);
}

#[test]
fn indicators_are_told_how_much_their_beginning_matters() {
    let rule =
        strategy(json!({"task": "algorithmic_trading"}), json!({"algorithm": "buy_and_hold"}));
    let report = judge(&rule, &session(), &bars(3, 1_500));
    let drift = &report.causality.as_ref().unwrap().warm_up;
    assert_eq!(drift.len(), 3);
    assert!(drift.iter().all(|one| 0 < one.compared && one.largest.is_finite()), "{drift:?}");
    assert!(drift[0].rows_before < drift[2].rows_before);
}

#[test]
fn baselines_are_chosen_by_name_and_every_one_that_fits_by_default() {
    let rule = portfolio(json!({"algorithm": "portfolio_rule"}));
    let data = panel(700);
    let names = |report: &EvaluationReport| -> Vec<String> {
        report.policies.iter().map(|policy| policy.name.clone()).collect()
    };
    let all = judge(&rule, &session(), &data);
    for wanted in BaselineName::ALL {
        let there = names(&all).iter().any(|name| name == wanted.as_str());
        assert_eq!(there, wanted != BaselineName::HindsightOracle, "{}", wanted.as_str());
    }
    let chosen = EvaluationConfig {
        baselines: vec![BaselineName::RiskParity, BaselineName::HindsightOracle],
        ..session()
    };
    let few = judge(&rule, &chosen, &data);
    assert_eq!(names(&few), ["agent", "risk_parity"]);
    assert!(few.missing.iter().any(|one| one.part == "baselines/hindsight_oracle"));
    assert_eq!(growth(&few, "risk_parity"), growth(&all, "risk_parity"));
    assert_eq!(few.radar, all.radar, "the market is run in any case");
    let check = few.verdict.checks.iter().find(|check| check.code == CheckCode::Baselines);
    assert_eq!(check.map(|check| check.params["baseline"].clone()), Some(json!("risk_parity")));
}

#[test]
fn the_six_axes_of_a_rule_that_draws_are_those_of_its_curves() {
    let rule = strategy(json!({"task": "algorithmic_trading"}), json!({"algorithm": "random"}));
    let session = EvaluationConfig { explainability: Some(40.0), ..session() };
    let report = judge(&rule, &session, &bars(5, 1_500));
    let found = report.prudex.as_ref().unwrap();
    assert_eq!((found.axes.len(), found.measures.len(), found.period.as_str()), (6, 16, "day"));
    let own = report.policies.iter().find(|policy| policy.name == "agent").unwrap();
    let market = report.policies.iter().find(|policy| policy.name == "buy_and_hold").unwrap();
    let bars = own.equity.len() - 1;
    assert_eq!(found.period_count, bars);
    // Ten stretches of the run, the market beaten in some of them.
    let stretch = |equity: &[f64], place: usize| {
        equity[(place + 1) * bars / 10] / equity[place * bars / 10] - 1.0
    };
    let beaten = (0..10)
        .filter(|place| stretch(&market.equity, *place) < stretch(&own.equity, *place))
        .count() as f64;
    assert_eq!(measure(&report, Measure::RollingWindow).raw, Some(beaten / 10.0));
    assert_eq!(measure(&report, Measure::Profit).raw, growth(&report, "agent"));
    let sheet = |figure| own.sheet.figures.get(&figure).copied().flatten();
    assert_eq!(measure(&report, Measure::Risk).raw, sheet(Figure::MaxDrawdown));
    assert_eq!(measure(&report, Measure::RiskAdjusted).raw, sheet(Figure::Sharpe));
    // Profit's score is the radar's, moved to 0 … 100.
    let radar = report.radar.unwrap().scores.total_return.unwrap();
    assert!(
        (measure(&report, Measure::Profit).score.unwrap() - (radar + 100.0) / 2.0).abs() < 1e-9
    );
    let scales = measure(&report, Measure::TimeScale).raw.unwrap();
    assert!([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0].iter().any(|share| (scales - share).abs() < 1e-9));
    let rank = measure(&report, Measure::RankOrder).raw.unwrap();
    assert!((1.0..=4.0).contains(&rank), "{rank}");
    for one in [Measure::Profile, Measure::Variability, Measure::ExtremeMarket] {
        assert!(measure(&report, one).raw.is_some(), "{one:?}");
    }
    let lacks = |one| measure(&report, one).lacks;
    assert_eq!(lacks(Measure::Country), Some(MeasureLacks::SeveralDataSets));
    assert_eq!(lacks(Measure::TSne), Some(MeasureLacks::Picture));
    assert_eq!(lacks(Measure::Entropy), Some(MeasureLacks::SeveralInstruments));
    assert_eq!(lacks(Measure::Profit), None);
    // An axis is the mean of its measures' scores; what was not evaluated stands at the least of the drawing.
    let scores: Vec<f64> = found
        .measures
        .iter()
        .filter(|one| one.axis == engine::evaluation::prudex::Axis::RiskControl)
        .filter_map(|one| one.score)
        .collect();
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let axis = found.axes[&engine::evaluation::prudex::Axis::RiskControl].unwrap();
    assert!((axis - mean).abs() < 1e-9);
    let entry = &found.compass.entries[0];
    assert_eq!((entry.inner_level.explainability, entry.inner_level.diversity), (40, 1));
    assert!(
        entry.outer_level.rolling_window && !entry.outer_level.country && !entry.outer_level.t_sne
    );
    let document = serde_json::to_value(&found.compass).unwrap();
    assert!(document["entries"][0]["inner_level"]["Proftability"].is_u64(), "{document}");
    assert_eq!(serde_json::from_value::<Compass>(document).unwrap(), found.compass);
}

#[test]
fn a_portfolio_has_an_entropy_and_a_number_of_bets() {
    let rule = portfolio(json!({"algorithm": "portfolio_rule", "rule": {"rule": "uniform"}}));
    let report = judge(&rule, &session(), &panel(700));
    let entropy = measure(&report, Measure::Entropy);
    assert!((entropy.raw.unwrap() - 3.0_f64.ln()).abs() < 1e-2, "equal shares: {entropy:?}");
    assert!(99.0 < entropy.score.unwrap());
    let bets = measure(&report, Measure::Correlation).raw.unwrap();
    assert!((1.0..=3.0).contains(&bets), "{bets}");
    assert_eq!(measure(&report, Measure::Profile).lacks, Some(MeasureLacks::SeveralRuns));
    let alone = portfolio(json!({"algorithm": "do_nothing"}));
    let report = judge(&alone, &session(), &panel(700));
    assert_eq!(measure(&report, Measure::Entropy).lacks, Some(MeasureLacks::Undefined));
}

#[test]
fn a_day_of_snapshots_is_measured_by_snapshots() {
    let data = MarketSeries::Book(support::books::book(1, 900, 3));
    let report = judge(&high_frequency("buy_and_hold"), &session(), &data);
    let found = report.prudex.as_ref().unwrap();
    assert_eq!(found.period, "bar");
    assert!(
        measure(&report, Measure::RollingWindow).raw.is_some_and(|share| share.abs() < 1e-12),
        "nobody beats himself"
    );
}
