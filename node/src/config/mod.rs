//! What a node may rely on: flag over `TM_…` environment over file over default, each value with its source.
//!
//! The only file of this package that reads the environment (clap reads `TM_…` for its flags).

mod cluster;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub(crate) use self::cluster::Membership;
use self::cluster::{AdvertiseSection, ClusterSection, TlsSection, Written};
use crate::cli::ServeArgs;
use crate::error::CliError;

/// `cluster.toml` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NodeFile {
    cluster: ClusterSection,
    node: NodeSection,
    listen: ListenSection,
    advertise: AdvertiseSection,
    tls: TlsSection,
    resources: ResourcesSection,
    telemetry: TelemetrySection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NodeSection {
    name: Option<String>,
    roles: Vec<String>,
    labels: BTreeMap<String, String>,
    zone: Option<String>,
    data_dir: Option<PathBuf>,
    worker: Option<PathBuf>,
    drain_deadline: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ListenSection {
    cluster: Option<SocketAddr>,
    gateway: Option<SocketAddr>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ResourcesSection {
    cpu: Option<Amount>,
    memory: Option<String>,
    gpus: Option<Amount>,
    fake_gpus: Vec<u64>,
}

/// A count, or `"auto"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Amount {
    Count(u32),
    Word(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TelemetrySection {
    log_level: Option<String>,
    log_format: Option<String>,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A flag, or the environment variable of that flag.
    Flag,
    /// The configuration file.
    File,
    /// Nobody set it.
    Default,
}

impl Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag or environment",
            Self::File => "file",
            Self::Default => "default",
        })
    }
}

/// What the program may rely on.
#[derive(Debug, Clone)]
pub(crate) struct NodeConfig {
    /// Everything the node stores.
    pub(crate) data_dir: PathBuf,
    /// Address of the gateway.
    pub(crate) gateway: SocketAddr,
    /// The worker program.
    pub(crate) worker: PathBuf,
    /// Cores sessions may reserve.
    pub(crate) cpu: u32,
    /// Memory sessions may reserve, MiB.
    pub(crate) memory_mib: u64,
    /// GPUs sessions may reserve; absent: all there are.
    pub(crate) gpus: Option<u32>,
    /// GPUs to pretend instead, by memory in MiB: for tests.
    pub(crate) fake_gpus: Vec<u64>,
    /// How it takes part in a cluster; absent: it stands alone.
    pub(crate) membership: Option<Membership>,
    /// Filter of the log.
    pub(crate) log_level: String,
    /// Whether log lines are JSON.
    pub(crate) log_json: bool,
    /// Time a stopping node gives its sessions.
    pub(crate) drain_deadline: std::time::Duration,
    /// Key, value and source of each, in the order of the file.
    pub(crate) shown: Vec<(&'static str, String, Source)>,
}

/// Picks the first that is set and remembers where it was.
fn choose<T>(flag: Option<T>, file: Option<T>, default: impl FnOnce() -> T) -> (T, Source) {
    match (flag, file) {
        (Some(value), _) => (value, Source::Flag),
        (None, Some(value)) => (value, Source::File),
        (None, None) => (default(), Source::Default),
    }
}

impl NodeConfig {
    /// Joins flags, file and defaults.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, and every value that makes no sense.
    pub(crate) fn load(args: &ServeArgs) -> Result<Self, CliError> {
        let (file, folder) = match &args.config {
            Some(path) => (read(path)?, path.parent().map(Path::to_path_buf).unwrap_or_default()),
            None => (NodeFile::default(), PathBuf::new()),
        };
        Self::join(args, file, &folder)
    }

