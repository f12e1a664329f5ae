//! From configuration and data to an environment: every task on the data it runs on, and precise refusals elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use engine::config::{
    DividendRule, EnvironmentConfig, HighFrequencyConfig, MatchingConfig, OrderExecutionConfig,
    PortfolioConfig, SplitConfig, StrategyConfig, validate,
};
use engine::environment::{
    Action, Environment, Portfolio, TaskData, build, check_environment, prepare, prepare_book,
    prepare_panel,
};
use engine::market::{Bar, BarPanel, BarSeries, Join, synthetic};
use serde_json::json;
use support::books;

fn of(environment: EnvironmentConfig) -> StrategyConfig {
    StrategyConfig { environment, ..StrategyConfig::default() }
}

fn portfolio() -> StrategyConfig {
    of(EnvironmentConfig::Portfolio(PortfolioConfig::default()))
}

/// Three instruments; the second is listed late and the third has a hole.
fn panel() -> BarPanel {
    let mut all: Vec<BarSeries> = (0..3).map(|seed| synthetic::generate(seed, 400)).collect();
    for (index, series) in all.iter_mut().enumerate() {
        series.instrument = format!("I{index}");
    }
    let hole = [all[2].slice(0..200), all[2].slice(230..400)];
    all[1] = all[1].slice(150..400);
    let mut third = hole[0].clone();
    for bar in hole[1].bars() {
        third.push(&Bar { ..bar });
    }
    all[2] = third;
    BarPanel::join(&all, Join::Outer).unwrap()
}

#[test]
fn every_task_is_built_on_its_data_and_passes_the_checker() {
    let split = SplitConfig::default();
    let strategy = portfolio();
    let prepared = prepare_panel(&strategy, &panel(), &split, None).unwrap();
    assert_eq!(prepared.normaliser.width(), 16);
    for data in [prepared.train, prepared.valid, prepared.test] {
        let mut environment = build(&strategy, data).unwrap();
        assert_eq!(check_environment(environment.as_mut(), 3), []);
    }
    let book = books::book(5, 600, 5);
    for environment in [
        EnvironmentConfig::HighFrequency(HighFrequencyConfig::default()),
        EnvironmentConfig::OrderExecution(OrderExecutionConfig::default()),
    ] {
        let strategy = of(environment);
        let prepared = prepare_book(&strategy, &book, &split, None).unwrap();
        for data in [prepared.train, prepared.valid, prepared.test] {
            let mut environment = build(&strategy, data).unwrap();
            assert_eq!(check_environment(environment.as_mut(), 3), []);
        }
    }
    let execution = of(EnvironmentConfig::OrderExecution(OrderExecutionConfig::default()));
    let bars = prepare(&execution, &synthetic::generate(7, 600), &split, None).unwrap();
    for data in [bars.train, bars.valid, bars.test] {
        let mut environment = build(&execution, data).unwrap();
        assert_eq!(check_environment(environment.as_mut(), 3), []);
    }
}

#[test]
fn an_instrument_is_traded_only_once_its_features_are_there() {
    let strategy = portfolio();
    let data = prepare_panel(&strategy, &panel(), &SplitConfig::default(), None).unwrap().train;
    let row = |time: usize| {
        let wanted = panel().time_ms[time];
        data.time_ms().iter().position(|found| *found == wanted)
    };
    // Listed at row 150, and 29 more bars fill the longest window.
    assert_eq!(data.tradable(row(178).unwrap()), [true, false, true]);
    assert_eq!(data.tradable(row(179).unwrap()), [true, true, true]);
    assert_eq!(data.tradable(row(210).unwrap()), [true, true, false]);
}

#[test]
fn the_training_segment_alone_decides_the_scale() {
    let strategy = portfolio();
    let split = SplitConfig::default();
    let mut other = panel();
    let prepared = prepare_panel(&strategy, &other, &split, None).unwrap();
    let last = prepared.train.time_ms().last().copied().unwrap();
    for row in 0..other.rows() {
        if last < other.time_ms[row] {
            for cell in row * 3..row * 3 + 3 {
                for column in [
                    &mut other.open,
                    &mut other.high,
                    &mut other.low,
                    &mut other.close,
                    &mut other.adjusted_close,
                ] {
                    column[cell] *= 7.0;
                }
            }
        }
    }
    let changed = prepare_panel(&strategy, &other, &split, None).unwrap();
    assert_eq!(prepared.normaliser, changed.normaliser);
    assert_eq!(prepared.train, changed.train);
    assert_ne!(prepared.test, changed.test);
}

