//! Writers at every node while things go wrong, and what they were told: registers changed on condition, and a set to
//! which everything is added under one key until some node has acknowledged it.
//!
//! A strategy is a register: its revision is the condition (`If-Match`), its description the value. The strategies with
//! names of ours are the set: an addition is asked of one node after the other under one idempotency key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::client::{Ask, Client, Reply};
use super::linear::{Action, Held, Impossible, Operation, Outcome, check};
use super::{Random, boot_ns, say};

/// How long a writer waits for an answer; then it does not know.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
/// Writers at once.
const WRITERS: u64 = 6;
/// Registers they share.
const REGISTERS: u64 = 6;
/// The value of a register before anybody wrote.
const FIRST: u64 = 0;

/// Something that was added to the set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Addition {
    name: String,
    /// Its identifier, once some node acknowledged it.
    id: Option<String>,
    /// A conflict with itself: it was carried out twice.
    conflict: Option<String>,
}

/// What one writer was told.
#[derive(Debug, Default)]
struct Told {
    operations: Vec<(usize, Operation)>,
    additions: Vec<Addition>,
    odd: Vec<String>,
}

/// Writers under way.
pub struct Load {
    stop: Arc<AtomicBool>,
    /// Acknowledged changes so far.
    pub acknowledged: Arc<AtomicU64>,
    writers: Vec<JoinHandle<Told>>,
    begins: Vec<Held>,
}

struct Writer {
    client: Client,
    urls: Vec<String>,
    registers: Vec<String>,
    random: Random,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    values: Arc<AtomicU64>,
    pause_ms: u64,
    label: String,
}

fn held(view: &Value) -> Option<Held> {
    let value = view["description"].as_str()?.strip_prefix("w-")?.parse().ok()?;
    Some(Held { revision: view["revision"].as_u64()?, value })
}

impl Load {
    /// Makes the registers and starts writers that pause up to `pause_ms` between operations.
    pub async fn start(client: &Client, urls: &[String], seed: u64, pause_ms: u64) -> Self {
        let mut registers = Vec::new();
        let mut begins = Vec::new();
        for number in 0..REGISTERS {
            let body = json!({"name": format!("register-{seed}-{number}"),
                "description": format!("w-{FIRST}"), "config": {"agent": {"algorithm": "do_nothing"}}});
            let reply =
                client.send(&urls[0], &Ask::post("/api/v1/strategies", &body)).await.unwrap();
            assert_eq!(reply.status, 201, "{}", reply.body);
            begins.push(held(&reply.body).unwrap());
            registers.push(reply.text("id"));
        }
        let mut load = Self {
            stop: Arc::default(),
            acknowledged: Arc::default(),
            writers: Vec::new(),
            begins,
        };
        let values = Arc::new(AtomicU64::new(FIRST));
        for number in 0..WRITERS {
            let writer = Writer {
                client: client.same_login(),
                urls: urls.to_vec(),
                registers: registers.clone(),
                random: Random(seed.wrapping_mul(31).wrapping_add(number)),
                stop: Arc::clone(&load.stop),
                acknowledged: Arc::clone(&load.acknowledged),
                values: Arc::clone(&values),
                pause_ms,
                label: format!("{seed}-{number}"),
            };
            load.writers.push(tokio::spawn(writer.run()));
        }
        load
    }

    /// Ends the writers and returns everything that was told.
    pub async fn finish(self) -> History {
        self.stop.store(true, Ordering::SeqCst);
        let mut history = History {
            registers: self.begins.iter().map(|held| (*held, Vec::new())).collect(),
            additions: Vec::new(),
            odd: Vec::new(),
        };
        for writer in self.writers {
            let told = writer.await.unwrap();
            for (register, operation) in told.operations {
                history.registers[register].1.push(operation);
            }
            history.additions.extend(told.additions);
            history.odd.extend(told.odd);
        }
        history
    }
}

