//! Which command a person may give in which state, and how phases of control state are shown. Pure.
//!
//! Which phase may follow which is decided where it is agreed upon: `cluster::control::state::Phase`.

use cluster::control::state::Phase;

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

/// Every state.
#[cfg(test)]
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

/// Returns the state that a phase of control state is shown as.
pub(crate) fn state_of(phase: Phase) -> SessionState {
    match phase {
        Phase::Pending => SessionState::Pending,
        Phase::Placed => SessionState::Placed,
        Phase::Starting => SessionState::Starting,
        Phase::Running => SessionState::Running,
        Phase::Pausing => SessionState::Pausing,
        Phase::Paused => SessionState::Paused,
        Phase::Stopping => SessionState::Stopping,
        Phase::Recovering => SessionState::Recovering,
        Phase::Completed => SessionState::Completed,
        Phase::Stopped => SessionState::Stopped,
        Phase::Failed => SessionState::Failed,
    }
}

/// Returns the phase of control state that a state is.
pub(crate) fn phase_of(state: SessionState) -> Phase {
    match state {
        SessionState::Pending => Phase::Pending,
        SessionState::Placed => Phase::Placed,
        SessionState::Starting => Phase::Starting,
        SessionState::Running => Phase::Running,
        SessionState::Pausing => Phase::Pausing,
        SessionState::Paused => Phase::Paused,
        SessionState::Stopping => Phase::Stopping,
        SessionState::Recovering => Phase::Recovering,
        SessionState::Completed => Phase::Completed,
        SessionState::Stopped => Phase::Stopped,
        SessionState::Failed => Phase::Failed,
    }
}

/// Whether a holder may report `to` directly after `from`.
#[cfg(test)]
pub(crate) fn may_follow(from: SessionState, to: SessionState) -> bool {
    phase_of(from).may_lead_to(phase_of(to))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn states_and_phases_are_the_same_thing() {
        for phase in Phase::ALL {
            assert_eq!(phase_of(state_of(phase)), phase);
            assert_eq!(state_of(phase).is_terminal(), phase.is_terminal(), "{phase:?}");
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
    fn words_name_states_uniquely() {
        let words: BTreeSet<&str> = STATES.into_iter().map(word).collect();
        assert_eq!(words.len(), STATES.len());
    }
}
