//! Rounds over a real store: what is referred to stays, what is not goes once it is old.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cluster::control::state::{ControlState, Manifest, OutcomeKind, Resources};
use cluster::control::{
    CommandId as ControlCommandId, ControlCommand, ControlHandle, DocumentChange, DocumentKey,
    Expected, LocalConfig, LocalDriver, NewSession, SessionClass, SessionKey,
};
use engine::ids::SessionId;
use proptest::prelude::*;
use ractor::rpc::CallResult;
use ractor::{Actor, ActorRef};
use serde_json::{Value, json};
use store::raft_log::snapshot_mark;
use store::records::session::StatusRecord;
use store::{BlobHash, Blobs, Journal, Tables};
use tempfile::TempDir;
use uuid::Uuid;

use super::referenced::{Local, leftover, referenced};
use super::{Collect, CollectArguments, CollectTimes, Stores};
use crate::clock::SystemClock;
use crate::depot::Depot;
use crate::error::ActorsError;
use crate::messages::collect::{CollectMsg, Freed};
use crate::messages::data::DATASETS;
use crate::peers::Alone;

const DEADLINE: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3_600);
const NODE: &str = "node-1";

/// A store with a collector that works when told.
struct Place {
    dir: TempDir,
    stores: Stores,
    actor: ActorRef<CollectMsg>,
}

impl Place {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(&dir.path().join("journal")).unwrap();
        let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
        let sessions_dir = dir.path().join("sessions");
        std::fs::create_dir(&sessions_dir).unwrap();
        let mut config = LocalConfig::new(NODE, Arc::new(|| 1_000));
        config.snapshot_every = 5;
        let control = LocalDriver::start(&journal, &blobs, config).unwrap();
        let tables = Tables::open(&journal);
        let clock = Arc::new(SystemClock);
        let node = NODE.parse().unwrap();
        let depot = Arc::new(Depot::new(node, blobs.clone(), control.clone(), Arc::new(Alone)));
        let stores = Stores { control, journal, tables, blobs, depot, sessions_dir, clock };
        let never = CollectTimes { first: 1_000 * HOUR, every: HOUR, ..CollectTimes::default() };
        let arguments = CollectArguments { stores: stores.clone(), times: never };
        let (actor, _) = Actor::spawn(None, Collect, arguments).await.unwrap();
        let place = Self { dir, stores, actor };
        let capacity = Resources { cpu_millis: 64_000, memory_mib: 64_000, ..Resources::default() };
        let node = NODE.to_owned();
        place.propose(ControlCommand::RegisterNode { node, incarnation: 1, capacity }).await;
        place
    }

    async fn round(&self) -> Result<Freed, ActorsError> {
        let asked =
            self.actor.call(|asker| CollectMsg::Round { asker: Some(asker) }, Some(DEADLINE));
        let CallResult::Success(outcome) = asked.await.unwrap() else { panic!("no answer") };
        outcome
    }

    async fn propose(&self, command: ControlCommand) {
        propose(&self.stores.control, command).await;
    }

    async fn document(&self, kind: &str, id: &str, bytes: Vec<u8>) {
        let key = DocumentKey::new(kind, id);
        let change = DocumentChange::Put { key, expected: Expected::Any, schema: 1, bytes };
        self.propose(ControlCommand::ChangeDocuments { changes: vec![change] }).await;
    }

    /// Stores a file that was put an hour more or less than a day ago.
    fn file(&self, content: &str, age: Age) -> BlobHash {
        let hash = self.stores.blobs.put_bytes(content.as_bytes()).unwrap().sha256;
        self.age(hash, age);
        hash
    }

    fn age(&self, hash: BlobHash, age: Age) {
        let hours = match age {
            Age::Old => 25,
            Age::Young => 23,
        };
        let path = self.stores.blobs.path(hash).unwrap();
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - hours * HOUR).unwrap();
    }

    fn has(&self, hash: BlobHash) -> bool {
        self.stores.blobs.path(hash).is_some()
    }

    /// Adds a session that is placed here.
    async fn session(&self, number: u128, spec: &Value) -> SessionKey {
        let id = *Uuid::from_u128(number).as_bytes();
        self.propose(ControlCommand::SubmitSession(new_session(id, spec))).await;
        let node = NODE.to_owned();
        self.propose(ControlCommand::PlaceSession { session: id, node }).await;
        std::fs::create_dir(self.directory(id)).unwrap();
        std::fs::write(self.directory(id).join("half a checkpoint"), b"x").unwrap();
        id
    }

    fn directory(&self, session: SessionKey) -> std::path::PathBuf {
        self.stores.sessions_dir.join(name(session))
    }

    async fn checkpoint(&self, session: SessionKey, step: u64, file: BlobHash) {
        let manifest = Manifest {
            id: [1; 16],
            step,
            sha256: file.0,
            size_bytes: 1,
            metric_count: 0,
            epoch_index: 0,
            nodes: vec![NODE.to_owned()],
            at_ms: 0,
        };
        let command =
            ControlCommand::CommitCheckpoint { session, epoch: 1, manifest, archive: None };
        self.propose(command).await;
    }

    /// Has the session's holder find something out.
    async fn facts(&self, session: SessionKey, facts: &Value) {
        let command = ControlCommand::RecordPhase {
            session,
            epoch: 1,
            to: None,
            reason: String::new(),
            actor: "worker".to_owned(),
            facts: Some(serde_json::to_vec(facts).unwrap()),
        };
        self.propose(command).await;
    }

    /// Keeps what the first version kept of a session.
    async fn row(&self, session: SessionKey, view: Value) {
        let body = serde_json::to_vec(&json!({"view": view, "seq": 3})).unwrap();
        let status = StatusRecord { revision: 1, layout: 1, body };
        self.stores.tables.sessions.put_status(&session, &status).await.unwrap();
    }

    async fn finish(&self, session: SessionKey) {
        let (kind, detail) = (OutcomeKind::Completed, "done".to_owned());
        let finish = ControlCommand::FinishSession {
            session,
            epoch: 1,
            kind,
            detail,
            result: Vec::new(),
            actor: "worker".to_owned(),
            facts: None,
            archive: None,
        };
        self.propose(finish).await;
    }
}

