//! Uploads, files and other data sets → the engine's parsers → a snapshot in the blobs.
//!
//! Runs on a blocking thread. Nothing is registered here: a snapshot without a document is removed when it is refused,
//! or collected a day later, so an import is never half done. A file is read once: what was read and the snapshot are
//! in memory together, the file is not.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use engine::config::Violation;
use engine::market::error::{DataError, DataErrorKind};
use engine::market::parse::{Detection, MarketSeries};
use engine::market::snapshot::{self, SnapshotManifest, Stored};
use engine::market::{Provenance, Transformation, synthetic};
use serde_json::json;
use store::{BlobHash, Blobs};

use super::document::{DatasetDocument, Imported};
use super::file;
use super::plan::ImportPlan;
use super::steps;
use crate::documents::{fingerprint, name_key};
use crate::error::ActorsError;
use crate::messages::data::{ImportRequest, ImportSource};

/// Largest file that may be sent, in bytes.
pub const BYTES_MAX: usize = 64 << 20;
/// Least and most bars of a synthetic market.
const SYNTHETIC_ROWS: std::ops::RangeInclusive<u32> = 100..=1_000_000;
/// Warnings, notes and steps kept of one data set, and their longest text: they must fit into a document.
const WARNINGS_MAX: usize = 40;
const WARNING_CHARS_MAX: usize = 200;
/// Instruments named in a document, and the longest name.
pub(crate) const INSTRUMENTS_MAX: usize = 200;
const INSTRUMENT_CHARS_MAX: usize = 80;

/// The data set that another one is made of.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    pub(crate) name: String,
    pub(crate) sha256: String,
    pub(crate) synthetic: bool,
    pub(crate) transformations: Vec<Transformation>,
}

impl Parent {
    /// Returns what a data set made of this one must know.
    pub(crate) fn of(document: DatasetDocument) -> Self {
        Self {
            name: document.name,
            sha256: document.sha256,
            synthetic: document.synthetic,
            transformations: document.transformations,
        }
    }
}

/// Data that was read, with how it was read.
pub(crate) struct Read {
    pub(crate) stored: Stored,
    pub(crate) detection: Option<Detection>,
    pub(crate) notes: Vec<String>,
    pub(crate) synthetic: bool,
    pub(crate) parent: Option<String>,
}

/// Reads a source, checks it, makes its snapshot durable, and describes it.
///
/// # Errors
/// Refuses what cannot be imported, with file, line and column.
pub(crate) fn run(
    blobs: &Blobs,
    request: ImportRequest,
    parent: Option<Parent>,
) -> Result<Imported, ActorsError> {
    let print = request_fingerprint(&request)?;
    let ImportRequest { name, source, plan } = request;
    let read = changed(read(blobs, source, &plan, parent)?, &plan)?;
    let bytes = snapshot::encode_any(&read.stored).map_err(|error| refused(&error))?;
    let manifest = snapshot::describe(&read.stored, &bytes, read.synthetic);
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
    let document =
        DatasetDocument { request: Some(print), ..document(name.trim(), &read, manifest) };
    Ok(Imported { document, pin })
}

fn document(name: &str, read: &Read, manifest: SnapshotManifest) -> DatasetDocument {
    let provenance = read.stored.provenance.clone().unwrap_or_default();
    let many = manifest.instruments.len();
    let instrument = match manifest.instruments.as_slice() {
        [only] => cut(only, WARNING_CHARS_MAX),
        _ => format!("{many} instruments"),
    };
    let steps = provenance.transformations.iter().rev().take(WARNINGS_MAX).rev();
    DatasetDocument {
        name: name.to_owned(),
        kind: manifest.kind.name().to_owned(),
        instrument,
        interval_seconds: manifest.interval_seconds.unwrap_or(0.0),
        rows: manifest.rows,
        from: manifest.first,
        to: manifest.last,
        sha256: manifest.sha256,
        size_bytes: manifest.size_bytes,
        source: cut(&provenance.source, WARNING_CHARS_MAX),
        synthetic: read.synthetic,
        columns: manifest.columns,
        warnings: shortened(&manifest.warnings, "warnings"),
        command: String::new(),
        request: None,
        instruments: names(&manifest.instruments),
        instrument_count: u32::try_from(many).ok(),
        dialect: read.detection.as_ref().map(file::dialect_word),
        levels: levels(&read.stored.data),
        notes: shortened(&read.notes, "notes"),
        filled: manifest.filled,
        looks_ahead: provenance.looks_ahead(),
        transformations: steps
            .map(|step| Transformation {
                name: cut(&step.name, WARNING_CHARS_MAX),
                detail: cut(&step.detail, WARNING_CHARS_MAX),
                looks_ahead: step.looks_ahead,
            })
            .collect(),
        parent_sha256: read.parent.clone(),
    }
}

/// Returns the levels a side; absent for anything but order books.
pub(crate) fn levels(data: &MarketSeries) -> Option<u32> {
    match data {
        MarketSeries::Book(book) => u32::try_from(book.levels).ok(),
        MarketSeries::Bars(_) | MarketSeries::Panel(_) | MarketSeries::Trades(_) => None,
    }
}

