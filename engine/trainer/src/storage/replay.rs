//! Ring of transitions, structure of arrays, sampled uniformly over everything it holds.
//!
//! Kept are keys of keys (see `data`), each once: the successor of a step lies in the following slot. The slot at the cursor is
//! *open*: it holds what is acted on now. A truncated episode leaves its last state in a *tail*
//! slot, because its value still counts; a terminated one leaves nothing, because nothing follows. Overwriting the
//! oldest slot keeps the rule, for the slot before the cursor is the newest one.
//!
//! Limit: `capacity` slots; memory is taken as it fills.

use engine::rng::Stream;

use crate::data::Lens;
use crate::error::TrainerError;
use crate::weights::{Container, DataType, Wanted};

const OPEN: u8 = 0;
const STEP: u8 = 1;
const LAST_STEP: u8 = 2;
const TAIL: u8 = 3;

/// One batch of transitions, row by row.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// `[batch, key]`
    pub keys: Vec<f32>,
    /// `[batch]`
    pub actions: Vec<i64>,
    /// `[batch]`
    pub rewards: Vec<f32>,
    /// `[batch]`: 1 where the successor's value counts, 0 after a terminated step.
    pub continues: Vec<f32>,
    /// `[batch, key]`; zeros after a terminated step.
    pub successors: Vec<f32>,
}

/// The ring.
#[derive(Debug, Clone)]
pub struct Replay {
    width: usize,
    capacity: usize,
    cursor: usize,
    steps: usize,
    kinds: Vec<u8>,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    keys: Vec<f32>,
}