    fn join(args: &ServeArgs, file: NodeFile, folder: &Path) -> Result<Self, CliError> {
        // Relative paths of a file are relative to it.
        let from_file = |path: PathBuf| if path.is_absolute() { path } else { folder.join(path) };
        let (data_dir, data_dir_source) =
            choose(args.data_dir.clone(), file.node.data_dir.map(from_file), || {
                folder.join("data")
            });
        let (gateway, gateway_source) =
            choose(args.listen, file.listen.gateway, || SocketAddr::from(([127, 0, 0, 1], 8080)));
        let (worker, worker_source) =
            choose(args.worker.clone(), file.node.worker.map(from_file), beside_us);
        let (cpu, cpu_source) = cpu(file.resources.cpu)?;
        let (memory_mib, memory_source) = memory(file.resources.memory.as_deref())?;
        let (gpus, gpus_source) = gpus(file.resources.gpus)?;
        let (log_level, log_source) =
            choose(args.log_level.clone(), file.telemetry.log_level, || "info".to_owned());
        let (log_format, format_source) =
            choose(None, file.telemetry.log_format, || "text".to_owned());
        let (drain, drain_source) = choose(None, file.node.drain_deadline, || "30s".to_owned());
        if !matches!(log_format.as_str(), "text" | "json") {
            return Err(CliError::Usage(format!(
                "telemetry.log_format is '{log_format}'; it can be 'text' or 'json'"
            )));
        }
        let drain_deadline = crate::cli::seconds(&drain)
            .map_err(|error| CliError::Usage(format!("node.drain_deadline: {error}")))?;
        let written = Written {
            cluster: file.cluster,
            advertise: file.advertise,
            tls: file.tls,
            listen: file.listen.cluster,
            name: file.node.name,
            roles: file.node.roles,
            labels: file.node.labels,
            zone: file.node.zone,
        };
        let membership = cluster::read(written, folder)?;
        let mut shown = vec![
            ("node.data_dir", data_dir.display().to_string(), data_dir_source),
            ("node.worker", worker.display().to_string(), worker_source),
            ("node.drain_deadline", drain, drain_source),
            ("listen.gateway", gateway.to_string(), gateway_source),
            ("resources.cpu", cpu.to_string(), cpu_source),
            ("resources.memory", format!("{memory_mib}MiB"), memory_source),
            (
                "resources.gpus",
                gpus.map_or_else(|| "auto".to_owned(), |count| count.to_string()),
                gpus_source,
            ),
            ("telemetry.log_level", log_level.clone(), log_source),
            ("telemetry.log_format", log_format.clone(), format_source),
        ];
        shown.extend(membership.iter().flat_map(Membership::shown));
        Ok(Self {
            data_dir,
            gateway,
            worker,
            cpu,
            memory_mib,
            gpus,
            fake_gpus: file.resources.fake_gpus,
            membership,
            log_level,
            log_json: log_format == "json",
            drain_deadline,
            shown,
        })
    }
}

/// Reads and parses a configuration file.
///
/// # Errors
/// The file cannot be read, or a key or value is not known; the message names line and column.
pub(crate) fn read(path: &Path) -> Result<NodeFile, CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| CliError::Io { what: format!("read {}", path.display()), source })?;
    toml::from_str(&text).map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))
}

fn cores() -> u32 {
    let found = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(found).unwrap_or(u32::MAX)
}

fn cpu(file: Option<Amount>) -> Result<(u32, Source), CliError> {
    match file {
        None => Ok((cores(), Source::Default)),
        Some(Amount::Count(0)) => {
            Err(CliError::Usage("resources.cpu is 0; a node needs at least 1 core".to_owned()))
        }
        Some(Amount::Count(count)) => Ok((count, Source::File)),
        Some(Amount::Word(word)) if word == "auto" => Ok((cores(), Source::File)),
        Some(Amount::Word(word)) => Err(CliError::Usage(format!(
            "resources.cpu is '{word}'; it can be a number of cores or \"auto\""
        ))),
    }
}

fn gpus(file: Option<Amount>) -> Result<(Option<u32>, Source), CliError> {
    match file {
        None => Ok((None, Source::Default)),
        Some(Amount::Count(count)) => Ok((Some(count), Source::File)),
        Some(Amount::Word(word)) if word == "auto" => Ok((None, Source::File)),
        Some(Amount::Word(word)) => Err(CliError::Usage(format!(
            "resources.gpus is '{word}'; it can be a number of GPUs or \"auto\""
        ))),
    }
}

