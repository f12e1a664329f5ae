//! What a session needs while it lives: acknowledgements in time, and a measured round trip.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::credits::ACK_AFTER_MS;
use super::hub::Core;
use super::session::Session;

/// How often the round trip is measured.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Runs until the session ends. Its failure would only slow the peer down to its credit; the watchdog sees that.
pub(crate) async fn keep(core: Arc<Core>, session: Arc<Session>) {
    let mut ended = session.ended();
    let mut probe = interval(PROBE_EVERY);
    probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = async { drop(ended.wait_for(|ended| *ended).await) } => return,
            _ = probe.tick() => core.probe(&session),
            () = session.owing.notified() => {
                sleep(Duration::from_millis(ACK_AFTER_MS)).await;
                if session.is_owing() {
                    core.acknowledge(&session);
                }
            }
        }
    }
}