#[test]
fn refuses_data_that_does_not_fit_the_task_and_says_which_would() {
    let split = SplitConfig::default();
    let bars = synthetic::generate(1, 600);
    let market = prepare(&StrategyConfig::default(), &bars, &split, None).unwrap().train;
    let panel_data = prepare_panel(&portfolio(), &panel(), &split, None).unwrap().train;
    let trader = of(EnvironmentConfig::HighFrequency(HighFrequencyConfig::default()));
    let book = prepare_book(&trader, &books::book(5, 600, 5), &split, None).unwrap().train;
    let misfits: [(&StrategyConfig, TaskData, &str); 5] = [
        (&portfolio(), market.clone().into(), "a panel"),
        (&trader, market.into(), "an order book"),
        (&trader, panel_data.clone().into(), "an order book"),
        (&StrategyConfig::default(), book.into(), "bars of one instrument"),
        (
            &of(EnvironmentConfig::OrderExecution(OrderExecutionConfig::default())),
            panel_data.into(),
            "bars of one instrument or an order book",
        ),
    ];
    for (strategy, data, wanted) in misfits {
        let refusal = build(strategy, data).err().expect("must be refused").to_string();
        assert!(refusal.contains(wanted) && refusal.contains("choose"), "{refusal}");
    }
    for strategy in [portfolio(), trader] {
        let refusal = prepare(&strategy, &bars, &split, None).expect_err("no bars").to_string();
        assert!(refusal.contains(strategy.environment.task()), "{refusal}");
    }
    assert!(prepare_panel(&StrategyConfig::default(), &panel(), &split, None).is_err());
    assert!(prepare_book(&portfolio(), &books::book(5, 600, 5), &split, None).is_err());
}

#[test]
fn every_task_has_valid_defaults_that_come_back_and_refuses_what_it_does_not_know() {
    let tasks = ["algorithmic_trading", "portfolio", "order_execution", "high_frequency"];
    for task in tasks {
        let agent = json!({"algorithm": "do_nothing"});
        let value = json!({"environment": {"task": task}, "agent": agent});
        let config = validate::strategy(&value).unwrap();
        assert_eq!(config.environment.task(), task);
        let written = serde_json::to_value(&config).unwrap();
        assert_eq!(validate::strategy(&written).unwrap(), config);
        let unknown = json!({"environment": {"task": task, "bogus": 1}, "agent": agent});
        assert!(validate::strategy(&unknown).is_err());
    }
    let refused = |mut value: serde_json::Value, pointer: &str| {
        value["agent"] = json!({"algorithm": "do_nothing"});
        let violations = validate::strategy(&value).expect_err("must be refused");
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert_eq!(violations[0].pointer, pointer);
    };
    refused(
        json!({"environment": {"task": "portfolio", "window_bars": 0}}),
        "/environment/window_bars",
    );
    refused(
        json!({"environment": {"task": "order_execution", "amount": -1.0}}),
        "/environment/amount",
    );
    refused(
        json!({"environment": {"task": "high_frequency", "holding_steps": 5000}}),
        "/environment/holding_steps",
    );
}

#[test]
fn explicit_dividends_are_paid_in_cash_on_what_was_held_over_the_night() {
    let mut bars = synthetic::generate(2, 300);
    // From row 280 on the factor is 1; before, a dividend of 10 % is still to come.
    for row in 0..300 {
        let factor = if row < 280 { 0.9 } else { 1.0 };
        bars.adjusted_close[row] = bars.close[row] * factor;
    }
    let panel = BarPanel::join(std::slice::from_ref(&bars), Join::Inner).unwrap();
    let with = |dividends| {
        let config = PortfolioConfig { dividends, window_bars: 1, ..PortfolioConfig::default() };
        let strategy = of(EnvironmentConfig::Portfolio(config.clone()));
        let data = prepare_panel(&strategy, &panel, &SplitConfig::default(), None).unwrap().test;
        let costs = MatchingConfig { fee_rate: 0.0, ..MatchingConfig::default() };
        let mut environment = Portfolio::new(&config, &costs, &strategy.risk, data).unwrap();
        let mut growth = Vec::new();
        loop {
            // Half in cash, so that purchases are never cut.
            let result = environment.step(Action::Vector(&[0.5, 0.5]));
            growth.push(result.reward);
            if result.ended() {
                return (environment.dividends(), growth);
            }
        }
    };
    let (adjusted, explicit) = (with(DividendRule::Adjusted), with(DividendRule::Explicit));
    assert!(adjusted.0.abs() < 1e-12 && with(DividendRule::None).0.abs() < 1e-12);
    // Half the account was held: the dividend of a tenth of the price is about a twentieth of the account.
    assert!((3_000.0..8_000.0).contains(&explicit.0), "{}", explicit.0);
    let total = |growth: &[f64]| growth.iter().sum::<f64>();
    assert!((total(&adjusted.1) - total(&explicit.1)).abs() < 0.01);
    assert!(total(&with(DividendRule::None).1) < total(&explicit.1) - 0.03);
}
