//! Segments grouped by shape: k-means under dynamic time warping, for the method `dtw`.
//!
//! Start: k-means++ (Arthur and Vassilvitskii 2007) from the stream `Clustering` of the seed. Centres: barycentre
//! averaging (Petitjean et al. 2011), one pass per iteration, each centre as long as the segment it started from. Cost
//! |x − y|; short pairs are warped exactly, long ones approximately. The specification names the metric and the number of
//! iterations only, so that there is nothing to be bit-equal to: this is ours in both modes. Centres are fitted on at
//! most [`FITTED_MAX`] drawn segments, then every segment goes to the nearest, so that time grows with the rows.

use super::fast_dtw::Warp;
use crate::rng::{Stream, StreamId};

/// Most iterations.
pub const ITERATIONS_MAX: u32 = 100;
/// Most segments that the centres are fitted on.
pub const FITTED_MAX: usize = 256;
/// Pairs of at most this many cells are warped exactly.
const EXACT_CELLS_MAX: usize = 4096;

/// Returns the cluster of each segment, numbered by the mean of `slopes` in each, lowest first. Clusters without
/// segments have no number: with fewer segments than `count`, fewer labels occur.
#[must_use]
pub fn cluster(segments: &[&[f64]], slopes: &[f64], count: u32, seed: u32) -> Vec<u32> {
    let mut stream = Stream::new(u64::from(seed), StreamId::Clustering, 0);
    let mut warp = Warp::new();
    let fitted = drawn(segments, &mut stream);
    let mut centres = start(&fitted, count as usize, &mut warp, &mut stream);
    let mut nearest = Vec::new();
    for _ in 0..ITERATIONS_MAX {
        let found = assign(&fitted, &centres, &mut warp);
        if found == nearest {
            break;
        }
        nearest = found;
        for (index, centre) in centres.iter_mut().enumerate() {
            let members = fitted.iter().zip(&nearest).filter(|(_, own)| **own == index);
            average(centre, members.map(|(segment, _)| *segment), &mut warp);
        }
    }
    numbered(&assign(segments, &centres, &mut warp), slopes, centres.len())
}

/// Returns all segments, or as many as are fitted on, drawn without repeats, in their order.
fn drawn<'a>(segments: &[&'a [f64]], stream: &mut Stream) -> Vec<&'a [f64]> {
    if segments.len() <= FITTED_MAX {
        return segments.to_vec();
    }
    let mut indices: Vec<usize> = (0..segments.len()).collect();
    for place in 0..FITTED_MAX {
        let left = u32::try_from(indices.len() - place).unwrap_or(u32::MAX);
        indices.swap(place, place + stream.below(left) as usize);
    }
    indices.truncate(FITTED_MAX);
    indices.sort_unstable();
    indices.iter().filter_map(|index| segments.get(*index).copied()).collect()
}

fn warped(warp: &mut Warp, x: &[f64], y: &[f64]) -> f64 {
    if x.len() * y.len() <= EXACT_CELLS_MAX { warp.exact(x, y) } else { warp.fast(x, y) }
}

/// Draws the first centre at random and each further one with a chance that grows with the square of its distance.
fn start(segments: &[&[f64]], count: usize, warp: &mut Warp, stream: &mut Stream) -> Vec<Vec<f64>> {
    let first = stream.below(u32::try_from(segments.len()).unwrap_or(u32::MAX)) as usize;
    let Some(first) = segments.get(first) else { return Vec::new() };
    let mut centres = vec![first.to_vec()];
    let mut gaps = vec![f64::INFINITY; segments.len()];
    while centres.len() < count.min(segments.len()) {
        let newest = centres.last().map(Vec::as_slice).unwrap_or_default();
        for (gap, segment) in gaps.iter_mut().zip(segments) {
            let distance = warped(warp, segment, newest);
            *gap = gap.min(distance * distance);
        }
        let mut left = stream.uniform() * gaps.iter().sum::<f64>();
        let chosen = gaps.iter().position(|gap| {
            left -= gap;
            left < 0.0
        });
        // Rounding may leave a little; equal segments leave nothing at all.
        let farthest = || (0..gaps.len()).max_by(|a, b| gaps[*a].total_cmp(&gaps[*b]));
        let Some(segment) = chosen.or_else(farthest).and_then(|index| segments.get(index)) else {
            break;
        };
        centres.push(segment.to_vec());
    }
    centres
}

