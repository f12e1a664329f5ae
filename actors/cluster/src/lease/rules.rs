//! Who may act until when: the holder's side of a lease. Pure; time comes in as an argument.
//!
//! ```text
//! fenced ──acknowledged──► checking ──rechecked──► holding ──7 s after the send──► fenced
//!    ▲                        │ 7 s                   │
//!    └────────────────────────┴───── refused ─────────┘        refused for good ──► ended
//! ```
//!
//! A lease counts from when the acknowledged renewal was *sent*: whatever happened to it on its way, the leader had it
//! later. After a gap, however short, the holder asks first whether its epochs still stand.

pub use super::messages::RenewRefusal;
pub use super::times::{FINDING_MS, LeaseTimes, LeaseTimesError, MARGIN_MS, Violation};

/// Where a holder is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// May not act: no lease, or it ran out.
    #[default]
    Fenced,
    /// Has a lease again and asks whether its epochs still stand.
    Checking {
        /// Which question; an answer to an older one says nothing.
        round: u64,
        /// The applied index at which to look, or any later one.
        applied: u64,
    },
    /// May act.
    Holding,
    /// Never acts again: this process must end.
    Ended,
}

/// A holder's side of its lease.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Holder {
    /// Where it is.
    pub phase: Phase,
    /// When the newest acknowledged renewal was sent.
    pub sent_ms: Option<u64>,
    /// Counts the questions after a gap.
    pub round: u64,
}

/// What a holder can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time has passed.
    Tick,
    /// The leader acknowledged a renewal after asking a majority.
    Acknowledged {
        /// When that renewal was sent, on the holder's clock.
        sent_ms: u64,
        /// The leader's applied index at that time.
        applied: u64,
    },
    /// Whatever no longer stands at the index asked for was stopped.
    Rechecked {
        /// The question that is answered.
        round: u64,
    },
    /// The leader refused a renewal.
    Refused(RenewRefusal),
}

/// What a holder must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Stop acting at once: live work cancels, singletons stop, effects are refused.
    Fence,
    /// Apply up to `applied`, stop whatever no longer belongs here, then answer [`Event::Rechecked`].
    Recheck {
        /// To be named in the answer.
        round: u64,
        /// The applied index to reach before looking.
        applied: u64,
    },
    /// What still stands may act again.
    Continue,
    /// The cluster gave this node up: be admitted again.
    Readmit,
    /// Another process is this node now: end this one.
    Exit(RenewRefusal),
}

/// Returns the holder after an event, and what it must do, in order.
#[must_use]
pub fn step(
    holder: &Holder,
    times: &LeaseTimes,
    event: &Event,
    now_boot_ms: u64,
) -> (Holder, Vec<Effect>) {
    let mut next = *holder;
    let mut effects = Vec::new();
    if next.phase == Phase::Ended {
        return (next, effects);
    }
    if !within(&next, times, now_boot_ms) {
        fence(&mut next, &mut effects);
    }
    match event {
        Event::Tick => {}
        Event::Acknowledged { sent_ms, applied } => {
            // A send time ahead of the clock is of another boot: it proves nothing.
            if *sent_ms <= now_boot_ms {
                next.sent_ms = next.sent_ms.max(Some(*sent_ms));
            }
            if next.phase == Phase::Fenced && within(&next, times, now_boot_ms) {
                next.round += 1;
                next.phase = Phase::Checking { round: next.round, applied: *applied };
                effects.push(Effect::Recheck { round: next.round, applied: *applied });
            }
        }
        Event::Rechecked { round } => {
            if matches!(next.phase, Phase::Checking { round: asked, .. } if asked == *round) {
                next.phase = Phase::Holding;
                effects.push(Effect::Continue);
            }
        }
        Event::Refused(refusal) => {
            fence(&mut next, &mut effects);
            // What was acknowledged before the refusal may not be used after it.
            next.sent_ms = None;
            if refusal.is_final() {
                next.phase = Phase::Ended;
                effects.push(Effect::Exit(refusal.clone()));
            } else if refusal.asks_to_readmit() {
                effects.push(Effect::Readmit);
            }
        }
    }
    (next, effects)
}

/// Whether the holder may act now. To be asked immediately before every side effect, with the clock read for it: a
/// process that was stopped for a while then finds its lease expired before it does anything.
#[must_use]
pub fn may_act(holder: &Holder, times: &LeaseTimes, now_boot_ms: u64) -> bool {
    holder.phase == Phase::Holding && within(holder, times, now_boot_ms)
}

/// Returns when the holder fences itself, if it has a lease.
#[must_use]
pub fn fence_at_ms(holder: &Holder, times: &LeaseTimes) -> Option<u64> {
    holder.sent_ms.map(|sent| sent.saturating_add(times.fence_ms))
}

fn within(holder: &Holder, times: &LeaseTimes, now_boot_ms: u64) -> bool {
    holder.sent_ms.is_some_and(|sent| sent <= now_boot_ms && now_boot_ms - sent < times.fence_ms)
}

