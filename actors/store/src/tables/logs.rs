//! Log lines of sessions: the newest are kept, older ones make room.

use super::SessionKey;
use super::counters::{Counters, next, remove_all};
use crate::error::StoreError;
use crate::journal::{Batch, Journal, Key};
use crate::records::log_line::LogLineRecord;

/// Lines kept per session.
pub const LOG_LINES_MAX: u64 = 10_000;
/// Bytes of a line; the rest is cut off.
const LINE_BYTES_MAX: usize = 3_500;

/// A line to be numbered and stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewLine {
    /// Milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// How grave.
    pub level: String,
    /// The text.
    pub text: String,
}

/// Log lines by session.
#[derive(Debug, Clone)]
pub struct Logs {
    journal: Journal,
    counters: Counters,
}

impl Logs {
    pub(super) fn open(journal: &Journal) -> Self {
        Self { journal: journal.clone(), counters: Counters::default() }
    }

    /// Stores lines and drops those that exceed [`LOG_LINES_MAX`]; returns the number of the first one stored.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub async fn append(
        &self,
        session: &SessionKey,
        lines: Vec<NewLine>,
    ) -> Result<u64, StoreError> {
        let (first, pending) = {
            let mut numbers = self.counters.lock();
            let first = next(&mut numbers, session, || Ok(self.last_seq(session)? + 1))?;
            let mut batch = Batch::default();
            let mut seq = first;
            for NewLine { at_ms, level, text } in lines {
                let record = LogLineRecord {
                    seq,
                    at_ms,
                    level: cut(&level, 32),
                    text: cut(&text, LINE_BYTES_MAX),
                };
                batch.put(Key::log_line(session, seq), &record)?;
                if let Some(old) = seq.checked_sub(LOG_LINES_MAX).filter(|old| *old > 0) {
                    batch.delete(Key::log_line(session, old));
                }
                seq += 1;
            }
            let pending = self.journal.submit(batch)?;
            numbers.insert(*session, seq);
            (first, pending)
        };
        pending.wait().await?;
        Ok(first)
    }

    /// Stores lines that were numbered elsewhere; those that are there already are dropped.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub async fn restore(
        &self,
        session: &SessionKey,
        lines: &[LogLineRecord],
    ) -> Result<(), StoreError> {
        let pending = {
            let mut numbers = self.counters.lock();
            let mut at = next(&mut numbers, session, || Ok(self.last_seq(session)? + 1))?;
            let mut batch = Batch::default();
            for line in lines {
                // A gap is what made room at its origin.
                if at <= line.seq {
                    batch.put(Key::log_line(session, line.seq), line)?;
                    if let Some(old) = line.seq.checked_sub(LOG_LINES_MAX).filter(|old| *old > 0) {
                        batch.delete(Key::log_line(session, old));
                    }
                    at = line.seq + 1;
                }
            }
            let pending = self.journal.submit(batch)?;
            numbers.insert(*session, at);
            pending
        };
        pending.wait().await
    }

    /// Forgets the lines after number `last`.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub async fn truncate(&self, session: &SessionKey, last: u64) -> Result<(), StoreError> {
        let pending = {
            let mut numbers = self.counters.lock();
            let end = next(&mut numbers, session, || Ok(self.last_seq(session)? + 1))?;
            let mut batch = Batch::default();
            for seq in last.saturating_add(1)..end {
                batch.delete(Key::log_line(session, seq));
            }
            let pending = self.journal.submit(batch)?;
            numbers.insert(*session, end.min(last.saturating_add(1)));
            pending
        };
        pending.wait().await
    }

    /// Reads lines after number `after`, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is damaged.
    pub fn read(
        &self,
        session: &SessionKey,
        after: u64,
        limit: usize,
    ) -> Result<Vec<LogLineRecord>, StoreError> {
        let start = Key::log_line(session, after.saturating_add(1));
        let rows = self.journal.scan(&Key::log_lines(session), Some(&start), limit)?;
        Ok(rows.into_iter().map(|(_, record)| record).collect())
    }

    /// Reads the newest lines, oldest of them first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is damaged.
    pub fn tail(
        &self,
        session: &SessionKey,
        limit: usize,
    ) -> Result<Vec<LogLineRecord>, StoreError> {
        let rows = self.journal.scan_back(&Key::log_lines(session), limit)?;
        Ok(rows.into_iter().rev().map(|(_, record)| record).collect())
    }

    fn last_seq(&self, session: &SessionKey) -> Result<u64, StoreError> {
        let last = self.journal.scan_back::<LogLineRecord>(&Key::log_lines(session), 1)?;
        Ok(last.first().map_or(0, |(_, record)| record.seq))
    }

    pub(super) async fn remove(&self, session: &SessionKey) -> Result<(), StoreError> {
        remove_all(&self.journal, &Key::log_lines(session)).await?;
        self.counters.lock().remove(session);
        Ok(())
    }
}

fn cut(text: &str, limit: usize) -> String {
    let fits = |(at, c): &(usize, char)| at + c.len_utf8() <= limit;
    text.char_indices().take_while(fits).map(|(_, c)| c).collect()
}
