//! Builds a peer in order: store and actors, first administrator, gateway with its pages. Taken apart in reverse.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::{ClusterConfig, Platform, PlatformConfig, Running, SystemClock, WorkerProgram};
use gateway::{Encodings, FirstAdmin, Gateway, GatewayConfig, PageFile, Pages};
use tokio::signal::unix::{SignalKind, signal};

use uuid::Uuid;

use crate::config::{Membership, NodeConfig};
use crate::error::CliError;
use crate::output::note;
use crate::signals::Ending;

/// A running peer.
pub(crate) struct Node {
    /// The doors of its actors.
    pub(crate) platform: Platform,
    /// The administrator made at the very first start, with the only copy of the generated password.
    pub(crate) first_admin: Option<FirstAdmin>,
    running: Running,
    gateway: Gateway,
    drain_deadline: Duration,
}

/// How long open sockets get to say goodbye.
const SOCKETS_DEADLINE: Duration = Duration::from_secs(5);

/// Starts a peer.
///
/// # Errors
/// Whatever keeps it from starting, with the next step.
pub(crate) async fn start(config: NodeConfig) -> Result<Node, CliError> {
    if !config.worker.is_file() {
        return Err(CliError::Failed(format!(
            "the worker program {} is missing; build it with `make worker`, or name it with --worker or TM_WORKER",
            config.worker.display()
        )));
    }
    let failed = |error: actors::ActorsError| CliError::Failed(error.problem().detail);
    let (platform, running) = actors::boot(platform_config(&config)?).await.map_err(failed)?;
    let serving = serve(&config, &platform).await;
    match serving {
        Ok((first_admin, gateway)) => Ok(Node {
            platform,
            first_admin,
            running,
            gateway,
            drain_deadline: config.drain_deadline,
        }),
        Err(error) => {
            running.shutdown(config.drain_deadline).await;
            Err(error)
        }
    }
}

fn platform_config(config: &NodeConfig) -> Result<PlatformConfig, CliError> {
    let mut wanted = PlatformConfig::new(
        config.data_dir.clone(),
        WorkerProgram { path: config.worker.clone(), env: BTreeMap::new() },
        Arc::new(SystemClock),
    );
    wanted.capacity.cpu = config.cpu;
    wanted.capacity.memory_mib = u32::try_from(config.memory_mib).unwrap_or(u32::MAX);
    if let Some(gpus) = config.gpus {
        wanted.capacity.gpus = gpus;
    }
    wanted.fake_gpus.clone_from(&config.fake_gpus);
    wanted.build = env!("CARGO_PKG_VERSION").to_owned();
    if let Some(member) = &config.membership {
        let name = member.node.parse().map_err(|error| {
            CliError::Usage(format!("node.name '{}' is no name of a node: {error}", member.node))
        })?;
        wanted.node = Some(name);
        wanted.cluster = Some(cluster_config(member)?);
    }
    Ok(wanted)
}

fn cluster_config(member: &Membership) -> Result<ClusterConfig, CliError> {
    Ok(ClusterConfig {
        name: member.name.clone(),
        token: member.token()?,
        listen: member.listen,
        advertise: member.advertise.clone(),
        gateway_url: member.gateway_url.clone(),
        tls: member.tls.clone(),
        join: member.join.clone(),
        labels: member.labels.clone(),
        roles: member.roles.clone(),
    })
}

/// Makes the node of `config` the first of a new cluster, with a new token where there is none. Returns false when it
/// belongs to that cluster already.
///
/// # Errors
/// The configuration names no cluster, the node runs, or it belongs to another cluster.
pub(crate) async fn init_cluster(config: &NodeConfig) -> Result<bool, CliError> {
    let Some(member) = &config.membership else {
        return Err(CliError::Usage(
            "the configuration names no cluster; write [cluster] name, [node] name and [tls] into a file and name it with --config"
                .to_owned(),
        ));
    };
    make_token(&member.token_file)?;
    let failed = |error: actors::ActorsError| CliError::Failed(error.problem().detail);
    actors::init_cluster(platform_config(config)?).await.map_err(failed)
}

