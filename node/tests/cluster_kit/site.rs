//! A cluster of real nodes: certificates, configuration, first start, joining, and the wait until it is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cluster::transport::certs;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Ask, Client, Reply};
use super::clock::Clock;
use super::disk::Disk;
use super::process::{Launch, Process, tail};
use super::space::{Forwarder, Spaces, address};
use super::{DEADLINE, boot_ns, janitor, run, say};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many nodes.
    pub nodes: usize,
    /// Each in a network namespace of its own, else all on loopback.
    pub spaces: bool,
    /// Each with a file system of its own of so many MiB.
    pub disk_mib: Option<u64>,
    /// Each with a wall clock of its own.
    pub clocks: bool,
    /// Variables of the stand-in workers.
    pub worker: BTreeMap<String, String>,
}

impl Plan {
    /// Nodes on loopback whose workers take steps of that many milliseconds and keep every so many of them.
    pub fn new(nodes: usize, steps: u64, step_ms: u64, keep_every: u64) -> Self {
        let worker = BTreeMap::from([
            ("FAKE_STEPS".to_owned(), steps.to_string()),
            ("FAKE_STEP_MS".to_owned(), step_ms.to_string()),
            ("FAKE_CHECKPOINT_EVERY".to_owned(), keep_every.to_string()),
        ]);
        Self { nodes, spaces: false, disk_mib: None, clocks: false, worker }
    }
}

/// One node.
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where its configuration and certificates are.
    pub dir: PathBuf,
    /// Its namespace.
    pub space: Option<String>,
    /// Where its peers reach it.
    pub peer_address: SocketAddr,
    /// Where we reach its gateway.
    pub url: String,
    /// Its program while it was started and not taken away.
    pub process: Option<Process>,
    /// Its file system, where it has its own.
    pub disk: Option<Disk>,
    /// Its wall clock, where it has its own.
    pub clock: Option<Clock>,
    gateway: SocketAddr,
    _forwarder: Option<Forwarder>,
}

/// A running cluster. Everything of it ends when it is dropped.
pub struct Site {
    /// The nodes, in the order of their names a, b, c…
    pub nodes: Vec<Node>,
    /// The namespaces, if there are any.
    pub spaces: Option<Spaces>,
    /// The administrator.
    pub client: Client,
    /// What the workers did.
    pub effects: PathBuf,
    /// Everything in files.
    pub dir: TempDir,
    id: String,
    plan: Plan,
}

/// Returns the stand-in worker: examples are built beside the tests.
pub fn stand_in() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_tm")).with_file_name("examples").join("fake_worker");
    assert!(
        path.is_file(),
        "{} is missing: build it with `cargo build -p actors --example fake_worker`",
        path.display()
    );
    path
}

/// Runs `tm` to its end.
pub fn tm(words: &[&str]) -> Result<String, String> {
    run(Command::new(env!("CARGO_BIN_EXE_tm")).args(words))
}

