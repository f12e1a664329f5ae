//! The catalogue of data sets: import, look into, show, remove.
//!
//! Route: bytes → **data** → snapshot blob + document in control state. Parsing and decoding happen on blocking
//! threads and come back as messages; at most [`IMPORTS_MAX`] imports run at once.

pub(crate) mod bins;
mod cache;
pub(crate) mod columns;
pub(crate) mod document;
mod file;
pub(crate) mod folder;
pub(crate) mod import;
pub(crate) mod inspect;
mod look;
pub(crate) mod plan;
mod preview;
pub(crate) mod quality;
mod steps;
mod times;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use cluster::control::{ControlHandle, DocumentKey, Expected};
use engine::ids::{DatasetId, SessionId};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use serde_json::json;
use store::{BlobHash, Blobs};
use tokio::sync::Semaphore;

use self::cache::Cache;
use self::document::{DATASETS, DatasetDocument, Imported, NAMES, view};
use self::import::Parent;
use crate::depot::Depot;
use crate::documents::{Change, Claim, Documents, Mirror, Stored, delete, name_key, newest, put};
use crate::error::ActorsError;
use crate::messages::data::{
    Consumers, DataMsg, DatasetSnapshot, ImportRequest, ImportSource, InspectRequest,
};
use crate::messages::topics::TopicsHandle;
use crate::messages::{Command, CommandId, answer, page_limit};
use crate::rules;
use crate::views::{ConsumersView, DatasetView, DerivedView, InspectionView};

/// Most imports at once: each may hold a whole file in memory.
const IMPORTS_MAX: usize = 4;
/// Most files looked at before an import at once, and most snapshots looked into: each may be in memory whole.
const INSPECTIONS_MAX: usize = 2;
const LOOKS_MAX: usize = 8;
/// Most users named when a removal is refused.
const USERS_NAMED_MAX: usize = 10;
/// Most sessions and data sets named of those that use one.
const CONSUMERS_MAX: usize = 100;

/// The catalogue actor.
#[derive(Debug)]
pub(crate) struct Data;

/// What the catalogue works with.
pub(crate) struct DataArguments {
    /// Where data sets are registered.
    pub(crate) control: ControlHandle,
    /// Where snapshots lie.
    pub(crate) blobs: Blobs,
    /// Where snapshots lie on other nodes.
    pub(crate) depot: Arc<Depot>,
    /// Who is told of changes.
    pub(crate) topics: TopicsHandle,
}

/// What the catalogue keeps.
pub(crate) struct DataState {
    control: ControlHandle,
    documents: Documents,
    blobs: Blobs,
    depot: Arc<Depot>,
    topics: TopicsHandle,
    cache: Cache,
    running: BTreeSet<CommandId>,
    inspections: Arc<Semaphore>,
    looks: Arc<Semaphore>,
    seen: Mirror<DatasetDocument>,
}

impl Actor for Data {
    type Msg = DataMsg;
    type State = DataState;
    type Arguments = DataArguments;

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        arguments: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let mut state = DataState {
            documents: Documents::new(arguments.control.clone()),
            control: arguments.control,
            blobs: arguments.blobs,
            depot: arguments.depot,
            topics: arguments.topics,
            cache: Cache::default(),
            running: BTreeSet::new(),
            inspections: Arc::new(Semaphore::new(INSPECTIONS_MAX)),
            looks: Arc::new(Semaphore::new(LOOKS_MAX)),
            seen: Mirror::new(DATASETS),
        };
        state.refresh()?;
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            DataMsg::Import { command, request, reply } => {
                state.import(&myself, command, request, reply)
            }
            DataMsg::Parsed { command, name, outcome, reply } => {
                state.running.remove(&command.id);
                let outcome = match outcome {
                    Ok(imported) => state.admit(&command, &name, *imported).await,
                    Err(error) => Err(error),
                };
                answer(reply, outcome);
            }
            DataMsg::List { limit, after, reply } => {
                state.refresh()?;
                answer(reply, newest(state.seen.iter(), page_limit(limit), after.as_deref(), view));
            }
            DataMsg::Get { id, reply } => {
                answer(reply, state.get(id).and_then(|stored| view(&stored)))
            }
            DataMsg::Find { name, reply } => answer(reply, state.find(&name)),
            DataMsg::Inspect { request, reply } => state.inspect(request, reply),
            DataMsg::Look { id, what } => state.look(&myself, id, what),
            DataMsg::Decoded { sha256, data } => state.cache.put(sha256, data),
            DataMsg::Assessed { sha256, calendar, report } => {
                state.cache.put_report((sha256, calendar), *report);
            }
            DataMsg::Consumers { id, reply } => answer(reply, state.consumers(id)),
            DataMsg::Snapshot { id, reply } => answer(reply, state.snapshot(id)),
            DataMsg::Remove { command, id, revision, reply } => {
                answer(reply, state.remove(&command, id, revision).await);
            }
            #[cfg(test)]
            DataMsg::Crash => return Err("told to crash".into()),
        }
        state.refresh()?;
        Ok(())
    }
}

