//! One file, sent or on this machine, → data of any kind, read the way its dialect or its reader says. Blocking.

use std::fs::File;
use std::io::{BufReader, Cursor, Read as _};
use std::path::Path;

use bytes::Bytes;
use engine::config::Violation;
use engine::market::error::DataErrorKind;
use engine::market::parse::dialect::HEAD_BYTES;
use engine::market::parse::{
    Certainty, DataKind, Detection, Dialect, ImportOptions, MarketSeries, ROWS_MAX, detect, import,
    import_parquet, refuse_too_many_rows,
};
use engine::market::snapshot::{self, Stored};
use engine::market::zone::ClockChange;
use engine::market::{BarPanel, DataError, Join, Provenance, Transformation};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::import::{Read, is_parquet, refused};
use super::plan::ImportPlan;
use super::steps::refuse;
use crate::error::ActorsError;

/// Largest file that is read from a path, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// A row of a time and a number is no shorter: smaller files cannot have too many rows.
const ROW_BYTES_MIN: u64 = 8;

/// Reads a file that was sent.
///
/// # Errors
/// Refuses what cannot be imported, with file, line and column.
pub(crate) fn parse(name: &str, bytes: Bytes, plan: &ImportPlan) -> Result<Read, ActorsError> {
    if is_parquet(name) {
        return parquet(name, bytes, plan).map_err(|error| refused(&error));
    }
    let options = options(plan, bytes.get(..HEAD_BYTES.min(bytes.len())).unwrap_or_default());
    let source_sha256 = engine::digest::sha256(&bytes);
    let imported = import(&*bytes, name, &options).map_err(|error| refused(&error))?;
    let read = taken(name, imported, plan, Some(source_sha256));
    read.map_err(|error| refused(&error))
}

/// Reads a file of this machine, or a directory: its `data.csv`, or else all its files as one panel.
///
/// # Errors
/// Refuses what cannot be read or imported.
pub(crate) fn open_any(path: &Path, plan: &ImportPlan) -> Result<Read, ActorsError> {
    if !path.is_dir() {
        return open(path, plan);
    }
    let only = path.join("data.csv");
    if only.is_file() { open(&only, plan) } else { super::folder::read(path, plan) }
}

