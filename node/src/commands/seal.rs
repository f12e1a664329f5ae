//! `tm strategy seal` and `open-seal`: what a strategy keeps sealed, and the one look at it; what reports say about it.

use serde_json::{Value, json};

use super::{Context, pick};
use crate::error::CliError;

/// Shows how a strategy's seal stands.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn show(context: &Context, strategy: &str) -> Result<(), CliError> {
    let id = pick::id(&pick::one(context, "strategies", strategy).await?);
    let found = context.client.get(&format!("/api/v1/strategies/{id}/seal")).await?;
    context.out.value(&found, text)
}

/// Opens it.
///
/// # Errors
/// What the gateway refuses: it is open already, nothing is sealed, no reason.
pub(crate) async fn open(context: &Context, strategy: &str, reason: &str) -> Result<(), CliError> {
    let id = pick::id(&pick::one(context, "strategies", strategy).await?);
    let path = format!("/api/v1/strategies/{id}/seal:open");
    let found = context.client.post(&path, json!({"reason": reason})).await?;
    context.out.value(&found, text)
}

fn text(found: &Value) -> String {
    let share = found["share"].as_f64().unwrap_or(0.0);
    let seals = 0.0 < share;
    if !seals {
        return "nothing is sealed: seal.share is 0 in every version".to_owned();
    }
    let sealed = format!("the newest {} % of the rows are sealed", rounded(share * 100.0));
    let opening = &found["opening"];
    if opening.is_null() {
        return format!("{sealed}, and nobody has opened them");
    }
    let field = |key| pick::text(opening, key);
    format!(
        "{sealed}; opened on {} by {}: {}. What is run on them now is marked",
        field("opened_at"),
        field("by"),
        field("reason")
    )
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Returns what a report says about sealed rows, to stand behind its heading; nothing where nothing was sealed.
pub(crate) fn mark(report: &Value) -> String {
    let others = report["seal"]["other_snapshots"].as_u64().unwrap_or(0);
    match (report["seal"]["state"].as_str(), others) {
        (Some("unopened"), _) => ", newest rows sealed and unopened".to_owned(),
        (Some("opened_for"), 0) => {
            ", SEALED ROWS: the one look at rows that nothing was chosen by".to_owned()
        }
        (Some("opened_for"), _) => format!(
            ", SEALED ROWS: the first look; earlier sessions ran on {others} other data {}, which may have held some of them",
            if others == 1 { "set" } else { "sets" }
        ),
        (Some("after_opening"), _) => {
            ", AFTER OPENING THE SEAL: no longer out of sample".to_owned()
        }
        (Some(_) | None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_shown_with_its_share_and_who_opened_it() {
        assert!(text(&json!({"share": 0.0, "opening": null})).contains("nothing is sealed"));
        let closed = text(&json!({"share": 0.15, "opening": null}));
        assert!(closed.contains("newest 15 %") && closed.contains("nobody"), "{closed}");
        let opening = json!({"by": "usr_1", "reason": "final review", "opened_at": "2026-01-01T00:00:00.000Z"});
        let opened = text(&json!({"share": 0.15, "opening": opening}));
        assert!(opened.contains("usr_1") && opened.contains("final review"), "{opened}");
    }

    #[test]
    fn only_a_report_about_a_seal_speaks_of_it() {
        for silent in [json!({}), json!({"seal": {"state": "none"}})] {
            assert_eq!(mark(&silent), "");
        }
        assert!(
            mark(&json!({"seal": {"state": "opened_for", "opened_ms": 1}}))
                .contains("nothing was chosen")
        );
        let elsewhere =
            json!({"seal": {"state": "opened_for", "opened_ms": 1, "other_snapshots": 2}});
        assert!(mark(&elsewhere).contains("2 other data sets"));
        assert!(mark(&json!({"seal": {"state": "after_opening"}})).contains("no longer"));
    }
}