/// Reads `"80%"` of this machine's memory or an amount such as `"16GiB"`; MiB out.
fn memory(file: Option<&str>) -> Result<(u64, Source), CliError> {
    let (text, source) = choose(None, file, || "80%");
    let wrong = || {
        CliError::Usage(format!(
            "resources.memory is '{text}'; write a share such as 80% or an amount such as 16GiB"
        ))
    };
    if let Some(share) = text.strip_suffix('%') {
        let share: u64 = share.parse().map_err(|_| wrong())?;
        if !(1..=100).contains(&share) {
            return Err(wrong());
        }
        return enough(machine_memory_mib() * share / 100, source);
    }
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let mib = match &text[digits.len()..] {
        "MiB" => number,
        "GiB" => number * 1024,
        _ => return Err(wrong()),
    };
    enough(mib, source)
}

fn enough(mib: u64, source: Source) -> Result<(u64, Source), CliError> {
    if 64 <= mib {
        return Ok((mib, source));
    }
    Err(CliError::Usage(format!(
        "resources.memory comes to {mib} MiB; a node needs at least 64 MiB for sessions"
    )))
}

/// Memory of this machine; 0 where the system does not tell, which the limit below then names.
fn machine_memory_mib() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else { return 0 };
    system.refresh_memory();
    system.total_memory() >> 20
}

/// The worker lies beside this program.
fn beside_us() -> PathBuf {
    let ours = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("tm"));
    ours.with_file_name("tm-worker")
}

/// Returns the file that keeps logins.
pub(crate) fn credentials_file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("TM_CREDENTIALS") {
        return Some(PathBuf::from(path));
    }
    let base = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(base.join("trademaster").join("credentials.json"))
}

/// Returns an access token or API key given by the environment.
pub(crate) fn token() -> Option<String> {
    std::env::var("TM_TOKEN").ok().filter(|token| !token.is_empty())
}

/// Returns a password given by the environment.
pub(crate) fn password() -> Option<String> {
    std::env::var("TM_PASSWORD").ok().filter(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> ServeArgs {
        ServeArgs { config: None, data_dir: None, listen: None, worker: None, log_level: None }
    }

    fn join(args: &ServeArgs, text: &str) -> Result<NodeConfig, CliError> {
        let file = toml::from_str(text)
            .map_err(|error: toml::de::Error| CliError::Usage(error.to_string()))?;
        NodeConfig::join(args, file, Path::new("/etc/tm"))
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let text = "[node]\ndata_dir = \"state\"\n[listen]\ngateway = \"127.0.0.1:9000\"\n";
        let config = join(&args(), text).unwrap();
        assert_eq!(config.data_dir, Path::new("/etc/tm/state"));
        assert_eq!(config.gateway.port(), 9000);
        let flag = ServeArgs { listen: Some(([127, 0, 0, 1], 9001).into()), ..args() };
        let config = join(&flag, text).unwrap();
        assert_eq!(config.gateway.port(), 9001);
        let source = |key| config.shown.iter().find(|row| row.0 == key).map(|row| row.2);
        assert_eq!(source("listen.gateway"), Some(Source::Flag));
        assert_eq!(source("node.data_dir"), Some(Source::File));
        assert_eq!(source("telemetry.log_level"), Some(Source::Default));
    }

    #[test]
    fn wrong_values_are_refused_with_what_is_allowed() {
        for (text, hint) in [
            ("[resources]\ncpu = 0", "at least 1"),
            ("[resources]\ncpu = \"many\"", "auto"),
            ("[resources]\nmemory = \"101%\"", "80%"),
            ("[resources]\nmemory = \"5KiB\"", "16GiB"),
            ("[telemetry]\nlog_format = \"xml\"", "json"),
            ("[node]\ndrain_deadline = \"10\"", "unit"),
            ("[node]\ndata_dri = \"x\"", "data_dir"),
            ("[nodes]\n", "node"),
        ] {
            let error = join(&args(), text).unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
