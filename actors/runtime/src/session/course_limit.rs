//! The wall time that a session may take: when it begins to count, and what follows when it is over. Pure.
//!
//! It counts from the session's first step on, through pauses, recoveries and restarts of the node, as an operator who
//! promised a machine until six o'clock means it. When it is over the session is stopped in good order: `stopped` where
//! something was produced, `failed` where nothing was.

use std::time::Duration;

use super::{Course, Phase, Step, show};
use crate::messages::host::Wish;
use crate::views::SessionState;

/// A session's wall time.
#[derive(Debug, Clone, Default)]
pub(super) struct TimeLimit {
    /// What it may take in all; absent: as long as it likes.
    limit: Option<Duration>,
    /// Whether somebody will say when it is over.
    counting: bool,
    /// Why the session is being ended; absent while there is time.
    over: Option<String>,
}

impl TimeLimit {
    /// Begins to count, once.
    fn count(&mut self, used: Duration) -> Option<Step> {
        let limit = self.limit.filter(|_| !std::mem::replace(&mut self.counting, true))?;
        Some(Step::TimeUpIn(limit.saturating_sub(used)))
    }

    /// Returns why the session is being ended; nothing while there is time.
    pub(super) fn over(&self) -> Option<&str> {
        self.over.as_deref()
    }
}

impl Course {
    /// Sets the wall time it may take, and how much of it has passed since its first step, where there was one.
    pub(crate) fn limit_time(
        &mut self,
        limit: Option<Duration>,
        used: Option<Duration>,
    ) -> Option<Step> {
        self.time.limit = limit;
        used.and_then(|used| self.time.count(used))
    }

    /// It makes its first step now, or makes steps again.
    pub(super) fn time_begins(&mut self) -> Option<Step> {
        self.time.count(Duration::ZERO)
    }

    /// The wall time it may take is over.
    pub(crate) fn time_is_up(&mut self) -> Vec<Step> {
        let ending = self.wish == Wish::Stop || self.phase == Phase::Ended;
        let Some(limit) = self.time.limit.filter(|_| !ending && self.time.over.is_none()) else {
            return Vec::new();
        };
        let reason = format!("time limit of {} reached", spelt(limit));
        self.time.over = Some(reason.clone());
        let log = Step::Log { level: "warn", text: format!("{reason}; stopping") };
        let mut steps = vec![log, show(SessionState::Stopping, &reason, "host")];
        match self.phase {
            Phase::Idle | Phase::Waiting => {
                steps.extend(self.conclude_over(&reason, "while no worker was running"));
            }
            Phase::Launching { introduced: false } => {
                steps.push(Step::EndWithin(Duration::ZERO));
            }
            Phase::Launching { introduced: true } | Phase::Working => steps.push(Step::StopWorker),
            Phase::Ended => {}
        }
        steps
    }

    /// Ends a session whose time is over and that produced nothing.
    pub(super) fn conclude_over(&mut self, reason: &str, when: &str) -> Vec<Step> {
        let text = format!(
            "{reason} {when}, before there was a result; its last checkpoint is kept. Start it again with a longer time \
             limit"
        );
        self.conclude(SessionState::Failed, &text, Some(text.clone()))
    }
}

/// Returns a duration as people say it: at most two units, nothing that is zero.
fn spelt(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count != 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if said.is_empty() { "0 s".to_owned() } else { said.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::course::tests::{done, exited, running, shown};
    use crate::worker::process::Cause;

    const LIMIT: Duration = Duration::from_secs(90);

    fn limited() -> Course {
        let mut course = running();
        assert_eq!(
            course.limit_time(Some(LIMIT), Some(Duration::from_secs(30))),
            Some(Step::TimeUpIn(Duration::from_secs(60)))
        );
        course
    }

    #[test]
    fn durations_are_spelt_as_people_say_them() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (90, "1 min 30 s"),
            (3_600, "1 h"),
            (7_260, "2 h 1 min"),
            (90_061, "1 d 1 h"),
        ];
        for (seconds, wanted) in cases {
            assert_eq!(spelt(Duration::from_secs(seconds)), wanted);
        }
    }

    #[test]
    fn time_begins_with_the_first_step_and_counts_once() {
        let mut course = Course::new(crate::session::RetryPolicy::default(), Wish::Run, 0);
        assert_eq!(course.limit_time(Some(LIMIT), None), None);
        assert_eq!(course.time_begins(), Some(Step::TimeUpIn(LIMIT)));
        assert_eq!(course.time_begins(), None, "a restart of the worker does not begin it again");
        let mut course = Course::new(crate::session::RetryPolicy::default(), Wish::Run, 0);
        assert_eq!(course.limit_time(None, Some(LIMIT)), None);
        assert!(course.time_begins().is_none() && course.time_is_up().is_empty());
        let late = Some(LIMIT * 2);
        let mut course = Course::new(crate::session::RetryPolicy::default(), Wish::Run, 0);
        assert_eq!(course.limit_time(Some(LIMIT), late), Some(Step::TimeUpIn(Duration::ZERO)));
    }

    #[test]
    fn a_session_that_works_is_stopped_in_good_order_and_keeps_its_result() {
        let mut course = limited();
        let steps = course.time_is_up();
        assert_eq!(shown(&steps), [SessionState::Stopping]);
        assert!(steps.contains(&Step::StopWorker), "{steps:?}");
        assert!(course.time_is_up().is_empty(), "once");
        assert!(course.wished(Wish::Pause).is_empty(), "nothing else is heeded any more");
        course.heard(1, done(true), 0);
        let steps = course.ended(1, &exited(75), 0);
        assert_eq!(shown(&steps), [SessionState::Stopped]);
        let Some(Step::Conclude { reason, error: None, .. }) = steps.last() else {
            panic!("{steps:?}")
        };
        assert!(reason.contains("time limit of 1 min 30 s reached"), "{reason}");
    }

    #[test]
    fn a_session_without_a_result_fails_and_is_not_tried_again() {
        let mut course = limited();
        course.time_is_up();
        let killed = crate::worker::process::WorkerEnd {
            code: None,
            signal: Some(9),
            cause: Some(Cause::Overdue),
        };
        let steps = course.ended(1, &killed, 0);
        assert_eq!(shown(&steps), [SessionState::Failed]);
        let mut course = limited();
        course.ended(1, &exited(1), 0);
        assert_eq!(shown(&course.time_is_up()), [SessionState::Stopping, SessionState::Failed]);
        assert!(course.retry_due(1).is_empty());
    }

    #[test]
    fn one_that_is_being_stopped_or_has_ended_is_left_alone() {
        let mut course = limited();
        course.wished(Wish::Stop);
        assert!(course.time_is_up().is_empty());
        let mut course = limited();
        course.heard(1, done(false), 0);
        course.ended(1, &exited(0), 0);
        assert!(course.time_is_up().is_empty());
    }
}
