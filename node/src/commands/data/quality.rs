//! The quality report as a table: of a data set of the node, or of a file without one.

use std::path::Path;

use actors::QualityQuery;
use serde_json::Value;

use super::{Context, escape, import, pick};
use crate::cli::ReadArgs;
use crate::error::CliError;
use crate::output::{Output, Table, note};

/// Most rows shown of one finding.
const EXAMPLES_SHOWN: usize = 3;

/// Reports on a file.
///
/// # Errors
/// Wrong words, and a file that cannot be read or imported.
pub(super) fn of_file(
    path: &Path,
    split: Option<&str>,
    read: &ReadArgs,
    out: Output,
) -> Result<(), CliError> {
    let calendar = read.steps.calendar.clone();
    let query = QualityQuery::parse(calendar.as_deref(), split).map_err(|wrong| {
        let told = wrong
            .iter()
            .map(|one| format!("--{}: {}", one.pointer.trim_start_matches('/'), one.detail));
        CliError::Usage(told.collect::<Vec<_>>().join("\n"))
    })?;
    let mut read = read.clone();
    if read.steps.resample.is_none() && read.steps.missing.is_none() {
        // Then it belongs to the report alone.
        read.steps.calendar = None;
    }
    let view = actors::assess_file(path, &read.plan()?, &query).map_err(import::refused)?;
    let value = serde_json::to_value(&view)
        .map_err(|error| CliError::Failed(format!("the report cannot be written: {error}")))?;
    out.value(&value, shown)
}

/// Reports on a data set.
///
/// # Errors
/// What the gateway refuses; flags that only say how a file is read.
pub(super) async fn of_dataset(
    source: &str,
    split: Option<&str>,
    read: &ReadArgs,
    context: &Context,
) -> Result<(), CliError> {
    let others: Vec<String> =
        read.query().into_iter().map(|(key, _)| key).filter(|key| key != "calendar").collect();
    if !others.is_empty() {
        let detail = format!(
            "'{source}' is no file here, and {} belong to files; leave them out for a data set",
            others.join(", ")
        );
        return Err(CliError::Usage(detail));
    }
    let view = pick::one(context, "datasets", source).await?;
    let mut path = format!("/api/v1/datasets/{}/quality?", pick::id(&view));
    let asked = [("split", split), ("calendar", read.steps.calendar.as_deref())];
    for (key, value) in asked {
        if let Some(value) = value {
            path.push_str(&format!("{key}={}&", escape(value)));
        }
    }
    let report = context.client.get(path.trim_end_matches(['&', '?'])).await?;
    if view["synthetic"] == true {
        note("this market is synthetic");
    }
    context.out.value(&report, shown)
}

fn shown(report: &Value) -> String {
    let mut table = Table::new(&["severity", "check", ">rows", "what", "where"]);
    let findings: Vec<&Value> = report["findings"].as_array().into_iter().flatten().collect();
    for finding in &findings {
        let examples: Vec<String> = finding["examples"]
            .as_array()
            .into_iter()
            .flatten()
            .take(EXAMPLES_SHOWN)
            .filter_map(|example| {
                let time = example["time"].as_str()?;
                Some(match example["instrument"].as_str() {
                    Some(name) => format!("{name} {time}"),
                    None => time.to_owned(),
                })
            })
            .collect();
        table.row([
            pick::text(finding, "severity"),
            pick::text(finding, "code"),
            pick::text(finding, "count"),
            pick::text(finding, "detail"),
            examples.join(", "),
        ]);
    }
    let mut text =
        if findings.is_empty() { "nothing was found".to_owned() } else { table.render() };
    let segments: Vec<&Value> = report["segments"].as_array().into_iter().flatten().collect();
    if !segments.is_empty() {
        let mut table = Table::new(&["segment", "from", "to", ">rows"]);
        for segment in segments {
            table.row(["role", "from", "to", "rows"].map(|key| pick::text(segment, key)));
        }
        text.push_str(&format!("\n\n{}", table.render()));
    }
    let score = report["score"].as_f64().unwrap_or(0.0);
    text.push_str(&format!(
        "\n\nscore {score:.0} of 100; {} rows of {} ({})",
        report["rows"],
        report["instrument_count"],
        pick::text(report, "kind")
    ));
    text
}
