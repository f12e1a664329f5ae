//! Chance: uniform actions as an agent, and another policy's trades at random times as its baseline.

use super::{Policy, Seat};
use crate::rng::{Stream, StreamId};

/// Every action equally likely at every bar.
#[derive(Debug, Clone)]
pub struct Uniform {
    action_count: u32,
    stream: Stream,
}

impl Uniform {
    /// Draws from the seat's seed.
    #[must_use]
    pub fn new(seat: &Seat) -> Self {
        Self {
            action_count: u32::try_from(seat.action_count).unwrap_or(u32::MAX).max(1),
            stream: Stream::new(u64::from(seat.seed), StreamId::Baseline, 0),
        }
    }
}

impl Policy for Uniform {
    fn name(&self) -> &'static str {
        "random"
    }

    fn act(&mut self, _: &[f32]) -> usize {
        self.stream.below(self.action_count) as usize
    }
}

/// Equal turnover: the same trades in the same order and sizes, at random times. Whoever beats it has timed well;
/// whoever does not was carried by how much and in which order he traded.
#[derive(Debug, Clone)]
pub struct EqualTurnover {
    actions: Vec<usize>,
    hold: usize,
    step: usize,
}

impl EqualTurnover {
    /// Draws times for the trades of a run: `lots[i]` was traded in step i (positive bought, 0 held). Draw number
    /// `draw` of a seed is always the same. Times are drawn without replacement, all choices equally likely.
    #[must_use]
    pub fn draw(lots: &[i64], seat: &Seat, draw: u32) -> Self {
        let hold = seat.action_count / 2;
        let trades: Vec<i64> = lots.iter().copied().filter(|lots| *lots != 0).collect();
        // Member 0 of the stream belongs to `Uniform`.
        let mut stream =
            Stream::new(u64::from(seat.seed), StreamId::Baseline, draw.saturating_add(1));
        let mut steps: Vec<usize> = (0..lots.len()).collect();
        for chosen in 0..trades.len() {
            let left = u32::try_from(steps.len() - chosen).unwrap_or(u32::MAX);
            let other = chosen + stream.below(left) as usize;
            steps.swap(chosen, other);
        }
        steps.truncate(trades.len());
        steps.sort_unstable();
        let mut actions = vec![hold; lots.len()];
        for (step, lots) in steps.into_iter().zip(trades) {
            let top = seat.action_count.saturating_sub(1);
            let size = usize::try_from(lots.unsigned_abs()).unwrap_or(usize::MAX);
            actions[step] = if lots > 0 {
                hold.saturating_add(size).min(top)
            } else {
                hold.saturating_sub(size)
            };
        }
        Self { actions, hold, step: 0 }
    }

    /// Returns the action of each step.
    #[must_use]
    pub fn actions(&self) -> &[usize] {
        &self.actions
    }
}

impl Policy for EqualTurnover {
    fn name(&self) -> &'static str {
        "random"
    }

    fn act(&mut self, _: &[f32]) -> usize {
        let action = self.actions.get(self.step).copied().unwrap_or(self.hold);
        self.step += 1;
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEAT: Seat = Seat { observation_len: 0, action_count: 5, seed: 7 };

    #[test]
    fn equal_turnover_keeps_every_trade_and_its_order() {
        let lots = [0, 2, 0, 0, -1, 1, 0, -2, 0, 0];
        for draw in 0..50 {
            let policy = EqualTurnover::draw(&lots, &SEAT, draw);
            let drawn: Vec<usize> =
                policy.actions().iter().copied().filter(|action| *action != 2).collect();
            assert_eq!(drawn, [4, 1, 3, 0]);
            assert_eq!(policy.actions().len(), lots.len());
        }
    }

    #[test]
    fn equal_turnover_reaches_every_time_about_equally_often() {
        let lots = [1, 0, 0, 0];
        let mut counts = [0_u32; 4];
        for draw in 0..4000 {
            let policy = EqualTurnover::draw(&lots, &SEAT, draw);
            counts[policy.actions().iter().position(|action| *action == 3).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn draws_repeat_and_differ() {
        let lots = [1, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0];
        let actions = |draw| EqualTurnover::draw(&lots, &SEAT, draw).actions().to_vec();
        assert_eq!(actions(3), actions(3));
        assert!((1..20).any(|draw| actions(draw) != actions(0)));
    }
}
