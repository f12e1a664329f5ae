//! Campaigns when openraft waits too long.
//!
//! A candidate that met a longer log than its own waits two lease times more, so that the better one goes first. openraft
//! 0.9.25 remembers that until the node's own next campaign, which may come after somebody else has led for hours: the
//! fail-over then takes up to 7.8 s instead of 3.7. Here a voter campaigns once the longest regular time and a tick
//! have passed; should its log really be the shorter one, the others refuse it and nothing is lost.

use std::time::Duration;

use openraft::Raft;
use tokio::time::{MissedTickBehavior, interval};

use super::RaftTiming;
use super::admin::slot;
use super::types::Types;

/// Watches until the core ends.
pub(super) async fn watch(raft: Raft<Types>, timing: RaftTiming, raft_id: u64) {
    let longest = timing.election_ms + timing.slot_ms * slot(raft_id) + timing.spread_ms;
    // The lease, then the longest draw, then one tick of the core.
    let overdue = Duration::from_millis(2 * longest + timing.heartbeat_ms * 3 / 2);
    let mut ticks = interval(Duration::from_millis((timing.heartbeat_ms / 4).max(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let due = raft.with_raft_state(move |state| {
            state.vote_last_modified().is_some_and(|heard| heard.elapsed() > overdue)
        });
        let campaigned = match due.await {
            // A leader and who may not vote ignore it.
            Ok(true) => raft.trigger().elect().await,
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if campaigned.is_err() {
            return;
        }
    }
}
