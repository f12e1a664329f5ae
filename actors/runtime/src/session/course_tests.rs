//! The course of a session, case by case and at random.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::session::lifecycle;

fn killed() -> WorkerEnd {
    WorkerEnd { code: None, signal: Some(9), cause: None }
}

pub(super) fn exited(code: i32) -> WorkerEnd {
    WorkerEnd { code: Some(code), signal: None, cause: None }
}

fn hello() -> WorkerEvent {
    WorkerEvent::Hello {
        proto_min: 1,
        proto_max: 1,
        build: "b".to_owned(),
        libtorch: "l".to_owned(),
        devices: Vec::new(),
    }
}

pub(super) fn done(stopped: bool) -> WorkerEvent {
    WorkerEvent::Done(WorkerResult::Training {
        model_file: "m".to_owned(),
        model_sha256: "00".to_owned(),
        best_epoch_index: 0,
        best_score: None,
        stopped,
    })
}

pub(super) fn running() -> Course {
    let mut course = Course::new(RetryPolicy::default(), Wish::Run, 0);
    course.begin(SessionState::Placed, Duration::ZERO);
    course.launched(0);
    course.heard(1, hello(), 0);
    course.heard(1, WorkerEvent::Ready, 0);
    course
}

pub(super) fn shown(steps: &[Step]) -> Vec<SessionState> {
    steps
        .iter()
        .filter_map(|step| {
            let (Step::Show { to, .. } | Step::Conclude { to, .. }) = step else { return None };
            Some(*to)
        })
        .collect()
}

#[test]
fn a_normal_run_starts_works_and_completes() {
    let mut course = Course::new(RetryPolicy::default(), Wish::Run, 0);
    let steps = course.begin(SessionState::Placed, Duration::ZERO);
    assert_eq!(shown(&steps), [SessionState::Starting]);
    assert_eq!(steps[1], Step::Launch { run: 1 });
    course.launched(0);
    assert!(matches!(course.heard(1, hello(), 0)[0], Step::Introduce { .. }));
    assert_eq!(shown(&course.heard(1, WorkerEvent::Ready, 0)), [SessionState::Running]);
    assert!(matches!(course.heard(1, done(false), 0)[0], Step::Keep(_)));
    assert_eq!(shown(&course.ended(1, &exited(0), 0)), [SessionState::Completed]);
}

#[test]
fn a_killed_worker_is_retried_three_times_and_then_the_session_fails_with_the_error() {
    let mut course = running();
    for attempt in 1..=3_u32 {
        let steps = course.ended(course.run, &killed(), 0);
        assert_eq!(shown(&steps), [SessionState::Recovering], "{attempt}");
        let run = course.run;
        assert_eq!(shown(&course.retry_due(run)), [SessionState::Starting]);
        course.launched(0);
    }
    let steps = course.ended(course.run, &killed(), 0);
    assert_eq!(shown(&steps), [SessionState::Failed]);
    assert!(
        matches!(&steps[1], Step::Conclude { error: Some(text), .. } if text.contains("signal 9"))
    );
}

#[test]
fn metric_indices_go_on_from_the_checkpoint() {
    let mut course = running();
    let points = vec![MetricPoint { name: "loss".to_owned(), step: 1, value: None }; 3];
    let steps = course.heard(1, WorkerEvent::Metrics(points.clone()), 0);
    assert!(matches!(&steps[0], Step::Record { first_index: 0, .. }));
    let steps = course.heard(1, WorkerEvent::Metrics(points.clone()), 0);
    assert!(matches!(&steps[0], Step::Record { first_index: 3, .. }));
    course.ended(1, &killed(), 0);
    course.retry_due(1);
    course.launched(2);
    let steps = course.heard(2, WorkerEvent::Metrics(points), 0);
    assert!(matches!(&steps[0], Step::Record { first_index: 2, .. }));
}

