//! Metric points of sessions, numbered without a gap.
//!
//! A worker that resumes repeats points that are stored already; [`Metrics::append`] takes the index of the first one
//! and drops what is there, so that sending twice stores once.

use super::SessionKey;
use super::counters::{Counters, next, remove_all};
use crate::error::StoreError;
use crate::journal::{Batch, Journal, Key};
use crate::records::metric::{MetricBatchRecord, PackedPoint};

/// Points in one row, so that a row stays within one value.
const ROW_POINTS_MAX: usize = 180;

/// A point as it comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Name of the metric.
    pub name: String,
    /// Steps done.
    pub step: u64,
    /// Value; absent where undefined.
    pub value: Option<f64>,
}

/// A point as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPoint {
    /// Position among all points of the session, from 0.
    pub index: u64,
    /// When it was stored, milliseconds since 1970 UTC.
    pub stored_at_ms: u64,
    /// The point.
    pub point: Point,
}

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Index of the first point that was new.
    pub first: u64,
    /// How many points were new.
    pub stored: u64,
    /// How many were there already and were dropped.
    pub dropped: u64,
    /// Points of the session in all.
    pub count: u64,
}

/// Metric points by session.
#[derive(Debug, Clone)]
pub struct Metrics {
    journal: Journal,
    counters: Counters,
}

impl Metrics {
    pub(super) fn open(journal: &Journal) -> Self {
        Self { journal: journal.clone(), counters: Counters::default() }
    }

    /// Returns how many points the session has.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the last row is damaged.
    pub fn count(&self, session: &SessionKey) -> Result<u64, StoreError> {
        next(&mut self.counters.lock(), session, || self.load(session))
    }

    /// Stores consecutive points of which the first has index `first`; those that are there already are dropped.
    /// When it answers, all of them are durable.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when `first` would leave a gap; otherwise as [`Journal::commit`].
    pub async fn append(
        &self,
        session: &SessionKey,
        first: u64,
        points: &[Point],
        stored_at_ms: u64,
    ) -> Result<Appended, StoreError> {
        let (appended, pending) = {
            let mut counts = self.counters.lock();
            let count = next(&mut counts, session, || self.load(session))?;
            if first > count {
                let (wanted, found) = (format!("at most {count}"), first.to_string());
                return Err(StoreError::Refused {
                    what: "index of the first metric point",
                    wanted,
                    found,
                });
            }
            let dropped = usize::try_from(count - first).unwrap_or(usize::MAX).min(points.len());
            let new = points.get(dropped..).unwrap_or_default();
            let mut batch = Batch::default();
            let mut at = count;
            for chunk in new.chunks(ROW_POINTS_MAX) {
                batch.put(Key::metric_batch(session, at), &pack(at, chunk, stored_at_ms))?;
                at += chunk.len() as u64;
            }
            // An empty batch waits until what is there already is durable.
            let pending = self.journal.submit(batch)?;
            counts.insert(*session, at);
            (
                Appended { first: count, stored: at - count, dropped: dropped as u64, count: at },
                pending,
            )
        };
        pending.wait().await?;
        Ok(appended)
    }

    /// Stores consecutive rows that were stored elsewhere, their times included; points that are there already are
    /// dropped. When it answers, all of them are durable.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when a row would leave a gap; otherwise as [`Journal::commit`].
    pub async fn restore(
        &self,
        session: &SessionKey,
        rows: &[MetricBatchRecord],
    ) -> Result<Appended, StoreError> {
        let (appended, pending) = {
            let mut counts = self.counters.lock();
            let count = next(&mut counts, session, || self.load(session))?;
            let (mut at, mut dropped) = (count, 0);
            let mut batch = Batch::default();
            for row in rows {
                if at < row.first || ROW_POINTS_MAX < row.points.len() {
                    return Err(StoreError::Refused {
                        what: "a row of metric points",
                        wanted: format!(
                            "at most {ROW_POINTS_MAX} points that begin at {at} or before"
                        ),
                        found: format!("{} points that begin at {}", row.points.len(), row.first),
                    });
                }
                let new = trim(row.clone(), at, u64::MAX);
                dropped += (row.points.len() - new.points.len()) as u64;
                if !new.points.is_empty() {
                    batch.put(Key::metric_batch(session, at), &new)?;
                    at += new.points.len() as u64;
                }
            }
            let pending = self.journal.submit(batch)?;
            counts.insert(*session, at);
            (Appended { first: count, stored: at - count, dropped, count: at }, pending)
        };
        pending.wait().await?;
        Ok(appended)
    }

