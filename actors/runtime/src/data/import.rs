//! Uploads and files → the engine's parsers → a snapshot in the blobs.
//!
//! Runs on a blocking thread. Nothing is registered here: a snapshot without a document is removed when it is refused,
//! or collected a day later, so an import is never half done.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use engine::config::Violation;
use engine::market::error::{DataError, DataErrorKind};
use engine::market::parse::{CsvMapping, csv, parquet};
use engine::market::{BarSeries, snapshot, synthetic};
use serde_json::json;
use store::{BlobHash, Blobs};

use super::document::{DatasetDocument, Imported};
use crate::documents::{fingerprint, name_key};
use crate::error::ActorsError;
use crate::messages::data::{ImportRequest, ImportSource};

/// Largest file that may be sent, in bytes.
pub(crate) const BYTES_MAX: usize = 64 << 20;
/// Largest file that is read from a path, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// Least and most bars of a synthetic market.
const SYNTHETIC_ROWS: std::ops::RangeInclusive<u32> = 100..=1_000_000;
/// Warnings kept of one data set, and their longest text: they must fit into a document.
const WARNINGS_MAX: usize = 40;
const WARNING_CHARS_MAX: usize = 200;

/// Reads a source, checks it, makes its snapshot durable, and describes it.
///
/// # Errors
/// Refuses what cannot be imported, with file, line and column.
pub(crate) fn run(blobs: &Blobs, request: ImportRequest) -> Result<Imported, ActorsError> {
    let print = request_fingerprint(&request)?;
    let ImportRequest { name, source, mapping } = request;
    let (series, origin, synthetic) = read(source, &mapping)?;
    let bytes = snapshot::encode(&series).map_err(|error| refused(&error))?;
    let manifest = snapshot::manifest(&series, &bytes, &origin, synthetic);
    // Before it is there: an import of the same content that is refused meanwhile leaves it alone.
    let pin = blobs.pin(BlobHash::of(&bytes));
    let stored = blobs
        .put_bytes(&bytes)
        .map_err(|error| ActorsError::Store { detail: error.to_string() })?;
    if stored.sha256.to_string() != manifest.sha256 {
        return Err(ActorsError::internal(format!(
            "snapshot {} was stored as {}",
            manifest.sha256, stored.sha256
        )));
    }
    let cut = |text: &String| text.chars().take(WARNING_CHARS_MAX).collect::<String>();
    let mut warnings: Vec<String> = manifest.warnings.iter().take(WARNINGS_MAX).map(cut).collect();
    if WARNINGS_MAX < manifest.warnings.len() {
        warnings.push(format!(
            "{} more warnings are not shown",
            manifest.warnings.len() - WARNINGS_MAX
        ));
    }
    let document = DatasetDocument {
        name: name.trim().to_owned(),
        kind: manifest.kind,
        instrument: cut(&manifest.instrument),
        interval_seconds: manifest.interval_seconds,
        rows: u64::from(manifest.rows),
        from: manifest.from,
        to: manifest.to,
        sha256: manifest.sha256,
        size_bytes: manifest.size_bytes,
        source: cut(&manifest.source),
        synthetic,
        columns: manifest.columns,
        warnings,
        command: String::new(),
        request: Some(print),
    };
    Ok(Imported { document, pin })
}

/// Says whether a data set was imported by this very request; what an older program noted is compared as far as it goes.
///
/// # Errors
/// Tells when the request is no JSON, which is our fault.
pub(crate) fn imported_by(
    document: &DatasetDocument,
    request: &ImportRequest,
) -> Result<bool, ActorsError> {
    if let Some(print) = &document.request {
        return Ok(*print == request_fingerprint(request)?);
    }
    let same_source = match &request.source {
        ImportSource::Synthetic { seed, rows } => {
            document.source == format!("synthetic seed {seed}") && document.rows == u64::from(*rows)
        }
        ImportSource::Bytes { file_name, .. } => document.source == *file_name,
        ImportSource::Path(_) => !document.synthetic,
    };
    Ok(same_source && name_key(&document.name) == name_key(&request.name))
}

