//! The corrected tasks on real markets: 30 stocks of which one was listed late, and ten hours of a book of 15 levels.
//!
//! Needs the reference's files (`TM_TEST_DATA`, default `../shared/data`); says so and skips where they are absent.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::cast_possible_truncation, reason = "the shared builders write single precision")]

mod support;

use engine::config::{
    DividendRule, EnvironmentConfig, ExecutionSide, HighFrequencyConfig, MatchingConfig,
    OrderExecutionConfig, PortfolioConfig, SplitConfig, StrategyConfig,
};
use engine::environment::{
    Action, Environment, Portfolio, build, check_environment, prepare_book, prepare_panel,
};
use support::real::{STOCKS, book, stocks};

#[test]
fn thirty_stocks_pass_the_checker_and_the_late_one_is_traded_once_it_is_listed() {
    let Some(panel) = stocks() else { return };
    let strategy = StrategyConfig {
        environment: EnvironmentConfig::Portfolio(PortfolioConfig::default()),
        ..StrategyConfig::default()
    };
    let prepared = prepare_panel(&strategy, &panel, &SplitConfig::default(), None).unwrap();
    let dow = STOCKS.iter().position(|name| *name == "DOW").unwrap();
    // Listed on 2019-03-20, in the validation segment.
    let train = &prepared.train;
    assert!((0..train.rows()).all(|row| !train.tradable(row)[dow]));
    let valid = &prepared.valid;
    let first = (0..valid.rows()).position(|row| valid.tradable(row)[dow]).unwrap();
    assert!(0 < first && (first..valid.rows()).all(|row| valid.tradable(row)[dow]));
    for segment in [prepared.train, prepared.valid, prepared.test] {
        let mut environment = build(&strategy, segment).unwrap();
        assert_eq!(check_environment(environment.as_mut(), 11), []);
    }
}

#[test]
fn dividends_paid_in_cash_and_dividends_reinvested_give_nearly_the_same_wealth() {
    let Some(panel) = stocks() else { return };
    let wealth = |dividends| {
        let config = PortfolioConfig { dividends, window_bars: 1, ..PortfolioConfig::default() };
        let strategy = StrategyConfig {
            environment: EnvironmentConfig::Portfolio(config.clone()),
            ..StrategyConfig::default()
        };
        let data = prepare_panel(&strategy, &panel, &SplitConfig::default(), None).unwrap().train;
        let costs = MatchingConfig { fee_rate: 0.0, ..MatchingConfig::default() };
        let mut environment = Portfolio::new(&config, &costs, &strategy.risk, data).unwrap();
        // A tenth stays in cash, so that purchases are not cut.
        let mut weights = vec![0.9 / 29.0; 31];
        weights[0] = 0.1;
        weights[1 + STOCKS.iter().position(|name| *name == "DOW").unwrap()] = 0.0;
        while !environment.step(Action::Vector(&weights)).ended() {}
        (environment.equity(), environment.dividends())
    };
    let (adjusted, none_paid) = wealth(DividendRule::Adjusted);
    let (explicit, paid) = wealth(DividendRule::Explicit);
    let (lost, _) = wealth(DividendRule::None);
    assert!(none_paid == 0.0 && 10_000.0 < paid, "{paid}");
    assert!((adjusted / explicit - 1.0).abs() < 0.01, "{adjusted} {explicit}");
    assert!(lost * 1.05 < explicit, "{lost} {explicit}");
}

#[test]
fn a_real_book_passes_the_checker_and_an_execution_near_its_prices_costs_little() {
    let (Some(deep), Some(five)) = (book(15), book(5)) else { return };
    let split = SplitConfig::default();
    let trader = StrategyConfig {
        environment: EnvironmentConfig::HighFrequency(HighFrequencyConfig {
            allow_short: true,
            ..HighFrequencyConfig::default()
        }),
        ..StrategyConfig::default()
    };
    for segment in
        prepare_book(&trader, &five, &split, None).map(|all| [all.train, all.test]).unwrap()
    {
        let mut environment = build(&trader, segment).unwrap();
        assert_eq!(check_environment(environment.as_mut(), 5), []);
    }
    for side in [ExecutionSide::Buy, ExecutionSide::Sell] {
        let mut strategy = trader.clone();
        strategy.environment = EnvironmentConfig::OrderExecution(OrderExecutionConfig {
            side,
            ..OrderExecutionConfig::default()
        });
        strategy.matching.fee_rate = 0.0;
        let segment = prepare_book(&strategy, &deep, &split, None).unwrap().train;
        let mut environment = build(&strategy, segment).unwrap();
        assert_eq!(check_environment(environment.as_mut(), 5), []);
        // A thirtieth every minute, at a price that crosses: everything is executed within a per cent of the arrival.
        environment.reset();
        while !environment.step(Action::Vector(&[1.0 / 30.0, 10.0])).ended() {}
        let report = environment.execution().unwrap();
        assert!(report.left == 0.0 && report.shortfall_bps.abs() < 100.0, "{report:?}");
        // Each order goes at most 10 bps beyond the middle.
        assert!(report.better_than_twap_bps.unwrap().abs() < 10.0, "{report:?}");
        assert!(report.vwap.is_some());
    }
}
