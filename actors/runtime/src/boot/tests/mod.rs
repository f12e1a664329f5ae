//! Whole nodes on temporary directories, asked through their handles.

mod data;
mod data_kinds;
mod identity;
mod library;
mod metrics;
mod node;
mod pair;
mod topics;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::ids::SessionId;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Platform, PlatformConfig, Running, boot};
use crate::clock::SystemClock;
use crate::error::ActorsError;
use crate::messages::data::{ImportRequest, ImportSource};
use crate::messages::library::NewStrategy;
use crate::messages::{Command, CommandId};
use crate::views::{DatasetView, StrategyView};
use crate::worker::WorkerProgram;

const OWNER: &str = "usr_01900000000070008000000000000001";
const DEADLINE: Duration = Duration::from_secs(30);

fn config(dir: &Path) -> PlatformConfig {
    let worker = WorkerProgram { path: PathBuf::from("/nowhere/tm-worker"), env: BTreeMap::new() };
    PlatformConfig::new(dir.join("data"), worker, Arc::new(SystemClock))
}

async fn start() -> (TempDir, Platform, Running) {
    let dir = tempfile::tempdir().unwrap();
    let (platform, running) = boot(config(dir.path())).await.unwrap();
    (dir, platform, running)
}

async fn restart(dir: &Path, running: Running) -> (Platform, Running) {
    running.shutdown(DEADLINE).await;
    drop(running);
    boot(config(dir)).await.unwrap()
}

fn command() -> Command {
    Command::once(OWNER)
}

fn same(number: u8) -> Command {
    Command { id: CommandId([number; 16]), actor: OWNER.to_owned(), reason: None }
}

fn session(number: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(number))
}

fn wanted(name: &str) -> NewStrategy {
    NewStrategy { name: name.to_owned(), description: String::new(), config: json!({}) }
}

/// A configuration that differs from the default.
fn batches_of(size: u64) -> Value {
    json!({"agent": {"algorithm": "dqn", "batch_size": size}})
}

async fn strategy(platform: &Platform, name: &str) -> StrategyView {
    platform.strategies.create(command(), wanted(name)).await.unwrap()
}

fn synthetic(name: &str) -> ImportRequest {
    ImportRequest {
        name: name.to_owned(),
        source: ImportSource::Synthetic { seed: 7, rows: 300 },
        plan: crate::ImportPlan::default(),
    }
}

async fn dataset(platform: &Platform, name: &str) -> DatasetView {
    platform.datasets.import(command(), synthetic(name)).await.unwrap()
}

/// Repeats a question while the actor is between two lives.
async fn answered<T, F: Future<Output = Result<T, ActorsError>>>(ask: impl Fn() -> F) -> T {
    let asked = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(ActorsError::Restarting { .. } | ActorsError::Unanswered { .. }) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(DEADLINE, asked).await.expect("answered in time")
}
