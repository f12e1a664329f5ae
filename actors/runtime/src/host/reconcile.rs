//! Wanted against running: what this node has to do so that both agree. Pure, harmless when repeated.

use std::collections::BTreeMap;

use engine::ids::SessionId;

/// What control state wants of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// It shall run.
    Run,
    /// It shall stand still.
    Pause,
    /// It shall end.
    Stop,
}

/// A session placed on this node that has no outcome yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Which assignment.
    pub(crate) epoch: u64,
    /// What is wanted.
    pub(crate) wish: Wish,
    /// When that was said: pause, resume, pause is not the same as pause, even when only its end is seen.
    pub(crate) wished_ms: u64,
    /// How many checkpoints were asked for so far.
    pub(crate) checkpoint_requests: u64,
    /// Whether it began on this node before this start of the process.
    pub(crate) begun: bool,
    /// Whether this node shall give it up.
    pub(crate) give_up: bool,
}

/// A session that has an actor here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Present {
    /// Which assignment it was started for.
    pub(crate) epoch: u64,
    /// What it was last told.
    pub(crate) wish: Wish,
    /// When that was said.
    pub(crate) wished_ms: u64,
    /// Up to which request it was told to write checkpoints.
    pub(crate) checkpoint_requests: u64,
    /// Whether it is being given up.
    pub(crate) giving_up: bool,
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostStep {
    /// Start it: it never began here.
    Start(SessionId),
    /// Take it up again: it began before this node was restarted.
    Adopt(SessionId),
    /// Tell it to stand still.
    Pause(SessionId),
    /// Tell it to go on.
    Resume(SessionId),
    /// Tell it to write a checkpoint.
    Checkpoint(SessionId),
    /// Tell it to end in good order.
    Stop(SessionId),
    /// Have it write a checkpoint, then let go of it.
    GiveUp(SessionId),
    /// End it at once: it is no longer this node's.
    Retire(SessionId),
}

/// Returns what to do, in the order of the identifiers.
pub(crate) fn reconcile(
    wanted: &BTreeMap<SessionId, Wanted>,
    present: &BTreeMap<SessionId, Present>,
) -> Vec<HostStep> {
    let mut steps = Vec::new();
    for (session, actor) in present {
        let still = wanted.get(session).is_some_and(|want| want.epoch == actor.epoch);
        if !still {
            steps.push(HostStep::Retire(*session));
        }
    }
    for (session, want) in wanted {
        match present.get(session) {
            None if want.begun => steps.push(HostStep::Adopt(*session)),
            None => steps.push(HostStep::Start(*session)),
            // A new assignment waits until the old actor is gone; the next round starts it.
            Some(actor) if actor.epoch != want.epoch => {}
            Some(actor) => tell(*session, want, actor, &mut steps),
        }
    }
    steps
}

fn tell(session: SessionId, want: &Wanted, actor: &Present, steps: &mut Vec<HostStep>) {
    if want.give_up && !actor.giving_up && want.wish != Wish::Stop {
        steps.push(HostStep::GiveUp(session));
    }
    if (want.wish, want.wished_ms) != (actor.wish, actor.wished_ms) {
        steps.push(match want.wish {
            Wish::Run => HostStep::Resume(session),
            Wish::Pause => HostStep::Pause(session),
            Wish::Stop => HostStep::Stop(session),
        });
    }
    if actor.checkpoint_requests < want.checkpoint_requests && want.wish != Wish::Stop {
        steps.push(HostStep::Checkpoint(session));
    }
}

