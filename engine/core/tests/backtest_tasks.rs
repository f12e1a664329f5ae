//! Back-tests of executions and of holdings on an order book: what the report says is what the policy did when it is run by
//! hand; and what is the same in every task: seeds, progress, refusals, old reports.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use std::ops::ControlFlow;

use engine::config::{
    AgentConfig, BacktestConfig, EnvironmentConfig, FillRule, SplitConfig, StrategyConfig,
};
use engine::environment::{Action, build, prepare, prepare_book};
use engine::error::EngineError;
use engine::evaluation::report::BacktestReport;
use engine::market::{MarketSeries, TradeSeries, synthetic};
use engine::session::backtest::{BacktestInput, Model, Source, run};
use serde_json::{Value, json};
use support::real;
use support::runs::{
    all_of, assert_whole, backtest, baseline, last, names, near, panel, portfolio, report, strategy,
};

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_another_baseline() {
    let book = MarketSeries::Book(support::books::book(3, 400, 3));
    let cases = [
        (
            portfolio(json!({"algorithm": "random"})),
            MarketSeries::Panel(panel(&["ONE", "TWO"], 400)),
        ),
        (high_frequency(json!({"algorithm": "random"})), book.clone()),
        (execution(json!({"algorithm": "random"})), book),
    ];
    for (strategy, data) in cases {
        let bytes = |seed| {
            let session = BacktestConfig { seed, ..BacktestConfig::default() };
            serde_json::to_vec(&backtest(&strategy, &session, &data).unwrap()).unwrap()
        };
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
    }
}

fn execution(agent: Value) -> StrategyConfig {
    strategy(
        json!({"task": "order_execution", "amount": 2.0, "horizon_steps": 10, "initial_cash": 1e9}),
        agent,
    )
}

#[test]
fn a_real_book_under_twap_gives_the_figures_of_the_run_by_hand() {
    let Some(book) = real::book(15) else { return };
    let agent =
        json!({"algorithm": "execution_schedule", "schedule": {"schedule": "twap", "slices": 15}});
    let strategy = strategy(
        json!({"task": "order_execution", "horizon_steps": 15, "side": "buy", "amount": 3.0, "initial_cash": 1e9}),
        agent,
    );
    let report = report(&strategy, &MarketSeries::Book(book.clone()));
    assert_whole(&report);
    let segment = prepare_book(&strategy, &book, &SplitConfig::default(), None).unwrap().test;
    let mut environment = build(&strategy, segment.clone()).unwrap();
    let (mut shortfall, mut costs, mut executed) = (0.0, 0.0, 0.0);
    let tasks = (segment.rows() - 10) / 15;
    assert!(2 < tasks);
    for task in 0..tasks {
        environment.reset_at(task * 15).unwrap();
        for step in 1..=15 {
            let stands = environment.execution().unwrap();
            let due = f64::from(step) / 15.0 - (stands.executed + stands.resting) / 3.0;
            if environment.step(Action::Vector(&[due.clamp(0.0, 1.0), 20.0])).ended() {
                break;
            }
        }
        let done = environment.execution().unwrap();
        shortfall += done.shortfall_bps / tasks as f64;
        executed += done.executed;
        costs += environment.snapshot().costs;
    }
    let found = report.agent.execution.as_ref().unwrap();
    assert!((found.shortfall_bps - shortfall).abs() < 1e-6, "{found:?} {shortfall}");
    assert!(near(found.executed, executed) && near(report.agent.costs, costs));
    assert_eq!((found.side.as_str(), found.tasks as usize), ("buy", tasks));
    assert!(near(found.amount, 3.0 * tasks as f64) && found.left == 0.0);
    assert!(found.vwap.is_some() && found.shortfall_deviation_bps.is_some());
    assert_eq!((report.price_name.as_str(), names(&report)), ("midpoint", vec!["at_once", "twap"]));
    assert_eq!(report.times_ms.len(), tasks * 15 + 1);
    // As many slices as steps: the baseline is the agent.
    assert_eq!(report.agent.execution, baseline(&report, "twap").execution);
    assert!(report.agent.metrics.values().all(Option::is_none));
    assert!(
        report.remarks.iter().any(|one| one.contains("tasks of 15 steps")),
        "{:?}",
        report.remarks
    );
}

