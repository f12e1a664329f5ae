//! Whole back-tests of every task: what the report says is what the policy did when it is run by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use engine::config::{
    AgentConfig, BacktestConfig, EnvironmentConfig, FillRule, OnlineConfig, PortfolioRuleConfig,
    Segment, SplitConfig, StrategyConfig,
};
use engine::environment::{Action, Environment, build, prepare, prepare_book, prepare_panel};
use engine::error::EngineError;
use engine::evaluation::report::{BacktestReport, PolicyResult};
use engine::market::{BarPanel, Join, MarketSeries, TradeSeries, synthetic};
use engine::metrics::MetricName;
use engine::policies::online::{OnlineSelection, Period, Selection};
use engine::policies::relatives::Seen;
use engine::policies::rules::{self, PortfolioView};
use engine::session::backtest::{BacktestInput, Model, Source, WEIGHT_NAMES_MAX, run};
use serde_json::{Value, json};
use support::real;

fn strategy(environment: Value, agent: Value) -> StrategyConfig {
    let value = json!({"environment": environment, "agent": agent});
    engine::config::validate::strategy(&value).expect("a strategy")
}

fn backtest(
    strategy: &StrategyConfig,
    session: &BacktestConfig,
    data: &MarketSeries,
) -> Result<BacktestReport, EngineError> {
    let source = Source { name: "test", sha256: "00", synthetic: false };
    let input = BacktestInput { strategy, session, data, source, model: None, build: "test" };
    run(&input, &mut |_, _| ControlFlow::Continue(()))
}

fn report(strategy: &StrategyConfig, data: &MarketSeries) -> BacktestReport {
    backtest(strategy, &BacktestConfig::default(), data).unwrap()
}

fn baseline<'a>(report: &'a BacktestReport, name: &str) -> &'a PolicyResult {
    report.baselines.iter().find(|one| one.name == name).expect(name)
}

fn names(report: &BacktestReport) -> Vec<&str> {
    report.baselines.iter().map(|one| one.name.as_str()).collect()
}

fn last(values: &[f64]) -> f64 {
    *values.last().unwrap()
}

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1.0)
}

fn all_of(report: &BacktestReport) -> impl Iterator<Item = &PolicyResult> {
    std::iter::once(&report.agent).chain(&report.baselines)
}

fn assert_whole(report: &BacktestReport) {
    let points = report.times_ms.len();
    assert_eq!(report.prices.len(), points);
    assert!(report.prices.iter().all(|price| 0.0 < *price));
    assert!(report.times_ms.windows(2).all(|pair| pair[0] < pair[1]));
    for result in all_of(report) {
        let lengths = [result.equity.len(), result.drawdown.len(), result.position.len()];
        assert_eq!(lengths, [points; 3], "{}", result.name);
        for name in MetricName::RUN {
            assert!(result.metrics.contains_key(name.as_str()), "{} lacks {name}", result.name);
        }
        for trade in &result.trades {
            assert!(trade.quantity > 0.0 && (trade.index as usize) < points);
        }
        if let Some(weights) = &result.weights {
            assert_eq!(weights.rows.len(), points);
            for row in &weights.rows {
                assert_eq!(row.len(), weights.names.len());
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-3, "{row:?}");
                assert!(row.iter().all(|weight| (0.0..=1.0).contains(weight)), "{row:?}");
            }
        }
    }
    let back: BacktestReport =
        serde_json::from_str(&serde_json::to_string(report).unwrap()).unwrap();
    assert_eq!(&back, report);
}

/// Instruments that wander, by name.
fn panel(names: &[&str], rows: usize) -> BarPanel {
    let series: Vec<_> = names
        .iter()
        .map(|name| {
            let seed = name.bytes().map(u64::from).sum();
            let mut series = synthetic::generate(seed, rows);
            (*name).clone_into(&mut series.instrument);
            series
        })
        .collect();
    BarPanel::join(&series, Join::Inner).unwrap()
}

/// The 29 stocks that were listed all the time, the newest 700 days.
fn real_panel() -> Option<MarketSeries> {
    let names: Vec<&str> = real::STOCKS.into_iter().filter(|name| *name != "DOW").collect();
    let newest = |one: &engine::market::BarSeries| one.slice(one.len() - 700..one.len());
    let series: Vec<_> = real::series(&names)?.iter().map(newest).collect();
    Some(MarketSeries::Panel(BarPanel::join(&series, Join::Inner).unwrap()))
}

fn portfolio(agent: Value) -> StrategyConfig {
    strategy(json!({"task": "portfolio"}), agent)
}

