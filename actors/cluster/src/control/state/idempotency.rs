//! Answers already given: a command that comes again gets the first one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::limits;
use crate::control::command::CommandId;
use crate::control::refusal::CommandResult;

/// An answer with the fingerprint of its command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    at_ms: u64,
    fingerprint: [u8; 16],
    result: CommandResult,
}

/// Answers of the last 24 hours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    answers: BTreeMap<CommandId, Answer>,
    by_time: BTreeSet<(u64, CommandId)>,
}

impl Idempotency {
    /// Returns how many answers are remembered.
    #[must_use]
    pub fn count(&self) -> usize {
        self.answers.len()
    }

    /// Returns the first answer to `key` and whether it was given to the same command.
    #[must_use]
    pub fn find(&self, key: CommandId, fingerprint: [u8; 16]) -> Option<(&CommandResult, bool)> {
        self.answers.get(&key).map(|answer| (&answer.result, answer.fingerprint == fingerprint))
    }

    /// Remembers an answer.
    pub(crate) fn remember(
        &mut self,
        key: CommandId,
        fingerprint: [u8; 16],
        at_ms: u64,
        result: CommandResult,
    ) {
        self.answers.insert(key, Answer { at_ms, fingerprint, result });
        self.by_time.insert((at_ms, key));
        if self.answers.len() > limits::ANSWER_COUNT_MAX {
            self.forget_oldest();
        }
    }

    /// Forgets answers older than 24 hours.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        while let Some((at_ms, _)) = self.by_time.first() {
            if now_ms.saturating_sub(*at_ms) <= limits::ANSWER_MS {
                break;
            }
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.by_time.pop_first() {
            self.answers.remove(&key);
        }
    }
}