impl DataState {
    /// Reads what changed and tells those who watch.
    fn refresh(&mut self) -> Result<(), ActorsError> {
        for change in self.seen.refresh(&self.documents)? {
            match change {
                Change::Written(id) => {
                    if let Some(stored) = self.seen.get(&id) {
                        self.topics.publish_state("datasets", &id, &view(stored)?);
                    }
                }
                Change::Removed(id) => self.topics.remove_state("datasets", &id),
            }
        }
        Ok(())
    }

    fn get(&self, id: DatasetId) -> Result<Stored<DatasetDocument>, ActorsError> {
        self.documents.get(DATASETS, &id.to_string())?.ok_or_else(|| missing(id))
    }

    fn find(&self, name: &str) -> Result<Option<DatasetView>, ActorsError> {
        let Some(claim) = self.documents.get::<Claim>(NAMES, &name_key(name))? else {
            return Ok(None);
        };
        let stored = self.documents.get::<DatasetDocument>(DATASETS, &claim.value.id)?;
        stored.as_ref().map(view).transpose()
    }

    fn import(
        &mut self,
        myself: &ActorRef<DataMsg>,
        command: Command,
        request: ImportRequest,
        reply: RpcReplyPort<Result<DatasetView, ActorsError>>,
    ) {
        match self.may_import(&command, &request) {
            Ok(None) => {}
            Ok(Some(first)) => {
                // A whole file may have to be hashed to compare.
                tokio::task::spawn_blocking(move || answer(reply, repeated(&first, &request)));
                return;
            }
            Err(error) => return answer(reply, Err(error)),
        }
        let parent = match self.parent(&request.source) {
            Ok(parent) => parent,
            Err(error) => return answer(reply, Err(error)),
        };
        self.running.insert(command.id);
        let (blobs, depot, myself) = (self.blobs.clone(), self.depot.clone(), myself.clone());
        tokio::spawn(async move {
            let name = request.name.clone();
            let parsed = tokio::task::spawn_blocking(move || {
                caught(|| import::run(&blobs, request, parent))
            });
            let parsed = parsed.await.unwrap_or_else(|error| Err(ActorsError::internal(error)));
            let outcome = parsed.map(Box::new);
            if let Ok(imported) = &outcome {
                spread(&depot, &imported.document.sha256).await;
            }
            if myself.cast(DataMsg::Parsed { command, name, outcome, reply }).is_err() {
                tracing::warn!(
                    "an import ended after the catalogue did; its caller learns that it was not answered"
                );
            }
        });
    }

    /// Returns what a command with this id already imported, or nothing when the import may begin.
    fn may_import(
        &self,
        command: &Command,
        request: &ImportRequest,
    ) -> Result<Option<Stored<DatasetDocument>>, ActorsError> {
        let id = DatasetId::from_uuid(command.id.derive(DATASETS));
        if let Some(first) = self.documents.get::<DatasetDocument>(DATASETS, &id.to_string())? {
            return Ok(Some(first));
        }
        if let Some(violation) = rules::name("/name", &request.name) {
            return Err(ActorsError::Invalid { errors: vec![violation] });
        }
        if self.running.contains(&command.id) {
            return Err(ActorsError::InProgress { what: format!("import of '{}'", request.name) });
        }
        if let Some(taken) = self.find(&request.name)? {
            return Err(taken_name(&taken));
        }
        if IMPORTS_MAX <= self.running.len() {
            let limit = u64::try_from(IMPORTS_MAX).unwrap_or(u64::MAX);
            return Err(ActorsError::Overloaded { what: "the number of imports at once", limit });
        }
        Ok(None)
    }

    /// Registers an import. When it is refused, its snapshot goes at once unless somebody else needs it.
    async fn admit(
        &mut self,
        command: &Command,
        name: &str,
        imported: Imported,
    ) -> Result<DatasetView, ActorsError> {
        let Imported { document, pin } = imported;
        let sha256 = document.sha256.clone();
        let outcome = self.register(command, name, document).await;
        drop(pin);
        // Any other error may mean that it was registered after all; what was not is collected a day later.
        if matches!(outcome, Err(ActorsError::Conflict { .. })) {
            self.discard(&sha256).await?;
        }
        outcome
    }

