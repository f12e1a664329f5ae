//! The leader's side of all leases: what was granted when, who may be given up. Pure; time comes in as an argument.
//!
//! In memory only: a new leader takes every lease as renewed at the moment it takes office, so nothing is lost with
//! the old one. Once a node was named as one that may be marked down it gets nothing more until the outcome of that
//! command is known: otherwise it could be granted a lease while its sessions are being given away.

use std::collections::BTreeMap;

use super::REPORT_BYTES_MAX;
use super::messages::{NodeReport, RenewRefusal, Renewal};
use super::times::LeaseTimes;

/// What was agreed about a node, read from the applied state when its renewal is granted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Standing {
    /// The start that was admitted last.
    pub incarnation: u64,
    /// The process that was admitted last; absent where that was never said.
    pub boot_id: Option<[u8; 16]>,
    /// Whether it is marked down.
    pub down: bool,
}

/// A renewal was not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotGranted {
    /// This book does not lead in that term.
    NotInOffice,
    /// The node may not have it.
    Refused(RenewRefusal),
}

/// A node that may be marked down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// Which.
    pub node: String,
    /// Which start of it.
    pub incarnation: u64,
    /// How long nothing was granted to it.
    pub silent_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Office {
    term: u64,
    since_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Lease {
    incarnation: u64,
    boot_id: [u8; 16],
    granted_ms: u64,
    report: Vec<u8>,
}

/// Everything a leader remembers of leases.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Book {
    times: LeaseTimes,
    office: Option<Office>,
    looked_ms: Option<u64>,
    leases: BTreeMap<String, Lease>,
    condemned: BTreeMap<String, u64>,
    /// Since when each node counts as up, by which start: one that was admitted a moment ago was not silent before.
    /// Absent before this office looked first.
    up_since: Option<BTreeMap<String, (u64, u64)>>,
}

impl Book {
    /// Returns the empty book of a node that does not lead.
    #[must_use]
    pub fn new(times: LeaseTimes) -> Self {
        Self {
            times,
            office: None,
            looked_ms: None,
            leases: BTreeMap::new(),
            condemned: BTreeMap::new(),
            up_since: None,
        }
    }

    /// Begins a term: every lease counts as renewed now. Repeating it for the same term changes nothing.
    pub fn take_office(&mut self, term: u64, now_ms: u64) {
        if self.term() == Some(term) {
            return;
        }
        self.office = Some(Office { term, since_ms: now_ms });
        self.looked_ms = Some(now_ms);
        self.up_since = None;
        // Commands of earlier terms were applied before anything is granted in this one, or never will be.
        self.condemned.clear();
    }

    /// Ends the term: nothing is granted or given up any more.
    pub fn leave_office(&mut self) {
        self.office = None;
    }

    /// Returns the term this book leads in.
    #[must_use]
    pub fn term(&self) -> Option<u64> {
        self.office.as_ref().map(|office| office.term)
    }

    /// Grants a renewal, if its node may have it. Requires: a majority confirmed after the renewal had arrived that
    /// this node leads in `term`, and `standing` was read after that.
    ///
    /// # Errors
    /// [`NotGranted`]; nothing changed.
    pub fn renew(
        &mut self,
        term: u64,
        renewal: &Renewal,
        standing: Option<&Standing>,
        now_ms: u64,
    ) -> Result<(), NotGranted> {
        if self.term() != Some(term) {
            return Err(NotGranted::NotInOffice);
        }
        self.check(renewal, standing).map_err(NotGranted::Refused)?;
        let known = self.leases.remove(&renewal.node);
        let report = if renewal.report.len() <= REPORT_BYTES_MAX {
            renewal.report.clone()
        } else {
            known.map(|known| known.report).unwrap_or_default()
        };
        let lease = Lease {
            incarnation: renewal.incarnation,
            boot_id: renewal.boot_id,
            granted_ms: now_ms,
            report,
        };
        self.leases.insert(renewal.node.clone(), lease);
        Ok(())
    }