#[test]
fn what_a_former_run_says_is_ignored() {
    let mut course = running();
    course.ended(1, &killed(), 0);
    course.retry_due(1);
    assert!(course.heard(1, WorkerEvent::Ready, 0).is_empty());
    assert!(course.ended(1, &killed(), 0).is_empty());
}

#[test]
fn a_worker_killed_while_paused_waits_for_resume() {
    let mut course = running();
    assert_eq!(course.wished(Wish::Pause), [Step::Send(WorkerCommand::Pause)]);
    assert_eq!(shown(&course.heard(1, WorkerEvent::Paused, 0)), [SessionState::Paused]);
    let steps = course.ended(1, &killed(), 0);
    assert_eq!(shown(&steps), [SessionState::Recovering, SessionState::Paused]);
    let steps = course.wished(Wish::Run);
    assert_eq!(shown(&steps), [SessionState::Recovering, SessionState::Starting]);
}

#[test]
fn resumed_before_it_stood_still_it_runs_whatever_the_worker_says() {
    let mut course = running();
    course.wished(Wish::Pause);
    let steps = course.wished(Wish::Run);
    assert!(steps.contains(&Step::Send(WorkerCommand::Resume)));
    assert_eq!(shown(&steps), [SessionState::Running], "even if it never answers");
    // Its late answers change nothing.
    assert!(course.heard(1, WorkerEvent::Paused, 0).is_empty());
    assert_eq!(shown(&course.heard(1, WorkerEvent::Resumed, 0)), [SessionState::Running]);
    // Standing still, it runs when the worker says so.
    course.wished(Wish::Pause);
    course.heard(1, WorkerEvent::Paused, 0);
    assert!(shown(&course.wished(Wish::Run)).is_empty());
    assert_eq!(shown(&course.heard(1, WorkerEvent::Resumed, 0)), [SessionState::Running]);
}

#[test]
fn stop_is_final_wherever_it_comes() {
    let mut course = running();
    assert_eq!(course.wished(Wish::Stop), [Step::StopWorker]);
    assert_eq!(shown(&course.ended(1, &killed(), 0)), [SessionState::Stopped]);

    let mut waiting = running();
    waiting.ended(1, &killed(), 0);
    assert_eq!(shown(&waiting.wished(Wish::Stop)), [SessionState::Stopped]);
    assert!(waiting.retry_due(1).is_empty());

    let mut starting = Course::new(RetryPolicy::default(), Wish::Run, 0);
    starting.begin(SessionState::Placed, Duration::ZERO);
    assert_eq!(starting.wished(Wish::Stop), [Step::EndWithin(Duration::ZERO)]);
}

#[test]
fn what_is_left_of_a_pause_is_waited_for_after_a_node_restart() {
    let wait = Duration::from_secs(7);
    for (shown_before, shown_first) in [
        (SessionState::Recovering, Vec::new()),
        // The failure was noted, and the node ended before it was shown.
        (SessionState::Running, vec![SessionState::Recovering]),
        // It was given to this node meanwhile.
        (SessionState::Placed, Vec::new()),
    ] {
        let mut course = Course::new(RetryPolicy::default(), Wish::Run, 1);
        let steps = course.begin(shown_before, wait);
        assert_eq!(shown(&steps), shown_first, "{shown_before:?}");
        assert!(steps.contains(&Step::RetryIn { run: 0, after: wait }), "{steps:?}");
        assert!(course.retry_due(1).is_empty(), "no other pause");
        let steps = course.retry_due(0);
        assert_eq!(shown(&steps), [SessionState::Starting]);
        assert!(steps.contains(&Step::Launch { run: 1 }), "{steps:?}");
        assert!(course.retry_due(0).is_empty(), "once");
    }
    let mut stopped = Course::new(RetryPolicy::default(), Wish::Run, 1);
    stopped.begin(SessionState::Recovering, wait);
    assert_eq!(shown(&stopped.wished(Wish::Stop)), [SessionState::Stopped]);
    assert!(stopped.retry_due(0).is_empty());
}

