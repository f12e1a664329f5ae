//! PRUDEX: six axes and sixteen measures of one policy, as raw values beside scores from 0 to 100.
//!
//! The source gives the axes, the measures and example values, but no formula for the inner scores. Ours, written down
//! in `docs/metrics.md`: gains and risks on the radar's scale, (radar + 100)/2, so that doing nothing gains 50; shares
//! and ranks as percentages; an axis is the mean of the scores of its measures that were evaluated. Pictures (t-SNE) are
//! not computed here; their flag is the caller's.
//!
//! Source: PRUDEX-Compass (Sun et al. 2023), trademaster.md section 6, learning.md section 13.

pub mod compass;
pub mod diversity;
pub mod eigen;
pub mod measures;
pub mod reliability;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::diversity::{mean_effective_bets, weight_entropy};
use self::measures::ExtremeMarket;
use super::radar::{Radar, RadarMetrics, radar};
use crate::config::Truth;
use crate::metrics::normal;
use crate::metrics::quantile::quantile;
use crate::metrics::sample_spread;
use crate::metrics::stability::stability;

/// The six axes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// What is earned.
    Profitability,
    /// What could be lost.
    RiskControl,
    /// Where it works.
    Universality,
    /// How many bets it makes.
    Diversity,
    /// Whether it works again.
    Reliability,
    /// Whether it can be understood.
    Explainability,
}

impl Axis {
    /// Every axis.
    pub const ALL: [Self; 6] = [
        Self::Profitability,
        Self::RiskControl,
        Self::Universality,
        Self::Diversity,
        Self::Reliability,
        Self::Explainability,
    ];
}

macro_rules! measures {
    ($($variant:ident $name:literal $axis:ident $meaning:literal;)+) => {
        /// The sixteen measures.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Measure {
            $(#[doc = $meaning] #[serde(rename = $name)] $variant,)+
        }

        impl Measure {
            /// Every measure.
            pub const ALL: [Self; 16] = [$(Self::$variant),+];

            /// Returns the axis it belongs to.
            #[must_use]
            pub fn axis(self) -> Axis {
                match self { $(Self::$variant => Axis::$axis,)+ }
            }

            /// Returns what its raw value is.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }
    };
}

measures! {
    Profit "profit" Profitability "Total return.";
    AlphaDecay "alpha_decay" Profitability "Mean daily excess return of the second half minus that of the first.";
    EquityCurve "equity_curve" Profitability "R² of log wealth on time.";
    Risk "risk" RiskControl "Maximum drawdown.";
    RiskAdjusted "risk_adjusted" RiskControl "Sharpe ratio.";
    ExtremeMarket "extreme_market" RiskControl "Mean total return above the market's in the wildest stretches.";
    Country "country" Universality "Share of countries in which the market is beaten.";
    AssetType "asset_type" Universality "Share of asset types on which the market is beaten.";
    TimeScale "time_scale" Universality "Share of time scales on which the market is beaten.";
    RollingWindow "rolling_window" Universality "Share of test windows in which the market is beaten.";
    Entropy "entropy" Diversity "Mean entropy of the weights (ENT).";
    Correlation "correlation" Diversity "Effective number of bets (ENB).";
    TSne "t_sne" Diversity "A picture; it has no number.";
    Profile "profile" Reliability "Share of runs with a score above 50.";
    Variability "variability" Reliability "Interquartile range of the runs' scores divided by their median.";
    RankOrder "rank_order" Reliability "Mean rank among the policies, 1 the best.";
}

/// A raw value and its score, 0 to 100. Absent where not evaluated or not defined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// The value itself.
    pub raw: Option<f64>,
    /// Its score.
    pub score: Option<f64>,
}

/// What is known about one policy. Empty slices and absent values leave their measures out.
#[derive(Debug, Clone, Copy)]
pub struct PrudexInput<'a> {
    /// Metrics of the policy.
    pub policy: &'a RadarMetrics,
    /// Metrics of doing nothing.
    pub nothing: &'a RadarMetrics,
    /// Metrics of the market: the baseline that scores 75.
    pub market: &'a RadarMetrics,
    /// Returns per day.
    pub returns: &'a [f64],
    /// Returns of the market per day, as many.
    pub market_returns: &'a [f64],
    /// How the policy fared in the wildest stretches.
    pub extreme: &'a [ExtremeMarket],
    /// Per measure of universality, per cell (a country, a window, …) the policy's total return and the market's.
    pub cells: &'a BTreeMap<Measure, Vec<(f64, f64)>>,
    /// Weights per day, `[T][N]`.
    pub weights: &'a [Vec<f64>],
    /// Returns of the instruments, `[N][T]`.
    pub instruments: &'a [Vec<f64>],
    /// Which effective number of bets.
    pub truth: Truth,
    /// Scores of all runs, `[task][seed]`, 0 to 100.
    pub runs: &'a [Vec<f64>],
    /// Share of each rank, best first: a row of the distribution of ranks.
    pub ranks: &'a [f64],
    /// Judgement of a person, 1 to 100.
    pub explainability: Option<f64>,
}