#[test]
fn an_order_on_bars_executed_evenly_has_the_shortfall_done_by_hand() {
    let bars = synthetic::generate(5, 500);
    let agent =
        json!({"algorithm": "execution_schedule", "schedule": {"schedule": "twap", "slices": 5}});
    let strategy = execution(agent);
    let report = report(&strategy, &MarketSeries::Bars(bars.clone()));
    assert_whole(&report);
    let market = prepare(&strategy, &bars, &SplitConfig::default(), None).unwrap().test;
    let tasks = (market.rows() - 10) / 10;
    let fee = strategy.matching.fee_rate;
    let mut mean = 0.0;
    for task in 0..tasks {
        let start = 9 + task * 10;
        let arrival = market.close()[start].get();
        // Two steps a slice, each filled at the next open; the sale pays its fee.
        let opens = (0..5).map(|slice| market.open()[start + 2 * slice + 1].get());
        let got = opens.map(|open| open * (1.0 - fee)).sum::<f64>() / 5.0;
        mean += (arrival - got) / arrival * 1e4 / tasks as f64;
    }
    let found = report.agent.execution.as_ref().unwrap();
    assert!((found.shortfall_bps - mean).abs() < 1e-6, "{} {mean}", found.shortfall_bps);
    assert!((found.cost_bps - 10.0).abs() < 1.0, "a tenth of a per cent: {}", found.cost_bps);
    assert_eq!(report.agent.trades.len(), 5 * tasks);
    // What each task gained or lost is carried on.
    let gained = last(&report.agent.equity) - report.agent.equity[0];
    let by_task: f64 = (0..tasks)
        .map(|task| {
            let curve = &report.agent.equity;
            curve[(task + 1) * 10] - curve[task * 10]
        })
        .sum();
    assert!((gained - by_task).abs() < 1e-6);
}

#[test]
fn rules_that_fit_every_task_have_a_meaning_in_an_execution() {
    let data = MarketSeries::Bars(synthetic::generate(5, 500));
    let run = |name: &str| report(&execution(json!({"algorithm": name})), &data);
    let at_once = run("buy_and_hold");
    assert_eq!(at_once.agent.execution, baseline(&at_once, "at_once").execution);
    let market =
        prepare(&at_once.strategy, &synthetic::generate(5, 500), &SplitConfig::default(), None)
            .unwrap()
            .test;
    assert_eq!(at_once.agent.trades[0].price, market.open()[10].get());
    // Nothing until the end, where the environment executes the rest at the last close.
    let waits = run("do_nothing");
    assert_eq!(waits.agent.trades[0].price, market.close()[19].get());
    assert_eq!(waits.agent.trades[0].index, 10);
    let random = run("random");
    assert!(random.agent.execution.unwrap().left == 0.0);
    assert_eq!(random.random_percentile, None);
}

#[test]
fn a_schedule_after_the_usual_volume_needs_volume() {
    let agent =
        json!({"algorithm": "execution_schedule", "schedule": {"schedule": "vwap", "days": 5}});
    let strategy = execution(agent);
    let bars = synthetic::generate(5, 500);
    let with = report(&strategy, &MarketSeries::Bars(bars.clone()));
    assert!(with.agent.execution.unwrap().left == 0.0);
    let without = engine::market::BarSeries { volume: None, ..bars };
    let mut plain = strategy.clone();
    plain.features.list = serde_json::from_value(json!([{"name": "rsi", "window": 14}])).unwrap();
    let refused = backtest(&plain, &BacktestConfig::default(), &MarketSeries::Bars(without));
    assert!(refused.unwrap_err().to_string().contains("twap"));
}

#[test]
fn every_schedule_executes_everything_on_bars_and_on_a_book() {
    let book = MarketSeries::Book(support::books::book(9, 500, 4));
    let bars = MarketSeries::Bars(synthetic::generate(5, 500));
    for schedule in ["twap", "almgren_chriss", "at_once"] {
        for (data, side) in [(&book, "sell"), (&book, "buy"), (&bars, "buy"), (&bars, "sell")] {
            let environment = json!({"task": "order_execution", "amount": 0.5, "side": side, "initial_cash": 1e9, "tick_size": 0.5});
            let agent =
                json!({"algorithm": "execution_schedule", "schedule": {"schedule": schedule}});
            let report = report(&strategy(environment, agent), data);
            assert_whole(&report);
            let found = report.agent.execution.unwrap();
            assert!(found.left < 1e-9, "{schedule} {side}: {found:?}");
        }
    }
}

