//! Runs the reference's published figures against this engine and prints one line per figure: `make golden`.
//!
//! Needs the reference's files (`TM_TEST_DATA`, default `../shared/data`); what is absent is printed as SKIPPED with the
//! reason. Exit code 1 when a figure is missed. A new family is a file here and a line in `FAMILIES`.

mod algorithmic_trading;
mod execution_eteo;
mod execution_pd;
mod files;
mod labelling;
mod online_selection;
mod portfolio;
mod pretrained;
mod rows;
mod stored_dqn;
mod stored_eiie;

use std::io::{self, Write};
use std::process::ExitCode;

use files::Files;
use rows::{Outcome, Row, Rows};

/// Fills the rows of one family.
type Family = fn(&Files, &mut Rows);

const FAMILIES: [(&str, Family); 9] = [
    ("12.1 algorithmic trading", algorithmic_trading::rows),
    ("12.2 stored DQN", stored_dqn::rows),
    ("12.3 portfolio", portfolio::rows),
    ("12.4 stored EIIE actor", stored_eiie::rows),
    ("12.5 pre-trained networks", pretrained::rows),
    ("12.6 PD", execution_pd::rows),
    ("12.7 ETEO", execution_eteo::rows),
    ("12.8 labelling", labelling::rows),
    ("online portfolio selection", online_selection::rows),
];

fn main() -> ExitCode {
    let files = Files::find();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let mut out = io::stdout().lock();
    for (title, family) in FAMILIES {
        let mut rows = Rows::default();
        family(&files, &mut rows);
        let titled = writeln!(out, "\n{title}");
        let written = rows.into_iter().try_for_each(|row| {
            match row.outcome {
                Outcome::Figure { .. } if row.holds() => passed += 1,
                Outcome::Figure { .. } | Outcome::Failed(_) => failed += 1,
                Outcome::Skipped(_) => skipped += 1,
            }
            line(&mut out, &row)
        });
        if titled.and(written).is_err() {
            // The reader went away; nobody is left to tell.
            return ExitCode::FAILURE;
        }
    }
    let summary = format!(
        "\ngolden: {passed} figures reproduced, {failed} missed, {skipped} skipped; data in {}",
        files.folder().display()
    );
    match writeln!(out, "{summary}") {
        Ok(()) if failed == 0 => ExitCode::SUCCESS,
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

fn line(out: &mut impl Write, row: &Row) -> io::Result<()> {
    let name = format!("{} · {}", row.name, row.quantity);
    match &row.outcome {
        Outcome::Figure { expected, got, tolerance } => {
            let verdict = if row.holds() { "ok" } else { "FAIL" };
            writeln!(
                out,
                "{name:<72} expected {expected:<24} got {got:<24} difference {:<10.3e} tolerance {tolerance:<10.1e} {verdict}",
                (got - row.printed()).abs()
            )
        }
        Outcome::Skipped(reason) => writeln!(out, "{name:<72} SKIPPED ({reason})"),
        Outcome::Failed(reason) => writeln!(out, "{name:<72} FAIL ({reason})"),
    }
}
