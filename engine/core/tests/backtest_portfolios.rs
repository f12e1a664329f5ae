//! Back-tests of portfolios: what the report says is what the policy did when it is run by hand, on real stocks and small
//! markets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use std::collections::BTreeMap;

use engine::config::{
    AgentConfig, BacktestConfig, FillRule, OnlineConfig, PortfolioRuleConfig, Segment, SplitConfig,
    StrategyConfig,
};
use engine::environment::{Action, Environment, build, prepare_panel};
use engine::evaluation::report::{BacktestReport, PolicyResult};
use engine::market::{BarPanel, Join, MarketSeries};
use engine::policies::online::{OnlineSelection, Period, Selection};
use engine::policies::relatives::Seen;
use engine::policies::rules::{self, PortfolioView};
use engine::session::backtest::WEIGHT_NAMES_MAX;
use serde_json::{Value, json};
use support::real;
use support::runs::{
    assert_whole, backtest, baseline, last, names, near, panel, portfolio, report,
};

/// The 29 stocks that were listed all the time, the newest 700 days.
fn real_panel() -> Option<MarketSeries> {
    let names: Vec<&str> = real::STOCKS.into_iter().filter(|name| *name != "DOW").collect();
    let newest = |one: &engine::market::BarSeries| one.slice(one.len() - 700..one.len());
    let series: Vec<_> = real::series(&names)?.iter().map(newest).collect();
    Some(MarketSeries::Panel(BarPanel::join(&series, Join::Inner).unwrap()))
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
