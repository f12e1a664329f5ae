//! A directory of files, one instrument each → one panel; a file too large to be sent → a snapshot. Blocking.

use std::path::{Path, PathBuf};

use engine::config::Violation;
use engine::digest::sha256;
use engine::market::parse::{DataKind, MarketSeries};
use engine::market::snapshot::{self, Stored};
use engine::market::{BarPanel, BarSeries, Join, Provenance, Transformation};

use super::import::{Read, refused};
use super::plan::ImportPlan;
use super::{file, import};
use crate::error::ActorsError;

/// Most files of one directory.
const FILES_MAX: usize = 10_000;
/// Endings of files that are read.
const ENDINGS: [&str; 4] = ["csv", "txt", "tsv", "parquet"];

/// Reads every file of a directory in the order of their names and joins what they hold to a panel.
///
/// # Errors
/// Refuses a directory without files, a file that cannot be imported or holds no bars, and an instrument in two files.
pub(crate) fn read(folder: &Path, plan: &ImportPlan) -> Result<Read, ActorsError> {
    let files = files(folder)?;
    let mut single = plan.clone();
    single.kind = None;
    let (mut series, mut notes, mut hashes) = (Vec::<BarSeries>::new(), Vec::new(), String::new());
    let mut detection = None;
    for path in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Read { stored, detection: found, notes: more, .. } = file::open(path, &single)?;
        match stored.data {
            MarketSeries::Bars(bars) => series.push(bars),
            MarketSeries::Panel(panel) => {
                series.extend((0..panel.width()).map(|column| panel.series(column)));
            }
            MarketSeries::Trades(_) | MarketSeries::Book(_) => {
                let detail = format!(
                    "{name} holds {}; a directory is joined of files of bars",
                    stored.data.kind().name()
                );
                let wrong = Violation::new("/path", "not_allowed", detail);
                let allowed = ["bars", "panel"].to_vec();
                let got = stored.data.kind().name();
                return Err(wrong
                    .with("allowed", allowed)
                    .with("got", got)
                    .with("file", name)
                    .into());
            }
        }
        notes.extend(more.into_iter().map(|note| format!("{name}: {note}")));
        let provenance = stored.provenance.unwrap_or_default();
        hashes.push_str(&provenance.source_sha256.unwrap_or_default());
        detection = detection.or(found);
    }
    let panel =
        BarPanel::join(&series, plan.options.join.into()).map_err(|error| refused(&error))?;
    let folder_name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let detail = format!("{} files joined by their times ({:?})", files.len(), plan.options.join);
    let provenance = Provenance {
        source: format!("{} files of {folder_name}", files.len()),
        source_sha256: Some(sha256(hashes.as_bytes())),
        transformations: vec![Transformation::new("join", detail)],
        ..Provenance::default()
    };
    let stored = Stored::new(MarketSeries::Panel(panel), provenance);
    Ok(Read { stored, detection, notes, synthetic: false, parent: None })
}

/// Joins a directory of this machine to one panel and returns it as a snapshot that can be sent, with what was noted.
///
/// # Errors
/// As an import of the directory.
pub fn join_folder(
    folder: &Path,
    plan: &ImportPlan,
) -> Result<(Vec<u8>, Vec<String>), ActorsError> {
    let Read { stored, notes, .. } = read(folder, plan)?;
    let bytes = snapshot::encode_any(&stored).map_err(|error| import::refused(&error))?;
    Ok((bytes, notes))
}

