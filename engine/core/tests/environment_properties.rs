//! What holds of every environment: the public checker finds nothing in ours, and finds what is wrong in broken ones.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use std::sync::Arc;

use engine::config::{
    ExecutionSide, FillRule, HighFrequencyConfig, MatchingConfig, OffsetUnit, OrderExecutionConfig,
    PortfolioConfig, PortfolioUnits, RiskConfig,
};
use engine::environment::{
    AccountSnapshot, Action, ActionSpace, Environment, ExecutionOnBars, ExecutionOnBook,
    HighFrequency, PanelData, Portfolio, SingleAsset, StepResult, build, check_environment,
};
use engine::error::EngineError;
use engine::market::synthetic;
use engine::rng::{Stream, StreamId};
use proptest::prelude::*;
use support::{books, faithful, prices, strategy, whole};

/// Prices of several instruments; all but the first are absent now and then.
fn panel(seed: u64, rows: usize, assets: usize) -> Arc<PanelData> {
    let mut stream = Stream::new(seed, StreamId::Synthesis, 41);
    let names: Vec<String> = (0..assets).map(|index| format!("I{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut last = vec![50.0; assets];
    let (mut open, mut close) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        for (asset, last) in last.iter_mut().enumerate() {
            let first = *last * (0.03 * stream.normal()).exp();
            *last = first * (0.03 * stream.normal()).exp();
            let absent = 0 < asset && stream.uniform() < 0.1;
            open.push(if absent { 0.0 } else { first });
            close.push(if absent { 0.0 } else { *last });
        }
    }
    PanelData::from_prices(&names, &open, &close).unwrap().shared()
}

/// One of each, on random data.
fn every(seed: u64, costs: &MatchingConfig, limits: &RiskConfig) -> Vec<Box<dyn Environment>> {
    let mut single = strategy(|config| config.allow_short = true);
    (single.matching, single.risk) = (costs.clone(), limits.clone());
    let bars = synthetic::generate(seed, 120);
    let market = whole(&single, &bars);
    let book = books::book(seed, 80, 5);
    let data = books::data(&book);
    let trader = HighFrequencyConfig {
        initial_cash: 50_000.0,
        max_holding: 3.0,
        allow_short: true,
        ..HighFrequencyConfig::default()
    };
    let portfolio = PortfolioConfig { window_bars: 3, absent_bars_max: 2, ..Default::default() };
    let lots = PortfolioConfig { units: PortfolioUnits::WholeLots, ..portfolio.clone() };
    let buy = OrderExecutionConfig {
        side: ExecutionSide::Buy,
        amount: 5.0,
        horizon_steps: 20,
        tick_size: 0.5,
        offset_unit: OffsetUnit::Ticks,
        offset_max: 6.0,
        ..OrderExecutionConfig::default()
    };
    let sell = OrderExecutionConfig { side: ExecutionSide::Sell, ..buy.clone() };
    let old = whole(&faithful(), &bars);
    vec![
        Box::new(SingleAsset::new(&single, Arc::clone(&market)).unwrap()),
        Box::new(Portfolio::new(&portfolio, costs, limits, panel(seed, 60, 4)).unwrap()),
        Box::new(Portfolio::new(&lots, costs, limits, panel(seed, 60, 1)).unwrap()),
        Box::new(HighFrequency::new(&trader, costs, limits, Arc::clone(&data)).unwrap()),
        Box::new(ExecutionOnBook::new(&buy, costs, limits, Arc::clone(&data)).unwrap()),
        Box::new(ExecutionOnBook::new(&sell, costs, limits, data).unwrap()),
        Box::new(ExecutionOnBars::new(&buy, costs, limits, Arc::clone(&market)).unwrap()),
        Box::new(ExecutionOnBars::new(&sell, costs, limits, market).unwrap()),
        build(&faithful(), old).unwrap(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_checker_finds_nothing_in_any_environment(
        seed in 0..10_000_u64,
        fee_rate in 0.0..0.02_f64,
        slippage_bps in 0.0..50.0_f64,
        same_close in any::<bool>(),
        limited in any::<bool>(),
    ) {
        let fill = if same_close { FillRule::SameClose } else { FillRule::NextOpen };
        let costs = MatchingConfig { fee_rate, slippage_bps, fill };
        let limits = RiskConfig {
            max_position: limited.then_some(4.0),
            max_notional: limited.then_some(20_000.0),
        };
        for (index, mut environment) in every(seed, &costs, &limits).into_iter().enumerate() {
            let findings = check_environment(environment.as_mut(), seed);
            prop_assert!(findings.is_empty(), "environment {index}: {findings:#?}");
        }
    }

    #[test]
    fn a_short_closed_at_the_price_it_was_opened_at_costs_the_fees_and_nothing_else(
        fee_rate in 0.0..0.05_f64,
        slippage_bps in 0.0..100.0_f64,
        price in 0.01..1e6_f64,
    ) {
        let mut single = strategy(|config| {
            config.allow_short = true;
            config.backward_bars = 1;
        });
        single.matching = MatchingConfig { fee_rate, slippage_bps, fill: FillRule::NextOpen };
        let market = prices(&[price; 4], &[price; 4]);
        let mut environment = SingleAsset::new(&single, market).unwrap();
        environment.step(Action::Discrete(0));
        prop_assert!(environment.snapshot().position < 0.0);
        environment.step(Action::Discrete(2));
        let account = environment.snapshot();
        prop_assert_eq!(account.position, 0.0);
        prop_assert!((account.equity - (100_000.0 - account.costs)).abs() < 1e-6);
        // One lot is a tenth of the account: sold low, bought high, a fee on each.
        let slip = slippage_bps * 1e-4;
        let costs = 10_000.0 * (2.0 * slip + fee_rate * ((1.0 - slip) + (1.0 + slip)));
        prop_assert!((account.costs - costs).abs() < 1e-6, "{} {costs}", account.costs);
    }

    #[test]
    fn the_future_of_bars_changes_nothing_an_execution_saw_or_earned(
        seed in 0..10_000_u64,
        last in 12_usize..28,
        buy in any::<bool>(),
    ) {
        let task = OrderExecutionConfig {
            side: if buy { ExecutionSide::Buy } else { ExecutionSide::Sell },
            horizon_steps: 30,
            ..OrderExecutionConfig::default()
        };
        let default = strategy(|_| {});
        let bars = synthetic::generate(seed, 100);
        // The warm-up is left out: row 0 of the environment is row 29 of the bars.
        let changed = support::overwrite_after(&bars, last + 29, seed + 1);
        let built = |bars| {
            ExecutionOnBars::new(
                &task, &MatchingConfig::default(), &RiskConfig::default(), whole(&default, bars),
            )
            .unwrap()
        };
        let (mut left, mut right) = (built(&bars), built(&changed));
        let mut stream = Stream::new(seed, StreamId::Exploration, 8);
        let (mut one, mut two) =
            (vec![0.0; left.observation_len()], vec![0.0; left.observation_len()]);
        let mut compared = 0;
        while left.snapshot().bar_index < last {
            let share = [0.05 * stream.uniform()];
            let (this, that) =
                (left.step(Action::Vector(&share)), right.step(Action::Vector(&share)));
            prop_assert_eq!(this, that);
            left.observe(&mut one);
            right.observe(&mut two);
            prop_assert_eq!(&one, &two);
            compared += 1;
        }
        prop_assert!(compared > 0);
    }

    #[test]
    fn unlevered_accounts_never_fall_by_more_than_everything(seed in 0..10_000_u64) {
        let costs = MatchingConfig::default();
        let mut environment = Portfolio::new(
            &PortfolioConfig { window_bars: 3, ..PortfolioConfig::default() },
            &costs,
            &RiskConfig::default(),
            panel(seed, 80, 3),
        )
        .unwrap();
        let (mut peak, mut stream) = (environment.equity(), Stream::new(seed, StreamId::Exploration, 9));
        loop {
            let weights = [0.0, stream.uniform() / 3.0, stream.uniform() / 3.0, stream.uniform() / 3.0];
            let result = environment.step(Action::Vector(&weights));
            peak = peak.max(environment.equity());
            prop_assert!((0.0..=1.0).contains(&(1.0 - environment.equity() / peak)));
            if result.ended() {
                break;
            }
        }
    }
}

/// What a broken environment does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    SameNames,
    NotFinite,
    NoEnd,
    ForgetsToReset,
    PaysTwice,
    PaysAfterTheEnd,
    ForgetsWhenSaved,
    TakesAnyBytes,
    TakesAnyStart,
}

/// An account that grows by 1 % per step.
struct Broken {
    fault: Fault,
    names: Vec<String>,
    step: u64,
    resets: u64,
}

const STEPS: u64 = 8;

impl Broken {
    fn worth(&self) -> f64 {
        100.0 * 1.01_f64.powi(i32::try_from(self.step).unwrap())
    }

    fn over(&self) -> bool {
        self.step == STEPS && self.fault != Fault::NoEnd
    }
}

impl Environment for Broken {
    fn observation_names(&self) -> &[String] {
        &self.names
    }

    fn action_space(&self) -> ActionSpace {
        ActionSpace::Discrete(2)
    }

    fn steps_per_episode(&self) -> usize {
        8
    }

    fn reset(&mut self) {
        self.resets += 1;
        self.step = 0;
    }

    fn reset_at(&mut self, offset: usize) -> Result<(), EngineError> {
        if 8 <= offset && self.fault != Fault::TakesAnyStart {
            return Err(EngineError::Refused { what: "test", detail: String::new() });
        }
        self.reset();
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        let resets = if self.fault == Fault::ForgetsToReset { self.resets as f32 } else { 0.0 };
        let step = if self.fault == Fault::NotFinite { f32::NAN } else { self.step as f32 };
        out.copy_from_slice(&[step, resets]);
    }

    fn step(&mut self, _: Action<'_>) -> StepResult {
        let paid =
            if self.over() && self.fault != Fault::PaysAfterTheEnd { 0.0 } else { 1.01_f64.ln() };
        if !self.over() {
            self.step += 1;
        }
        let reward = if self.fault == Fault::PaysTwice { 2.0 * paid } else { paid };
        StepResult { reward, terminated: false, truncated: self.over() }
    }

    fn equity(&self) -> f64 {
        self.worth()
    }

    fn snapshot(&self) -> AccountSnapshot {
        AccountSnapshot {
            bar_index: 0,
            equity: self.worth(),
            cash: self.worth(),
            position: 0.0,
            lot: 1.0,
            costs: 0.0,
            refusal_count: 0,
            cut_count: 0,
            last_fill: None,
        }
    }

    fn save(&self) -> Vec<u8> {
        let step = if self.fault == Fault::ForgetsWhenSaved { 0 } else { self.step };
        step.to_le_bytes().to_vec()
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let number = <[u8; 8]>::try_from(bytes).map(u64::from_le_bytes).unwrap_or(u64::MAX);
        if STEPS < number && self.fault != Fault::TakesAnyBytes {
            return Err(EngineError::State { what: "test", detail: String::new() });
        }
        self.step = number.min(STEPS);
        Ok(())
    }
}

#[test]
fn the_checker_names_what_is_wrong() {
    let cases = [
        (Fault::None, None),
        (Fault::SameNames, Some("observation_names")),
        (Fault::NotFinite, Some("observation")),
        (Fault::NoEnd, Some("end")),
        (Fault::ForgetsToReset, Some("determinism")),
        (Fault::PaysTwice, Some("rewards")),
        (Fault::PaysAfterTheEnd, Some("after_the_end")),
        (Fault::ForgetsWhenSaved, Some("save")),
        (Fault::TakesAnyBytes, Some("load")),
        (Fault::TakesAnyStart, Some("reset_at")),
    ];
    for (fault, wanted) in cases {
        let second = if fault == Fault::SameNames { "step" } else { "resets" };
        let names = vec!["step".to_owned(), second.to_owned()];
        let mut environment = Broken { fault, names, step: 0, resets: 0 };
        let found = check_environment(&mut environment, 7);
        let first = found.first().map(|finding| finding.check);
        assert_eq!(first, wanted, "{fault:?}: {found:#?}");
        assert!(found.iter().all(|finding| finding.message.contains(": ")), "{found:#?}");
    }
}
