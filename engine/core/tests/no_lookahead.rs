//! The future cannot change the past: all data after t is overwritten with noise, and what was seen and done up to t
//! is bit-equal.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use std::ops::ControlFlow;
use std::sync::Arc;

use engine::config::{
    BacktestConfig, FillRule, Normalisation, OnlineConfig, PortfolioRuleConfig, SplitConfig,
    StrategyConfig, validate,
};
use engine::environment::{Action, MarketData, Prepared, build, prepare};
use engine::evaluation::report::{BacktestReport, PolicyResult, Trade};
use engine::features::Normaliser;
use engine::market::{BarPanel, BarSeries, Join, MarketSeries, split, synthetic};
use engine::policies::Policy;
use engine::session::backtest::{BacktestInput, Source, run};
use serde_json::{Value, json};
use support::{EveryBit, books, chance, faithful, overwrite_after, strategy};

const ROWS: usize = 600;

/// What was seen (as bits) and done at each step while the bar was at most `last`, and the rewards paid by then.
struct Trace {
    observations: Vec<Vec<u32>>,
    actions: Vec<usize>,
    rewards: Vec<u64>,
}

fn trace(strategy: &StrategyConfig, market: &Arc<MarketData>, last: usize) -> Trace {
    let mut environment = build(strategy, Arc::clone(market)).unwrap();
    let mut policy = EveryBit;
    let mut found = Trace { observations: Vec::new(), actions: Vec::new(), rewards: Vec::new() };
    let mut observation = vec![0.0_f32; environment.observation_len()];
    while environment.snapshot().bar_index <= last {
        environment.observe(&mut observation);
        let action = policy.act(&observation);
        found.observations.push(observation.iter().map(|value| value.to_bits()).collect());
        found.actions.push(action);
        let result = environment.step(Action::Discrete(action));
        if environment.snapshot().bar_index <= last {
            found.rewards.push(result.reward.to_bits());
        }
        if result.ended() {
            break;
        }
    }
    found
}

/// The segment that contains row `last` of the series, and the row's place in it.
fn segment(prepared: &Prepared, bars: &BarSeries, last: usize) -> Option<(Arc<MarketData>, usize)> {
    [&prepared.train, &prepared.valid, &prepared.test].into_iter().find_map(|market| {
        let place = market.time_ms().iter().position(|time| *time == bars.time_ms[last])?;
        Some((Arc::clone(market), place))
    })
}

fn assert_blind(
    strategy: &StrategyConfig,
    lasts: &[usize],
    normaliser: Option<&Normaliser>,
) -> usize {
    let bars = synthetic::generate(17, ROWS);
    let cut = SplitConfig::default();
    let mut compared = 0;
    for (number, last) in lasts.iter().enumerate() {
        let noisy = overwrite_after(&bars, *last, number as u64);
        let before = prepare(strategy, &bars, &cut, normaliser).unwrap();
        let after = prepare(strategy, &noisy, &cut, normaliser).unwrap();
        assert_eq!(before.normaliser, after.normaliser, "the normaliser saw bars after {last}");
        let Some((left, place)) = segment(&before, &bars, *last) else { continue };
        let (right, _) = segment(&after, &noisy, *last).expect("times are unchanged");
        let (left, right) = (trace(strategy, &left, place), trace(strategy, &right, place));
        assert_eq!(
            left.observations, right.observations,
            "an observation up to bar {last} saw the future"
        );
        assert_eq!(left.actions, right.actions, "an action up to bar {last} saw the future");
        assert_eq!(left.rewards, right.rewards, "a reward up to bar {last} saw the future");
        compared += left.actions.iter().filter(|action| **action != 1).count();
    }
    compared
}

/// Rows at which the series is cut: random, and the edges of segments.
fn rows(from: usize, seed: u64) -> Vec<usize> {
    let mut stream = chance(seed);
    let span = u32::try_from(ROWS - from - 1).unwrap();
    let splits = split(ROWS, &SplitConfig::default(), 5).unwrap();
    let edges = [splits.valid.start + 6, splits.valid.end - 2, splits.test.start + 6, ROWS - 2];
    (0..12)
        .map(|_| from + stream.below(span) as usize)
        .chain(edges)
        .filter(|row| from <= *row)
        .collect()
}