/// Relatives of each period, from the adjusted closes of the file.
fn relatives_of(panel: &BarPanel) -> Vec<f64> {
    let width = panel.width();
    let close = |cell: usize| panel.close[cell] * (panel.adjusted_close[cell] / panel.close[cell]);
    (width..panel.rows() * width).map(|cell| close(cell) / close(cell - width)).collect()
}

/// Shares of the account held now, cash first.
fn held(environment: &dyn Environment) -> Vec<f64> {
    let account = environment.snapshot();
    let values = environment.holdings().into_iter().map(|holding| holding.value);
    std::iter::once(account.cash)
        .chain(values)
        .map(|value| (value / account.equity).max(0.0))
        .collect()
}

/// Runs weights through the environment by hand: `decide` is told the row of the segment and what is held.
fn by_hand(
    strategy: &StrategyConfig,
    panel: &BarPanel,
    mut decide: impl FnMut(usize, &[f64]) -> Vec<f64>,
) -> (Vec<f64>, f64) {
    let data = prepare_panel(strategy, panel, &SplitConfig::default(), None).unwrap().test;
    let mut environment = build(strategy, data).unwrap();
    let mut equity = vec![environment.equity()];
    loop {
        let weights = decide(environment.snapshot().bar_index, &held(environment.as_ref()));
        let ended = environment.step(Action::Vector(&weights)).ended();
        equity.push(environment.equity());
        if ended {
            return (equity, environment.snapshot().costs);
        }
    }
}

fn assert_by_hand(report: &BacktestReport, (equity, costs): &(Vec<f64>, f64)) {
    assert_eq!(report.agent.equity.len(), equity.len());
    for (found, wanted) in report.agent.equity.iter().zip(equity) {
        assert!(near(*found, *wanted), "{found} {wanted}");
    }
    assert!(near(report.agent.costs, *costs));
    let growth = last(equity) / equity[0] - 1.0;
    assert!(near(report.agent.metrics["total_return"].unwrap(), growth));
    let mut peak = f64::NEG_INFINITY;
    let fall = equity.iter().fold(0.0_f64, |fall, value| {
        peak = peak.max(*value);
        fall.max(1.0 - value / peak)
    });
    assert!(near(report.agent.metrics["max_drawdown"].unwrap(), fall));
}

#[test]
fn real_stocks_under_uniform_weights_give_the_figures_of_the_run_by_hand() {
    let Some(data) = real_panel() else { return };
    let MarketSeries::Panel(panel) = &data else { panic!("a panel") };
    let strategy = portfolio(json!({"algorithm": "portfolio_rule", "rule": {"rule": "uniform"}}));
    let report = report(&strategy, &data);
    assert_whole(&report);
    let mut weights = vec![1.0 / 29.0; 30];
    weights[0] = 0.0;
    assert_by_hand(&report, &by_hand(&strategy, panel, |_, _| weights.clone()));
    assert_eq!(report.agent.equity, baseline(&report, "uniform").equity);
    assert_eq!(
        (report.task.as_str(), report.price_name.as_str()),
        ("portfolio", "equal_weight_index")
    );
    assert_eq!(report.instruments, panel.instruments);
    let wanted = ["uniform", "buy_and_hold", "do_nothing", "random", "hindsight_bcrp"];
    assert_eq!(names(&report), wanted);
    assert!(baseline(&report, "do_nothing").equity.iter().all(|value| *value == 100_000.0));
    // The index buys at closes without costs, the account at the next opens with them: both move alike.
    let index = last(&report.prices) / report.prices[0];
    let account = last(&report.agent.equity) / report.agent.equity[0];
    assert!((index - account).abs() < 0.02, "{index} {account}");
    // 29 stocks: cash and 15 have names, the others are one column.
    let weights = report.agent.weights.as_ref().unwrap();
    assert_eq!(weights.names.len(), WEIGHT_NAMES_MAX + 1);
    assert_eq!((weights.names[0].as_str(), weights.names[16].as_str()), ("cash", "others"));
    assert!((weights.rows[5][16] - 14.0 / 29.0).abs() < 0.02);
    assert!(report.agent.trades.iter().all(|trade| trade.instrument.is_some()));
    assert!(serde_json::to_vec(&report).unwrap().len() < 4 << 20);
}

