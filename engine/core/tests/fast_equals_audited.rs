//! The fast accounts are the audited environments: equal equity to 1e-9 at every step, under random data and actions.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use std::sync::Arc;

use engine::config::{
    DividendRule, FillRule, MatchingConfig, PortfolioConfig, PortfolioUnits, RiskConfig,
};
use engine::environment::fast::{FastPortfolio, FastSingleAsset};
use engine::environment::{Action, Environment, PanelData, Portfolio, SingleAsset};
use engine::features::FeatureFrame;
use engine::market::{BarPanel, Join, synthetic};
use engine::rng::{Stream, StreamId};
use proptest::prelude::*;
use support::{faithful, strategy, whole};

fn near(fast: f64, audited: f64) -> bool {
    (fast - audited).abs() <= 1e-9 * audited.abs().max(1e-3)
}

fn panel(seed: u64, assets: u64, dividends: DividendRule) -> Arc<PanelData> {
    let series: Vec<_> = (0..assets)
        .map(|index| {
            let mut one = synthetic::generate(seed + 31 * index, 80);
            one.instrument = format!("I{index}");
            for row in 0..40 {
                one.adjusted_close[row] *= 0.97;
            }
            one
        })
        .collect();
    let panel = BarPanel::join(&series, Join::Inner).unwrap();
    let frame = FeatureFrame { names: vec![], width: 0, rows: 80, warmup_rows: 0, values: vec![] };
    let frames = vec![frame; series.len()];
    PanelData::new(&panel, &frames, 0..80, dividends).unwrap().shared()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn trading_one_instrument(
        seed in 0..10_000_u64,
        (volume, limit, lot_share) in (1..5_u32, 1..20_u32, 0.01..1.0_f64),
        (fee_rate, slippage_bps) in (0.0..0.05_f64, 0.0..200.0_f64),
        (short, same_close) in any::<(bool, bool)>(),
    ) {
        let mut strategy = strategy(|config| {
            config.max_volume = volume;
            config.position_limit_lots = limit;
            config.lot_share = lot_share;
            config.allow_short = short;
        });
        let fill = if same_close { FillRule::SameClose } else { FillRule::NextOpen };
        strategy.matching = MatchingConfig { fee_rate, slippage_bps, fill };
        let market = whole(&strategy, &synthetic::generate(seed, 150));
        let mut audited = SingleAsset::new(&strategy, Arc::clone(&market)).unwrap();
        let mut fast = FastSingleAsset::new(&strategy, market).unwrap();
        audited.reset_at(3).unwrap();
        fast.reset_at(3).unwrap();
        let mut stream = Stream::new(seed, StreamId::Exploration, 0);
        let mut seen = vec![[0.0_f32; 2]; audited.observation_len()];
        let (mut one, mut two) = (vec![0.0; seen.len()], vec![0.0; seen.len()]);
        loop {
            let action = stream.below(2 * volume + 1) as usize;
            let wanted = audited.step(Action::Discrete(action));
            let found = fast.step(action);
            prop_assert!(near(fast.equity(), audited.equity()));
            prop_assert!((found.reward - wanted.reward).abs() < 1e-9);
            prop_assert_eq!((found.terminated, found.truncated), (wanted.terminated, wanted.truncated));
            audited.observe(&mut one);
            fast.observe(&mut two);
            seen.iter_mut().zip(one.iter().zip(&two)).for_each(|(pair, (a, b))| *pair = [*a, *b]);
            prop_assert!(seen.iter().all(|[a, b]| (a - b).abs() <= 1e-6 * a.abs().max(1.0)));
            if wanted.ended() {
                break;
            }
        }
    }

    #[test]
    fn trading_a_portfolio(
        seed in 0..10_000_u64,
        assets in 1..31_u64,
        (fee_rate, slippage_bps) in (0.0..0.05_f64, 0.0..200.0_f64),
        same_close in any::<bool>(),
        explicit in any::<bool>(),
    ) {
        let dividends = if explicit { DividendRule::Explicit } else { DividendRule::Adjusted };
        let data = panel(seed, assets, dividends);
        let config = PortfolioConfig { window_bars: 3, dividends, ..PortfolioConfig::default() };
        let fill = if same_close { FillRule::SameClose } else { FillRule::NextOpen };
        let costs = MatchingConfig { fee_rate, slippage_bps, fill };
        let limits = RiskConfig::default();
        let mut audited = Portfolio::new(&config, &costs, &limits, Arc::clone(&data)).unwrap();
        let mut fast = FastPortfolio::new(&config, &costs, &limits, data).unwrap();
        let mut stream = Stream::new(seed, StreamId::Exploration, 1);
        loop {
            let raw: Vec<f64> = (0..=assets)
                .map(|_| if stream.uniform() < 0.3 { 0.0 } else { stream.uniform() })
                .collect();
            let sum: f64 = raw.iter().sum::<f64>().max(1e-9);
            let weights: Vec<f64> = raw.iter().map(|weight| weight / sum).collect();
            let wanted = audited.step(Action::Vector(&weights));
            let found = fast.step(&weights);
            prop_assert!(near(fast.equity(), audited.equity()), "{} {}", fast.equity(), audited.equity());
            prop_assert!((found.reward - wanted.reward).abs() < 1e-9);
            prop_assert!((fast.cash() - audited.cash()).abs() <= 1e-9 * audited.equity());
            prop_assert_eq!(found.ended(), wanted.ended());
            if wanted.ended() {
                break;
            }
        }
    }
}

#[test]
fn refuses_what_it_cannot_do_exactly() {
    let limited = RiskConfig { max_position: Some(1.0), max_notional: None };
    let market = whole(&strategy(|_| {}), &synthetic::generate(1, 100));
    let mut strategy = strategy(|_| {});
    strategy.risk = limited.clone();
    assert!(FastSingleAsset::new(&strategy, Arc::clone(&market)).is_err());
    assert!(FastSingleAsset::new(&faithful(), market).is_err());
    let data = panel(1, 2, DividendRule::None);
    let (config, costs) = (PortfolioConfig::default(), MatchingConfig::default());
    assert!(FastPortfolio::new(&config, &costs, &limited, Arc::clone(&data)).is_err());
    let lots = PortfolioConfig { units: PortfolioUnits::WholeLots, ..config.clone() };
    assert!(FastPortfolio::new(&lots, &costs, &RiskConfig::default(), data).is_err());
    let gaps = PanelData::from_prices(&["A", "B"], &[1.0, 0.0, 1.0, 1.0], &[1.0, 0.0, 1.0, 1.0]);
    let one = PortfolioConfig { window_bars: 1, ..config };
    let gaps = gaps.unwrap().shared();
    assert!(FastPortfolio::new(&one, &costs, &RiskConfig::default(), gaps).is_err());
}