fn request_fingerprint(request: &ImportRequest) -> Result<String, ActorsError> {
    let source = match &request.source {
        ImportSource::Path(path) => json!({"path": path.to_string_lossy()}),
        ImportSource::Bytes { file_name, bytes } => {
            json!({"file": file_name, "sha256": engine::digest::sha256(bytes)})
        }
        ImportSource::Synthetic { seed, rows } => json!({"seed": seed, "rows": rows}),
    };
    fingerprint(&(request.name.trim(), source, &request.mapping))
}

fn read(
    source: ImportSource,
    mapping: &CsvMapping,
) -> Result<(BarSeries, String, bool), ActorsError> {
    match source {
        ImportSource::Synthetic { seed, rows } => {
            if !SYNTHETIC_ROWS.contains(&rows) {
                let (least, most) = (SYNTHETIC_ROWS.start(), SYNTHETIC_ROWS.end());
                let detail = format!("must be {least} to {most} bars, found {rows}");
                let found = Violation::new("/synthetic/rows", "out_of_range", detail);
                return Err(found.with("min", *least).with("max", *most).with("got", rows).into());
            }
            let rows = usize::try_from(rows).map_err(ActorsError::internal)?;
            Ok((synthetic::generate(seed, rows), format!("synthetic seed {seed}"), true))
        }
        ImportSource::Bytes { file_name, bytes } => {
            too_large(
                u64::try_from(bytes.len()).unwrap_or(u64::MAX),
                u64::try_from(BYTES_MAX).unwrap_or(u64::MAX),
            )?;
            let series = parse(&file_name, bytes, mapping)?;
            Ok((series, file_name, false))
        }
        ImportSource::Path(path) => {
            let path = if path.is_dir() { path.join("data.csv") } else { path };
            let name = path
                .file_name()
                .map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned());
            let series = open(&path, &name, mapping)?;
            Ok((series, name, false))
        }
    }
}

fn parse(name: &str, bytes: Bytes, mapping: &CsvMapping) -> Result<BarSeries, ActorsError> {
    let parsed = if is_parquet(name) {
        parquet::parse(bytes, name, mapping)
    } else {
        csv::parse(&*bytes, name, mapping)
    };
    parsed.map_err(|error| refused(&error))
}

fn open(path: &PathBuf, name: &str, mapping: &CsvMapping) -> Result<BarSeries, ActorsError> {
    let unreadable = |error: std::io::Error| {
        let detail =
            format!("{} cannot be read ({error}); name a file this node can read", path.display());
        let found = Violation::new("/path", "unreadable", detail);
        ActorsError::from(found.with("reason", error.to_string()))
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    too_large(size, FILE_BYTES_MAX)?;
    if is_parquet(name) {
        return parse(name, Bytes::from(std::fs::read(path).map_err(unreadable)?), mapping);
    }
    let file = File::open(path).map_err(unreadable)?;
    csv::parse(std::io::BufReader::new(file), name, mapping).map_err(|error| refused(&error))
}

fn too_large(got: u64, limit: u64) -> Result<(), ActorsError> {
    if got <= limit {
        return Ok(());
    }
    Err(ActorsError::TooLarge { what: "a file in bytes", limit, got })
}

fn is_parquet(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("parquet"))
}

/// Returns a parser's error as the refusal of the request's field it belongs to.
fn refused(error: &DataError) -> ActorsError {
    let pointer = match error.kind {
        DataErrorKind::Columns | DataErrorKind::Instrument => "/mapping",
        DataErrorKind::Unreadable
        | DataErrorKind::TooLarge
        | DataErrorKind::Empty
        | DataErrorKind::Cell
        | DataErrorKind::Time
        | DataErrorKind::Bar
        | DataErrorKind::Snapshot => "/file",
    };
    let mut params = BTreeMap::from([
        ("file".to_owned(), json!(error.file)),
        ("wanted".to_owned(), json!(error.wanted)),
        ("found".to_owned(), json!(error.found)),
        ("next".to_owned(), json!(error.next)),
    ]);
    if let Some(line) = error.line {
        params.insert("line".to_owned(), json!(line));
    }
    if let Some(column) = &error.column {
        params.insert("column".to_owned(), json!(column));
    }
    let code = format!("data_{:?}", error.kind).to_lowercase();
    ActorsError::Invalid {
        errors: vec![Violation {
            pointer: pointer.to_owned(),
            code,
            params,
            detail: error.to_string(),
        }],
    }
}
