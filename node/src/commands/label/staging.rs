//! A directory that appears whole or not at all: written under a temporary name beside it, then renamed.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::CliError;

/// The file by which a directory is known to be one of ours.
pub(super) const MARKER: &str = "labelling.json";

/// A directory in the making. Dropped before [`Staging::publish`], it leaves nothing behind.
pub(super) struct Staging {
    target: PathBuf,
    partial: PathBuf,
    old: PathBuf,
    files: Vec<String>,
}

fn failed(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> CliError {
    let what = format!("{what} {}", path.display());
    move |source| CliError::Io { what, source }
}

impl Staging {
    /// Begins a directory that will stand at `target`.
    ///
    /// # Errors
    /// Refuses a target that exists, unless it is empty, or `force` is given and it is one of ours.
    pub(super) fn open(target: &Path, force: bool) -> Result<Self, CliError> {
        let Some(name) = target.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            return Err(CliError::Usage(format!(
                "wanted a new directory for the outputs; found '{}'. Name one inside it",
                target.display()
            )));
        };
        refuse_existing(target, force)?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed("create", parent))?;
        let process = std::process::id();
        let partial = parent.join(format!(".{name}.partial-{process}"));
        let old = parent.join(format!(".{name}.old-{process}"));
        fs::create_dir(&partial).map_err(failed("create", &partial))?;
        Ok(Self { target: target.to_path_buf(), partial, old, files: Vec::new() })
    }

    /// Creates a file; `path` is relative to the directory.
    pub(super) fn create(&mut self, path: &str) -> Result<Writer, CliError> {
        let whole = self.partial.join(path);
        if let Some(folder) = whole.parent() {
            fs::create_dir_all(folder).map_err(failed("create", folder))?;
        }
        let file = File::create_new(&whole).map_err(failed("create", &whole))?;
        self.files.push(path.to_owned());
        Ok(Writer { inner: BufWriter::with_capacity(1 << 16, file), path: whole })
    }

    /// Puts the directory in its place and returns the names of its files.
    pub(super) fn publish(mut self) -> Result<Vec<String>, CliError> {
        let moved = self.target.exists();
        if moved {
            fs::rename(&self.target, &self.old).map_err(failed("replace", &self.target))?;
        }
        if let Err(error) = fs::rename(&self.partial, &self.target) {
            if moved {
                // What was there before comes back; if not, its temporary name is told.
                fs::rename(&self.old, &self.target).map_err(failed("put back", &self.old))?;
            }
            return Err(failed("write", &self.target)(error));
        }
        if moved {
            fs::remove_dir_all(&self.old).map_err(failed("remove", &self.old))?;
        }
        Ok(std::mem::take(&mut self.files))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Gone already once it was published.
        drop(fs::remove_dir_all(&self.partial));
    }
}

fn refuse_existing(target: &Path, force: bool) -> Result<(), CliError> {
    let Ok(mut entries) = fs::read_dir(target) else {
        if target.exists() {
            return Err(CliError::Usage(format!(
                "{} is a file; name a directory",
                target.display()
            )));
        }
        return Ok(());
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let is_ours = target.join(MARKER).is_file();
    match (is_ours, force) {
        (true, true) => Ok(()),
        (true, false) => Err(CliError::Usage(format!(
            "{} holds an earlier labelling; replace it with --force, or name another directory",
            target.display()
        ))),
        (false, _) => Err(CliError::Usage(format!(
            "{} holds files that `tm label run` did not write; name another directory",
            target.display()
        ))),
    }
}

/// A file in the making.
pub(super) struct Writer {
    inner: BufWriter<File>,
    path: PathBuf,
}

impl Writer {
    /// Writes text.
    pub(super) fn text(&mut self, text: &str) -> Result<(), CliError> {
        self.inner.write_all(text.as_bytes()).map_err(failed("write", &self.path))
    }

    /// Writes a value as JSON.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), CliError> {
        serde_json::to_writer(&mut self.inner, value)
            .map_err(|error| failed("write", &self.path)(error.into()))
    }

    /// Makes sure that everything is written.
    pub(super) fn finish(mut self) -> Result<(), CliError> {
        self.inner.flush().map_err(failed("write", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(staging: &mut Staging, path: &str, text: &str) {
        let mut file = staging.create(path).unwrap();
        file.text(text).unwrap();
        file.finish().unwrap();
    }

    #[test]
    fn a_directory_appears_whole_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("labels");
        let mut broken = Staging::open(&target, false).unwrap();
        write(&mut broken, "label_0/a.csv", "x");
        drop(broken);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        let mut whole = Staging::open(&target, false).unwrap();
        write(&mut whole, MARKER, "{}");
        assert!(!target.exists());
        assert_eq!(whole.publish().unwrap(), [MARKER]);
        assert!(target.join(MARKER).is_file());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_a_labelling_is_replaced_and_only_when_asked() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("labels");
        fs::create_dir(&target).unwrap();
        let mut first = Staging::open(&target, false).unwrap();
        write(&mut first, MARKER, "1");
        first.publish().unwrap();
        assert!(matches!(Staging::open(&target, false), Err(CliError::Usage(_))));
        let mut second = Staging::open(&target, true).unwrap();
        write(&mut second, MARKER, "2");
        second.publish().unwrap();
        assert_eq!(fs::read_to_string(target.join(MARKER)).unwrap(), "2");
        fs::remove_file(target.join(MARKER)).unwrap();
        fs::write(target.join("mine.txt"), "keep").unwrap();
        assert!(matches!(Staging::open(&target, true), Err(CliError::Usage(_))));
        assert!(matches!(Staging::open(&target.join("mine.txt"), true), Err(CliError::Usage(_))));
        assert!(matches!(Staging::open(Path::new("/"), true), Err(CliError::Usage(_))));
    }
}