#[test]
fn real_stocks_under_olmar_give_the_figures_of_the_run_by_hand() {
    let Some(data) = real_panel() else { return };
    let MarketSeries::Panel(panel) = &data else { panic!("a panel") };
    let agent =
        json!({"algorithm": "online_selection", "method": {"method": "olmar1", "epsilon": 2.0}});
    let strategy = portfolio(agent);
    let AgentConfig::OnlineSelection(config) = &strategy.agent else { panic!("olmar") };
    let report = report(&strategy, &data);
    let segment = prepare_panel(&strategy, panel, &SplitConfig::default(), None).unwrap().test;
    let mut olmar = Selection::new(&config.method, 29).unwrap();
    let mut first = None;
    let found = by_hand(&strategy, panel, |row, _| {
        // It learns of each period after the first decision.
        if first.is_some_and(|first| first < row) {
            let (before, now) = (segment.close(row - 1), segment.close(row));
            let relatives: Vec<f64> =
                now.iter().zip(before).map(|(now, before)| now / before).collect();
            olmar.observe(&Period { relatives: &relatives, growth_net: 1.0 }).unwrap();
        }
        first.get_or_insert(row);
        std::iter::once(0.0).chain(olmar.weights().iter().copied()).collect()
    });
    assert_by_hand(&report, &found);
    assert!(0.1 < report.agent.metrics["turnover"].unwrap());
    // It is all in cash at first, and fully invested afterwards.
    let weights = report.agent.weights.unwrap();
    assert_eq!(weights.rows[0][0], 1.0);
    assert!(weights.rows[1..].iter().all(|row| row[0] < 0.05));
    assert!(report.random_percentile.is_some_and(|share| (0.0..=1.0).contains(&share)));
}

#[test]
fn real_stocks_under_risk_parity_give_the_figures_of_the_run_by_hand_and_look_back_before_the_segment()
 {
    let Some(data) = real_panel() else { return };
    let MarketSeries::Panel(panel) = &data else { panic!("a panel") };
    let strategy = portfolio(
        json!({"algorithm": "portfolio_rule", "rule": {"rule": "risk_parity", "every": 7}}),
    );
    let AgentConfig::PortfolioRule(config) = &strategy.agent else { panic!("risk parity") };
    let report = report(&strategy, &data);
    let segment = prepare_panel(&strategy, panel, &SplitConfig::default(), None).unwrap().test;
    let offset = panel.time_ms.iter().position(|time| *time == segment.time_ms()[0]).unwrap();
    let relatives = relatives_of(panel);
    let mut rule = rules::build(&config.rule, 29).unwrap();
    let found = by_hand(&strategy, panel, |row, held| {
        let sum: f64 = held.iter().sum();
        let held: Vec<f64> = held.iter().map(|share| share / sum).collect();
        let seen = Seen::new(29, &relatives[..(offset + row) * 29]);
        rule.decide(&PortfolioView { seen, holdings: &held, growth_net: None }).unwrap()
    });
    assert_by_hand(&report, &found);
    // From the first decision on the weights are not equal: 60 bars before the segment are known.
    let first = &report.agent.weights.unwrap().rows[1];
    let (most, least) = first[1..16]
        .iter()
        .fold((0.0_f64, 1.0_f64), |(most, least), weight| (most.max(*weight), least.min(*weight)));
    assert!(0.005 < most - least, "{first:?}");
}

#[test]
fn a_stock_that_was_listed_late_can_be_in_the_panel() {
    let Some(panel) = real::stocks() else { return };
    let strategy = portfolio(json!({"algorithm": "buy_and_hold"}));
    let session = BacktestConfig { segment: Segment::Valid, ..BacktestConfig::default() };
    let report = backtest(&strategy, &session, &MarketSeries::Panel(panel)).unwrap();
    assert_whole(&report);
    // What is meant for it before it is listed stays in cash.
    let weights = report.agent.weights.unwrap();
    assert!((weights.rows[2][0] - 1.0 / 30.0).abs() < 5e-3, "{:?}", weights.rows[2]);
}

#[test]
fn another_order_of_the_instruments_gives_the_same_account_and_the_same_weights_by_name() {
    const NAMES: [&str; 5] = ["ALFA", "BRAVO", "CHARLIE", "DELTA", "ECHO"];
    const OTHER: [&str; 5] = ["ECHO", "CHARLIE", "ALFA", "DELTA", "BRAVO"];
    for agent in [
        json!({"algorithm": "online_selection", "method": {"method": "olmar1"}}),
        json!({"algorithm": "portfolio_rule", "rule": {"rule": "risk_parity"}}),
        json!({"algorithm": "portfolio_rule", "rule": {"rule": "momentum", "window": 20}}),
        json!({"algorithm": "buy_and_hold"}),
    ] {
        let strategy = portfolio(agent);
        let one = report(&strategy, &MarketSeries::Panel(panel(&NAMES, 500)));
        let other = report(&strategy, &MarketSeries::Panel(panel(&OTHER, 500)));
        assert_eq!(other.instruments, OTHER);
        for (left, right) in one.agent.equity.iter().zip(&other.agent.equity) {
            assert!((left / right - 1.0).abs() < 1e-7, "{left} {right}");
        }
        let by_name = |report: &BacktestReport| -> Vec<BTreeMap<String, f64>> {
            let weights = report.agent.weights.as_ref().unwrap();
            weights
                .rows
                .iter()
                .map(|row| weights.names.iter().cloned().zip(row.iter().copied()).collect())
                .collect()
        };
        for (left, right) in by_name(&one).iter().zip(&by_name(&other)) {
            assert!(left.keys().eq(right.keys()));
            for (name, weight) in left {
                assert!((weight - right[name]).abs() < 3e-5, "{name} {left:?} {right:?}");
            }
        }
    }
}

