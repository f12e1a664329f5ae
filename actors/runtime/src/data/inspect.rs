//! What an import of a file would do, without doing it: how it is written, its first rows, what would be stored, or why
//! nothing would. Blocking; nothing is kept.

use std::path::Path;

use bytes::Bytes;
use engine::market::bar::show_time;
use engine::market::parse::dialect::HEAD_BYTES;
use engine::market::parse::{Detection, Dialect, detect};
use engine::market::quality::inspect_any;
use store::Blobs;

use super::import::{self, Parent, Read, changed, is_parquet, levels, names, shortened};
use super::plan::ImportPlan;
use super::preview::preview;
use super::{file, quality};
use crate::error::ActorsError;
use crate::views::{InspectedView, InspectionView, QualityView, SourceHeadView};

/// Rows shown of a file.
const ROWS_SHOWN: usize = 5;
/// Most columns and most characters of a cell that are shown of a file as it stands.
const COLUMNS_SHOWN: usize = 64;
const CELL_CHARS_MAX: usize = 60;

/// Says what an import of bytes that were sent would do.
///
/// # Errors
/// Refuses wrong words in the plan and too large a file; a file that cannot be imported is an answer.
pub(crate) fn bytes(
    name: &str,
    bytes: Bytes,
    plan: &ImportPlan,
) -> Result<InspectionView, ActorsError> {
    let head = bytes.slice(..HEAD_BYTES.min(bytes.len()));
    told(name, &head, plan, || file::parse(name, bytes, plan))
}

/// Says what an import of a file of this machine would do.
///
/// # Errors
/// Refuses wrong words in the plan and a file that cannot be opened.
pub fn inspect_file(path: &Path, plan: &ImportPlan) -> Result<InspectionView, ActorsError> {
    use std::io::Read as _;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut head = Vec::new();
    if path.is_file()
        && let Ok(opened) = std::fs::File::open(path)
    {
        let most = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
        opened
            .take(most)
            .read_to_end(&mut head)
            .map_err(|error| ActorsError::internal(format!("{}: {error}", path.display())))?;
    }
    told(&name, &head, plan, || file::open_any(path, plan))
}

/// Says what a data set made of another one would hold.
///
/// # Errors
/// Refuses wrong words in the plan; tells when the snapshot cannot be read.
pub(crate) fn derived(
    blobs: &Blobs,
    parent: Parent,
    plan: &ImportPlan,
) -> Result<InspectionView, ActorsError> {
    let name = parent.name.clone();
    let view = told(&name, &[], plan, || import::derived(blobs, parent))?;
    Ok(InspectionView { format: "dataset".to_owned(), ..view })
}

/// Returns the quality report of a file of this machine.
///
/// # Errors
/// Refuses what cannot be imported, wrong words, and shares that leave a segment too short.
pub fn assess_file(
    path: &Path,
    plan: &ImportPlan,
    query: &quality::QualityQuery,
) -> Result<QualityView, ActorsError> {
    let read = changed(file::open_any(path, plan)?, plan)?;
    let view = quality::assess(&read.stored.data, query.calendar.as_deref());
    match &query.split {
        Some(split) => {
            quality::with_split(view, &read.stored.data, split).map_err(ActorsError::from)
        }
        None => Ok(view),
    }
}

fn told(
    name: &str,
    head: &[u8],
    plan: &ImportPlan,
    read: impl FnOnce() -> Result<Read, ActorsError>,
) -> Result<InspectionView, ActorsError> {
    plan.steps.check().map_err(|errors| ActorsError::Invalid { errors })?;
    let is_parquet = is_parquet(name);
    let guess = (!is_parquet && !head.is_empty()).then(|| detect(head));
    let source = guess.as_ref().and_then(|detection| source(head, detection));
    let format = if is_parquet { "parquet" } else { "csv" };
    let blank = InspectionView {
        file: name.to_owned(),
        format: format.to_owned(),
        ok: false,
        detection: guess,
        source,
        data: None,
        notes: Vec::new(),
        warnings: Vec::new(),
        errors: Vec::new(),
    };
    match read().and_then(|read| changed(read, plan)) {
        Ok(read) => Ok(InspectionView {
            ok: true,
            data: Some(inspected(&read)),
            notes: shortened(&read.notes, "notes"),
            warnings: shortened(&inspect_any(&read.stored.data), "warnings"),
            detection: read.detection,
            ..blank
        }),
        Err(ActorsError::Invalid { errors })
            if errors.iter().all(|error| error.pointer != "/path") =>
        {
            Ok(InspectionView { errors, ..blank })
        }
        Err(error) => Err(error),
    }
}

