//! A worker without libtorch for tests of process behaviour: speaks the protocol, counts instead of learning.
//!
//! Told by variables what to do: `FAKE_MODE` (normal, hang, garbage, huge, mute, bad_spec, fault, ignore_stop,
//! crash, no_answer: says nothing to pause and resume, repeats: announces a checkpoint again without writing it,
//! greedy: takes memory without end, confined: tells limits), `FAKE_STEPS`, `FAKE_STEP_MS`, `FAKE_CHECKPOINT_EVERY`,
//! `FAKE_CRASH_AT`, `FAKE_PID_FILE`, `FAKE_EFFECTS` and `FAKE_NODE`. Each step emits one point `loss` whose value is a
//! function of the step alone, so equal runs give equal series.
//!
//! `FAKE_EFFECTS` names a file to which it appends a line for each start, step, checkpoint and stop, so that a campaign
//! knows what workers of which assignment did whatever becomes of their nodes. Checkpoints then hold the assignment that
//! wrote them: two of one step differ.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a fake fails")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is a log under test")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use engine::environment::visible;
use engine::ids::{Epoch, SessionId};
use engine::market::{part, snapshot};
use engine::session::protocol::{
    CheckpointWritten, EXIT_BAD_SPEC, EXIT_DONE, EXIT_STOPPED, FRAME_BYTES_MAX, LIMITS_VARIABLE,
    MetricPoint, PROTOCOL_MAX, PROTOCOL_MIN, Progress, WorkerCommand, WorkerEvent, WorkerLimit,
    WorkerLimits, WorkerResult, WorkerSpec,
};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::codec::schema::{SCHEMA_WORKER_COMMAND, SCHEMA_WORKER_EVENT};
use store::codec::{Record, decode, encode, frame};

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct CommandRecord(WorkerCommand);

impl Record for CommandRecord {
    const SCHEMA: u32 = SCHEMA_WORKER_COMMAND;
    const VERSION: u16 = 1;
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct EventRecord(WorkerEvent);

impl Record for EventRecord {
    const SCHEMA: u32 = SCHEMA_WORKER_EVENT;
    const VERSION: u16 = 1;
}

/// As much of a report as the node reads itself.
const REPORT: &[u8] = br#"{"agent": {"metrics": {"total_return": 0.25, "sharpe": null, "max_drawdown": 0.125, "turnover": 3.0}}}"#;

#[derive(Clone)]
struct Out(Arc<Mutex<UnixStream>>, Arc<Mutex<Option<Effects>>>);

impl Out {
    fn say(&self, event: WorkerEvent) {
        let payload = encode(&EventRecord(event)).unwrap();
        let mut stream = self.0.lock().unwrap();
        if frame::write(&mut *stream, &payload).is_err() {
            std::process::exit(1);
        }
    }

    /// Tells an effect, if anybody wants to know.
    fn tell(&self, event: &str, step: u64, sha256: &str) {
        if let Some(effects) = self.1.lock().unwrap().as_mut() {
            effects.tell(event, step, sha256);
        }
    }
}

#[derive(Serialize, Deserialize, Default, Clone, Copy)]
struct State {
    step: u64,
    metric_count: u64,
    /// The assignment that wrote it, where effects are told.
    #[serde(default)]
    epoch: u64,
}

/// Where this worker tells what it does.
struct Effects {
    file: File,
    session: String,
    epoch: u64,
    node: String,
}

impl Effects {
    /// Opens the file that the test asked for.
    fn open(session: &SessionId, epoch: Epoch) -> Option<Self> {
        let path = std::env::var_os("FAKE_EFFECTS")?;
        let file = OpenOptions::new().append(true).open(path).unwrap();
        let node = std::env::var("FAKE_NODE").unwrap_or_default();
        Some(Self { file, session: session.to_string(), epoch: epoch.0, node })
    }