#[test]
fn a_foreign_protocol_ends_the_worker_and_is_not_retried() {
    let mut course = Course::new(RetryPolicy::default(), Wish::Run, 0);
    course.begin(SessionState::Placed, Duration::ZERO);
    let foreign = WorkerEvent::Hello {
        proto_min: 7,
        proto_max: 9,
        build: String::new(),
        libtorch: String::new(),
        devices: Vec::new(),
    };
    let steps = course.heard(1, foreign, 0);
    let [Step::Kill(cause)] = &steps[..] else { panic!("{steps:?}") };
    let end = WorkerEnd { code: None, signal: Some(9), cause: Some(cause.clone()) };
    assert_eq!(shown(&course.ended(1, &end, 0)), [SessionState::Failed]);
}

#[test]
fn after_a_node_restart_every_state_is_taken_up() {
    for state in lifecycle::STATES {
        let waits = [Duration::ZERO, Duration::from_secs(1)];
        for (wish, wait) in [Wish::Run, Wish::Pause, Wish::Stop]
            .into_iter()
            .flat_map(|wish| waits.map(|wait| (wish, wait)))
        {
            let mut course = Course::new(RetryPolicy::default(), wish, 0);
            let mut at = state;
            for to in shown(&course.begin(state, wait)) {
                let legal = lifecycle::may_follow(at, to) || at == to;
                assert!(
                    legal || at == SessionState::Stopping || at == SessionState::Pending,
                    "{state:?} {wish:?}: {at:?} to {to:?}"
                );
                at = to;
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Input {
    Wish(Wish),
    Event(u8),
    End(i32),
    Kill,
    Due,
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        prop_oneof![Just(Wish::Run), Just(Wish::Pause), Just(Wish::Stop)].prop_map(Input::Wish),
        (0_u8..8).prop_map(Input::Event),
        prop_oneof![Just(0), Just(1), Just(64), Just(75)].prop_map(Input::End),
        Just(Input::Kill),
        Just(Input::Due),
    ]
}

fn event(number: u8) -> WorkerEvent {
    match number {
        0 => hello(),
        1 => WorkerEvent::Ready,
        2 => WorkerEvent::Metrics(vec![MetricPoint {
            name: "loss".to_owned(),
            step: 1,
            value: Some(1.0),
        }]),
        3 => WorkerEvent::Paused,
        4 => WorkerEvent::Resumed,
        5 => done(false),
        6 => done(true),
        _ => WorkerEvent::Fault {
            kind: "internal".to_owned(),
            text: "x".to_owned(),
            restartable: true,
        },
    }
}

proptest! {
    #[test]
    fn whatever_comes_the_end_comes_once_and_indices_have_no_gap(inputs in prop::collection::vec(input(), 0..80)) {
        let mut course = Course::new(RetryPolicy::default(), Wish::Run, 0);
        let mut steps = course.begin(SessionState::Placed, Duration::ZERO);
        course.launched(0);
        let mut ends = 0;
        let mut stopped = false;
        let mut next = 0;
        for one in inputs {
            for step in std::mem::take(&mut steps) {
                if matches!(step, Step::Conclude { .. }) {
                    ends += 1;
                } else if matches!(step, Step::Launch { .. }) {
                    course.launched(0);
                    next = 0;
                } else if let Step::Record { first_index, points } = step {
                    prop_assert_eq!(first_index, next);
                    next += points.len() as u64;
                }
            }
            let run = course.run;
            steps = match one {
                Input::Wish(_) if stopped => Vec::new(),
                Input::Wish(wish) => { stopped = wish == Wish::Stop; course.wished(wish) }
                Input::Event(number) => course.heard(run, event(number), 0),
                Input::End(code) => course.ended(run, &exited(code), 0),
                Input::Kill => course.ended(run, &killed(), 0),
                Input::Due => course.retry_due(run),
            };
        }
        prop_assert!(ends <= 1);
    }
}
