//! Watches a session until it ends: a bar with speed, time left and newest metrics. Ctrl-C ends the view only.

use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::Value;
use tokio::time::Instant;

use super::{Context, pick};
use crate::error::CliError;
use crate::output::{note, progress_bar};

/// Distance of two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Waits for the end and returns the session as it is then.
///
/// # Errors
/// A failed session, a passed deadline, or Ctrl-C (which leaves the session running).
pub(crate) async fn until_done(
    context: &Context,
    id: &str,
    deadline: Option<Duration>,
) -> Result<Value, CliError> {
    let bar = progress_bar("session");
    let begun = Instant::now();
    let mut shown = String::new();
    loop {
        let session = context.client.get(&format!("/api/v1/sessions/{id}")).await?;
        let state = pick::text(&session, "state");
        if state != shown {
            bar.suspend(|| note(&format!("{state}{}", because(&session))));
            shown.clone_from(&state);
        }
        draw(&bar, &session);
        if is_terminal(&state) {
            bar.finish_and_clear();
            return ended(session, &state);
        }
        if deadline.is_some_and(|deadline| deadline <= begun.elapsed()) {
            bar.finish_and_clear();
            return Err(CliError::TimedOut {
                what: format!("session {id}"),
                seconds: begun.elapsed().as_secs(),
                look: format!("tm session show {id}"),
            });
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => {
                bar.finish_and_clear();
                note(&format!("the session goes on; look again with `tm session wait {id}`, end it with `tm session stop {id}`"));
                return Ok(session);
            }
        }
    }
}

/// Whether nothing follows this state.
pub(crate) fn is_terminal(state: &str) -> bool {
    matches!(state, "completed" | "stopped" | "failed" | "killed")
}

fn because(session: &Value) -> String {
    let reason = pick::text(session, "reason");
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

fn ended(session: Value, state: &str) -> Result<Value, CliError> {
    if state == "failed" {
        let first = pick::text(&session, "first_error");
        let text = if first.is_empty() { pick::text(&session, "reason") } else { first };
        return Err(CliError::Failed(format!("session {} failed: {text}", pick::id(&session))));
    }
    Ok(session)
}

/// Shows how far the session is.
pub(crate) fn draw(bar: &ProgressBar, session: &Value) {
    let progress = &session["progress"];
    bar.set_length(progress["step_count"].as_u64().unwrap_or_default());
    bar.set_position(progress["step"].as_u64().unwrap_or_default());
    bar.set_message(line(session));
}

fn line(session: &Value) -> String {
    let progress = &session["progress"];
    let mut parts = Vec::new();
    if let (Some(index), Some(count)) = (
        progress["epoch_index"].as_u64(),
        progress["epoch_count"].as_u64().filter(|count| *count > 0),
    ) {
        parts.push(format!("epoch {}/{count}", (index + 1).min(count)));
    }
    if let Some(speed) = progress["steps_per_second"].as_f64() {
        parts.push(format!("{speed:.0} steps/s"));
    }
    if let Some(left) = progress["eta_seconds"].as_f64() {
        parts.push(format!("{left:.0} s left"));
    }
    for (name, label) in
        [("loss", "loss"), ("episode_return", "return"), ("valid_total_return", "valid")]
    {
        if let Some(value) = session["last_metrics"][name].as_f64() {
            parts.push(format!("{label} {value:.4}"));
        }
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_line_shows_what_is_known_and_nothing_else() {
        assert_eq!(line(&json!({"progress": {}, "last_metrics": {}})), "");
        let session = json!({
            "progress": {"epoch_index": 0, "epoch_count": 5, "steps_per_second": 1234.6, "eta_seconds": 9.2},
            "last_metrics": {"loss": 0.5, "valid_total_return": null},
        });
        assert_eq!(line(&session), "epoch 1/5  1235 steps/s  9 s left  loss 0.5000");
    }
}
