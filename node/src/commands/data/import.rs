//! Files to the node, and what an import of them would do.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Context, escape, imported, pick, rows_table};
use crate::cli::{ImportArgs, ReadArgs};
use crate::client::rest::Body;
use crate::error::CliError;
use crate::output::{Output, Table, bytes_bar, note, spinner};

/// A file on its way to the node.
struct Upload {
    bytes: Vec<u8>,
    file_name: String,
    format: &'static str,
    query: Vec<(String, String)>,
}

/// Imports a file, a directory or a synthetic market.
///
/// # Errors
/// What the gateway refuses, or a file that cannot be read.
pub(super) async fn run(args: ImportArgs, context: &Context) -> Result<(), CliError> {
    let ImportArgs { file, name, read, synthetic, seed, rows, .. } = args;
    if synthetic {
        let name = name.unwrap_or_else(|| format!("synthetic-{seed}"));
        let body = json!({"name": name, "synthetic": {"seed": seed, "rows": rows}});
        return imported(context, &context.client.post("/api/v1/datasets", body).await?);
    }
    let Some(file) = file else {
        return Err(CliError::Usage("name a file, or give --synthetic".to_owned()));
    };
    // Wrong words are refused before anything is read or sent.
    read.plan()?;
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let upload = if file.is_dir() {
        folder(&file, &read)?
    } else if is_sent_whole(&file)? {
        single(&file, &read).await?
    } else {
        packed(&file, &read)?
    };
    let view = send(context, &name.unwrap_or(stem), upload).await?;
    imported(context, &view)
}

/// Whether a file is small enough to be sent as it is. What is no plain file tells no size.
fn is_sent_whole(file: &Path) -> Result<bool, CliError> {
    let about = std::fs::metadata(file)
        .map_err(|source| CliError::Io { what: format!("read {}", file.display()), source })?;
    let most = u64::try_from(actors::SENT_BYTES_MAX).unwrap_or(u64::MAX);
    Ok(about.is_file() && about.len() <= most)
}

/// A larger file is read here, piece by piece, and sent as one snapshot with everything done to it.
fn packed(file: &Path, read: &ReadArgs) -> Result<Upload, CliError> {
    let sign = spinner("reading the file");
    let packed = actors::pack_file(file, &read.plan()?);
    sign.finish_and_clear();
    let (bytes, kind, notes) = packed.map_err(refused)?;
    for text in notes {
        note(&format!("note: {text}"));
    }
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    let file_name = format!("{}.parquet", name.unwrap_or_else(|| "file".to_owned()));
    let query = vec![("kind".to_owned(), kind.name().to_owned())];
    Ok(Upload { bytes, file_name, format: "parquet", query })
}

async fn single(file: &Path, read: &ReadArgs) -> Result<Upload, CliError> {
    let bytes = tokio::fs::read(file)
        .await
        .map_err(|source| CliError::Io { what: format!("read {}", file.display()), source })?;
    let parquet = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
    let file_name =
        file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let format = if parquet { "parquet" } else { "csv" };
    Ok(Upload { bytes, file_name, format, query: read.query() })
}

/// A directory is joined here and sent as one snapshot; what is done to it is done at the node.
fn folder(folder: &Path, read: &ReadArgs) -> Result<Upload, CliError> {
    let sign = spinner("reading the files");
    let joined = actors::join_folder(folder, &read.plan()?);
    sign.finish_and_clear();
    let (bytes, notes) = joined.map_err(refused)?;
    for text in notes {
        note(&format!("note: {text}"));
    }
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut query = read.steps.query();
    query.extend(read.kind.clone().map(|kind| ("kind".to_owned(), kind)));
    let file_name = format!("{}.parquet", name.unwrap_or_else(|| "folder".to_owned()));
    Ok(Upload { bytes, file_name, format: "parquet", query })
}

