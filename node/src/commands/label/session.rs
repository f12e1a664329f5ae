//! Labellings of data sets as sessions: start one, print what it found.

use engine::config::LabellingConfig;
use engine::market::DataKind;
use engine::session::labelling::columns_of;
use serde_json::{Value, json};

use super::input;
use crate::cli::LabelStartArgs;
use crate::commands::{Context, follow, pick, session};
use crate::error::CliError;
use crate::output::{Table, plain, sparkline};

/// Points of a drawn series.
const SPARKS: usize = 40;

/// Starts a labelling, and waits for its labels where that is asked for.
///
/// # Errors
/// What is wrong with the configuration, what the gateway refuses, or a failed session.
pub(super) async fn start(args: LabelStartArgs, context: &Context) -> Result<(), CliError> {
    let config = match (&args.preset, &args.config) {
        (None, None) => LabellingConfig::default(),
        (preset, file) => input::read(preset.as_deref(), file.as_deref())?.config,
    };
    let dataset = pick::one(context, "datasets", &args.data).await?;
    let config = configured(config, args.column.as_deref(), &pick::text(&dataset, "kind"))?;
    let name = args.name.unwrap_or_else(|| format!("labels of {}", pick::text(&dataset, "name")));
    let body = json!({"name": name, "dataset_id": pick::id(&dataset), "config": config});
    let submitted = context.client.post("/api/v1/sessions", body).await?;
    let id = pick::id(&submitted);
    if !args.wait {
        return context.out.value(&submitted, |_| id.clone());
    }
    let done = follow::until_done(context, &id, None).await?;
    if pick::text(&done, "state") != "completed" {
        return Ok(());
    }
    show(context, &id).await
}

/// Returns a session's configuration: without what names files, on a column that the data has.
fn configured(
    config: LabellingConfig,
    column: Option<&str>,
    kind: &str,
) -> Result<Value, CliError> {
    let mut config = LabellingConfig { data: None, portfolio: None, ..config };
    match (column, DataKind::from_name(kind).map(columns_of)) {
        (Some(column), _) => column.clone_into(&mut config.indicator),
        // A configuration written for bars says nothing about a book's columns.
        (None, Some(columns)) if !columns.contains(&config.indicator.as_str()) => {
            if let Some(usual) = columns.first() {
                (*usual).clone_into(&mut config.indicator);
            }
        }
        (None, _) => {}
    }
    let mut value =
        serde_json::to_value(&config).map_err(|error| CliError::Failed(error.to_string()))?;
    value["kind"] = json!("labelling");
    Ok(value)
}

/// Prints what a labelling found.
///
/// # Errors
/// There is no such session, or it has no labels, with the reason.
pub(super) async fn report(wanted: &str, context: &Context) -> Result<(), CliError> {
    let id = session::find(context, wanted).await?;
    show(context, &id).await
}

/// Prints the labels of a session.
///
/// # Errors
/// There are none, with the reason.
pub(crate) async fn show(context: &Context, id: &str) -> Result<(), CliError> {
    let document = context.client.get(&format!("/api/v1/sessions/{id}/labels")).await?;
    context.out.value(&document, render)
}

/// Returns the report for people.
fn render(report: &Value) -> String {
    let mut table = Table::new(&[
        "instrument",
        ">label",
        ">rows",
        ">slices",
        ">mean slope % per row",
        ">mean length",
    ]);
    let mut courses = Vec::new();
    for item in report["items"].as_array().into_iter().flatten() {
        let ticker = pick::text(item, "ticker");
        let count = |list: &str, label: u64| {
            let place = usize::try_from(label).unwrap_or(usize::MAX);
            item[list].get(place).map_or_else(String::new, ToString::to_string)
        };
        for figures in item["metrics"].as_array().into_iter().flatten() {
            let label = figures["label"].as_u64().unwrap_or_default();
            table.row([
                ticker.clone(),
                label.to_string(),
                count("rows_per_label", label),
                count("slices_per_label", label),
                plain(figures["slope_mean"].as_f64().map(|slope| slope * 100.0)),
                plain(figures["length_mean"].as_f64()),
            ]);
        }
        let numbers = |curve: &str| -> Vec<Option<f64>> {
            let points = item["chart"][curve].as_array();
            sampled(&points.into_iter().flatten().map(Value::as_f64).collect::<Vec<_>>())
        };
        let (price, labels) = (sparkline(&numbers("values")), sparkline(&numbers("labels")));
        courses.push(format!("{ticker}\n  price  {price}\n  label  {labels}"));
    }
    let mut parts = vec![
        format!(
            "labels of {}, column {}",
            pick::text(report, "dataset"),
            pick::text(report, "column")
        ),
        table.render(),
        courses.join("\n"),
    ];
    for remark in report["remarks"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        parts.push(format!("remark: {remark}"));
    }
    parts.join("\n")
}

/// Returns at most [`SPARKS`] points at equal distances, both ends among them.
fn sampled(points: &[Option<f64>]) -> Vec<Option<f64>> {
    let count = points.len().min(SPARKS);
    let at = |place: usize| place * points.len().saturating_sub(1) / count.saturating_sub(1).max(1);
    (0..count).filter_map(|place| points.get(at(place)).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_asked_for_without_files_and_on_a_column_of_the_data() {
        let file = LabellingConfig { data: Some("x.csv".to_owned()), ..LabellingConfig::default() };
        for (kind, column, wanted) in [
            ("bars", None, "adjcp"),
            ("bars", Some("close"), "close"),
            ("book", None, "midpoint"),
            ("trades", None, "price"),
        ] {
            let value = configured(file.clone(), column, kind).unwrap();
            assert_eq!((&value["indicator"], &value["data"]), (&json!(wanted), &Value::Null));
            engine::config::validate::session(&value).unwrap();
        }
    }

    #[test]
    fn a_report_shows_each_label_once_and_says_that_it_knows_the_future() {
        let report = json!({
            "dataset": "d", "column": "close", "remarks": ["Labels use hindsight."],
            "items": [{
                "ticker": "A", "rows_per_label": [3, 0, 5], "slices_per_label": [1, 0, 2],
                "metrics": [{"label": 0, "slope_mean": -0.01, "length_mean": 3.0},
                            {"label": 2, "slope_mean": 0.02, "length_mean": 2.5}],
                "chart": {"values": [1.0, 2.0], "labels": [0, 2]},
            }],
        });
        let text = render(&report);
        for words in ["labels of d, column close", "remark: Labels use hindsight.", "2.5"] {
            assert!(text.contains(words), "{text}");
        }
        assert_eq!(text.lines().filter(|line| line.starts_with("A ")).count(), 2, "{text}");
    }
}
