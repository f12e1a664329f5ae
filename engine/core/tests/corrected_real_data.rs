//! The corrected tasks on real markets: 30 stocks of which one was listed late, and ten hours of a book of 15 levels.
//!
//! Needs the reference's files (`TM_TEST_DATA`, default `../shared/data`); says so and skips where they are absent.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may read files and says when it skips"
)]

use std::path::PathBuf;

use engine::config::{
    DividendRule, EnvironmentConfig, ExecutionSide, HighFrequencyConfig, MatchingConfig,
    OrderExecutionConfig, PortfolioConfig, SplitConfig, StrategyConfig,
};
use engine::environment::{
    Action, Environment, Portfolio, build, check_environment, prepare_book, prepare_panel,
};
use engine::market::parse::{CsvMapping, csv, reference};
use engine::market::{BarPanel, BookSeries, Join};

const STOCKS: [&str; 30] = [
    "AAPL", "AMGN", "AXP", "BA", "CAT", "CRM", "CSCO", "CVX", "DIS", "DOW", "GS", "HD", "HON",
    "IBM", "INTC", "JNJ", "JPM", "KO", "MCD", "MMM", "MRK", "MSFT", "NKE", "PG", "TRV", "UNH", "V",
    "VZ", "WBA", "WMT",
];

/// Returns the bytes of a data file, or says that it is skipped.
fn data(path: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = folder.join(path);
    let bytes = std::fs::read(&file).ok();
    if bytes.is_none() {
        eprintln!(
            "SKIPPED: {} is absent; set TM_TEST_DATA to the folder of the reference's data",
            file.display()
        );
    }
    bytes
}

fn stocks() -> Option<BarPanel> {
    let mut all = Vec::new();
    for name in STOCKS {
        let path = format!("raw/dj30/{name}.csv");
        let mapping = CsvMapping { instrument: Some(name.to_owned()), ..CsvMapping::default() };
        let bytes = data(&path)?;
        let mut series = csv::parse(bytes.as_slice(), &path, &mapping).unwrap();
        name.clone_into(&mut series.instrument);
        all.push(series);
    }
    Some(BarPanel::join(&all, Join::Outer).unwrap())
}

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

/// The reference's book: distances are shares of the middle, amounts are money.
fn book(levels: usize) -> Option<BookSeries> {
    let path = "order_execution/BTC/test.csv";
    let table = reference::parse(data(path)?.as_slice(), path).unwrap();
    let column = |name: &str| table.column(name).unwrap().to_vec();
    let mid = column("midpoint");
    let mut book = BookSeries {
        instrument: "BTC".to_owned(),
        levels,
        time_ms: (0..table.len()).map(|row| row as i64 * 60_000).collect(),
        bought: Some(column("buys").iter().zip(&mid).map(|(money, mid)| money / mid).collect()),
        sold: Some(column("sells").iter().zip(&mid).map(|(money, mid)| money / mid).collect()),
        ..BookSeries::default()
    };
    let of = |side: &str, what: &str| -> Vec<Vec<f64>> {
        (0..levels).map(|level| column(&format!("{side}_{what}_{level}"))).collect()
    };
    let sides = [
        (of("bids", "distance"), of("bids", "notional"), &mut book.bid_price, &mut book.bid_size),
        (of("asks", "distance"), of("asks", "notional"), &mut book.ask_price, &mut book.ask_size),
    ];
    for (distance, notional, price, size) in sides {
        for (row, mid) in mid.iter().enumerate() {
            for level in 0..levels {
                price.push(mid * (1.0 + distance[level][row]));
                size.push(notional[level][row] / price[price.len() - 1]);
            }
        }
    }
    book.validate().unwrap();
    Some(book)
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
