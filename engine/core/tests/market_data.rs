//! Prices that an account can be kept in: what is too small, too large or too far apart is refused with its place.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use engine::environment::MarketData;

fn taken(open: &[f64], close: &[f64]) -> Result<MarketData, String> {
    let columns: BTreeMap<String, Vec<f64>> =
        [("open".to_owned(), open.to_vec()), ("close".to_owned(), close.to_vec())].into();
    MarketData::from_reference(&columns, &[]).map_err(|error| error.to_string())
}

#[test]
fn ordinary_and_very_small_prices_are_taken() {
    assert!(taken(&[1e-9, 2e-9], &[1.5e-9, 3e-9]).is_ok());
    assert!(taken(&[100.0, 1e6], &[1e-3, 99.0]).is_ok());
    assert!(taken(&[1e15, 1e15], &[1e15, 1e3]).is_ok(), "a ratio of 1e12 is the limit");
}

#[test]
fn a_price_below_a_billionth_is_refused_with_its_row() {
    for tiny in [5e-324, 1e-300, 9.99e-10] {
        let refusal = taken(&[1.0, 1.0], &[1.0, tiny]).unwrap_err();
        assert!(refusal.contains("close of row 1") && refusal.contains("1e-9"), "{refusal}");
    }
}

#[test]
fn prices_too_far_apart_within_a_segment_are_refused_with_both() {
    for (open, close) in [(&[1e-3, 1.0], &[1.0, 1e10]), (&[1e-9, 1.0], &[1e4, 1.0])] {
        let refusal = taken(open, close).unwrap_err();
        assert!(refusal.contains("1e12") && refusal.contains("row"), "{refusal}");
    }
}
