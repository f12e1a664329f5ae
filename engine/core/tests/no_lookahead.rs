//! The future cannot change the past: all data after t is overwritten with noise, and what was seen and done up to t
//! is bit-equal.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use std::sync::Arc;

use engine::config::{FillRule, Normalisation, SplitConfig, StrategyConfig};
use engine::environment::{Action, MarketData, Prepared, build, prepare};
use engine::features::Normaliser;
use engine::market::{BarSeries, split, synthetic};
use engine::policies::Policy;
use support::{EveryBit, chance, faithful, overwrite_after, strategy};

const ROWS: usize = 600;

/// What was seen (as bits) and done at each step while the bar was at most `last`, and the rewards paid by then.
struct Trace {
    observations: Vec<Vec<u32>>,
    actions: Vec<usize>,
    rewards: Vec<u64>,
}

fn trace(strategy: &StrategyConfig, market: &Arc<MarketData>, last: usize) -> Trace {
    let mut environment = build(strategy, Arc::clone(market)).unwrap();
    let mut policy = EveryBit;
    let mut found = Trace { observations: Vec::new(), actions: Vec::new(), rewards: Vec::new() };
    let mut observation = vec![0.0_f32; environment.observation_len()];
    while environment.snapshot().bar_index <= last {
        environment.observe(&mut observation);
        let action = policy.act(&observation);
        found.observations.push(observation.iter().map(|value| value.to_bits()).collect());
        found.actions.push(action);
        let result = environment.step(Action::Discrete(action));
        if environment.snapshot().bar_index <= last {
            found.rewards.push(result.reward.to_bits());
        }
        if result.ended() {
            break;
        }
    }
    found
}

/// The segment that contains row `last` of the series, and the row's place in it.
fn segment(prepared: &Prepared, bars: &BarSeries, last: usize) -> Option<(Arc<MarketData>, usize)> {
    [&prepared.train, &prepared.valid, &prepared.test].into_iter().find_map(|market| {
        let place = market.time_ms().iter().position(|time| *time == bars.time_ms[last])?;
        Some((Arc::clone(market), place))
    })
}

fn assert_blind(
    strategy: &StrategyConfig,
    lasts: &[usize],
    normaliser: Option<&Normaliser>,
) -> usize {
    let bars = synthetic::generate(17, ROWS);
    let cut = SplitConfig::default();
    let mut compared = 0;
    for (number, last) in lasts.iter().enumerate() {
        let noisy = overwrite_after(&bars, *last, number as u64);
        let before = prepare(strategy, &bars, &cut, normaliser).unwrap();
        let after = prepare(strategy, &noisy, &cut, normaliser).unwrap();
        assert_eq!(before.normaliser, after.normaliser, "the normaliser saw bars after {last}");
        let Some((left, place)) = segment(&before, &bars, *last) else { continue };
        let (right, _) = segment(&after, &noisy, *last).expect("times are unchanged");
        let (left, right) = (trace(strategy, &left, place), trace(strategy, &right, place));
        assert_eq!(
            left.observations, right.observations,
            "an observation up to bar {last} saw the future"
        );
        assert_eq!(left.actions, right.actions, "an action up to bar {last} saw the future");
        assert_eq!(left.rewards, right.rewards, "a reward up to bar {last} saw the future");
        compared += left.actions.iter().filter(|action| **action != 1).count();
    }
    compared
}

/// Rows at which the series is cut: random, and the edges of segments.
fn rows(from: usize, seed: u64) -> Vec<usize> {
    let mut stream = chance(seed);
    let span = u32::try_from(ROWS - from - 1).unwrap();
    let splits = split(ROWS, &SplitConfig::default(), 5).unwrap();
    let edges = [splits.valid.start + 6, splits.valid.end - 2, splits.test.start + 6, ROWS - 2];
    (0..12)
        .map(|_| from + stream.below(span) as usize)
        .chain(edges)
        .filter(|row| from <= *row)
        .collect()
}

#[test]
fn the_whole_pipeline_with_a_normaliser_of_the_training_segment_sees_no_future() {
    let train_end = split(ROWS, &SplitConfig::default(), 5).unwrap().train.end;
    for fill in [FillRule::NextOpen, FillRule::SameClose] {
        let mut strategy = strategy(|config| config.allow_short = true);
        strategy.matching.fill = fill;
        let compared = assert_blind(&strategy, &rows(train_end, 1), None);
        assert!(compared > 200, "the test has to compare something: {compared}");
    }
}

#[test]
fn inside_the_training_segment_nothing_but_the_normaliser_could_know() {
    let strategy = strategy(|_| {});
    let fixed =
        prepare(&strategy, &synthetic::generate(17, ROWS), &SplitConfig::default(), None).unwrap();
    let compared = assert_blind(&strategy, &rows(40, 2), Some(&fixed.normaliser));
    assert!(compared > 1000, "the test has to compare something: {compared}");
}

#[test]
fn chosen_features_see_no_future_either() {
    let train_end = split(ROWS, &SplitConfig::default(), 5).unwrap().train.end;
    for normalisation in [Normalisation::ZScore, Normalisation::Robust, Normalisation::MinMax] {
        let mut strategy = strategy(|config| config.allow_short = true);
        strategy.features.normalisation = normalisation;
        strategy.features.list = serde_json::from_value(serde_json::json!([
            {"name": "alpha158"},
            {"name": "macd"},
            {"name": "keltner"},
            {"name": "expression", "text": "Corr($close, Ref($volume, 3), 10)"},
        ]))
        .unwrap();
        let compared = assert_blind(&strategy, &rows(train_end, 1), None);
        assert!(compared > 200, "the test has to compare something: {compared}");
    }
}

/// The faithful mode says that its rewards look ahead: this test shows that the method above would notice.
#[test]
fn the_faithful_reward_looks_ahead_and_its_observations_do_not() {
    let strategy = faithful();
    let bars = synthetic::generate(17, ROWS);
    let last = 300;
    let noisy = overwrite_after(&bars, last, 5);
    let cut = SplitConfig::default();
    let (before, after) = (
        prepare(&strategy, &bars, &cut, None).unwrap(),
        prepare(&strategy, &noisy, &cut, None).unwrap(),
    );
    let (left, place) = segment(&before, &bars, last).unwrap();
    let (right, _) = segment(&after, &noisy, last).unwrap();
    let (left, right) = (trace(&strategy, &left, place), trace(&strategy, &right, place));
    assert_eq!(left.observations, right.observations);
    assert_eq!(left.actions, right.actions);
    assert_ne!(left.rewards, right.rewards);
}
