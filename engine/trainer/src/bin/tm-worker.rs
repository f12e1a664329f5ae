//! `tm-worker`: one computing session in a process of its own. Started by a node, never by hand: its standard input is
//! one end of a Unix socket pair, standard output and error are log pipes.
//!
//! By hand it answers one question: `tm-worker --probe-confinement <directory>` prints what this machine's kernel lets
//! a confined worker do.

use std::io::Write as _;
use std::process::ExitCode;

use trainer::worker::confine::probe;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((probe::WORD, rest)) =
        arguments.split_first().map(|(first, rest)| (first.as_str(), rest))
    {
        return look(rest);
    }
    let code = trainer::worker::run();
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Prints what a confined worker can do here.
fn look(arguments: &[String]) -> ExitCode {
    let printed = probe::run(arguments).and_then(|found| {
        let text = serde_json::to_string_pretty(&found).map_err(|error| error.to_string())?;
        writeln!(std::io::stdout(), "{text}").map_err(|error| error.to_string())
    });
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(std::io::stderr(), "tm-worker: {error}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}
