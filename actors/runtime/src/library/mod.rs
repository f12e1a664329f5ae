//! Strategies: a name, a description and immutable versions of their configuration.
//!
//! Route: form → **library** → control state. Every write is one compare-and-set over all documents it touches, so
//! that two writers cannot both win and nothing is half done. Keeps no truth of its own: after a restart everything
//! is read from control state again.

pub(crate) mod document;
pub(crate) mod seal;

use std::collections::BTreeMap;

use cluster::control::{ControlHandle, Expected};
use engine::config::seal::SHARE_MAX;
use engine::config::{StrategyConfig, Violation};
use engine::ids::StrategyId;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use serde_json::{Value, json};

use self::document::{
    NAMES, STRATEGIES, StrategyDocument, VersionDocument, version_key, version_view, versions_of,
    view,
};
use crate::documents::{
    Change, Claim, Documents, Mirror, Stored, delete, fingerprint, name_key, newest, put,
};
use crate::error::ActorsError;
use crate::messages::library::{LibraryMsg, ListStrategies, NewStrategy, StrategyEdit};
use crate::messages::topics::TopicsHandle;
use crate::messages::{Command, answer, page_limit};
use crate::rules;
use crate::views::{Page, StrategyVersionView, StrategyView};

/// The library actor.
#[derive(Debug)]
pub(crate) struct Library;

/// What the library works with.
pub(crate) struct LibraryArguments {
    /// Where strategies live.
    pub(crate) control: ControlHandle,
    /// Who is told of changes.
    pub(crate) topics: TopicsHandle,
}

/// What the library keeps.
#[derive(Debug)]
pub(crate) struct LibraryState {
    documents: Documents,
    topics: TopicsHandle,
    seen: Mirror<StrategyDocument>,
}

impl Actor for Library {
    type Msg = LibraryMsg;
    type State = LibraryState;
    type Arguments = LibraryArguments;

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        arguments: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let documents = Documents::new(arguments.control);
        let mut state =
            LibraryState { documents, topics: arguments.topics, seen: Mirror::new(STRATEGIES) };
        state.refresh()?;
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            LibraryMsg::Create { command, wanted, reply } => {
                answer(reply, state.create(&command, wanted).await)
            }
            LibraryMsg::List { filter, reply } => answer(reply, state.list(&filter)),
            LibraryMsg::Get { id, reply } => {
                answer(reply, state.get(id).and_then(|stored| view(&stored)))
            }
            LibraryMsg::Versions { id, reply } => answer(reply, state.versions(id)),
            LibraryMsg::Version { id, number, reply } => answer(reply, state.version(id, number)),
            LibraryMsg::AddVersion { command, id, revision, config, reply } => {
                answer(reply, state.add_version(&command, id, revision, &config).await);
            }
            LibraryMsg::Update { command, id, revision, edit, reply } => {
                answer(reply, state.update(&command, id, revision, edit).await);
            }
            LibraryMsg::Seal { id, reply } => answer(reply, state.seal(id)),
            LibraryMsg::OpenSeal { command, id, reason, reply } => {
                answer(reply, state.open_seal(&command, id, &reason).await);
            }
            LibraryMsg::Remembers { id, reply } => answer(reply, Ok(state.documents.remembers(id))),
            LibraryMsg::Archive { command, id, revision, reply } => {
                answer(reply, state.archive(&command, id, revision).await);
            }
            #[cfg(test)]
            LibraryMsg::Crash => return Err("told to crash".into()),
        }
        state.refresh()?;
        Ok(())
    }
}

impl LibraryState {
    /// Reads what changed and tells those who watch.
    fn refresh(&mut self) -> Result<(), ActorsError> {
        for change in self.seen.refresh(&self.documents)? {
            match change {
                Change::Written(id) => {
                    if let Some(stored) = self.seen.get(&id) {
                        self.topics.publish_state("strategies", &id, &view(stored)?);
                    }
                }
                Change::Removed(id) => self.topics.remove_state("strategies", &id),
            }
        }
        Ok(())
    }

    fn list(&mut self, filter: &ListStrategies) -> Result<Page<StrategyView>, ActorsError> {
        self.refresh()?;
        let part = filter.name.as_deref().unwrap_or_default().to_lowercase();
        let fits = |stored: &&Stored<StrategyDocument>| {
            (filter.archived || !stored.value.archived)
                && stored.value.name.to_lowercase().contains(&part)
        };
        newest(
            self.seen.iter().filter(fits),
            page_limit(filter.limit),
            filter.after.as_deref(),
            view,
        )
    }

    fn get(&self, id: StrategyId) -> Result<Stored<StrategyDocument>, ActorsError> {
        self.documents.get(STRATEGIES, &id.to_string())?.ok_or_else(|| ActorsError::NotFound {
            what: "strategy",
            id: id.to_string(),
            reason: "there is none of that id; list the strategies to see which there are"
                .to_owned(),
        })
    }

