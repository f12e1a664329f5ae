//! Data sets as the world sees them: imported once, then an immutable snapshot.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use engine::ids::DatasetId;
use engine::market::BarSeries;
use engine::market::parse::CsvMapping;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use super::{Command, LONG_CALL_TIMEOUT_MS, ask, ask_within};
use crate::data::document::Imported;
use crate::depot::Depot;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::views::{BarsView, DatasetView, Page};

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "data";

/// Collection of data sets in control state: what a session refers to.
pub(crate) const DATASETS: &str = "dataset";

/// Where bars come from.
#[derive(Debug, Clone)]
pub enum ImportSource {
    /// A file this node can read: CSV, or Parquet when its name ends in `.parquet`. A directory means its `data.csv`.
    Path(PathBuf),
    /// A file that was sent. Its name decides the format as with a path.
    Bytes {
        /// Name, for messages and for the format.
        file_name: String,
        /// Content, at most 64 MiB.
        bytes: Bytes,
    },
    /// The engine's seeded synthetic market; labelled synthetic wherever it is shown.
    Synthetic {
        /// Equal seeds give equal bars.
        seed: u64,
        /// Bars, 100 to 1 000 000.
        rows: u32,
    },
}

/// A data set as asked for.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// Name, 1 to 120 characters, unique.
    pub name: String,
    /// The bars.
    pub source: ImportSource,
    /// Which columns mean what.
    pub mapping: CsvMapping,
}

/// What a session needs of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetSnapshot {
    /// The data set.
    pub view: DatasetView,
    /// Its snapshot file on this node.
    pub path: PathBuf,
}

type Reply<T> = RpcReplyPort<Result<T, ActorsError>>;

/// Everything the catalogue can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum DataMsg {
    /// Take in a data set.
    Import { command: Command, request: ImportRequest, reply: Reply<DatasetView> },
    /// A source was parsed and its snapshot is a durable blob, or it was refused.
    Parsed {
        command: Command,
        name: String,
        outcome: Result<Box<Imported>, ActorsError>,
        reply: Reply<DatasetView>,
    },
    /// One page of data sets.
    List { limit: u32, after: Option<String>, reply: Reply<Page<DatasetView>> },
    /// One data set.
    Get { id: DatasetId, reply: Reply<DatasetView> },
    /// A data set by its name.
    Find { name: String, reply: Reply<Option<DatasetView>> },
    /// Bars for a chart.
    Bars { id: DatasetId, bins: u32, reply: Reply<BarsView> },
    /// A snapshot was decoded for the cache.
    Decoded { sha256: String, series: Arc<BarSeries> },
    /// The snapshot's file, checked.
    Snapshot { id: DatasetId, reply: Reply<DatasetSnapshot> },
    /// Forget a data set that nothing uses.
    Remove { command: Command, id: DatasetId, revision: Option<u64>, reply: Reply<()> },
    /// Panic: a test wants to see the restart.
    #[cfg(test)]
    Crash,
}

/// The door to the catalogue of data sets.
#[derive(Debug, Clone)]
pub struct DataHandle {
    directory: Directory,
    /// Weak: a door that is kept must not keep the journal open.
    depot: Option<Weak<Depot>>,
}

impl DataHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory, depot: None }
    }

    /// Returns a door that fetches snapshots from other nodes where they are not here.
    pub(crate) fn fetching(directory: Directory, depot: &Arc<Depot>) -> Self {
        Self { directory, depot: Some(Arc::downgrade(depot)) }
    }

    /// Brings a data set's snapshot here. What cannot be had is told by the catalogue, in its own words.
    async fn bring(&self, id: DatasetId) -> Result<(), ActorsError> {
        let Some(depot) =
            self.depot.as_ref().and_then(Weak::upgrade).filter(|depot| !depot.alone())
        else {
            return Ok(());
        };
        let view = self.get(id).await?;
        let hash = view.sha256.parse().map_err(ActorsError::internal)?;
        match depot.ensure(hash, &[]).await {
            Ok(_) | Err(ActorsError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes in a data set: parses, checks, makes a snapshot, then registers it. Nothing is half imported.
    ///
    /// # Errors
    /// Refuses a bad file with file, line and column, and a name already taken.
    pub async fn import(
        &self,
        command: Command,
        request: ImportRequest,
    ) -> Result<DatasetView, ActorsError> {
        let make = |reply| DataMsg::Import { command, request, reply };
        ask_within(&self.directory, NAME, LONG_CALL_TIMEOUT_MS, make).await
    }

    /// Returns one page of data sets, newest first.
    ///
    /// # Errors
    /// Refuses a cursor that this list did not make.
    pub async fn list(
        &self,
        limit: u32,
        after: Option<String>,
    ) -> Result<Page<DatasetView>, ActorsError> {
        ask(&self.directory, NAME, |reply| DataMsg::List { limit, after, reply }).await
    }

    /// Returns one data set.
    ///
    /// # Errors
    /// Refuses when there is none of that id.
    pub async fn get(&self, id: DatasetId) -> Result<DatasetView, ActorsError> {
        ask(&self.directory, NAME, |reply| DataMsg::Get { id, reply }).await
    }

    /// Returns the data set of that name, if there is one.
    ///
    /// # Errors
    /// Tells when the catalogue does not answer.
    pub async fn find(&self, name: &str) -> Result<Option<DatasetView>, ActorsError> {
        let name = name.to_owned();
        ask(&self.directory, NAME, |reply| DataMsg::Find { name, reply }).await
    }

    /// Returns the whole series in at most `bins` bars (1 to 5 000).
    ///
    /// # Errors
    /// Refuses an unknown data set; tells when its snapshot cannot be read.
    pub async fn bars(&self, id: DatasetId, bins: u32) -> Result<BarsView, ActorsError> {
        self.bring(id).await?;
        let make = |reply| DataMsg::Bars { id, bins, reply };
        ask_within(&self.directory, NAME, LONG_CALL_TIMEOUT_MS, make).await
    }

    /// Returns the data set and the file of its snapshot on this node.
    ///
    /// # Errors
    /// Refuses an unknown data set; tells when the file is missing.
    pub async fn snapshot(&self, id: DatasetId) -> Result<DatasetSnapshot, ActorsError> {
        self.bring(id).await?;
        ask(&self.directory, NAME, |reply| DataMsg::Snapshot { id, reply }).await
    }

    /// Forgets a data set that no session refers to.
    ///
    /// # Errors
    /// Refuses while a session refers to it, and an old `revision`.
    pub async fn remove(
        &self,
        command: Command,
        id: DatasetId,
        revision: Option<u64>,
    ) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| DataMsg::Remove { command, id, revision, reply }).await
    }
}