/// Returns what is present after a step was carried out; the shell keeps its table with this.
pub(crate) fn carried_out(
    step: HostStep,
    wanted: &BTreeMap<SessionId, Wanted>,
    present: &mut BTreeMap<SessionId, Present>,
) {
    let (HostStep::Start(session)
    | HostStep::Adopt(session)
    | HostStep::Pause(session)
    | HostStep::Resume(session)
    | HostStep::Checkpoint(session)
    | HostStep::Stop(session)
    | HostStep::GiveUp(session)
    | HostStep::Retire(session)) = step;
    let want = wanted.get(&session);
    match step {
        HostStep::Retire(_) => {
            present.remove(&session);
        }
        HostStep::Start(_) | HostStep::Adopt(_) => {
            if let Some(want) = want {
                let told = Present {
                    epoch: want.epoch,
                    wish: want.wish,
                    wished_ms: want.wished_ms,
                    checkpoint_requests: want.checkpoint_requests,
                    giving_up: false,
                };
                present.insert(session, told);
            }
        }
        HostStep::GiveUp(_) => {
            if let Some(actor) = present.get_mut(&session) {
                actor.giving_up = true;
            }
        }
        HostStep::Checkpoint(_) => {
            if let (Some(want), Some(actor)) = (want, present.get_mut(&session)) {
                actor.checkpoint_requests = want.checkpoint_requests;
            }
        }
        HostStep::Pause(_) | HostStep::Resume(_) | HostStep::Stop(_) => {
            if let (Some(want), Some(actor)) = (want, present.get_mut(&session)) {
                actor.wish = want.wish;
                actor.wished_ms = want.wished_ms;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(n))
    }

    fn wanted(wish: Wish) -> Wanted {
        Wanted {
            epoch: 1,
            wish,
            wished_ms: 1,
            checkpoint_requests: 0,
            begun: false,
            give_up: false,
        }
    }

    fn present(wish: Wish) -> Present {
        Present { epoch: 1, wish, wished_ms: 1, checkpoint_requests: 0, giving_up: false }
    }

    #[test]
    fn a_new_session_is_started_and_one_from_before_the_restart_is_adopted() {
        let mut begun = wanted(Wish::Run);
        begun.begun = true;
        let wants = BTreeMap::from([(id(1), wanted(Wish::Run)), (id(2), begun)]);
        assert_eq!(
            reconcile(&wants, &BTreeMap::new()),
            [HostStep::Start(id(1)), HostStep::Adopt(id(2))]
        );
    }

    #[test]
    fn the_same_wish_said_later_is_told_again() {
        let mut want = wanted(Wish::Pause);
        want.wished_ms = 2;
        let wants = BTreeMap::from([(id(1), want)]);
        let mut here = BTreeMap::from([(id(1), present(Wish::Pause))]);
        assert_eq!(reconcile(&wants, &here), [HostStep::Pause(id(1))]);
        carried_out(HostStep::Pause(id(1)), &wants, &mut here);
        assert_eq!(reconcile(&wants, &here), []);
    }

    #[test]
    fn a_changed_wish_is_told_once() {
        let wants = BTreeMap::from([(id(1), wanted(Wish::Pause))]);
        let mut here = BTreeMap::from([(id(1), present(Wish::Run))]);
        assert_eq!(reconcile(&wants, &here), [HostStep::Pause(id(1))]);
        carried_out(HostStep::Pause(id(1)), &wants, &mut here);
        assert!(reconcile(&wants, &here).is_empty());
    }

    #[test]
    fn a_checkpoint_is_asked_for_once_per_round_and_never_of_one_that_ends() {
        let mut want = wanted(Wish::Run);
        want.checkpoint_requests = 3;
        let wants = BTreeMap::from([(id(1), want)]);
        let here = BTreeMap::from([(id(1), present(Wish::Run))]);
        assert_eq!(reconcile(&wants, &here), [HostStep::Checkpoint(id(1))]);
        want.wish = Wish::Stop;
        let wants = BTreeMap::from([(id(1), want)]);
        assert_eq!(reconcile(&wants, &here), [HostStep::Stop(id(1))]);
    }

    #[test]
    fn a_session_is_given_up_once_and_never_one_that_ends() {
        let mut want = wanted(Wish::Run);
        want.give_up = true;
        let wants = BTreeMap::from([(id(1), want)]);
        let mut here = BTreeMap::from([(id(1), present(Wish::Run))]);
        assert_eq!(reconcile(&wants, &here), [HostStep::GiveUp(id(1))]);
        carried_out(HostStep::GiveUp(id(1)), &wants, &mut here);
        assert_eq!(reconcile(&wants, &here), []);
        want.wish = Wish::Stop;
        let wants = BTreeMap::from([(id(1), want)]);
        let here = BTreeMap::from([(id(1), present(Wish::Run))]);
        assert_eq!(reconcile(&wants, &here), [HostStep::Stop(id(1))]);
    }

    #[test]
    fn an_old_assignment_is_retired_before_the_new_one_starts() {
        let mut want = wanted(Wish::Run);
        want.epoch = 2;
        let wants = BTreeMap::from([(id(1), want)]);
        let mut here = BTreeMap::from([(id(1), present(Wish::Run))]);
        let steps = reconcile(&wants, &here);
        assert_eq!(steps, [HostStep::Retire(id(1))]);
        carried_out(steps[0], &wants, &mut here);
        assert_eq!(reconcile(&wants, &here), [HostStep::Start(id(1))]);
    }

    fn wish() -> impl Strategy<Value = Wish> {
        prop_oneof![Just(Wish::Run), Just(Wish::Pause), Just(Wish::Stop)]
    }

    proptest! {
        #[test]
        fn three_rounds_bring_any_mess_to_rest(
            wants in prop::collection::btree_map(0u128..8, (1u64..3, wish(), 0u64..3, any::<bool>()), 0..8),
            here in prop::collection::btree_map(0u128..8, (1u64..3, wish(), 0u64..3), 0..8),
        ) {
            let wants: BTreeMap<SessionId, Wanted> = wants
                .into_iter()
                .map(|(n, (epoch, wish, checkpoint_requests, begun))| {
                    (id(n), Wanted { epoch, wish, wished_ms: 1, checkpoint_requests, begun, give_up: begun })
                })
                .collect();
            let mut here: BTreeMap<SessionId, Present> = here
                .into_iter()
                .map(|(n, (epoch, wish, checkpoint_requests))| (id(n), Present { epoch, wish, wished_ms: 1, checkpoint_requests, giving_up: false }))
                .collect();
            // Retired, started anew, given up.
            for _ in 0..3 {
                for step in reconcile(&wants, &here) {
                    carried_out(step, &wants, &mut here);
                }
            }
            prop_assert!(here.keys().eq(wants.keys()));
            for (session, want) in &wants {
                prop_assert_eq!(here[session].epoch, want.epoch);
                prop_assert_eq!(here[session].wish, want.wish);
            }
            let rest = reconcile(&wants, &here);
            prop_assert!(rest.iter().all(|step| matches!(step, HostStep::Stop(_))) , "{rest:?}");
            prop_assert!(rest.is_empty());
        }
    }
}
