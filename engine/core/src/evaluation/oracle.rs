//! The hindsight oracle: the best that could have been done, exactly, by going backwards from the end.
//!
//! It knows the future. It is for reports (an upper bound) and for teaching (action values as targets), and nothing that
//! decides can be made of it: [`Oracle`] implements no policy trait and cannot be stored or read back, and `policies` and
//! `features`, which stand left of `evaluation` in the module order, cannot name it.
//!
//! ```compile_fail
//! use engine::evaluation::oracle::{Oracle, OracleConfig};
//! use engine::policies::Policy;
//! let config = OracleConfig { positions: vec![0.0, 1.0], cost: 0.001, start: 0 };
//! let oracle = Oracle::new(&[1.01, 0.99], &config).unwrap();
//! // A live seat takes a policy; the oracle is none.
//! let live: Box<dyn Policy> = Box::new(oracle);
//! ```

use crate::error::EngineError;

/// Most positions to choose from.
pub const POSITIONS_MAX: usize = 201;
/// Most numbers of the table of action values.
const VALUES_MAX: usize = 200_000_000;

/// What may be held, and what trading costs.
#[derive(Debug, Clone, PartialEq)]
pub struct OracleConfig {
    /// Shares of the account that may be held in the instrument: −1 short, 0 cash, 1 all of it.
    pub positions: Vec<f64>,
    /// Cost of trading, share of the value traded, at least 0 and below 1.
    pub cost: f64,
    /// Index of the position at the beginning.
    pub start: usize,
}

/// Action values of every bar and position, solved backwards.
///
/// A bar begins with the position of the bar before, drifted by that bar's price: p̂ = p·x/(1 + p·(x − 1)), and p at the
/// first bar. Choosing p′ multiplies wealth by (1 − c·|p′ − p̂|)·(1 + p′·(x − 1)); V_t(p) is the greatest sum of the
/// logarithms from t on.
#[derive(Debug, Clone)]
pub struct Oracle {
    positions: Vec<f64>,
    start: usize,
    /// Q_t(p, p′), `[T][P][P]`; −∞ where wealth would be lost entirely.
    values: Vec<f64>,
    bars: usize,
}

impl Oracle {
    /// Solves for `relatives` (price now / price before of each bar, `[T]`, finite and above 0). Takes O(T·P²) time and
    /// memory.
    ///
    /// # Errors
    /// Refuses relatives and parameters out of range, and tables that are too large.
    pub fn new(relatives: &[f64], config: &OracleConfig) -> Result<Self, EngineError> {
        check(relatives, config)?;
        let (bars, count) = (relatives.len(), config.positions.len());
        let mut values = vec![f64::NEG_INFINITY; bars * count * count];
        let mut best_after = vec![0.0; count];
        for bar in (0..bars).rev() {
            let table = &mut values[bar * count * count..(bar + 1) * count * count];
            let before = bar.checked_sub(1).map(|before| relatives[before]);
            let mut best = vec![f64::NEG_INFINITY; count];
            for (from, row) in table.chunks_exact_mut(count).enumerate() {
                let Some(held) = drifted(config.positions[from], before) else { continue };
                for (to, value) in row.iter_mut().enumerate() {
                    let target = config.positions[to];
                    *value =
                        log_growth((held, target), relatives[bar], config.cost) + best_after[to];
                    best[from] = best[from].max(*value);
                }
            }
            best_after = best;
        }
        Ok(Self { positions: config.positions.clone(), start: config.start, values, bars })
    }

    /// Returns the number of bars.
    #[must_use]
    pub fn bars(&self) -> usize {
        self.bars
    }

    /// Returns Q_t(p, ·): the logarithm of wealth gained from `bar` on by choosing each position, and the best ones after
    /// it, when `from` was held before. Absent outside the table. −∞ is ruin.
    #[must_use]
    pub fn action_values(&self, bar: usize, from: usize) -> Option<&[f64]> {
        let count = self.positions.len();
        let first = bar.checked_mul(count)?.checked_add(from)?.checked_mul(count)?;
        self.values.get(first..first.checked_add(count)?).filter(|_| from < count)
    }

    /// Returns the logarithm of the greatest wealth, in units of that at the beginning; absent where every path is ruin.
    #[must_use]
    pub fn log_wealth(&self) -> Option<f64> {
        let values = self.action_values(0, self.start)?;
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        best.is_finite().then_some(best)
    }

