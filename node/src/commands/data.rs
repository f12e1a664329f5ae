//! `tm data`: import, list, show, remove.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Context, pick};
use crate::cli::DataVerb;
use crate::client::rest::Body;
use crate::error::CliError;
use crate::output::{Table, bytes_bar, note, sparkline};

/// Runs one verb.
///
/// # Errors
/// What the gateway refuses, or a file that cannot be read.
pub(crate) async fn run(verb: DataVerb, context: &Context) -> Result<(), CliError> {
    match verb {
        DataVerb::Import { synthetic: true, name, seed, rows, .. } => {
            let name = name.unwrap_or_else(|| format!("synthetic-{seed}"));
            let body = json!({"name": name, "synthetic": {"seed": seed, "rows": rows}});
            let view = context.client.post("/api/v1/datasets", body).await?;
            imported(context, &view)
        }
        DataVerb::Import { file: Some(file), name, instrument, map, .. } => {
            let view = upload(context, &file, name, instrument, &map).await?;
            imported(context, &view)
        }
        DataVerb::Import { file: None, .. } => {
            Err(CliError::Usage("name a file, or give --synthetic".to_owned()))
        }
        DataVerb::Ls => list(context).await,
        DataVerb::Show { dataset } => show(context, &dataset).await,
        DataVerb::Rm { dataset } => remove(context, &dataset).await,
    }
}

async fn upload(
    context: &Context,
    file: &Path,
    name: Option<String>,
    instrument: Option<String>,
    map: &[(String, String)],
) -> Result<Value, CliError> {
    let bytes = tokio::fs::read(file)
        .await
        .map_err(|source| CliError::Io { what: format!("read {}", file.display()), source })?;
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let parquet = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
    let (format, kind) =
        if parquet { ("parquet", "application/vnd.apache.parquet") } else { ("csv", "text/csv") };
    let file_name =
        file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut query =
        vec![("name", name.unwrap_or(stem)), ("format", format.to_owned()), ("file", file_name)];
    query.extend(instrument.map(|instrument| ("instrument", instrument)));
    let mut path = String::from("/api/v1/datasets?");
    for (key, value) in &query {
        path.push_str(&format!("{key}={}&", escape(value)));
    }
    for (column, heading) in map {
        path.push_str(&format!("map.{}={}&", escape(column), escape(heading)));
    }
    let bar = bytes_bar("upload", u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    let body = Body::Bytes(kind, bytes::Bytes::from(bytes));
    let answer = context.client.send(Method::POST, path.trim_end_matches('&'), body, None).await;
    bar.set_position(bar.length().unwrap_or_default());
    bar.finish_and_clear();
    Ok(answer?.value)
}

/// Percent-encodes everything but letters, digits and `-._~`.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn imported(context: &Context, view: &Value) -> Result<(), CliError> {
    for warning in view["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        note(&format!("warning: {warning}"));
    }
    context.out.value(view, |view| {
        let field = |key| pick::text(view, key);
        format!(
            "imported {} ({}): {} bars of {} from {} to {}",
            field("name"),
            field("id"),
            field("rows"),
            field("instrument"),
            field("from"),
            field("to")
        )
    })
}

async fn list(context: &Context) -> Result<(), CliError> {
    let rows = pick::all(context, "/api/v1/datasets").await?;
    context.out.value(&json!({"items": rows}), |_| {
        let mut table = Table::new(&["name", "instrument", ">bars", "from", "to", "source", "id"]);
        for row in &rows {
            let field = |key| pick::text(row, key);
            let day = |key| field(key).chars().take(10).collect::<String>();
            table.row([
                field("name"),
                field("instrument"),
                field("rows"),
                day("from"),
                day("to"),
                field("source"),
                field("id"),
            ]);
        }
        table.render()
    })
}

async fn show(context: &Context, dataset: &str) -> Result<(), CliError> {
    let view = pick::one(context, "datasets", dataset).await?;
    let bars =
        context.client.get(&format!("/api/v1/datasets/{}/bars?bins=60", pick::id(&view))).await?;
    context.out.value(&view, |view| {
        let mut table = Table::new(&["field", "value"]);
        for key in [
            "id",
            "name",
            "instrument",
            "interval_seconds",
            "rows",
            "from",
            "to",
            "source",
            "synthetic",
            "sha256",
            "size_bytes",
            "created_at",
        ] {
            table.row([key.to_owned(), pick::text(view, key)]);
        }
        let closes: Vec<Option<f64>> =
            bars["close"].as_array().into_iter().flatten().map(Value::as_f64).collect();
        table.row(["close".to_owned(), sparkline(&closes)]);
        for warning in view["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            table.row(["warning".to_owned(), warning.to_owned()]);
        }
        table.render()
    })
}

async fn remove(context: &Context, dataset: &str) -> Result<(), CliError> {
    let view = pick::one(context, "datasets", dataset).await?;
    let revision = format!("\"r{}\"", pick::text(&view, "revision"));
    let path = format!("/api/v1/datasets/{}", pick::id(&view));
    context.client.send(Method::DELETE, &path, Body::Empty, Some(&revision)).await?;
    note(&format!("removed {}", pick::text(&view, "name")));
    Ok(())
}