/// Reads a file of this machine that is too large to be sent, does what the plan says to it, and returns what is left as
/// a snapshot that can be sent, with its kind and with what was noted. Where the file came from and what was done is
/// kept inside.
///
/// # Errors
/// As an import of the file; refuses a snapshot that is too large as well.
pub fn pack_file(
    path: &Path,
    plan: &ImportPlan,
) -> Result<(Vec<u8>, DataKind, Vec<String>), ActorsError> {
    let Read { stored, notes, .. } = import::changed(file::open(path, plan)?, plan)?;
    let kind = stored.data.kind();
    let data = match stored.data {
        // Bars alone are stored without their source; a panel of one instrument keeps it.
        MarketSeries::Bars(bars) => MarketSeries::Panel(
            BarPanel::join(&[bars], Join::Outer).map_err(|error| refused(&error))?,
        ),
        other @ (MarketSeries::Panel(_) | MarketSeries::Trades(_) | MarketSeries::Book(_)) => other,
    };
    let rows = data.rows();
    let bytes =
        snapshot::encode_any(&Stored { data, ..stored }).map_err(|error| refused(&error))?;
    if bytes.len() <= import::BYTES_MAX {
        return Ok((bytes, kind, notes));
    }
    let mib = |bytes: usize| bytes.div_ceil(1 << 20);
    let detail = format!(
        "{} holds {rows} rows, {} MiB as a snapshot; at most {} MiB can be sent: keep fewer instruments or a shorter \
         span, or make longer bars",
        path.display(),
        mib(bytes.len()),
        mib(import::BYTES_MAX)
    );
    let found = Violation::new("/path", "out_of_range", detail).with("max", import::BYTES_MAX);
    Err(found.with("got", bytes.len()).into())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, ActorsError> {
    let unreadable = |error: std::io::Error| {
        let detail = format!("{} cannot be read ({error})", folder.display());
        let found = Violation::new("/path", "unreadable", detail);
        ActorsError::from(found.with("reason", error.to_string()))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_file() && ENDINGS.contains(&ending.as_str()) {
            files.push(path);
        }
        if FILES_MAX < files.len() {
            let detail = format!("{} holds more than {FILES_MAX} files", folder.display());
            let found = Violation::new("/path", "out_of_range", detail);
            return Err(found.with("max", FILES_MAX).into());
        }
    }
    if files.is_empty() {
        let detail = format!(
            "{} holds no file that ends in {}; name a file, or a directory with one file per instrument",
            folder.display(),
            ENDINGS.join(", ")
        );
        return Err(Violation::new("/path", "missing_field", detail).into());
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "date,open,high,low,close\n2024-01-01,1,2,1,2\n2024-01-02,1,2,1,2\n";

    #[test]
    fn files_of_one_instrument_each_become_a_panel_named_after_them() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("B.csv"), GOOD).unwrap();
        std::fs::write(dir.path().join("A.csv"), GOOD.replace("2024-01-02", "2024-01-03")).unwrap();
        std::fs::write(dir.path().join("README.md"), "not data").unwrap();
        let read = read(dir.path(), &ImportPlan::default()).unwrap();
        let MarketSeries::Panel(panel) = &read.stored.data else { panic!() };
        assert_eq!(
            (panel.rows(), panel.instruments.as_slice()),
            (3, &["A".to_owned(), "B".to_owned()][..])
        );
        let (bytes, _) = join_folder(dir.path(), &ImportPlan::default()).unwrap();
        assert!(snapshot::is_snapshot(bytes.into()));
    }

    #[test]
    fn a_packed_file_keeps_its_source_and_what_was_done_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("A.csv");
        std::fs::write(&path, GOOD).unwrap();
        let mut plan = ImportPlan::default();
        plan.steps.from = Some("2024-01-02".to_owned());
        let (bytes, kind, _) = pack_file(&path, &plan).unwrap();
        assert_eq!(kind, DataKind::Bars);
        let wanted = ImportPlan { kind: Some(kind), ..ImportPlan::default() };
        let read = file::parse("A.csv.parquet", bytes.into(), &wanted).unwrap();
        let provenance = read.stored.provenance.unwrap();
        assert_eq!(provenance.source, "A.csv");
        assert_eq!(provenance.source_sha256.unwrap(), sha256(GOOD.as_bytes()));
        assert_eq!(provenance.transformations[0].name, "cut");
        assert_eq!((read.stored.data.kind(), read.stored.data.rows()), (DataKind::Bars, 1));
        assert!(pack_file(&dir.path().join("none.csv"), &plan).is_err());
    }

    #[test]
    fn one_bad_file_refuses_all_and_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path(), &ImportPlan::default()).is_err(), "nothing there");
        std::fs::write(dir.path().join("A.csv"), GOOD).unwrap();
        std::fs::write(dir.path().join("B.csv"), GOOD.replace("1,2,1,2", "1,2,1,-2")).unwrap();
        let Err(ActorsError::Invalid { errors }) = read(dir.path(), &ImportPlan::default()) else {
            panic!("refused with its place")
        };
        assert_eq!(errors[0].params["file"], serde_json::json!("B.csv"));
        std::fs::write(dir.path().join("B.csv"), "time,price,quantity\n1700000000000,1,1\n")
            .unwrap();
        let Err(ActorsError::Invalid { errors }) = read(dir.path(), &ImportPlan::default()) else {
            panic!("refused")
        };
        assert!(errors[0].detail.contains("trades"), "{errors:?}");
    }
}
