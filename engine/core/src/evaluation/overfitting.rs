//! Probability of back-test overfitting by combinatorially symmetric cross-validation (CSCV).
//!
//! How often is the trial that looked best in one half of the data below the median in the other half? Rows are cut
//! into S blocks; every choice of S/2 blocks is in-sample once. Blocks enter by their sums only, which makes 12 870
//! splits of a hundred trials a matter of milliseconds.
//!
//! Source: Bailey, Borwein, López de Prado and Zhu 2017 ("The probability of backtest overfitting"); learning.md
//! section 10.4.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;

/// Blocks unless told otherwise: 12 870 splits.
pub const BLOCKS: usize = 16;
/// Most blocks: 184 756 splits.
const BLOCKS_MAX: usize = 20;
/// Below this a standard deviation is rounding. A trial that never traded scores 0, not 0/0.
const DEVIATION_MIN: f64 = 1e-12;

/// By what a trial is judged within its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// Mean return per standard deviation.
    #[default]
    Sharpe,
    /// Mean return.
    Mean,
}

/// What cross-validation says about the way the best trial is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overfitting {
    /// Share of splits in which the best in-sample trial ranks at or below the median out of sample, 0 to 1.
    pub probability: f64,
    /// Splits made.
    pub splits: u32,
    /// Rows used; a remainder at the end is dropped.
    pub rows: u32,
    /// Slope of the out-of-sample on the in-sample score of the chosen trial; below 0 the better fit does worse. Absent
    /// when the in-sample score does not vary.
    pub slope: Option<f64>,
    /// Share of splits in which the chosen trial loses out of sample, 0 to 1.
    pub loss_share: f64,
    /// Logit λ of the relative rank, one per split.
    pub logits: Vec<f64>,
    /// What became of the chosen trial, one per split: how performance degrades out of sample.
    #[serde(default)]
    pub chosen: Vec<ChosenScore>,
}

/// The score of the trial that was best in one half of the data, in both halves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChosenScore {
    /// Where it was chosen, per period.
    pub inside: f64,
    /// In the other half.
    pub outside: f64,
}

/// Sums of one trial over some blocks.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    values: f64,
    squares: f64,
}

impl Sums {
    fn score(self, count: f64, score: Score) -> f64 {
        let mean = self.values / count;
        match score {
            Score::Mean => mean,
            Score::Sharpe => {
                let variance = (self.squares - count * mean * mean).max(0.0) / (count - 1.0);
                mean / variance.sqrt().max(DEVIATION_MIN)
            }
        }
    }
}

/// Returns the probability that choosing the best of these trials is overfitting.
///
/// Shapes: `trials` N × T returns per period, all of one length. `blocks` is even, at most 20.
///
/// # Errors
/// Refuses fewer than two trials, trials of different length or with values that are not finite, an odd number of
/// blocks, and fewer than two rows per block.
pub fn cscv(trials: &[Vec<f64>], blocks: usize, score: Score) -> Result<Overfitting, EngineError> {
    let rows = check(trials, blocks)?;
    let per_block = rows / blocks;
    let sums = block_sums(trials, blocks, per_block);
    let half = (per_block * blocks / 2) as f64;
    let count = trials.len();
    let (mut chosen, mut rest) = (vec![Sums::default(); count], vec![Sums::default(); count]);
    let (mut logits, mut pairs, mut losses, mut below) = (Vec::new(), Vec::new(), 0_u32, 0_u32);
    for mask in halves(blocks) {
        chosen.fill(Sums::default());
        rest.fill(Sums::default());
        for (block, sums) in sums.iter().enumerate() {
            let side = if mask & (1 << block) != 0 { &mut chosen } else { &mut rest };
            for (total, sum) in side.iter_mut().zip(sums) {
                total.values += sum.values;
                total.squares += sum.squares;
            }
        }
        let (best, inside) = best_of(&chosen, half, score);
        let outside: Vec<f64> = rest.iter().map(|sums| sums.score(half, score)).collect();
        let own = outside[best];
        let rank = rank_of(&outside, own);
        let share = rank / (count as f64 + 1.0);
        logits.push((share / (1.0 - share)).ln());
        pairs.push(ChosenScore { inside, outside: own });
        losses += u32::from(own < 0.0);
        // exact where the logarithm of a quotient is not
        below += u32::from(2.0 * rank <= count as f64 + 1.0);
    }
    let splits = logits.len() as f64;
    Ok(Overfitting {
        probability: f64::from(below) / splits,
        splits: u32::try_from(logits.len()).unwrap_or(u32::MAX),
        rows: u32::try_from(per_block * blocks).unwrap_or(u32::MAX),
        slope: slope(&pairs),
        loss_share: f64::from(losses) / splits,
        logits,
        chosen: pairs,
    })
}

