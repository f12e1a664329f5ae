//! Whom to ask to leave so that another fits: the fewest, then the youngest. Pure.
//!
//! Exact for one and two. From three on: always the one that covers most of what is still short, then those are let
//! go again without whom it fits as well, the oldest first.

use std::cmp::Reverse;

use super::amounts::{Dimension, Room};

/// A session that may be asked to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Victim {
    /// As the planner numbers it.
    pub(crate) job: usize,
    /// What becomes free.
    pub(crate) need: Room,
    /// Since when it runs, milliseconds: the latest has the least to lose.
    pub(crate) since_ms: u64,
}

/// Returns who leaves so that `short` becomes free, or none where all of them together are not enough.
///
/// Requires: `short` has something in it.
pub(crate) fn fewest(short: Room, candidates: &[Victim]) -> Option<Vec<Victim>> {
    let all = candidates.iter().fold(Room::default(), |sum, one| sum.plus(one.need));
    if !all.holds(&short) {
        return None;
    }
    let mut useful: Vec<Victim> =
        candidates.iter().copied().filter(|one| one.need.touches(&short)).collect();
    useful.sort_by_key(|one| (Reverse(one.since_ms), one.job));
    if let Some(one) = useful.iter().find(|one| one.need.holds(&short)) {
        return Some(vec![*one]);
    }
    // Youngest first by the elder of the two, so the first pair found is the best.
    for (elder, one) in useful.iter().enumerate() {
        for other in &useful[..elder] {
            if one.need.plus(other.need).holds(&short) {
                return Some(vec![*other, *one]);
            }
        }
    }
    Some(greedy(short, useful))
}

fn greedy(short: Room, mut useful: Vec<Victim>) -> Vec<Victim> {
    let mut chosen: Vec<Victim> = Vec::new();
    let mut left = short;
    while !left.is_zero() {
        // `max_by_key` returns the last of equals, and the youngest stand first: hence the reversal.
        let best = useful.iter().enumerate().rev().max_by_key(|(_, one)| share(&left, &one.need));
        let Some((at, _)) = best else { break };
        let one = useful.remove(at);
        left = left.minus(one.need).floor();
        chosen.push(one);
    }
    chosen.sort_by_key(|one| (one.since_ms, Reverse(one.job)));
    let mut at = 0;
    while at < chosen.len() {
        let rest = chosen.iter().enumerate().filter(|(other, _)| *other != at);
        let without = rest.fold(Room::default(), |sum, (_, one)| sum.plus(one.need));
        if without.holds(&short) {
            chosen.remove(at);
        } else {
            at += 1;
        }
    }
    chosen
}

/// How much of what is short one covers, summed over dimensions, in millionths of each.
fn share(short: &Room, need: &Room) -> i64 {
    Dimension::ALL
        .into_iter()
        .filter(|dimension| 0 < short.get(*dimension))
        .map(|dimension| {
            let wanted = short.get(dimension);
            // 2^44 at most (see `amounts`), so the product stays below 2^63.
            need.get(dimension).min(wanted).saturating_mul(1 << 18) / wanted
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::placement::amounts::Amounts;

    fn room(cpu_millis: u64, memory_mib: u64) -> Room {
        Amounts { cpu_millis, memory_mib, ..Amounts::default() }.into()
    }

    fn victims(needs: &[(u64, u64, u64)]) -> Vec<Victim> {
        needs
            .iter()
            .enumerate()
            .map(|(job, (cpu, memory, since_ms))| Victim {
                job,
                need: room(*cpu, *memory),
                since_ms: *since_ms,
            })
            .collect()
    }

    fn jobs(chosen: Option<Vec<Victim>>) -> Vec<usize> {
        let mut jobs: Vec<usize> = chosen.unwrap_or_default().iter().map(|one| one.job).collect();
        jobs.sort_unstable();
        jobs
    }

    #[test]
    fn one_that_suffices_is_taken_and_the_youngest_of_them() {
        let candidates = victims(&[(4, 4, 10), (9, 9, 30), (9, 9, 50), (1, 1, 90)]);
        assert_eq!(jobs(fewest(room(5, 5), &candidates)), [2]);
    }

    #[test]
    fn the_pair_whose_elder_is_youngest_is_taken() {
        let candidates = victims(&[(3, 0, 10), (3, 0, 20), (3, 0, 30)]);
        assert_eq!(jobs(fewest(room(6, 0), &candidates)), [1, 2]);
    }

    #[test]
    fn nobody_leaves_where_it_would_not_help() {
        assert_eq!(fewest(room(9, 0), &victims(&[(3, 9, 1), (3, 9, 2)])), None);
    }

    proptest! {
        #[test]
        fn those_who_leave_suffice_and_none_of_them_is_superfluous(
            needs in prop::collection::vec((0..9_u64, 0..9_u64, 0..99_u64), 0..9),
            short in (1..20_u64, 0..20_u64),
        ) {
            let candidates = victims(&needs);
            let short = room(short.0, short.1);
            let sum = |all: &[Victim]| all.iter().fold(Room::default(), |sum, one| sum.plus(one.need));
            match fewest(short, &candidates) {
                None => prop_assert!(!sum(&candidates).holds(&short)),
                Some(chosen) => {
                    prop_assert!(sum(&chosen).holds(&short));
                    for at in 0..chosen.len() {
                        let mut fewer = chosen.clone();
                        fewer.remove(at);
                        prop_assert!(!sum(&fewer).holds(&short), "one too many left");
                    }
                }
            }
        }
    }
}