/// Reads a file of this machine, text piece by piece.
///
/// # Errors
/// Refuses what cannot be read or imported.
pub(crate) fn open(path: &Path, plan: &ImportPlan) -> Result<Read, ActorsError> {
    let name = path
        .file_name()
        .map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned());
    let unreadable = |error: std::io::Error| {
        let detail =
            format!("{} cannot be read ({error}); name a file this node can read", path.display());
        let found = Violation::new("/path", "unreadable", detail);
        ActorsError::from(found.with("reason", error.to_string()))
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    too_large(size, FILE_BYTES_MAX)?;
    if is_parquet(&name) {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        // A pipe tells no size, and a file may grow meanwhile.
        let most = FILE_BYTES_MAX.saturating_add(1);
        File::open(path)
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .map_err(unreadable)?;
        too_large(u64::try_from(bytes.len()).unwrap_or(u64::MAX), FILE_BYTES_MAX)?;
        let bytes = Bytes::from(bytes);
        return parquet(&name, bytes, plan).map_err(|error| refused(&error));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let mut head = Vec::new();
    let most = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    file.by_ref().take(most).read_to_end(&mut head).map_err(unreadable)?;
    let options = options(plan, &head);
    if ROW_BYTES_MIN * u64::try_from(ROWS_MAX).unwrap_or(u64::MAX) < size {
        // A second look at the file costs little beside reading its rows in vain.
        let text = File::open(path).map_err(unreadable)?;
        refuse_too_many_rows(text, &name, &options).map_err(|error| refused(&error))?;
    }
    // A pipe cannot be wound back: what was looked at is read again from memory.
    let whole = Cursor::new(head).chain(file);
    let mut reader = Hashing { inner: BufReader::new(whole), hash: Sha256::new() };
    let imported = import(&mut reader, &name, &options).map_err(|error| refused(&error))?;
    let digest = reader.hash.finalize();
    let source_sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    taken(&name, imported, plan, Some(source_sha256)).map_err(|error| refused(&error))
}

/// A reader that hashes what goes through it.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: std::io::Read> std::io::Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Refuses more bytes than are read.
///
/// # Errors
/// `too_large`.
pub(crate) fn too_large(got: u64, limit: u64) -> Result<(), ActorsError> {
    if got <= limit {
        return Ok(());
    }
    Err(ActorsError::TooLarge { what: "a file in bytes", limit, got })
}

/// Returns the word of a detected dialect.
pub(crate) fn dialect_word(detection: &Detection) -> String {
    match serde_json::to_value(detection.dialect) {
        Ok(Value::String(word)) => word,
        Ok(_) | Err(_) => detection.name.clone(),
    }
}

/// Parquet of others, or a snapshot of this program, which keeps what is known about it.
fn parquet(name: &str, bytes: Bytes, plan: &ImportPlan) -> Result<Read, DataError> {
    let source_sha256 = engine::digest::sha256(&bytes);
    let plain = ImportOptions::default();
    if plan.options.mapping == plain.mapping && snapshot::is_snapshot(bytes.clone()) {
        let mut stored = snapshot::decode_any(bytes)?;
        let mut provenance = stored.provenance.take().unwrap_or_default();
        if provenance.source.is_empty() {
            name.clone_into(&mut provenance.source);
        }
        let detection = own(stored.data.kind());
        let (data, filled) = (stored.data, stored.filled);
        let kept = data.instruments().len();
        let data = of_kind(data, plan.kind)?;
        let filled = filled.filter(|_| kept == data.instruments().len());
        let stored = Stored { data, filled, provenance: Some(provenance) };
        let detection = Some(detection);
        return Ok(Read { stored, detection, notes: Vec::new(), synthetic: false, parent: None });
    }
    let imported = import_parquet(bytes, name, &plan.options)?;
    taken(name, imported, plan, Some(source_sha256))
}

fn own(kind: DataKind) -> Detection {
    let dialect = match kind {
        DataKind::Bars | DataKind::Panel => Dialect::Bars,
        DataKind::Trades => Dialect::Trades,
        DataKind::Book => Dialect::BookLevels,
    };
    Detection {
        dialect,
        name: dialect.name().to_owned(),
        certainty: Certainty::Certain,
        kind,
        separator: None,
        has_header: true,
        reason: "a snapshot of this program".to_owned(),
    }
}

/// Returns the options of a text file: a kind that was named and not detected chooses the plain dialect of that kind.
fn options(plan: &ImportPlan, head: &[u8]) -> ImportOptions {
    let mut options = plan.options.clone();
    if options.trades.instrument.is_none() {
        options.trades.instrument.clone_from(&options.mapping.instrument);
    }
    let rows = |kind: DataKind| if kind == DataKind::Panel { DataKind::Bars } else { kind };
    if let (None, Some(kind)) = (options.dialect, plan.kind)
        && rows(detect(head).dialect.kind()) != rows(kind)
    {
        options.dialect = Some(own(kind).dialect);
    }
    options
}

fn taken(
    name: &str,
    imported: engine::market::parse::Imported,
    plan: &ImportPlan,
    source_sha256: Option<String>,
) -> Result<Read, DataError> {
    let engine::market::parse::Imported { data, mut detection, notes } = imported;
    let mut data = of_kind(data, plan.kind)?;
    if let (MarketSeries::Book(book), Some(named)) = (&mut data, &plan.options.mapping.instrument) {
        named.trim().clone_into(&mut book.instrument);
    }
    detection.kind = data.kind();
    let mut transformations = Vec::new();
    if let Some(zone) = &plan.options.zone {
        let change = match plan.options.clock_change {
            None => "",
            Some(ClockChange::Earlier) => "; the earlier reading where the clock was changed",
            Some(ClockChange::Later) => "; the later reading where the clock was changed",
        };
        let detail = format!("times without a zone read as {zone}{change}");
        transformations.push(Transformation::new("zone", detail));
    }
    let provenance = Provenance {
        source: name.to_owned(),
        source_sha256,
        transformations,
        ..Provenance::default()
    };
    let stored = Stored::new(data, provenance);
    Ok(Read { stored, detection: Some(detection), notes, synthetic: false, parent: None })
}

/// Returns data as the kind that was asked for.
fn of_kind(data: MarketSeries, wanted: Option<DataKind>) -> Result<MarketSeries, DataError> {
    let found = data.kind();
    let Some(wanted) = wanted.filter(|wanted| *wanted != found) else { return Ok(data) };
    match (wanted, data) {
        (DataKind::Panel, MarketSeries::Bars(bars)) => {
            Ok(MarketSeries::Panel(BarPanel::join(&[bars], Join::Outer)?))
        }
        (DataKind::Bars, MarketSeries::Panel(panel)) if panel.width() == 1 => {
            Ok(MarketSeries::Bars(panel.series(0)))
        }
        (DataKind::Bars, MarketSeries::Panel(panel)) => {
            let shown = panel.instruments.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
            Err(refuse(
                DataErrorKind::Instrument,
                "bars of one instrument".to_owned(),
                format!("{} instruments: {shown} …", panel.width()),
                "Choose one with `instrument`, or import all as a panel",
            ))
        }
        (DataKind::Bars | DataKind::Panel | DataKind::Trades | DataKind::Book, _) => Err(refuse(
            DataErrorKind::Columns,
            wanted.name().to_owned(),
            found.name().to_owned(),
            "Name the kind that the file holds, or leave it to be found out",
        )),
    }
}