/// The evaluation of one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prudex {
    /// Score of each axis, 0 to 100. Absent where none of its measures was evaluated.
    pub axes: BTreeMap<Axis, Option<f64>>,
    /// Every measure.
    pub measures: BTreeMap<Measure, Measured>,
    /// The octagon.
    pub pride_star: PrideStar,
}

/// The eight rays of the PRIDE star, each a score from 0 to 100; 75 is the market (diversity: all there is).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrideStar {
    /// Total return.
    pub total_return: Option<f64>,
    /// Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Calmar ratio.
    pub calmar: Option<f64>,
    /// Sortino ratio.
    pub sortino: Option<f64>,
    /// Volatility.
    pub volatility: Option<f64>,
    /// Maximum drawdown.
    pub max_drawdown: Option<f64>,
    /// Entropy of the weights.
    pub entropy: Option<f64>,
    /// Effective number of bets.
    pub effective_bets: Option<f64>,
}

/// Returns the evaluation of one policy.
#[must_use]
pub fn prudex(input: &PrudexInput<'_>) -> Prudex {
    let scale = radar(input.policy, input.nothing, input.market);
    let measures: BTreeMap<Measure, Measured> = Measure::ALL
        .into_iter()
        .map(|measure| (measure, measured(measure, input, &scale)))
        .collect();
    let score_of = |axis: Axis| {
        let scores = measures.iter().filter(|(measure, _)| measure.axis() == axis);
        mean(scores.filter_map(|(_, measured)| measured.score))
    };
    let explained = input.explainability.filter(|score| (1.0..=100.0).contains(score));
    let mut axes: BTreeMap<Axis, Option<f64>> =
        measures.keys().map(|measure| (measure.axis(), score_of(measure.axis()))).collect();
    axes.insert(Axis::Explainability, explained);
    let diversity = |measure| measures.get(&measure).and_then(|found| found.score);
    let pride_star = PrideStar {
        total_return: percent(scale.scores.total_return),
        sharpe: percent(scale.scores.sharpe),
        calmar: percent(scale.scores.calmar),
        sortino: percent(scale.scores.sortino),
        volatility: percent(scale.scores.volatility),
        max_drawdown: percent(scale.scores.max_drawdown),
        entropy: diversity(Measure::Entropy),
        effective_bets: diversity(Measure::Correlation),
    };
    Prudex { axes, measures, pride_star }
}

fn measured(measure: Measure, input: &PrudexInput<'_>, scale: &Radar) -> Measured {
    let scores = &scale.scores;
    match measure {
        Measure::Profit => {
            Measured { raw: input.policy.total_return, score: percent(scores.total_return) }
        }
        Measure::AlphaDecay => alpha_decay(input.returns, input.market_returns),
        Measure::EquityCurve => equity_curve(input.returns),
        Measure::Risk => {
            Measured { raw: input.policy.max_drawdown, score: percent(scale.risk_control) }
        }
        Measure::RiskAdjusted => {
            let ratios = [scores.sharpe, scores.calmar, scores.sortino].into_iter().flatten();
            Measured { raw: input.policy.sharpe, score: percent(mean(ratios)) }
        }
        Measure::ExtremeMarket => extreme(input.extreme),
        Measure::Country | Measure::AssetType | Measure::TimeScale | Measure::RollingWindow => {
            let cells = input.cells.get(&measure).map(Vec::as_slice).unwrap_or_default();
            share(mean(cells.iter().map(|(own, market)| if market < own { 1.0 } else { 0.0 })))
        }
        Measure::Entropy => {
            let raw = weight_entropy(input.weights);
            let most =
                input.weights.first().map(|day| (day.len() as f64).ln()).filter(|most| *most > 0.0);
            Measured { raw, score: raw.zip(most).map(|(raw, most)| bounded(100.0 * raw / most)) }
        }
        Measure::Correlation => {
            let raw = mean_effective_bets(input.weights, input.instruments, input.truth);
            let others = (input.instruments.len() as f64 - 1.0).max(0.0);
            let score =
                raw.filter(|_| 0.0 < others).map(|bets| bounded(100.0 * (bets - 1.0) / others));
            Measured { raw, score }
        }
        Measure::TSne => Measured::default(),
        Measure::Profile => {
            let above = |run: &f64| if 50.0 < *run { 1.0 } else { 0.0 };
            share(mean(input.runs.iter().flatten().map(above)))
        }
        Measure::Variability => variability(&input.runs.concat()),
        Measure::RankOrder => rank_order(input.ranks),
    }
}