#[test]
fn the_whole_pipeline_with_a_normaliser_of_the_training_segment_sees_no_future() {
    let train_end = split(ROWS, &SplitConfig::default(), 5).unwrap().train.end;
    for fill in [FillRule::NextOpen, FillRule::SameClose] {
        let mut strategy = strategy(|config| config.allow_short = true);
        strategy.matching.fill = fill;
        let compared = assert_blind(&strategy, &rows(train_end, 1), None);
        assert!(compared > 200, "the test has to compare something: {compared}");
    }
}

#[test]
fn inside_the_training_segment_nothing_but_the_normaliser_could_know() {
    let strategy = strategy(|_| {});
    let fixed =
        prepare(&strategy, &synthetic::generate(17, ROWS), &SplitConfig::default(), None).unwrap();
    let compared = assert_blind(&strategy, &rows(40, 2), Some(&fixed.normaliser));
    assert!(compared > 1000, "the test has to compare something: {compared}");
}

#[test]
fn chosen_features_see_no_future_either() {
    let train_end = split(ROWS, &SplitConfig::default(), 5).unwrap().train.end;
    for normalisation in [Normalisation::ZScore, Normalisation::Robust, Normalisation::MinMax] {
        let mut strategy = strategy(|config| config.allow_short = true);
        strategy.features.normalisation = normalisation;
        strategy.features.list = serde_json::from_value(serde_json::json!([
            {"name": "alpha158"},
            {"name": "macd"},
            {"name": "keltner"},
            {"name": "expression", "text": "Corr($close, Ref($volume, 3), 10)"},
        ]))
        .unwrap();
        let compared = assert_blind(&strategy, &rows(train_end, 1), None);
        assert!(compared > 200, "the test has to compare something: {compared}");
    }
}

/// The faithful mode says that its rewards look ahead: this test shows that the method above would notice.
#[test]
fn the_faithful_reward_looks_ahead_and_its_observations_do_not() {
    let strategy = faithful();
    let bars = synthetic::generate(17, ROWS);
    let last = 300;
    let noisy = overwrite_after(&bars, last, 5);
    let cut = SplitConfig::default();
    let (before, after) = (
        prepare(&strategy, &bars, &cut, None).unwrap(),
        prepare(&strategy, &noisy, &cut, None).unwrap(),
    );
    let (left, place) = segment(&before, &bars, last).unwrap();
    let (right, _) = segment(&after, &noisy, last).unwrap();
    let (left, right) = (trace(&strategy, &left, place), trace(&strategy, &right, place));
    assert_eq!(left.observations, right.observations);
    assert_eq!(left.actions, right.actions);
    assert_ne!(left.rewards, right.rewards);
}