    fn versions(&self, id: StrategyId) -> Result<Vec<StrategyVersionView>, ActorsError> {
        self.get(id)?;
        let stored = self.documents.list::<VersionDocument>(&versions_of(id))?;
        stored.iter().rev().map(|version| version_view(id, version)).collect()
    }

    fn version(&self, id: StrategyId, number: u32) -> Result<StrategyVersionView, ActorsError> {
        let newest = self.get(id)?.value.version;
        let stored =
            self.documents.get::<VersionDocument>(&versions_of(id), &version_key(number))?;
        let stored = stored.ok_or_else(|| ActorsError::NotFound {
            what: "strategy version",
            id: format!("{id} version {number}"),
            reason: format!("its versions are 1 to {newest}"),
        })?;
        version_view(id, &stored)
    }

    async fn create(
        &mut self,
        command: &Command,
        wanted: NewStrategy,
    ) -> Result<StrategyView, ActorsError> {
        let id = StrategyId::from_uuid(command.id.derive(STRATEGIES));
        if let Some(stored) = self.documents.get(STRATEGIES, &id.to_string())? {
            return self.created_before(id, &stored, &wanted);
        }
        let mut violations: Vec<Violation> =
            rules::name("/name", &wanted.name).into_iter().collect();
        violations.extend(rules::description("/description", &wanted.description));
        let config = checked(&wanted.config, violations)?;
        let request = Some(fingerprint_of(&wanted)?);
        let name = wanted.name.trim().to_owned();
        let claim = self.claim(&name, id)?;
        let mut document = StrategyDocument {
            name,
            description: wanted.description,
            algorithm: config.agent.algorithm().to_owned(),
            version: 1,
            owner: command.actor.clone(),
            archived: false,
            commands: Vec::new(),
            request,
        };
        document.remember(&command.id.to_string());
        let version = VersionDocument {
            hash: engine::config::hash(&config),
            config,
            author: command.actor.clone(),
            command: command.id.to_string(),
            request: Some(fingerprint(&wanted.config)?),
        };
        let changes = vec![
            claim,
            put(STRATEGIES, &id.to_string(), Expected::Absent, &document)?,
            put(&versions_of(id), &version_key(1), Expected::Absent, &version)?,
        ];
        self.documents.change(command.id, changes).await?;
        view(&self.get(id)?)
    }

    /// Answers a repeated creation with what the first one made.
    fn created_before(
        &self,
        id: StrategyId,
        stored: &Stored<StrategyDocument>,
        wanted: &NewStrategy,
    ) -> Result<StrategyView, ActorsError> {
        let document = &stored.value;
        let same = match &document.request {
            Some(request) => *request == fingerprint_of(wanted)?,
            None => {
                // Made by an older program: its first version is still what was sent; its texts only before the first change.
                let texts_fit = stored.revision > 1
                    || (document.name == wanted.name.trim()
                        && document.description == wanted.description);
                let config = checked(&wanted.config, Vec::new())?;
                texts_fit && self.version(id, 1)?.hash == engine::config::hash(&config)
            }
        };
        if same {
            return view(stored);
        }
        Err(ActorsError::IdempotencyMismatch { found: format!("strategy {id}") })
    }

    /// Returns the change that gives `name` to `id`.
    fn claim(
        &self,
        name: &str,
        id: StrategyId,
    ) -> Result<cluster::control::DocumentChange, ActorsError> {
        let key = name_key(name);
        let owner = Claim { id: id.to_string() };
        let Some(taken) = self.documents.get::<Claim>(NAMES, &key)? else {
            return put(NAMES, &key, Expected::Absent, &owner);
        };
        if taken.value != owner {
            return Err(ActorsError::Conflict {
                detail: format!(
                    "a strategy named '{name}' exists already ({}); choose another name",
                    taken.value.id
                ),
                params: BTreeMap::from([
                    ("name".to_owned(), json!(name)),
                    ("id".to_owned(), json!(taken.value.id)),
                ]),
            });
        }
        put(NAMES, &key, Expected::Revision(taken.revision), &owner)
    }

    async fn add_version(
        &mut self,
        command: &Command,
        id: StrategyId,
        revision: Option<u64>,
        config: &Value,
    ) -> Result<StrategyVersionView, ActorsError> {
        let stored = self.get(id)?;
        let command_text = command.id.to_string();
        let repeated = self.documents.list::<VersionDocument>(&versions_of(id))?;
        if let Some(first) = repeated.iter().find(|version| version.value.command == command_text) {
            return if saved_from(&first.value, config)? {
                version_view(id, first)
            } else {
                let found = format!("a version of strategy {id}");
                Err(ActorsError::IdempotencyMismatch { found })
            };
        }
        let request = Some(fingerprint(config)?);
        let config = checked(config, Vec::new())?;
        open(&stored)?;
        fresh(&stored, revision)?;
        never_less(&config, seal::share_of(repeated.iter().map(|version| &version.value)))?;
        let hash = engine::config::hash(&config);
        if let Some(newest) = repeated.last().filter(|newest| newest.value.hash == hash) {
            return version_view(id, newest);
        }
        let number = stored.value.version + 1;
        let mut document = stored.value.clone();
        document.version = number;
        document.algorithm = config.agent.algorithm().to_owned();
        document.remember(&command_text);
        let author = command.actor.clone();
        let version = VersionDocument { hash, config, author, command: command_text, request };
        let changes = vec![
            put(STRATEGIES, &stored.id, Expected::Revision(stored.revision), &document)?,
            put(&versions_of(id), &version_key(number), Expected::Absent, &version)?,
        ];
        self.documents.change(command.id, changes).await?;
        self.version(id, number)
    }

