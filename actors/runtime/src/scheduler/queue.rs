//! The order of those that wait, and the reason a person understands. Pure.

use engine::ids::SessionId;

/// A session that waits for a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Which.
    pub(crate) session: SessionId,
    /// Higher goes first.
    pub(crate) priority: i32,
    /// When it was accepted: index of the control log, so that age has no ties and needs no clock.
    pub(crate) accepted_index: u64,
}

/// Sorts by priority, then age.
pub(crate) fn order(waiting: &mut [Waiting]) {
    waiting.sort_by_key(|one| (std::cmp::Reverse(one.priority), one.accepted_index, one.session));
}

/// Returns the whole sentence: what is missing, and how many go first.
///
/// `ahead` counts those that wait and come first.
pub(crate) fn sentence(missing: &str, ahead: usize) -> String {
    match ahead {
        0 => format!("{missing}; next in queue"),
        ahead => format!("{missing}; {ahead} ahead in queue"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn waiting(n: u128, priority: i32, accepted_index: u64) -> Waiting {
        Waiting { session: SessionId::from_uuid(Uuid::from_u128(n)), priority, accepted_index }
    }

    #[test]
    fn priority_first_then_age() {
        let mut queue = vec![waiting(1, 0, 5), waiting(2, 10, 9), waiting(3, 0, 2)];
        order(&mut queue);
        let ids: Vec<u128> = queue.iter().map(|one| one.session.uuid().as_u128()).collect();
        assert_eq!(ids, [2, 3, 1]);
    }

    #[test]
    fn the_reason_counts_those_ahead() {
        assert_eq!(sentence("waiting for 1 core", 2), "waiting for 1 core; 2 ahead in queue");
        assert_eq!(sentence("waiting for 1 core", 0), "waiting for 1 core; next in queue");
    }

    proptest! {
        #[test]
        fn the_order_does_not_depend_on_how_they_came(priorities in prop::collection::vec(-3i32..3, 0..20)) {
            let mut queue: Vec<Waiting> =
                priorities.iter().enumerate().map(|(i, p)| waiting(i as u128, *p, i as u64)).collect();
            let mut reversed: Vec<Waiting> = queue.iter().rev().cloned().collect();
            order(&mut queue);
            order(&mut reversed);
            prop_assert_eq!(queue, reversed);
        }
    }
}
