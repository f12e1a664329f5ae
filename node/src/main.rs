//! Binary `tm`: a peer (`tm node start`), the guided first run (`tm demo`) and the command line, a client of the gateway.
//!
//! Assembly only: no rule about trading or scheduling stands in this package.

mod boot;
mod cli;
mod client;
mod commands;
mod config;
mod error;
mod output;
mod signals;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return output::fail(&error::CliError::Io {
                what: "start the runtime".to_owned(),
                source: error,
            });
        }
    };
    let result = runtime.block_on(commands::run(cli));
    // Readers of standard input and the like must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

/// Prints help or a usage error the way clap would, but survives a closed pipe.
fn usage(error: &clap::Error) -> ExitCode {
    if error.print().is_err() {
        return ExitCode::SUCCESS;
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::from(2), ExitCode::from)
}