fn high_frequency(agent: Value) -> StrategyConfig {
    strategy(
        json!({"task": "high_frequency", "initial_cash": 1e6, "max_holding": 2.0, "holding_steps": 2}),
        agent,
    )
}

#[test]
fn holdings_on_a_book_are_compared_with_all_the_best_of_hindsight_among_them() {
    let data = MarketSeries::Book(support::books::book(11, 600, 4));
    for agent in ["random", "buy_and_hold", "do_nothing"] {
        let mut strategy = high_frequency(json!({"algorithm": agent}));
        strategy.matching.fee_rate = 1e-5;
        let report = report(&strategy, &data);
        assert_whole(&report);
        assert_eq!(names(&report), ["buy_and_hold", "do_nothing", "random", "hindsight_oracle"]);
        let best = last(&baseline(&report, "hindsight_oracle").equity);
        for result in all_of(&report) {
            assert!(last(&result.equity) <= best * (1.0 + 1e-12), "{}", result.name);
        }
        assert!(baseline(&report, "do_nothing").equity.iter().all(|value| *value == 1e6));
        assert_eq!(report.price_name, "midpoint");
        if agent != "random" {
            assert_eq!(report.agent.equity, baseline(&report, agent).equity);
        }
    }
}

/// Every path of three holdings over eight snapshots, through the environment itself.
#[test]
fn the_best_of_hindsight_is_the_best_of_all_paths() {
    for (seed, fill, allow_short) in [
        (1, FillRule::NextOpen, false),
        (2, FillRule::NextOpen, true),
        (3, FillRule::SameClose, false),
        (4, FillRule::SameClose, true),
    ] {
        let book = support::books::book(seed, 40, 6);
        let mut strategy = high_frequency(json!({"algorithm": "do_nothing"}));
        let EnvironmentConfig::HighFrequency(config) = &mut strategy.environment else { panic!() };
        (config.max_holding, config.window_snapshots) = (1.0, 1);
        // Half and all, or as much short as long.
        (config.holding_steps, config.allow_short) = (if allow_short { 1 } else { 2 }, allow_short);
        (strategy.matching.fee_rate, strategy.matching.fill) = (1e-5, fill);
        let split = SplitConfig { train: 0.5, valid: 0.25, purge_bars: 0 };
        let session = BacktestConfig { split: split.clone(), ..BacktestConfig::default() };
        let report = backtest(&strategy, &session, &MarketSeries::Book(book.clone())).unwrap();
        let segment = prepare_book(&strategy, &book, &split, None).unwrap().test;
        let mut environment = build(&strategy, segment).unwrap();
        let steps = u32::try_from(environment.steps_per_episode()).unwrap();
        assert!((7..12).contains(&steps), "{steps}");
        let mut best = f64::NEG_INFINITY;
        for number in 0..3_usize.pow(steps) {
            environment.reset();
            let mut rest = number;
            while !environment.step(Action::Discrete(rest % 3)).ended() {
                rest /= 3;
            }
            // Orders that were refused or filled in part are no whole orders.
            let account = environment.snapshot();
            if account.refusal_count == 0 && account.cut_count == 0 {
                best = best.max(environment.equity());
            }
        }
        let found = last(&baseline(&report, "hindsight_oracle").equity);
        assert!((found - best).abs() < 1e-6, "{found} {best}");
    }
}