/// Has the node of `config` admitted to a cluster now. Returns false when it belongs to it already.
///
/// # Errors
/// The configuration names no cluster, the node runs, or the cluster does not admit it.
pub(crate) async fn join_cluster(config: &NodeConfig) -> Result<bool, CliError> {
    let failed = |error: actors::ActorsError| CliError::Failed(error.problem().detail);
    actors::join_cluster(platform_config(config)?).await.map_err(failed)
}

/// Writes a new secret unless there is one.
fn make_token(path: &Path) -> Result<(), CliError> {
    let failed = |source| CliError::Io { what: format!("write {}", path.display()), source };
    if path.exists() {
        return Ok(());
    }
    let secret = format!("{}{}\n", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

async fn serve(
    config: &NodeConfig,
    platform: &Platform,
) -> Result<(Option<FirstAdmin>, Gateway), CliError> {
    let failed = |error: gateway::GatewayError| CliError::Failed(error.to_string());
    let wanted = GatewayConfig::new(config.gateway);
    let gateway =
        gateway::serve(wanted, platform.clone(), Arc::new(Embedded)).await.map_err(failed)?;
    // Last, so that a start that fails never makes an administrator whose password nobody saw.
    match gateway::ensure_first_admin(platform).await {
        Ok(first_admin) => Ok((first_admin, gateway)),
        Err(error) => {
            gateway.shutdown(SOCKETS_DEADLINE).await;
            Err(failed(error))
        }
    }
}

impl Node {
    /// Returns the address the gateway listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.gateway.local_addr()
    }

    /// Serves until a signal or a failure ends it, then stops in good order.
    ///
    /// # Errors
    /// When the actors gave up.
    pub(crate) async fn serve_until_signal(self) -> Result<(), CliError> {
        let mut ending = Ending::listen()?;
        let name = tokio::select! {
            error = self.reload_on_hangup() => return Err(error),
            name = ending.next() => name,
            reason = self.running.failed() => {
                let next = "what was acknowledged is safe, start it again";
                return Err(CliError::Failed(format!("the node stopped itself: {reason}; {next}")));
            }
        };
        note(&format!("{name}: sessions write checkpoints and stop; again to end at once"));
        tokio::select! {
            () = self.stop() => {}
            name = ending.next() => note(&format!("{name} again: ending at once")),
        }
        Ok(())
    }

    /// Reads the certificates again at every SIGHUP; returns only when the system refuses the handler.
    async fn reload_on_hangup(&self) -> CliError {
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(source) => {
                return CliError::Io { what: "listen for SIGHUP".to_owned(), source };
            }
        };
        loop {
            if hangup.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
            match self.running.reload_certificates() {
                Ok(true) => note("SIGHUP: certificates reloaded"),
                Ok(false) => note("SIGHUP: nothing to reload has changed"),
                Err(error) => note(&format!(
                    "SIGHUP: {}; the certificates in use stay in force",
                    error.problem().detail
                )),
            }
        }
    }

    /// Stops in good order: first no new requests, then sessions with checkpoints, then the store.
    pub(crate) async fn stop(self) {
        self.gateway.shutdown(SOCKETS_DEADLINE).await;
        self.running.shutdown(self.drain_deadline).await;
    }
}

/// The web UI as built into this program.
struct Embedded;

impl Pages for Embedded {
    fn lookup(&self, path: &str, encodings: Encodings) -> Option<PageFile> {
        let wanted = ui::Encodings { br: encodings.br, gzip: encodings.gzip };
        let found = ui::lookup(path, wanted)?;
        Some(PageFile {
            bytes: found.bytes,
            content_type: found.content_type,
            etag: found.etag,
            encoding: found.encoding,
        })
    }
}

/// Gives `user` a new generated password; the data directory must not be in use.
///
/// # Errors
/// The directory is in use, or there is no such user.
pub(crate) async fn reset_password(config: NodeConfig, user: &str) -> Result<String, CliError> {
    let failed = |error: actors::ActorsError| CliError::Failed(error.problem().detail);
    let (platform, running) = actors::boot(platform_config(&config)?).await.map_err(failed)?;
    let password = gateway::reset_password(&platform, user).await;
    running.shutdown(config.drain_deadline).await;
    password.map_err(|error| CliError::Failed(error.to_string()))
}
