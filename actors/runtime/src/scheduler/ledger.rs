//! What users and teams have, may have, and whose turn it is. Pure.
//!
//! Fair share is dominant resource fairness (Ghodsi et al. 2011, "Dominant Resource Fairness: Fair Allocation of
//! Multiple Resource Types", algorithm 1) with weights: whoever has the smallest dominant share goes next, where the
//! share counts what is placed, not what was used in the past.

use crate::placement::amounts::{Dimension, Room};
use crate::scheduler::picture::Quota;
use crate::scheduler::reason::{Reason, Scope};

/// A share of one, before it is divided by a weight. Kept whole, so that all nodes compute the same.
const SHARE_ONE: u64 = 1 << 20;

/// Larger amounts count as this one, so that the product with [`SHARE_ONE`] fits.
const AMOUNT_MAX: u64 = 1 << 43;

/// What one session or gang adds to one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge {
    /// Which account.
    pub(crate) account: usize,
    /// Amounts.
    pub(crate) need: Room,
    /// Sessions.
    pub(crate) count: i64,
}

/// A user or a team.
#[derive(Debug, Clone)]
struct Account {
    scope: Scope,
    name: String,
    limits: Vec<(Dimension, i64)>,
    count_max: Option<i64>,
    weight: u64,
    /// What is placed.
    used: Room,
    count: i64,
    /// Held back within one pass for those that go first.
    held: Room,
    held_count: i64,
    /// Looked at in this pass and still waiting: counts for whose turn it is, so that turns alternate.
    queued: Room,
}

/// All accounts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    accounts: Vec<Account>,
    total: Room,
}

impl Ledger {
    /// Opens the books of a cluster with so much in all.
    pub(crate) fn new(total: Room) -> Self {
        Self { accounts: Vec::new(), total }
    }

    /// Opens an account and returns its number.
    pub(crate) fn open(&mut self, scope: Scope, name: &str, quota: &Quota) -> usize {
        let clamp = |limit: u64| i64::try_from(limit).unwrap_or(i64::MAX);
        self.accounts.push(Account {
            scope,
            name: name.to_owned(),
            limits: quota
                .max
                .iter()
                .map(|(dimension, limit)| (*dimension, clamp(*limit)))
                .collect(),
            count_max: quota.sessions_max.map(i64::from),
            weight: u64::from(quota.weight.max(1)),
            used: Room::default(),
            count: 0,
            held: Room::default(),
            held_count: 0,
            queued: Room::default(),
        });
        self.accounts.len() - 1
    }

    /// Returns why this may not be placed now.
    pub(crate) fn refuses(&self, charges: &[Charge]) -> Option<Reason> {
        charges.iter().find_map(|charge| {
            let account = &self.accounts[charge.account];
            let reason = |dimension, limit: i64, used: i64, wanted: i64| Reason::Quota {
                scope: account.scope,
                name: account.name.clone(),
                dimension,
                limit: limit.max(0).cast_unsigned(),
                used: used.max(0).cast_unsigned(),
                wanted: wanted.max(0).cast_unsigned(),
            };
            let taken = account.used.plus(account.held);
            let over = account.limits.iter().find(|(dimension, limit)| {
                let wanted = charge.need.get(*dimension);
                0 < wanted && *limit < taken.get(*dimension).saturating_add(wanted)
            });
            if let Some((dimension, limit)) = over {
                let (used, wanted) = (taken.get(*dimension), charge.need.get(*dimension));
                return Some(reason(Some(*dimension), *limit, used, wanted));
            }
            let count = account.count.saturating_add(account.held_count);
            account
                .count_max
                .filter(|limit| *limit < count.saturating_add(charge.count))
                .map(|limit| reason(None, limit, count, charge.count))
        })
    }

    /// Returns whether the quotas would allow it if nothing else of these accounts were placed.
    pub(crate) fn allows_alone(&self, charges: &[Charge]) -> bool {
        charges.iter().all(|charge| {
            let account = &self.accounts[charge.account];
            account.limits.iter().all(|(dimension, limit)| charge.need.get(*dimension) <= *limit)
                && account.count_max.is_none_or(|limit| charge.count <= limit)
        })
    }

    /// Counts something as placed.
    pub(crate) fn charge(&mut self, charges: &[Charge]) {
        for charge in charges {
            let account = &mut self.accounts[charge.account];
            account.used = account.used.plus(charge.need);
            account.count = account.count.saturating_add(charge.count);
        }
    }

    /// Holds quota back for something that goes first.
    pub(crate) fn hold(&mut self, charges: &[Charge]) {
        for charge in charges {
            let account = &mut self.accounts[charge.account];
            account.held = account.held.plus(charge.need);
            account.held_count = account.held_count.saturating_add(charge.count);
        }
    }

    /// Counts something for whose turn it is, though it waits.
    pub(crate) fn queue(&mut self, charges: &[Charge]) {
        for charge in charges {
            let account = &mut self.accounts[charge.account];
            account.queued = account.queued.plus(charge.need);
        }
    }

    /// Forgets what was held and queued, for a new pass.
    pub(crate) fn clear(&mut self) {
        for account in &mut self.accounts {
            account.held = Room::default();
            account.held_count = 0;
            account.queued = Room::default();
        }
    }

    /// Returns the dominant share divided by the weight, in units of 2⁻²⁰.
    pub(crate) fn share(&self, account: usize) -> u64 {
        let account = &self.accounts[account];
        let has = account.used.plus(account.queued);
        let dominant = Dimension::ALL
            .into_iter()
            .filter_map(|dimension| {
                let amount = has.get(dimension).max(0).cast_unsigned().min(AMOUNT_MAX);
                let total = self.total.get(dimension).max(0).cast_unsigned();
                (amount * SHARE_ONE).checked_div(total)
            })
            .max();
        dominant.unwrap_or(0) / account.weight
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::placement::amounts::Amounts;

    fn room(cpu_millis: u64, gpus: u64) -> Room {
        Amounts { cpu_millis, gpus, ..Amounts::default() }.into()
    }

    #[test]
    fn the_share_is_the_dominant_one_divided_by_the_weight() {
        let mut ledger = Ledger::new(room(100, 10));
        let a = ledger.open(Scope::User, "a", &Quota::default());
        let b = ledger.open(Scope::User, "b", &Quota { weight: 2, ..Quota::default() });
        ledger.charge(&[Charge { account: a, need: room(20, 5), count: 1 }]);
        ledger.charge(&[Charge { account: b, need: room(50, 2), count: 1 }]);
        assert_eq!(ledger.share(a), SHARE_ONE / 2);
        assert_eq!(ledger.share(b), SHARE_ONE / 4);
    }

    #[test]
    fn what_is_held_for_others_counts_against_the_quota() {
        let max = BTreeMap::from([(Dimension::Cpu, 10)]);
        let mut ledger = Ledger::new(room(100, 10));
        let a = ledger.open(Scope::User, "a", &Quota { max, ..Quota::default() });
        let charge = |cpu| [Charge { account: a, need: room(cpu, 0), count: 1 }];
        assert_eq!(ledger.refuses(&charge(10)), None);
        ledger.hold(&charge(4));
        assert!(ledger.refuses(&charge(7)).is_some());
        assert_eq!(ledger.refuses(&charge(6)), None);
        assert!(ledger.allows_alone(&charge(10)) && !ledger.allows_alone(&charge(11)));
        ledger.clear();
        assert_eq!(ledger.refuses(&charge(10)), None);
    }
}
