//! Waiting after failed sign-ins: exponential, per user name and per address, never for ever.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures of one user name that cost nothing.
const USER_FREE: u32 = 3;
/// Failures from one address that cost nothing: offices share addresses.
const ADDRESS_FREE: u32 = 10;
/// Longest wait.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Failures are forgotten after this long without another.
const FORGET: Duration = Duration::from_secs(15 * 60);
/// Names and addresses remembered at once.
const ENTRIES_MAX: usize = 10_000;

struct Entry {
    failures: u32,
    last: Instant,
    until: Instant,
}

/// Failed sign-ins of this process.
#[derive(Default)]
pub(crate) struct Lockout {
    entries: Mutex<HashMap<String, Entry>>,
}

impl Lockout {
    /// Returns how long this user or address must wait before the next try, if at all.
    pub(crate) fn wait(&self, user: &str, address: IpAddr, now: Instant) -> Option<Duration> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let left =
            |key: String| entries.get(&key).map(|entry| entry.until.saturating_duration_since(now));
        let longest = left(user_key(user)).max(left(address_key(address)));
        longest.filter(|wait| !wait.is_zero())
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, user: &str, address: IpAddr, now: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, free) in [(user_key(user), USER_FREE), (address_key(address), ADDRESS_FREE)] {
            if entries.len() >= ENTRIES_MAX && !entries.contains_key(&key) {
                entries.retain(|_, entry| now.saturating_duration_since(entry.last) < FORGET);
                if entries.len() >= ENTRIES_MAX {
                    entries.retain(|_, entry| entry.until > now);
                }
            }
            let entry = entries.entry(key).or_insert(Entry { failures: 0, last: now, until: now });
            if now.saturating_duration_since(entry.last) >= FORGET {
                entry.failures = 0;
            }
            entry.failures = entry.failures.saturating_add(1);
            entry.last = now;
            if entry.failures > free {
                let doublings = (entry.failures - free - 1).min(16);
                entry.until = now + Duration::from_secs(1 << doublings).min(WAIT_MAX);
            }
        }
    }

    /// Forgets the failures of a user who signed in; the address keeps its own, or one good account would clear it.
    pub(crate) fn succeeded(&self, user: &str) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(&user_key(user));
    }
}

fn user_key(user: &str) -> String {
    format!("user {}", user.to_lowercase())
}

fn address_key(address: IpAddr) -> String {
    format!("address {address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn waits_double_after_the_free_tries_and_end() {
        let lockout = Lockout::default();
        let start = Instant::now();
        for _ in 0..USER_FREE {
            lockout.failed("Ann", HOME, start);
        }
        assert_eq!(lockout.wait("ann", HOME, start), None);
        lockout.failed("ann", HOME, start);
        assert_eq!(lockout.wait("ANN", HOME, start), Some(Duration::from_secs(1)));
        lockout.failed("ann", HOME, start);
        assert_eq!(lockout.wait("ann", HOME, start), Some(Duration::from_secs(2)));
        assert_eq!(lockout.wait("ann", HOME, start + Duration::from_secs(2)), None);
        for _ in 0..40 {
            lockout.failed("ann", HOME, start);
        }
        assert_eq!(lockout.wait("ann", HOME, start), Some(WAIT_MAX));
        assert_eq!(lockout.wait("bob", HOME, start), Some(WAIT_MAX), "the address waits too");
    }

    #[test]
    fn success_and_time_clear_a_user() {
        let lockout = Lockout::default();
        let start = Instant::now();
        for _ in 0..=USER_FREE {
            lockout.failed("ann", HOME, start);
        }
        lockout.succeeded("ann");
        assert_eq!(lockout.wait("ann", HOME, start), None);
        for _ in 0..=USER_FREE {
            lockout.failed("bob", HOME, start);
        }
        lockout.failed("bob", HOME, start + FORGET);
        assert_eq!(lockout.wait("bob", HOME, start + FORGET + Duration::from_millis(1)), None);
    }
}