/// Raw: difference of the halves. Score: 100·Φ(its t statistic), 50 where nothing decays.
fn alpha_decay(returns: &[f64], market: &[f64]) -> Measured {
    let score = || {
        let same = returns.len() == market.len();
        let excess: Vec<f64> =
            returns.iter().zip(market).map(|(own, market)| own - market).collect();
        let (first, second) = excess.split_at(excess.len() / 2);
        let decay = mean(second.iter().copied())? - mean(first.iter().copied())?;
        let error = (sample_spread(first)?.powi(2) / first.len() as f64
            + sample_spread(second)?.powi(2) / second.len() as f64)
            .sqrt();
        (same && decay.is_finite()).then(|| (decay, 100.0 * normal::cdf(decay / error)))
    };
    let found = score();
    Measured { raw: found.map(|(raw, _)| raw), score: found.map(|(_, score)| score) }
}

/// Raw: R². Score: 100·R² for a curve that rises, 0 for one that falls.
fn equity_curve(returns: &[f64]) -> Measured {
    let raw = stability(returns);
    let growth: f64 = returns.iter().map(|value| value.ln_1p()).sum();
    Measured { raw, score: raw.map(|raw| if 0.0 < growth { 100.0 * raw } else { 0.0 }) }
}

/// Raw: mean return above the market's. Score: share of stretches in which the market was beaten.
fn extreme(stretches: &[ExtremeMarket]) -> Measured {
    let above: Option<Vec<f64>> = stretches
        .iter()
        .map(|one| Some(one.strategy.total_return? - one.market.total_return?))
        .collect();
    let above = above.unwrap_or_default();
    let beaten = above.iter().map(|one| if 0.0 < *one { 100.0 } else { 0.0 });
    Measured { raw: mean(above.iter().copied()), score: mean(beaten) }
}

/// Raw: interquartile range / |median|. Score: 100/(1 + raw).
fn variability(runs: &[f64]) -> Measured {
    let raw = || {
        let range = quantile(runs, 0.75)? - quantile(runs, 0.25)?;
        let middle = quantile(runs, 0.5)?.abs();
        (2 <= runs.len() && 0.0 < middle).then(|| range / middle).filter(|raw| raw.is_finite())
    };
    let raw = raw();
    Measured { raw, score: raw.map(|raw| 100.0 / (1.0 + raw)) }
}

/// Raw: mean rank. Score: 100 for always the best, 0 for always the last.
fn rank_order(ranks: &[f64]) -> Measured {
    let whole: f64 = ranks.iter().sum();
    if ranks.len() < 2 || (whole - 1.0).abs() > 1e-6 || whole.is_nan() {
        return Measured::default();
    }
    let rank: f64 =
        ranks.iter().enumerate().map(|(place, share)| (place as f64 + 1.0) * share).sum();
    let last = ranks.len() as f64;
    Measured { raw: Some(rank), score: Some(bounded(100.0 * (last - rank) / (last - 1.0))) }
}

fn share(raw: Option<f64>) -> Measured {
    Measured { raw, score: raw.map(|raw| 100.0 * raw) }
}

/// Moves a radar score from −100 … 100 to 0 … 100.
fn percent(score: Option<f64>) -> Option<f64> {
    score.map(|score| bounded((score + 100.0) / 2.0))
}

