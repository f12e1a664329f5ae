//! How many restarts are allowed in a window, and how long to wait before each; pure.

use std::collections::VecDeque;

/// How often a child may be restarted before its supervisor gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartLimit {
    /// Restarts allowed within the window.
    pub restart_count_max: usize,
    /// Length of the window in milliseconds.
    pub window_ms: u64,
}

impl Default for RestartLimit {
    /// Five in sixty seconds.
    fn default() -> Self {
        Self { restart_count_max: 5, window_ms: 60_000 }
    }
}

/// What a failure leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Restart; this is the n-th within the window, from 1.
    Restart {
        /// Restarts within the window, this one included.
        attempt: u32,
    },
    /// Too many: fail upwards.
    Spent,
}

/// The restarts of one child within the sliding window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    restarts_ms: VecDeque<u64>,
}

impl Budget {
    /// Notes a failure at `now_ms` (any clock that does not go back) and decides.
    pub fn failed(&mut self, limit: RestartLimit, now_ms: u64) -> Verdict {
        while self
            .restarts_ms
            .front()
            .is_some_and(|at| now_ms.saturating_sub(*at) >= limit.window_ms)
        {
            self.restarts_ms.pop_front();
        }
        if self.restarts_ms.len() >= limit.restart_count_max {
            return Verdict::Spent;
        }
        self.restarts_ms.push_back(now_ms);
        Verdict::Restart { attempt: u32::try_from(self.restarts_ms.len()).unwrap_or(u32::MAX) }
    }
}

/// Exponential waiting with seeded jitter: equal seeds wait equally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Wait before the first restart, in milliseconds.
    pub initial_ms: u64,
    /// Longest wait, in milliseconds.
    pub limit_ms: u64,
    /// Chooses the jitter.
    pub seed: u64,
}

impl Default for Backoff {
    /// 0.1 s doubling to 30 s.
    fn default() -> Self {
        Self { initial_ms: 100, limit_ms: 30_000, seed: 0 }
    }
}

impl Backoff {
    /// Returns the wait before the n-th restart (from 1): between half and all of the doubled time, never under the
    /// initial nor over the longest wait.
    #[must_use]
    pub fn delay_ms(self, attempt: u32) -> u64 {
        let doublings = attempt.saturating_sub(1).min(32);
        let full = self.initial_ms.saturating_mul(1_u64 << doublings).min(self.limit_ms);
        let half = full / 2;
        let jitter = mix(self.seed ^ mix(u64::from(attempt))) % (full - half + 1);
        (half + jitter).max(self.initial_ms.min(self.limit_ms))
    }
}

/// SplitMix64's finaliser: spreads every bit of the input (Steele, Lea, Flood, 2014).
const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_in_a_minute_then_no_more() {
        let (limit, mut budget) = (RestartLimit::default(), Budget::default());
        for attempt in 1..=5 {
            assert_eq!(
                budget.failed(limit, u64::from(attempt) * 1_000),
                Verdict::Restart { attempt }
            );
        }
        assert_eq!(budget.failed(limit, 59_999), Verdict::Spent);
    }

    #[test]
    fn the_window_slides() {
        let (limit, mut budget) = (RestartLimit::default(), Budget::default());
        for failure in 0..100_u64 {
            assert!(
                matches!(budget.failed(limit, failure * 12_000), Verdict::Restart { .. }),
                "{failure}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_more_restarts_than_allowed_in_any_window(gaps in prop::collection::vec(0_u64..20_000, 1..200)) {
            let (limit, mut budget) = (RestartLimit::default(), Budget::default());
            let (mut now_ms, mut restarts) = (0, Vec::new());
            for gap in gaps {
                now_ms += gap;
                if matches!(budget.failed(limit, now_ms), Verdict::Restart { .. }) {
                    restarts.push(now_ms);
                }
            }
            for start in &restarts {
                let inside = restarts.iter().filter(|at| **at >= *start && **at < start + limit.window_ms).count();
                prop_assert!(inside <= limit.restart_count_max);
            }
        }

        #[test]
        fn waits_stay_within_their_bounds_and_repeat(seed: u64, attempt in 0_u32..10_000) {
            let backoff = Backoff { seed, ..Backoff::default() };
            let delay = backoff.delay_ms(attempt);
            prop_assert!((100..=30_000).contains(&delay));
            prop_assert_eq!(delay, backoff.delay_ms(attempt));
        }
    }
}
