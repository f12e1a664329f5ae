//! Random order books for tests.

use std::sync::Arc;

use engine::environment::{BookData, depth_features};
use engine::market::BookSeries;
use engine::rng::{Stream, StreamId};

/// Snapshots that wander, with levels one tick of 0.5 apart, sizes that are sometimes nothing, and takers on both sides.
pub(crate) fn book(seed: u64, rows: usize, levels: usize) -> BookSeries {
    let mut stream = Stream::new(seed, StreamId::Synthesis, 31);
    let mut series = BookSeries {
        instrument: "TEST".to_owned(),
        levels,
        bought: Some(Vec::new()),
        sold: Some(Vec::new()),
        ..BookSeries::default()
    };
    let mut ticks = 20_000_i32;
    for row in 0..rows {
        series.time_ms.push(row as i64 * 1000);
        ticks += i32::try_from(stream.below(9)).expect("small") - 4;
        let spread = 1 + i32::try_from(stream.below(3)).expect("small");
        for level in 0..levels {
            let away = i32::try_from(level).expect("small");
            series.bid_price.push(f64::from(ticks - away) * 0.5);
            series.ask_price.push(f64::from(ticks + spread + away) * 0.5);
            for side in [&mut series.bid_size, &mut series.ask_size] {
                let size = if stream.uniform() < 0.1 { 0.0 } else { 3.0 * stream.uniform() };
                side.push(size);
            }
        }
        for flow in [&mut series.bought, &mut series.sold] {
            flow.as_mut().expect("flows").push(4.0 * stream.uniform() * stream.uniform());
        }
    }
    series
}

/// A book with the features of its depth; the first snapshot is left out.
pub(crate) fn data(book: &BookSeries) -> Arc<BookData> {
    BookData::new(book, &depth_features(book), 1..book.len()).expect("a book").shared()
}

/// The rows up to `last` of one book and the rest of another one.
pub(crate) fn spliced(past: &BookSeries, future: &BookSeries, last: usize) -> BookSeries {
    let mut mixed = past.clone();
    let cut = (last + 1) * past.levels;
    for (column, other) in [
        (&mut mixed.bid_price, &future.bid_price),
        (&mut mixed.bid_size, &future.bid_size),
        (&mut mixed.ask_price, &future.ask_price),
        (&mut mixed.ask_size, &future.ask_size),
    ] {
        column[cut..].copy_from_slice(&other[cut..]);
    }
    for (column, other) in [(&mut mixed.bought, &future.bought), (&mut mixed.sold, &future.sold)] {
        let (Some(column), Some(other)) = (column, other) else { continue };
        column[last + 1..].copy_from_slice(&other[last + 1..]);
    }
    mixed
}
