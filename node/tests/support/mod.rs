//! Real nodes for process tests: started from the built programs, killed without mercy, asked over REST.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests panic and speak"
)]
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The password that the administrator chooses at the first login.
pub const PASSWORD: &str = "violet-umbrella-92";
/// How long anything may take on a busy machine of two cores before a test gives up.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// A node of its own process.
pub struct NodeProcess {
    child: Child,
    /// Address of the gateway.
    pub url: String,
    /// The administrator's generated password, at the very first start only.
    pub password: Option<String>,
}

/// Returns the worker beside the built `tm`.
///
/// # Panics
/// When it was not built.
pub fn worker() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_tm")).with_file_name("tm-worker");
    assert!(path.is_file(), "{} is missing: build it with `make worker` first", path.display());
    path
}

impl NodeProcess {
    /// Starts a node on `data_dir` and waits until it serves.
    pub fn start(data_dir: &Path) -> Self {
        worker();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tm"))
            .args(["node", "start", "--listen", "127.0.0.1:0", "--log-level", "warn", "--data-dir"])
            .arg(data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, heard) = mpsc::channel();
        let stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                eprintln!("node: {line}");
                if lines.send(line).is_err() {
                    // Keep reading: a full pipe would stop the node.
                    continue;
                }
            }
        });
        let begun = Instant::now();
        let mut url = None;
        let mut password = None;
        while begun.elapsed() < DEADLINE {
            let Ok(line) = heard.recv_timeout(Duration::from_millis(300)) else {
                assert!(child.try_wait().unwrap().is_none(), "the node ended while starting");
                if url.is_some() {
                    break;
                }
                continue;
            };
            if let Some(rest) = line.strip_prefix("serving ") {
                url = rest.split_whitespace().next().map(str::to_owned);
            }
            if let Some(rest) = line.split("password ").nth(1) {
                password = rest.split_whitespace().next().map(str::to_owned);
            }
        }
        Self { child, url: url.expect("the node said where it serves"), password }
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power button would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Returns the worker processes of this node.
    pub fn workers(&self) -> Vec<u32> {
        children(self.pid())
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the processes whose parent is `pid`.
pub fn children(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(child) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name in parentheses may hold blanks; the state and the parent follow it.
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1));
        if parent == Some(pid.to_string().as_str()) {
            found.push(child);
        }
    }
    found
}

/// Sends a signal to a process.
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid.to_string())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    if !status.success() {
        eprintln!("process {pid} was gone before {name}");
    }
}

/// A logged-in client.
pub struct Api {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    /// Logs in as the administrator for the first time: changes the generated password to [`PASSWORD`].
    pub async fn first_login(url: &str, generated: &str) -> Self {
        let api = Self::login(url, generated).await;
        let body = json!({"current": generated, "new": PASSWORD});
        let (status, answer) = api.try_post("/api/v1/me/password", &body).await.unwrap();
        assert_eq!(status, 204, "{answer}");
        Self::login(url, PASSWORD).await
    }

    /// Logs in as the administrator.
    pub async fn login(url: &str, password: &str) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        let body = json!({"user": "admin", "password": password});
        let answer =
            http.post(format!("{url}/api/v1/auth/login")).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "login: {}", answer.text().await.unwrap());
        let answer: Value = answer.json().await.unwrap();
        Self {
            http,
            url: url.to_owned(),
            token: answer["access_token"].as_str().unwrap().to_owned(),
        }
    }

    /// Returns the access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Reads a path; an error status is a panic. Waits where the node says that we ask too often.
    pub async fn get(&self, path: &str) -> Value {
        let begun = Instant::now();
        loop {
            let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
            let answer = request.send().await.unwrap();
            let status = answer.status();
            if status.as_u16() == 429 && begun.elapsed() < DEADLINE {
                tokio::time::sleep(Duration::from_millis(500)).await;
                continue;
            }
            let text = answer.text().await.unwrap();
            assert!(status.is_success(), "GET {path}: {status} {text}");
            return serde_json::from_str(&text).unwrap();
        }
    }

    /// Sends a command; what came back, or why nothing did.
    pub async fn try_post(&self, path: &str, body: &Value) -> Result<(u16, Value), reqwest::Error> {
        let key = uuid::Uuid::now_v7().to_string();
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .bearer_auth(&self.token)
            .header("idempotency-key", key);
        let answer = request.json(body).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await.unwrap_or(Value::Null)))
    }

    /// Sends a command; an error status is a panic.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_post(path, body).await.unwrap();
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    /// Makes the synthetic data set.
    pub async fn synthetic(&self, name: &str, rows: u32) -> String {
        let view = self
            .post(
                "/api/v1/datasets",
                &json!({"name": name, "synthetic": {"seed": 11, "rows": rows}}),
            )
            .await;
        view["id"].as_str().unwrap().to_owned()
    }

    /// Makes a strategy with a small network.
    pub async fn strategy(&self, name: &str) -> String {
        let agent = json!({"algorithm": "dqn", "hidden": [16], "batch_size": 32, "warmup_steps": 64, "replay_capacity": 4096});
        let body = json!({"name": name, "description": "", "config": {"agent": agent}});
        self.post("/api/v1/strategies", &body).await["id"].as_str().unwrap().to_owned()
    }

    /// Starts training.
    pub async fn train(&self, strategy: &str, dataset: &str, epochs: u32) -> String {
        let config = json!({"kind": "training", "epochs": epochs, "seed": 5, "checkpoint_every_seconds": 1.0});
        let body = json!({"name": "campaign", "strategy_id": strategy, "dataset_id": dataset, "config": config});
        self.post("/api/v1/sessions", &body).await["id"].as_str().unwrap().to_owned()
    }

    /// Reads one session.
    pub async fn session(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/sessions/{id}")).await
    }

    /// Waits until `condition` holds for the session.
    pub async fn until(&self, id: &str, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let session = self.session(id).await;
            if condition(&session) {
                return session;
            }
            let waited = begun.elapsed();
            assert!(
                waited < DEADLINE,
                "session {id} did not become {what} within {waited:?}: {session:#}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Returns every raw metric point as (index, name, step, value's bits).
    pub async fn points(&self, id: &str) -> Vec<(u64, String, u64, Option<u64>)> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self
                .get(&format!("/api/v1/sessions/{id}/metrics?raw=true&limit=500{cursor}"))
                .await;
            for row in page["items"].as_array().unwrap() {
                let value = row["value"].as_f64().map(f64::to_bits);
                let name = row["name"].as_str().unwrap().to_owned();
                all.push((
                    row["index"].as_u64().unwrap(),
                    name,
                    row["step"].as_u64().unwrap(),
                    value,
                ));
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&after={next}"),
                None => return all,
            }
        }
    }
}

/// A small seeded generator for random points in time; the seed is printed.
pub struct Dice(u64);

impl Dice {
    /// Takes the seed from `TM_CAMPAIGN_SEED`, else a fixed one, and prints it.
    pub fn new() -> Self {
        let seed = std::env::var("TM_CAMPAIGN_SEED")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(20_261_122);
        println!("TM_CAMPAIGN_SEED={seed}");
        Self(seed)
    }

    /// Returns a number below `limit` (splitmix64).
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Kills per campaign: few in the ordinary test run, `TM_CAMPAIGN_POINTS` in the long one.
pub fn campaign_points() -> u64 {
    std::env::var("TM_CAMPAIGN_POINTS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}