/// Returns the instruments that are named where there may be thousands.
pub(crate) fn names(instruments: &[String]) -> Vec<String> {
    instruments.iter().take(INSTRUMENTS_MAX).map(|name| cut(name, INSTRUMENT_CHARS_MAX)).collect()
}

/// Returns as many texts as are shown, and how many are not.
pub(crate) fn shortened(texts: &[String], what: &str) -> Vec<String> {
    let mut kept: Vec<String> =
        texts.iter().take(WARNINGS_MAX).map(|text| cut(text, WARNING_CHARS_MAX)).collect();
    if WARNINGS_MAX < texts.len() {
        kept.push(format!("{} more {what} are not shown", texts.len() - WARNINGS_MAX));
    }
    kept
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Does what the plan says to what was read.
///
/// # Errors
/// Refuses wrong words, and what the engine refuses.
pub(crate) fn changed(read: Read, plan: &ImportPlan) -> Result<Read, ActorsError> {
    let program = plan.steps.compile().map_err(|errors| ActorsError::Invalid { errors })?;
    let stored = steps::apply(read.stored, &program).map_err(|error| refused(&error))?;
    Ok(Read { stored, ..read })
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
        ImportSource::Dataset(_) => false,
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
        ImportSource::Dataset(id) => json!({"dataset": id.to_string()}),
    };
    let mapping = &request.plan.options.mapping;
    // As older programs made it, so that a request of theirs is known again.
    let mut plain = ImportPlan::default();
    plain.options.mapping = mapping.clone();
    if request.plan == plain {
        return fingerprint(&(request.name.trim(), source, mapping));
    }
    fingerprint(&(request.name.trim(), source, &request.plan))
}

fn read(
    blobs: &Blobs,
    source: ImportSource,
    plan: &ImportPlan,
    parent: Option<Parent>,
) -> Result<Read, ActorsError> {
    match source {
        ImportSource::Synthetic { seed, rows } => {
            if !SYNTHETIC_ROWS.contains(&rows) {
                let (least, most) = (SYNTHETIC_ROWS.start(), SYNTHETIC_ROWS.end());
                let detail = format!("must be {least} to {most} bars, found {rows}");
                let found = Violation::new("/synthetic/rows", "out_of_range", detail);
                return Err(found.with("min", *least).with("max", *most).with("got", rows).into());
            }
            let rows = usize::try_from(rows).map_err(ActorsError::internal)?;
            let data = MarketSeries::Bars(synthetic::generate(seed, rows));
            let source = format!("synthetic seed {seed}");
            let provenance = Provenance { source, ..Provenance::default() };
            let stored = Stored::new(data, provenance);
            Ok(Read { stored, detection: None, notes: Vec::new(), synthetic: true, parent: None })
        }
        ImportSource::Bytes { file_name, bytes } => {
            let limit = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX);
            file::too_large(u64::try_from(bytes.len()).unwrap_or(u64::MAX), limit)?;
            file::parse(&file_name, bytes, plan)
        }
        ImportSource::Path(path) => file::open_any(&path, plan),
        ImportSource::Dataset(id) => match parent {
            Some(parent) => derived(blobs, parent),
            None => Err(ActorsError::internal(format!("data set {id} was not looked up"))),
        },
    }
}

/// Reads the snapshot of another data set.
///
/// # Errors
/// Tells when it is not here or damaged.
pub(crate) fn derived(blobs: &Blobs, parent: Parent) -> Result<Read, ActorsError> {
    let mut stored = load(blobs, &parent.sha256)?;
    let short: String = parent.sha256.chars().take(12).collect();
    stored.provenance = Some(Provenance {
        source: format!("{} (snapshot {short}…)", parent.name),
        licence: stored.provenance.and_then(|provenance| provenance.licence),
        source_sha256: Some(parent.sha256.clone()),
        transformations: parent.transformations,
    });
    Ok(Read {
        stored,
        detection: None,
        notes: Vec::new(),
        synthetic: parent.synthetic,
        parent: Some(parent.sha256),
    })
}

/// Reads and decodes a snapshot.
///
/// # Errors
/// Tells when it is not here or damaged.
pub(crate) fn load(blobs: &Blobs, sha256: &str) -> Result<Stored, ActorsError> {
    let hash: BlobHash = sha256.parse().map_err(ActorsError::internal)?;
    let bytes = blobs.read(hash).map_err(|error| super::lost(sha256, &error.to_string()))?;
    snapshot::decode_any(Bytes::from(bytes)).map_err(|error| ActorsError::Store {
        detail: format!("the snapshot {sha256} is damaged ({error}); import the data again"),
    })
}

/// Whether a file of this name is read as Parquet.
pub(crate) fn is_parquet(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("parquet"))
}

/// Returns a parser's error as the refusal of the request's field it belongs to.
pub(crate) fn refused(error: &DataError) -> ActorsError {
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