#[test]
fn data_of_another_kind_is_refused_with_the_kind_that_is_needed() {
    let bars = MarketSeries::Bars(synthetic::generate(5, 500));
    let book = MarketSeries::Book(support::books::book(11, 400, 4));
    let many = MarketSeries::Panel(panel(&["ONE", "TWO"], 400));
    let trades = MarketSeries::Trades(TradeSeries::default());
    let single = StrategyConfig::default();
    let portfolio = portfolio(json!({"algorithm": "buy_and_hold"}));
    let execution = execution(json!({"algorithm": "buy_and_hold"}));
    let holdings = high_frequency(json!({"algorithm": "buy_and_hold"}));
    for (strategy, data, wanted) in [
        (&single, &many, "needs bars of one instrument, found a panel"),
        (&portfolio, &bars, "needs a panel of several instruments, found bars"),
        (&execution, &many, "needs bars of one instrument or an order book, found a panel"),
        (&holdings, &bars, "needs an order book, found bars"),
        (&holdings, &trades, "needs an order book, found single trades"),
        (&single, &book, "needs bars of one instrument, found an order book"),
    ] {
        let error = backtest(strategy, &BacktestConfig::default(), data).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn agents_of_other_tasks_and_models_of_rules_are_refused_where_nobody_checked_before() {
    let many = MarketSeries::Panel(panel(&["ONE", "TWO"], 400));
    let mut wrong = portfolio(json!({"algorithm": "buy_and_hold"}));
    wrong.agent = AgentConfig::of("execution_schedule").unwrap();
    let error = backtest(&wrong, &BacktestConfig::default(), &many).unwrap_err().to_string();
    assert!(error.contains("cannot decide in the task portfolio"), "{error}");
    let plain = StrategyConfig {
        agent: AgentConfig::of("online_selection").unwrap(),
        ..StrategyConfig::default()
    };
    let bars = MarketSeries::Bars(synthetic::generate(5, 500));
    let error = backtest(&plain, &BacktestConfig::default(), &bars).unwrap_err().to_string();
    assert!(error.contains("list"), "{error}");
    let rule = portfolio(json!({"algorithm": "buy_and_hold"}));
    let model = support::model_file(&[4, 4, 3], None, 1);
    let session = BacktestConfig::default();
    let source = Source { name: "test", sha256: "00", synthetic: false };
    let model = Some(Model { bytes: &model, sha256: "11" });
    let input = BacktestInput {
        strategy: &rule,
        session: &session,
        data: &many,
        source,
        model,
        build: "test",
    };
    let error = run(&input, &mut |_, _| ControlFlow::Continue(())).unwrap_err().to_string();
    assert!(error.contains("is a rule"), "{error}");
}

#[test]
fn progress_goes_up_to_its_end_in_every_task_and_a_stop_is_obeyed() {
    let book = MarketSeries::Book(support::books::book(3, 400, 3));
    for (strategy, data) in [
        (
            portfolio(json!({"algorithm": "random"})),
            MarketSeries::Panel(panel(&["ONE", "TWO"], 400)),
        ),
        (high_frequency(json!({"algorithm": "random"})), book.clone()),
        (execution(json!({"algorithm": "random"})), book),
    ] {
        let session = BacktestConfig::default();
        let source = Source { name: "test", sha256: "00", synthetic: false };
        let input = BacktestInput {
            strategy: &strategy,
            session: &session,
            data: &data,
            source,
            model: None,
            build: "test",
        };
        let mut told = Vec::new();
        run(&input, &mut |done, of| {
            told.push((done, of));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(told.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 == pair[1].1));
        assert!(told.iter().all(|(done, of)| done <= of));
        assert!(told.last().is_some_and(|(done, of)| done == of));
        let stopped = run(&input, &mut |_, _| ControlFlow::Break(()));
        assert_eq!(stopped.unwrap_err(), EngineError::Cancelled);
    }
}

#[test]
fn reports_of_the_first_versions_can_be_read() {
    let data = MarketSeries::Bars(synthetic::generate(5, 500));
    let strategy = strategy(json!({"task": "algorithmic_trading"}), json!({"algorithm": "random"}));
    let new = report(&strategy, &data);
    let mut old = serde_json::to_value(&new).unwrap();
    for field in ["task", "instruments", "price_name"] {
        assert!(old.as_object_mut().unwrap().remove(field).is_some(), "{field}");
    }
    let mut results = vec![old["agent"].take()];
    results.extend(old["baselines"].as_array().unwrap().clone());
    for result in &mut results {
        for field in ["weights", "execution"] {
            assert_eq!(result.as_object_mut().unwrap().remove(field), Some(Value::Null));
        }
        for trade in result["trades"].as_array_mut().unwrap() {
            assert_eq!(trade.as_object_mut().unwrap().remove("instrument"), Some(Value::Null));
        }
    }
    old["agent"] = results.remove(0);
    old["baselines"] = Value::from(results);
    let read: BacktestReport = serde_json::from_value(old).unwrap();
    assert_eq!(read, BacktestReport { instruments: Vec::new(), ..new });
}
