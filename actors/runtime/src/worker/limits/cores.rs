//! Which cores a worker runs on: apart from the others as long as there are enough. Pure.

use std::collections::BTreeMap;

/// How many workers hold each core.
pub(crate) type Use = BTreeMap<u32, u32>;

/// Returns the cores in the order in which the node called `node` gives them out: they begin at another place for each
/// name, so that several nodes on one machine, which do not know of each other, do not crowd its first core.
pub(crate) fn turned(mut cores: Vec<u32>, node: &str) -> Vec<u32> {
    if !cores.is_empty() {
        let sum = node.bytes().fold(7_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte)) % 65_521
        });
        let at = sum % cores.len();
        cores.rotate_left(at);
    }
    cores
}

/// Returns the `count` cores that are held least, ascending; the earlier in `cores` first. All of them when there are
/// not more, none when the machine does not tell which there are.
pub(crate) fn choose(cores: &[u32], used: &Use, count: u32) -> Vec<u32> {
    let mut order: Vec<u32> = cores.to_vec();
    order.sort_by_key(|core| used.get(core).copied().unwrap_or(0));
    order.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_node_has_all_cores_and_names_begin_at_different_ones() {
        let cores: Vec<u32> = (0..4).collect();
        let firsts: Vec<u32> =
            (0..20).map(|number| turned(cores.clone(), &format!("node-{number}"))[0]).collect();
        for core in &cores {
            assert!(firsts.contains(core), "{firsts:?}");
        }
        let mut turned = turned(cores.clone(), "node-3");
        turned.sort_unstable();
        assert_eq!(turned, cores);
        assert!(super::turned(Vec::new(), "n").is_empty());
    }

    proptest! {
        #[test]
        fn workers_are_apart_while_there_are_cores_and_evenly_spread_afterwards(
            count in 1..12_u32,
            wants in prop::collection::vec(1..5_u32, 0..12),
        ) {
            let cores: Vec<u32> = (0..count).map(|core| core * 3).collect();
            let mut used = Use::new();
            let mut sum = 0;
            for want in wants {
                let chosen = choose(&cores, &used, want);
                prop_assert_eq!(chosen.len(), usize::try_from(want.min(count)).unwrap());
                prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
                sum += want.min(count);
                for core in chosen {
                    prop_assert!(cores.contains(&core));
                    *used.entry(core).or_default() += 1;
                }
                let held = |core: &u32| used.get(core).copied().unwrap_or(0);
                let most = cores.iter().map(held).max().unwrap_or(0);
                let least = cores.iter().map(held).min().unwrap_or(0);
                prop_assert!(most - least <= 1, "{:?}", used);
                prop_assert!(count < sum || most <= 1, "two share a core while one is free: {:?}", used);
            }
        }
    }
}
