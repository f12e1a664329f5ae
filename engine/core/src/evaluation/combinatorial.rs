//! Combinatorial purged cross-validation: every choice of k test groups out of N, joined to paths through all rows.
//!
//! The rows are cut into N groups in time order. Each of the C(N, k) splits tests k of them and trains on the rest,
//! purged. Every group is tested φ = k/N·C(N, k) times; the j-th time belongs to path j, so φ back-tests over the whole
//! series come out of it. Training may lie behind a test block: only for strategies without memory of the path.
//!
//! Source: López de Prado 2018, "Advances in Financial Machine Learning", section 12.4; learning.md section 10.1.

use std::ops::Range;

use super::purge::Purge;
use crate::error::EngineError;

/// Most splits that are made.
pub const SPLITS_MAX: usize = 20_000;
/// Most groups.
const GROUPS_MAX: usize = 64;

/// One choice of test groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CombinatorialSplit {
    /// Indices of the test groups, rising.
    pub test_groups: Vec<usize>,
    /// Rows that may be trained on, in time order.
    pub train: Vec<Range<usize>>,
}

/// All splits of a series and the paths they make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combinatorial {
    /// Rows of each group, in time order, together all rows.
    pub groups: Vec<Range<usize>>,
    /// Every choice of test groups, in lexicographic order.
    pub splits: Vec<CombinatorialSplit>,
    /// Per path and group the split in which the group is tested for this path: `[path][group]`.
    pub paths: Vec<Vec<usize>>,
}

impl Combinatorial {
    /// Returns the test results of one path, joined in time order. `results` holds per split the value of every row
    /// (only rows of its test groups are read); undefined for a path that is none or results that are missing.
    #[must_use]
    pub fn join(&self, path: usize, results: &[Vec<f64>]) -> Option<Vec<f64>> {
        let mut joined = Vec::new();
        for (group, split) in self.groups.iter().zip(self.paths.get(path)?) {
            joined.extend_from_slice(results.get(*split)?.get(group.clone())?);
        }
        Some(joined)
    }
}

/// Returns every split of `rows` rows into `groups` groups of which `tested` are tested.
///
/// # Errors
/// Refuses fewer than two groups, a number tested that leaves none to train on, more splits than [`SPLITS_MAX`], fewer
/// rows than groups, and a purge that leaves a split nothing to train on.
pub fn combinatorial(
    rows: usize,
    groups: usize,
    tested: usize,
    purge: &Purge,
) -> Result<Combinatorial, EngineError> {
    let refused =
        |detail: String| EngineError::Refused { what: "combinatorial cross-validation", detail };
    if !(2..=GROUPS_MAX).contains(&groups) || tested == 0 || groups <= tested || rows < groups {
        return Err(refused(format!(
            "wanted 2 to {GROUPS_MAX} groups, fewer of them tested than there are and a row for each, found {groups} groups, \
             {tested} tested, {rows} rows"
        )));
    }
    let count = choose(groups, tested).filter(|count| *count <= SPLITS_MAX).ok_or_else(|| {
        refused(format!(
            "wanted at most {SPLITS_MAX} splits, found more for {tested} of {groups} groups; take fewer groups"
        ))
    })?;
    let ranges: Vec<Range<usize>> =
        (0..groups).map(|group| rows * group / groups..rows * (group + 1) / groups).collect();
    let mut splits = Vec::with_capacity(count);
    let mut paths: Vec<Vec<usize>> = vec![Vec::new(); count * tested / groups];
    let mut times_tested = vec![0; groups];
    let mut chosen: Vec<usize> = (0..tested).collect();
    loop {
        let tests: Vec<Range<usize>> =
            chosen.iter().filter_map(|group| ranges.get(*group).cloned()).collect();
        let train = purge.training(rows, &tests);
        if train.is_empty() {
            return Err(refused(format!(
                "nothing is left to train on when groups {chosen:?} of {groups} are tested; lower the purge or the embargo"
            )));
        }
        for group in &chosen {
            // groups are filled in order of their splits, so that the path's row of groups grows out of order
            if let Some(path) = paths.get_mut(times_tested[*group]) {
                path.resize(groups, usize::MAX);
                path[*group] = splits.len();
            }
            times_tested[*group] += 1;
        }
        splits.push(CombinatorialSplit { test_groups: chosen.clone(), train });
        if !advance(&mut chosen, groups) {
            return Ok(Combinatorial { groups: ranges, splits, paths });
        }
    }
}

