//! Strategies as the world sees them: immutable versions under a name.

use engine::ids::StrategyId;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;
use serde_json::Value;

use super::{Command, CommandId, ask};
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::views::{Page, SealView, StrategyVersionView, StrategyView};

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "library";

/// A strategy as asked for.
#[derive(Debug, Clone)]
pub struct NewStrategy {
    /// Name, 1 to 120 characters, unique among those not archived.
    pub name: String,
    /// Free text, at most 4 000 characters.
    pub description: String,
    /// A `StrategyConfig` as JSON; fully validated here.
    pub config: Value,
}

/// Which strategies to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct ListStrategies {
    /// Rows per page, 1 to 500; 0 means 50.
    pub limit: u32,
    /// `Page::next` of the page before.
    pub after: Option<String>,
    /// Also those that were archived.
    pub archived: bool,
    /// Only names that contain this text, case ignored.
    pub name: Option<String>,
}

/// What may be changed of a strategy besides its versions. Absent means unchanged.
#[derive(Debug, Clone, Default)]
pub struct StrategyEdit {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
}

type Reply<T> = RpcReplyPort<Result<T, ActorsError>>;

/// Everything the library can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum LibraryMsg {
    /// Make a strategy with its first version.
    Create { command: Command, wanted: NewStrategy, reply: Reply<StrategyView> },
    /// One page of strategies.
    List { filter: ListStrategies, reply: Reply<Page<StrategyView>> },
    /// One strategy.
    Get { id: StrategyId, reply: Reply<StrategyView> },
    /// All versions of a strategy, newest first.
    Versions { id: StrategyId, reply: Reply<Vec<StrategyVersionView>> },
    /// One version.
    Version { id: StrategyId, number: u32, reply: Reply<StrategyVersionView> },
    /// Save a new version.
    AddVersion {
        command: Command,
        id: StrategyId,
        revision: Option<u64>,
        config: Value,
        reply: Reply<StrategyVersionView>,
    },
    /// How a strategy's seal stands.
    Seal { id: StrategyId, reply: Reply<SealView> },
    /// Open a strategy's seal, once.
    OpenSeal { command: Command, id: StrategyId, reason: String, reply: Reply<SealView> },
    /// Change name or description.
    Update {
        command: Command,
        id: StrategyId,
        revision: u64,
        edit: StrategyEdit,
        reply: Reply<StrategyView>,
    },
    /// Hide it and close it to new versions.
    Archive { command: Command, id: StrategyId, revision: Option<u64>, reply: Reply<StrategyView> },
    /// Whether a command was already done.
    Remembers { id: CommandId, reply: Reply<bool> },
    /// Panic: a test wants to see the restart.
    #[cfg(test)]
    Crash,
}

/// The door to the library.
#[derive(Debug, Clone)]
pub struct LibraryHandle {
    directory: Directory,
}

impl LibraryHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// Says whether a command of that id, to whichever actor, changed the documents or sessions within the last day:
    /// the answer to repeating it is then a replay.
    ///
    /// # Errors
    /// Tells when the library does not answer.
    pub async fn remembers(&self, id: CommandId) -> Result<bool, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::Remembers { id, reply }).await
    }

    /// Makes a strategy with its first version.
    ///
    /// # Errors
    /// Refuses a bad name or configuration (all violations at once) and a name already taken.
    pub async fn create(
        &self,
        command: Command,
        wanted: NewStrategy,
    ) -> Result<StrategyView, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::Create { command, wanted, reply }).await
    }

    /// Returns one page of strategies, newest first.
    ///
    /// # Errors
    /// Refuses a cursor that this list did not make.
    pub async fn list(&self, filter: ListStrategies) -> Result<Page<StrategyView>, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::List { filter, reply }).await
    }

    /// Returns one strategy.
    ///
    /// # Errors
    /// Refuses when there is none of that id.
    pub async fn get(&self, id: StrategyId) -> Result<StrategyView, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::Get { id, reply }).await
    }

    /// Returns all versions of a strategy, newest first.
    ///
    /// # Errors
    /// Refuses when there is no strategy of that id.
    pub async fn versions(&self, id: StrategyId) -> Result<Vec<StrategyVersionView>, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::Versions { id, reply }).await
    }

    /// Returns one version.
    ///
    /// # Errors
    /// Refuses when there is none of that number.
    pub async fn version(
        &self,
        id: StrategyId,
        number: u32,
    ) -> Result<StrategyVersionView, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::Version { id, number, reply }).await
    }

    /// Saves a new version. A configuration equal to the newest one returns that version and changes nothing.
    ///
    /// # Errors
    /// Refuses a bad configuration, an archived strategy and an old `revision`.
    pub async fn add_version(
        &self,
        command: Command,
        id: StrategyId,
        revision: Option<u64>,
        config: Value,
    ) -> Result<StrategyVersionView, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::AddVersion {
            command,
            id,
            revision,
            config,
            reply,
        })
        .await
    }

    /// Returns how many rows a strategy keeps sealed, and whether it was opened.
    ///
    /// # Errors
    /// Refuses when there is no strategy of that id.
    pub async fn seal(&self, id: StrategyId) -> Result<SealView, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::Seal { id, reply }).await
    }

    /// Opens a strategy's seal, once and for ever. Repeating the command returns what stands.
    ///
    /// # Errors
    /// Refuses a second opening with who opened it and when, a strategy that seals nothing, and a reason that is none.
    pub async fn open_seal(
        &self,
        command: Command,
        id: StrategyId,
        reason: String,
    ) -> Result<SealView, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::OpenSeal { command, id, reason, reply })
            .await
    }

    /// Changes name or description.
    ///
    /// # Errors
    /// Refuses a bad or taken name and an old `revision`.
    pub async fn update(
        &self,
        command: Command,
        id: StrategyId,
        revision: u64,
        edit: StrategyEdit,
    ) -> Result<StrategyView, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::Update {
            command,
            id,
            revision,
            edit,
            reply,
        })
        .await
    }

    /// Hides a strategy from lists and closes it to new versions. Repeating it changes nothing.
    ///
    /// # Errors
    /// Refuses an old `revision`.
    pub async fn archive(
        &self,
        command: Command,
        id: StrategyId,
        revision: Option<u64>,
    ) -> Result<StrategyView, ActorsError> {
        ask(&self.directory, NAME, |reply| LibraryMsg::Archive { command, id, revision, reply })
            .await
    }
}
