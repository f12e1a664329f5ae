//! One program of a test: started in its namespace, its output kept, ended without mercy.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::{janitor, run};

/// What to start and where.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Program and arguments.
    pub words: Vec<String>,
    /// The network namespace, or the machine's own.
    pub space: Option<String>,
    /// Variables besides ours.
    pub environment: BTreeMap<String, String>,
    /// Where its output goes, after what is there.
    pub log: PathBuf,
    /// The value of the janitor's mark.
    pub mark: String,
}

/// A running program. Killed with its children when dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
    /// Where in the log this start begins.
    from: u64,
    mark: String,
}

impl Process {
    /// Starts it. It dies with the thread that starts it.
    pub fn start(launch: &Launch) -> Self {
        janitor::watch();
        let log = OpenOptions::new().create(true).append(true).open(&launch.log).unwrap();
        let from = log.metadata().unwrap().len();
        // Each of these programs becomes the next one: the process id is the program's.
        let mut words = vec!["setpriv".to_owned(), "--pdeathsig".to_owned(), "KILL".to_owned()];
        if let Some(space) = &launch.space {
            words.extend(["nsenter".to_owned(), format!("--net=/run/netns/{space}")]);
        }
        words.extend(launch.words.iter().cloned());
        let child = Command::new(&words[0])
            .args(&words[1..])
            .envs(&launch.environment)
            .env(janitor::MARK, &launch.mark)
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap_or_else(|error| panic!("{words:?} cannot be started: {error}"));
        Self { child, log: launch.log.clone(), from, mark: launch.mark.clone() }
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns what it has written since this start.
    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let from = usize::try_from(self.from).unwrap().min(bytes.len());
        String::from_utf8_lossy(&bytes[from..]).into_owned()
    }

    /// Returns how it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end; nothing when it goes on.
    pub fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < within {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.ended()
    }

    /// Sends a signal to the program alone.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Sends a signal to it and to everything it started.
    pub fn signal_all(&self, name: &str) {
        for pid in janitor::marked(&self.mark) {
            signal(pid, name);
        }
    }

    /// Kills it as a power button would, and its children with it.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        janitor::kill_marked(&self.mark);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process; one that is gone is no error.
pub fn signal(pid: u32, name: &str) {
    drop(run(Command::new("kill").arg(format!("-{name}")).arg(pid.to_string())));
}

/// Returns whether a process is there and has not ended.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| {
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    })
}

/// Returns the last lines of a log.
pub fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.unwrap_or_else(|error| format!("no log: {error}"));
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Makes an empty file.
pub fn touch(path: &Path) {
    File::create(path).unwrap();
}
