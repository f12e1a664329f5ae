//! Replays as tables: what was run, what came out, the curve; two modes side by side.

use serde_json::Value;

use crate::output::{Table, sparkline};

/// Characters of the asset curve.
const CURVE_WIDTH: usize = 60;
/// Numbers of a list that are shown one by one.
const SHOWN_MAX: usize = 6;

/// What stands first, in this order.
const FIRST: [&str; 14] = [
    "environment",
    "mode",
    "policy",
    "data",
    "calls",
    "reward_sum",
    "final_assets",
    "total_return",
    "sharpe",
    "volatility",
    "max_drawdown",
    "calmar",
    "sortino",
    "excess_profit",
];
/// What has rows of its own, or is for programs.
const APART: [&str; 7] =
    ["assets", "returns", "ledger", "metrics", "positions", "remarks", "config"];
/// What stands side by side, whatever the environment, and whether both modes count it in the same way.
const COMPARED: [(&str, bool); 24] = [
    ("calls", true),
    ("final_assets", true),
    ("total_return", true),
    ("max_drawdown", true),
    ("holding", true),
    ("cash", true),
    ("buy_and_hold_final", true),
    ("buy_and_hold_profit", true),
    ("cash_left", true),
    ("twap", true),
    ("money", true),
    ("mean_price", true),
    ("order_left", true),
    ("required_money", true),
    ("final_balance", true),
    ("profit_margin", true),
    ("fees", true),
    ("fill_count", true),
    ("turnover", true),
    ("volatility", false),
    ("sharpe", false),
    ("calmar", false),
    ("sortino", false),
    ("reward_sum", false),
];

/// Returns one replay as a table.
pub(super) fn one(value: &Value) -> String {
    let mut table = Table::new(&["figure", "value"]);
    for key in FIRST {
        if value.get(key).is_some() {
            table.row([key.to_owned(), text(&value[key])]);
        }
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        if !FIRST.contains(&key.as_str()) && !APART.contains(&key.as_str()) {
            table.row([key.clone(), text(value)]);
        }
    }
    if let Some(ledger) = value.get("ledger") {
        table.row(["ledger".to_owned(), balanced(ledger)]);
    }
    for position in items(value, "positions") {
        let held = format!(
            "{} at {} = {}",
            text(&position["quantity"]),
            text(&position["price"]),
            text(&position["value"])
        );
        table.row([format!("position {}", text(&position["instrument"])), held]);
    }
    for (name, figure) in value["metrics"].as_object().into_iter().flatten() {
        // Those of the first rows are not said twice.
        if !FIRST.contains(&name.as_str()) && value.get(name).is_none() {
            table.row([name.clone(), text(figure)]);
        }
    }
    table.row(["assets".to_owned(), curve(value)]);
    format!("{}{}", table.render(), remarks(value))
}

/// Returns two modes side by side.
pub(super) fn both(value: &Value) -> String {
    let (faithful, corrected) = (&value["faithful"], &value["corrected"]);
    let mut table = Table::new(&["figure", ">faithful", ">corrected", ">difference"]);
    for key in ["environment", "policy", "data"] {
        table.row([key.to_owned(), text(&faithful[key]), String::new(), String::new()]);
    }
    for (key, is_the_same) in COMPARED {
        let (left, right) = (faithful.get(key), corrected.get(key));
        if left.is_none() && right.is_none() {
            continue;
        }
        let shown = |side: Option<&Value>| side.map_or_else(String::new, text);
        let numbers =
            left.and_then(Value::as_f64).zip(right.and_then(Value::as_f64)).filter(|_| is_the_same);
        let difference = numbers.map_or_else(String::new, |(left, right)| number(right - left));
        table.row([key.to_owned(), shown(left), shown(right), difference]);
    }
    table.row(["assets".to_owned(), String::new(), String::new(), String::new()]);
    let ledger = balanced(&corrected["ledger"]);
    table.row(["ledger".to_owned(), String::new(), ledger, String::new()]);
    format!(
        "{}\nfaithful   {}\ncorrected  {}\n\nDifference: what sound rules add or take. None is shown where the reference's formula or \
         unit is another one.{}",
        table.render(),
        curve(faithful),
        curve(corrected),
        remarks(corrected)
    )
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// Says whether the books balance.
fn balanced(ledger: &Value) -> String {
    let word = if ledger["balances"] == true { "balances" } else { "DOES NOT BALANCE" };
    format!("{word} (residual {})", text(&ledger["residual"]))
}

fn remarks(value: &Value) -> String {
    let lines: String =
        items(value, "remarks").map(|remark| format!("\n- {}", text(remark))).collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// Returns a value in a cell.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "not defined".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.len() <= SHOWN_MAX => {
            items.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) => format!("{} of them", items.len()),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// Writes a difference to eight digits: more would be rounding of what is subtracted.
fn number(value: f64) -> String {
    let written = format!("{value:.8}");
    let short = written.trim_end_matches('0').trim_end_matches('.');
    if matches!(short, "-0" | "") { "0".to_owned() } else { short.to_owned() }
}

fn curve(value: &Value) -> String {
    let assets: Vec<f64> =
        items(value, "assets").map(|value| value.as_f64().unwrap_or(f64::NAN)).collect();
    sparkline(&thinned(&assets))
}

/// Returns at most [`CURVE_WIDTH`] values, evenly spread, first and last included.
fn thinned(assets: &[f64]) -> Vec<Option<f64>> {
    let last = assets.len().saturating_sub(1);
    let width = CURVE_WIDTH.min(assets.len());
    let places = (0..width).map(|place| place * last / (width - 1).max(1));
    places.map(|place| assets.get(place).copied().filter(|value| value.is_finite())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_thinned_to_its_width_and_keeps_its_ends() {
        let assets: Vec<f64> = (0..1_000).map(f64::from).collect();
        let found = thinned(&assets);
        assert_eq!((found.len(), found[0], found[59]), (60, Some(0.0), Some(999.0)));
        assert_eq!(thinned(&[1.0, f64::NAN]), [Some(1.0), None]);
        assert!(thinned(&[]).is_empty());
    }

    #[test]
    fn differences_are_short_and_have_no_negative_zero() {
        for (value, wanted) in
            [(0.0, "0"), (-1e-12, "0"), (1.5, "1.5"), (-0.25, "-0.25"), (100.0, "100")]
        {
            assert_eq!(number(value), wanted);
        }
    }
}
