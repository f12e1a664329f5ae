//! When a renewal is sent and to whom. Pure; time comes in as an argument.
//!
//! A round that is not acknowledged after `retry` counts as failed, whatever happened to it: silence costs no more time
//! than a refusal. A failed round is followed by one to all voters, and whoever is not the leader names it.

use std::collections::BTreeSet;

use super::times::LeaseTimes;

/// Whom a renewal can be sent to, as far as this node knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Who leads.
    pub leader: Option<String>,
    /// Who can lead.
    pub voters: Vec<String>,
}

/// Remembers the newest round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace {
    sent_ms: Option<u64>,
    acknowledged_ms: Option<u64>,
    asked: BTreeSet<String>,
}

impl Pace {
    /// Returns when the next round is due; the first one at once.
    #[must_use]
    pub fn due_ms(&self, times: &LeaseTimes) -> u64 {
        let Some(sent) = self.sent_ms else { return 0 };
        let wait_ms = if self.unanswered() { times.retry_ms } else { times.renew_ms };
        sent.saturating_add(wait_ms)
    }

    /// Begins a round and returns whom it asks: the leader alone while all is well, otherwise every voter, the leader
    /// first.
    pub fn begin(&mut self, targets: &Targets, now_ms: u64) -> Vec<String> {
        let all = self.unanswered() || targets.leader.is_none();
        self.sent_ms = Some(now_ms);
        self.asked.clear();
        let voters = targets.voters.iter().filter(|_| all);
        let mut whom = Vec::new();
        for peer in targets.leader.iter().chain(voters) {
            if self.asked.insert(peer.clone()) {
                whom.push(peer.clone());
            }
        }
        whom
    }

    /// Returns whether to follow a hint who leads: once per round and peer, and only while nobody acknowledged.
    pub fn follow(&mut self, leader: &str) -> bool {
        self.unanswered() && self.asked.insert(leader.to_owned())
    }

    /// Notes an acknowledged renewal.
    pub fn acknowledged(&mut self, sent_ms: u64) {
        self.acknowledged_ms = self.acknowledged_ms.max(Some(sent_ms));
    }

    /// Whether the newest round was not acknowledged yet.
    #[must_use]
    pub fn unanswered(&self) -> bool {
        self.sent_ms.is_some() && self.acknowledged_ms < self.sent_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(leader: Option<&str>) -> Targets {
        let voters = ["a", "b", "c"].map(str::to_owned).to_vec();
        Targets { leader: leader.map(str::to_owned), voters }
    }

    #[test]
    fn asks_the_leader_alone_every_two_seconds_while_all_is_well() {
        let (mut pace, times) = (Pace::default(), LeaseTimes::default());
        assert_eq!(pace.due_ms(&times), 0);
        assert_eq!(pace.begin(&targets(Some("b")), 1_000), ["b"]);
        pace.acknowledged(1_000);
        assert_eq!(pace.due_ms(&times), 3_000);
        assert_eq!(pace.begin(&targets(Some("b")), 3_000), ["b"]);
    }

    #[test]
    fn asks_all_voters_every_half_second_after_silence() {
        let (mut pace, times) = (Pace::default(), LeaseTimes::default());
        assert_eq!(pace.begin(&targets(Some("b")), 1_000), ["b"]);
        assert_eq!(pace.due_ms(&times), 1_500);
        assert_eq!(pace.begin(&targets(Some("b")), 1_500), ["b", "a", "c"]);
        // An acknowledgement of the earlier round helps the lease, but the newest one is still open.
        pace.acknowledged(1_000);
        assert_eq!(pace.due_ms(&times), 2_000);
    }

    #[test]
    fn asks_all_voters_while_nobody_is_known_to_lead() {
        assert_eq!(Pace::default().begin(&targets(None), 0), ["a", "b", "c"]);
    }

    #[test]
    fn follows_each_hint_once_and_none_after_an_acknowledgement() {
        let mut pace = Pace::default();
        pace.begin(&targets(Some("b")), 1_000);
        assert!(!pace.follow("b") && pace.follow("d") && !pace.follow("d"));
        pace.begin(&targets(Some("b")), 1_500);
        assert!(pace.follow("d"));
        pace.acknowledged(1_500);
        assert!(!pace.follow("e"));
    }
}
