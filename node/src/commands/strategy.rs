//! `tm strategy`: create, list, show, validate, trials, seal, open-seal.

use std::path::Path;

use engine::config::{ExecutionConfig, OnlineConfig, PortfolioRuleConfig};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{Context, pick, seal, trials};
use crate::cli::{StrategySource, StrategyVerb};
use crate::client::rest::Body;
use crate::error::CliError;
use crate::output::{Format, Table, note};

/// Runs one verb.
///
/// # Errors
/// What the gateway refuses, or a file that cannot be read.
pub(crate) async fn run(verb: StrategyVerb, context: &Context) -> Result<(), CliError> {
    match verb {
        StrategyVerb::Create { name, source, description, new_version } => {
            let standing =
                if new_version { Some(sealed_share(context, &name).await?) } else { None };
            let config = read(context, &source, standing).await?;
            create(context, &name, &description, config, new_version).await
        }
        StrategyVerb::Ls => list(context).await,
        StrategyVerb::Show { strategy, version } => show(context, &strategy, version).await,
        StrategyVerb::Trials { strategy, limit } => trials::list(context, &strategy, limit).await,
        StrategyVerb::Seal { strategy } => seal::show(context, &strategy).await,
        StrategyVerb::OpenSeal { strategy, reason } => {
            seal::open(context, &strategy, &reason).await
        }
        StrategyVerb::Validate { source } => validate(context, &source).await,
    }
}

/// Returns the share of rows that a strategy seals already.
async fn sealed_share(context: &Context, name: &str) -> Result<Value, CliError> {
    let strategy = pick::one(context, "strategies", name).await?;
    let path = format!("/api/v1/strategies/{}/seal", pick::id(&strategy));
    Ok(context.client.get(&path).await?["share"].clone())
}

/// Builds the configuration from a file or an algorithm's defaults, then applies `--set`. `standing` is the share that the
/// strategy seals already: defaults are offered to new strategies and seal nothing of an old one.
async fn read(
    context: &Context,
    source: &StrategySource,
    standing: Option<Value>,
) -> Result<Value, CliError> {
    let mut config = match (&source.file, &source.algorithm) {
        (Some(file), _) => parse(file)?,
        (None, Some(algorithm)) => defaults(context, algorithm).await?,
        (None, None) => context.client.get("/api/v1/schemas/strategy/dqn/defaults").await?,
    };
    let is_named = source.file.is_some() && config.pointer("/seal/share").is_some();
    if let (Some(share), false) = (standing, is_named) {
        config["seal"]["share"] = share;
    }
    for (path, text) in &source.set {
        set(&mut config, path, text)?;
    }
    Ok(config)
}

/// Asks for an algorithm's defaults; an unknown one is answered with those that exist.
async fn defaults(context: &Context, algorithm: &str) -> Result<Value, CliError> {
    let known = context.client.get("/api/v1/algorithms").await?;
    let rows = known.get("items").unwrap_or(&known).as_array().cloned().unwrap_or_default();
    let names: Vec<String> = rows.iter().map(|row| pick::text(row, "id")).collect();
    if !names.iter().any(|name| name == algorithm) {
        let hint = member_of(algorithm).map_or_else(String::new, |(family, field)| {
            format!("; it is one of a family: --algorithm {family} --set {field}={algorithm}")
        });
        return Err(CliError::NotFound(format!(
            "no algorithm is called '{algorithm}'; known: {}{hint}",
            names.join(", ")
        )));
    }
    context.client.get(&format!("/api/v1/schemas/strategy/{algorithm}/defaults")).await
}

/// Returns the algorithm that has a rule, method or schedule of this name, and the field that chooses it.
fn member_of(name: &str) -> Option<(&'static str, &'static str)> {
    if PortfolioRuleConfig::all().iter().any(|rule| rule.name() == name) {
        return Some(("portfolio_rule", "agent.rule.rule"));
    }
    if OnlineConfig::all().iter().any(|method| method.name() == name) {
        return Some(("online_selection", "agent.method.method"));
    }
    ExecutionConfig::all()
        .iter()
        .any(|schedule| schedule.name() == name)
        .then_some(("execution_schedule", "agent.schedule.schedule"))
}

/// Reads a TOML or JSON document.
fn parse(file: &Path) -> Result<Value, CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| CliError::Io { what: format!("read {}", file.display()), source })?;
    let wrong = |error: String| CliError::Usage(format!("{}: {error}", file.display()));
    if file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        return serde_json::from_str(&text).map_err(|error| wrong(error.to_string()));
    }
    toml::from_str(&text).map_err(|error| wrong(error.to_string()))
}

/// Sets `a.b.c` to `text` read as JSON, or as plain text where it is none.
pub(crate) fn set(config: &mut Value, path: &str, text: &str) -> Result<(), CliError> {
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    let mut slot = config;
    for key in path.split('.') {
        if slot.is_null() {
            *slot = Value::Object(Map::new());
        }
        let Value::Object(fields) = slot else {
            return Err(CliError::Usage(format!(
                "--set {path}: nothing can be set inside '{key}', its parent is a plain value"
            )));
        };
        slot = fields.entry(key).or_insert(Value::Null);
    }
    *slot = value;
    Ok(())
}