/// Returns the number of rows.
fn check(trials: &[Vec<f64>], blocks: usize) -> Result<usize, EngineError> {
    let refused =
        |detail: String| EngineError::Refused { what: "probability of overfitting", detail };
    let rows = trials.first().map_or(0, Vec::len);
    if trials.len() < 2 {
        return Err(refused(format!(
            "wanted the returns of at least 2 trials, found {}; a single trial cannot be chosen",
            trials.len()
        )));
    }
    if let Some(odd) = trials.iter().position(|trial| trial.len() != rows) {
        return Err(refused(format!(
            "wanted {rows} returns of every trial, found {} of trial {odd}; align them by time first",
            trials[odd].len()
        )));
    }
    if let Some(bad) = trials.iter().position(|trial| !trial.iter().all(|value| value.is_finite()))
    {
        return Err(refused(format!(
            "wanted finite returns, trial {bad} has others; leave it out"
        )));
    }
    if !(2..=BLOCKS_MAX).contains(&blocks) || !blocks.is_multiple_of(2) || rows < 2 * blocks {
        return Err(refused(format!(
            "wanted an even number of blocks up to {BLOCKS_MAX} and at least 2 rows for each, found {blocks} blocks and \
             {rows} rows; take fewer blocks"
        )));
    }
    Ok(rows)
}

/// Returns the sums of every trial in every block: `[block][trial]`.
fn block_sums(trials: &[Vec<f64>], blocks: usize, per_block: usize) -> Vec<Vec<Sums>> {
    (0..blocks)
        .map(|block| {
            let rows = block * per_block..(block + 1) * per_block;
            let sum = |values: &[f64]| Sums {
                values: values.iter().sum(),
                squares: values.iter().map(|value| value * value).sum(),
            };
            trials.iter().map(|trial| sum(&trial[rows.clone()])).collect()
        })
        .collect()
}

/// Returns every choice of half of the blocks as a bit mask, rising.
fn halves(blocks: usize) -> impl Iterator<Item = u32> {
    let last = 1_u32 << blocks;
    (0..last).filter(move |mask| mask.count_ones() as usize * 2 == blocks)
}

/// Returns the first trial with the highest score, and the score.
fn best_of(sums: &[Sums], count: f64, score: Score) -> (usize, f64) {
    let mut best = (0, f64::NEG_INFINITY);
    for (trial, sums) in sums.iter().enumerate() {
        let value = sums.score(count, score);
        if best.1 < value {
            best = (trial, value);
        }
    }
    best
}

/// Returns the rank of a value among all, 1 for the lowest, ties averaged.
fn rank_of(values: &[f64], own: f64) -> f64 {
    let (mut lower, mut equal) = (0_u32, 0_u32);
    for value in values {
        lower += u32::from(*value < own);
        equal += u32::from(value.total_cmp(&own).is_eq());
    }
    f64::from(lower) + (f64::from(equal) + 1.0) / 2.0
}

