//! Nodes find each other and then are one: whichever is asked gives the same answer, takes the same commands, believes
//! the same tokens; whoever is no member gets nothing. Three nodes on loopback; `TM_CLUSTER_NETNS=1` also runs five in
//! network namespaces (`make cluster-netns`).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod cluster_kit;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cluster_kit::client::Ask;
use cluster_kit::series::is_terminal;
use cluster_kit::site::{Plan, Site, write_token};
use cluster_kit::strangers::Strangers;
use cluster_kit::{boot_ns, missing, say, seconds, setting, space};
use serde_json::{Value, json};

/// How long nodes may take until they give the same answer: what one has applied the others apply soon.
const SAME_WITHIN: Duration = Duration::from_secs(20);

/// Fields that say when, or how busy somebody is right now, or who it is that answers.
const OF_THE_MOMENT: [&str; 19] = [
    "applied_index",
    "as_of",
    "bytes_in",
    "bytes_out",
    "cpu_ratio",
    "considered_at",
    "disk_free_ratio",
    "drops",
    "lag",
    "last_error_at",
    "memory_used_bytes",
    "messages_under_way",
    "queue_age_ms",
    "redials",
    "rtt_ms",
    "sampled_at",
    "since_ms",
    "stored_ms",
    "trace_id",
];

/// Paths whose answer is of the node that answers, by their description.
const OF_THE_NODE: [&str; 2] = ["/api/v1/about", "/api/v1/actors"];

