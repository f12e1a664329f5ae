//! `tm demo`: the whole route on one screen. Every step is a command of the platform with an identifier derived from
//! its content, so that a second run goes on where the first one ended.

use std::path::Path;
use std::time::{Duration, Instant};

use actors::views::{DatasetView, SessionState, SessionView, StrategyView};
use actors::{
    ActorsError, Command, CommandId, ImportRequest, ImportSource, ListStrategies, NewSession,
    NewStrategy, Platform,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{follow, report};
use crate::boot::{self, Node};
use crate::cli::DemoArgs;
use crate::config::NodeConfig;
use crate::error::CliError;
use crate::output::{Output, note, progress_bar, spinner};
use crate::signals::Ending;
use crate::telemetry;

/// The strategy the demonstration trains.
const STRATEGY: &str = "demo-dqn";
/// Seed and size of the market used when there is no file.
const SYNTHETIC: (u64, u32) = (7, 2500);

/// Runs every step, prints the table, and serves unless told not to.
///
/// # Errors
/// The first step that fails.
pub(crate) async fn run(args: DemoArgs, out: Output) -> Result<(), CliError> {
    let config = NodeConfig::load(&args.serve)?;
    // People watch a bar here; the log speaks up only when something is wrong, unless asked.
    let level = args.serve.log_level.clone().unwrap_or_else(|| "warn".to_owned());
    telemetry::start(&level, config.log_json)?;
    let mut times = Times::default();
    let node = times.step("start the node", boot::start(config.clone())).await?;
    if let Some(admin) = &node.first_admin {
        note(&format!(
            "first start: user {}, password {} (shown again at the end, never later)",
            admin.user, admin.password
        ));
    }
    let mut ending = Ending::listen()?;
    let outcome = tokio::select! {
        outcome = steps(&node, &args, out, &mut times) => outcome,
        name = ending.next() => Err(CliError::Failed(format!("{name}: stopped; run the same command again to go on"))),
    };
    times.print();
    if let Err(error) = outcome {
        node.stop().await;
        return Err(error);
    }
    invitation(&node, &config);
    if args.once {
        node.stop().await;
        return Ok(());
    }
    node.serve_until_signal().await
}

async fn steps(
    node: &Node,
    args: &DemoArgs,
    out: Output,
    times: &mut Times,
) -> Result<(), CliError> {
    let platform = &node.platform;
    let owner = administrator(platform).await?;
    let demo = Demo { platform, owner };
    let dataset = times.step("import data", demo.dataset(args.data.as_deref())).await?;
    let strategy = times.step("create the strategy", demo.strategy()).await?;
    let trained = times.step("train", demo.train(&strategy, &dataset, args)).await?;
    let tested = times.step("back-test", demo.backtest(&strategy, &dataset, &trained)).await?;
    let document = platform.reports.report(tested.id).await.map_err(refused)?;
    let document =
        serde_json::to_value(&document).map_err(|error| CliError::Failed(error.to_string()))?;
    out.value(&document, report::render)
}

fn refused(error: ActorsError) -> CliError {
    let problem = error.problem();
    CliError::Problem {
        status: 0,
        code: serde_json::to_value(problem.code)
            .ok()
            .and_then(|code| code.as_str().map(str::to_owned))
            .unwrap_or_default(),
        detail: problem.detail,
        fields: problem.errors.into_iter().map(|error| (error.pointer, error.detail)).collect(),
    }
}

async fn administrator(platform: &Platform) -> Result<String, CliError> {
    let found = platform.identity.user_by_name("admin").await.map_err(refused)?;
    found.map(|credentials| credentials.user.id.to_string()).ok_or_else(|| {
        CliError::Failed(
            "there is no user 'admin' in this data directory; name another with --data-dir"
                .to_owned(),
        )
    })
}

/// Wall time of each step.
#[derive(Default)]
struct Times(Vec<(&'static str, Duration)>);

impl Times {
    async fn step<T>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Result<T, CliError>>,
    ) -> Result<T, CliError> {
        let begun = Instant::now();
        let result = work.await;
        self.0.push((name, begun.elapsed()));
        result
    }

    fn print(&self) {
        for (name, time) in &self.0 {
            note(&format!("{name:<28} {:7.1} s", time.as_secs_f64()));
        }
    }
}

fn invitation(node: &Node, config: &NodeConfig) {
    note(&format!("\nweb UI      http://{}", node.address()));
    match &node.first_admin {
        Some(admin) => note(&format!(
            "user        {}\npassword    {} (shown once; the first login asks for your own)",
            admin.user, admin.password
        )),
        None => note(&format!(
            "user        admin\npassword    as shown at the first start with {} (lost? stop the node and run `tm node reset-password`)",
            config.data_dir.display()
        )),
    }
}

/// The steps, each repeatable.
struct Demo<'a> {
    platform: &'a Platform,
    owner: String,
}

impl Demo<'_> {
    /// Returns a command whose identifier is a function of what it does.
    fn command(&self, what: &Value) -> Command {
        Command {
            id: command_id(&what.to_string()),
            actor: self.owner.clone(),
            reason: Some("tm demo".to_owned()),
        }
    }

    async fn dataset(&self, file: Option<&Path>) -> Result<DatasetView, CliError> {
        let (name, source) = match file {
            None => {
                note("no file given: using the synthetic market");
                (
                    format!("synthetic-{}", SYNTHETIC.0),
                    ImportSource::Synthetic { seed: SYNTHETIC.0, rows: SYNTHETIC.1 },
                )
            }
            Some(path) => (name_of(path), ImportSource::Path(path.to_path_buf())),
        };
        let bar = spinner(&format!("importing {name}"));
        let command = Command::once(self.owner.clone());
        let request =
            ImportRequest { name: name.clone(), source, plan: actors::ImportPlan::default() };
        let known = self.platform.datasets.find(&name).await.map_err(refused)?;
        let view = match known {
            Some(view) => view,
            None => self.platform.datasets.import(command, request).await.map_err(refused)?,
        };
        bar.finish_and_clear();
        for warning in &view.warnings {
            note(&format!("warning: {warning}"));
        }
        note(&format!(
            "data        {}: {} bars from {} to {}",
            view.name,
            view.rows,
            day(&view.from),
            day(&view.to)
        ));
        Ok(view)
    }

    async fn strategy(&self) -> Result<StrategyView, CliError> {
        let filter = ListStrategies {
            limit: 1,
            after: None,
            archived: false,
            name: Some(STRATEGY.to_owned()),
        };
        let found = self.platform.strategies.list(filter).await.map_err(refused)?;
        if let Some(view) = found.items.into_iter().find(|view| view.name == STRATEGY) {
            return Ok(view);
        }
        let wanted = NewStrategy {
            name: STRATEGY.to_owned(),
            description: "Deep Q-learning on daily bars, made by tm demo".to_owned(),
            config: json!({"agent": {"algorithm": "dqn"}}),
        };
        self.platform
            .strategies
            .create(Command::once(self.owner.clone()), wanted)
            .await
            .map_err(refused)
    }

    async fn train(
        &self,
        strategy: &StrategyView,
        dataset: &DatasetView,
        args: &DemoArgs,
    ) -> Result<SessionView, CliError> {
        let config = json!({"kind": "training", "epochs": args.epochs, "seed": args.seed});
        let wanted =
            new_session(format!("{STRATEGY} on {}", dataset.name), strategy, dataset, config);
        self.until_done("training", wanted).await
    }

    async fn backtest(
        &self,
        strategy: &StrategyView,
        dataset: &DatasetView,
        trained: &SessionView,
    ) -> Result<SessionView, CliError> {
        let policy = json!({"source": "session", "session_id": trained.id});
        let config = json!({"kind": "backtest", "policy": policy, "segment": "test"});
        let wanted = new_session(
            format!("back-test of {STRATEGY} on {}", dataset.name),
            strategy,
            dataset,
            config,
        );
        self.until_done("back-test", wanted).await
    }

    /// Submits, or finds what was submitted before, and waits for the end.
    async fn until_done(
        &self,
        label: &'static str,
        wanted: NewSession,
    ) -> Result<SessionView, CliError> {
        let again = json!([
            label,
            wanted.strategy_id,
            wanted.strategy_version,
            wanted.dataset_id,
            wanted.config
        ]);
        let mut round = 0_u32;
        let mut session = loop {
            let command = self.command(&json!([again, round]));
            let found =
                self.platform.sessions.submit(command, wanted.clone()).await.map_err(refused)?;
            // A failed or stopped earlier attempt is not taken up again: the next one gets a name of its own.
            if !matches!(found.state, SessionState::Failed | SessionState::Stopped) {
                break found;
            }
            round += 1;
        };
        note(&format!("{label:<11} {}", session.id));
        let bar = progress_bar(label);
        while !session.state.is_terminal() {
            tokio::time::sleep(Duration::from_millis(250)).await;
            session = self.platform.sessions.get(session.id).await.map_err(refused)?;
            let shown = serde_json::to_value(&session).unwrap_or_default();
            follow::draw(&bar, &shown);
        }
        bar.finish_and_clear();
        if session.state == SessionState::Completed {
            return Ok(session);
        }
        let reason = session.first_error.clone().unwrap_or_else(|| session.reason.clone());
        Err(CliError::Failed(format!("{label} {}: {reason}", session.id)))
    }
}

/// The same text names the same command in every run.
fn command_id(text: &str) -> CommandId {
    let digest = Sha256::digest(text.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    CommandId(id)
}

fn new_session(
    name: String,
    strategy: &StrategyView,
    dataset: &DatasetView,
    config: Value,
) -> NewSession {
    NewSession {
        name,
        strategy_id: Some(strategy.id),
        strategy_version: Some(strategy.version),
        dataset_id: dataset.id,
        config,
        resources: None,
        priority: 0,
        tags: vec!["demo".to_owned()],
        wishes: actors::Wishes::default(),
    }
}

/// A file's name with its folder's, so that `BTC/data.csv` becomes `btc-data`.
fn name_of(path: &Path) -> String {
    let stem =
        path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let folder =
        path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().to_lowercase());
    match folder {
        Some(folder) if !folder.is_empty() => format!("{folder}-{stem}"),
        _ => stem,
    }
}

fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_sets_are_named_after_folder_and_file() {
        assert_eq!(name_of(Path::new("../shared/data/BTC/data.csv")), "btc-data");
        assert_eq!(name_of(Path::new("prices.parquet")), "prices");
    }
}
