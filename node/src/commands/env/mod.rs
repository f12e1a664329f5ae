//! `tm env`: replays and checks of environments. Computed here from one file; no node need run.

mod check;
mod input;
mod replay;
mod show;

use engine::environment::faithful::{ReplayEnvironment, ReplayOption};
use engine::session::replay::{CorrectedOption, corrected_columns, corrected_policies, rules};
use serde_json::{Value, json};

use crate::cli::EnvVerb;
use crate::error::CliError;
use crate::output::{Output, Table};

/// Runs one verb.
///
/// # Errors
/// What is wrong with file, environment, policy or options; for checks also that something was found.
pub(crate) fn run(verb: EnvVerb, out: Output) -> Result<(), CliError> {
    match verb {
        EnvVerb::Replay(args) => replay::run(&args, out),
        EnvVerb::Check(args) => check::run(&args, out),
        EnvVerb::Ls => list(out),
    }
}

/// Lists the environments: what they are, and what they take in each mode. The fields outside `corrected` are those of
/// the faithful mode.
fn list(out: Output) -> Result<(), CliError> {
    let rows: Vec<Value> = ReplayEnvironment::ALL
        .into_iter()
        .map(|environment| {
            let options: Vec<&str> =
                environment.options().iter().copied().map(ReplayOption::as_str).collect();
            let mut own: Vec<&str> = CorrectedOption::of(environment)
                .iter()
                .copied()
                .map(CorrectedOption::as_str)
                .collect();
            own.extend(["seed", "config", "set"]);
            json!({
                "name": environment.as_str(),
                "meaning": environment.meaning(),
                "policies": environment.policies(),
                "columns": environment.columns(),
                "options": options,
                "corrected": {
                    "policies": corrected_policies(environment),
                    "rules": rules(environment),
                    "columns": corrected_columns(environment),
                    "options": own,
                },
            })
        })
        .collect();
    out.value(&json!({"items": rows}), |_| {
        let mut table = Table::new(&["environment", "mode", "", ""]);
        for row in &rows {
            let cell = str::to_owned;
            table.row([field(row, "name"), cell(""), cell("task"), field(row, "meaning")]);
            let corrected = &row["corrected"];
            for (mode, fields, keys) in [
                ("faithful", row, &["policies", "columns", "options"][..]),
                ("corrected", corrected, &["policies", "rules", "columns", "options"][..]),
            ] {
                for (index, key) in keys.iter().enumerate() {
                    let mode = if index == 0 { mode } else { "" };
                    table.row([cell(""), cell(mode), cell(key), field(fields, key)]);
                }
            }
        }
        table.render()
    })
}

/// Returns a field of a row as text; lists by their words.
fn field(row: &Value, key: &str) -> String {
    row[key].as_array().map_or_else(
        || show::text(&row[key]),
        |items| items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("  "),
    )
}
