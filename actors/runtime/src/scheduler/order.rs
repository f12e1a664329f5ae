//! Who goes next: live trading, then those who waited too long, then by priority and age, then fair share. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use engine::ids::SessionId;

use super::ledger::{Charge, Ledger};
use super::picture::Class;
use super::reason::Reason;

/// Priorities beyond this count as this.
const PRIORITY_MAX: i32 = 499;

/// From one class to the next: more than all priorities within one.
const CLASS_STEP: i64 = 1_000;

/// Classes that a wait is worth before the session is next anyway.
const AGE_STEPS: u64 = 4;

/// Returns the priority that never changes: class first, then the number somebody gave.
pub(crate) fn base(class: Class, priority: i32) -> i64 {
    let class = match class {
        Class::Backtest => 0,
        Class::Training => 1,
        Class::Paper => 2,
        Class::Guard | Class::Live => 3,
    };
    class * CLASS_STEP + i64::from(priority.clamp(-PRIORITY_MAX, PRIORITY_MAX))
}

/// Where somebody stands in the queue; the larger goes first. Those of equal rank share fairly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    front: u8,
    level: i64,
}

impl Rank {
    /// Returns the rank of a session that waited so long in all.
    pub(crate) fn of(class: Class, base: i64, waited_ms: u64, starving_after_ms: u64) -> Self {
        if class.trades() {
            return Self { front: 2, level: base };
        }
        if starving_after_ms <= waited_ms {
            return Self { front: 1, level: 0 };
        }
        // Not starving: `waited < starving_after`, so the quotient is at most `AGE_STEPS - 1`.
        let steps = waited_ms.saturating_mul(AGE_STEPS) / starving_after_ms.max(1);
        Self { front: 0, level: base + i64::try_from(steps).unwrap_or(0) * CLASS_STEP }
    }

    /// Returns whether it waited so long that it is next.
    pub(crate) const fn starving(self) -> bool {
        self.front == 1
    }
}

/// What is placed as a whole: a session, or the waiting members of a gang.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// Sessions as the planner numbers them, the largest first.
    pub(crate) members: Vec<usize>,
    /// What it would add to its accounts.
    pub(crate) charges: Vec<Charge>,
    /// Owner (of the first member).
    pub(crate) user: usize,
    /// Team.
    pub(crate) team: Option<usize>,
    /// Lowest rank of its members.
    pub(crate) rank: Rank,
    /// Lowest base priority of its members.
    pub(crate) base: i64,
    /// Since when all of it waits, milliseconds.
    pub(crate) waiting_since_ms: u64,
    /// Order of submission of its first member.
    pub(crate) order: u64,
    /// Its first member, for ties.
    pub(crate) id: SessionId,
    /// Size of the gang; 1 for a session alone.
    pub(crate) size: u32,
    /// Members of the gang that are placed already.
    pub(crate) placed_before: u32,
    /// Why it cannot be placed whatever is free.
    pub(crate) blocked: Option<Reason>,
    /// Whether this plan placed it.
    pub(crate) done: bool,
}

impl Unit {
    const fn turn(&self) -> (u64, SessionId) {
        (self.order, self.id)
    }
}

/// Those of one owner (in one team) at one rank, in order.
#[derive(Debug, Clone)]
struct Group {
    user: usize,
    team: Option<usize>,
    units: Vec<usize>,
}

/// All units in the order in which they are looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    tiers: Vec<Vec<Group>>,
}

impl Queue {
    /// Sorts units. The order among those of equal rank is found while walking, because it depends on who gets what.
    pub(crate) fn new(units: &[Unit]) -> Self {
        let mut ranks: BTreeMap<Reverse<Rank>, Vec<usize>> = BTreeMap::new();
        for (index, unit) in units.iter().enumerate() {
            ranks.entry(Reverse(unit.rank)).or_default().push(index);
        }
        let tiers = ranks.into_iter().map(|(Reverse(rank), mut members)| {
            if rank.starving() {
                // One group, hence strictly in the order in which they began to wait.
                members.sort_by_key(|unit| (units[*unit].waiting_since_ms, units[*unit].turn()));
                let first = &units[members[0]];
                return vec![Group { user: first.user, team: first.team, units: members }];
            }
            members.sort_by_key(|unit| units[*unit].turn());
            let mut groups: BTreeMap<(Option<usize>, usize), Vec<usize>> = BTreeMap::new();
            for unit in members {
                groups.entry((units[unit].team, units[unit].user)).or_default().push(unit);
            }
            let groups = groups.into_iter();
            groups.map(|((team, user), units)| Group { user, team, units }).collect()
        });
        Self { tiers: tiers.collect() }
    }

    /// Begins a walk.
    pub(crate) fn walk(&self) -> Walk<'_> {
        Walk { queue: self, tier: 0, next: Vec::new(), turns: BinaryHeap::new() }
    }
}

/// Share of the team, share of the user, order, session, group.
type Turn = Reverse<(u64, u64, u64, SessionId, usize)>;

/// One walk along the queue.
pub(crate) struct Walk<'a> {
    queue: &'a Queue,
    tier: usize,
    /// Position in each group of the tier that is being walked.
    next: Vec<usize>,
    turns: BinaryHeap<Turn>,
}

impl Walk<'_> {
    /// Returns whose turn it is, given what everybody has by now. Units that are done are left out.
    pub(crate) fn next(&mut self, units: &[Unit], ledger: &Ledger) -> Option<usize> {
        loop {
            while let Some(Reverse(stored)) = self.turns.pop() {
                let group = stored.4;
                // Shares only grow during a walk: an entry whose share has grown goes back.
                let Some(now) = self.turn(group, units, ledger) else { continue };
                if stored < now {
                    self.turns.push(Reverse(now));
                    continue;
                }
                let unit = self.queue.tiers[self.tier - 1][group].units[self.next[group]];
                self.next[group] += 1;
                let after = self.turn(group, units, ledger);
                self.turns.extend(after.map(Reverse));
                return Some(unit);
            }
            let groups = self.queue.tiers.get(self.tier)?.len();
            self.tier += 1;
            self.next = vec![0; groups];
            for group in 0..groups {
                let first = self.turn(group, units, ledger);
                self.turns.extend(first.map(Reverse));
            }
        }
    }

    fn turn(
        &mut self,
        group: usize,
        units: &[Unit],
        ledger: &Ledger,
    ) -> Option<(u64, u64, u64, SessionId, usize)> {
        let members = &self.queue.tiers[self.tier - 1][group];
        let next = &mut self.next[group];
        while members.units.get(*next).is_some_and(|unit| units[*unit].done) {
            *next += 1;
        }
        let unit = &units[*members.units.get(*next)?];
        let user = ledger.share(members.user);
        // Who has no team is a team of one.
        let team = members.team.map_or(user, |team| ledger.share(team));
        Some((team, user, unit.order, unit.id, group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_raises_the_rank_until_one_is_next() {
        let rank = |class, priority, waited| Rank::of(class, base(class, priority), waited, 100);
        assert!(rank(Class::Backtest, 9, 0) < rank(Class::Training, -9, 0));
        assert!(rank(Class::Training, 0, 0) < rank(Class::Backtest, 1, 25));
        assert!(rank(Class::Paper, 499, 99) < rank(Class::Backtest, -499, 100));
        assert!(rank(Class::Backtest, -499, 100) < rank(Class::Live, -499, 0));
        assert!(rank(Class::Backtest, 0, 100).starving());
    }

    #[test]
    fn no_priority_reaches_the_next_class() {
        assert!(base(Class::Backtest, i32::MAX) < base(Class::Training, i32::MIN));
    }
}
