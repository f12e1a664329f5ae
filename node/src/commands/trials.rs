//! `tm strategy trials`: everything that was ever tried with a strategy, and what it amounts to.

use serde_json::Value;

use super::{Context, pick};
use crate::error::CliError;
use crate::output::{Table, plain};

/// Lists trials, the newest first.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn list(context: &Context, strategy: &str, limit: u32) -> Result<(), CliError> {
    let id = pick::id(&pick::one(context, "strategies", strategy).await?);
    let path = format!("/api/v1/strategies/{id}/trials?limit={limit}");
    let found = context.client.get(&path).await?;
    context.out.value(&found, text)
}

fn text(found: &Value) -> String {
    let mut table = Table::new(&[
        "trial", "kind", ">version", "data", "segment", "seeds", "outcome", ">sharpe", "session",
    ]);
    let rows = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    for row in rows {
        let field = |key| pick::text(row, key);
        let outcome =
            if row["outcome"].is_null() { "running".to_owned() } else { field("outcome") };
        let gone = if row["removed"] == true { " (removed)" } else { "" };
        table.row([
            field("name"),
            field("kind"),
            field("strategy_version"),
            field("dataset_name"),
            field("segment"),
            seeds(row),
            outcome,
            plain(row["sharpe"].as_f64()),
            format!("{}{gone}", field("session_id")),
        ]);
    }
    format!("{}\n{}", table.render(), summary(found, rows.len()))
}

/// Returns the seeds of a trial; of trained models how many there were.
fn seeds(row: &Value) -> String {
    let seeds = row["seeds"].as_array().map(Vec::as_slice).unwrap_or_default();
    let first = seeds.first().and_then(Value::as_str).unwrap_or_default();
    match seeds.len() {
        count if first.starts_with("ses_") => format!("{count} models"),
        0 | 1 => first.to_owned(),
        count => {
            let last = seeds.last().and_then(Value::as_str).unwrap_or_default();
            format!("{first}..{last} ({count})")
        }
    }
}

fn summary(found: &Value, shown: usize) -> String {
    let count = &found["started_count"];
    let mut text = format!("{shown} of {count} trials");
    let independent = &found["independent"];
    match (independent["trials"].as_u64(), independent["trials_effective"].as_u64()) {
        (Some(trials), Some(effective)) => text.push_str(&format!(
            "; {effective} of the {trials} that evaluation {} counted on its data are independent",
            pick::text(independent, "session_id")
        )),
        (Some(trials), None) => text.push_str(&format!(
            "; evaluation {} counted {trials} on its data, of which it is not known how many are independent",
            pick::text(independent, "session_id")
        )),
        (None, _) => {
            text.push_str("; how many are independent is told by an evaluation: tm evaluate")
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(seeds: Value) -> Value {
        json!({"name": "first", "kind": "backtest", "strategy_version": 2, "dataset_name": "btc", "segment": "test",
            "seeds": seeds, "outcome": null, "sharpe": 1.25, "session_id": "ses_1", "removed": true})
    }

    #[test]
    fn every_trial_is_a_row_and_the_last_line_says_what_they_amount_to() {
        let independent = json!({"session_id": "ses_9", "trials": 3, "trials_effective": 2});
        let found =
            json!({"items": [row(json!(["7"]))], "started_count": 4, "independent": independent});
        let shown = text(&found);
        for part in [
            "first",
            "backtest",
            "btc",
            "test",
            "running",
            "1.25",
            "ses_1 (removed)",
            "1 of 4 trials",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(shown.contains("2 of the 3 that evaluation"), "{shown}");
        let alone = text(&json!({"items": [], "started_count": 0, "independent": null}));
        assert!(alone.contains("0 of 0 trials") && alone.contains("tm evaluate"), "{alone}");
    }

    #[test]
    fn seeds_are_shown_in_short() {
        assert_eq!(seeds(&row(json!([]))), "");
        assert_eq!(seeds(&row(json!(["7"]))), "7");
        assert_eq!(seeds(&row(json!(["0", "1", "2"]))), "0..2 (3)");
        assert_eq!(seeds(&row(json!(["ses_a", "ses_b"]))), "2 models");
    }
}
