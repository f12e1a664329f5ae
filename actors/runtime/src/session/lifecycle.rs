//! The table of a session's life: which state may follow which, and which command is legal where.
//!
//! `pending → placed → starting → running ⇄ paused → completed | stopped | failed`, with `pausing` and `stopping`
//! while a worker finishes its iteration and `recovering` after a loss. Pure; nobody else decides this.

use crate::views::SessionState;

/// What a person may ask of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    /// Stand still between two iterations.
    Pause,
    /// Go on.
    Resume,
    /// Write a checkpoint now.
    Checkpoint,
    /// End in good order.
    Stop,
}

impl Verb {
    /// Every verb, in the order in which refusals name them.
    pub(crate) const ALL: [Self; 4] = [Self::Pause, Self::Resume, Self::Checkpoint, Self::Stop];

    /// Returns the word a person types.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Checkpoint => "checkpoint",
            Self::Stop => "stop",
        }
    }
}

/// Every state, for tables and tests.
pub(crate) const STATES: [SessionState; 11] = [
    SessionState::Pending,
    SessionState::Placed,
    SessionState::Starting,
    SessionState::Running,
    SessionState::Pausing,
    SessionState::Paused,
    SessionState::Stopping,
    SessionState::Recovering,
    SessionState::Completed,
    SessionState::Stopped,
    SessionState::Failed,
];

/// Returns the states that may directly follow.
pub(crate) fn successors(from: SessionState) -> &'static [SessionState] {
    use SessionState as S;
    match from {
        S::Pending => &[S::Placed, S::Stopped, S::Failed],
        S::Placed => &[S::Pending, S::Starting, S::Recovering, S::Stopping, S::Stopped, S::Failed],
        S::Starting => &[
            S::Running,
            S::Pausing,
            S::Stopping,
            S::Recovering,
            S::Completed,
            S::Stopped,
            S::Failed,
        ],
        // Straight to paused: the worker's word that it stands still is true whatever was shown before.
        S::Running => &[S::Pausing, S::Paused, S::Stopping, S::Recovering, S::Completed, S::Failed],
        S::Pausing => &[S::Paused, S::Running, S::Stopping, S::Recovering, S::Completed, S::Failed],
        S::Paused => &[S::Running, S::Stopping, S::Recovering, S::Completed, S::Stopped, S::Failed],
        S::Stopping => &[S::Stopped, S::Completed, S::Failed],
        S::Recovering => &[S::Pending, S::Starting, S::Paused, S::Stopping, S::Stopped, S::Failed],
        S::Completed | S::Stopped | S::Failed => &[],
    }
}

/// Whether `to` may directly follow `from`.
pub(crate) fn may_follow(from: SessionState, to: SessionState) -> bool {
    successors(from).contains(&to)
}

/// Whether a person may ask this in this state. Stopping twice is harmless and therefore legal.
pub(crate) fn is_legal(state: SessionState, verb: Verb) -> bool {
    use SessionState as S;
    match verb {
        Verb::Pause => state == S::Running,
        Verb::Resume => matches!(state, S::Paused | S::Pausing),
        Verb::Checkpoint => matches!(state, S::Running | S::Paused),
        Verb::Stop => !state.is_terminal(),
    }
}

/// Returns the words of the commands that are legal in this state.
pub(crate) fn legal_words(state: SessionState) -> Vec<&'static str> {
    Verb::ALL.into_iter().filter(|verb| is_legal(state, *verb)).map(Verb::word).collect()
}

/// Returns the state to show as soon as a legal command was accepted; absent where the worker's answer decides.
pub(crate) fn shown_after(state: SessionState, verb: Verb) -> Option<SessionState> {
    use SessionState as S;
    match verb {
        Verb::Pause => Some(S::Pausing),
        Verb::Stop if state == S::Pending => Some(S::Stopped),
        Verb::Stop if state != S::Stopping => Some(S::Stopping),
        // It may never have stood still; then no answer of the worker is due.
        Verb::Resume if state == S::Pausing => Some(S::Running),
        Verb::Stop | Verb::Resume | Verb::Checkpoint => None,
    }
}

/// Returns the state's word, as the interfaces spell it.
pub(crate) fn word(state: SessionState) -> &'static str {
    match state {
        SessionState::Pending => "pending",
        SessionState::Placed => "placed",
        SessionState::Starting => "starting",
        SessionState::Running => "running",
        SessionState::Pausing => "pausing",
        SessionState::Paused => "paused",
        SessionState::Stopping => "stopping",
        SessionState::Recovering => "recovering",
        SessionState::Completed => "completed",
        SessionState::Stopped => "stopped",
        SessionState::Failed => "failed",
    }
}

/// Returns the state of a stored word.
pub(crate) fn from_word(text: &str) -> Option<SessionState> {
    STATES.into_iter().find(|state| word(*state) == text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_follows_a_terminal_state() {
        for state in STATES {
            assert_eq!(state.is_terminal(), successors(state).is_empty(), "{state:?}");
        }
    }

    #[test]
    fn every_living_state_can_be_stopped_can_fail_and_names_its_commands() {
        for state in STATES.into_iter().filter(|state| !state.is_terminal()) {
            assert!(is_legal(state, Verb::Stop), "{state:?}");
            assert!(may_follow(state, SessionState::Failed), "{state:?}");
            assert!(legal_words(state).contains(&"stop"), "{state:?}");
        }
        assert!(legal_words(SessionState::Completed).is_empty());
    }

    #[test]
    fn what_is_shown_after_a_legal_command_may_follow() {
        for state in STATES {
            for verb in Verb::ALL.into_iter().filter(|verb| is_legal(state, *verb)) {
                if let Some(next) = shown_after(state, verb) {
                    assert!(may_follow(state, next), "{state:?} {verb:?} {next:?}");
                }
            }
        }
    }

    #[test]
    fn a_resume_before_it_stood_still_is_shown_at_once() {
        assert_eq!(shown_after(SessionState::Pausing, Verb::Resume), Some(SessionState::Running));
        assert_eq!(shown_after(SessionState::Paused, Verb::Resume), None, "the worker says when");
    }

    #[test]
    fn words_name_states_uniquely_and_read_back() {
        let words: BTreeSet<&str> = STATES.into_iter().map(word).collect();
        assert_eq!(words.len(), STATES.len());
        for state in STATES {
            assert_eq!(from_word(word(state)), Some(state));
        }
        assert_eq!(from_word("Running"), None);
    }

    #[test]
    fn every_state_is_reached_from_pending_and_reaches_an_end() {
        for start in STATES {
            let mut seen = BTreeSet::from([start]);
            let mut open = vec![start];
            while let Some(state) = open.pop() {
                for next in successors(state) {
                    if seen.insert(*next) {
                        open.push(*next);
                    }
                }
            }
            assert!(seen.iter().any(|state| state.is_terminal()), "{start:?} never ends");
            if start == SessionState::Pending {
                assert_eq!(seen.len(), STATES.len());
            }
        }
    }

    proptest! {
        #[test]
        fn a_random_walk_obeys_the_table_and_stays_dead_once_dead(steps in prop::collection::vec(0usize..STATES.len(), 0..200)) {
            let mut state = SessionState::Pending;
            for step in steps {
                let wish = STATES[step];
                if may_follow(state, wish) {
                    prop_assert!(!state.is_terminal());
                    prop_assert_ne!(state, wish);
                    state = wish;
                }
            }
            // A worker runs in these states only after it was starting: pausing and paused never come from nothing.
            prop_assert!(!may_follow(SessionState::Pending, SessionState::Running));
        }
    }
}
