//! Data sets as the world sees them: imported once, then an immutable snapshot.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use engine::ids::{DatasetId, SessionId};
use engine::market::parse::MarketSeries;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use super::sessions::SessionsHandle;
use super::{Command, LONG_CALL_TIMEOUT_MS, ask, ask_within};
use crate::data::document::Imported;
use crate::data::plan::ImportPlan;
use crate::data::quality::QualityQuery;
use crate::depot::Depot;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::views::{
    BarsView, ConsumerView, ConsumersView, DatasetView, InspectionView, Page, PreviewView,
    QualityView, VerificationView,
};

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "data";

/// Collection of data sets in control state: what a session refers to.
pub(crate) const DATASETS: &str = "dataset";

/// Where data comes from.
#[derive(Debug, Clone)]
pub enum ImportSource {
    /// A file this node can read: text, or Parquet when its name ends in `.parquet`. A directory means its
    /// `data.csv`, or all its files as one panel.
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
    /// Another data set, changed by the steps of the plan.
    Dataset(DatasetId),
}

/// A data set as asked for.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// Name, 1 to 120 characters, unique.
    pub name: String,
    /// The data.
    pub source: ImportSource,
    /// How it is read and what is done to it.
    pub plan: ImportPlan,
}

/// A file that somebody wants to know about before importing it.
#[derive(Debug, Clone)]
pub struct InspectRequest {
    /// Name, for messages and for the format.
    pub file_name: String,
    /// Content, at most 64 MiB.
    pub bytes: Bytes,
    /// How it would be read and what would be done to it.
    pub plan: ImportPlan,
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
    /// What would an import of this file do?
    Inspect { request: InspectRequest, reply: Reply<InspectionView> },
    /// Something that needs the decoded snapshot.
    Look { id: DatasetId, what: Look },
    /// A snapshot was decoded for the cache.
    Decoded { sha256: String, data: Arc<MarketSeries> },
    /// A report was made for the cache.
    Assessed { sha256: String, calendar: Option<String>, report: Box<QualityView> },
    /// Which sessions refer to it, and which data sets are made of it?
    Consumers { id: DatasetId, reply: Reply<Consumers> },
    /// The snapshot's file, checked.
    Snapshot { id: DatasetId, reply: Reply<DatasetSnapshot> },
    /// Forget a data set that nothing uses.
    Remove { command: Command, id: DatasetId, revision: Option<u64>, reply: Reply<()> },
    /// Panic: a test wants to see the restart.
    #[cfg(test)]
    Crash,
}

/// A question about the content of a data set.
#[derive(Debug)]
pub(crate) enum Look {
    /// Bars for a chart.
    Bars { bins: u32, instrument: Option<String>, reply: Reply<BarsView> },
    /// The quality report.
    Quality { query: QualityQuery, reply: Reply<QualityView> },
    /// The first and the last rows.
    Preview { rows: u32, reply: Reply<PreviewView> },
    /// What would a data set made of it hold?
    Derived { plan: Box<ImportPlan>, reply: Reply<InspectionView> },
    /// Is it still what was imported?
    Verify { reply: Reply<VerificationView> },
}

/// Who uses a data set, before the sessions are asked.
#[derive(Debug)]
pub(crate) struct Consumers {
    /// Sessions that refer to it, newest first, not all where there are many.
    pub(crate) sessions: Vec<SessionId>,
    /// What the answer says besides.
    pub(crate) view: ConsumersView,
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
        if let ImportSource::Dataset(id) = &request.source {
            self.bring(*id).await?;
        }
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

    /// Returns the whole of one instrument in at most `bins` bars (1 to 5 000): the first where none is named.
    ///
    /// # Errors
    /// Refuses an unknown data set and an unknown instrument; tells when its snapshot cannot be read.
    pub async fn chart(
        &self,
        id: DatasetId,
        bins: u32,
        instrument: Option<String>,
    ) -> Result<BarsView, ActorsError> {
        self.look(id, |reply| Look::Bars { bins, instrument, reply }).await
    }

    /// Returns the chart of the first instrument.
    ///
    /// # Errors
    /// As [`chart`](Self::chart).
    pub async fn bars(&self, id: DatasetId, bins: u32) -> Result<BarsView, ActorsError> {
        self.chart(id, bins, None).await
    }

    /// Returns the quality report of a data set, with what its split does wrong where one is given.
    ///
    /// # Errors
    /// Refuses an unknown data set, and shares that leave a segment too short.
    pub async fn quality(
        &self,
        id: DatasetId,
        query: QualityQuery,
    ) -> Result<QualityView, ActorsError> {
        self.look(id, |reply| Look::Quality { query, reply }).await
    }

    /// Returns the first and the last rows, `rows` of each (1 to 100).
    ///
    /// # Errors
    /// Refuses an unknown data set; tells when its snapshot cannot be read.
    pub async fn preview(&self, id: DatasetId, rows: u32) -> Result<PreviewView, ActorsError> {
        self.look(id, |reply| Look::Preview { rows, reply }).await
    }

    /// Says what a data set made of another one would hold. Nothing is stored.
    ///
    /// # Errors
    /// Refuses an unknown data set and wrong words; what the data does not allow is an answer.
    pub async fn inspect_derived(
        &self,
        id: DatasetId,
        plan: ImportPlan,
    ) -> Result<InspectionView, ActorsError> {
        let plan = Box::new(plan);
        self.look(id, |reply| Look::Derived { plan, reply }).await
    }

    /// Hashes and decodes a snapshot anew and compares it with the catalogue.
    ///
    /// # Errors
    /// Refuses an unknown data set; what is wrong with a snapshot is an answer.
    pub async fn verify(&self, id: DatasetId) -> Result<VerificationView, ActorsError> {
        self.look(id, |reply| Look::Verify { reply }).await
    }

    async fn look<T: Send + 'static>(
        &self,
        id: DatasetId,
        what: impl FnOnce(Reply<T>) -> Look + Send,
    ) -> Result<T, ActorsError> {
        self.bring(id).await?;
        let make = |reply| DataMsg::Look { id, what: what(reply) };
        ask_within(&self.directory, NAME, LONG_CALL_TIMEOUT_MS, make).await
    }

    /// Says what an import of a file would do. Nothing is stored.
    ///
    /// # Errors
    /// Refuses wrong words in the plan and too large a file; a file that cannot be imported is an answer.
    pub async fn inspect(&self, request: InspectRequest) -> Result<InspectionView, ActorsError> {
        let make = |reply| DataMsg::Inspect { request, reply };
        ask_within(&self.directory, NAME, LONG_CALL_TIMEOUT_MS, make).await
    }

    /// Returns the sessions that refer to a data set (newest 100) and the data sets made of its snapshot.
    ///
    /// # Errors
    /// Refuses an unknown data set.
    pub async fn consumers(
        &self,
        id: DatasetId,
        sessions: &SessionsHandle,
    ) -> Result<ConsumersView, ActorsError> {
        let Consumers { sessions: ids, mut view } =
            ask(&self.directory, NAME, |reply| DataMsg::Consumers { id, reply }).await?;
        for id in ids {
            match sessions.get(id).await {
                Ok(session) => view.sessions.push(ConsumerView {
                    id,
                    name: session.name,
                    kind: session.kind,
                    state: session.state,
                    created_at: session.created_at,
                }),
                // It ended and was forgotten between the two questions.
                Err(ActorsError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(view)
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