fn inspected(read: &Read) -> InspectedView {
    let data = &read.stored.data;
    let provenance = read.stored.provenance.clone().unwrap_or_default();
    let [from, to] =
        data.span_ms().map_or([const { String::new() }; 2], |span| span.map(show_time));
    let shown = preview(data, ROWS_SHOWN);
    let instruments = data.instruments();
    let filled = read.stored.filled.iter().flatten().filter(|filled| **filled).count();
    InspectedView {
        kind: data.kind(),
        instruments: names(&instruments),
        instrument_count: u64::try_from(instruments.len()).unwrap_or(u64::MAX),
        levels: levels(data),
        rows: u64::try_from(data.rows()).unwrap_or(u64::MAX),
        from,
        to,
        interval_seconds: data.interval_seconds(),
        filled: u64::try_from(filled).unwrap_or(u64::MAX),
        looks_ahead: provenance.looks_ahead(),
        transformations: provenance.transformations,
        columns: shown.columns,
        head: shown.first,
    }
}

/// Returns the first rows as they stand; absent for JSON and for what is no text.
fn source(head: &[u8], detection: &Detection) -> Option<SourceHeadView> {
    if detection.dialect == Dialect::BookJson {
        return None;
    }
    let separator = detection.separator?;
    // The last line may be cut off in the middle of a sign.
    let text = String::from_utf8_lossy(head);
    if text.contains('\u{0}') {
        return None;
    }
    let cell = |text: &str| {
        let plain = text.trim().trim_matches('"');
        plain.chars().take(CELL_CHARS_MAX).collect::<String>()
    };
    let mut lines =
        text.trim_start_matches('\u{feff}').lines().filter(|line| !line.trim().is_empty()).map(
            |line| line.split(separator).take(COLUMNS_SHOWN).map(cell).collect::<Vec<String>>(),
        );
    let columns = if detection.has_header {
        lines.next()?
    } else {
        let width = lines.clone().next()?.len();
        (1..=width).map(|column| column.to_string()).collect()
    };
    Some(SourceHeadView { columns, rows: lines.take(ROWS_SHOWN).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_stored_is_shown_beside_what_stands_in_the_file() {
        let text = "date;open;high;low;close\n2024-01-01;1,5;2;1;1,5\n2024-01-02;1,5;2;1;1,5\n";
        let view = bytes("x.csv", Bytes::from(text), &ImportPlan::default()).unwrap();
        assert!(view.ok, "{view:?}");
        let source = view.source.unwrap();
        assert_eq!(source.columns, ["date", "open", "high", "low", "close"]);
        assert_eq!(source.rows[0][1], "1,5");
        let data = view.data.unwrap();
        assert_eq!((data.rows, data.instruments[0].as_str()), (2, "x"));
        assert_eq!(data.head[0][1].as_deref(), Some("1.5"));
    }

    #[test]
    fn a_file_that_cannot_be_imported_is_an_answer_with_its_place() {
        let text = "date,open,high,low,close\n2024-01-01,1,2,1,1\n2024-01-02,1,2,1,-1\n";
        let view = bytes("x.csv", Bytes::from(text), &ImportPlan::default()).unwrap();
        assert!(!view.ok && view.data.is_none() && view.source.is_some());
        assert_eq!(view.errors[0].params["line"], serde_json::json!(3));
        for junk in [&b""[..], b"\x00\x01\x02", b"PK\x03\x04", b"\xff\xfe,\n", b"{}\n"] {
            let view = bytes("x.csv", Bytes::from_static(junk), &ImportPlan::default()).unwrap();
            assert!(!view.ok && !view.errors.is_empty(), "{junk:?}");
        }
        let junk = bytes("x.parquet", Bytes::from_static(b"PAR1"), &ImportPlan::default()).unwrap();
        assert!(!junk.ok && junk.source.is_none());
    }

    #[test]
    fn wrong_words_and_missing_files_are_refused() {
        let mut plan = ImportPlan::default();
        plan.steps.resample = Some("hourly".to_owned());
        assert!(bytes("x.csv", Bytes::new(), &plan).is_err());
        let none = inspect_file(Path::new("/nonexistent/x.csv"), &ImportPlan::default());
        assert!(matches!(none, Err(ActorsError::Invalid { .. })));
    }
}
