//! Which nodes hold a file. Pure.
//!
//! Rendezvous hashing (Thaler and Ravishankar 1998): every node ranks all members for a file by a hash of both; the
//! first ones hold it. Everybody finds the same ranks without asking, and a lost node moves only its own files.

use sha2::{Digest, Sha256};
use store::BlobHash;

/// Returns the members in the order in which they should hold the file.
pub(crate) fn ranked(hash: BlobHash, members: &[String]) -> Vec<String> {
    let mut ranks: Vec<([u8; 32], &String)> = members
        .iter()
        .map(|member| {
            let mut digest = Sha256::new();
            digest.update(hash.0);
            digest.update(member.as_bytes());
            (digest.finalize().into(), member)
        })
        .collect();
    ranks.sort();
    ranks.dedup();
    ranks.into_iter().map(|(_, member)| member.clone()).collect()
}

/// Returns whether `node` is one of the first `copies` that should hold the file.
pub(crate) fn should_hold(hash: BlobHash, members: &[String], node: &str, copies: usize) -> bool {
    ranked(hash, members).iter().take(copies).any(|member| member == node)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("n-{n}")).collect()
    }

    proptest! {
        #[test]
        fn a_lost_node_moves_only_its_own_files(bytes: [u8; 32], count in 3_usize..9, lost in 0_usize..9) {
            let members = names(count);
            let gone = format!("n-{}", lost % count);
            let left: Vec<String> = members.iter().filter(|name| **name != gone).cloned().collect();
            let (before, after) = (ranked(BlobHash(bytes), &members), ranked(BlobHash(bytes), &left));
            let without: Vec<String> = before.iter().filter(|name| **name != gone).cloned().collect();
            prop_assert_eq!(after, without);
        }

        #[test]
        fn the_order_of_members_does_not_matter(bytes: [u8; 32], count in 1_usize..9) {
            let members = names(count);
            let turned: Vec<String> = members.iter().rev().cloned().collect();
            prop_assert_eq!(ranked(BlobHash(bytes), &members), ranked(BlobHash(bytes), &turned));
            let holders = members.iter().filter(|name| should_hold(BlobHash(bytes), &members, name, 2)).count();
            prop_assert_eq!(holders, count.min(2));
        }
    }

    #[test]
    fn files_spread_evenly() {
        let members = names(4);
        let mut counts = [0_usize; 4];
        for n in 0..4_000_u32 {
            let hash = BlobHash(Sha256::digest(n.to_le_bytes()).into());
            let first = ranked(hash, &members)[0].clone();
            counts[members.iter().position(|name| *name == first).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }
}
