//! How old a message is, without comparing wall clocks. Pure.
//!
//! Every node stamps with its own boot-time clock. The receiver keeps, per link session, the smallest difference
//! between its clock at arrival and the stamp: that is the difference of the clocks plus the shortest time a frame
//! ever took. What exceeds it is time spent on the way: in a stalled network, in the queues of a stopped process.

/// Time to live where the sender names none, in ms.
pub const TTL_REQUEST_MS: u32 = 5_000;
/// The same for events, in ms.
pub const TTL_EVENT_MS: u32 = 10_000;
/// Longest time to live, in ms.
pub const TTL_MAX_MS: u32 = 30_000;
/// A first measurement that took longer than this to go and come back says nothing, in ms.
pub const SEED_ROUND_TRIP_MAX_MS: u64 = 1_000;

/// Ages of what arrives in one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// Smallest (own clock − stamp) seen, in ms; the clocks' difference may be negative.
    least_ms: i128,
}

impl Ages {
    /// Begins with the stamp of the peer's greeting and the own clock at its arrival; refuses a greeting whose round
    /// trip was too long to say anything.
    #[must_use]
    pub fn seeded(now_ms: u64, stamp_ms: u64, round_trip_ms: u64) -> Option<Self> {
        (round_trip_ms < SEED_ROUND_TRIP_MAX_MS)
            .then(|| Self { least_ms: i128::from(now_ms) - i128::from(stamp_ms) })
    }

    /// Returns how much longer than the fastest frame this one took, in ms.
    pub fn age_ms(&mut self, now_ms: u64, stamp_ms: u64) -> u64 {
        let difference = i128::from(now_ms) - i128::from(stamp_ms);
        self.least_ms = self.least_ms.min(difference);
        u64::try_from(difference - self.least_ms).unwrap_or(u64::MAX)
    }
}

/// Until when a message may be acted upon, on this node's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    at_ms: u64,
}

impl Deadline {
    /// Returns the deadline of a message of `age_ms`; `None` when it has passed already.
    #[must_use]
    pub fn of(now_ms: u64, age_ms: u64, ttl_ms: u32) -> Option<Self> {
        let ttl_ms = u64::from(ttl_ms.min(TTL_MAX_MS));
        let left_ms = ttl_ms.checked_sub(age_ms)?;
        Some(Self { at_ms: now_ms.saturating_add(left_ms) })
    }

    /// Whether it has passed.
    #[must_use]
    pub fn passed(self, now_ms: u64) -> bool {
        now_ms > self.at_ms
    }

    /// What is left, in ms.
    #[must_use]
    pub fn left_ms(self, now_ms: u64) -> u64 {
        self.at_ms.saturating_sub(now_ms)
    }
}