impl Replay {
    /// Returns an empty ring of `capacity` slots (at least 2) for keys of `width` numbers.
    #[must_use]
    pub fn new(width: usize, capacity: usize) -> Self {
        Self {
            width,
            capacity: capacity.max(2),
            cursor: 0,
            steps: 0,
            kinds: Vec::new(),
            actions: Vec::new(),
            rewards: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Returns how many transitions can be sampled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps
    }

    /// Whether nothing can be sampled yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// Returns the bytes that a full ring takes.
    #[must_use]
    pub fn bytes(width: usize, capacity: usize) -> u64 {
        capacity.max(2) as u64 * (width as u64 * 4 + 9)
    }

    /// Opens the slot at the cursor with what is to be acted on now.
    ///
    /// # Panics
    /// When the key has another length.
    pub fn begin(&mut self, key: &[f32]) {
        assert_eq!(key.len(), self.width, "a key of another environment");
        self.write(OPEN, key);
    }

    /// Returns the key of what is to be acted on now.
    #[must_use]
    pub fn current(&self) -> &[f32] {
        self.keys.get(self.range(self.cursor)).unwrap_or_default()
    }

    /// Closes the open slot with what was done and what came of it. `terminated` wins over `truncated`.
    ///
    /// # Panics
    /// When no slot is open.
    pub fn finish(&mut self, action: u32, reward: f32, end: End, next: &[f32]) {
        assert_eq!(self.kinds.get(self.cursor), Some(&OPEN), "finish without begin");
        self.actions[self.cursor] = action;
        self.rewards[self.cursor] = reward;
        self.kinds[self.cursor] = if end == End::Terminated { LAST_STEP } else { STEP };
        self.steps += 1;
        self.advance();
        match end {
            End::No => self.begin(next),
            End::Truncated => {
                self.write(TAIL, next);
                self.advance();
            }
            End::Terminated => {}
        }
    }

    /// Fills `batch` with `size` transitions drawn with replacement, each stored one equally likely.
    ///
    /// # Panics
    /// When nothing is stored.
    pub fn sample(&self, stream: &mut Stream, size: usize, batch: &mut Batch) {
        assert!(self.steps > 0, "sampling an empty ring");
        batch.keys.clear();
        batch.successors.clear();
        batch.actions.clear();
        batch.rewards.clear();
        batch.continues.clear();
        let count = u32::try_from(self.kinds.len()).unwrap_or(u32::MAX);
        for _ in 0..size {
            let slot = loop {
                let slot = stream.below(count) as usize;
                if matches!(self.kinds[slot], STEP | LAST_STEP) {
                    break slot;
                }
            };
            batch.keys.extend_from_slice(&self.keys[self.range(slot)]);
            batch.actions.push(i64::from(self.actions[slot]));
            batch.rewards.push(self.rewards[slot]);
            if self.kinds[slot] == STEP {
                batch.continues.push(1.0);
                batch
                    .successors
                    .extend_from_slice(&self.keys[self.range((slot + 1) % self.capacity)]);
            } else {
                batch.continues.push(0.0);
                batch.successors.resize(batch.successors.len() + self.width, 0.0);
            }
        }
    }

    fn range(&self, slot: usize) -> std::ops::Range<usize> {
        slot * self.width..(slot + 1) * self.width
    }

    fn write(&mut self, kind: u8, key: &[f32]) {
        if self.cursor == self.kinds.len() {
            self.kinds.push(kind);
            self.actions.push(0);
            self.rewards.push(0.0);
            self.keys.extend_from_slice(key);
            return;
        }
        if matches!(self.kinds[self.cursor], STEP | LAST_STEP) {
            self.steps -= 1;
        }
        self.kinds[self.cursor] = kind;
        self.actions[self.cursor] = 0;
        self.rewards[self.cursor] = 0.0;
        let range = self.range(self.cursor);
        self.keys[range].copy_from_slice(key);
    }

    fn advance(&mut self) {
        self.cursor = (self.cursor + 1) % self.capacity;
    }

    /// Writes everything but the cursor into `container`; the cursor is returned for the checkpoint's counters.
    pub fn save(&self, container: &mut Container) -> usize {
        let rows = self.kinds.len();
        container.put_u8("replay.kinds", &self.kinds);
        container.put_u32("replay.actions", &self.actions);
        container.put_f32("replay.rewards", &[rows], &self.rewards);
        container.put_f32("replay.keys", &[rows, self.width], &self.keys);
        self.cursor
    }

    /// Names what [`load`](Self::load) needs.
    #[must_use]
    pub fn wanted(&self) -> Vec<Wanted> {
        vec![
            Wanted::new("replay.kinds", DataType::U8, &[None]),
            Wanted::new("replay.actions", DataType::U32, &[None]),
            Wanted::new("replay.rewards", DataType::F32, &[None]),
            Wanted::new("replay.keys", DataType::F32, &[None, Some(self.width)]),
        ]
    }

    /// Takes over what was saved.
    ///
    /// # Errors
    /// Refuses a ring that contradicts itself and keys that `lens` cannot expand; nothing is changed then.
    pub fn load(
        &mut self,
        container: &Container,
        cursor: usize,
        action_count: usize,
        lens: &dyn Lens,
    ) -> Result<(), TrainerError> {
        let kinds = container.u8("replay.kinds")?.to_vec();
        let actions = container.u32("replay.actions")?;
        let rewards = container.f32("replay.rewards")?;
        let keys = container.f32("replay.keys")?;
        let rows = kinds.len();
        let full = rows == self.capacity;
        let consistent = rows <= self.capacity
            && actions.len() == rows
            && rewards.len() == rows
            && keys.len() == rows * self.width
            && kinds.iter().all(|kind| *kind <= TAIL)
            && kinds.iter().filter(|kind| **kind == OPEN).count() <= 1
            && kinds.iter().enumerate().all(|(slot, kind)| *kind != OPEN || slot == cursor)
            && (if full { cursor < rows } else { cursor == rows || cursor + 1 == rows })
            && actions.iter().all(|action| (*action as usize) < action_count);
        let linked = consistent
            && kinds
                .iter()
                .enumerate()
                .all(|(slot, kind)| *kind != STEP || (slot + 1) % self.capacity < rows);
        if !linked {
            return Err(TrainerError::BadCheckpoint(format!(
                "the checkpoint's replay ring contradicts itself ({rows} slots, cursor {cursor}, capacity {}): the file \
                 is damaged; resume from an older checkpoint",
                self.capacity
            )));
        }
        if let Some(slot) = keys.chunks_exact(self.width.max(1)).position(|key| !lens.accepts(key))
        {
            return Err(TrainerError::BadCheckpoint(format!(
                "slot {slot} of the checkpoint's replay ring holds {:?}, which is no place in this session's data: the \
                 file is damaged; resume from an older checkpoint",
                &keys[slot * self.width..(slot + 1) * self.width]
            )));
        }
        self.steps = kinds.iter().filter(|kind| matches!(**kind, STEP | LAST_STEP)).count();
        self.cursor = cursor;
        self.kinds = kinds;
        self.actions = actions;
        self.rewards = rewards;
        self.keys = keys;
        Ok(())
    }
}

/// Whether and how an episode ended with this step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It goes on.
    No,
    /// Nothing follows: ruin, liquidation, task complete.
    Terminated,
    /// The data or the window ended; the next state still has value.
    Truncated,
}

#[cfg(test)]
mod tests {
    use engine::rng::StreamId;

    use super::*;
    use crate::data::WholeLens;

    const LENS: WholeLens = WholeLens { len: 1 };

    fn stream() -> Stream {
        Stream::new(1, StreamId::ReplaySampling, 0)
    }

