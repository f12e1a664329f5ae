//! Three pictures of a ticker: the indicator coloured by label, after the filter, and as it is.

use super::Labelled;
use crate::output::{Line, Plot};

/// Most points of a picture; of each stretch of rows the lowest and the highest value are drawn.
const POINTS_MAX: usize = 4000;
/// From the steepest fall to the steepest rise, each lighter than the one before, so that they can be told apart
/// without colour.
const RAMP: [[f64; 3]; 3] = [[94.0, 8.0, 60.0], [30.0, 121.0, 180.0], [245.0, 165.0, 35.0]];
const PLAIN: &str = "#33475b";

/// Returns the name and the SVG of each picture.
pub(super) fn pictures(
    one: &Labelled,
    indicator: &str,
    label_count: u32,
) -> [(&'static str, String); 3] {
    let ticker = &one.series.ticker;
    let picture = |title: String, values: &[f64], lines: Vec<Line>, legend| {
        Plot {
            title,
            x_name: "time".to_owned(),
            y_name: indicator.to_owned(),
            row_count: values.len(),
            row_name: &|row| short_time(one, row),
            lines,
            legend,
        }
        .svg()
    };
    let plain = |values: &[f64]| vec![Line { colour: PLAIN.to_owned(), points: thinned(values) }];
    let (values, filtered) = (&one.series.values, &one.labelling.filtered);
    let named = |text: &str| vec![(PLAIN.to_owned(), text.to_owned())];
    [
        (
            "labelled",
            picture(
                format!("{ticker}: market regimes (labels use hindsight)"),
                values,
                coloured(one, label_count),
                legend(one, label_count),
            ),
        ),
        (
            "filtered",
            picture(format!("{ticker}: filtered"), filtered, plain(filtered), named("filtered")),
        ),
        (
            "original",
            picture(format!("{ticker}: original"), values, plain(values), named("as it is")),
        ),
    ]
}

/// Returns the colour of a label as `#rrggbb`.
fn colour(label: u32, label_count: u32) -> String {
    let place = 2.0 * f64::from(label) / f64::from(label_count.max(2) - 1);
    let (from, part) = if place < 1.0 { (0, place) } else { (1, place - 1.0) };
    let mix = |channel: usize| {
        let (low, high) = (RAMP[from][channel], RAMP[from + 1][channel]);
        low + (high - low) * part
    };
    format!("#{:02x}{:02x}{:02x}", byte(mix(0)), byte(mix(1)), byte(mix(2)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a channel lies between 0 and 255"
)]
fn byte(channel: f64) -> u8 {
    channel.clamp(0.0, 255.0).round() as u8
}

fn legend(one: &Labelled, label_count: u32) -> Vec<(String, String)> {
    let entries = one.labelling.slices.iter().map(|of_label| {
        let meaning = match of_label.label {
            0 => " (steepest fall)",
            last if last + 1 == label_count => " (steepest rise)",
            _ => "",
        };
        let text = format!("{}{meaning}: {} rows", of_label.label, of_label.row_count);
        (colour(of_label.label, label_count), text)
    });
    // More would not fit in one line; the colours in between are between.
    let all: Vec<_> = entries.collect();
    if all.len() <= 6 { all } else { [&all[..3], &all[all.len() - 3..]].concat() }
}

/// One line per run of a label; each begins where the one before ended.
fn coloured(one: &Labelled, label_count: u32) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut last: Option<(u32, (usize, f64))> = None;
    for point in thinned(&one.series.values) {
        let label = one.labelling.labels.get(point.0).copied().unwrap_or_default();
        match (last, lines.last_mut()) {
            (Some((before, _)), Some(line)) if before == label => line.points.push(point),
            (before, _) => {
                let mut points: Vec<(usize, f64)> =
                    before.map(|(_, end)| end).into_iter().collect();
                points.push(point);
                lines.push(Line { colour: colour(label, label_count), points });
            }
        }
        last = Some((label, point));
    }
    lines
}

/// Returns at most [`POINTS_MAX`] points and the last one: of each stretch of rows the lowest and the highest.
fn thinned(values: &[f64]) -> Vec<(usize, f64)> {
    if values.len() <= POINTS_MAX {
        return values.iter().copied().enumerate().collect();
    }
    let stretch = values.len().div_ceil(POINTS_MAX / 2);
    let mut points = Vec::with_capacity(POINTS_MAX + 1);
    for (index, part) in values.chunks(stretch).enumerate() {
        let rows =
            || part.iter().copied().enumerate().map(|(row, value)| (index * stretch + row, value));
        let low = rows().reduce(|best, one| if one.1 < best.1 { one } else { best });
        let high = rows().reduce(|best, one| if best.1 < one.1 { one } else { best });
        let mut pair: Vec<(usize, f64)> = low.into_iter().chain(high).collect();
        pair.sort_by_key(|(row, _)| *row);
        pair.dedup_by_key(|(row, _)| *row);
        points.extend(pair);
    }
    let last = values.len() - 1;
    if points.last().is_none_or(|(row, _)| *row < last) {
        points.push((last, values[last]));
    }
    points
}

/// Returns a row's time, short: the day, or the time of day where all rows are of one day.
fn short_time(one: &Labelled, row: usize) -> String {
    let times = &one.series.times;
    let day = |row: usize| times.get(row).chars().take(10).collect::<String>();
    let is_one_day = day(0) == day(times.len().saturating_sub(1));
    let text = times.get(row);
    let clock: String = text.chars().skip(11).take(8).collect();
    if is_one_day && !clock.is_empty() { clock } else { text.chars().take(10).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_grow_lighter_from_label_to_label() {
        let lightness = |colour: &str| {
            let channel =
                |at: usize| f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap());
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        for count in [2, 3, 5, 64] {
            let all: Vec<f64> = (0..count).map(|label| lightness(&colour(label, count))).collect();
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
        }
        assert_eq!(colour(0, 3), "#5e083c");
    }

    #[test]
    fn a_long_series_is_thinned_and_keeps_its_extremes() {
        let mut values = vec![1.0; 100_000];
        values[77_777] = 9.0;
        values[33_333] = -9.0;
        let points = thinned(&values);
        assert!(points.len() <= POINTS_MAX + 1);
        assert!(points.contains(&(77_777, 9.0)) && points.contains(&(33_333, -9.0)));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!((points[0].0, points.last().unwrap().0), (0, 99_999));
        assert_eq!(thinned(&[1.0, 2.0]).len(), 2);
    }
}
