//! The two clocks, handed in wherever time is needed: wall time for people, boot time for durations and leases.
//!
//! Wall time may jump; boot time never does and goes on while the machine sleeps. Actors never ask the system
//! themselves: they ask the [`Clock`] that the platform was booted with, so tests can hold time still.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};

/// Tells the time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Returns milliseconds since 1970 UTC.
    fn wall_ms(&self) -> i64;

    /// Returns milliseconds since the machine started; never goes back.
    fn boot_ms(&self) -> u64;
}

/// The machine's own clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall_ms(&self) -> i64 {
        milliseconds(ClockId::Realtime)
    }

    fn boot_ms(&self) -> u64 {
        u64::try_from(milliseconds(ClockId::Boottime)).unwrap_or(0)
    }
}

fn milliseconds(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

/// A clock that stands still until it is moved: for tests.
#[derive(Debug, Default)]
pub struct ManualClock {
    wall_ms: AtomicI64,
    boot_ms: AtomicU64,
}

impl ManualClock {
    /// Returns a clock that shows `wall_ms` and a machine that has just started.
    #[must_use]
    pub fn at(wall_ms: i64) -> Self {
        Self { wall_ms: AtomicI64::new(wall_ms), boot_ms: AtomicU64::new(0) }
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by_ms: u32) {
        self.wall_ms.fetch_add(i64::from(by_ms), Ordering::SeqCst);
        self.boot_ms.fetch_add(u64::from(by_ms), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::SeqCst)
    }

    fn boot_ms(&self) -> u64 {
        self.boot_ms.load(Ordering::SeqCst)
    }
}

/// Returns RFC 3339 text in UTC with milliseconds, for example `2026-03-02T09:30:00.000Z`.
///
/// Times outside the years −9999 to 9999 are shown as the nearest one that can be written.
#[must_use]
pub fn rfc3339(wall_ms: i64) -> String {
    let bounded = jiff::Timestamp::from_millisecond(wall_ms).unwrap_or(if wall_ms < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    });
    bounded.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_milliseconds_and_is_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_772_443_800_120), "2026-03-02T09:30:00.120Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn any_number_becomes_text() {
        for wall_ms in [i64::MIN, i64::MAX] {
            assert!(rfc3339(wall_ms).ends_with('Z'));
        }
    }

    #[test]
    fn system_clock_moves_forward() {
        let clock = SystemClock;
        let (before, boot) = (clock.wall_ms(), clock.boot_ms());
        assert!(1_700_000_000_000 < before && boot <= clock.boot_ms());
    }
}
