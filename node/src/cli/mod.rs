//! The grammar: one definition of nouns, verbs and flags.

mod data;
mod env;
mod evaluate;
mod label;
mod olps;
mod operate;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueHint};

pub(crate) use self::data::{DataVerb, ImportArgs, ReadArgs, RebuildArgs, RebuildTarget, StepArgs};
pub(crate) use self::env::{
    CheckArgs, CheckMode, EnvVerb, Fill, Mode, ReplayArgs, SizeArgs, SoundArgs,
};
pub(crate) use self::evaluate::EvaluateArgs;
#[cfg(test)]
pub(crate) use self::evaluate::Scheme;
pub(crate) use self::label::{LabelArgs, LabelMode, LabelStartArgs, LabelVerb};
pub(crate) use self::olps::{OlpsRunArgs, OlpsVerb, RelativesArg};
pub(crate) use self::operate::{
    ActorVerb, ClusterVerb, NodeChange, NodeVerb, QuotaVerb, SchedVerb, UpgradeVerb,
};
use crate::commands::cert::CertVerb;
use crate::output::Format;

const EXAMPLES: &str = "Examples:
  tm demo                                  first run: import, train, back-test, serve
  tm node start                            serve http://127.0.0.1:8080 from ./data
  tm login --user admin                    once; the session is kept in a file only you can read
  tm passwd                                your own password instead of the generated one
  tm data import btc.csv --name btc
  tm strategy create my-dqn --algorithm dqn --set agent.gamma=0.95
  tm session start --strategy my-dqn --data btc --epochs 20 --follow
  tm backtest run --session ses_0190… 
  tm session ls -o json | jq '.items[].state'

Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 conflict, 6 unavailable, 7 timed out.";

/// TradeMaster Cluster: train, prove and trade reinforcement-learning strategies.
#[derive(Debug, Parser)]
#[command(name = "tm", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) noun: Noun,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Address of the node's gateway.
    #[arg(long, global = true, env = "TM_URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// How results are printed.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub(crate) output: Format,
    /// How long one request may take ("30s", "2m").
    #[arg(long, global = true, default_value = "30s", value_parser = some_seconds)]
    pub(crate) timeout: Duration,
    /// Also print idempotency keys and addresses.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// What a command is about.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// The first run: import data, train a DQN agent, back-test it, serve.
    ///
    /// Example: tm demo --data bars.csv --once
    Demo(DemoArgs),
    /// This machine as a peer.
    #[command(subcommand)]
    Node(NodeVerb),
    /// Several machines as one.
    #[command(subcommand)]
    Cluster(ClusterVerb),
    /// Certificates of a cluster's nodes.
    #[command(subcommand)]
    Cert(CertVerb),
    /// Who waits for what, and what is left.
    #[command(subcommand)]
    Sched(SchedVerb),
    /// The actors of a node.
    #[command(subcommand)]
    Actor(ActorVerb),
    /// Market data.
    #[command(subcommand)]
    Data(DataVerb),
    /// Market regimes of a series.
    #[command(subcommand)]
    Label(LabelVerb),
    /// Strategies and their versions.
    #[command(subcommand)]
    Strategy(StrategyVerb),
    /// Training and other running work.
    #[command(subcommand)]
    Session(SessionVerb),
    /// Back-tests and their reports.
    #[command(subcommand)]
    Backtest(BacktestVerb),
    /// May a result be trusted? One policy, run many times and held against chance and costs.
    Evaluate(EvaluateArgs),
    /// The environments without a node: replays of policies, in the reference's form and in the sound one, and checks.
    #[command(subcommand)]
    Env(EnvVerb),
    /// Online portfolio selection on a file, without a node.
    #[command(subcommand)]
    Olps(OlpsVerb),
    /// The node's configuration file.
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Log in at a node.
    ///
    /// Example: tm login --user admin --password-file ~/.tm-password
    Login(LoginArgs),
    /// Log out and forget the stored login.
    ///
    /// Example: tm logout
    Logout,
    /// Change the password of whoever is logged in.
    ///
    /// Asks for the present password, then twice for the new one; piped in, it reads one line of each.
    ///
    /// Example: tm passwd
    Passwd,
    /// Who am I?
    ///
    /// Example: tm whoami -o json
    Whoami,
    /// Call any route of the gateway.
    ///
    /// Example: tm api GET /api/v1/sessions
    Api(ApiArgs),
    /// Print a completion script for a shell.
    ///
    /// Example: tm completion bash > /etc/bash_completion.d/tm
    Completion {
        /// bash, zsh, fish, elvish or powershell.
        shell: clap_complete::Shell,
    },
}

