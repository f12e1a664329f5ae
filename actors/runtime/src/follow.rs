//! Wakes an actor when control state moves on, and at least every so often. Bounded: one wake-up per pause at most.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Shortest time between two wake-ups: changes in between are seen by the later one.
const PAUSE: Duration = Duration::from_millis(10);

/// Starts the task. It ends when `wake` returns `false`, which means that the actor is gone.
pub(crate) fn control(
    mut index: watch::Receiver<u64>,
    every: Duration,
    wake: impl Fn() -> bool + Send + 'static,
) {
    tokio::spawn(async move {
        let mut tick = interval(every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = index.changed() => if changed.is_err() { return },
                _ = tick.tick() => {}
            }
            if !wake() {
                return;
            }
            sleep(PAUSE).await;
        }
    });
}
