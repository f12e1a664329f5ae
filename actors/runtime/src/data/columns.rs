//! Which column plays which part, as pairs of part and column → the mappings of bars and of trades. Pure.

use engine::config::Violation;
use engine::market::parse::CsvMapping;
use engine::market::parse::trades::TradeMapping;
use serde::Serialize;
use serde_json::{Map, Value};

/// Returns the mappings: a part goes to whichever knows it, or to both.
///
/// # Errors
/// Names every part that nobody knows, and those that there are; the pointer is `/map`.
pub fn mappings<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(CsvMapping, TradeMapping), Violation> {
    let (bars, trades) = (parts(&CsvMapping::default()), parts(&TradeMapping::default()));
    let (mut of_bars, mut of_trades) = (Map::new(), Map::new());
    let mut unknown = Vec::new();
    for (part, column) in pairs {
        let mut is_known = false;
        for (known, mapping) in [(&bars, &mut of_bars), (&trades, &mut of_trades)] {
            if known.iter().any(|name| name == part) {
                mapping.insert(part.to_owned(), Value::from(column));
                is_known = true;
            }
        }
        if !is_known {
            unknown.push(part);
        }
    }
    if !unknown.is_empty() {
        let mut allowed = bars;
        allowed.extend(trades);
        allowed.sort();
        allowed.dedup();
        let detail =
            format!("there are no parts {}; known are {}", unknown.join(", "), allowed.join(", "));
        return Err(Violation::new("/map", "unknown_field", detail).with("allowed", allowed));
    }
    let read = |error: serde_json::Error| {
        let found = Violation::new("/map", "unreadable", error.to_string());
        found.with("reason", error.to_string())
    };
    Ok((
        serde_json::from_value(Value::Object(of_bars)).map_err(read)?,
        serde_json::from_value(Value::Object(of_trades)).map_err(read)?,
    ))
}

fn parts(mapping: &impl Serialize) -> Vec<String> {
    match serde_json::to_value(mapping) {
        Ok(Value::Object(fields)) => fields.keys().cloned().collect(),
        Ok(_) | Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_goes_to_whichever_knows_it_and_an_unknown_one_is_named() {
        let pairs = [("time", "t"), ("price", "p"), ("close", "c")];
        let (bars, trades) = mappings(pairs.into_iter()).unwrap();
        assert_eq!((bars.time.as_deref(), bars.close.as_deref()), (Some("t"), Some("c")));
        assert_eq!((trades.time.as_deref(), trades.price.as_deref()), (Some("t"), Some("p")));
        let refused = mappings([("nonsense", "x")].into_iter()).unwrap_err();
        assert!(refused.detail.contains("nonsense") && refused.detail.contains("buyer_is_maker"));
    }
}
