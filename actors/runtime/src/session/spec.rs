//! What a session is, pinned at submission: kept in control state as JSON, because configuration outlives the struct.

use engine::config::{ResourcesConfig, SessionConfig, SessionKind, StrategyConfig};
use engine::ids::{DatasetId, StrategyId};
use serde::{Deserialize, Serialize};

use crate::error::ActorsError;
use crate::messages::drafts::Draft;

/// Everything that decides what a session computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionSpec {
    /// Command id that submitted it, hexadecimal.
    pub(crate) command: String,
    /// Name.
    pub(crate) name: String,
    /// Labels.
    pub(crate) tags: Vec<String>,
    /// The strategy; absent where the kind needs none.
    pub(crate) strategy_id: Option<StrategyId>,
    /// Its name at submission.
    pub(crate) strategy_name: Option<String>,
    /// Its version.
    pub(crate) strategy_version: Option<u32>,
    /// That version, whole.
    pub(crate) strategy: Option<StrategyConfig>,
    /// The data.
    pub(crate) dataset_id: DatasetId,
    /// Its name at submission.
    pub(crate) dataset_name: String,
    /// The pinned snapshot.
    pub(crate) dataset_sha256: String,
    /// Whether the data is synthetic.
    pub(crate) synthetic: bool,
    /// What to do.
    pub(crate) config: SessionConfig,
    /// What it reserves.
    pub(crate) resources: ResourcesConfig,
    /// The model under test.
    pub(crate) model_sha256: Option<String>,
    /// Share of the newest rows that it does not see, of all versions of the strategy the largest.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub(crate) sealed_share: f64,
    /// What an evaluation judges and counts.
    #[serde(default, skip_serializing_if = "Judged::is_empty")]
    pub(crate) judged: Judged,
    /// Version of the program that accepted it.
    pub(crate) build: String,
}

/// What earlier sessions left that this one works with.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// The model under test.
    pub(crate) model_sha256: Option<String>,
    /// What an evaluation judges and counts.
    pub(crate) judged: Judged,
}

/// What an evaluation judges and what it counts as trials, pinned at submission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Judged {
    /// Models, each of a seed of its own.
    pub(crate) models: Vec<String>,
    /// Reports of earlier back-tests of the strategy over the same data.
    pub(crate) trials: Vec<String>,
    /// Earlier trials without a report.
    pub(crate) trials_lost: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_nothing(share: &f64) -> bool {
    let seals = 0.0 < *share;
    !seals
}

impl Judged {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl SessionSpec {
    /// Returns the spec of a checked submission.
    pub(crate) fn new(command: String, draft: Draft, inputs: Inputs, build: String) -> Self {
        let sealed_share = draft.strategy.as_ref().map_or(0.0, |found| found.seal.share);
        let (strategy, version) =
            draft.strategy.map(|found| (found.strategy, found.version)).unzip();
        Self {
            command,
            name: draft.name,
            tags: draft.tags,
            strategy_id: strategy.as_ref().map(|strategy| strategy.id),
            strategy_name: strategy.map(|strategy| strategy.name),
            strategy_version: version.as_ref().map(|version| version.version),
            strategy: version.map(|version| version.config),
            dataset_id: draft.dataset.id,
            dataset_name: draft.dataset.name,
            dataset_sha256: draft.dataset.sha256,
            synthetic: draft.dataset.synthetic,
            config: draft.config,
            resources: draft.resources,
            model_sha256: inputs.model_sha256,
            sealed_share,
            judged: inputs.judged,
            build,
        }
    }

    /// Whether a repeated submission asks for the same.
    pub(crate) fn same_as(&self, draft: &Draft) -> bool {
        self.name == draft.name
            && self.tags == draft.tags
            && self.strategy_id == draft.strategy.as_ref().map(|found| found.strategy.id)
            && self.strategy_version == draft.strategy.as_ref().map(|found| found.version.version)
            && self.dataset_id == draft.dataset.id
            && self.config == draft.config
            && self.resources == draft.resources
    }

    /// Returns the bytes kept in control state.
    ///
    /// # Errors
    /// Never for a checked spec; a fault of ours otherwise.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ActorsError> {
        serde_json::to_vec(self).map_err(ActorsError::internal)
    }

    /// Reads what control state keeps.
    ///
    /// # Errors
    /// Tells when the bytes are no spec of ours.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ActorsError> {
        serde_json::from_slice(bytes).map_err(|error| ActorsError::Store {
            detail: format!("the spec of a session cannot be read: {error}"),
        })
    }

    /// Whether its worker writes checkpoints to resume from.
    pub(crate) fn writes_checkpoints(&self) -> bool {
        match self.config.kind() {
            SessionKind::Training => true,
            SessionKind::Backtest | SessionKind::Labelling | SessionKind::Evaluation => false,
        }
    }

    /// Whether equal inputs give equal results to the last bit.
    pub(crate) fn reproducibility(&self) -> &'static str {
        if self.resources.cpu == 1 && self.resources.gpus == 0 { "exact" } else { "tolerance" }
    }
}
