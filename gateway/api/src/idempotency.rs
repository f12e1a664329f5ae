//! Answers of commands, kept so that a repeated `Idempotency-Key` gets the first answer.
//!
//! This store is the quick, local half: bounded and lost at a restart. The other half is the command id, which the
//! actor that accepts the command stores durably: a repeated command that is forgotten here is still done only once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use engine::error::ErrorCode;
use sha2::{Digest, Sha256};

use crate::answer::Answer;
use crate::problem::Problem;

/// Commands kept at once.
const ENTRIES_MAX: usize = 10_000;
/// Bytes of answers kept at once.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long an answer is kept.
const AGE_MS_MAX: i64 = 24 * 60 * 60 * 1000;

/// First 16 bytes of SHA-256 over the length-prefixed user id, method, path and key.
pub(crate) fn command_id(user: &str, method: &str, path: &str, key: &str) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in [user, method, path, key] {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    let mut id = [0u8; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
}

/// Reads `Idempotency-Key`: 1 to 128 printable ASCII characters.
///
/// # Errors
/// `idempotency_key_required` when missing or not such a text.
pub(crate) fn key(header: Option<&str>) -> Result<&str, Problem> {
    let usable = |key: &&str| {
        (1..=128).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b))
    };
    header.filter(usable).ok_or_else(|| {
        let detail = "this request creates or commands something: send an Idempotency-Key of 1 to 128 printable \
                      ASCII characters, new for each intent and the same when you repeat it";
        Problem::new(ErrorCode::IdempotencyKeyRequired, detail)
    })
}

enum State {
    Running,
    Done(Answer),
}

struct Entry {
    body: [u8; 32],
    state: State,
    since_ms: i64,
}

#[derive(Default)]
struct Inner {
    entries: BTreeMap<[u8; 16], Entry>,
    order: VecDeque<[u8; 16]>,
    bytes: usize,
}

/// What to do with a command.
#[derive(Debug)]
pub(crate) enum Begin {
    /// Do it, then call [`Answers::finish`] or [`Answers::forget`].
    Run,
    /// It was done: this is the answer.
    Replay(Answer),
}

/// Answers by command id.
#[derive(Default)]
pub(crate) struct Answers {
    inner: Mutex<Inner>,
}

impl Answers {
    /// Claims a command.
    ///
    /// # Errors
    /// `command_in_progress` while the same one runs, `idempotency_mismatch` when the key came with another body.
    pub(crate) fn begin(
        &self,
        id: [u8; 16],
        body: [u8; 32],
        now_ms: i64,
    ) -> Result<Begin, Problem> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.expire(now_ms);
        if let Some(entry) = inner.entries.get(&id) {
            if entry.body != body {
                let detail =
                    "this Idempotency-Key was used with another body; a new intent needs a new key";
                return Err(Problem::new(ErrorCode::IdempotencyMismatch, detail));
            }
            return match &entry.state {
                State::Running => {
                    let detail = "the same command is still running; repeat it with the same key in a moment";
                    Err(Problem::new(ErrorCode::CommandInProgress, detail)
                        .header("retry-after", "1"))
                }
                State::Done(answer) => Ok(Begin::Replay(answer.clone())),
            };
        }
        if inner.entries.len() >= ENTRIES_MAX && !inner.evict() {
            return Err(Problem::new(
                ErrorCode::Overloaded,
                "too many commands are running; try again in a moment",
            ));
        }
        inner.entries.insert(id, Entry { body, state: State::Running, since_ms: now_ms });
        inner.order.push_back(id);
        Ok(Begin::Run)
    }

    /// Keeps the answer of a command that was done or refused for good.
    pub(crate) fn finish(&self, id: [u8; 16], answer: &Answer) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = inner.entries.get_mut(&id) {
            entry.state = State::Done(answer.clone());
            inner.bytes += answer.body.len();
        }
        while inner.bytes > BYTES_MAX && inner.evict() {}
    }

    /// Forgets a command whose fate is not known here, so that repeating it asks the actor again.
    pub(crate) fn forget(&self, id: [u8; 16]) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

