//! `tm env`: replays in the reference system's environments. Computed here from one file; no node need run.

use engine::config::FeatureSet;
use engine::environment::faithful::{
    ReplayEnvironment, ReplayOption, ReplayOptions, ReplayPolicy, replay,
};
use engine::error::EngineError;
use engine::features;
use engine::market::parse::reference;
use serde_json::{Value, json};

use crate::cli::{EnvVerb, Mode, ReplayArgs};
use crate::error::CliError;
use crate::output::{Output, Table, sparkline};

/// Characters of the asset curve.
const CURVE_WIDTH: usize = 60;
/// Numbers of a list that are shown one by one.
const SHOWN_MAX: usize = 6;

/// Runs one verb.
///
/// # Errors
/// What is wrong with file, environment, policy or options.
pub(crate) fn run(verb: EnvVerb, out: Output) -> Result<(), CliError> {
    match verb {
        EnvVerb::Replay(args) => run_replay(&args, out),
        EnvVerb::Ls => list(out),
    }
}

fn run_replay(args: &ReplayArgs, out: Output) -> Result<(), CliError> {
    let usage = |error: EngineError| CliError::Usage(error.to_string());
    let environment: ReplayEnvironment = args.env.parse().map_err(usage)?;
    let policy: ReplayPolicy = args.policy.parse().map_err(usage)?;
    if args.mode == Mode::Corrected {
        return Err(CliError::Usage(
            "replays follow the reference: the corrected environments run as back-test sessions; use `tm backtest run`, \
             or leave --mode corrected out"
                .to_owned(),
        ));
    }
    let file = args.data.display().to_string();
    let bytes = std::fs::read(&args.data)
        .map_err(|source| CliError::Io { what: format!("read {file}"), source })?;
    let table = reference::parse(bytes.as_slice(), &file)
        .map_err(|error| CliError::Failed(error.to_string()))?;
    let found = replay(environment, &table, &policy, &options(args)?)
        .map_err(|error| CliError::Failed(format!("{file}: {error}")))?;
    let mut value = serde_json::to_value(&found)
        .map_err(|error| CliError::Failed(format!("the figures cannot be written: {error}")))?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("mode".to_owned(), json!("faithful"));
        fields.insert("policy".to_owned(), json!(args.policy));
        fields.insert("data".to_owned(), json!(file));
    }
    out.value(&value, |value| table_of(value, &found.assets))
}

fn options(args: &ReplayArgs) -> Result<ReplayOptions, CliError> {
    let size = |value: Option<u32>| {
        value.map(usize::try_from).transpose().map_err(|error| CliError::Usage(error.to_string()))
    };
    let features = args.features.as_deref().map(|text| match text {
        "classic_11" => features::names(FeatureSet::Classic11),
        "classic_16" => features::names(FeatureSet::Classic16),
        "none" => Vec::new(),
        names => names.split(',').map(|name| name.trim().to_owned()).collect(),
    });
    Ok(ReplayOptions {
        features,
        initial_amount: args.initial_amount,
        cost_rate: args.cost_rate,
        window: size(args.window)?,
        forward: size(args.forward)?,
        max_volume: args.max_volume,
        earlier_release: args.earlier_release,
        start: size(args.start)?,
        episode_length: size(args.episode_length)?,
    })
}

/// Returns the figures as a table: what was run, what came out, the curve.
fn table_of(value: &Value, assets: &[f64]) -> String {
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
    let mut table = Table::new(&["figure", "value"]);
    for key in FIRST {
        table.row([key.to_owned(), text(&value[key])]);
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        if !FIRST.contains(&key.as_str()) && !["assets", "returns"].contains(&key.as_str()) {
            table.row([key.clone(), text(value)]);
        }
    }
    table.row(["assets".to_owned(), sparkline(&thinned(assets))]);
    table.render()
}

fn text(value: &Value) -> String {
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

/// Returns at most [`CURVE_WIDTH`] values, evenly spread, first and last included.
fn thinned(assets: &[f64]) -> Vec<Option<f64>> {
    let last = assets.len().saturating_sub(1);
    let width = CURVE_WIDTH.min(assets.len());
    let places = (0..width).map(|place| place * last / (width - 1).max(1));
    places.map(|place| assets.get(place).copied().filter(|value| value.is_finite())).collect()
}

fn list(out: Output) -> Result<(), CliError> {
    let rows: Vec<Value> = ReplayEnvironment::ALL
        .into_iter()
        .map(|environment| {
            let options: Vec<&str> =
                environment.options().iter().copied().map(ReplayOption::as_str).collect();
            json!({
                "name": environment.as_str(),
                "meaning": environment.meaning(),
                "policies": environment.policies(),
                "columns": environment.columns(),
                "options": options,
            })
        })
        .collect();
    out.value(&json!({"items": rows}), |_| {
        let mut table = Table::new(&["environment", "", ""]);
        for row in &rows {
            table.row([field(row, "name"), "task".to_owned(), field(row, "meaning")]);
            for key in ["policies", "columns", "options"] {
                table.row([String::new(), key.to_owned(), field(row, key)]);
            }
        }
        table.render()
    })
}

/// Returns a field of a row as text; lists by their words.
fn field(row: &Value, key: &str) -> String {
    row[key].as_array().map_or_else(
        || text(&row[key]),
        |items| items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("  "),
    )
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
}
