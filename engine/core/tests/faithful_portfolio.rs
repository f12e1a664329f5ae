//! The reference's portfolio environments: published figures, cases done by hand, and tables that are no panels.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod reference;

use std::sync::Arc;

use engine::config::FeatureSet;
use engine::environment::faithful::{
    DeepTrader, Descriptors, Eiie, FaithfulEnvironment, FeatureChoice, ImitatorSetup, Indifferent,
    InvestorImitator, MovementPredictor, Panel, Portfolio, PortfolioDetails, PortfolioSetup,
    ReplayDetails, ReplayEnvironment, ReplayOptions, ReplayOutput, Sarl, SarlSetup, Undecided,
    WeightAction, WindowSetup,
};
use engine::features;
use engine::market::parse::reference::ReferenceTable;
use engine::num::narrow;
use engine::policies::network::{Conv1d, EiieActor};
use proptest::prelude::*;
use reference::{csv, equals, near, run, table, with};

const TEST: &str = "portfolio_management/dj30/test.csv";
const NETWORK: &str = "weights/old_eiie_actor_epoch_0.json";

/// Two tickers, of which the first grows by a tenth each day and the second falls by a tenth.
const BY_HAND: &str = ",tic,close,f,g\n0,A,100,1,5\n0,B,100,2,6\n1,A,110,3,7\n1,B,90,4,8\n2,A,121,9,11\n2,B,81,10,12\n";

fn features_of_hand() -> FeatureChoice {
    FeatureChoice::Named(vec!["f".to_owned(), "g".to_owned()])
}

fn panel() -> Arc<Panel> {
    Arc::new(Panel::from_table(&csv(BY_HAND), &features_of_hand()).unwrap())
}

fn details(found: &ReplayOutput) -> &PortfolioDetails {
    let ReplayDetails::Portfolio(details) = &found.details else {
        panic!("not of a portfolio: {:?}", found.details);
    };
    details
}