    /// Removes a snapshot that no data set has. Only this actor registers data sets and it does nothing else meanwhile;
    /// an import of the same content under way holds a pin, and one that comes later stores it again.
    async fn discard(&mut self, sha256: &str) -> Result<(), ActorsError> {
        self.refresh()?;
        if self.seen.iter().any(|stored| stored.value.sha256 == sha256) {
            return Ok(());
        }
        let (blobs, hash) = (self.blobs.clone(), hash(sha256)?);
        let removed = tokio::task::spawn_blocking(move || blobs.remove(hash)).await;
        if let Err(error) = removed.map_err(ActorsError::internal)? {
            tracing::warn!(%error, "the snapshot of a refused import stays until it is collected");
        }
        Ok(())
    }

    async fn register(
        &mut self,
        command: &Command,
        name: &str,
        mut document: DatasetDocument,
    ) -> Result<DatasetView, ActorsError> {
        if let Some(taken) = self.find(name)? {
            return Err(taken_name(&taken));
        }
        let id = DatasetId::from_uuid(command.id.derive(DATASETS));
        document.command = command.id.to_string();
        let claim = self.documents.get::<Claim>(NAMES, &name_key(name))?;
        let expected = claim.map_or(Expected::Absent, |claim| Expected::Revision(claim.revision));
        let changes = vec![
            put(NAMES, &name_key(name), expected, &Claim { id: id.to_string() })?,
            put(DATASETS, &id.to_string(), Expected::Absent, &document)?,
        ];
        self.documents.change(command.id, changes).await?;
        view(&self.get(id)?)
    }

    /// Returns what is known of the data set that another one is to be made of.
    fn parent(&self, source: &ImportSource) -> Result<Option<Parent>, ActorsError> {
        match source {
            ImportSource::Dataset(id) => Ok(Some(Parent::of(self.get(*id)?.value))),
            ImportSource::Path(_) | ImportSource::Bytes { .. } | ImportSource::Synthetic { .. } => {
                Ok(None)
            }
        }
    }

    fn inspect(
        &self,
        request: InspectRequest,
        reply: RpcReplyPort<Result<InspectionView, ActorsError>>,
    ) {
        let Ok(permit) = Arc::clone(&self.inspections).try_acquire_owned() else {
            let limit = u64::try_from(INSPECTIONS_MAX).unwrap_or(u64::MAX);
            let busy = ActorsError::Overloaded { what: "the number of files looked at", limit };
            return answer(reply, Err(busy));
        };
        tokio::task::spawn_blocking(move || {
            let InspectRequest { file_name, bytes, plan } = request;
            let told = caught(|| {
                let limit = u64::try_from(import::BYTES_MAX).unwrap_or(u64::MAX);
                file::too_large(u64::try_from(bytes.len()).unwrap_or(u64::MAX), limit)?;
                inspect::bytes(&file_name, bytes, &plan)
            });
            drop(permit);
            answer(reply, told);
        });
    }

    fn consumers(&self, id: DatasetId) -> Result<Consumers, ActorsError> {
        let document = self.get(id)?.value;
        let key = DocumentKey::new(DATASETS, id.to_string());
        let (session_count, sessions) = self.control.read(|state| {
            let mut users: Vec<SessionId> = state
                .sessions
                .iter()
                .filter(|session| session.references.contains(&key))
                .map(|session| SessionId::from_uuid(uuid::Uuid::from_bytes(session.id)))
                .collect();
            let count = users.len();
            // Identifiers begin with their time.
            users.sort_unstable_by(|one, other| other.cmp(one));
            users.truncate(CONSUMERS_MAX);
            (count, users)
        });
        let datasets =
            self.related(|other| other.parent_sha256.as_ref() == Some(&document.sha256))?;
        let made_of = match &document.parent_sha256 {
            Some(parent) => self.related(|other| other.sha256 == *parent)?,
            None => Vec::new(),
        };
        let session_count = u64::try_from(session_count).unwrap_or(u64::MAX);
        let view = ConsumersView { session_count, sessions: Vec::new(), datasets, made_of };
        Ok(Consumers { sessions, view })
    }