#[derive(Clone, Copy)]
enum Age {
    Old,
    Young,
}

async fn propose(control: &ControlHandle, command: ControlCommand) {
    let key = ControlCommandId(*Uuid::new_v4().as_bytes());
    control.execute(key, command).await.unwrap();
}

fn new_session(id: SessionKey, spec: &Value) -> NewSession {
    NewSession {
        spec: serde_json::to_vec(spec).unwrap(),
        ..NewSession::plain(id, SessionClass(2), "somebody")
    }
}

fn name(session: SessionKey) -> String {
    SessionId::from_uuid(Uuid::from_bytes(session)).to_string()
}

fn dataset(file: BlobHash) -> Vec<u8> {
    serde_json::to_vec(&json!({"name": "btc", "rows": 3, "sha256": file.to_string()})).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_referred_to_stays_and_the_rest_goes_once_it_is_old() {
    let place = Place::new().await;
    let old = |content| place.file(content, Age::Old);
    let (data, checkpoint, model, report) =
        (old("data"), old("check"), old("model"), old("report"));
    let (pinned_data, tested) = (old("data of a spec"), old("model of a spec"));
    let (orphan, held, returns) = (old("orphan"), old("held"), old("returns of a trial"));
    let young = place.file("young", Age::Young);
    place.document(DATASETS, "dat_1", dataset(data)).await;
    let spec =
        json!({"dataset_sha256": pinned_data.to_string(), "model_sha256": tested.to_string()});
    let training = place.session(1, &spec).await;
    let backtest = place.session(2, &json!({"model_sha256": null})).await;
    place.checkpoint(training, 5, checkpoint).await;
    let view = |model: Option<BlobHash>, report: Option<BlobHash>| {
        json!({
            "model_sha256": model.map(|hash| hash.to_string()),
            "report_sha256": report.map(|hash| hash.to_string()),
        })
    };
    place.facts(training, &view(Some(model), Some(returns))).await;
    place.row(backtest, view(None, Some(report))).await;
    place.finish(backtest).await;
    let pin = place.stores.blobs.pin(held);

    let freed = place.round().await.unwrap();
    assert_eq!(freed, Freed { file_count: 1, bytes: 6, directory_count: 1 });
    assert!(!place.has(orphan));
    assert!(place.directory(training).exists() && !place.directory(backtest).exists());
    for kept in [data, checkpoint, model, report, pinned_data, tested, held, young, returns] {
        assert!(place.has(kept), "{kept}");
    }
    drop(pin);
    assert_eq!(place.round().await.unwrap().file_count, 1, "what was pinned");

    // A session that is removed frees its files, but for its report; one that only ended frees none.
    place.finish(training).await;
    assert_eq!(place.round().await.unwrap(), Freed { directory_count: 1, ..Freed::default() });
    place.propose(ControlCommand::RemoveSession { session: training }).await;
    assert_eq!(place.round().await.unwrap().file_count, 4);
    for gone in [checkpoint, model, pinned_data, tested] {
        assert!(!place.has(gone), "{gone}");
    }
    for kept in [data, report, young, returns] {
        assert!(place.has(kept), "{kept}");
    }
    place.propose(ControlCommand::RemoveSession { session: backtest }).await;
    assert_eq!(place.round().await.unwrap().file_count, 0);
    assert!(place.has(report), "the trial ledger refers to the returns of what was tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_snapshot_of_control_state_stays_even_where_nobody_pins_it() {
    let place = Place::new().await;
    for number in 0..12_u8 {
        place.document("note", &number.to_string(), b"{}".to_vec()).await;
    }
    let mark = snapshot_mark(&place.stores.journal).unwrap().expect("a snapshot was made");
    let snapshot = BlobHash(mark.sha256);
    place.age(snapshot, Age::Old);
    let orphan = place.file("orphan", Age::Old);
    // Another door to the same files knows of no pins.
    let blobs = Blobs::open(&place.dir.path().join("blobs")).unwrap();
    let stores = Stores { blobs, ..place.stores.clone() };
    let round = tokio::task::spawn_blocking(move || super::round::run(&stores, 24 * HOUR));
    assert_eq!(round.await.unwrap().unwrap().file_count, 1);
    assert!(place.has(snapshot) && !place.has(orphan));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_keeps_everything() {
    let place = Place::new().await;
    let orphan = place.file("orphan", Age::Old);
    let ended = place.session(1, &json!({})).await;
    place.finish(ended).await;
    let damages: [(&str, &[u8], &str); 4] = [
        (DATASETS, b"{\"name\": \"btc\"}", "'sha256' is missing"),
        (DATASETS, b"{\"sha256\": \"abc\"}", "no SHA-256"),
        ("note", b"\xff\x00 not JSON", "expected value"),
        ("note", b"{\"deep\": [{\"file_sha256\": \"\"}]}", "no SHA-256"),
    ];
    for (kind, bytes, reason) in damages {
        place.document(kind, "broken", bytes.to_vec()).await;
        let error = place.round().await.unwrap_err().to_string();
        assert!(error.contains(&format!("document {kind}/broken")), "{error}");
        assert!(error.contains(reason) && error.contains("no file was deleted"), "{error}");
        let key = DocumentKey::new(kind, "broken");
        let change = DocumentChange::Delete { key, expected: Expected::Any };
        place.propose(ControlCommand::ChangeDocuments { changes: vec![change] }).await;
    }
    let damaged = StatusRecord { revision: 1, layout: 1, body: b"{".to_vec() };
    place.stores.tables.sessions.put_status(&ended, &damaged).await.unwrap();
    let error = place.round().await.unwrap_err().to_string();
    assert!(error.contains("the row of session") && error.contains(&name(ended)), "{error}");
    assert!(place.has(orphan) && place.directory(ended).exists());
    place.row(ended, json!({})).await;
    assert_eq!(place.round().await.unwrap().file_count, 1, "healed");
    assert!(!place.has(orphan) && !place.directory(ended).exists());
}

#[test]
fn only_directories_of_sessions_that_are_over_are_left_over() {
    let over = name([7; 16]);
    let listed = [over.clone(), "lost+found".to_owned(), "..".to_owned(), "ses_short".to_owned()];
    assert_eq!(leftover(&listed, &ControlState::default()), [over]);
}

/// JSON with hashes in any place.
fn tree() -> impl Strategy<Value = (Value, BTreeSet<BlobHash>)> {
    let leaf = prop_oneof![
        Just((Value::Null, BTreeSet::new())),
        any::<i64>().prop_map(|number| (Value::from(number), BTreeSet::new())),
        "[a-z0-9]{0,70}".prop_map(|text| {
            let found = text.parse::<BlobHash>().ok().into_iter().collect();
            (Value::from(text), found)
        }),
        any::<[u8; 32]>().prop_map(|hash| {
            let hash = BlobHash(hash);
            (Value::from(hash.to_string()), BTreeSet::from([hash]))
        }),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..6).prop_map(|items| {
            let found = items.iter().flat_map(|(_, found)| found.clone()).collect();
            (Value::from(items.into_iter().map(|(item, _)| item).collect::<Vec<_>>()), found)
        });
        let map = prop::collection::btree_map("[a-z]{1,8}", inner, 0..6).prop_map(|fields| {
            let found = fields.values().flat_map(|(_, found)| found.clone()).collect();
            let fields = fields.into_iter().map(|(field, (value, _))| (field, value));
            (Value::Object(fields.collect()), found)
        });
        prop_oneof![list, map]
    })
}

proptest! {
    #[test]
    fn every_hash_that_anything_names_is_found_and_nothing_else((value, wanted) in tree()) {
        let mut state = ControlState::default();
        let change = DocumentChange::Put {
            key: DocumentKey::new("any", "one"),
            expected: Expected::Any,
            schema: 1,
            bytes: serde_json::to_vec(&value).unwrap(),
        };
        let entry = cluster::control::command::Entry {
            index: 1,
            term: 1,
            at_ms: 1,
            commands: vec![cluster::control::Proposed {
                key: ControlCommandId([1; 16]),
                command: ControlCommand::ChangeDocuments { changes: vec![change] },
            }],
        };
        let applied = cluster::control::apply::apply(&mut state, &entry).unwrap();
        prop_assert!(applied.results.iter().all(Result::is_ok));
        prop_assert_eq!(referenced(&state, &Local::default()).unwrap(), wanted);
    }
}