/// Removes what belongs to the moment.
fn settled(mut view: Value) -> Value {
    match &mut view {
        Value::Object(fields) => {
            fields.retain(|name, _| !OF_THE_MOMENT.contains(&name.as_str()));
            for value in fields.values_mut() {
                *value = settled(value.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = settled(item.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    view
}

/// Returns where two answers differ first, as a JSON pointer with both values.
fn difference(one: &Value, other: &Value, at: &str) -> Option<String> {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            let names = left.keys().chain(right.keys());
            names.into_iter().find_map(|name| {
                let value = |fields: &serde_json::Map<String, Value>| {
                    fields.get(name).cloned().unwrap_or(Value::from("(absent)"))
                };
                difference(&value(left), &value(right), &format!("{at}/{name}"))
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            pairs.into_iter().find_map(|(number, (left, right))| {
                difference(left, right, &format!("{at}/{number}"))
            })
        }
        _ => (one != other).then(|| format!("{at}: {one} and {other}")),
    }
}

/// What stands for the parameters of paths.
struct Names {
    of: BTreeMap<&'static str, String>,
}

impl Names {
    /// Returns every concrete path of the document that can be read; those that cannot be filled in are told.
    fn paths(&self, document: &Value) -> (Vec<String>, Vec<String>) {
        let (mut paths, mut open) = (Vec::new(), Vec::new());
        for (path, verbs) in document["paths"].as_object().unwrap() {
            if verbs.get("get").is_none() || OF_THE_NODE.contains(&path.as_str()) {
                continue;
            }
            match self.fill(path) {
                Some(path) => paths.push(path),
                None => open.push(path.clone()),
            }
        }
        (paths, open)
    }

    fn fill(&self, path: &str) -> Option<String> {
        let mut filled = String::new();
        let mut before = "";
        for part in path.trim_start_matches('/').split('/') {
            filled.push('/');
            match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some("id") => filled += self.of.get(before)?,
                Some(name) => filled += self.of.get(name)?,
                None => filled += part,
            }
            before = part;
        }
        // A training has no report, a back-test has one.
        let report = filled.ends_with("/report");
        Some(if report {
            filled.replace(self.of.get("sessions")?, self.of.get("backtest")?)
        } else {
            filled
        })
    }
}

/// Asks every node for every documented read until all give the same answer.
async fn same_from_everywhere(site: &Site, names: &Names) {
    let document = site.get(0, "/api/v1/openapi.json").await;
    let (mut paths, open) = names.paths(&document);
    for session in ["sessions", "backtest"] {
        paths.push(format!("/api/v1/sessions/{}/metrics?raw=true&limit=500", names.of[session]));
        paths.push(format!("/api/v1/sessions/{}/logs?limit=500", names.of[session]));
    }
    for path in &paths {
        let begun = Instant::now();
        loop {
            let first = ask(site, 0, path).await;
            let mut wrong = None;
            for node in 1..site.nodes.len() {
                let other = ask(site, node, path).await;
                let name = &site.nodes[node].name;
                wrong = wrong
                    .or(difference(&first, &other, "").map(|what| format!("a and {name}: {what}")));
            }
            let Some(wrong) = wrong else { break };
            if SAME_WITHIN < begun.elapsed() {
                site.fail(&format!("GET {path} differs between {wrong}"));
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    assert!(20 < paths.len(), "the document lists the reads: {paths:?}");
    say(&format!(
        "{} reads are the same from {} nodes; not filled in: {open:?}",
        paths.len(),
        site.nodes.len()
    ));
}

/// Returns status and settled body: a refusal must be the same everywhere too.
async fn ask(site: &Site, node: usize, path: &str) -> Value {
    let reply = site.send(node, &Ask::get(path)).await.unwrap();
    let mut body = settled(reply.body);
    if !reply.status.to_string().starts_with('2') {
        // A problem's words may name the node; its code may not differ.
        body = body["code"].clone();
    }
    json!({"status": reply.status, "body": body})
}

/// Commands given to followers take effect everywhere, once, and conditions hold across nodes.
async fn writes_through_followers(site: &Site) {
    let leader = site.leader(&[0]).await.unwrap();
    let followers: Vec<usize> = (0..site.nodes.len()).filter(|node| *node != leader).collect();
    let body = json!({"name": "through a follower", "description": "", "config": {"agent": {"algorithm": "do_nothing"}}});
    let ask = Ask::post("/api/v1/strategies", &body);
    let made = site.send(followers[0], &ask).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    for node in 0..site.nodes.len() {
        let again = site.send(node, &ask).await.unwrap();
        assert_eq!(again.text("id"), made.text("id"), "the same key anywhere is the same command");
    }
    let path = format!("/api/v1/strategies/{}", made.text("id"));
    let revision = made.body["revision"].as_u64().unwrap();
    let change = |text: &str| Ask::patch(&path, revision, &json!({"description": text}));
    let last = *followers.last().unwrap();
    assert_eq!(site.send(last, &change("one")).await.unwrap().status, 200);
    assert_eq!(site.send(leader, &change("two")).await.unwrap().status, 412);
    let read = format!("{path}?consistency=linearizable");
    assert_eq!(site.get(followers[0], &read).await["description"], "one");
}

/// Who is no member gets nothing, and members notice nothing.
async fn strangers_get_nothing(site: &Site) {
    for node in 0..site.nodes.len() {
        let strangers = Strangers::of(site, node);
        strangers.with_wrong_certificates().await.unwrap();
        strangers.with_plain_tcp().unwrap();
        strangers.with_an_old_protocol((node + 1) % site.nodes.len()).await.unwrap();
        strangers.as_a_second_process((node + 1) % site.nodes.len()).await.unwrap();
        strangers.with_an_oversized_frame((node + 1) % site.nodes.len()).await.unwrap();
    }
    let held = Strangers::of(site, 0).silent(100);
    let begun = boot_ns();
    site.whole(Duration::from_secs(10)).await;
    let took = seconds(begun, boot_ns());
    say(&format!(
        "{} silent clients held, the cluster answers for itself in {took:.2} s",
        held.len()
    ));
}

/// A node with the right certificate and the wrong token is not taken in.
async fn wrong_token(site: &mut Site, late: usize) {
    let token = site.nodes[late].dir.join("join.token");
    let right = std::fs::read_to_string(&token).unwrap();
    write_token(&token, &"00".repeat(32));
    site.launch(late);
    tokio::time::sleep(Duration::from_secs(6)).await;
    let view = site.get(0, "/api/v1/cluster").await;
    let members = view["members"].as_array().unwrap();
    let name = site.nodes[late].name.as_str();
    assert!(
        members.iter().all(|member| member["node"] != name),
        "a wrong token opens nothing: {view}"
    );
    site.kill(late);
    write_token(&token, &right);
}

async fn finished(site: &Site, body: &Value, state: &str) -> String {
    let id = site.post(1, "/api/v1/sessions", body).await["id"].as_str().unwrap().to_owned();
    let done = site.until(0, &id, state, is_terminal).await;
    assert_eq!(done["state"], state, "{done:#}");
    id
}

/// Makes one of each thing that can be read.
async fn fill(site: &Site) -> Names {
    let market = site.market().await;
    let config = json!({"kind": "training", "epochs": 1, "seed": 1});
    let training = json!({"name": "training", "strategy_id": market.1, "dataset_id": market.0, "config": config});
    let sessions = finished(site, &training, "completed").await;
    let rule = json!({"name": "hold", "description": "", "config": {"agent": {"algorithm": "do_nothing"}}});
    let rule = site.post(2, "/api/v1/strategies", &rule).await["id"].as_str().unwrap().to_owned();
    let config = json!({"kind": "backtest", "segment": "test"});
    let backtest =
        json!({"name": "backtest", "strategy_id": rule, "dataset_id": market.0, "config": config});
    let backtest = finished(site, &backtest, "completed").await;
    let of = [
        ("sessions", sessions),
        ("backtest", backtest),
        ("datasets", market.0),
        ("strategies", market.1),
        ("nodes", "b".to_owned()),
        ("n", "1".to_owned()),
        ("kind", "training".to_owned()),
        ("algo", "dqn".to_owned()),
        ("quotas", "user:admin".to_owned()),
    ];
    Names { of: BTreeMap::from(of) }
}

async fn story(plan: Plan) {
    let mut site = Site::start(plan).await;
    let late = site.nodes.len() - 1;
    let names = fill(&site).await;
    same_from_everywhere(&site, &names).await;
    writes_through_followers(&site).await;
    strangers_get_nothing(&site).await;
    // A node that was away comes back under its name, and knows what happened meanwhile.
    site.kill(late);
    let away = json!({"name": "while one was away", "description": "", "config": {"agent": {"algorithm": "do_nothing"}}});
    site.post(0, "/api/v1/strategies", &away).await;
    site.launch(late);
    let back = site.whole(cluster_kit::DEADLINE).await;
    say(&format!("a node that was away is back after {back:.1} s"));
    same_from_everywhere(&site, &names).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_on_loopback_are_one() {
    story(Plan::new(3, 40, 20, 10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_not_taken_in() {
    let mut site = Site::begin(Plan::new(2, 40, 20, 10)).await;
    wrong_token(&mut site, 1).await;
    // So it was the token.
    site.launch(1);
    site.whole(cluster_kit::DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_nodes_in_namespaces_are_one() {
    if setting("TM_CLUSTER_NETNS").is_none() {
        return say("cluster_join in namespaces: NOT RUN; `make cluster-netns` runs it");
    }
    if let Some(reason) = space::unavailable() {
        return missing(&reason, "cluster_join in namespaces");
    }
    for nodes in [3, 5] {
        let plan = Plan { spaces: true, ..Plan::new(nodes, 40, 20, 10) };
        story(plan).await;
    }
}