    fn check(&self, renewal: &Renewal, standing: Option<&Standing>) -> Result<(), RenewRefusal> {
        let Some(standing) = standing else { return Err(RenewRefusal::NotMember) };
        let found = renewal.incarnation;
        let held = self.leases.get(&renewal.node);
        let newest = held.map_or(0, |held| held.incarnation).max(standing.incarnation);
        if found < newest {
            return Err(RenewRefusal::StaleIncarnation { current: newest, found });
        }
        if standing.incarnation < found {
            return Err(RenewRefusal::NotAdmitted { admitted: standing.incarnation, found });
        }
        let held = held.filter(|held| held.incarnation == found).map(|held| held.boot_id);
        let admitted = standing.boot_id.or(held);
        if admitted.is_some_and(|admitted| admitted != renewal.boot_id) {
            return Err(RenewRefusal::DuplicateNode { incarnation: found });
        }
        if standing.down || self.condemned.contains_key(&renewal.node) {
            return Err(RenewRefusal::GivenUp);
        }
        Ok(())
    }

    /// Returns the nodes of `up` to which nothing was granted for the whole time, in order. From now on they get
    /// nothing until [`Self::settle`]; the caller marks them down by a command of this term that is never forwarded.
    ///
    /// To be called at least every `renew`: after a longer pause this node itself stood still and heard nobody, so
    /// everybody gets the whole time again.
    pub fn may_mark_down<'a>(
        &mut self,
        up: impl IntoIterator<Item = (&'a str, u64)>,
        now_ms: u64,
    ) -> Vec<Overdue> {
        let Some(office) = &mut self.office else { return Vec::new() };
        let stall_ms = self.times.renew_ms.saturating_mul(2);
        let looked = self.looked_ms.replace(now_ms).unwrap_or(now_ms);
        if stall_ms < now_ms.saturating_sub(looked) {
            office.since_ms = now_ms;
        }
        let office_ms = office.since_ms;
        let before = self.up_since.take();
        let fresh_ms = if before.is_some() { now_ms } else { office_ms };
        let before = before.unwrap_or_default();
        let (mut up_since, mut overdue) = (BTreeMap::new(), Vec::new());
        for (node, incarnation) in up {
            let known = before.get(node).filter(|(start, _)| *start == incarnation);
            let up_ms = known.map_or(fresh_ms, |(_, since_ms)| *since_ms);
            up_since.insert(node.to_owned(), (incarnation, up_ms));
            let granted = self.leases.get(node).map_or(0, |lease| lease.granted_ms);
            let silent_ms = now_ms.saturating_sub(granted.max(office_ms).max(up_ms));
            if self.times.reassign_ms <= silent_ms || self.condemned.contains_key(node) {
                self.condemned.insert(node.to_owned(), incarnation);
                overdue.push(Overdue { node: node.to_owned(), incarnation, silent_ms });
            }
        }
        self.up_since = Some(up_since);
        overdue
    }

    /// Notes that the command marking `node` down was applied or refused: the agreed state decides again.
    pub fn settle(&mut self, node: &str) {
        self.condemned.remove(node);
    }

    /// Whether the outcome of marking `node` down is not known yet.
    #[must_use]
    pub fn condemned(&self, node: &str) -> bool {
        self.condemned.contains_key(node)
    }

    /// Whether `node` was granted a renewal within the lease's length.
    #[must_use]
    pub fn live(&self, node: &str, now_ms: u64) -> bool {
        self.leases
            .get(node)
            .is_some_and(|lease| now_ms.saturating_sub(lease.granted_ms) < self.times.ttl_ms)
    }

    /// Returns the newest report of every node, in the order of names.
    #[must_use]
    pub fn reports(&self, now_ms: u64) -> Vec<NodeReport> {
        self.leases
            .iter()
            .map(|(node, lease)| NodeReport {
                node: node.clone(),
                incarnation: lease.incarnation,
                age_ms: now_ms.saturating_sub(lease.granted_ms),
                bytes: lease.report.clone(),
            })
            .collect()
    }

    /// Forgets nodes that are no members any more.
    pub fn retain(&mut self, member: impl Fn(&str) -> bool) {
        self.leases.retain(|node, _| member(node));
        self.condemned.retain(|node, _| member(node));
    }
}

#[cfg(test)]
mod tests;
