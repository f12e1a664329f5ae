//! Points of the sessions asked for last, so that a chart does not read the journal each time. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::ids::SessionId;

use super::bins::Point;
use super::series::SessionSeries;

/// Most points kept over all sessions (about 50 MB); one session alone may have more.
const POINTS_MAX: u64 = 2_000_000;

/// Sessions in memory.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    tick: u64,
    sessions: BTreeMap<SessionId, (u64, Arc<SessionSeries>)>,
}

impl Cache {
    /// Returns a session's points.
    pub(crate) fn get(&mut self, session: SessionId) -> Option<Arc<SessionSeries>> {
        self.tick += 1;
        let (used, series) = self.sessions.get_mut(&session)?;
        *used = self.tick;
        Some(Arc::clone(series))
    }

    /// Forgets a session's points.
    pub(crate) fn remove(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }

    /// Keeps a session's points.
    pub(crate) fn put(&mut self, session: SessionId, series: SessionSeries) {
        self.put_shared(session, Arc::new(series));
    }

    /// Keeps a session's points that others may be reading.
    pub(crate) fn put_shared(&mut self, session: SessionId, series: Arc<SessionSeries>) {
        self.tick += 1;
        self.sessions.insert(session, (self.tick, series));
        self.trim(session);
    }

    /// Adds points of which the first is number `first`. When they do not join on to what is here, the session is
    /// forgotten and `false` returned.
    pub(crate) fn extend(
        &mut self,
        session: SessionId,
        first: u64,
        points: impl Iterator<Item = (String, Point)>,
    ) -> bool {
        self.tick += 1;
        let Some((used, series)) = self.sessions.get_mut(&session) else { return false };
        if series.count() != first {
            self.sessions.remove(&session);
            return false;
        }
        *used = self.tick;
        // Copies the points when a history is being binned at this moment; else appends in place.
        let series = Arc::make_mut(series);
        points.for_each(|(name, point)| series.push(&name, point));
        self.trim(session);
        true
    }

    /// Forgets the sessions not used for longest, never `keep`.
    fn trim(&mut self, keep: SessionId) {
        while POINTS_MAX < self.sessions.values().map(|(_, series)| series.count()).sum::<u64>() {
            let others = self.sessions.iter().filter(|(session, _)| **session != keep);
            let Some(oldest) =
                others.min_by_key(|(_, (used, _))| *used).map(|(session, _)| *session)
            else {
                return;
            };
            self.sessions.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(number))
    }

    fn points(count: u64) -> impl Iterator<Item = (String, Point)> {
        (0..count).map(|step| ("loss".to_owned(), Point { step, value: Some(0.0) }))
    }

    #[test]
    fn points_that_leave_a_gap_make_it_forget() {
        let mut cache = Cache::default();
        cache.put(id(1), SessionSeries::default());
        assert!(cache.extend(id(1), 0, points(5)));
        assert!(cache.extend(id(1), 5, points(5)));
        assert_eq!(cache.get(id(1)).map(|series| series.count()), Some(10));
        assert!(!cache.extend(id(1), 11, points(1)));
        assert_eq!(cache.get(id(1)), None);
    }

    #[test]
    fn bounded_and_forgets_the_oldest_first() {
        let mut cache = Cache::default();
        for number in 1..=3 {
            cache.put(id(number), SessionSeries::default());
            assert!(cache.extend(id(number), 0, points(900_000)));
        }
        assert_eq!(cache.get(id(1)), None);
        assert!(cache.get(id(2)).is_some() && cache.get(id(3)).is_some());
    }
}