fn bounded(score: f64) -> f64 {
    score.clamp(0.0, 100.0)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::measures::{extreme_market, extreme_windows};
    use super::*;

    fn metrics(value: f64) -> RadarMetrics {
        let value = Some(value);
        RadarMetrics {
            excess: value,
            total_return: value,
            sharpe: value,
            calmar: value,
            sortino: value,
            volatility: value,
            max_drawdown: value,
        }
    }

    #[test]
    fn every_measure_has_its_axis_and_without_data_nothing_is_scored() {
        let (nothing, cells) = (RadarMetrics::default(), BTreeMap::new());
        let input = PrudexInput {
            policy: &nothing,
            nothing: &nothing,
            market: &nothing,
            returns: &[],
            market_returns: &[],
            extreme: &[],
            cells: &cells,
            weights: &[],
            instruments: &[],
            truth: Truth::Corrected,
            runs: &[],
            ranks: &[],
            explainability: None,
        };
        let found = prudex(&input);
        assert_eq!((found.axes.len(), found.measures.len()), (6, 16));
        assert!(found.axes.values().all(Option::is_none));
        assert!(found.measures.values().all(|one| *one == Measured::default()));
        assert!(Measure::ALL.iter().all(|one| one.meaning().ends_with('.')));
    }

    #[test]
    fn scores_are_those_done_by_hand() {
        let (policy, nothing) = (metrics(0.2), metrics(0.0));
        let market_returns = [0.01, -0.02, 0.03, -0.01, 0.02, 0.01];
        let returns = [0.02, 0.01, 0.03, 0.0, 0.02, 0.03];
        let windows = extreme_windows(&market_returns, 2, 2);
        let extreme = extreme_market(&returns, &market_returns, &windows);
        let cells = BTreeMap::from([
            (Measure::Country, vec![(0.1, 0.0), (0.1, 0.2)]),
            (Measure::TimeScale, vec![(0.3, 0.2)]),
        ]);
        let weights = vec![vec![0.5, 0.5]; 3];
        let instruments = vec![vec![0.1, -0.1, 0.1, -0.1], vec![0.1, 0.1, -0.1, -0.1]];
        let input = PrudexInput {
            policy: &policy,
            nothing: &nothing,
            market: &policy,
            returns: &returns,
            market_returns: &market_returns,
            extreme: &extreme,
            cells: &cells,
            weights: &weights,
            instruments: &instruments,
            truth: Truth::Corrected,
            runs: &[vec![40.0, 60.0, 80.0, 100.0]],
            ranks: &[0.5, 0.25, 0.25],
            explainability: Some(50.0),
        };
        let found = prudex(&input);
        let score = |measure| found.measures[&measure].score.unwrap();
        // equal to the market: 75
        assert!((score(Measure::Profit) - 75.016_211_752_8).abs() < 1e-6);
        assert!((score(Measure::Risk) - 75.016_211_752_8).abs() < 1e-6);
        assert!((score(Measure::Country) - 50.0).abs() < 1e-12);
        assert!((found.axes[&Axis::Universality].unwrap() - 75.0).abs() < 1e-12);
        // equal weights of two uncorrelated instruments: all the diversity there is
        assert!((found.axes[&Axis::Diversity].unwrap() - 100.0).abs() < 1e-9);
        assert!((score(Measure::Profile) - 75.0).abs() < 1e-12);
        // quartiles 55 and 85 about 70
        assert!((score(Measure::Variability) - 100.0 / (1.0 + 30.0 / 70.0)).abs() < 1e-9);
        // mean rank 1.75 of 3
        assert!((score(Measure::RankOrder) - 62.5).abs() < 1e-9);
        assert!((score(Measure::ExtremeMarket) - 100.0).abs() < 1e-12);
        assert_eq!(found.axes[&Axis::Explainability], Some(50.0));
        assert_eq!(found.measures[&Measure::TSne], Measured::default());
        assert!((found.pride_star.effective_bets.unwrap() - 100.0).abs() < 1e-9);
        assert!((found.pride_star.sharpe.unwrap() - 75.016_211_752_8).abs() < 1e-6);
        let values = found
            .axes
            .values()
            .flatten()
            .chain(found.measures.values().filter_map(|one| one.score.as_ref()));
        assert!(values.into_iter().all(|score| (0.0..=100.0).contains(score)));
    }

    #[test]
    fn an_edge_that_fades_scores_below_fifty() {
        let market = [0.0; 40];
        let fading: Vec<f64> = (0..40)
            .map(|day| if day < 20 { 0.01 } else { -0.01 } + 0.001 * f64::from(day % 3))
            .collect();
        let found = alpha_decay(&fading, &market);
        assert!(found.raw.unwrap() < -0.019 && found.score.unwrap() < 1.0);
        assert_eq!(alpha_decay(&fading, &market[..39]).score, None);
        assert_eq!(equity_curve(&[-0.01; 5]).score, Some(0.0));
    }
}
