//! Rounds in which short segments join the neighbour they resemble most. Labels are an input here.
//!
//! Source: spec/trademaster.md section 7, step 6. Quirks kept in `faithful` mode: segments of equal length have no
//! distance (NaN); on the left side that prevents any merger, on the right side it sends the segment there.

use std::ops::ControlFlow;

use serde::Serialize;

use super::fast_dtw::Warp;
use crate::config::Truth;

/// Most rounds.
pub const ROUNDS_MAX: u32 = 20;

/// What decides about a merger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MergeRules {
    /// Whether segments of equal length have a distance.
    pub truth: Truth,
    /// Segments of this many rows or more stay as they are.
    pub max_length: usize,
    /// Segments closer than this are merged.
    pub threshold: f64,
    /// Labels may differ by this much.
    pub gap_max: Option<u32>,
}

/// The neighbour that a segment joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one before.
    Left,
    /// The one after.
    Right,
}

/// One merger, with the distances that decided it. A distance is absent where it is infinite or not defined: no such
/// neighbour, labels too far apart, or equal lengths in `faithful` mode.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Merger {
    /// First row of the segment that was merged.
    pub start: usize,
    /// Row after its last.
    pub end: usize,
    /// Distance to the neighbour before.
    pub left: Option<f64>,
    /// Distance to the neighbour after.
    pub right: Option<f64>,
    /// Where it went.
    pub into: Side,
}

/// Returns the distance of two neighbouring segments: the shorter one is warped along the longer one at a few offsets,
/// and the mean is divided by its length and its mean. `round` counts from 1 and makes the offsets denser.
///
/// Of equal lengths the second counts as the longer. Then there is no offset: NaN in `faithful` mode, offset 0 in
/// `corrected`. There, too, what is not a number is infinitely far.
pub fn distance(warp: &mut Warp, first: &[f64], second: &[f64], round: u32, truth: Truth) -> f64 {
    let (shorter, longer) =
        if second.len() < first.len() { (second, first) } else { (first, second) };
    let spare = longer.len() - shorter.len();
    let step = step(spare, round);
    let scale = shorter.iter().sum::<f64>();
    let (mut sum, mut count) = (0.0, 0_u32);
    let offsets = match truth {
        Truth::Faithful => spare,
        Truth::Corrected => spare.max(1),
    };
    for offset in (0..offsets).step_by(step) {
        sum += warp.fast(shorter, &longer[offset..offset + shorter.len()]);
        count += 1;
    }
    match truth {
        Truth::Faithful => sum / f64::from(count) / scale,
        Truth::Corrected => {
            let found = sum / f64::from(count) / scale.abs();
            if found.is_nan() { f64::INFINITY } else { found }
        }
    }
}

/// Returns the distance from offset to offset.
fn step(spare: usize, round: u32) -> usize {
    (spare / (3 * round as usize + 10)).max(1)
}

/// Measures distances and remembers those of the round before: most segments do not change from round to round.
#[derive(Debug, Default)]
pub struct Measure {
    warp: Warp,
    /// Distances of the round before, by the row between the two segments.
    before: Vec<Known>,
    /// Distances of this round.
    now: Vec<Known>,
}

/// A distance and all that it depends on.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// First row of the first segment, of the second, and the row after it.
    place: [usize; 3],
    step: usize,
    value: f64,
}

impl Measure {
    /// Returns a measure that has seen nothing yet. It belongs to one series and one mode.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn begin_round(&mut self) {
        self.before = std::mem::take(&mut self.now);
        self.before.sort_by_key(|known| known.place[1]);
    }

    fn between(&mut self, values: &[f64], place: [usize; 3], number: u32, truth: Truth) -> f64 {
        let [from, at, to] = place;
        let step = step((at - from).abs_diff(to - at), number);
        let is_it = |known: &&Known| known.place == place && known.step == step;
        // What was measured to the right of one segment is wanted to the left of the next.
        let newest = self.now.iter().rev().take(2).find(is_it);
        let earlier = || {
            let start = self.before.partition_point(|known| known.place[1] < at);
            self.before[start..].iter().take_while(|known| known.place[1] == at).find(is_it)
        };
        if let Some(known) = newest.or_else(earlier).copied() {
            self.now.push(known);
            return known.value;
        }
        let value = distance(&mut self.warp, &values[from..at], &values[at..to], number, truth);
        self.now.push(Known { place, step, value });
        value
    }
}