async fn create(
    context: &Context,
    name: &str,
    description: &str,
    config: Value,
    new_version: bool,
) -> Result<(), CliError> {
    if !new_version {
        let body = json!({"name": name, "description": description, "config": config});
        let view = context.client.post("/api/v1/strategies", body).await?;
        return context
            .out
            .value(&view, |view| format!("created {name} ({}), version 1", pick::id(view)));
    }
    let strategy = pick::one(context, "strategies", name).await?;
    let revision = format!("\"r{}\"", pick::text(&strategy, "revision"));
    let path = format!("/api/v1/strategies/{}/versions", pick::id(&strategy));
    let body = Body::Json(json!({"config": config}));
    let answer = context.client.send(Method::POST, &path, body, Some(&revision)).await?;
    context.out.value(&answer.value, |view| {
        format!("saved version {} of {name}", pick::text(view, "version"))
    })
}

async fn list(context: &Context) -> Result<(), CliError> {
    let rows = pick::all(context, "/api/v1/strategies").await?;
    context.out.value(&json!({"items": rows}), |_| {
        let mut table = Table::new(&["name", "algorithm", ">version", "updated", "id"]);
        for row in &rows {
            let field = |key| pick::text(row, key);
            table.row([
                field("name"),
                field("algorithm"),
                field("version"),
                field("updated_at"),
                field("id"),
            ]);
        }
        table.render()
    })
}

async fn show(context: &Context, strategy: &str, version: Option<u32>) -> Result<(), CliError> {
    let view = pick::one(context, "strategies", strategy).await?;
    let version =
        version.map_or_else(|| pick::text(&view, "version"), |version| version.to_string());
    let path = format!("/api/v1/strategies/{}/versions/{version}", pick::id(&view));
    let detail = context.client.get(&path).await?;
    context.out.value(&detail, |detail| {
        let config = toml::to_string_pretty(&without_nulls(&detail["config"])).unwrap_or_default();
        let field = |key| pick::text(&view, key);
        format!(
            "# {} ({}), version {version} of {}, hash {}\n{config}",
            field("name"),
            field("id"),
            field("version"),
            pick::text(detail, "hash")
        )
    })
}

/// TOML knows no null: an absent value is an absent key.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

async fn validate(context: &Context, source: &StrategySource) -> Result<(), CliError> {
    let config = read(context, source, None).await?;
    let verdict = context
        .client
        .post("/api/v1/configs:validate", json!({"kind": "strategy", "config": config}))
        .await?;
    if context.out.format == Format::Json {
        context.out.value(&verdict, |_| String::new())?;
    }
    for warning in verdict["warnings"].as_array().into_iter().flatten() {
        note(&format!("warning: {}", pick::text(warning, "detail")));
    }
    if verdict["ok"] == json!(true) {
        return match context.out.format {
            Format::Table => {
                context.out.line(&format!("valid, hash {}", pick::text(&verdict, "hash")))
            }
            Format::Json => Ok(()),
        };
    }
    let errors = verdict["errors"].as_array().cloned().unwrap_or_default();
    let fields = errors
        .iter()
        .map(|error| (pick::text(error, "pointer"), pick::text(error, "detail")))
        .collect();
    Err(CliError::Problem {
        status: 422,
        code: "validation_failed".to_owned(),
        detail: format!("{} field(s) are not acceptable", errors.len()),
        fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_a_family_is_named_with_the_field_that_chooses_it() {
        assert_eq!(member_of("momentum"), Some(("portfolio_rule", "agent.rule.rule")));
        assert_eq!(member_of("anticor"), Some(("online_selection", "agent.method.method")));
        assert_eq!(member_of("twap"), Some(("execution_schedule", "agent.schedule.schedule")));
        assert_eq!(member_of("ppo"), None);
        for (name, family) in [("momentum", "portfolio_rule"), ("twap", "execution_schedule")] {
            let (algorithm, field) = member_of(name).unwrap();
            let mut config = serde_json::to_value(engine::config::defaults(family)).unwrap();
            set(&mut config, field, name).unwrap();
            assert_eq!(algorithm, family);
            assert!(engine::config::validate::strategy(&config).is_ok(), "{config}");
        }
    }

    #[test]
    fn set_reaches_nested_values_and_keeps_types() {
        let mut config = json!({"agent": {"algorithm": "dqn"}});
        set(&mut config, "agent.gamma", "0.95").unwrap();
        set(&mut config, "agent.epsilon.end", "0.1").unwrap();
        set(&mut config, "environment.truth", "faithful").unwrap();
        let wanted = json!({"agent": {"algorithm": "dqn", "gamma": 0.95, "epsilon": {"end": 0.1}}, "environment": {"truth": "faithful"}});
        assert_eq!(config, wanted);
        assert!(set(&mut config, "agent.gamma.deeper", "1").is_err());
    }
}