/// Environment, policy, calls, then reward sum, final assets, total return, Sharpe, volatility, drawdown, Calmar, Sortino.
type Published = (ReplayEnvironment, &'static str, usize, [f64; 8]);

#[rustfmt::skip]
const PUBLISHED: [Published; 5] = [
    (ReplayEnvironment::Portfolio, "logits:0", 252,
        [17_734.084_131_14, 117_911.663_781, 0.179_116_64, 1.495_431_31, 0.007_249_76, 0.066_696_45, 2.570_164, 2.138_134]),
    (ReplayEnvironment::Portfolio, "logits:ramp", 252,
        [16_128.559_158_34, 116_239.185_224, 0.162_391_85, 1.413_463_81, 0.007_011_49, 0.067_438_24, 2.323_606, 2.006_169]),
    (ReplayEnvironment::PortfolioEiie, "uniform", 243,
        [0.143_651_04, 115_448.117_197, 0.154_481_17, 1.347_315_88, 0.007_311_22, 0.066_696_45, 2.251_498, 1.896_354]),
    (ReplayEnvironment::PortfolioDeepTrader, "uniform", 243,
        [15_999.614_838_44, 115_999.614_838, 0.159_996_15, 1.347_699_52, 0.007_563_35, 0.068_933_56, 2.254_197, 1.896_907]),
    (ReplayEnvironment::PortfolioSarl, "logits:0", 247,
        [1_499.572_647_21, 11_516.917_583, 0.151_691_76, 1.312_444_48, 0.007_265_63, 0.066_696_45, 2.215_573, 1.859_175]),
];

#[test]
fn portfolios_reproduce_every_published_figure() {
    let Some(table) = table(TEST) else { return };
    for (environment, policy, calls, figures) in PUBLISHED {
        let found = run(environment, &table, policy).unwrap();
        assert_eq!(found.calls, calls, "{environment} {policy}");
        let metrics = found.metrics;
        let got = [
            (found.reward_sum, 5e-9),
            (found.final_assets, 5e-7),
            (metrics.total_return, 5e-9),
            (metrics.sharpe, 5e-9),
            (metrics.volatility, 5e-9),
            (metrics.max_drawdown, 5e-9),
            (metrics.calmar, 5e-7),
            (metrics.sortino, 5e-7),
        ];
        for ((got, half_unit), printed) in got.into_iter().zip(figures) {
            equals(got, printed, half_unit, &format!("{environment} {policy}"));
        }
    }
}

#[test]
fn a_label_column_changes_nothing() {
    let (Some(plain), Some(labelled)) =
        (table(TEST), table("portfolio_management/dj30/test_with_label.csv"))
    else {
        return;
    };
    let of = |table| run(ReplayEnvironment::Portfolio, table, "logits:ramp").unwrap();
    let (plain, labelled) = (of(&plain), of(&labelled));
    equals(labelled.final_assets, plain.final_assets, 0.0, "with labels");
    assert_eq!(plain, of(&table(TEST).unwrap()), "the same replay twice is the same");
}

/// The stored actor of the earlier release.
fn actor() -> Option<EiieActor> {
    let document: serde_json::Value = serde_json::from_slice(&reference::data(NETWORK)?).unwrap();
    let tensor = |name: &str| -> Vec<f32> {
        let tensors = document["tensors"].as_array().unwrap();
        let found = tensors.iter().find(|tensor| tensor["name"] == name).expect(name);
        found["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
    };
    let layer = |inputs, name: &str| {
        let part = |part| tensor(&format!("{name}.{part}"));
        Conv1d::new(inputs, &part("weight"), &part("bias")).unwrap()
    };
    let layers = [layer(11, "con1d"), layer(2, "con2d"), layer(1, "con3d")];
    Some(EiieActor::new(layers, tensor("para")[0]).unwrap())
}

#[test]
fn the_stored_actor_holds_the_published_weights_and_ends_with_the_published_assets() {
    let (Some(actor), Some(table)) = (actor(), table(TEST)) else { return };
    let names = FeatureChoice::Named(features::names(FeatureSet::Classic11));
    let panel = Arc::new(Panel::from_table(&table, &names).unwrap());
    let mut environment = Eiie::new(panel, WindowSetup::default()).unwrap();
    assert_eq!((actor.window(), actor.features()), (10, 11));
    let mut reward_sum = 0.0;
    loop {
        let seen: Vec<f32> = environment.observe().into_iter().map(narrow).collect();
        let weights: Vec<f64> = actor.forward(&seen).into_iter().map(f64::from).collect();
        let (cash, stocks) = weights.split_last().unwrap();
        assert!((cash - 0.048_975_113_8).abs() < 1e-7, "{cash}");
        assert!(stocks.iter().all(|weight| (weight - 0.032_793_954_0).abs() < 1e-7));
        let step = environment.step(&weights).unwrap();
        reward_sum += step.reward;
        if step.done {
            break;
        }
    }
    let assets = environment.assets();
    assert_eq!(assets.len(), 243);
    assert!((assets[242] - 115_195.860_884).abs() < 0.004, "{}", assets[242]);
    equals(reward_sum, 0.141_463_63, 5e-9, "reward sum");
}

#[test]
fn the_base_charges_the_cash_leg_and_repeats_the_last_reward() {
    let found = run(ReplayEnvironment::Portfolio, &csv(BY_HAND), "weights:0,1,0").unwrap();
    // All from cash into A: turnover 2, fee 200; A grows by a tenth twice; nothing is traded again.
    near(found.first_rewards[0], 99_800.0 * 1.1 - 100_000.0);
    near(found.first_rewards[1], 99_800.0 * 1.21 - 99_800.0 * 1.1);
    near(found.first_rewards[2], found.first_rewards[1]);
    assert_eq!(found.calls, 3);
    near(found.reward_sum, found.first_rewards.iter().sum());
    near(found.final_assets, 99_800.0 * 1.21);
    assert_eq!(details(&found).final_weights, [0.0, 1.0, 0.0]);
}

#[test]
fn logits_become_weights_by_softmax_in_the_base_only() {
    let by_logits =
        run(ReplayEnvironment::Portfolio, &csv(BY_HAND), "logits:0.5,-1,2").unwrap().final_assets;
    let grown: Vec<f64> = [0.5, -1.0, 2.0].map(f64::exp).into();
    let sum: f64 = grown.iter().sum();
    let panel = panel();
    let setup = PortfolioSetup { action: WeightAction::Weights, ..PortfolioSetup::default() };
    let mut environment = Portfolio::new(panel, setup).unwrap();
    let weights: Vec<f64> = grown.iter().map(|value| value / sum).collect();
    while !environment.step(&weights).unwrap().done {}
    near(by_logits, *environment.assets().last().unwrap());
}

#[test]
fn sarl_and_eiie_begin_invested_and_eiie_rewards_the_logarithm() {
    let options = ReplayOptions { window: Some(1), ..ReplayOptions::default() };
    // Uniform already: no fee. Cash, A and B at a third each: day 1 to 2 grows by (0.1 - 0.1) / 3 = 0.
    let sarl = with(ReplayEnvironment::PortfolioSarl, &csv(BY_HAND), "logits:0", &options).unwrap();
    assert_eq!(sarl.calls, 2);
    near(sarl.final_assets, 10_000.0);
    let eiie =
        with(ReplayEnvironment::PortfolioEiie, &csv(BY_HAND), "weights:1,0,0", &options).unwrap();
    // Into cash from thirds: turnover 4/3.
    let after: f64 = 100_000.0 - 100_000.0 * 0.001 * 4.0 / 3.0;
    near(eiie.first_rewards[0], after.ln() - 100_000.0_f64.ln());
    near(eiie.first_rewards[1], 0.0);
    near(eiie.first_rewards[2], 0.0);
    near(eiie.reward_sum, eiie.first_rewards[0]);
}

#[test]
fn deep_trader_goes_short_and_divides_by_the_sum() {
    let options = ReplayOptions { window: Some(1), ..ReplayOptions::default() };
    let found =
        with(ReplayEnvironment::PortfolioDeepTrader, &csv(BY_HAND), "weights:2,-1", &options)
            .unwrap();
    // From halves: turnover 3; growth 2 · 0.1 + 1 · 0.1; drifted (2.2, -0.9) / 1.3.
    near(found.assets[1], (100_000.0 - 300.0) * 1.3);
    let turnover = (2.2 / 1.3 - 2.0_f64).abs() + (-0.9 / 1.3 + 1.0_f64).abs();
    near(found.assets[2], found.assets[1] * (1.0 - 0.001 * turnover) * 1.3);
    near(found.reward_sum, found.assets[2] - 100_000.0);
    assert_eq!(found.first_rewards[2], 0.0, "the terminal reward");
}

#[test]
fn no_weights_rewrite_the_imitators_lists() {
    let found = run(ReplayEnvironment::PortfolioImitator, &csv(BY_HAND), "nothing").unwrap();
    assert_eq!(found.assets, [1.0, 1.0, 1.0]);
    assert_eq!((found.calls, found.reward_sum, found.final_assets), (3, 0.0, 1.0));
    let held = run(ReplayEnvironment::PortfolioImitator, &csv(BY_HAND), "weights:1,0").unwrap();
    // From halves: turnover 1 at 0.0001.
    near(held.assets[1], 100_000.0 * 0.9999 * 1.1);
    near(held.reward_sum, held.assets[2] - 100_000.0 + (held.assets[2] - held.assets[1]));
}

#[test]
fn average_holding_buys_once_and_never_trades_again() {
    let found = run(ReplayEnvironment::Portfolio, &csv(BY_HAND), "average_holding").unwrap();
    let invested = 99_800.0;
    near(found.assets[1], invested * f64::midpoint(1.1, 0.9));
    near(found.assets[2], invested * f64::midpoint(1.21, 0.81));
}

#[test]
fn observations_are_laid_out_as_their_names_say() {
    let check = |environment: &dyn FaithfulEnvironment, shape: &[usize], wanted: &[f64]| {
        assert_eq!(environment.observation_shape(), shape);
        assert_eq!(environment.observe(), wanted);
        assert_eq!(environment.observation_names().len(), wanted.len());
    };
    let base = Portfolio::new(panel(), PortfolioSetup::default()).unwrap();
    check(&base, &[2, 2], &[1.0, 2.0, 5.0, 6.0]);
    assert_eq!(base.observation_names(), ["f A", "f B", "g A", "g B"]);
    let window = WindowSetup { time_steps: 2, ..WindowSetup::default() };
    let eiie = Eiie::new(panel(), window).unwrap();
    check(&eiie, &[2, 2, 2], &[1.0, 5.0, 3.0, 7.0, 2.0, 6.0, 4.0, 8.0]);
    assert_eq!(eiie.observation_names()[..3], ["f A t-1", "g A t-1", "f A t-0"]);
    assert_eq!(eiie.declared_dimensions(), (2, 2));
    let deep = DeepTrader::new(panel(), window).unwrap();
    check(&deep, &[2, 2, 2], &[1.0, 3.0, 5.0, 7.0, 2.0, 4.0, 6.0, 8.0]);
}

/// Sums each ticker's window.
struct Sum;

impl MovementPredictor for Sum {
    fn predict(&self, windows: &[f64], tickers: usize) -> Vec<f64> {
        windows.chunks_exact(windows.len() / tickers).map(|window| window.iter().sum()).collect()
    }
}

#[test]
fn sarl_sees_predictions_from_the_days_before_today() {
    let setup = SarlSetup { length_day: 1, ..SarlSetup::default() };
    let sarl = Sarl::new(panel(), setup, Arc::new(Sum)).unwrap();
    assert_eq!(sarl.observe(), [3.0, 4.0, 7.0, 8.0, 1.0 + 5.0, 2.0 + 6.0]);
    assert_eq!(sarl.observation_names()[4..], ["movement A", "movement B"]);
    let undecided = Sarl::new(panel(), setup, Arc::new(Undecided)).unwrap();
    assert_eq!(undecided.observe()[4..], [0.5, 0.5]);
}

/// Scores by the first feature, more by each descriptor.
struct First;

impl Descriptors for First {
    fn scores(&self, features: &[f64]) -> [f64; 5] {
        [1.0, 2.0, 3.0, 4.0, 5.0].map(|factor| factor * features[0])
    }
}

#[test]
fn the_imitator_sees_scores_by_descriptor_and_weighs_by_the_chosen_one() {
    let setup = ImitatorSetup { cost_rate: 0.0, ..ImitatorSetup::default() };
    let mut imitator = InvestorImitator::new(panel(), setup, Arc::new(First)).unwrap();
    assert_eq!(imitator.observation_shape(), [1, 16]);
    let seen = imitator.observe();
    assert_eq!(seen[..4], [1.0, 5.0, 2.0, 6.0], "features by ticker");
    assert_eq!(seen[4..8], [1.0, 2.0, 2.0, 4.0], "AR of both, SR of both");
    assert_eq!(seen[14..], [0.5, 0.5], "weights");
    assert_eq!(imitator.observation_names()[4..6], ["AR A", "AR B"]);
    imitator.step(&[1.0]).unwrap();
    // Scores 2 and 4.
    let weight = 4.0_f64.exp() / (2.0_f64.exp() + 4.0_f64.exp());
    near(imitator.assets()[1], 100_000.0 * (1.0 + 0.1 * (1.0 - weight) - 0.1 * weight));
    for action in [&[5.0][..], &[0.5], &[1.0, 2.0, 3.0], &[f64::NAN, 1.0]] {
        assert!(imitator.step(action).is_err(), "{action:?}");
    }
}

#[test]
fn dimensions_of_the_shipped_panel_are_those_of_the_reference() {
    let Some(table) = table(TEST) else { return };
    let named = |set| FeatureChoice::Named(features::names(set));
    let panel = Arc::new(Panel::from_table(&table, &named(FeatureSet::Classic16)).unwrap());
    let imitator =
        InvestorImitator::new(Arc::clone(&panel), ImitatorSetup::default(), Arc::new(Indifferent));
    assert_eq!(imitator.unwrap().observe().len(), 638);
    let sarl = Sarl::new(panel, SarlSetup::default(), Arc::new(Undecided)).unwrap();
    assert_eq!(sarl.observe().len(), 493);
}

#[test]
fn tickers_may_be_numbers_or_hold_spaces_and_rows_may_stand_ticker_by_ticker() {
    let text = ",date,tic,close\n0,2020-01-01 10:30,600 A,100\n1,2020-01-01 11:30,600 A,110\n\
                0,2020-01-01 10:30,600519,50\n1,2020-01-01 11:30,600519,60\n";
    let found = run(ReplayEnvironment::Portfolio, &csv(text), "uniform").unwrap();
    assert_eq!(details(&found).tickers, ["600 A", "600519"]);
    let numbers = csv("index,tic,close\n0,600519,100\n1,600519,110\n");
    let found = run(ReplayEnvironment::Portfolio, &numbers, "weights:0,1").unwrap();
    assert_eq!(details(&found).tickers, ["600519"]);
    near(found.final_assets, 99_800.0 * 1.1);
}

#[test]
fn features_are_used_where_they_are_all_there_and_refused_by_name_where_they_were_asked_for() {
    let Some(mut table) = table(TEST) else { return };
    let whole = run(ReplayEnvironment::Portfolio, &table, "logits:0").unwrap();
    assert_eq!(whole.observation_shape, [11, 29]);
    table.columns.remove("zd_15");
    table.columns.remove("adjcp");
    let thin = run(ReplayEnvironment::Portfolio, &table, "logits:0").unwrap();
    assert_eq!(thin.observation_shape, [0, 29]);
    assert_eq!(thin.assets, whole.assets);
    let features = Some(features::names(FeatureSet::Classic16));
    let options = ReplayOptions { features, ..ReplayOptions::default() };
    let refusal =
        with(ReplayEnvironment::Portfolio, &table, "logits:0", &options).unwrap_err().to_string();
    assert!(refusal.contains("zd_15") && refusal.contains("adjcp"), "{refusal}");
}

#[test]
fn refuses_tables_that_are_no_panels_and_says_where() {
    let cases = [
        (",tic,close\n0,A,1\n0,B,1\n1,A,1\n", "found 1 on day 1 (line 4 on)"),
        (",tic,close\n0,A,1\n0,B,1\n1,B,1\n1,A,1\n", "line 4, column 'tic': wanted A"),
        (",tic,close\n0,A,1\n2,A,1\n", "found day 2 (line 3) and no day 1"),
        (",tic,close\n1,A,1\n2,A,1\n", "no day 0"),
        (",tic,open\n0,A,1\n1,A,1\n", "the columns close are missing"),
        (",close\n0,1\n1,1\n", "the column tic is missing"),
        (",tic,close\n0,A,1\n1,A,NaN\n", "line 3, column 'close': wanted a finite number"),
        (",tic,close\n0,A,1\n1,A,\n", "line 3, column 'close': wanted a number, found ''"),
        (",tic,close\n0,A,0\n1,A,1\n", "line 2, column 'close': wanted a price above 0"),
    ];
    for (text, wanted) in cases {
        let refusal =
            run(ReplayEnvironment::Portfolio, &csv(text), "uniform").unwrap_err().to_string();
        assert!(refusal.contains(wanted), "{text}: {refusal}");
    }
}

#[test]
fn a_panel_that_ends_with_the_first_call_has_the_terminal_call_alone() {
    let one_day = csv(",tic,close\n0,A,1\n0,B,3\n");
    for environment in [ReplayEnvironment::Portfolio, ReplayEnvironment::PortfolioImitator] {
        let found = run(environment, &one_day, "uniform").unwrap();
        assert_eq!((found.calls, found.reward_sum, found.final_assets), (1, 0.0, 100_000.0));
        assert!(found.metrics.sharpe.is_nan() && found.metrics.volatility.is_nan());
        assert_eq!((found.metrics.max_drawdown, found.metrics.sortino), (0.0, 0.0));
    }
    let refusal =
        run(ReplayEnvironment::PortfolioSarl, &one_day, "uniform").unwrap_err().to_string();
    assert!(
        refusal.contains("at least 6 days are needed (the first call is on day 5), found 1"),
        "{refusal}"
    );
}

#[test]
fn the_first_column_is_the_day_whatever_it_is_called_and_in_whatever_order_its_rows_stand() {
    let plain = run(ReplayEnvironment::Portfolio, &csv(BY_HAND), "logits:ramp").unwrap();
    let by_ticker = "day,close,tic\n0,100,A\n1,110,A\n2,121,A\n0,100,B\n1,90,B\n2,81,B\n";
    let decimal =
        BY_HAND.replace("\n0,", "\n0.0,").replace("\n1,", "\n1.0,").replace("\n2,", "\n2.0,");
    let named = BY_HAND.replacen(",tic", "day,tic", 1);
    for text in [named.as_str(), by_ticker, decimal.as_str()] {
        let found = run(ReplayEnvironment::Portfolio, &csv(text), "logits:ramp").unwrap();
        assert_eq!(found.assets, plain.assets, "{text}");
    }
}

#[test]
fn one_ticker_is_a_portfolio() {
    let one = csv(",tic,close\n0,A,1\n1,A,2\n2,A,1\n");
    let found = run(ReplayEnvironment::PortfolioImitator, &one, "logits:3").unwrap();
    assert_eq!((found.calls, found.final_assets), (3, 100_000.0));
    let none = run(ReplayEnvironment::PortfolioImitator, &one, "nothing").unwrap();
    assert_eq!((none.assets, none.returns), (vec![1.0; 3], vec![0.0; 3]));
}

#[test]
fn large_logits_become_weights_as_an_agents_network_makes_them() {
    let prices = csv(",tic,close\n0,A,1\n0,B,1\n1,A,2\n1,B,1\n");
    let options =
        ReplayOptions { window: Some(1), cost_rate: Some(0.0), ..ReplayOptions::default() };
    let held = |policy| {
        with(ReplayEnvironment::PortfolioDeepTrader, &prices, policy, &options)
            .unwrap()
            .final_assets
    };
    assert_eq!(held("logits:1000,0"), 200_000.0);
    assert_eq!(held("logits:800"), 150_000.0);
}

#[test]
fn refuses_policies_and_options_that_do_not_fit() {
    let table = csv(BY_HAND);
    let refusal =
        |environment, policy: &str| run(environment, &table, policy).unwrap_err().to_string();
    let text = refusal(ReplayEnvironment::Portfolio, "weights:0.5,0.5");
    assert!(text.contains("3 numbers") && text.contains("cash first"), "{text}");
    let text = refusal(ReplayEnvironment::PortfolioDeepTrader, "nothing");
    assert!(text.contains("it takes logits:A"), "{text}");
    assert!(!text.contains("nothing,"), "{text}");
    assert!(refusal(ReplayEnvironment::Portfolio, "constant:2").contains("it takes"));
    for (initial_amount, cost_rate) in
        [(Some(0.0), None), (Some(f64::NAN), None), (None, Some(1.0)), (None, Some(f64::NAN))]
    {
        let options = ReplayOptions { initial_amount, cost_rate, ..ReplayOptions::default() };
        assert!(with(ReplayEnvironment::Portfolio, &table, "uniform", &options).is_err());
    }
    for window in [0, 4] {
        let options = ReplayOptions { window: Some(window), ..ReplayOptions::default() };
        assert!(with(ReplayEnvironment::PortfolioEiie, &table, "uniform", &options).is_err());
        assert!(with(ReplayEnvironment::PortfolioSarl, &table, "uniform", &options).is_err());
    }
}

/// A panel of random closes.
fn any_panel() -> impl Strategy<Value = ReferenceTable> {
    (2_usize..6, 1_usize..5).prop_flat_map(|(days, tickers)| {
        prop::collection::vec(0.5_f64..2.0, days * tickers).prop_map(move |closes| {
            let mut text = ",tic,close\n".to_owned();
            for (cell, close) in closes.iter().enumerate() {
                text.push_str(&format!("{},T{},{close}\n", cell / tickers, cell % tickers));
            }
            csv(&text)
        })
    })
}

proptest! {
    /// Nothing from nothing: without costs the value is what the weights earned, and costs only take.
    #[test]
    fn costs_only_take(table in any_panel()) {
        let of = |cost_rate| {
            let options = ReplayOptions { cost_rate: Some(cost_rate), ..ReplayOptions::default() };
            with(ReplayEnvironment::Portfolio, &table, "logits:ramp", &options).unwrap()
        };
        let (free, costly) = (of(0.0), of(0.01));
        prop_assert!(costly.final_assets <= free.final_assets);
        let tickers = details(&free).tickers.len();
        let step = 2.0 / tickers as f64;
        let grown: Vec<f64> = (0..=tickers).map(|i| (i as f64 * step - 1.0).exp()).collect();
        let closes = &table.columns["close"];
        let mut value = 100_000.0;
        for day in 1..closes.len() / tickers {
            let earned: f64 = (0..tickers)
                .map(|t| grown[t + 1] * closes[day * tickers + t] / closes[(day - 1) * tickers + t])
                .sum();
            value *= (grown[0] + earned) / grown.iter().sum::<f64>();
        }
        prop_assert!((free.final_assets - value).abs() <= 1e-9 * value);
    }

    #[test]
    fn cash_stays_what_it_is(table in any_panel()) {
        let found = run(ReplayEnvironment::Portfolio, &table, "nothing").unwrap();
        prop_assert!(found.assets.iter().all(|value| *value == 100_000.0));
    }
}
