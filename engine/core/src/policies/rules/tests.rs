//! Rules done by hand, then what must hold of all of them.

use proptest::prelude::*;

use super::*;
use crate::config::policy::{
    MeanReversionConfig, MomentumConfig, OnlineConfig, SelectionRuleConfig, ZScoreConfig,
};

fn decide(config: &PortfolioRuleConfig, rows: &[&[f64]], holdings: &[f64]) -> Vec<f64> {
    let assets = holdings.len() - 1;
    let values = rows.concat();
    let view = PortfolioView { seen: Seen::new(assets, &values), holdings, growth_net: None };
    build(config, assets).unwrap().decide(&view).unwrap()
}

#[test]
fn momentum_holds_what_rose_and_cash_for_what_fell() {
    let config = |against_cash| {
        PortfolioRuleConfig::Momentum(MomentumConfig {
            window: 2,
            skip: 1,
            share: 0.5,
            against_cash,
        })
    };
    // The newest bar is left out: growth 1.21, 0.9, 0.81, 0.99.
    let rows: [&[f64]; 4] = [
        &[0.1, 9.0, 9.0, 9.0],
        &[1.1, 1.0, 0.9, 1.1],
        &[1.1, 0.9, 0.9, 0.9],
        &[0.1, 9.0, 9.0, 9.0],
    ];
    let cash = [1.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(decide(&config(true), &rows, &cash), [0.5, 0.5, 0.0, 0.0, 0.0]);
    assert_eq!(decide(&config(false), &rows, &cash), [0.0, 0.5, 0.0, 0.0, 0.5]);
    assert_eq!(decide(&config(true), &rows[..2], &cash), cash);
}

#[test]
fn momentum_of_one_asset_is_in_or_out() {
    let config =
        PortfolioRuleConfig::Momentum(MomentumConfig { window: 2, ..MomentumConfig::default() });
    assert_eq!(decide(&config, &[&[1.2], &[0.9]], &[1.0, 0.0]), [0.0, 1.0]);
    assert_eq!(decide(&config, &[&[1.1], &[0.9]], &[0.0, 1.0]), [1.0, 0.0]);
}

#[test]
fn mean_reversion_holds_what_fell() {
    let config = PortfolioRuleConfig::MeanReversion(MeanReversionConfig { window: 1, share: 0.5 });
    let found = decide(&config, &[&[9.0, 1.0], &[0.9, 1.1]], &[1.0, 0.0, 0.0]);
    assert_eq!(found, [0.0, 1.0, 0.0]);
}

#[test]
fn a_score_far_below_buys_and_the_way_back_sells() {
    let config =
        PortfolioRuleConfig::ZScoreReversion(ZScoreConfig { window: 3, entry: 1.0, exit: 0.0 });
    // Prices 1, 1, 0.7: mean 0.9, deviation √0.03, score −1.15.
    assert_eq!(decide(&config, &[&[1.0], &[0.7]], &[1.0, 0.0]), [0.0, 1.0]);
    // Prices 1, 0.9, 1.1: above the mean.
    assert_eq!(decide(&config, &[&[0.9], &[1.1 / 0.9]], &[0.0, 1.0]), [1.0, 0.0]);
    // Below the mean, but not far: whoever is in stays in, whoever is out stays out.
    assert_eq!(decide(&config, &[&[0.9], &[1.0]], &[0.0, 1.0]), [0.0, 1.0]);
    assert_eq!(decide(&config, &[&[0.9], &[1.0]], &[1.0, 0.0]), [1.0, 0.0]);
    assert_eq!(decide(&config, &[&[1.0], &[1.0]], &[1.0, 0.0]), [1.0, 0.0]);
}

#[test]
fn buy_and_hold_buys_once_and_uniform_restores() {
    let config = |name: &str| {
        PortfolioRuleConfig::all().into_iter().find(|rule| rule.name() == name).unwrap()
    };
    let drifted = [0.0, 0.7, 0.3];
    assert_eq!(decide(&config("buy_and_hold"), &[], &[1.0, 0.0, 0.0]), [0.0, 0.5, 0.5]);
    assert_eq!(decide(&config("buy_and_hold"), &[], &drifted), drifted);
    assert_eq!(decide(&config("uniform"), &[], &drifted), [0.0, 0.5, 0.5]);
    assert_eq!(decide(&config("do_nothing"), &[], &drifted), drifted);
}

#[test]
fn optimisers_trade_in_their_rhythm_only() {
    let config = |name: &str| {
        PortfolioRuleConfig::all().into_iter().find(|rule| rule.name() == name).unwrap()
    };
    let rows: Vec<[f64; 2]> = (0..40_u32)
        .map(|bar| {
            let wave = f64::from(bar).sin();
            [1.0 + 0.01 * wave, 1.0 + 0.03 * (f64::from(bar) * 1.7).cos()]
        })
        .collect();
    let views: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
    let held = [0.0, 0.4, 0.6];
    for name in ["min_variance", "risk_parity", "hierarchical_risk_parity"] {
        let found = decide(&config(name), &views, &held);
        assert!(found[1] > found[2], "{name} prefers what moves less: {found:?}");
        assert_eq!(decide(&config(name), &views[..39], &held), held, "{name}");
        assert_eq!(decide(&config(name), &views[..2], &[1.0, 0.0, 0.0]), [0.0, 0.5, 0.5], "{name}");
    }
}

#[test]
fn a_followed_method_decides_as_it_does_by_itself() {
    use crate::policies::online::{Method, run};
    use crate::policies::relatives::Relatives;
    let online = OnlineConfig::Olmar1(crate::config::policy::Olmar1Config::default());
    let values: Vec<f64> =
        (0..60_u32).map(|place| 1.0 + 0.05 * f64::from(place * place).sin()).collect();
    let table = Relatives::new(vec!["a".to_owned(), "b".to_owned()], values).unwrap();
    let outcome = run(&Method::Online(online.clone()), &table, 0.0).unwrap();
    let mut rule = Followed::new(&online, 2).unwrap();
    let holdings = [0.0, 0.5, 0.5];
    // Forwards, from the beginning again, and all at once.
    for period in (0..30).chain(0..30).chain([29]) {
        let view =
            PortfolioView { seen: table.before(period), holdings: &holdings, growth_net: None };
        assert_eq!(rule.decide(&view).unwrap()[1..], outcome.weights[period]);
    }
}

#[test]
fn refuses_what_is_no_portfolio() {
    let config = SelectionRuleConfig::default();
    let mut rule = build(&PortfolioRuleConfig::OnlineSelection(config), 2).unwrap();
    for holdings in [&[1.0, 0.0][..], &[0.5, 0.5, 0.5], &[-0.5, 1.0, 0.5], &[f64::NAN, 0.5, 0.5]] {
        let view = PortfolioView { seen: Seen::new(2, &[]), holdings, growth_net: None };
        assert!(rule.decide(&view).is_err(), "{holdings:?}");
    }
    assert!(build(&PortfolioRuleConfig::default(), 0).is_err());
    let wrong = ZScoreConfig { window: 5, entry: 0.5, exit: 0.5 };
    assert!(build(&PortfolioRuleConfig::ZScoreReversion(wrong), 1).is_err());
}

/// A table and some holdings.
fn markets() -> impl Strategy<Value = (usize, Vec<f64>, Vec<f64>)> {
    (1_usize..5).prop_flat_map(|assets| {
        let values = prop::collection::vec(0.8..1.25_f64, 0..300);
        let parts = prop::collection::vec(0.01..1.0_f64, assets + 1);
        (Just(assets), values, parts).prop_map(|(assets, values, parts)| {
            let sum: f64 = parts.iter().sum();
            (assets, values, parts.iter().map(|part| part / sum).collect())
        })
    })
}

#[test]
fn random_portfolios_are_the_same_for_a_bar_and_a_seed_and_cover_the_simplex() {
    let cash = [1.0, 0.0, 0.0];
    let values = vec![1.0; 2000];
    let draw = |seed, bars: usize| {
        let view = PortfolioView {
            seen: Seen::new(2, &values[..2 * bars]),
            holdings: &cash,
            growth_net: None,
        };
        RandomPortfolio::new(seed).decide(&view).unwrap()
    };
    assert_eq!(draw(1, 7), draw(1, 7));
    assert_ne!(draw(1, 7), draw(1, 8));
    assert_ne!(draw(1, 7), draw(2, 7));
    let mut means = [0.0; 3];
    for bar in 0..1000 {
        let weights = draw(3, bar);
        check_weights(&weights, 2).unwrap();
        means.iter_mut().zip(&weights).for_each(|(mean, weight)| *mean += weight / 1000.0);
    }
    assert!(means.iter().all(|mean| (mean - 1.0 / 3.0).abs() < 0.03), "{means:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn targets_are_portfolios_and_repeat((assets, values, holdings) in markets()) {
        let view = PortfolioView { seen: Seen::new(assets, &values), holdings: &holdings, growth_net: Some(1.01) };
        for config in PortfolioRuleConfig::all() {
            let target = build(&config, assets).unwrap().decide(&view).unwrap();
            prop_assert!(check_weights(&target, assets).is_ok(), "{} {:?}", config.name(), target);
            let again = build(&config, assets).unwrap().decide(&view).unwrap();
            prop_assert_eq!(target, again, "{}", config.name());
        }
    }

    #[test]
    fn chance_trades_as_much_as_was_asked((assets, values, holdings) in markets(), wanted in 0.0..0.4_f64, draw in 0_u32..50) {
        let seen = Seen::new(assets, &values);
        let view = PortfolioView { seen, holdings: &holdings, growth_net: None };
        let mut random = EqualTurnover::new(vec![wanted; seen.periods() + 1], true, 7, draw);
        let target = random.decide(&view).unwrap();
        prop_assert!(check_weights(&target, assets).is_ok());
        let least = holdings.iter().copied().fold(1.0, f64::min);
        prop_assert!((turnover(&target, &holdings) - wanted.min(1.0 - least)).abs() < 1e-9);
        prop_assert_eq!(random.decide(&view).unwrap(), target);
        let beyond = PortfolioView { seen: Seen::new(assets, &[]), ..view };
        prop_assert_eq!(EqualTurnover::new(vec![], true, 7, draw).decide(&beyond).unwrap(), holdings);
    }
}
