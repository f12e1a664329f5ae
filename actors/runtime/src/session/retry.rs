//! What is restarted after a failure, from where, when, and how often. Pure.
//!
//! At most `retries_max` retries with doubling back-off, then the session fails with its first error. The count
//! begins again once the session moved forward for good: it ran for `sustained` and committed a new checkpoint.

use std::time::Duration;

use engine::session::protocol::{
    EXIT_BAD_SPEC, EXIT_CHECKPOINT, EXIT_DEVICE, EXIT_INTERNAL, EXIT_LEASE, EXIT_MEMORY,
    EXIT_PROTOCOL,
};

/// How failures are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Retries before the session fails.
    pub retries_max: u32,
    /// Pause before the first retry; doubled for each further one.
    pub backoff_first: Duration,
    /// Longest pause.
    pub backoff_max: Duration,
    /// A run this long that also committed a new checkpoint begins the count again.
    pub sustained: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries_max: 3,
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            sustained: Duration::from_secs(10),
        }
    }
}

/// Why a run ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FailureKind {
    /// The spec cannot be worked on (64, or a fault that says so).
    BadSpec,
    /// Worker and node do not speak the same language (65, garbage, oversized frame).
    Protocol,
    /// The program is wrong (70) or says that trying again cannot help.
    Final,
    /// Anything that may pass: a crash, a signal, silence, the machine.
    Passing,
    /// The checkpoint could not be read or written (73).
    Checkpoint,
    /// More memory than there is, or than was reserved (72, or ended for it). May pass in a fresh process, but progress
    /// made in between does not begin the count again: a session that always ends so would never end.
    Memory,
}

/// A run's failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What kind.
    pub(crate) kind: FailureKind,
    /// What happened, for a person.
    pub(crate) text: String,
}

/// Where a retry begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RestartFrom {
    /// From nothing; the kind writes no checkpoints.
    Start,
    /// From the newest committed checkpoint that is not known to be bad, or from nothing where there is none.
    Checkpoint,
}

/// What follows a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Try again.
    Retry {
        /// Which retry this is, from 1.
        attempt: u32,
        /// How long to wait.
        after: Duration,
    },
    /// The session fails.
    GiveUp {
        /// Why no further try is made.
        reason: String,
    },
}

/// Decides what follows a failure after `retry_count` retries without lasting progress.
pub(crate) fn decide(policy: &RetryPolicy, retry_count: u32, failure: &Failure) -> Decision {
    match failure.kind {
        FailureKind::BadSpec => {
            return Decision::GiveUp {
                reason: "what was asked cannot be worked on; trying again cannot help".to_owned(),
            };
        }
        FailureKind::Protocol => {
            return Decision::GiveUp {
                reason: "worker and node do not speak the same protocol; trying again cannot help"
                    .to_owned(),
            };
        }
        FailureKind::Final => {
            return Decision::GiveUp {
                reason: "the worker says that trying again cannot help".to_owned(),
            };
        }
        FailureKind::Passing | FailureKind::Checkpoint | FailureKind::Memory => {}
    }
    if policy.retries_max <= retry_count {
        return Decision::GiveUp { reason: format!("{} retries did not help", policy.retries_max) };
    }
    let doubled = policy.backoff_first.saturating_mul(2u32.saturating_pow(retry_count));
    Decision::Retry {
        attempt: retry_count.saturating_add(1),
        after: doubled.min(policy.backoff_max),
    }
}

/// Returns how much of the pause before a retry is left for a session that is taken up again, by wall time: the machine
/// may have been started anew. Never more than the longest pause, for the clock may have been set back.
pub(crate) fn pause_left(policy: &RetryPolicy, not_before_ms: u64, wall_ms: i64) -> Duration {
    let now_ms = u64::try_from(wall_ms).unwrap_or(0);
    Duration::from_millis(not_before_ms.saturating_sub(now_ms)).min(policy.backoff_max)
}

/// Returns the retry count to go on with: 0 once the run that just ended moved the session forward for good.
pub(crate) fn carried_count(
    policy: &RetryPolicy,
    retry_count: u32,
    ran: Duration,
    committed: bool,
) -> u32 {
    if committed && policy.sustained <= ran {
        return 0;
    }
    retry_count
}

/// Classifies the exit of a worker that sent no result.
pub(crate) fn of_exit(code: Option<i32>, signal: Option<i32>) -> Failure {
    let (kind, text) = match (code, signal) {
        (Some(EXIT_BAD_SPEC), _) => {
            (FailureKind::BadSpec, "worker refused its spec (exit code 64)".to_owned())
        }
        (Some(EXIT_PROTOCOL), _) => {
            (FailureKind::Protocol, "worker reported a broken protocol (exit code 65)".to_owned())
        }
        (Some(EXIT_INTERNAL), _) => {
            (FailureKind::Passing, "worker reported an internal error (exit code 70)".to_owned())
        }
        (Some(EXIT_DEVICE), _) => {
            (FailureKind::Passing, "worker lost its device (exit code 71)".to_owned())
        }
        (Some(EXIT_MEMORY), _) => {
            (FailureKind::Memory, "worker ran out of memory (exit code 72)".to_owned())
        }
        (Some(EXIT_CHECKPOINT), _) => (
            FailureKind::Checkpoint,
            "worker could not read or write a checkpoint (exit code 73)".to_owned(),
        ),
        (Some(EXIT_LEASE), _) => {
            (FailureKind::Passing, "worker's lease ran out (exit code 76)".to_owned())
        }
        (Some(code), _) => {
            (FailureKind::Passing, format!("worker ended without a result (exit code {code})"))
        }
        (None, Some(signal)) => {
            (FailureKind::Passing, format!("worker was killed by signal {signal}"))
        }
        (None, None) => (FailureKind::Passing, "worker ended in an unknown way".to_owned()),
    };
    Failure { kind, text }
}

