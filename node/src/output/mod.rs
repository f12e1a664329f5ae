//! Output through a handle, never `println!`: a closed pipe is success, tables and JSON come from the same values.

mod bars;
mod numbers;
mod svg;
mod table;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

pub(crate) use bars::{bytes_bar, progress_bar, spinner};
pub(crate) use numbers::{money, percent, plain, sparkline};
pub(crate) use svg::{Line, Plot};
pub(crate) use table::Table;

use crate::error::CliError;

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// The gateway's own JSON.
    Json,
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Table or JSON.
    pub(crate) format: Format,
}

impl Output {
    /// Writes one line to standard output.
    ///
    /// # Errors
    /// `ClosedPipe` when the reader went away, `Io` otherwise.
    pub(crate) fn line(self, text: &str) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(closed_or)
    }

    /// Writes a value as JSON, or what `people` makes of it.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn value(
        self,
        value: &Value,
        people: impl FnOnce(&Value) -> String,
    ) -> Result<(), CliError> {
        match self.format {
            Format::Json => self.line(&serde_json::to_string_pretty(value).unwrap_or_default()),
            Format::Table => self.line(people(value).trim_end()),
        }
    }

    /// Writes a value as one line of JSON, piece by piece: for what is too large to be held twice.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn stream(self, value: &impl Serialize) -> Result<(), CliError> {
        let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
        serde_json::to_writer(&mut out, value)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
            .and_then(|()| out.flush())
            .map_err(closed_or)
    }
}

fn closed_or(error: io::Error) -> CliError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return CliError::ClosedPipe;
    }
    CliError::Io { what: "write to standard output".to_owned(), source: error }
}

/// Writes one line for people to standard error: progress, hints. Losing it is no failure.
pub(crate) fn note(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Whether standard error is a terminal, so that bars may be drawn.
pub(crate) fn interactive() -> bool {
    io::stderr().is_terminal()
}

/// Prints an error with its fields and returns its exit code.
pub(crate) fn fail(error: &CliError) -> ExitCode {
    if !matches!(error, CliError::ClosedPipe) {
        note(&format!("error: {error}"));
    }
    if let CliError::Problem { code, .. } = error {
        for (pointer, detail) in error.untold_fields() {
            let place = if pointer.is_empty() { "(whole)" } else { pointer };
            note(&format!("  {place}: {detail}"));
        }
        note(&format!("  code: {code}"));
    }
    ExitCode::from(error.exit_code())
}