impl Writer {
    async fn run(mut self) -> Told {
        let mut told = Told::default();
        let mut known: BTreeMap<usize, Held> = BTreeMap::new();
        let mut count = 0_u64;
        while !self.stop.load(Ordering::SeqCst) {
            count += 1;
            let register = self.random.place(self.registers.len());
            match self.random.below(5) {
                0 => {
                    let addition =
                        self.add(&format!("added-{}-{count}", self.label), &mut told.odd).await;
                    told.additions.push(addition);
                }
                1 | 2 => {
                    if let Some((operation, seen)) = self.read(register).await {
                        known.insert(register, seen);
                        told.operations.push((register, operation));
                    }
                }
                _ => {
                    let Some(seen) = known.get(&register).copied() else { continue };
                    if let Some(operation) =
                        self.write(register, seen, &mut known, &mut told.odd).await
                    {
                        told.operations.push((register, operation));
                    }
                }
            }
            let pause = self.random.below(self.pause_ms + 1);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        told
    }

    fn url(&mut self) -> String {
        let place = self.random.place(self.urls.len());
        self.urls[place].clone()
    }

    async fn send(&mut self, ask: Ask) -> Result<Reply, String> {
        let url = self.url();
        self.client.send(&url, &ask.within(ANSWER_WITHIN)).await
    }

    /// Reads what is agreed upon, not what one node happens to know.
    async fn read(&mut self, register: usize) -> Option<(Operation, Held)> {
        let path =
            format!("/api/v1/strategies/{}?consistency=linearizable", self.registers[register]);
        let called_ns = boot_ns();
        let reply = self.send(Ask::get(&path)).await.ok()?;
        let returned_ns = boot_ns();
        let seen = held(&reply.body).filter(|_| reply.status == 200)?;
        Some((Operation { action: Action::Read(seen), called_ns, returned_ns }, seen))
    }

    async fn write(
        &mut self,
        register: usize,
        seen: Held,
        known: &mut BTreeMap<usize, Held>,
        odd: &mut Vec<String>,
    ) -> Option<Operation> {
        let value = self.values.fetch_add(1, Ordering::SeqCst) + 1;
        let path = format!("/api/v1/strategies/{}", self.registers[register]);
        let body = json!({"description": format!("w-{value}")});
        let called_ns = boot_ns();
        let reply = self.send(Ask::patch(&path, seen.revision, &body)).await;
        let returned_ns = boot_ns();
        let outcome = match &reply {
            Ok(reply) if reply.is_ok() => {
                self.acknowledged.fetch_add(1, Ordering::SeqCst);
                known.extend(held(&reply.body).map(|held| (register, held)));
                Outcome::Done
            }
            Ok(Reply { status: 412, .. }) => {
                known.remove(&register);
                Outcome::Stale
            }
            Ok(Reply { status: 429 | 401, .. }) => return None,
            // 500 and above say nothing about what was done.
            Ok(reply) if 500 <= reply.status => Outcome::Unknown,
            Err(_) => Outcome::Unknown,
            Ok(reply) => {
                odd.push(format!("PATCH {path}: {} {}", reply.status, reply.body));
                Outcome::Unknown
            }
        };
        let action = Action::Write { expected: seen.revision, value, outcome };
        Some(Operation { action, called_ns, returned_ns })
    }

    /// Asks one node after the other under one key until one has acknowledged it.
    async fn add(&mut self, name: &str, odd: &mut Vec<String>) -> Addition {
        let body = json!({"name": name, "description": "", "config": {"agent": {"algorithm": "do_nothing"}}});
        let ask = Ask::post("/api/v1/strategies", &body);
        let mut addition = Addition { name: name.to_owned(), id: None, conflict: None };
        while !self.stop.load(Ordering::SeqCst) {
            match self.send(ask.clone()).await {
                Ok(reply) if reply.is_ok() => {
                    self.acknowledged.fetch_add(1, Ordering::SeqCst);
                    addition.id = Some(reply.text("id"));
                    return addition;
                }
                Ok(Reply { status: 409, body, .. }) if body["code"] == "command_in_progress" => {}
                Ok(Reply { status: 409, body, .. }) => {
                    addition.conflict = Some(body.to_string());
                    return addition;
                }
                Ok(reply) if reply.status < 500 && ![401, 429].contains(&reply.status) => {
                    odd.push(format!("POST {name}: {} {}", reply.status, reply.body));
                    return addition;
                }
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        addition
    }
}

/// Everything that writers were told.
#[derive(Debug)]
pub struct History {
    registers: Vec<(Held, Vec<Operation>)>,
    additions: Vec<Addition>,
    /// Answers that should not have been given.
    pub odd: Vec<String>,
}

impl History {
    /// Returns how many operations were told of.
    pub fn count(&self) -> usize {
        let operations: usize = self.registers.iter().map(|(_, operations)| operations.len()).sum();
        operations + self.additions.len()
    }

    /// Returns how many changes were acknowledged, and how many have an unknown outcome.
    pub fn acknowledged(&self) -> (usize, usize) {
        let all = self.registers.iter().flat_map(|(_, operations)| operations);
        let of = |wanted: Outcome| {
            let so = |operation: &&Operation| matches!(operation.action, Action::Write { outcome, .. } if outcome == wanted);
            all.clone().filter(so).count()
        };
        let added = self.additions.iter().filter(|addition| addition.id.is_some()).count();
        (of(Outcome::Done) + added, of(Outcome::Unknown) + self.additions.len() - added)
    }

    /// Returns every register whose history is impossible.
    pub fn impossible(&self) -> Vec<Impossible> {
        let checked = self.registers.iter().map(|(begins, operations)| check(*begins, operations));
        checked.filter_map(Result::err).collect()
    }

    /// Compares the set with what a node lists: every acknowledged addition is there once, nothing is there twice.
    pub async fn faults_of_set(&self, client: &Client, url: &str) -> Vec<String> {
        let listed = listed(client, url).await;
        let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, name) in &listed {
            names.entry(name).or_default().push(id);
        }
        let mut faults = self.odd.clone();
        let twice = names.iter().filter(|(name, ids)| name.starts_with("added-") && 1 < ids.len());
        faults.extend(twice.map(|(name, ids)| format!("{name} is there {} times", ids.len())));
        let ids: BTreeSet<&str> = listed.iter().map(|(id, _)| id.as_str()).collect();
        for addition in &self.additions {
            if let Some(conflict) = &addition.conflict {
                faults.push(format!("{} was carried out twice: {conflict}", addition.name));
            }
            let lost = addition.id.as_deref().is_some_and(|id| !ids.contains(id));
            if lost {
                faults.push(format!("{} was acknowledged and is lost", addition.name));
            }
        }
        faults
    }

    /// Checks everything against every node and says how it went; returns what is wrong.
    pub async fn violations(&self, client: &Client, urls: &[String], seed: u64) -> Vec<String> {
        let (done, unknown) = self.acknowledged();
        let mut faults: Vec<String> =
            self.impossible().iter().map(|found| format!("not linearizable: {found:?}")).collect();
        for url in urls {
            let of_set = self.faults_of_set(client, url).await;
            faults.extend(of_set.into_iter().map(|fault| format!("at {url}: {fault}")));
        }
        let judged = if faults.is_empty() {
            "linearizable, nothing lost, nothing twice".to_owned()
        } else {
            format!("VIOLATED: {faults:#?}")
        };
        say(&format!(
            "     history of seed {seed}: {} operations, {done} changes acknowledged, {unknown} without an answer; {judged}",
            self.count()
        ));
        faults
    }
}

/// Returns id and name of every strategy that a node lists.
async fn listed(client: &Client, url: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/strategies?limit=500&consistency=linearizable{cursor}");
        let page = client.send(url, &Ask::get(&path)).await.unwrap();
        assert!(page.is_ok(), "{path}: {}", page.body);
        for row in page.body["items"].as_array().unwrap() {
            let text = |field: &str| row[field].as_str().unwrap().to_owned();
            found.push((text("id"), text("name")));
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}
