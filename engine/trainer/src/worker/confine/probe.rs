//! `tm-worker --probe-confinement <dir>`: imposes the limits, tries what they forbid, and prints what happened.
//!
//! For operators who want to know what their kernel grants, and for the tests. Takes its limits from the environment as
//! a session would; without any it uses those of a session whose own directory is `dir`.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use engine::session::protocol::{LIMITS_VARIABLE, PROTOCOL_MAX, WorkerLimit, WorkerLimits};
use rustix::process::{Resource, getppid, getpriority_process, getrlimit, test_kill_process};
use rustix::thread::{CpuSet, sched_getaffinity};
use serde::Serialize;

use super::impose;

/// Word on the command line.
pub const WORD: &str = "--probe-confinement";
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// What the probe found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// What was imposed, as a session would tell it.
    limits: Vec<WorkerLimit>,
    /// What was tried.
    attempts: Vec<Attempt>,
    /// Cores this process may run on.
    cores: Vec<usize>,
    /// Its niceness.
    niceness: i32,
    /// Files it may hold open; empty: no limit.
    open_files: Option<u64>,
    /// Threads of this process.
    thread_count: usize,
}

/// One thing that was tried.
#[derive(Debug, Serialize)]
struct Attempt {
    what: &'static str,
    /// Whether a confined worker should be able to.
    wanted: bool,
    /// Whether it was able to.
    able: bool,
    detail: String,
}

/// Imposes the limits and tries them out. `arguments` follow the word: the directory, then files to try to read and
/// addresses (`ip:port`) to try to connect to.
///
/// # Errors
/// The directory or the limits cannot be used.
pub fn run(arguments: &[String]) -> Result<Found, String> {
    let Some((dir, others)) = arguments.split_first() else {
        return Err(format!("usage: tm-worker {WORD} <directory> [<file> | <ip:port>]..."));
    };
    let dir = fs::canonicalize(dir).map_err(|error| format!("{dir} cannot be used: {error}"))?;
    let limits = limits(&dir)?;
    // Somebody to connect to, opened while that is still possible.
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let listening = listener.local_addr().map_err(|error| error.to_string())?;
    let inputs = limits.read.clone();
    let imposed = impose(&limits);
    let mut attempts = files(&dir, &inputs);
    attempts.extend(reach(listening));
    for other in others {
        attempts.push(match other.parse::<SocketAddr>() {
            Ok(address) => refused("connect to a named address", connect(address)),
            Err(_) => refused("read a named file", fs::read(other)),
        });
    }
    Ok(Found {
        limits: imposed,
        attempts,
        cores: sched_getaffinity(None)
            .map(|set| (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect())
            .unwrap_or_default(),
        niceness: getpriority_process(None).unwrap_or_default(),
        open_files: getrlimit(Resource::Nofile).current,
        thread_count: fs::read_dir("/proc/self/task").map(Iterator::count).unwrap_or_default(),
    })
}

fn limits(dir: &Path) -> Result<WorkerLimits, String> {
    if let Ok(text) = std::env::var(LIMITS_VARIABLE) {
        return serde_json::from_str(&text)
            .map_err(|error| format!("{LIMITS_VARIABLE} cannot be read: {error}"));
    }
    Ok(WorkerLimits {
        protocol: PROTOCOL_MAX,
        confine: true,
        write: vec![dir.to_string_lossy().into_owned()],
        ..WorkerLimits::default()
    })
}

/// Tries files: its own, and what lies beside and far away.
fn files(dir: &Path, inputs: &[String]) -> Vec<Attempt> {
    let own = dir.join("probe.txt");
    let renamed = dir.join("probe.done");
    let beside: PathBuf =
        dir.parent().unwrap_or(Path::new("/")).join(format!("tm-probe-{}", std::process::id()));
    let keep = fs::write(&own, b"probe")
        .and_then(|()| fs::rename(&own, &renamed))
        .and_then(|()| fs::read(&renamed))
        .and_then(|_| fs::remove_file(&renamed));
    let mut attempts = vec![
        allowed("write, rename, read and remove a file of its directory", keep),
        allowed("read random numbers", fs::File::open("/dev/urandom")),
        allowed("look at itself in /proc", fs::read("/proc/self/status")),
        refused("read /etc/passwd", fs::read("/etc/passwd")),
        refused("list /", fs::read_dir("/")),
        refused("look at its parent in /proc", parent_environment()),
        refused("write beside its directory", fs::write(&beside, b"probe")),
        refused("write into /tmp", fs::write(std::env::temp_dir().join("tm-probe"), b"probe")),
        refused("start a program", Command::new("/bin/true").status()),
    ];
    attempts.extend(inputs.iter().map(|file| allowed("read an input", fs::File::open(file))));
    attempts
}

fn parent_environment() -> std::io::Result<Vec<u8>> {
    let parent = getppid().map_or(1, |pid| pid.as_raw_nonzero().get());
    fs::read(format!("/proc/{parent}/environ"))
}

/// Tries the network and other processes.
fn reach(listening: SocketAddr) -> Vec<Attempt> {
    let send =
        UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"probe", listening));
    let mut attempts = vec![
        refused("connect over TCP", connect(listening)),
        refused("listen on TCP", TcpListener::bind("127.0.0.1:0")),
        refused("send over UDP", send),
    ];
    if let Some(parent) = getppid() {
        attempts.push(refused("signal its parent", test_kill_process(parent)));
    }
    attempts
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    TcpStream::connect_timeout(&address, CONNECT)
}

fn allowed<T, E: std::fmt::Display>(what: &'static str, outcome: Result<T, E>) -> Attempt {
    attempt(what, true, outcome)
}

fn refused<T, E: std::fmt::Display>(what: &'static str, outcome: Result<T, E>) -> Attempt {
    attempt(what, false, outcome)
}

fn attempt<T, E: std::fmt::Display>(
    what: &'static str,
    wanted: bool,
    outcome: Result<T, E>,
) -> Attempt {
    let (able, detail) = match outcome {
        Ok(_) => (true, "done".to_owned()),
        Err(error) => (false, error.to_string()),
    };
    Attempt { what, wanted, able, detail }
}