    /// Returns the data sets that are meant, not all where there are many.
    fn related(
        &self,
        is_meant: impl Fn(&DatasetDocument) -> bool,
    ) -> Result<Vec<DerivedView>, ActorsError> {
        let meant = self.seen.iter().filter(|stored| is_meant(&stored.value));
        let mut found = Vec::new();
        for stored in meant.take(CONSUMERS_MAX) {
            let id = stored.id.parse().map_err(ActorsError::internal)?;
            found.push(DerivedView { id, name: stored.value.name.clone() });
        }
        Ok(found)
    }

    fn snapshot(&self, id: DatasetId) -> Result<DatasetSnapshot, ActorsError> {
        let view = view(&self.get(id)?)?;
        let path = path(&self.blobs, &view.sha256)?;
        Ok(DatasetSnapshot { view, path })
    }

    async fn remove(
        &mut self,
        command: &Command,
        id: DatasetId,
        revision: Option<u64>,
    ) -> Result<(), ActorsError> {
        let there = self.documents.get::<DatasetDocument>(DATASETS, &id.to_string())?;
        if let Some(stored) = &there {
            if let Some(wanted) = revision.filter(|wanted| *wanted != stored.revision) {
                return Err(ActorsError::StaleRevision {
                    what: "data set",
                    wanted,
                    current: stored.revision,
                });
            }
            let by = self.users(id);
            if !by.is_empty() {
                return Err(ActorsError::InUse { what: "data set", id: id.to_string(), by });
            }
        }
        // The same command gives the same proposal, so that repeating it after the removal gives the first answer.
        // The claim on the name stays behind and counts as free, for its owner is gone.
        let expected = revision.map_or(Expected::Present, Expected::Revision);
        match self
            .documents
            .change(command.id, vec![delete(DATASETS, &id.to_string(), expected)])
            .await
        {
            Ok(_) => Ok(()),
            Err(_) if there.is_none() => Err(missing(id)),
            Err(error) => Err(error),
        }
    }

    /// Returns the sessions that refer to a data set, ended ones included: their reports name it.
    fn users(&self, id: DatasetId) -> Vec<String> {
        let key = DocumentKey::new(DATASETS, id.to_string());
        self.control.read(|state| {
            let users = state.sessions.iter().filter(|session| session.references.contains(&key));
            users
                .take(USERS_NAMED_MAX)
                .map(|session| SessionId::from_uuid(uuid::Uuid::from_bytes(session.id)).to_string())
                .collect()
        })
    }
}

/// Puts a snapshot on a second node where there is one. Where none takes it, the others fetch it later.
async fn spread(depot: &Depot, sha256: &str) {
    let spread = match hash(sha256) {
        Ok(hash) => depot.replicate(hash).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = spread {
        tracing::warn!(sha256, %error, "an imported snapshot is on this node only for now");
    }
}

/// Answers a repeated import with what the first one made.
fn repeated(
    first: &Stored<DatasetDocument>,
    request: &ImportRequest,
) -> Result<DatasetView, ActorsError> {
    if import::imported_by(&first.value, request)? {
        return view(first);
    }
    Err(ActorsError::IdempotencyMismatch { found: format!("data set {}", first.id) })
}

/// Runs foreign bytes through a parser: a panic in one is an answer, not the end of a thread.
fn caught<T>(work: impl FnOnce() -> Result<T, ActorsError>) -> Result<T, ActorsError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(ActorsError::internal("a parser panicked on this file; please report it"))
    })
}

fn missing(id: DatasetId) -> ActorsError {
    ActorsError::NotFound {
        what: "data set",
        id: id.to_string(),
        reason: "there is none of that id; list the data sets to see which there are".to_owned(),
    }
}

fn path(blobs: &Blobs, sha256: &str) -> Result<PathBuf, ActorsError> {
    blobs.path(hash(sha256)?).ok_or_else(|| lost(sha256, "it is missing on this node"))
}

fn hash(sha256: &str) -> Result<BlobHash, ActorsError> {
    sha256.parse().map_err(ActorsError::internal)
}

fn lost(sha256: &str, why: &str) -> ActorsError {
    ActorsError::Store {
        detail: format!("the snapshot {sha256} cannot be read ({why}); import the data again"),
    }
}

fn taken_name(taken: &DatasetView) -> ActorsError {
    ActorsError::Conflict {
        detail: format!(
            "a data set named '{}' exists already ({}); choose another name",
            taken.name, taken.id
        ),
        params: BTreeMap::from([
            ("name".to_owned(), json!(taken.name)),
            ("id".to_owned(), json!(taken.id)),
            ("sha256".to_owned(), json!(taken.sha256)),
        ]),
    }
}