    async fn update(
        &mut self,
        command: &Command,
        id: StrategyId,
        revision: u64,
        edit: StrategyEdit,
    ) -> Result<StrategyView, ActorsError> {
        let stored = self.get(id)?;
        if stored.value.commands.contains(&command.id.to_string()) {
            return view(&stored);
        }
        let mut violations: Vec<Violation> =
            edit.name.iter().filter_map(|name| rules::name("/name", name)).collect();
        violations.extend(
            edit.description.iter().filter_map(|text| rules::description("/description", text)),
        );
        if !violations.is_empty() {
            return Err(ActorsError::Invalid { errors: violations });
        }
        open(&stored)?;
        fresh(&stored, Some(revision))?;
        let mut document = stored.value.clone();
        let mut changes = Vec::new();
        if let Some(name) = edit.name.map(|name| name.trim().to_owned()) {
            if name_key(&name) != name_key(&document.name) {
                changes.push(self.claim(&name, id)?);
                changes.push(delete(NAMES, &name_key(&document.name), Expected::Any));
            }
            document.name = name;
        }
        if let Some(description) = edit.description {
            document.description = description;
        }
        if document == stored.value {
            return view(&stored);
        }
        document.remember(&command.id.to_string());
        changes.push(put(STRATEGIES, &stored.id, Expected::Revision(stored.revision), &document)?);
        self.documents.change(command.id, changes).await?;
        view(&self.get(id)?)
    }

    async fn archive(
        &mut self,
        command: &Command,
        id: StrategyId,
        revision: Option<u64>,
    ) -> Result<StrategyView, ActorsError> {
        let stored = self.get(id)?;
        if stored.value.archived {
            return view(&stored);
        }
        fresh(&stored, revision)?;
        let mut document = stored.value.clone();
        document.archived = true;
        document.remember(&command.id.to_string());
        let changes = vec![
            put(STRATEGIES, &stored.id, Expected::Revision(stored.revision), &document)?,
            delete(NAMES, &name_key(&document.name), Expected::Any),
        ];
        self.documents.change(command.id, changes).await?;
        view(&self.get(id)?)
    }
}

/// Returns the fingerprint of a whole creation.
fn fingerprint_of(wanted: &NewStrategy) -> Result<String, ActorsError> {
    fingerprint(&(wanted.name.trim(), &wanted.description, &wanted.config))
}

/// Says whether a version was saved from this configuration.
fn saved_from(version: &VersionDocument, config: &Value) -> Result<bool, ActorsError> {
    match &version.request {
        Some(request) => Ok(*request == fingerprint(config)?),
        None => Ok(version.hash == engine::config::hash(&checked(config, Vec::new())?)),
    }
}

/// Reads a configuration and adds its violations to those already found.
fn checked(config: &Value, mut violations: Vec<Violation>) -> Result<StrategyConfig, ActorsError> {
    match engine::config::validate::strategy(config) {
        Ok(config) if violations.is_empty() => Ok(config),
        Ok(_) => Err(ActorsError::Invalid { errors: violations }),
        Err(found) => {
            violations.extend(rules::under("/config", found));
            Err(ActorsError::Invalid { errors: violations })
        }
    }
}

/// Refuses a version that seals less than one before it: nobody could tell what was seen.
fn never_less(config: &StrategyConfig, sealed: f64) -> Result<(), ActorsError> {
    let share = config.seal.share;
    if sealed <= share {
        return Ok(());
    }
    let detail = format!(
        "wanted a sealed share of at least {sealed}, because an earlier version seals as much and what is sealed stays so; found          {share}. Keep the share, or make a new strategy"
    );
    Err(Violation::new("/config/seal/share", "out_of_range", detail)
        .with("min", sealed)
        .with("max", SHARE_MAX)
        .with("got", share)
        .into())
}

fn open(stored: &Stored<StrategyDocument>) -> Result<(), ActorsError> {
    if !stored.value.archived {
        return Ok(());
    }
    Err(ActorsError::IllegalTransition {
        command: "change the strategy".to_owned(),
        state: "archived".to_owned(),
        hint: "make a new strategy from one of its versions".to_owned(),
    })
}

fn fresh(stored: &Stored<StrategyDocument>, revision: Option<u64>) -> Result<(), ActorsError> {
    match revision {
        Some(wanted) if wanted != stored.revision => {
            Err(ActorsError::StaleRevision { what: "strategy", wanted, current: stored.revision })
        }
        Some(_) | None => Ok(()),
    }
}