/// Arguments of `tm demo`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// CSV or Parquet file with daily bars. Without it the seeded synthetic market is used.
    #[arg(long, env = "DATA", value_hint = ValueHint::FilePath)]
    pub(crate) data: Option<PathBuf>,
    /// End after the table instead of serving.
    #[arg(long)]
    pub(crate) once: bool,
    /// Passes over the training segment.
    #[arg(long, default_value_t = 20)]
    pub(crate) epochs: u32,
    /// Seed of the session.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u32,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// How a node serves. Precedence: flag, then `TM_…` environment, then file, then default.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Configuration file.
    #[arg(long, env = "TM_CONFIG", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Directory of everything the node stores.
    #[arg(long, env = "TM_DATA_DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of the gateway; plain HTTP is served on loopback only.
    #[arg(long, env = "TM_LISTEN_GATEWAY")]
    pub(crate) listen: Option<SocketAddr>,
    /// The worker program; beside `tm` by default.
    #[arg(long, env = "TM_WORKER", value_hint = ValueHint::FilePath)]
    pub(crate) worker: Option<PathBuf>,
    /// error, warn, info, debug, or a filter such as `actors=debug`.
    #[arg(long, env = "TM_LOG_LEVEL")]
    pub(crate) log_level: Option<String>,
}

/// A strategy's configuration: a file, or defaults with changes.
#[derive(Debug, Clone, Args)]
pub(crate) struct StrategySource {
    /// TOML or JSON file.
    #[arg(short, long, value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// Start from this algorithm's defaults.
    #[arg(long, conflicts_with = "file")]
    pub(crate) algorithm: Option<String>,
    /// Change one value, repeatable: --set agent.gamma=0.95
    #[arg(long, value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
}