/// Returns the least-squares slope of the second on the first.
fn slope(pairs: &[ChosenScore]) -> Option<f64> {
    let count = pairs.len() as f64;
    let (x, y) = pairs
        .iter()
        .fold((0.0, 0.0), |(x, y), pair| (x + pair.inside / count, y + pair.outside / count));
    let together: f64 = pairs.iter().map(|pair| (pair.inside - x) * (pair.outside - y)).sum();
    let squares: f64 = pairs.iter().map(|pair| (pair.inside - x) * (pair.inside - x)).sum();
    (DEVIATION_MIN <= (squares / count).sqrt()).then(|| together / squares)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::{Stream, StreamId};

    fn noise(seed: u64, trials: u32, rows: usize) -> Vec<Vec<f64>> {
        (0..trials)
            .map(|trial| {
                let mut stream = Stream::new(seed, StreamId::Synthesis, trial);
                (0..rows).map(|_| 0.01 * stream.normal()).collect()
            })
            .collect()
    }

    #[test]
    fn four_rows_and_two_blocks_are_the_ones_done_by_hand() {
        // by mean: trial 0 is best in the first half and worst in the second, trial 1 the other way round
        let trials =
            vec![vec![0.02, 0.03, -0.02, -0.01], vec![-0.01, 0.0, 0.01, 0.02], vec![0.0; 4]];
        let found = cscv(&trials, 2, Score::Mean).unwrap();
        assert_eq!(found.splits, 2);
        // rank 1 of 3: ω = 1/4, λ = ln(1/3), both times
        assert!(found.logits.iter().all(|one| (one - (1.0_f64 / 3.0).ln()).abs() < 1e-12));
        assert!((found.probability - 1.0).abs() < 1e-15);
        assert!((found.loss_share - 1.0).abs() < 1e-15);
        // (in, out): (0.025, −0.015) and (0.015, −0.005)
        assert!((found.slope.unwrap() + 1.0).abs() < 1e-9);
    }

    #[test]
    fn sixteen_blocks_give_12_870_splits_and_ten_252() {
        let trials = noise(1, 5, 170);
        assert_eq!(cscv(&trials, 16, Score::Sharpe).unwrap().splits, 12_870);
        let ten = cscv(&trials, 10, Score::Sharpe).unwrap();
        assert_eq!((ten.splits, ten.rows), (252, 170));
        assert_eq!(cscv(&noise(1, 5, 179), 10, Score::Sharpe).unwrap().rows, 170);
    }

    #[test]
    fn noise_is_overfitted_about_half_the_time() {
        let mean = (0..40)
            .map(|seed| cscv(&noise(seed, 20, 200), 10, Score::Sharpe).unwrap().probability)
            .sum::<f64>()
            / 40.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
    }

    #[test]
    fn one_dominant_trial_is_no_accident() {
        let mut trials = noise(3, 20, 320);
        trials[7].iter_mut().for_each(|value| *value += 0.03);
        let found = cscv(&trials, 16, Score::Sharpe).unwrap();
        assert!(found.probability.abs() < 1e-15 && found.loss_share.abs() < 1e-15);
    }

    #[test]
    fn a_trial_that_never_traded_scores_nothing() {
        let trials = vec![vec![0.0; 40], noise(1, 1, 40).remove(0)];
        let found = cscv(&trials, 4, Score::Sharpe).unwrap();
        assert!(found.logits.iter().all(|one| one.is_finite()));
    }

    #[test]
    fn refuses_what_is_no_matrix() {
        let good = noise(1, 3, 64);
        assert!(cscv(&good[..1], 16, Score::Sharpe).is_err());
        assert!(cscv(&[], 16, Score::Sharpe).is_err());
        for blocks in [0, 3, 22, 64] {
            assert!(cscv(&good, blocks, Score::Sharpe).is_err(), "{blocks}");
        }
        let mut uneven = good.clone();
        uneven[1].pop();
        assert!(cscv(&uneven, 16, Score::Sharpe).unwrap_err().to_string().contains("trial 1"));
        let mut broken = good;
        broken[2][5] = f64::NAN;
        assert!(cscv(&broken, 16, Score::Sharpe).unwrap_err().to_string().contains("trial 2"));
    }

    proptest! {
        #[test]
        fn the_order_of_the_trials_and_their_scale_do_not_matter(seed in 0_u64..1_000, scale in 0.1..10.0_f64) {
            let trials = noise(seed, 6, 40);
            let found = cscv(&trials, 8, Score::Sharpe).unwrap().probability;
            let mut turned: Vec<Vec<f64>> = trials.clone();
            turned.rotate_left(2);
            prop_assert_eq!(cscv(&turned, 8, Score::Sharpe).unwrap().probability.to_bits(), found.to_bits());
            let scaled: Vec<Vec<f64>> =
                trials.iter().map(|trial| trial.iter().map(|value| value * scale).collect()).collect();
            prop_assert!((cscv(&scaled, 8, Score::Sharpe).unwrap().probability - found).abs() < 0.05);
        }
    }
}