    /// Tells one thing in one write: lines of many workers do not mix.
    fn tell(&mut self, event: &str, step: u64, sha256: &str) {
        let now = clock_gettime(ClockId::Boottime);
        let (whole, part) =
            (u64::try_from(now.tv_sec).unwrap(), u64::try_from(now.tv_nsec).unwrap());
        let line = serde_json::json!({
            "session": self.session, "epoch": self.epoch, "node": self.node, "pid": std::process::id(),
            "ns": whole * 1_000_000_000 + part, "event": event, "step": step, "sha256": sha256,
        });
        self.file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Writes this process's number where the test asked for it, whole or not at all.
fn tell_pid() {
    if let Ok(path) = std::env::var("FAKE_PID_FILE") {
        let temporary = format!("{path}.new");
        std::fs::write(&temporary, std::process::id().to_string()).unwrap();
        std::fs::rename(&temporary, &path).unwrap();
    }
}

fn main() {
    let mode = std::env::var("FAKE_MODE").unwrap_or_else(|_| "normal".to_owned());
    tell_pid();
    let stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let out = Out(Arc::new(Mutex::new(stream.try_clone().unwrap())), Arc::default());
    match mode.as_str() {
        "mute" => std::thread::sleep(Duration::from_secs(600)),
        "garbage" => {
            out.0.lock().unwrap().write_all(b"\0\0\0\x08GARBAGE!").unwrap();
            std::thread::sleep(Duration::from_secs(600));
        }
        "huge" => {
            out.0.lock().unwrap().write_all(&[0xff; 64]).unwrap();
            std::thread::sleep(Duration::from_secs(600));
        }
        _ => {}
    }
    out.say(WorkerEvent::Hello {
        proto_min: PROTOCOL_MIN,
        proto_max: PROTOCOL_MAX,
        build: "fake".to_owned(),
        libtorch: "none".to_owned(),
        devices: Vec::new(),
    });
    if mode == "confined" {
        out.say(WorkerEvent::Confined { limits: told() });
    }
    let (commands, inbox) = mpsc::channel();
    let answers = out.clone();
    let silent = mode == "hang";
    let mut input = stream;
    std::thread::spawn(move || {
        while let Ok(Some(bytes)) = frame::read(&mut input, FRAME_BYTES_MAX) {
            let CommandRecord(command) = decode(&bytes).unwrap();
            match command {
                WorkerCommand::Ping { nonce } if !silent => {
                    answers.say(WorkerEvent::Pong { nonce })
                }
                WorkerCommand::Ping { .. } | WorkerCommand::Lease { .. } => {}
                other @ (WorkerCommand::Start { .. }
                | WorkerCommand::Pause
                | WorkerCommand::Resume
                | WorkerCommand::Checkpoint
                | WorkerCommand::Stop { .. }) => {
                    if commands.send(other).is_err() {
                        return;
                    }
                }
            }
        }
        // The node is gone.
        std::process::exit(1);
    });
    let Ok(WorkerCommand::Start { session, epoch, spec }) = inbox.recv() else {
        std::process::exit(65)
    };
    *out.1.lock().unwrap() = Effects::open(&session, epoch);
    let spec: WorkerSpec = serde_json::from_slice(&spec).unwrap();
    println!("fake worker on stdout");
    eprintln!("fake worker on stderr");
    if mode == "bad_spec" {
        let fault = WorkerEvent::Fault {
            kind: "bad_spec".to_owned(),
            text: "not for me".to_owned(),
            restartable: false,
        };
        out.say(fault);
        std::process::exit(EXIT_BAD_SPEC);
    }
    assert!(Path::new(&spec.dataset.path).exists());
    out.say(WorkerEvent::Ready);
    work(&mode, &spec, &out, &inbox);
}

fn work(mode: &str, spec: &WorkerSpec, out: &Out, inbox: &mpsc::Receiver<WorkerCommand>) {
    let steps = number("FAKE_STEPS", 20);
    let every = number("FAKE_CHECKPOINT_EVERY", 5);
    let pause = Duration::from_millis(number("FAKE_STEP_MS", 5));
    let crash_at = number("FAKE_CRASH_AT", u64::MAX);
    let dir = PathBuf::from(&spec.work_dir);
    let mut state = begin(spec, out);
    let mut paused = false;
    let mut announced = None;
    let mut kept = Vec::new();
    loop {
        if mode == "greedy" {
            kept.push(vec![1_u8; 8 << 20]);
        }
        let command = if paused { inbox.recv().ok() } else { inbox.try_recv().ok() };
        match command {
            Some(WorkerCommand::Pause | WorkerCommand::Resume) if mode == "no_answer" => {}
            Some(WorkerCommand::Pause) => {
                paused = true;
                out.say(WorkerEvent::Paused);
            }
            Some(WorkerCommand::Resume) => {
                paused = false;
                out.say(WorkerEvent::Resumed);
            }
            Some(WorkerCommand::Checkpoint)
                if mode == "repeats" && announced == Some(state.step) =>
            {
                out.say(WorkerEvent::CheckpointWritten(written(state).0));
            }
            Some(WorkerCommand::Checkpoint) => {
                checkpoint(&dir, state, out);
                announced = Some(state.step);
            }
            Some(WorkerCommand::Stop { .. }) if mode != "ignore_stop" => {
                checkpoint(&dir, state, out);
                finish(spec, &dir, out, true);
                std::process::exit(EXIT_STOPPED);
            }
            Some(_) | None => {}
        }
        if paused {
            continue;
        }
        if mode == "hang" && state.step == 3 {
            std::thread::sleep(Duration::from_secs(600));
        }
        if state.step == steps {
            break;
        }
        if state.step == crash_at {
            eprintln!("crashing as told");
            std::process::abort();
        }
        std::thread::sleep(pause);
        advance(&mut state, steps, out);
        if state.step.is_multiple_of(every) {
            checkpoint(&dir, state, out);
        }
    }
    finish(spec, &dir, out, false);
    std::process::exit(EXIT_DONE);
}

/// Reads where to go on.
fn begin(spec: &WorkerSpec, out: &Out) -> State {
    let mut state: State = match &spec.checkpoint {
        Some(file) => serde_json::from_slice(&std::fs::read(&file.path).unwrap()).unwrap(),
        None => State::default(),
    };
    state.epoch = out.1.lock().unwrap().as_ref().map_or(0, |effects| effects.epoch);
    out.tell("start", state.step, "");
    if spec.session.kind() == engine::config::SessionKind::Evaluation {
        for file in spec.models.iter().chain(&spec.trials) {
            let bytes = std::fs::read(&file.path).unwrap();
            assert_eq!(hash(&bytes), file.sha256);
        }
        out.tell("models", spec.models.len() as u64, "");
        out.tell("trials", spec.trials.len() as u64, "");
        out.tell("trials lost", u64::from(spec.trials_lost), "");
    }
    if let Some(strategy) = spec.strategy.as_ref().filter(|strategy| !strategy.seal.is_nothing()) {
        let bytes = std::fs::read(&spec.dataset.path).unwrap();
        let data = snapshot::decode_any(bytes.into()).unwrap().data;
        let seen = visible(strategy, data, spec.session.segment()).unwrap();
        let mark = serde_json::to_value(&spec.seal).unwrap();
        out.tell("rows seen", part::rows(&seen) as u64, mark["state"].as_str().unwrap());
    }
    state
}

/// Repeats what it was told to impose upon itself, as one limit that holds and one that does not.
fn told() -> Vec<WorkerLimit> {
    let text = std::env::var(LIMITS_VARIABLE).unwrap();
    let limits: WorkerLimits = serde_json::from_str(&text).unwrap();
    let listed = limits.cores.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    vec![
        WorkerLimit { name: "cores".to_owned(), applied: true, detail: listed },
        WorkerLimit {
            name: "files".to_owned(),
            applied: false,
            detail: format!("a fake sees all, told {:?} and {:?}", limits.read, limits.write),
        },
    ]
}

/// Does one step and tells of it.
fn advance(state: &mut State, steps: u64, out: &Out) {
    state.step += 1;
    state.metric_count += 1;
    out.tell("step", state.step, "");
    let value = Some(1.0 / f64::from(u32::try_from(state.step).unwrap()));
    let name = "loss".to_owned();
    out.say(WorkerEvent::Metrics(vec![MetricPoint { name, step: state.step, value }]));
    out.say(WorkerEvent::Progress(Progress {
        step: state.step,
        step_count: steps,
        epoch_index: 0,
        epoch_count: 1,
        phase: "collect".to_owned(),
        steps_per_second: 1.0,
    }));
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> String {
    std::fs::write(dir.join(name), bytes).unwrap();
    hash(bytes)
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn written(state: State) -> (CheckpointWritten, Vec<u8>) {
    let bytes = serde_json::to_vec(&state).unwrap();
    let written = CheckpointWritten {
        step: state.step,
        epoch_index: 0,
        metric_count: state.metric_count,
        file: format!("checkpoint-{}", state.step),
        sha256: hash(&bytes),
        size_bytes: bytes.len() as u64,
    };
    (written, bytes)
}

fn checkpoint(dir: &Path, state: State, out: &Out) {
    let (written, bytes) = written(state);
    write(dir, &written.file, &bytes);
    // Told before it is announced: it cannot be committed before.
    out.tell("checkpoint", written.step, &written.sha256);
    out.say(WorkerEvent::CheckpointWritten(written));
}

fn finish(spec: &WorkerSpec, dir: &Path, out: &Out, stopped: bool) {
    let result = match spec.session.kind() {
        engine::config::SessionKind::Training => WorkerResult::Training {
            model_sha256: write(dir, "best", b"a model"),
            model_file: "best".to_owned(),
            best_epoch_index: 0,
            best_score: Some(0.5),
            stopped,
        },
        engine::config::SessionKind::Labelling => WorkerResult::Report {
            report_sha256: write(dir, "report", b"{}"),
            report_file: "report".to_owned(),
        },
        engine::config::SessionKind::Backtest | engine::config::SessionKind::Evaluation => {
            WorkerResult::Report {
                report_sha256: write(dir, "report", REPORT),
                report_file: "report".to_owned(),
            }
        }
    };
    out.say(WorkerEvent::Done(result));
    out.tell("stop", 0, "");
}