/// Returns C(n, k); undefined when it does not fit.
fn choose(n: usize, k: usize) -> Option<usize> {
    (0..k.min(n - k)).try_fold(1_usize, |count, i| Some(count.checked_mul(n - i)? / (i + 1)))
}

/// Moves to the next choice in lexicographic order; false after the last.
fn advance(chosen: &mut [usize], groups: usize) -> bool {
    let count = chosen.len();
    let Some(place) = (0..count).rev().find(|place| chosen[*place] < groups - count + place) else {
        return false;
    };
    let next = chosen[place] + 1;
    for (offset, one) in chosen[place..].iter_mut().enumerate() {
        *one = next + offset;
    }
    true
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one block of rows")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn six_groups_two_tested_give_fifteen_splits_and_five_paths() {
        let found = combinatorial(60, 6, 2, &Purge::default()).unwrap();
        assert_eq!((found.splits.len(), found.paths.len()), (15, 5));
        assert_eq!(found.splits[0].test_groups, [0, 1]);
        assert_eq!(found.splits[0].train, [20..60]);
        assert_eq!(found.splits[14].test_groups, [4, 5]);
        // the first path: group 0 and 1 from the first split, every other from its first split with group 0
        assert_eq!(found.paths[0], [0, 0, 1, 2, 3, 4]);
        assert_eq!(found.paths[4], [4, 8, 11, 13, 14, 14]);
        assert_eq!(combinatorial(100, 5, 2, &Purge::default()).unwrap().splits.len(), 10);
        assert_eq!(combinatorial(100, 10, 5, &Purge::default()).unwrap().splits.len(), 252);
    }

    #[test]
    fn a_path_joins_what_its_splits_tested() {
        let found = combinatorial(6, 3, 1, &Purge::default()).unwrap();
        let results: Vec<Vec<f64>> = (0..3).map(|split| vec![f64::from(split); 6]).collect();
        assert_eq!(found.join(0, &results).unwrap(), [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
        assert_eq!(found.join(1, &results), None);
        assert_eq!(found.join(0, &results[..2]), None);
    }

    #[test]
    fn refuses_what_cannot_be_cut() {
        for (rows, groups, tested) in
            [(10, 1, 1), (10, 5, 5), (10, 5, 0), (3, 5, 2), (1_000, 60, 30)]
        {
            assert!(combinatorial(rows, groups, tested, &Purge::default()).is_err());
        }
        let greedy = Purge { lookback: 100, horizon: 100, embargo: 0 };
        assert!(combinatorial(60, 6, 2, &greedy).is_err());
    }

    proptest! {
        #[test]
        fn every_group_is_on_every_path_once_and_nothing_tested_is_trained_on(
            groups in 2_usize..8, tested in 1_usize..4, lookback in 0_usize..4, horizon in 0_usize..4, embargo in 0_usize..4,
        ) {
            let rows = 20 * groups + 3;
            let purge = Purge { lookback, horizon, embargo };
            let Ok(found) = combinatorial(rows, groups, tested, &purge) else { return Ok(()) };
            prop_assert_eq!(found.paths.len(), found.splits.len() * tested / groups);
            for path in &found.paths {
                for (group, split) in path.iter().enumerate() {
                    prop_assert!(found.splits[*split].test_groups.contains(&group));
                }
            }
            for split in &found.splits {
                for row in split.train.iter().cloned().flatten() {
                    for group in &split.test_groups {
                        prop_assert!(purge.keeps(row, &found.groups[*group]));
                    }
                }
            }
        }
    }
}