    /// Returns the index of the best position of each bar, `[T]`: of equals the one nearest to what is held, then the
    /// first. Absent where every path is ruin.
    #[must_use]
    pub fn path(&self) -> Option<Vec<usize>> {
        self.log_wealth()?;
        let mut path = Vec::with_capacity(self.bars);
        let mut at = self.start;
        for bar in 0..self.bars {
            let values = self.action_values(bar, at)?;
            let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let apart = |index: &usize| (self.positions[*index] - self.positions[at]).abs();
            let chosen = (0..values.len())
                .filter(|index| best <= values[*index])
                .min_by(|a, b| apart(a).total_cmp(&apart(b)))?;
            path.push(chosen);
            at = chosen;
        }
        Some(path)
    }

    /// Returns softmax(Q_t(p, ·)/τ): what a learner is taught at `bar` holding `from`, sharper at a lower
    /// `temperature`. Absent outside the table, for temperatures not above 0, and where every choice is ruin.
    #[must_use]
    pub fn teaching(&self, bar: usize, from: usize, temperature: f64) -> Option<Vec<f64>> {
        let values = self.action_values(bar, from)?;
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !(best.is_finite() && temperature.is_finite() && temperature > 0.0) {
            return None;
        }
        let parts: Vec<f64> =
            values.iter().map(|value| ((value - best) / temperature).exp()).collect();
        let sum: f64 = parts.iter().sum();
        Some(parts.iter().map(|part| part / sum).collect())
    }
}

/// Returns the logarithm of wealth after choosing `path` (indices of positions, one per bar); absent after ruin, and for
/// paths that do not fit. The measure by which any policy over the same positions is compared with the oracle.
#[must_use]
pub fn log_wealth_of(relatives: &[f64], config: &OracleConfig, path: &[usize]) -> Option<f64> {
    if path.len() != relatives.len() {
        return None;
    }
    let mut held = *config.positions.get(config.start)?;
    let mut sum = 0.0;
    for (index, relative) in path.iter().zip(relatives) {
        let target = *config.positions.get(*index)?;
        sum += log_growth((held, target), *relative, config.cost);
        if !sum.is_finite() {
            return None;
        }
        held = drifted(target, Some(*relative))?;
    }
    Some(sum)
}

/// Returns the share that a position has become; absent after ruin.
fn drifted(position: f64, relative: Option<f64>) -> Option<f64> {
    let Some(relative) = relative else { return Some(position) };
    let growth = 1.0 + position * (relative - 1.0);
    (growth > 0.0).then(|| position * relative / growth)
}

/// Returns the logarithm of growth over a bar; −∞ for ruin.
fn log_growth((held, target): (f64, f64), relative: f64, cost: f64) -> f64 {
    let kept = 1.0 - cost * (target - held).abs();
    let growth = 1.0 + target * (relative - 1.0);
    if kept > 0.0 && growth > 0.0 { kept.ln() + growth.ln() } else { f64::NEG_INFINITY }
}

