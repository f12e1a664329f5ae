//! The times of leases and the inequality between them that keeps two nodes from owning the same thing.
//!
//! All times are milliseconds of a clock that also runs while the machine sleeps (CLOCK_BOOTTIME). Clocks of
//! different machines are never compared with each other, only how long something took on one of them.

use std::fmt;

/// What finding the new leader takes after an election.
pub const FINDING_MS: u64 = 600;
/// How much later than the end of a lease its node may be given up at the earliest: clocks run at different speeds.
pub const MARGIN_MS: u64 = 4_000;

/// When a lease is renewed, ends, and may be given up. Times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseTimes {
    /// From one renewal to the next.
    pub renew_ms: u64,
    /// From a failed attempt to the next.
    pub retry_ms: u64,
    /// How long it takes at worst until there is a new leader.
    pub failover_ms: u64,
    /// How long the holder acts after sending the newest acknowledged renewal.
    pub fence_ms: u64,
    /// When the lease is over, counted likewise.
    pub ttl_ms: u64,
    /// How long the leader waits after the newest renewal it granted before it gives the node up.
    pub reassign_ms: u64,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            renew_ms: 2_000,
            retry_ms: 500,
            failover_ms: 4_100,
            fence_ms: 7_000,
            ttl_ms: 10_000,
            reassign_ms: 15_000,
        }
    }
}

impl LeaseTimes {
    /// Checks `retry ≤ renew` and `renew + failover + 0.6 s ≤ fence < ttl < reassign − 4 s`.
    ///
    /// # Errors
    /// Names every inequality that does not hold, with its figures.
    pub fn validate(&self) -> Result<(), LeaseTimesError> {
        let rides_out = self.renew_ms.saturating_add(self.failover_ms).saturating_add(FINDING_MS);
        let given_up = self.ttl_ms.saturating_add(MARGIN_MS);
        let checks = [
            (0 < self.retry_ms, Violation::RetryZero),
            (
                self.retry_ms <= self.renew_ms,
                Violation::RetryAfterRenew { retry_ms: self.retry_ms, renew_ms: self.renew_ms },
            ),
            (
                rides_out <= self.fence_ms,
                Violation::FenceTooEarly { needed_ms: rides_out, times: *self },
            ),
            (
                self.fence_ms < self.ttl_ms,
                Violation::TtlTooShort { fence_ms: self.fence_ms, ttl_ms: self.ttl_ms },
            ),
            (
                given_up < self.reassign_ms,
                Violation::ReassignTooEarly { needed_ms: given_up, times: *self },
            ),
        ];
        let violations: Vec<_> = checks
            .into_iter()
            .filter(|(holds, _)| !holds)
            .map(|(_, violation)| violation)
            .collect();
        if violations.is_empty() { Ok(()) } else { Err(LeaseTimesError { violations }) }
    }
}

/// An inequality between times that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// Retrying without a pause.
    RetryZero,
    /// A failed renewal would be repeated later than a good one.
    RetryAfterRenew {
        /// From a failed attempt to the next.
        retry_ms: u64,
        /// From one renewal to the next.
        renew_ms: u64,
    },
    /// Every change of the leader would fence every node.
    FenceTooEarly {
        /// The least that the fence must be.
        needed_ms: u64,
        /// What was given.
        times: LeaseTimes,
    },
    /// The lease ends before its holder has stopped.
    TtlTooShort {
        /// When the holder stops.
        fence_ms: u64,
        /// When the lease ends.
        ttl_ms: u64,
    },
    /// Another node could get a session while the old holder still acts.
    ReassignTooEarly {
        /// What must be exceeded.
        needed_ms: u64,
        /// What was given.
        times: LeaseTimes,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RetryZero => write!(f, "retry must be more than 0 ms"),
            Self::RetryAfterRenew { retry_ms, renew_ms } => {
                write!(f, "retry ≤ renew does not hold: retry {retry_ms} ms, renew {renew_ms} ms")
            }
            Self::FenceTooEarly { needed_ms, times } => write!(
                f,
                "renew + failover + {FINDING_MS} ms ≤ fence does not hold: renew {} ms + failover {} ms + \
                 {FINDING_MS} ms = {needed_ms} ms, fence {} ms; a change of the leader would fence every node",
                times.renew_ms, times.failover_ms, times.fence_ms
            ),
            Self::TtlTooShort { fence_ms, ttl_ms } => {
                write!(f, "fence < ttl does not hold: fence {fence_ms} ms, ttl {ttl_ms} ms")
            }
            Self::ReassignTooEarly { needed_ms, times } => write!(
                f,
                "ttl < reassign − {MARGIN_MS} ms does not hold: ttl {} ms + {MARGIN_MS} ms = {needed_ms} ms, reassign \
                 {} ms; two nodes could own one session",
                times.ttl_ms, times.reassign_ms
            ),
        }
    }
}

/// Times that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the lease times do not fit together: {}", .violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct LeaseTimesError {
    /// Every inequality that does not hold; at least one.
    pub violations: Vec<Violation>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(change: impl FnOnce(&mut LeaseTimes)) -> LeaseTimes {
        let mut times = LeaseTimes::default();
        change(&mut times);
        times
    }

    #[test]
    fn the_usual_times_fit_together() {
        assert_eq!(LeaseTimes::default().validate(), Ok(()));
    }

    #[test]
    fn each_inequality_holds_at_its_edge_and_not_beyond() {
        assert_eq!(times(|t| t.fence_ms = 6_700).validate(), Ok(()));
        assert!(times(|t| t.fence_ms = 6_699).validate().is_err());
        assert_eq!(times(|t| t.ttl_ms = 7_001).validate(), Ok(()));
        assert!(times(|t| t.ttl_ms = 7_000).validate().is_err());
        assert_eq!(times(|t| t.reassign_ms = 14_001).validate(), Ok(()));
        assert!(times(|t| t.reassign_ms = 14_000).validate().is_err());
        assert_eq!(times(|t| t.retry_ms = 2_000).validate(), Ok(()));
        assert!(times(|t| t.retry_ms = 2_001).validate().is_err());
        assert!(times(|t| t.retry_ms = 0).validate().is_err());
    }

    #[test]
    fn every_violation_is_named_at_once_with_its_figures() {
        let wrong = times(|t| {
            t.fence_ms = 6_000;
            t.reassign_ms = 12_000;
        });
        let error = wrong.validate().unwrap_err();
        assert_eq!(error.violations.len(), 2);
        let text = error.to_string();
        assert!(text.contains("renew + failover + 600 ms ≤ fence"), "{text}");
        assert!(text.contains("= 6700 ms, fence 6000 ms"), "{text}");
        assert!(text.contains("ttl < reassign − 4000 ms"), "{text}");
        assert!(text.contains("= 14000 ms, reassign 12000 ms"), "{text}");
    }

    #[test]
    fn absurd_times_are_refused_and_do_not_overflow() {
        assert!(times(|t| t.failover_ms = u64::MAX).validate().is_err());
        assert!(times(|t| t.ttl_ms = u64::MAX).validate().is_err());
    }
}
