//! How fast files may go, so that small calls on other streams still get through. Pure but for the wait.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::RATE_MIN;

/// What an idle bucket lets through at once, as time at full rate.
const BURST: Duration = Duration::from_millis(100);

/// A token bucket that remembers when it will be empty again; shared by all transfers of one direction.
#[derive(Debug)]
pub(super) struct Rate {
    bytes_per_s: NonZeroU64,
    began: Instant,
    /// Time since `began` at which everything let through so far is paid for.
    paid: Mutex<Duration>,
}

impl Rate {
    pub(super) fn new(bytes_per_s: NonZeroU64) -> Self {
        let bytes_per_s = NonZeroU64::new(RATE_MIN).map_or(bytes_per_s, |min| bytes_per_s.max(min));
        Self { bytes_per_s, began: Instant::now(), paid: Mutex::default() }
    }

    /// Waits until `bytes` may go.
    pub(super) async fn take(&self, bytes: usize) {
        let wait = {
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            let (wait, next) = charge(*paid, self.began.elapsed(), bytes, self.bytes_per_s);
            *paid = next;
            wait
        };
        sleep(wait).await;
    }
}

/// Returns how long to wait at `now` before `bytes` go, and until when they are paid for.
fn charge(
    paid: Duration,
    now: Duration,
    bytes: usize,
    bytes_per_s: NonZeroU64,
) -> (Duration, Duration) {
    let begin = paid.max(now.saturating_sub(BURST));
    let nanos = bytes as u128 * 1_000_000_000 / u128::from(bytes_per_s.get());
    let price = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    let next = begin.saturating_add(price);
    (next.saturating_sub(now), next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn over_any_time_no_more_goes_than_rate_and_burst(
            rate in 1_000_u64..1_000_000_000, pieces in prop::collection::vec((0_u64..500, 1_usize..1 << 20), 1..60),
        ) {
            let rate = NonZeroU64::new(rate).unwrap();
            let (mut paid, mut now, mut bytes) = (Duration::ZERO, Duration::ZERO, 0_u64);
            for (pause_ms, size) in pieces {
                now += Duration::from_millis(pause_ms);
                let (wait, next) = charge(paid, now, size, rate);
                (paid, now) = (next, now + wait);
                bytes += size as u64;
                #[expect(clippy::cast_precision_loss, reason = "a bound with 1 % slack")]
                let allowed = (now + BURST).as_secs_f64() * rate.get() as f64 * 1.01 + 1.0;
                #[expect(clippy::cast_precision_loss, reason = "a bound with 1 % slack")]
                let gone = bytes as f64;
                prop_assert!(gone <= allowed, "{gone} of {allowed}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn two_transfers_share_one_rate() {
        let rate = Rate::new(NonZeroU64::new(1_000_000).unwrap());
        let began = Instant::now();
        let transfer = || async {
            for _ in 0..10 {
                rate.take(100_000).await;
            }
        };
        tokio::join!(transfer(), transfer());
        let took = began.elapsed();
        assert!(
            Duration::from_millis(1_800) < took && took < Duration::from_millis(2_200),
            "{took:?}"
        );
    }
}