    /// Observations count upwards, so the successor of `n` must be `n + 1`.
    fn filled(capacity: usize, steps: u16, episode: u16, end: End) -> Replay {
        let mut replay = Replay::new(1, capacity);
        let mut now = 0.0;
        replay.begin(&[now]);
        for step in 1..=steps {
            let last = step % episode == 0;
            replay.finish(0, now, if last { end } else { End::No }, &[now + 1.0]);
            now += if last { 100.0 } else { 1.0 };
            if last {
                replay.begin(&[now]);
            }
        }
        replay
    }

    #[test]
    fn the_successor_is_always_the_next_observation_of_the_same_episode() {
        for (capacity, episode, end) in [
            (1000, 7, End::Truncated),
            (16, 7, End::Truncated),
            (16, 5, End::Terminated),
            (5, 1000, End::No),
            (2, 3, End::Truncated),
        ] {
            let replay = filled(capacity, 200, episode, end);
            let mut batch = Batch::default();
            replay.sample(&mut stream(), 500, &mut batch);
            for row in 0..500 {
                assert!((batch.rewards[row] - batch.keys[row]).abs() < 1e-6);
                if batch.continues[row] > 0.5 {
                    assert!(
                        (batch.successors[row] - batch.keys[row] - 1.0).abs() < 1e-6,
                        "capacity {capacity}"
                    );
                } else {
                    assert_eq!(end, End::Terminated, "only a terminated episode stops the value");
                }
            }
        }
    }

    #[test]
    fn a_truncated_step_keeps_its_successor_and_a_terminated_one_has_none() {
        for (end, continues) in [(End::Truncated, 1.0), (End::Terminated, 0.0)] {
            let mut replay = Replay::new(1, 10);
            replay.begin(&[1.0]);
            replay.finish(2, 3.0, end, &[9.0]);
            let mut batch = Batch::default();
            replay.sample(&mut stream(), 1, &mut batch);
            assert!((batch.continues[0] - continues).abs() < 1e-9);
            assert!((batch.successors[0] - 9.0 * continues).abs() < 1e-9);
        }
    }

    #[test]
    fn every_stored_transition_is_drawn_equally_often() {
        let replay = filled(64, 500, 9, End::Truncated);
        let mut batch = Batch::default();
        let draws = 50_000_u32;
        replay.sample(&mut stream(), draws as usize, &mut batch);
        let mut counts = std::collections::BTreeMap::new();
        for value in &batch.keys {
            *counts.entry(value.to_bits()).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), replay.len());
        let mean = draws / u32::try_from(replay.len()).unwrap();
        assert!(counts.values().all(|count| count.abs_diff(mean) < mean / 4), "{counts:?}");
    }

    #[test]
    fn saved_and_loaded_rings_draw_the_same() {
        let mut replay = filled(32, 100, 9, End::Truncated);
        let mut container = Container::default();
        let cursor = replay.save(&mut container);
        let mut other = Replay::new(1, 32);
        other.load(&container, cursor, 1, &LENS).unwrap();
        for ring in [&mut replay, &mut other] {
            ring.finish(0, 0.5, End::No, &[1.0]);
        }
        let (mut a, mut b) = (Batch::default(), Batch::default());
        replay.sample(&mut stream(), 100, &mut a);
        other.sample(&mut stream(), 100, &mut b);
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
        assert!(
            Replay::new(1, 32).load(&container, cursor + 1, 1, &LENS).is_err(),
            "a moved cursor"
        );
        assert!(Replay::new(1, 8).load(&container, cursor, 1, &LENS).is_err(), "a smaller ring");
        assert!(
            Replay::new(1, 32).load(&container, cursor, 0, &LENS).is_err(),
            "an action that does not exist"
        );
    }
    #[test]
    fn a_key_outside_the_data_is_refused_and_changes_nothing() {
        /// Knows keys below 5.
        struct Narrow;
        impl Lens for Narrow {
            fn key_len(&self) -> usize {
                1
            }
            fn key(&self, _: &dyn engine::environment::Environment, _: &[f32], _: &mut [f32]) {}
            fn accepts(&self, key: &[f32]) -> bool {
                key[0] < 5.0
            }
            fn expand(&self, _: &[f32], _: &mut [f32]) {}
        }
        for (steps, fits) in [(4, true), (5, false), (20, false)] {
            let mut container = Container::default();
            let cursor = filled(32, steps, 1_000, End::No).save(&mut container);
            let mut ring = Replay::new(1, 32);
            let found = ring.load(&container, cursor, 1, &Narrow);
            assert_eq!(found.is_ok(), fits, "{steps} steps: {found:?}");
            if let Err(error) = found {
                assert_eq!((error.kind(), error.is_restartable()), ("checkpoint", false));
                assert!(error.to_string().contains("slot 5") && ring.is_empty(), "{error}");
            }
        }
    }
}