#[test]
fn every_rule_and_every_method_runs_and_its_report_is_whole() {
    let data = MarketSeries::Panel(panel(&["ONE", "TWO", "THREE"], 400));
    let mut agents: Vec<Value> = PortfolioRuleConfig::all()
        .into_iter()
        .map(|rule| json!({"algorithm": "portfolio_rule", "rule": rule}))
        .collect();
    agents.extend(
        OnlineConfig::all()
            .into_iter()
            .map(|method| json!({"algorithm": "online_selection", "method": method})),
    );
    agents.push(json!({"algorithm": "random"}));
    for agent in agents {
        let report = report(&portfolio(agent.clone()), &data);
        assert_whole(&report);
        let idle = agent["rule"]["rule"] == "do_nothing";
        assert_eq!(report.random_percentile.is_none(), idle, "{agent}");
    }
}

#[test]
fn rules_that_fit_every_task_equal_their_baselines() {
    let data = MarketSeries::Panel(panel(&["ONE", "TWO", "THREE"], 400));
    for name in ["buy_and_hold", "do_nothing"] {
        let report = report(&portfolio(json!({"algorithm": name})), &data);
        assert_eq!(report.agent.equity, baseline(&report, name).equity);
        assert_eq!(report.agent.trades, baseline(&report, name).trades);
    }
    let held = report(&portfolio(json!({"algorithm": "buy_and_hold"})), &data);
    assert_eq!(held.agent.trades.len(), 3, "bought once");
    assert_eq!(held.agent.metrics["win_rate"], None);
    let market = json!({"algorithm": "online_selection", "method": {"method": "market"}});
    let market = report(&portfolio(market), &data);
    // The method's weights drift with the market from the first decision on; costs make the two differ a little.
    let (left, right) = (last(&market.agent.equity), last(&held.agent.equity));
    assert!((left / right - 1.0).abs() < 2e-3, "{left} {right}");
}

#[test]
fn the_random_portfolio_moves_about_as_much_as_the_agent() {
    let data = MarketSeries::Panel(panel(&["ONE", "TWO", "THREE", "FOUR"], 500));
    let agent = json!({"algorithm": "online_selection", "method": {"method": "eg"}});
    let report = report(&portfolio(agent), &data);
    let turnover = |result: &PolicyResult| result.metrics["turnover"].unwrap();
    let (agent, random) = (turnover(&report.agent), turnover(baseline(&report, "random")));
    assert!((agent / random - 1.0).abs() < 0.3, "agent {agent}, random {random}");
}

#[test]
fn without_costs_no_constant_weights_beat_the_best_ones_of_hindsight() {
    let data = MarketSeries::Panel(panel(&["ONE", "TWO", "THREE", "FOUR"], 500));
    let mut strategy =
        portfolio(json!({"algorithm": "portfolio_rule", "rule": {"rule": "uniform"}}));
    (strategy.matching.fee_rate, strategy.matching.fill) = (0.0, FillRule::SameClose);
    let report = report(&strategy, &data);
    let best = last(&baseline(&report, "hindsight_bcrp").equity);
    assert!(last(&report.agent.equity) <= best * (1.0 + 1e-9));
    for word in ["know the future", "optimistic", "Neither fees nor slippage"] {
        assert!(report.remarks.iter().any(|one| one.contains(word)), "{:?}", report.remarks);
    }
}

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
    for (seed, fill) in [(1, FillRule::NextOpen), (2, FillRule::NextOpen), (3, FillRule::SameClose)]
    {
        let book = support::books::book(seed, 40, 6);
        let mut strategy = high_frequency(json!({"algorithm": "do_nothing"}));
        let EnvironmentConfig::HighFrequency(config) = &mut strategy.environment else { panic!() };
        (config.max_holding, config.window_snapshots) = (1.0, 1);
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