/// Verbs of `tm strategy`.
#[derive(Debug, Subcommand)]
pub(crate) enum StrategyVerb {
    /// Create a strategy, or add a version when it exists and --new-version is given.
    ///
    /// Example: tm strategy create trend --algorithm portfolio_rule --set agent.rule.rule=momentum --set agent.rule.window=60
    Create {
        /// Name.
        name: String,
        #[command(flatten)]
        source: StrategySource,
        /// What it is about.
        #[arg(long, default_value = "")]
        description: String,
        /// Add a version to the strategy of this name.
        #[arg(long)]
        new_version: bool,
    },
    /// List strategies.
    ///
    /// Example: tm strategy ls
    Ls,
    /// One strategy's version.
    ///
    /// Example: tm strategy show my-dqn --version 2 -o json
    Show {
        /// Name or identifier.
        strategy: String,
        /// Which version; the newest by default.
        #[arg(long)]
        version: Option<u32>,
    },
    /// Everything that was tried with a strategy, newest first; what removed sessions left, too.
    ///
    /// Example: tm strategy trials my-rule --limit 20
    Trials {
        /// Name or identifier.
        strategy: String,
        /// Rows at most.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// How many of the newest rows a strategy keeps sealed, and whether anybody has opened them.
    ///
    /// Example: tm strategy seal my-rule
    Seal {
        /// Name or identifier.
        strategy: String,
    },
    /// Open the seal of a strategy, once and for ever: what is run afterwards is marked.
    ///
    /// Example: tm strategy open-seal my-rule --reason "final review before paper trading"
    OpenSeal {
        /// Name or identifier.
        strategy: String,
        /// Why now, at least 10 characters; kept for ever.
        #[arg(long)]
        reason: String,
    },
    /// Check a configuration without saving it; every violation is shown.
    ///
    /// Example: tm strategy validate --algorithm dqn --set agent.gamma=0.95
    Validate {
        #[command(flatten)]
        source: StrategySource,
    },
}

/// Verbs of `tm session`.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionVerb {
    /// Start training.
    ///
    /// Example: tm session start --strategy my-dqn --data btc --epochs 20 --follow
    Start {
        /// Strategy, by name or identifier.
        #[arg(long)]
        strategy: String,
        /// Which version; the newest by default.
        #[arg(long)]
        version: Option<u32>,
        /// Data set, by name or identifier.
        #[arg(long)]
        data: String,
        /// Name of the session.
        #[arg(long)]
        name: Option<String>,
        /// Passes over the training segment.
        #[arg(long)]
        epochs: Option<u32>,
        /// Seed of every random stream.
        #[arg(long)]
        seed: Option<u32>,
        /// Change one value of the session's configuration, repeatable: --set split.train=0.8
        #[arg(long, value_parser = pair)]
        set: Vec<(String, String)>,
        /// Higher runs first.
        #[arg(long, default_value_t = 0)]
        priority: i32,
        /// Watch until it ends. Ctrl-C ends the view, not the session.
        #[arg(long)]
        follow: bool,
    },
    /// List sessions, newest first.
    ///
    /// Example: tm session ls --state running --kind training
    Ls {
        /// Only this state.
        #[arg(long)]
        state: Option<String>,
        /// Only this kind.
        #[arg(long)]
        kind: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One session: state, progress, newest metrics, history.
    ///
    /// Example: tm session show ses_0190
    Show {
        /// Identifier, or the beginning of one.
        session: String,
    },
    /// Stand still after the current iteration.
    ///
    /// Example: tm session pause ses_0190
    Pause {
        /// Identifier, or the beginning of one.
        session: String,
    },
    /// Go on.
    ///
    /// Example: tm session resume ses_0190
    Resume {
        /// Identifier, or the beginning of one.
        session: String,
    },
    /// End in good order with a checkpoint.
    ///
    /// Example: tm session stop ses_0190 --reason "the reward no longer grows"
    Stop {
        /// Identifier, or the beginning of one.
        session: String,
        /// Why; kept in the session's history.
        #[arg(long, default_value = "stopped on the command line")]
        reason: String,
    },
    /// Write a checkpoint now.
    ///
    /// Example: tm session checkpoint ses_0190
    Checkpoint {
        /// Identifier, or the beginning of one.
        session: String,
    },
    /// Watch until it ends.
    ///
    /// Example: tm session wait ses_0190 --deadline 10m && tm backtest run --session ses_0190
    Wait {
        /// Identifier, or the beginning of one.
        session: String,
        /// Give up after this long ("10m").
        #[arg(long, value_parser = seconds)]
        deadline: Option<Duration>,
    },
    /// Move to another node: a checkpoint is written first, and training goes on from it there.
    ///
    /// Example: tm session move ses_0190 --to b --reason "a gets new memory"
    Move {
        /// Identifier, or the beginning of one.
        session: String,
        /// Where it should go; wherever there is room by default.
        #[arg(long)]
        to: Option<String>,
        /// Why; kept in the session's history.
        #[arg(long, default_value = "moved on the command line")]
        reason: String,
    },
    /// Why it waits, or where it is and since when.
    ///
    /// Example: tm session why ses_0190
    Why {
        /// Identifier, or the beginning of one.
        session: String,
    },
    /// Print the report of a finished back-test or evaluation.
    ///
    /// Example: tm session report ses_0190 -o json
    Report {
        /// Identifier, or the beginning of one.
        session: String,
        /// Write the compass of an evaluation (PRUDEX, JSON) into this file instead.
        #[arg(long)]
        compass: Option<PathBuf>,
    },
    /// The session's log.
    ///
    /// Example: tm session logs -f ses_0190
    Logs {
        /// Identifier, or the beginning of one.
        session: String,
        /// Go on until the session ends.
        #[arg(short, long)]
        follow: bool,
    },
    /// The session's metrics: newest value and curve of each.
    ///
    /// Example: tm session metrics ses_0190 --names loss,reward --bins 80
    Metrics {
        /// Identifier, or the beginning of one.
        session: String,
        /// Only these, separated by commas.
        #[arg(long)]
        names: Option<String>,
        /// Bins of each curve.
        #[arg(long, default_value_t = 40)]
        bins: u32,
    },
}

/// Verbs of `tm backtest`.
#[derive(Debug, Subcommand)]
pub(crate) enum BacktestVerb {
    /// Back-test the best model of a training session, or a rule strategy, and print the table.
    ///
    /// Example: tm backtest run --strategy trend --data dj30 --segment valid
    Run {
        /// Training session whose best model is tested.
        #[arg(long, required_unless_present = "strategy")]
        session: Option<String>,
        /// A rule strategy instead.
        #[arg(long, conflicts_with = "session", requires = "data")]
        strategy: Option<String>,
        /// Data set; the training session's by default.
        #[arg(long)]
        data: Option<String>,
        /// train, valid, test, whole (all that is not sealed), or sealed once the strategy's seal is open.
        #[arg(long, default_value = "test")]
        segment: String,
        /// Seed of the random baseline.
        #[arg(long, default_value_t = 0)]
        seed: u32,
        /// Change one value of the back-test's configuration, repeatable: --set split.purge_bars=5
        #[arg(long, value_parser = pair)]
        set: Vec<(String, String)>,
        /// Do not wait for the report.
        #[arg(long)]
        detach: bool,
    },
    /// Print a back-test's report.
    ///
    /// Example: tm backtest report ses_0190
    Report {
        /// Identifier of the back-test session, or the beginning of one.
        session: String,
    },
}

/// Verbs of `tm config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Check a configuration file.
    ///
    /// Example: tm config check /etc/trademaster/cluster.toml
    Check {
        /// The file.
        #[arg(default_value = "cluster.toml", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Show every value in force and where it comes from.
    ///
    /// Example: tm config show --config cluster.toml
    Show(ServeArgs),
}

/// Arguments of `tm login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Login name.
    #[arg(long, default_value = "admin")]
    pub(crate) user: String,
    /// File that holds the password; otherwise it is read from standard input. (`TM_PASSWORD` works too.)
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,
}