    /// Reads points from index `from` on.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is damaged.
    pub fn read(
        &self,
        session: &SessionKey,
        from: u64,
        limit: usize,
    ) -> Result<Vec<StoredPoint>, StoreError> {
        // The row that holds `from` begins at most one row before it.
        let mut start = from.saturating_sub(ROW_POINTS_MAX as u64 - 1);
        let mut found = Vec::new();
        while found.len() < limit {
            let begin = Key::metric_batch(session, start);
            let rows = self.journal.scan::<MetricBatchRecord>(
                &Key::metric_batches(session),
                Some(&begin),
                64,
            )?;
            let Some((_, last)) = rows.last() else { break };
            start = last.first + last.points.len() as u64;
            let points =
                rows.iter().flat_map(|(_, row)| unpack(row)).filter(|point| point.index >= from);
            found.extend(points.take(limit - found.len()));
        }
        Ok(found)
    }

    /// Reads whole rows that hold points `from..to`, trimmed to that range.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is damaged.
    pub fn rows(
        &self,
        session: &SessionKey,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<MetricBatchRecord>, StoreError> {
        let start = from.saturating_sub(ROW_POINTS_MAX as u64 - 1);
        let begin = Key::metric_batch(session, start);
        // One more, because the first may end before `from`.
        let rows = self.journal.scan::<MetricBatchRecord>(
            &Key::metric_batches(session),
            Some(&begin),
            limit.saturating_add(ROW_POINTS_MAX),
        )?;
        let trimmed = rows.into_iter().map(|(_, row)| trim(row, from, to));
        Ok(trimmed.filter(|row| !row.points.is_empty()).take(limit).collect())
    }

    /// Forgets the points from index `count` on; fewer are left as they are.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub async fn truncate(&self, session: &SessionKey, count: u64) -> Result<(), StoreError> {
        let pending = {
            let mut counts = self.counters.lock();
            if next(&mut counts, session, || self.load(session))? <= count {
                return Ok(());
            }
            let start = Key::metric_batch(session, count.saturating_sub(ROW_POINTS_MAX as u64 - 1));
            let prefix = Key::metric_batches(session);
            let rows = self.journal.scan::<MetricBatchRecord>(&prefix, Some(&start), usize::MAX)?;
            let mut batch = Batch::default();
            for (key, row) in rows {
                if row.first + row.points.len() as u64 <= count {
                    continue;
                }
                let left = trim(row, 0, count);
                if left.points.is_empty() {
                    batch.delete(key);
                } else {
                    batch.put(key, &left)?;
                }
            }
            let pending = self.journal.submit(batch)?;
            counts.insert(*session, count);
            pending
        };
        pending.wait().await
    }

    fn load(&self, session: &SessionKey) -> Result<u64, StoreError> {
        let last = self.journal.scan_back::<MetricBatchRecord>(&Key::metric_batches(session), 1)?;
        Ok(last.first().map_or(0, |(_, row)| row.first + row.points.len() as u64))
    }

    pub(super) async fn remove(&self, session: &SessionKey) -> Result<(), StoreError> {
        remove_all(&self.journal, &Key::metric_batches(session)).await?;
        self.counters.lock().remove(session);
        Ok(())
    }
}

fn pack(first: u64, points: &[Point], stored_at_ms: u64) -> MetricBatchRecord {
    let mut names: Vec<String> = Vec::new();
    let mut packed = Vec::with_capacity(points.len());
    for point in points {
        let known = names.iter().position(|name| *name == point.name);
        let position = known.unwrap_or_else(|| {
            names.push(point.name.clone());
            names.len() - 1
        });
        // At most as many names as points in a row.
        let name = u16::try_from(position).unwrap_or(u16::MAX);
        packed.push(PackedPoint { name, step: point.step, value: point.value });
    }
    MetricBatchRecord { first, stored_at_ms, names, points: packed }
}

/// Returns the part of a row that lies in `from..to`.
fn trim(mut row: MetricBatchRecord, from: u64, to: u64) -> MetricBatchRecord {
    let inside = |index: &u64| (from..to).contains(index);
    let first = row.first.max(from);
    row.points = (row.first..).zip(row.points).filter(|(i, _)| inside(i)).map(|(_, p)| p).collect();
    row.first = first;
    row
}

fn unpack(row: &MetricBatchRecord) -> impl Iterator<Item = StoredPoint> {
    (row.first..).zip(&row.points).map(|(index, point)| StoredPoint {
        index,
        stored_at_ms: row.stored_at_ms,
        point: Point {
            name: row.names.get(usize::from(point.name)).cloned().unwrap_or_default(),
            step: point.step,
            value: point.value,
        },
    })
}