fn report(strategy: &StrategyConfig, data: &MarketSeries) -> BacktestReport {
    let session = BacktestConfig::default();
    let source = Source { name: "test", sha256: "00", synthetic: true };
    let input =
        BacktestInput { strategy, session: &session, data, source, model: None, build: "test" };
    run(&input, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

/// What a policy had done and was worth by a time, as bits.
fn until(report: &BacktestReport, result: &PolicyResult, time_ms: f64) -> (Vec<u64>, Vec<Trade>) {
    let points = report.times_ms.partition_point(|time| *time <= time_ms);
    let mut bits: Vec<u64> = result.equity[..points].iter().map(|value| value.to_bits()).collect();
    bits.extend(result.position[..points].iter().map(|value| value.to_bits()));
    if let Some(weights) = &result.weights {
        bits.extend(weights.rows[..points].iter().flatten().map(|weight| weight.to_bits()));
    }
    let trades = result.trades.iter().filter(|trade| trade.time_ms <= time_ms);
    (bits, trades.cloned().collect())
}

/// Runs a policy on data and on the same data with another future, and demands the same past.
fn assert_same_past(
    agent: &Value,
    environment: &Value,
    (data, changed): (&MarketSeries, &MarketSeries),
    last_ms: i64,
) -> [BacktestReport; 2] {
    let value = json!({"agent": agent, "environment": environment});
    let strategy = validate::strategy(&value).unwrap();
    let reports = [report(&strategy, data), report(&strategy, changed)];
    let [before, after] = &reports;
    let time = last_ms as f64;
    assert!(before.times_ms[0] < time && before.agent.equity != after.agent.equity, "{agent}");
    let (left, right) = (until(before, &before.agent, time), until(after, &after.agent, time));
    assert_eq!(left, right, "{agent} saw the future");
    reports
}

/// Six markets and the same with another future after `last`.
fn panels(last: usize) -> (MarketSeries, MarketSeries) {
    let of = |changed: bool| {
        let series: Vec<BarSeries> = (0..6)
            .map(|seed| {
                let mut bars = synthetic::generate(seed, ROWS);
                bars.instrument = format!("I{seed}");
                if changed { overwrite_after(&bars, last, seed) } else { bars }
            })
            .collect();
        MarketSeries::Panel(BarPanel::join(&series, Join::Inner).unwrap())
    };
    (of(false), of(true))
}

#[test]
fn no_portfolio_rule_and_no_method_of_online_selection_sees_the_future() {
    let last = ROWS - 30;
    let (data, changed) = panels(last);
    let last_ms = synthetic::generate(0, ROWS).time_ms[last];
    let mut agents: Vec<Value> =
        vec![json!({"algorithm": "buy_and_hold"}), json!({"algorithm": "random"})];
    let idle = PortfolioRuleConfig::all().into_iter().filter(|rule| rule.name() != "do_nothing");
    agents.extend(idle.map(|rule| json!({"algorithm": "portfolio_rule", "rule": rule})));
    agents.extend(
        OnlineConfig::all()
            .into_iter()
            .map(|method| json!({"algorithm": "online_selection", "method": method})),
    );
    for agent in &agents {
        let reports =
            assert_same_past(agent, &json!({"task": "portfolio"}), (&data, &changed), last_ms);
        // Hindsight does see it: the method above would notice.
        let [left, right] = reports.each_ref().map(|report| {
            let best = report.baselines.iter().find(|one| one.name == "hindsight_bcrp").unwrap();
            until(report, best, last_ms as f64).0
        });
        assert_ne!(left, right);
    }
}

#[test]
fn no_execution_schedule_sees_the_future_on_bars_or_on_a_book() {
    let last = ROWS - 25;
    let bars = synthetic::generate(17, ROWS);
    let last_ms = bars.time_ms[last];
    let noisy = MarketSeries::Bars(overwrite_after(&bars, last, 4));
    let bars = MarketSeries::Bars(bars);
    let (past, future) = (books::book(1, ROWS, 4), books::book(2, ROWS, 4));
    let book_ms = past.time_ms[last];
    let spliced = MarketSeries::Book(books::spliced(&past, &future, last));
    let past = MarketSeries::Book(past);
    let task =
        json!({"task": "order_execution", "amount": 2.0, "horizon_steps": 10, "tick_size": 0.5});
    let mut agents = vec![json!({"algorithm": "random"}), json!({"algorithm": "do_nothing"})];
    for schedule in ["twap", "almgren_chriss", "vwap"] {
        agents.push(json!({"algorithm": "execution_schedule", "schedule": {"schedule": schedule}}));
    }
    for agent in &agents {
        assert_same_past(agent, &task, (&bars, &noisy), last_ms);
        if agent["schedule"]["schedule"] != "vwap" {
            assert_same_past(agent, &task, (&past, &spliced), book_ms);
        }
    }
}

#[test]
fn no_rule_of_target_holdings_sees_the_future() {
    let last = ROWS - 25;
    let (past, future) = (books::book(1, ROWS, 4), books::book(2, ROWS, 4));
    let last_ms = past.time_ms[last];
    let spliced = MarketSeries::Book(books::spliced(&past, &future, last));
    let past = MarketSeries::Book(past);
    let task = json!({"task": "high_frequency", "initial_cash": 1e6, "max_holding": 2.0, "allow_short": true});
    for agent in ["buy_and_hold", "random"] {
        assert_same_past(&json!({"algorithm": agent}), &task, (&past, &spliced), last_ms);
    }
}
