//! `tm-worker`: one computing session in a process of its own. Started by a node, never by hand: its standard input is
//! one end of a Unix socket pair, standard output and error are log pipes.

use std::process::ExitCode;

fn main() -> ExitCode {
    let code = trainer::worker::run();
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
