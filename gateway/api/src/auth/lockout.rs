//! Waiting after failed sign-ins: exponential, never for ever.
//!
//! Counted per user name at one address, and with a much higher limit per address. Neither is counted per name alone:
//! whoever knows a name could then lock its owner out from anywhere, and on a node that only this machine reaches
//! everybody shares one address. Guessing one name from many addresses is slowed by the rate of sign-ins per name.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures of one user name at one address that cost nothing.
const USER_FREE: u32 = 3;
/// Failures from one address that cost nothing: a whole office, or everybody on this machine, may share it. Guessing
/// through many names from one address is what this stops.
const ADDRESS_FREE: u32 = 100;
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
        let longest = left(user_key(user, address)).max(left(address_key(address)));
        longest.filter(|wait| !wait.is_zero())
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, user: &str, address: IpAddr, now: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, free) in
            [(user_key(user, address), USER_FREE), (address_key(address), ADDRESS_FREE)]
        {
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

    /// Forgets the failures of a user who signed in here; the address keeps its own, or one good account would clear
    /// it.
    pub(crate) fn succeeded(&self, user: &str, address: IpAddr) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(&user_key(user, address));
    }
}

fn user_key(user: &str, address: IpAddr) -> String {
    format!("user {address} {}", user.to_lowercase())
}

fn address_key(address: IpAddr) -> String {
    format!("address {address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

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
        assert_eq!(lockout.wait("bob", HOME, start), None, "others at the address go on");
        assert_eq!(lockout.wait("ann", AWAY, start), None, "and so does the user elsewhere");
    }

    #[test]
    fn an_address_that_guesses_through_many_names_waits_as_a_whole() {
        let lockout = Lockout::default();
        let start = Instant::now();
        for guess in 0..ADDRESS_FREE {
            lockout.failed(&format!("name-{guess}"), HOME, start);
        }
        assert_eq!(lockout.wait("bob", HOME, start), None);
        lockout.failed("one-more", HOME, start);
        assert_eq!(lockout.wait("bob", HOME, start), Some(Duration::from_secs(1)));
        lockout.succeeded("bob", HOME);
        assert!(lockout.wait("bob", HOME, start).is_some(), "one good account clears no address");
        assert_eq!(lockout.wait("bob", AWAY, start), None);
    }

    #[test]
    fn success_and_time_clear_a_user() {
        let lockout = Lockout::default();
        let start = Instant::now();
        for _ in 0..=USER_FREE {
            lockout.failed("ann", HOME, start);
        }
        lockout.succeeded("ann", AWAY);
        assert!(lockout.wait("ann", HOME, start).is_some(), "signing in elsewhere clears nothing");
        lockout.succeeded("ann", HOME);
        assert_eq!(lockout.wait("ann", HOME, start), None);
        for _ in 0..=USER_FREE {
            lockout.failed("bob", HOME, start);
        }
        lockout.failed("bob", HOME, start + FORGET);
        assert_eq!(lockout.wait("bob", HOME, start + FORGET + Duration::from_millis(1)), None);
    }
}
