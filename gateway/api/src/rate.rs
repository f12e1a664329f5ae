//! Token buckets by caller and class. Bounded: idle buckets are dropped, and when all are busy new callers share one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::error::ErrorCode;

use crate::problem::Problem;
use crate::spec::RateClass;

/// Buckets kept at once.
const BUCKETS_MAX: usize = 10_000;

/// How fast a bucket fills and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Calls per second.
    pub per_second: f64,
    /// Calls at once.
    pub burst: f64,
}

impl Rate {
    /// Calls per second with a burst.
    #[must_use]
    pub const fn new(per_second: f64, burst: f64) -> Self {
        Self { per_second, burst }
    }
}

/// The rates of every class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Cheap reads, per user.
    pub read: Rate,
    /// Changes, per user.
    pub write: Rate,
    /// Reports and imports, per user.
    pub heavy: Rate,
    /// Sign-ins per user name.
    pub auth_user: Rate,
    /// Sign-ins per address.
    pub auth_address: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            read: Rate::new(50.0, 200.0),
            write: Rate::new(10.0, 30.0),
            heavy: Rate::new(0.1, 6.0),
            auth_user: Rate::new(5.0 / 60.0, 5.0),
            auth_address: Rate::new(20.0 / 60.0, 20.0),
        }
    }
}

impl Rates {
    /// Returns the rate of a class for one user.
    pub(crate) fn of(&self, class: RateClass) -> Rate {
        match class {
            RateClass::Read => self.read,
            RateClass::Write => self.write,
            RateClass::Heavy => self.heavy,
            RateClass::Auth => self.auth_address,
        }
    }
}

struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

/// All buckets of this process.
#[derive(Default)]
pub(crate) struct Limiter {
    buckets: Mutex<HashMap<String, Bucket>>,
}

impl Limiter {
    /// Takes one token of a caller's bucket.
    ///
    /// # Errors
    /// `rate_limited` with `Retry-After`, `RateLimit` and `RateLimit-Policy`.
    pub(crate) fn take(
        &self,
        caller: &str,
        class: &str,
        rate: Rate,
        now: Instant,
    ) -> Result<(), Problem> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = format!("{class} {caller}");
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| {
                now.saturating_duration_since(bucket.filled_at) < Duration::from_secs(60)
            });
            if buckets.len() >= BUCKETS_MAX {
                key = format!("{class} everybody else");
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: rate.burst, filled_at: now });
        let elapsed = now.saturating_duration_since(bucket.filled_at).as_secs_f64();
        bucket.tokens = (bucket.tokens + elapsed * rate.per_second).min(rate.burst);
        bucket.filled_at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let wait = ((1.0 - bucket.tokens) / rate.per_second).ceil().max(1.0);
        drop(buckets);
        Err(limited(class, rate, wait))
    }
}

/// Refuses for `wait` seconds.
pub(crate) fn limited(class: &str, rate: Rate, wait: f64) -> Problem {
    let window = (rate.burst / rate.per_second).ceil();
    Problem::new(ErrorCode::RateLimited, format!("too many requests; try again in {wait:.0} s"))
        .with("retry_after_seconds", wait)
        .header("retry-after", format!("{wait:.0}"))
        .header("ratelimit", format!("\"{class}\";r=0;t={wait:.0}"))
        .header("ratelimit-policy", format!("\"{class}\";q={:.0};w={window:.0}", rate.burst))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let limiter = Limiter::default();
        let rate = Rate::new(2.0, 3.0);
        let start = Instant::now();
        for _ in 0..3 {
            limiter.take("usr_1", "write", rate, start).unwrap();
        }
        let problem = limiter.take("usr_1", "write", rate, start).unwrap_err();
        assert_eq!(problem.code, ErrorCode::RateLimited);
        assert!(problem.headers.contains(&("retry-after", "1".to_owned())));
        limiter.take("usr_2", "write", rate, start).unwrap();
        limiter.take("usr_1", "write", rate, start + Duration::from_millis(500)).unwrap();
        assert!(limiter.take("usr_1", "write", rate, start + Duration::from_millis(500)).is_err());
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let limiter = Limiter::default();
        let now = Instant::now();
        for caller in 0..BUCKETS_MAX + 50 {
            let _known =
                limiter.take(&caller.to_string(), "read", Rate::new(1.0, 5.0), now).is_ok();
        }
        assert!(limiter.buckets.lock().unwrap().len() <= BUCKETS_MAX + 1);
    }
}