/// Arguments of `tm api`.
#[derive(Debug, Args)]
pub(crate) struct ApiArgs {
    /// GET, POST, PUT, PATCH or DELETE.
    pub(crate) method: String,
    /// Path, for example /api/v1/sessions.
    pub(crate) path: String,
    /// JSON body.
    #[arg(short, long)]
    pub(crate) data: Option<String>,
    /// Revision for `If-Match`.
    #[arg(long)]
    pub(crate) if_match: Option<String>,
}

/// Reads `key=value`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("'{text}' is not of the form name=value")),
    }
}

/// Reads a duration with its unit that is not zero.
fn some_seconds(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    if time.is_zero() {
        return Err("no request is answered in no time; write a duration such as 30s".to_owned());
    }
    Ok(time)
}

/// Reads a duration with its unit.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("'{text}' is not a duration such as 500ms, 30s, 10m or 2h"))?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        "h" => Ok(Duration::from_secs(number * 3600)),
        _ => Err(format!("'{text}' needs a unit: ms, s, m or h")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_that_does_something_shows_an_example() {
        fn lacking(command: &mut clap::Command, path: &str, out: &mut Vec<String>) {
            let subcommands: Vec<String> = command
                .get_subcommands()
                .map(|one| one.get_name().to_owned())
                .filter(|name| name != "help")
                .collect();
            for name in &subcommands {
                let one = command.find_subcommand_mut(name).unwrap();
                lacking(one, &format!("{path} {name}"), out);
            }
            let help = command.render_long_help().to_string();
            if subcommands.is_empty()
                && !help.contains("Example: tm")
                && !help.contains("Examples:")
            {
                out.push(path.to_owned());
            }
        }
        let mut out = Vec::new();
        lacking(&mut Cli::command(), "tm", &mut out);
        assert_eq!(out, Vec::<String>::new());
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(seconds("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(seconds("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "5", "s", "5d", "-1s", "1.5s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
