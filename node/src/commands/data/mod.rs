//! `tm data`: import, look at a file before, quality, rows, derive, rebuild, list, show, remove.

mod import;
mod quality;
mod rebuild;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Context, pick};
use crate::cli::{DataVerb, StepArgs};
use crate::client::rest::{Body, Client};
use crate::error::CliError;
use crate::output::{Output, Table, note, sparkline};

/// Runs one verb. A client is made only where a node is asked.
///
/// # Errors
/// What the gateway refuses, or a file that cannot be read.
pub(crate) async fn run(
    verb: DataVerb,
    out: Output,
    client: impl Fn() -> Result<Client, CliError>,
) -> Result<(), CliError> {
    let context = || Ok::<_, CliError>(Context { client: client()?, out });
    match verb {
        DataVerb::Import(args) if args.dry_run => match &args.file {
            Some(file) => import::inspect(file, &args.read, out),
            None => Err(CliError::Usage("name a file to look at".to_owned())),
        },
        DataVerb::Import(args) => import::run(*args, &context()?).await,
        DataVerb::Inspect { file, read } => import::inspect(&file, &read, out),
        DataVerb::Quality { source, split, read } => {
            let path = std::path::Path::new(&source);
            if path.exists() {
                return quality::of_file(path, split.as_deref(), &read, out);
            }
            quality::of_dataset(&source, split.as_deref(), &read, &context()?).await
        }
        DataVerb::Preview { dataset, rows } => preview(&context()?, &dataset, rows).await,
        DataVerb::Derive { dataset, name, dry_run, steps } => {
            let name = name.filter(|_| !dry_run);
            derive(&context()?, &dataset, name.as_deref(), &steps).await
        }
        DataVerb::Verify { dataset } => verify(&context()?, &dataset).await,
        DataVerb::Rebuild(args) => rebuild::run(&args, out),
        DataVerb::Ls => list(&context()?).await,
        DataVerb::Show { dataset } => show(&context()?, &dataset).await,
        DataVerb::Rm { dataset } => remove(&context()?, &dataset).await,
    }
}

async fn preview(context: &Context, dataset: &str, rows: u32) -> Result<(), CliError> {
    let view = pick::one(context, "datasets", dataset).await?;
    let path = format!("/api/v1/datasets/{}/preview?rows={rows}", pick::id(&view));
    let rows = context.client.get(&path).await?;
    context.out.value(&rows, |rows| {
        let mut table = rows_table(&rows["columns"], &rows["first"]);
        let last = rows["last"].as_array().map_or(0, Vec::len);
        if 0 < last {
            table.push_str("\n…\n");
            table.push_str(&rows_table(&rows["columns"], &rows["last"]));
        }
        table.push_str(&format!("\n{} rows", rows["rows"]));
        table
    })
}

/// Returns rows of text cells under their columns.
fn rows_table(columns: &Value, rows: &Value) -> String {
    let texts = |cells: &Value| -> Vec<String> {
        let cells = cells.as_array().into_iter().flatten();
        cells.map(|cell| cell.as_str().unwrap_or("–").to_owned()).collect()
    };
    let names = texts(columns);
    let mut table = Table::new(&names.iter().map(String::as_str).collect::<Vec<&str>>());
    for row in rows.as_array().into_iter().flatten() {
        table.row(texts(row));
    }
    table.render()
}

/// Makes a data set of another one; without a name it is only looked at.
async fn derive(
    context: &Context,
    dataset: &str,
    name: Option<&str>,
    steps: &StepArgs,
) -> Result<(), CliError> {
    let words = steps.steps();
    if words.is_empty() {
        let detail = "name at least one step, such as --resample 1h or --from 2015-01-01";
        return Err(CliError::Usage(detail.to_owned()));
    }
    let parent = pick::one(context, "datasets", dataset).await?;
    let mut from = serde_json::to_value(&words)
        .map_err(|error| CliError::Failed(format!("the steps cannot be written: {error}")))?;
    if let Some(fields) = from.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    from["dataset_id"] = json!(pick::id(&parent));
    let Some(name) = name else {
        let body = json!({"from": from});
        let view = context.client.post("/api/v1/datasets:inspect", body).await?;
        return import::told(&view, context.out);
    };
    let body = json!({"name": name, "from": from});
    imported(context, &context.client.post("/api/v1/datasets", body).await?)
}

/// Checks a snapshot; one that is wrong is an error.
async fn verify(context: &Context, dataset: &str) -> Result<(), CliError> {
    let view = pick::one(context, "datasets", dataset).await?;
    let path = format!("/api/v1/datasets/{}:verify", pick::id(&view));
    let found = context.client.send(Method::POST, &path, Body::Empty, None).await?.value;
    let text = |key| pick::text(&found, key);
    context.out.value(&found, |_| {
        format!("{}: {} ({})", pick::text(&view, "name"), text("detail"), text("sha256"))
    })?;
    if found["ok"] == true {
        return Ok(());
    }
    Err(CliError::Failed(format!("{}: {}. {}", text("found"), text("detail"), text("next"))))
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
            "imported {} ({}): {} {} of {} from {} to {}",
            field("name"),
            field("id"),
            field("rows"),
            counted(&field("kind")),
            field("instrument"),
            field("from"),
            field("to")
        )
    })
}

/// What the rows of a kind are called.
fn counted(kind: &str) -> &'static str {
    match kind {
        "trades" => "trades",
        "book" => "order books",
        _ => "bars",
    }
}

async fn list(context: &Context) -> Result<(), CliError> {
    let rows = pick::all(context, "/api/v1/datasets").await?;
    context.out.value(&json!({"items": rows}), |_| {
        let mut table =
            Table::new(&["name", "kind", "instrument", ">rows", "from", "to", "source", "id"]);
        for row in &rows {
            let field = |key| pick::text(row, key);
            let day = |key| field(key).chars().take(10).collect::<String>();
            table.row([
                field("name"),
                field("kind"),
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
            "kind",
            "instrument",
            "interval_seconds",
            "rows",
            "from",
            "to",
            "source",
            "dialect",
            "synthetic",
            "looks_ahead",
            "filled",
            "sha256",
            "size_bytes",
            "created_at",
        ] {
            table.row([key.to_owned(), pick::text(view, key)]);
        }
        let closes: Vec<Option<f64>> =
            bars["close"].as_array().into_iter().flatten().map(Value::as_f64).collect();
        table.row(["close".to_owned(), sparkline(&closes)]);
        for step in view["transformations"].as_array().into_iter().flatten() {
            let text = format!("{}: {}", pick::text(step, "name"), pick::text(step, "detail"));
            table.row(["step".to_owned(), text]);
        }
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