impl Inner {
    fn remove(&mut self, id: [u8; 16]) {
        if let Some(Entry { state: State::Done(answer), .. }) = self.entries.remove(&id) {
            self.bytes -= answer.body.len().min(self.bytes);
        }
        self.order.retain(|kept| *kept != id);
    }

    /// Drops the oldest finished entry; `false` when all are running.
    fn evict(&mut self) -> bool {
        let done = |id: &&[u8; 16]| {
            matches!(self.entries.get(*id), Some(Entry { state: State::Done(_), .. }))
        };
        let Some(oldest) = self.order.iter().find(done).copied() else { return false };
        self.remove(oldest);
        true
    }

    fn expire(&mut self, now_ms: i64) {
        while let Some(oldest) = self.order.front().copied() {
            let old = match self.entries.get(&oldest) {
                Some(entry) => {
                    matches!(entry.state, State::Done(_))
                        && now_ms.saturating_sub(entry.since_ms) > AGE_MS_MAX
                }
                None => true,
            };
            if !old {
                return;
            }
            self.remove(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use warp::http::StatusCode;

    fn answer(text: &'static str) -> Answer {
        Answer::bytes(StatusCode::CREATED, "application/json", Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn parts_of_a_command_id_cannot_be_shifted_into_each_other() {
        assert_ne!(command_id("ab", "c", "d", "e"), command_id("a", "bc", "d", "e"));
        assert_eq!(command_id("a", "b", "c", "d"), command_id("a", "b", "c", "d"));
    }

    #[test]
    fn a_key_is_printable_ascii_of_1_to_128_characters() {
        assert_eq!(key(Some("a b")).unwrap(), "a b");
        for bad in [None, Some(""), Some("ä"), Some("a\tb"), Some(&*"x".repeat(129))] {
            assert_eq!(key(bad).unwrap_err().code, ErrorCode::IdempotencyKeyRequired);
        }
    }

    #[test]
    fn the_same_command_runs_once_and_is_replayed() {
        let answers = Answers::default();
        assert!(matches!(answers.begin([1; 16], [0; 32], 0), Ok(Begin::Run)));
        assert_eq!(
            answers.begin([1; 16], [0; 32], 1).unwrap_err().code,
            ErrorCode::CommandInProgress
        );
        answers.finish([1; 16], &answer("{}"));
        assert!(
            matches!(answers.begin([1; 16], [0; 32], 2), Ok(Begin::Replay(stored)) if stored == answer("{}"))
        );
        assert_eq!(
            answers.begin([1; 16], [9; 32], 2).unwrap_err().code,
            ErrorCode::IdempotencyMismatch
        );
        assert!(matches!(answers.begin([1; 16], [9; 32], AGE_MS_MAX + 5), Ok(Begin::Run)));
    }

    #[test]
    fn a_forgotten_command_runs_again() {
        let answers = Answers::default();
        answers.begin([1; 16], [0; 32], 0).unwrap();
        answers.forget([1; 16]);
        assert!(matches!(answers.begin([1; 16], [0; 32], 1), Ok(Begin::Run)));
    }

    #[test]
    fn the_store_is_bounded_and_drops_the_oldest_answer() {
        let answers = Answers::default();
        for number in 0..ENTRIES_MAX + 10 {
            let id = command_id("u", "POST", "/x", &number.to_string());
            answers.begin(id, [0; 32], 0).unwrap();
            answers.finish(id, &answer("{}"));
        }
        assert_eq!(answers.inner.lock().unwrap().entries.len(), ENTRIES_MAX);
        let first = command_id("u", "POST", "/x", "0");
        assert!(matches!(answers.begin(first, [0; 32], 1), Ok(Begin::Run)));
    }
}
