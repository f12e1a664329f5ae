//! Back-pressure: whether a submission may enter the queue. Pure.

use super::picture::{Picture, QueueRules};

/// How many wait already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// In all.
    pub total: u32,
    /// Of the user who submits.
    pub of_user: u32,
}

impl QueueCounts {
    /// Counts those that wait in a picture.
    #[must_use]
    pub fn of(picture: &Picture, user: &str) -> Self {
        let mut counts = Self::default();
        for session in picture.sessions.iter().filter(|session| session.waits()) {
            counts.total = counts.total.saturating_add(1);
            counts.of_user = counts.of_user.saturating_add(u32::from(session.owner == user));
        }
        counts
    }
}

/// The queue takes no more. The submission may be repeated when others have left the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueFull {
    /// The queue of the whole cluster.
    #[error("{waiting} sessions wait and {limit} may; submit {added} more when some have started")]
    Total {
        /// How many may wait.
        limit: u32,
        /// How many do.
        waiting: u32,
        /// How many were to be added.
        added: u32,
    },
    /// What one user may have in the queue.
    #[error(
        "{waiting} of your sessions wait and {limit} may; submit {added} more when some have started"
    )]
    User {
        /// How many may wait.
        limit: u32,
        /// How many do.
        waiting: u32,
        /// How many were to be added.
        added: u32,
    },
}

impl QueueFull {
    /// Returns the key of the sentence in the dictionaries of the web UI.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Total { .. } => "queue_full",
            Self::User { .. } => "user_queue_full",
        }
    }
}

/// Lets `added` sessions into the queue, all or none.
///
/// # Errors
/// Tells which limit they would exceed; the user's own first.
pub fn admit(rules: &QueueRules, waiting: QueueCounts, added: u32) -> Result<(), QueueFull> {
    if rules.user_max < waiting.of_user.saturating_add(added) {
        return Err(QueueFull::User { limit: rules.user_max, waiting: waiting.of_user, added });
    }
    if rules.total_max < waiting.total.saturating_add(added) {
        return Err(QueueFull::Total { limit: rules.total_max, waiting: waiting.total, added });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_takes_what_fits_to_the_last_and_not_one_more() {
        let rules = QueueRules { total_max: 10, user_max: 4 };
        let waiting = QueueCounts { total: 8, of_user: 2 };
        assert_eq!(admit(&rules, waiting, 2), Ok(()));
        assert_eq!(
            admit(&rules, waiting, 3),
            Err(QueueFull::User { limit: 4, waiting: 2, added: 3 })
        );
        let waiting = QueueCounts { total: 9, of_user: 0 };
        assert_eq!(
            admit(&rules, waiting, 2),
            Err(QueueFull::Total { limit: 10, waiting: 9, added: 2 })
        );
    }
}