async fn send(context: &Context, name: &str, upload: Upload) -> Result<Value, CliError> {
    let Upload { bytes, file_name, format, query } = upload;
    let kind = if format == "parquet" { "application/vnd.apache.parquet" } else { "text/csv" };
    let mut path = format!(
        "/api/v1/datasets?name={}&format={format}&file={}",
        escape(name),
        escape(&file_name)
    );
    for (key, value) in &query {
        path.push_str(&format!("&{}={}", escape(key), escape(value)));
    }
    let bar = bytes_bar("upload", u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    let body = Body::Bytes(kind, bytes::Bytes::from(bytes));
    let answer = context.client.send(Method::POST, &path, body, None).await;
    bar.set_position(bar.length().unwrap_or_default());
    bar.finish_and_clear();
    Ok(answer?.value)
}

/// Shows what an import would do; a file that cannot be imported is an error.
///
/// # Errors
/// Wrong words, a file that cannot be read, and one that cannot be imported.
pub(super) fn inspect(file: &Path, read: &ReadArgs, out: Output) -> Result<(), CliError> {
    let view = actors::inspect_file(file, &read.plan()?).map_err(refused)?;
    let value = serde_json::to_value(&view)
        .map_err(|error| CliError::Failed(format!("the answer cannot be written: {error}")))?;
    told(&value, out)
}

/// Shows what would be stored; what cannot be is an error.
///
/// # Errors
/// The reasons, joined.
pub(super) fn told(view: &Value, out: Output) -> Result<(), CliError> {
    out.value(view, shown)?;
    if view["ok"] == true {
        return Ok(());
    }
    let errors = view["errors"].as_array().into_iter().flatten();
    let reasons: Vec<String> = errors.map(|error| pick::text(error, "detail")).collect();
    Err(CliError::Failed(format!("cannot be imported: {}", reasons.join("; "))))
}

fn shown(view: &Value) -> String {
    let mut table = Table::new(&["field", "value"]);
    table.row(["file".to_owned(), pick::text(view, "file")]);
    if let Some(detection) = view["detection"].as_object().map(|_| &view["detection"]) {
        let text = format!(
            "{} ({}): {}",
            pick::text(detection, "name"),
            pick::text(detection, "certainty"),
            pick::text(detection, "reason")
        );
        table.row(["written by".to_owned(), text]);
    }
    let data = &view["data"];
    if data.is_object() {
        let names: Vec<&str> = data["instruments"]
            .as_array()
            .into_iter()
            .flatten()
            .take(8)
            .filter_map(Value::as_str)
            .collect();
        let more = if names.len() as u64 == data["instrument_count"].as_u64().unwrap_or(0) {
            ""
        } else {
            ", …"
        };
        table.row(["instruments".to_owned(), format!("{}{more}", names.join(", "))]);
        for key in
            ["kind", "rows", "from", "to", "interval_seconds", "levels", "filled", "looks_ahead"]
        {
            if !data[key].is_null() {
                table.row([key.to_owned(), pick::text(data, key)]);
            }
        }
        for step in data["transformations"].as_array().into_iter().flatten() {
            let text = format!("{}: {}", pick::text(step, "name"), pick::text(step, "detail"));
            table.row(["step".to_owned(), text]);
        }
    }
    for (key, label) in [("notes", "note"), ("warnings", "warning")] {
        for text in view[key].as_array().into_iter().flatten().filter_map(Value::as_str) {
            table.row([label.to_owned(), text.to_owned()]);
        }
    }
    let mut text = table.render();
    if view["source"].is_object() {
        text.push_str("\n\nIn the file:\n");
        text.push_str(&rows_table(&view["source"]["columns"], &view["source"]["rows"]));
    }
    if data.is_object() {
        text.push_str("\n\nAs it would be stored:\n");
        text.push_str(&rows_table(&data["columns"], &data["head"]));
    }
    text
}

/// A refusal of a file that was read here.
pub(super) fn refused(error: actors::ActorsError) -> CliError {
    let problem = error.problem();
    let details: Vec<String> = problem.errors.into_iter().map(|error| error.detail).collect();
    if details.is_empty() {
        return CliError::Failed(problem.detail);
    }
    CliError::Failed(details.join("\n"))
}