fn assign(segments: &[&[f64]], centres: &[Vec<f64>], warp: &mut Warp) -> Vec<usize> {
    segments
        .iter()
        .map(|segment| {
            let mut best = (f64::INFINITY, 0);
            for (index, centre) in centres.iter().enumerate() {
                let distance = warped(warp, segment, centre);
                if distance < best.0 {
                    best = (distance, index);
                }
            }
            best.1
        })
        .collect()
}

/// Moves a centre to the mean of what is aligned with each of its points; without members it stays.
fn average<'a>(centre: &mut [f64], members: impl Iterator<Item = &'a [f64]>, warp: &mut Warp) {
    let mut sums = vec![(0.0, 0_u32); centre.len()];
    for member in members {
        warped(warp, centre, member);
        warp.path(|row, column| {
            sums[row].0 += member[column];
            sums[row].1 += 1;
        });
    }
    for (value, (sum, count)) in centre.iter_mut().zip(sums) {
        if count > 0 {
            *value = sum / f64::from(count);
        }
    }
}

/// Renumbers clusters by the mean slope of their segments.
fn numbered(nearest: &[usize], slopes: &[f64], count: usize) -> Vec<u32> {
    let mut sums = vec![(0.0, 0_u32); count];
    for (cluster, slope) in nearest.iter().zip(slopes) {
        sums[*cluster].0 += slope;
        sums[*cluster].1 += 1;
    }
    let mut order: Vec<usize> = (0..count).filter(|cluster| sums[*cluster].1 > 0).collect();
    let mean = |cluster: &usize| sums[*cluster].0 / f64::from(sums[*cluster].1);
    order.sort_by(|left, right| mean(left).total_cmp(&mean(right)));
    let mut label = vec![0; count];
    for (number, cluster) in (0_u32..).zip(order) {
        label[cluster] = number;
    }
    nearest.iter().map(|cluster| label[*cluster]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramps() -> Vec<Vec<f64>> {
        (0..30_u8)
            .map(|i| {
                let direction = [-1.0, 0.0, 1.0][usize::from(i % 3)];
                (0..10 + i).map(|j| direction * 0.01 + 1e-4 * f64::from((i + j) % 3)).collect()
            })
            .collect()
    }

    fn as_slices(segments: &[Vec<f64>]) -> Vec<&[f64]> {
        segments.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn falls_rests_and_rises_are_told_apart_and_numbered_by_slope() {
        let (segments, slopes): (Vec<_>, Vec<f64>) =
            (ramps(), (0..30_u8).map(|i| f64::from(i % 3) - 1.0).collect());
        for seed in 0..5 {
            let found = cluster(&as_slices(&segments), &slopes, 3, seed);
            let wanted: Vec<u32> = (0..30).map(|i| i % 3).collect();
            assert_eq!(found, wanted, "seed {seed}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_clusters() {
        let segments: Vec<Vec<f64>> = (0..600_u32)
            .map(|i| (0..5).map(|j| f64::from((i * 37 + j * 11) % 23)).collect())
            .collect();
        let slopes: Vec<f64> = segments.iter().map(|s| s[4] - s[0]).collect();
        let run = |seed| cluster(&as_slices(&segments), &slopes, 4, seed);
        assert_eq!(run(3), run(3));
        assert_eq!(run(3).len(), 600);
        assert!(run(3).iter().all(|label| *label < 4));
    }

    #[test]
    fn fewer_segments_than_clusters_and_equal_segments_are_no_trouble() {
        assert_eq!(cluster(&[&[1.0, 2.0]], &[1.0], 3, 0), [0]);
        assert_eq!(cluster(&[&[1.0], &[1.0], &[1.0]], &[0.0; 3], 2, 0).len(), 3);
        assert!(cluster(&[], &[], 3, 0).is_empty());
    }
}