fn fence(holder: &mut Holder, effects: &mut Vec<Effect>) {
    if holder.phase == Phase::Holding {
        effects.push(Effect::Fence);
    }
    holder.phase = Phase::Fenced;
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: LeaseTimes = LeaseTimes {
        renew_ms: 2_000,
        retry_ms: 500,
        failover_ms: 4_100,
        fence_ms: 7_000,
        ttl_ms: 10_000,
        reassign_ms: 15_000,
    };

    fn acknowledged(sent_ms: u64) -> Event {
        Event::Acknowledged { sent_ms, applied: 40 }
    }

    fn after(events: &[(Event, u64)]) -> (Holder, Vec<Effect>) {
        let mut holder = Holder::default();
        let mut all = Vec::new();
        for (event, now) in events {
            let (next, effects) = step(&holder, &TIMES, event, *now);
            holder = next;
            all.extend(effects);
        }
        (holder, all)
    }

    fn holding() -> Holder {
        after(&[(acknowledged(1_000), 1_100), (Event::Rechecked { round: 1 }, 1_200)]).0
    }

    #[test]
    fn acts_only_after_a_renewal_and_a_look_at_its_epochs() {
        assert!(!may_act(&Holder::default(), &TIMES, 0));
        let (holder, effects) = after(&[(acknowledged(1_000), 1_100)]);
        assert_eq!(effects, [Effect::Recheck { round: 1, applied: 40 }]);
        assert!(!may_act(&holder, &TIMES, 1_100));
        let (holder, effects) = step(&holder, &TIMES, &Event::Rechecked { round: 1 }, 1_200);
        assert_eq!(effects, [Effect::Continue]);
        assert!(may_act(&holder, &TIMES, 1_200));
    }

    #[test]
    fn the_lease_counts_from_the_send_and_ends_to_the_millisecond() {
        assert!(may_act(&holding(), &TIMES, 7_999));
        assert!(!may_act(&holding(), &TIMES, 8_000));
        let (holder, effects) = step(&holding(), &TIMES, &Event::Tick, 8_000);
        assert_eq!((holder.phase, effects), (Phase::Fenced, vec![Effect::Fence]));
    }

    #[test]
    fn a_process_that_was_frozen_finds_itself_expired_before_anything_happened() {
        assert!(!may_act(&holding(), &TIMES, 60_000));
    }

    #[test]
    fn a_renewal_in_time_goes_on_without_a_question() {
        let (holder, effects) = step(&holding(), &TIMES, &acknowledged(6_000), 7_500);
        assert!(effects.is_empty());
        assert!(may_act(&holder, &TIMES, 12_999) && !may_act(&holder, &TIMES, 13_000));
    }

    #[test]
    fn a_renewal_after_a_gap_asks_even_if_nobody_noticed_the_gap() {
        let (holder, effects) = step(&holding(), &TIMES, &acknowledged(20_000), 20_010);
        assert_eq!(effects, [Effect::Fence, Effect::Recheck { round: 2, applied: 40 }]);
        assert!(!may_act(&holder, &TIMES, 20_010));
    }

    #[test]
    fn an_acknowledgement_that_was_long_under_way_gives_nothing() {
        let (holder, effects) = after(&[(acknowledged(1_000), 8_000)]);
        assert_eq!((holder.phase, effects), (Phase::Fenced, vec![]));
    }

    #[test]
    fn an_older_acknowledgement_does_not_shorten_the_lease() {
        let (holder, _) = step(&holding(), &TIMES, &acknowledged(5_000), 5_100);
        let (holder, _) = step(&holder, &TIMES, &acknowledged(3_000), 5_200);
        assert!(may_act(&holder, &TIMES, 11_999));
    }

    #[test]
    fn a_send_time_in_the_future_is_of_another_boot() {
        let (holder, effects) = after(&[(acknowledged(9_000), 100)]);
        assert_eq!((holder.sent_ms, effects), (None, vec![]));
    }

    #[test]
    fn an_answer_to_an_older_question_says_nothing() {
        let (holder, _) = step(&holding(), &TIMES, &acknowledged(20_000), 20_010);
        let (holder, effects) = step(&holder, &TIMES, &Event::Rechecked { round: 1 }, 20_020);
        assert!(effects.is_empty() && !may_act(&holder, &TIMES, 20_020));
    }

    #[test]
    fn an_answer_that_comes_after_the_lease_ended_says_nothing() {
        let (holder, _) = after(&[(acknowledged(1_000), 1_100)]);
        let (holder, effects) = step(&holder, &TIMES, &Event::Rechecked { round: 1 }, 8_000);
        assert_eq!((holder.phase, effects), (Phase::Fenced, vec![]));
    }

    #[test]
    fn a_node_that_was_given_up_fences_and_asks_to_come_back() {
        let refused = Event::Refused(RenewRefusal::GivenUp);
        let (holder, effects) = step(&holding(), &TIMES, &refused, 2_000);
        assert_eq!(effects, [Effect::Fence, Effect::Readmit]);
        assert!(!may_act(&holder, &TIMES, 2_000));
        let (holder, effects) = step(&holder, &TIMES, &acknowledged(3_000), 3_100);
        assert_eq!(effects, [Effect::Recheck { round: 2, applied: 40 }]);
        assert!(!may_act(&holder, &TIMES, 3_100));
    }

    #[test]
    fn a_displaced_process_never_acts_again() {
        let refusal = RenewRefusal::StaleIncarnation { current: 9, found: 8 };
        let refused = Event::Refused(refusal.clone());
        let (holder, effects) = step(&holding(), &TIMES, &refused, 2_000);
        assert_eq!(effects, [Effect::Fence, Effect::Exit(refusal)]);
        let (holder, effects) = step(&holder, &TIMES, &acknowledged(3_000), 3_100);
        assert_eq!((holder.phase, effects), (Phase::Ended, vec![]));
    }
}
