//! Text topics: best effort lines with a count of those dropped. Pure.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::clock::rfc3339;

/// Most lines kept for readers that are behind.
pub(crate) const LINES_MAX: usize = 1_000;
/// Most lines of one delta: at five deltas a second this is the promised 500 lines a second.
pub(crate) const BATCH_MAX: usize = 100;
/// Lines of a snapshot.
const SNAPSHOT_MAX: usize = 200;
/// Longer lines are cut, in bytes.
const LINE_BYTES_MAX: usize = 8_192;

/// The newest lines of one text topic.
#[derive(Debug, Default)]
pub(crate) struct TextCore {
    head: u64,
    lines: VecDeque<Value>,
}

impl TextCore {
    /// Returns the number of the newest line.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Appends a line.
    pub(crate) fn line(&mut self, now_ms: i64, level: &str, text: &str) {
        self.head += 1;
        let text = cut(text);
        self.lines.push_back(json!({ "ts": rfc3339(now_ms), "level": level, "text": text }));
        if LINES_MAX < self.lines.len() {
            self.lines.pop_front();
        }
    }

    /// Returns `{lines, dropped}`: the newest ones.
    pub(crate) fn snapshot(&self) -> Value {
        let skip = self.lines.len().saturating_sub(SNAPSHOT_MAX);
        json!({ "lines": self.lines.iter().skip(skip).collect::<Vec<_>>(), "dropped": 0 })
    }

    /// Returns the new cursor of a reader and `{lines, dropped}`: the oldest lines it may still get.
    pub(crate) fn delta(&self, cursor: u64) -> (u64, Value) {
        let first = self.head + 1 - u64::try_from(self.lines.len()).unwrap_or(0);
        let from = (cursor + 1).max(first);
        let dropped = from - (cursor + 1);
        let skip = usize::try_from(from - first).unwrap_or(usize::MAX);
        let lines: Vec<&Value> = self.lines.iter().skip(skip).take(BATCH_MAX).collect();
        let seq = from - 1 + u64::try_from(lines.len()).unwrap_or(0);
        (seq, json!({ "lines": lines, "dropped": dropped }))
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LINE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
