//! One file per noun: arguments in, calls to the gateway, tables out.

mod actor;
mod api;
mod backtest;
pub(crate) mod cert;
mod cluster;
mod config;
mod data;
mod demo;
mod env;
mod evaluate;
mod follow;
mod label;
mod login;
mod node;
mod olps;
mod pick;
mod report;
mod sched;
mod seal;
mod session;
mod strategy;
mod trials;

use clap::CommandFactory;

use crate::cli::{Cli, Noun};
use crate::client::rest::Client;
use crate::error::CliError;
use crate::output::Output;

/// What most commands need.
pub(crate) struct Context {
    /// The gateway.
    pub(crate) client: Client,
    /// Standard output.
    pub(crate) out: Output,
}

/// Runs one command line.
///
/// # Errors
/// Whatever the command refuses; its exit code is [`CliError::exit_code`].
pub(crate) async fn run(cli: Cli) -> Result<(), CliError> {
    let out = Output { format: cli.global.output };
    let context = || Ok::<_, CliError>(Context { client: Client::new(&cli.global)?, out });
    match cli.noun {
        // It starts a whole node: too large for the stack of every other command.
        Noun::Demo(args) => Box::pin(demo::run(args, out)).await,
        Noun::Node(verb) => node::run(verb, context).await,
        Noun::Cluster(verb) => cluster::run(verb, out, context).await,
        Noun::Sched(verb) => sched::run(verb, &context()?).await,
        Noun::Actor(verb) => actor::run(verb, &context()?).await,
        Noun::Cert(verb) => cert::run(verb, out),
        Noun::Data(verb) => data::run(verb, out, || Client::new(&cli.global)).await,
        Noun::Label(verb) => label::run(verb, out, context).await,
        Noun::Strategy(verb) => strategy::run(verb, &context()?).await,
        Noun::Session(verb) => session::run(verb, &context()?).await,
        Noun::Backtest(verb) => backtest::run(verb, &context()?).await,
        Noun::Evaluate(args) => evaluate::run(args, &context()?).await,
        Noun::Env(verb) => env::run(verb, out),
        Noun::Olps(verb) => olps::run(verb, out),
        Noun::Config(verb) => config::run(verb, out),
        Noun::Login(args) => login::login(args, &context()?).await,
        Noun::Passwd => login::passwd(&context()?).await,
        Noun::Logout => login::logout(&context()?).await,
        Noun::Whoami => login::whoami(&context()?).await,
        Noun::Api(args) => api::run(args, &context()?).await,
        Noun::Completion { shell } => completion(shell, out),
    }
}

fn completion(shell: clap_complete::Shell, out: Output) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tm", &mut script);
    out.line(&String::from_utf8_lossy(&script))
}