/// Runs one round over `points`. `labels` are those of the segments at its start. Returns the mergers in order and the
/// new points; absent when `progress`, called with segments done, says stop.
pub fn round(
    task: (&[f64], &[usize], Option<&[u32]>),
    rules: &MergeRules,
    number: u32,
    measure: &mut Measure,
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Option<(Vec<Merger>, Vec<usize>)> {
    let (values, points, labels) = task;
    let mut bounds: Vec<(usize, usize)> =
        points.windows(2).map(|ends| (ends[0], ends[1])).collect();
    let mut mergers = Vec::new();
    let mut left_index: Option<usize> = None;
    measure.begin_round();
    let allowed = |one: usize, other: usize| match (labels, rules.gap_max) {
        (Some(labels), Some(max)) => labels[one].abs_diff(labels[other]) <= max,
        (Some(_) | None, _) => true,
    };
    for index in 0..bounds.len() {
        if index % 64 == 0 && progress(index).is_break() {
            return None;
        }
        let (start, end) = bounds[index];
        if rules.max_length <= end - start {
            left_index = Some(index);
            continue;
        }
        let mut between = |place| measure.between(values, place, number, rules.truth);
        let left = left_index
            .filter(|other| allowed(*other, index))
            .map_or(f64::INFINITY, |other| between([bounds[other].0, start, end]));
        let right = bounds
            .get(index + 1)
            .filter(|_| allowed(index, index + 1))
            .map_or(f64::INFINITY, |(_, to)| between([start, end, *to]));
        // A NaN on the left blocks, for no comparison with it holds.
        let nearest = if right < left { right } else { left };
        if !matches!(nearest.partial_cmp(&rules.threshold), Some(std::cmp::Ordering::Less)) {
            left_index = Some(index);
            continue;
        }
        let into = match left_index {
            Some(other) if left < right => {
                bounds[other].1 = end;
                Side::Left
            }
            Some(_) | None => {
                bounds[index + 1].0 = start;
                Side::Right
            }
        };
        bounds[index].1 = start;
        let told = |value: f64| value.is_finite().then_some(value);
        mergers.push(Merger { start, end, left: told(left), right: told(right), into });
    }
    let mut kept: Vec<usize> =
        bounds.iter().filter(|(start, end)| start < end).map(|(start, _)| *start).collect();
    kept.extend(points.last());
    Some((mergers, kept))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: MergeRules =
        MergeRules { truth: Truth::Faithful, max_length: 100, threshold: 0.1, gap_max: None };

    fn run(
        values: &[f64],
        points: &[usize],
        labels: Option<&[u32]>,
        rules: &MergeRules,
    ) -> (Vec<Merger>, Vec<usize>) {
        round((values, points, labels), rules, 1, &mut Measure::new(), &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap()
    }

    #[test]
    fn the_distance_is_the_one_done_by_hand() {
        let mut warp = Warp::new();
        // 2 along 4 5 6: offsets 0 and 1 of 0 … < 2, each |2 − 4| and |2 − 5|; mean 2.5 / (1 · 2)
        let found = distance(&mut warp, &[2.0], &[4.0, 5.0, 6.0], 1, Truth::Faithful);
        assert!((found - 1.25).abs() < 1e-15);
        let turned = distance(&mut warp, &[4.0, 5.0, 6.0], &[2.0], 1, Truth::Faithful);
        assert!((turned - found).abs() < 1e-15);
    }

    #[test]
    fn equal_lengths_have_no_distance_in_the_reference_and_one_offset_in_ours() {
        let mut warp = Warp::new();
        assert!(distance(&mut warp, &[2.0], &[3.0], 1, Truth::Faithful).is_nan());
        assert!((distance(&mut warp, &[2.0], &[3.0], 1, Truth::Corrected) - 0.5).abs() < 1e-15);
        assert!(distance(&mut warp, &[0.0], &[0.0], 1, Truth::Corrected).is_infinite());
    }

    #[test]
    fn a_segment_joins_the_nearer_neighbour() {
        let values = [10.0, 10.0, 10.0, 10.1, 20.0, 20.0, 20.0];
        let (mergers, points) = run(&values, &[0, 3, 4, 7], None, &RULES);
        assert_eq!(points, [0, 4, 7]);
        assert_eq!((mergers.len(), mergers[0].into, mergers[0].start), (1, Side::Right, 0));
    }

    #[test]
    fn no_distance_on_the_left_blocks_and_on_the_right_sends_there() {
        let flat = [5.0; 7];
        // Segment 1 is as long as its left neighbour: blocked, though the right one is at distance 0. Segment 0 and 1
        // have no distance, segment 0 has no left neighbour: it stays. Segment 2 joins the left.
        let (mergers, points) = run(&flat, &[0, 2, 4, 7], None, &RULES);
        assert_eq!(points, [0, 2, 7]);
        assert_eq!(mergers[0].into, Side::Left);
        // Segment 1 has a left distance of 0 and none on the right: it goes right.
        let long = MergeRules { max_length: 3, ..RULES };
        let (mergers, points) = run(&flat, &[0, 3, 5, 7], None, &long);
        assert_eq!((points, mergers[0].into, mergers[0].right), (vec![0, 3, 7], Side::Right, None));
    }

    #[test]
    fn labels_too_far_apart_keep_segments_apart() {
        let flat = [5.0; 6];
        let limited = MergeRules { gap_max: Some(1), ..RULES };
        assert_eq!(run(&flat, &[0, 2, 6], Some(&[0, 2]), &limited).1, [0, 2, 6]);
        assert_eq!(run(&flat, &[0, 2, 6], Some(&[1, 2]), &limited).1, [0, 6]);
    }

    #[test]
    fn long_segments_are_not_merged_and_a_stop_gives_nothing() {
        let flat = [5.0; 6];
        let short = MergeRules { max_length: 2, ..RULES };
        assert_eq!(run(&flat, &[0, 2, 6], None, &short).1, [0, 2, 6]);
        let stopped = round((&flat, &[0, 2, 6], None), &RULES, 1, &mut Measure::new(), &mut |_| {
            ControlFlow::Break(())
        });
        assert!(stopped.is_none());
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_what_would_be_measured(
            steps in prop::collection::vec(-0.03..0.03_f64, 40..160),
            cuts in prop::collection::btree_set(1_usize..40, 1..20),
            corrected: bool,
        ) {
            let mut price = 100.0;
            let values: Vec<f64> = steps.iter().map(|step| { price *= 1.0 + step; price }).collect();
            let mut points: Vec<usize> = std::iter::once(0).chain(cuts).collect();
            points.push(values.len());
            let truth = if corrected { Truth::Corrected } else { Truth::Faithful };
            let rules = MergeRules { truth, threshold: 0.02, ..RULES };
            let mut kept = Measure::new();
            for number in 1..6 {
                let task = (values.as_slice(), points.as_slice(), None);
                let go = &mut |_| ControlFlow::Continue(());
                let found = round(task, &rules, number, &mut kept, go).unwrap();
                prop_assert_eq!(&found, &round(task, &rules, number, &mut Measure::new(), go).unwrap());
                points = found.1;
            }
        }
    }
}