fn check(relatives: &[f64], config: &OracleConfig) -> Result<(), EngineError> {
    let refuse = |detail: String| Err(EngineError::Refused { what: "oracle", detail });
    let count = config.positions.len();
    if count == 0 || POSITIONS_MAX < count || count <= config.start {
        return refuse(format!(
            "wanted 1 to {POSITIONS_MAX} positions and a start among them, found {count} and {}",
            config.start
        ));
    }
    if !config.positions.iter().all(|position| position.is_finite()) {
        return refuse(format!("wanted finite positions, found {:?}", config.positions));
    }
    if !(0.0..1.0).contains(&config.cost) {
        return refuse(format!("wanted a cost of at least 0 and below 1, found {}", config.cost));
    }
    if VALUES_MAX / (count * count) < relatives.len() {
        return refuse(format!(
            "wanted at most {VALUES_MAX} action values, found {} bars of {count} positions; use fewer positions",
            relatives.len()
        ));
    }
    match relatives.iter().position(|relative| !(relative.is_finite() && *relative > 0.0)) {
        None => Ok(()),
        Some(bar) => refuse(format!(
            "wanted finite price relatives above 0, found {} at bar {bar}; correct the data",
            relatives[bar]
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(positions: &[f64], cost: f64) -> OracleConfig {
        OracleConfig { positions: positions.to_vec(), cost, start: 0 }
    }

    #[test]
    fn a_rise_and_a_fall_are_done_by_hand() {
        // In for the doubling, out for the halving: 2·(1 − c)², short −1 not allowed.
        let config = config(&[0.0, 1.0], 0.01);
        let oracle = Oracle::new(&[2.0, 0.5, 1.0], &config).unwrap();
        let wanted = (2.0_f64 * 0.99 * 0.99).ln();
        assert!((oracle.log_wealth().unwrap() - wanted).abs() < 1e-14);
        assert_eq!(oracle.path().unwrap(), [1, 0, 0]);
        // Gains below the cost are left alone.
        let small = Oracle::new(&[1.015, 0.9], &config).unwrap();
        assert_eq!(small.path().unwrap(), [0, 0]);
        assert!(small.log_wealth().unwrap().abs() < 1e-15);
    }

    #[test]
    fn a_short_that_loses_everything_is_never_chosen() {
        let config = OracleConfig { positions: vec![-1.0, 0.0], cost: 0.0, start: 1 };
        let oracle = Oracle::new(&[2.0, 0.5], &config).unwrap();
        assert_eq!(oracle.path().unwrap(), [1, 0]);
        assert!((oracle.log_wealth().unwrap() - 1.5_f64.ln()).abs() < 1e-15);
        let doomed = OracleConfig { positions: vec![-1.0], cost: 0.0, start: 0 };
        let oracle = Oracle::new(&[2.0], &doomed).unwrap();
        assert_eq!((oracle.log_wealth(), oracle.path()), (None, None));
        assert_eq!(oracle.teaching(0, 0, 1.0), None);
    }

    #[test]
    fn teaching_prefers_what_is_worth_more() {
        let oracle = Oracle::new(&[2.0], &config(&[0.0, 1.0], 0.0)).unwrap();
        // exp(ln 2/1) against exp(0).
        let taught = oracle.teaching(0, 0, 1.0).unwrap();
        assert!((taught[1] - 2.0 / 3.0).abs() < 1e-14);
        assert!(oracle.teaching(0, 0, 1e-3).unwrap()[1] > 1.0 - 1e-12);
        for (bar, from, temperature) in [(1, 0, 1.0), (0, 2, 1.0), (0, 0, 0.0), (0, 0, f64::NAN)] {
            assert_eq!(oracle.teaching(bar, from, temperature), None);
        }
    }

    #[test]
    fn refuses_what_is_no_market() {
        for relatives in [&[1.0, 0.0][..], &[f64::NAN], &[f64::INFINITY], &[-1.0]] {
            assert!(Oracle::new(relatives, &config(&[0.0], 0.0)).is_err(), "{relatives:?}");
        }
        for wrong in [
            config(&[], 0.0),
            config(&[f64::NAN], 0.0),
            config(&[0.0], 1.0),
            config(&[0.0], -0.1),
            config(&[0.0], f64::NAN),
            OracleConfig { start: 1, ..config(&[0.0], 0.0) },
        ] {
            assert!(Oracle::new(&[1.0], &wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(Oracle::new(&[], &config(&[0.0], 0.0)).unwrap().log_wealth(), None);
    }

    /// Tries every path.
    fn brute_force(relatives: &[f64], config: &OracleConfig) -> Option<f64> {
        let count = config.positions.len();
        let paths = (0..relatives.len()).fold(1, |paths, _| paths * count);
        (0..paths)
            .filter_map(|mut number| {
                let mut path = Vec::new();
                for _ in relatives {
                    path.push(number % count);
                    number /= count;
                }
                log_wealth_of(relatives, config, &path)
            })
            .reduce(f64::max)
    }

    fn markets() -> impl Strategy<Value = (Vec<f64>, OracleConfig)> {
        let relatives = prop::collection::vec(0.4..2.5_f64, 1..7);
        let positions = prop::collection::vec(-1.0..1.5_f64, 1..4);
        (relatives, positions, 0.0..0.05_f64, any::<prop::sample::Index>()).prop_map(
            |(relatives, positions, cost, start)| {
                let start = start.index(positions.len());
                (relatives, OracleConfig { positions, cost, start })
            },
        )
    }

    proptest! {
        #[test]
        fn is_the_best_of_all_paths((relatives, config) in markets()) {
            let oracle = Oracle::new(&relatives, &config).unwrap();
            match (oracle.log_wealth(), brute_force(&relatives, &config)) {
                (Some(found), Some(wanted)) => {
                    prop_assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
                    let walked = log_wealth_of(&relatives, &config, &oracle.path().unwrap()).unwrap();
                    prop_assert!((walked - found).abs() < 1e-12);
                }
                (found, wanted) => prop_assert_eq!(found, wanted),
            }
        }

        #[test]
        fn no_policy_beats_it(
            relatives in prop::collection::vec(0.8..1.25_f64, 1..200),
            choices in prop::collection::vec(0_usize..3, 200),
            cost in 0.0..0.02_f64,
        ) {
            let config = config(&[0.0, 0.5, 1.0], cost);
            let bound = Oracle::new(&relatives, &config).unwrap().log_wealth().unwrap();
            let random = log_wealth_of(&relatives, &config, &choices[..relatives.len()]).unwrap();
            let held = log_wealth_of(&relatives, &config, &vec![2; relatives.len()]).unwrap();
            prop_assert!(random <= bound + 1e-9 && held <= bound + 1e-9);
            prop_assert!(bound >= 0.0, "staying in cash costs nothing");
        }
    }
}
