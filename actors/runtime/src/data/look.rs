//! Questions about the content of a data set: its snapshot is decoded on a blocking thread, once, and kept for the next
//! question.

use std::sync::Arc;

use engine::ids::DatasetId;
use engine::market::parse::MarketSeries;
use ractor::ActorRef;
use store::Blobs;

use super::document::DatasetDocument;
use super::import::Parent;
use super::{DataState, LOOKS_MAX, bins, caught, import, inspect, preview, quality, verify};
use crate::error::ActorsError;
use crate::messages::answer;
use crate::messages::data::{DataMsg, Look};
use crate::views::{BarsView, QualityView};

/// Rows of each end that a preview may show.
const PREVIEW_ROWS_MAX: u32 = 100;

impl DataState {
    /// Answers a question about the content of a data set.
    pub(super) fn look(&mut self, myself: &ActorRef<DataMsg>, id: DatasetId, what: Look) {
        let document = match self.get(id) {
            Ok(stored) => stored.value,
            Err(error) => return refuse(what, error),
        };
        let sha256 = document.sha256.clone();
        let known = match &what {
            Look::Quality { query, .. } => {
                self.cache.report(&(sha256.clone(), query.calendar.clone()))
            }
            Look::Bars { .. }
            | Look::Preview { .. }
            | Look::Derived { .. }
            | Look::Verify { .. } => None,
        };
        let Ok(permit) = Arc::clone(&self.looks).try_acquire_owned() else {
            let limit = u64::try_from(LOOKS_MAX).unwrap_or(u64::MAX);
            let what_is_full = "the number of data sets looked into";
            return refuse(what, ActorsError::Overloaded { what: what_is_full, limit });
        };
        let source = Source {
            cached: self.cache.get(&sha256),
            blobs: self.blobs.clone(),
            myself: myself.clone(),
            id,
            sha256,
            document,
        };
        tokio::task::spawn_blocking(move || {
            source.answer(what, known);
            drop(permit);
        });
    }
}

/// Where a blocking thread finds the data.
struct Source {
    id: DatasetId,
    sha256: String,
    document: DatasetDocument,
    cached: Option<Arc<MarketSeries>>,
    blobs: Blobs,
    myself: ActorRef<DataMsg>,
}

impl Source {
    fn answer(&self, what: Look, known: Option<QualityView>) {
        match what {
            Look::Bars { bins, instrument, reply } => {
                let chart = || -> Result<BarsView, ActorsError> {
                    Ok(bins::chart(&*self.data()?, bins, instrument.as_deref())?)
                };
                answer(reply, caught(chart));
            }
            Look::Preview { rows, reply } => {
                let rows = usize::try_from(rows.clamp(1, PREVIEW_ROWS_MAX)).unwrap_or(1);
                answer(reply, caught(|| Ok(preview::preview(&*self.data()?, rows))));
            }
            Look::Quality { query, reply } => {
                answer(reply, caught(|| self.quality(&query, known)));
            }
            Look::Derived { plan, reply } => {
                let parent = Parent::of(self.document.clone());
                answer(reply, caught(|| inspect::derived(&self.blobs, parent, &plan)));
            }
            Look::Verify { reply } => {
                answer(reply, caught(|| verify::verify(&self.blobs, &self.document)));
            }
        }
    }

    fn quality(
        &self,
        query: &quality::QualityQuery,
        known: Option<QualityView>,
    ) -> Result<QualityView, ActorsError> {
        let report = match known {
            Some(report) => report,
            None => {
                let report = quality::assess(&*self.data()?, query.calendar.as_deref());
                self.tell(DataMsg::Assessed {
                    sha256: self.sha256.clone(),
                    calendar: query.calendar.clone(),
                    report: Box::new(report.clone()),
                });
                report
            }
        };
        let report = match &query.split {
            Some(split) => quality::with_split(report, &*self.data()?, split)?,
            None => report,
        };
        let sha256 = Some(self.sha256.clone());
        Ok(QualityView { dataset_id: Some(self.id), sha256, ..report })
    }

    fn data(&self) -> Result<Arc<MarketSeries>, ActorsError> {
        if let Some(cached) = &self.cached {
            return Ok(Arc::clone(cached));
        }
        let data = Arc::new(import::load(&self.blobs, &self.sha256)?.data);
        self.tell(DataMsg::Decoded { sha256: self.sha256.clone(), data: Arc::clone(&data) });
        Ok(data)
    }

    fn tell(&self, message: DataMsg) {
        if self.myself.cast(message).is_err() {
            tracing::debug!("what was looked up came after the catalogue ended");
        }
    }
}

/// Answers any question with a refusal.
fn refuse(what: Look, error: ActorsError) {
    match what {
        Look::Bars { reply, .. } => answer(reply, Err(error)),
        Look::Quality { reply, .. } => answer(reply, Err(error)),
        Look::Preview { reply, .. } => answer(reply, Err(error)),
        Look::Derived { reply, .. } => answer(reply, Err(error)),
        Look::Verify { reply } => answer(reply, Err(error)),
    }
}