/// Classifies a fault the worker reported before it ended.
pub(crate) fn of_fault(kind: &str, text: &str, restartable: bool) -> Failure {
    let class = match kind {
        "bad_spec" => FailureKind::BadSpec,
        // The worker speaks of the one file it was given; an older checkpoint may be good.
        "checkpoint" => FailureKind::Checkpoint,
        _ if !restartable => FailureKind::Final,
        "memory" => FailureKind::Memory,
        _ => FailureKind::Passing,
    };
    Failure { kind: class, text: format!("{kind}: {text}") }
}

/// Returns where a session of a kind that does (not) write checkpoints begins again.
pub(crate) fn restart_from(writes_checkpoints: bool) -> RestartFrom {
    if writes_checkpoints { RestartFrom::Checkpoint } else { RestartFrom::Start }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passing() -> Failure {
        Failure { kind: FailureKind::Passing, text: "killed".to_owned() }
    }

    #[test]
    fn a_bad_checkpoint_is_no_end_while_there_may_be_an_older_one() {
        assert_eq!(of_fault("checkpoint", "not the file", false).kind, FailureKind::Checkpoint);
        assert_eq!(of_fault("diverged", "loss", false).kind, FailureKind::Final);
    }

    #[test]
    fn three_retries_with_doubling_back_off_then_the_end() {
        let policy = RetryPolicy::default();
        let waits: Vec<_> = (0..5).map(|count| decide(&policy, count, &passing())).collect();
        assert_eq!(waits[0], Decision::Retry { attempt: 1, after: Duration::from_millis(500) });
        assert_eq!(waits[1], Decision::Retry { attempt: 2, after: Duration::from_secs(1) });
        assert_eq!(waits[2], Decision::Retry { attempt: 3, after: Duration::from_secs(2) });
        assert!(matches!(waits[3], Decision::GiveUp { .. }));
        assert!(matches!(waits[4], Decision::GiveUp { .. }));
    }

    #[test]
    fn a_bad_spec_a_broken_protocol_and_a_final_fault_are_never_retried() {
        for failure in [
            of_exit(Some(64), None),
            of_exit(Some(65), None),
            of_fault("bad_spec", "gamma", true),
            of_fault("data", "no rows", false),
        ] {
            assert!(
                matches!(decide(&RetryPolicy::default(), 0, &failure), Decision::GiveUp { .. }),
                "{failure:?}"
            );
        }
    }

    #[test]
    fn signals_and_other_exit_codes_may_pass() {
        for failure in [
            of_exit(None, Some(9)),
            of_exit(Some(1), None),
            of_exit(Some(73), None),
            of_exit(None, None),
        ] {
            assert!(
                matches!(decide(&RetryPolicy::default(), 0, &failure), Decision::Retry { .. }),
                "{failure:?}"
            );
        }
    }

    #[test]
    fn the_count_begins_again_only_after_lasting_progress() {
        let policy = RetryPolicy::default();
        assert_eq!(carried_count(&policy, 2, policy.sustained, true), 0);
        assert_eq!(carried_count(&policy, 2, policy.sustained, false), 2);
        assert_eq!(carried_count(&policy, 2, Duration::from_secs(1), true), 2);
    }

    #[test]
    fn what_is_left_of_a_pause_is_counted_by_wall_time_and_bounded() {
        let policy = RetryPolicy::default();
        let left = |not_before_ms, wall_ms| pause_left(&policy, not_before_ms, wall_ms);
        assert_eq!(left(10_000, 4_000), Duration::from_secs(6));
        assert_eq!(left(10_000, 10_000), Duration::ZERO);
        assert_eq!(left(10_000, 99_000), Duration::ZERO);
        assert_eq!(left(0, 0), Duration::ZERO);
        assert_eq!(left(u64::MAX, 0), policy.backoff_max, "the clock was set back");
        assert_eq!(left(10_000, -5), Duration::from_secs(10));
    }

    proptest! {
        #[test]
        fn a_crash_loop_without_progress_ends_and_never_waits_longer_than_allowed(max in 0u32..20, first in 0u64..10_000, cap in 0u64..60_000) {
            let policy = RetryPolicy {
                retries_max: max,
                backoff_first: Duration::from_millis(first),
                backoff_max: Duration::from_millis(cap),
                sustained: Duration::from_secs(1),
            };
            let mut count = 0;
            let mut tries = 0;
            while let Decision::Retry { attempt, after } = decide(&policy, count, &passing()) {
                prop_assert!(after <= policy.backoff_max);
                prop_assert_eq!(attempt, count + 1);
                count = carried_count(&policy, attempt, Duration::ZERO, true);
                tries += 1;
                prop_assert!(tries <= max);
            }
            prop_assert_eq!(tries, max);
        }
    }
}