/// Writes the secret that members share so that only its owner reads it.
pub fn write_token(path: &Path, secret: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, secret).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Below the ports that the system gives to outgoing connections: one of these could be taken before its node listens.
fn free_port() -> SocketAddr {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    loop {
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let port = 15_000 + u16::try_from(begin.wrapping_add(next) % 15_000).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

impl Site {
    /// Makes the nodes without starting any: addresses, certificates, configuration.
    pub fn prepare(plan: Plan) -> Self {
        let id = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let dir = tempfile::Builder::new().prefix("tm-cluster-").tempdir().unwrap();
        janitor::owns_dir(dir.path());
        let spaces = plan.spaces.then(|| Spaces::new(&id, plan.nodes));
        let effects = dir.path().join("effects");
        super::process::touch(&effects);
        let nodes = (0..plan.nodes).map(|node| prepare_node(node, &plan, &spaces, dir.path()));
        let nodes = nodes.collect();
        let client = Client::default();
        let site = Self { nodes, spaces, client, effects, dir, id, plan };
        site.certify();
        site.configure();
        site
    }

    /// Makes a cluster of which only the first node runs, and logs in.
    pub async fn begin(plan: Plan) -> Self {
        let mut site = Self::prepare(plan);
        let first = site.config(0);
        tm(&["cluster", "init", "--config", first.to_str().unwrap()]).unwrap();
        site.launch(0);
        let url = site.nodes[0].url.clone();
        let told = site.serving(0, "password ").await;
        let password =
            told.split("password ").nth(1).and_then(|rest| rest.split_whitespace().next());
        site.client.first_login(&url, password.unwrap()).await;
        site
    }

    /// Makes a cluster and waits until it is whole; says how long joining took.
    pub async fn start(plan: Plan) -> Self {
        let mut site = Self::begin(plan).await;
        let begun = boot_ns();
        for node in 1..site.nodes.len() {
            site.launch(node);
        }
        site.whole(DEADLINE).await;
        let took = super::seconds(begun, boot_ns());
        say(&format!(
            "{} nodes joined and whole {took:.1} s after their start",
            site.nodes.len() - 1
        ));
        site
    }

    fn certify(&self) {
        let ca = self.dir.path().join("ca");
        certs::make_ca(&ca, "tm").unwrap();
        for node in &self.nodes {
            let hosts = [node.peer_address.ip().to_string(), "127.0.0.1".to_owned()];
            certs::make_node(&ca, "tm", &node.name, &hosts, &node.dir.join("tls")).unwrap();
        }
    }

    fn configure(&self) {
        for node in &self.nodes {
            let others = self.nodes.iter().filter(|other| other.name != node.name);
            let join: Vec<String> =
                others.map(|other| format!("{}@{}", other.name, other.peer_address)).collect();
            write_token(&node.dir.join("join.token"), &"4f".repeat(32));
            std::fs::write(node.dir.join("cluster.toml"), self.text(node, &join)).unwrap();
        }
    }

    fn text(&self, node: &Node, join: &[String]) -> String {
        let data = node.disk.as_ref().map_or_else(|| node.dir.join("data"), |disk| disk.data());
        let worker = stand_in();
        format!(
            "[cluster]\nname = \"tm\"\ntoken_file = \"join.token\"\njoin = {join:?}\n\
             [node]\nname = {:?}\ndata_dir = {data:?}\nworker = {worker:?}\ndrain_deadline = \"20s\"\n\
             [listen]\ncluster = \"{peer}\"\ngateway = \"{}\"\n[advertise]\ncluster = \"{peer}\"\n\
             [tls]\ndir = \"tls\"\n[resources]\ncpu = 16\nmemory = \"64GiB\"\n\
             [telemetry]\nlog_level = \"info\"\n",
            node.name,
            node.gateway,
            peer = node.peer_address,
        )
    }

    /// Returns a node's configuration file.
    pub fn config(&self, node: usize) -> PathBuf {
        self.nodes[node].dir.join("cluster.toml")
    }

    /// Returns what starts a node, to be started as it is or changed.
    pub fn launching(&self, node: usize) -> Launch {
        let config = self.config(node);
        let one = &self.nodes[node];
        let words =
            [env!("CARGO_BIN_EXE_tm"), "node", "start", "--config", config.to_str().unwrap()];
        let mut environment = self.plan.worker.clone();
        environment.insert("FAKE_EFFECTS".to_owned(), self.effects.to_string_lossy().into_owned());
        environment.insert("FAKE_NODE".to_owned(), one.name.clone());
        if let Some(clock) = &one.clock {
            environment.extend(clock.environment());
        }
        Launch {
            words: words.map(str::to_owned).to_vec(),
            space: one.space.clone(),
            environment,
            log: one.dir.join("log"),
            mark: format!("{}-{}", self.id, one.name),
        }
    }

    /// Starts a node that does not run.
    pub fn launch(&mut self, node: usize) {
        let launch = self.launching(node);
        self.nodes[node].process = Some(Process::start(&launch));
    }

    /// Waits until a node says that it serves, and this word too; returns what it said.
    pub async fn serving(&mut self, node: usize, word: &str) -> String {
        let begun = Instant::now();
        loop {
            let process = self.nodes[node].process.as_mut().unwrap();
            let told = process.output();
            if told.contains("serving http") && told.contains(word) {
                return told;
            }
            let ended = process.ended();
            if let Some(status) = ended {
                self.fail(&format!(
                    "node {} ended with {status} while starting",
                    self.nodes[node].name
                ));
            }
            if DEADLINE < begun.elapsed() {
                self.fail(&format!("node {} does not serve", self.nodes[node].name));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Kills a node as a power button would, its workers with it.
    pub fn kill(&mut self, node: usize) {
        if let Some(process) = &mut self.nodes[node].process {
            process.kill();
        }
        self.nodes[node].process = None;
    }

    /// Returns the nodes whose program runs, and notes those that have ended by themselves.
    pub fn running(&mut self) -> Vec<usize> {
        let mut found = Vec::new();
        for (number, node) in self.nodes.iter_mut().enumerate() {
            let ended = node.process.as_mut().is_some_and(|process| process.ended().is_some());
            if ended {
                // Dropping it also ends workers that outlived it.
                node.process = None;
            }
            if node.process.is_some() {
                found.push(number);
            }
        }
        found
    }

    /// Ends the test with the newest lines of every node's log.
    pub fn fail(&self, what: &str) -> ! {
        let mut text = format!("{what}\n");
        for node in &self.nodes {
            text += &format!("--- log of {}\n{}\n", node.name, tail(&node.dir.join("log"), 25));
        }
        panic!("{text}");
    }

    /// Sends a request to a node.
    pub async fn send(&self, node: usize, ask: &Ask) -> Result<Reply, String> {
        self.client.send(&self.nodes[node].url, ask).await
    }

    /// Reads a path of a node; nothing where that is not possible now.
    pub async fn look(&self, node: usize, path: &str) -> Option<Value> {
        let ask = Ask::get(path).within(Duration::from_secs(5));
        self.send(node, &ask).await.ok().filter(Reply::is_ok).map(|reply| reply.body)
    }

    /// Reads a path of a node.
    pub async fn get(&self, node: usize, path: &str) -> Value {
        match self.send(node, &Ask::get(path)).await {
            Ok(reply) if reply.is_ok() => reply.body,
            other => self.fail(&format!("GET {path} from {}: {other:?}", self.nodes[node].name)),
        }
    }

    /// Commands a node, as often as it takes while it has no majority.
    pub async fn post(&self, node: usize, path: &str, body: &Value) -> Value {
        let ask = Ask::post(path, body);
        let begun = Instant::now();
        loop {
            let reply = self.send(node, &ask).await;
            match reply {
                Ok(reply) if reply.is_ok() => return reply.body,
                Ok(Reply { status: 409 | 503 | 504, .. }) | Err(_)
                    if begun.elapsed() < DEADLINE => {}
                other => self.fail(&format!("POST {path} to {}: {other:?}", self.nodes[node].name)),
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Returns what is missing until the cluster is whole, as this node sees it; nothing when it is.
    async fn lacks(&self, node: usize) -> Option<String> {
        let name = &self.nodes[node].name;
        let Some(view) = self.look(node, "/api/v1/cluster").await else {
            return Some(format!("{name} does not answer"));
        };
        if view["quorum"] != true || view["leader"].is_null() {
            return Some(format!("{name} knows no leader with a majority: {view}"));
        }
        let members = view["members"].as_array().cloned().unwrap_or_default();
        for other in &self.nodes {
            let found = members.iter().find(|member| member["node"] == other.name.as_str());
            let whole =
                found.is_some_and(|member| member["up"] == true && member["state"] == "ready");
            if !whole {
                return Some(format!("{name} sees {} as {found:?}", other.name));
            }
        }
        None
    }

    /// Waits until every node answers, sees every node up and ready, and all name one leader; returns the seconds.
    pub async fn whole(&self, within: Duration) -> f64 {
        let begun = Instant::now();
        loop {
            let mut lacking = None;
            for node in 0..self.nodes.len() {
                lacking = lacking.or(self.lacks(node).await);
            }
            if lacking.is_none() {
                lacking = self.disagreement().await;
            }
            let Some(lacking) = lacking else { return begun.elapsed().as_secs_f64() };
            if within < begun.elapsed() {
                self.fail(&format!("the cluster is not whole after {within:?}: {lacking}"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn disagreement(&self) -> Option<String> {
        let mut leaders = BTreeSet::new();
        for node in 0..self.nodes.len() {
            let view = self.look(node, "/api/v1/cluster").await;
            leaders.insert(view.map_or(String::new(), |view| view["leader"].to_string()));
        }
        (leaders.len() != 1).then(|| format!("leaders are {leaders:?}"))
    }

    /// Returns the leader as one of these nodes sees it now.
    pub async fn leader(&self, of: &[usize]) -> Option<usize> {
        for node in of {
            let view = self.look(*node, "/api/v1/cluster").await;
            let quorum = view.as_ref().is_some_and(|view| view["quorum"] == true);
            let leader = view.and_then(|view| view["leader"].as_str().map(str::to_owned));
            if let (true, Some(leader)) = (quorum, leader) {
                return self.nodes.iter().position(|node| node.name == leader);
            }
        }
        None
    }

    /// Makes the synthetic data set and a strategy, and returns both.
    pub async fn market(&self) -> (String, String) {
        let market = json!({"name": "market", "synthetic": {"seed": 11, "rows": 900}});
        let dataset = self.post(0, "/api/v1/datasets", &market).await;
        let agent = json!({"algorithm": "dqn", "hidden": [16], "batch_size": 32});
        let body = json!({"name": "trained", "description": "", "config": {"agent": agent}});
        let strategy = self.post(0, "/api/v1/strategies", &body).await;
        let id = |view: &Value| view["id"].as_str().unwrap().to_owned();
        (id(&dataset), id(&strategy))
    }

    /// Starts a training session at a node.
    pub async fn train(&self, node: usize, market: &(String, String)) -> String {
        let config = json!({"kind": "training", "epochs": 3, "seed": 5});
        let body = json!({"name": "campaign", "strategy_id": market.1, "dataset_id": market.0,
            "config": config, "resources": {"cpu": 1, "memory_mib": 512}});
        let view = self.post(node, "/api/v1/sessions", &body).await;
        view["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a session is as wanted at one of the nodes that run.
    pub async fn until(
        &self,
        node: usize,
        id: &str,
        what: &str,
        so: impl Fn(&Value) -> bool,
    ) -> Value {
        let begun = Instant::now();
        let mut seen = Value::Null;
        loop {
            if let Some(session) = self.look(node, &format!("/api/v1/sessions/{id}")).await {
                if so(&session) {
                    return session;
                }
                seen = session;
            }
            if DEADLINE < begun.elapsed() {
                self.fail(&format!("session {id} did not become {what}: {seen:#}"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn prepare_node(node: usize, plan: &Plan, spaces: &Option<Spaces>, dir: &Path) -> Node {
    let name = char::from(b'a' + u8::try_from(node).unwrap()).to_string();
    let dir = dir.join(&name);
    std::fs::create_dir(&dir).unwrap();
    let space = spaces.as_ref().map(|spaces| spaces.name(node));
    let (peer_address, gateway) = match &space {
        Some(_) => {
            (SocketAddr::from((address(node), 7700)), SocketAddr::from(([127, 0, 0, 1], 8080)))
        }
        None => (free_port(), free_port()),
    };
    let forwarder = space.as_ref().map(|space| Forwarder::start(space, gateway));
    let reached = forwarder.as_ref().map_or(gateway, |forwarder| forwarder.address);
    Node {
        url: format!("http://{reached}"),
        disk: plan.disk_mib.map(|mib| Disk::new(&dir, mib).unwrap()),
        clock: plan.clocks.then(|| Clock::new(&dir).unwrap()),
        name,
        dir,
        space,
        peer_address,
        process: None,
        gateway,
        _forwarder: forwarder,
    }
}
