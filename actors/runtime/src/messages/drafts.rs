//! What is looked up and checked of a submission, in its caller's task, before the registry of sessions decides.

use engine::config::{
    BacktestPolicy, EvaluationPolicy, LabellingConfig, ResourcesConfig, Segment, SessionConfig,
    SessionKind, StrategyConfig, Violation,
};
use engine::environment::length;
use engine::market::DataKind;
use engine::session::labelling::columns_of;

use super::data::DataHandle;
use super::library::LibraryHandle;
use super::sessions::NewSession;
use super::wishes::Wishes;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::views::{DatasetView, SealView, StrategyVersionView, StrategyView};

/// Longest name of a session, characters.
const NAME_CHARS_MAX: usize = 200;
/// Most labels of a session.
const TAGS_MAX: usize = 20;
/// Longest label, characters.
const TAG_CHARS_MAX: usize = 50;
/// Largest and smallest (negated) priority.
const PRIORITY_MAX: i32 = 100;

/// A submission whose parts were looked up and checked.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// Name.
    pub(crate) name: String,
    /// The strategy and its version, whole; absent where the kind needs none.
    pub(crate) strategy: Option<DraftStrategy>,
    /// The data.
    pub(crate) dataset: DatasetView,
    /// What to do.
    pub(crate) config: SessionConfig,
    /// What it reserves.
    pub(crate) resources: ResourcesConfig,
    /// Higher goes first.
    pub(crate) priority: i32,
    /// Labels.
    pub(crate) tags: Vec<String>,
    /// Where it may run, and who pays for it.
    pub(crate) wishes: Wishes,
}

/// The strategy that a submission is about.
#[derive(Debug, Clone)]
pub(crate) struct DraftStrategy {
    /// The strategy.
    pub(crate) strategy: StrategyView,
    /// Its version, whole.
    pub(crate) version: StrategyVersionView,
    /// Its seal, of all versions together.
    pub(crate) seal: SealView,
}

/// Looks up and checks everything a submission names.
///
/// # Errors
/// Every violation at once, or that somebody asked does not answer.
pub(super) async fn draft(directory: &Directory, wanted: NewSession) -> Result<Draft, ActorsError> {
    let mut violations = plain_violations(&wanted);
    let config =
        typed(engine::config::validate::session(&wanted.config), "/config", &mut violations);
    let resources = match &wanted.resources {
        None => Some(ResourcesConfig::default()),
        Some(value) => {
            typed(engine::config::validate::resources(value), "/resources", &mut violations)
        }
    };
    let kind = config.as_ref().map(SessionConfig::kind);
    let strategy = strategy(directory, &wanted, kind, &mut violations).await?;
    let dataset = match DataHandle::new(directory.clone()).get(wanted.dataset_id).await {
        Ok(view) => Some(view),
        Err(error @ ActorsError::NotFound { .. }) => {
            let found = Violation::new("/dataset_id", "not_found", error.to_string());
            violations.push(found.with("id", wanted.dataset_id.to_string()));
            None
        }
        Err(error) => return Err(error),
    };
    violations.extend(unfit(config.as_ref(), strategy.as_ref(), dataset.as_ref()));
    match (config, resources, dataset) {
        (Some(config), Some(resources), Some(dataset)) if violations.is_empty() => {
            let NewSession { name, priority, tags, wishes, .. } = wanted;
            let name = name.trim().to_owned();
            Ok(Draft { name, strategy, dataset, config, resources, priority, tags, wishes })
        }
        _ => Err(ActorsError::Invalid { errors: violations }),
    }
}

/// What does not fit together, of the parts that were found.
fn unfit(
    config: Option<&SessionConfig>,
    strategy: Option<&DraftStrategy>,
    dataset: Option<&DatasetView>,
) -> Vec<Violation> {
    let Some(config) = config else { return Vec::new() };
    let mut violations = Vec::new();
    if let Some(found) = strategy {
        violations.extend(mismatch(config, &found.version.config));
        violations.extend(sealed(config, &found.seal));
        violations.extend(dataset.and_then(|dataset| {
            unfit_data(&found.version.config, dataset).or_else(|| too_short(config, found, dataset))
        }));
    }
    if let (SessionConfig::Labelling(labelling), Some(dataset)) = (config, dataset) {
        violations.extend(unfit_column(labelling, dataset));
    }
    violations
}

/// Returns the strategy that a submission names, where its kind is about one.
async fn strategy(
    directory: &Directory,
    wanted: &NewSession,
    kind: Option<SessionKind>,
    violations: &mut Vec<Violation>,
) -> Result<Option<DraftStrategy>, ActorsError> {
    let id = match (wanted.strategy_id, kind) {
        (Some(id), Some(kind)) if !kind.needs_strategy() => {
            let kind = kind.as_str();
            let detail = format!(
                "a session of the kind '{kind}' is about data alone; leave the strategy out"
            );
            violations.push(
                Violation::new("/strategy_id", "not_allowed", detail)
                    .with("allowed", Vec::<String>::new())
                    .with("got", id.to_string()),
            );
            return Ok(None);
        }
        (Some(id), _) => id,
        (None, Some(kind)) if kind.needs_strategy() => {
            let kind = kind.as_str();
            let detail = format!("a session of the kind '{kind}' is about a strategy; name it");
            violations.push(Violation::new("/strategy_id", "missing_field", detail));
            return Ok(None);
        }
        (None, _) => return Ok(None),
    };
    let library = LibraryHandle::new(directory.clone());
    let strategy = match library.get(id).await {
        Ok(strategy) => strategy,
        Err(error @ ActorsError::NotFound { .. }) => {
            let found = Violation::new("/strategy_id", "not_found", error.to_string());
            violations.push(found.with("id", id.to_string()));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if strategy.archived {
        let detail = format!("strategy '{}' is archived; choose one that is not", strategy.name);
        let found = Violation::new("/strategy_id", "archived", detail);
        violations.push(found.with("name", strategy.name.as_str()));
    }
    let version = wanted.strategy_version.unwrap_or(strategy.version);
    match library.version(id, version).await {
        Ok(version) => {
            let seal = library.seal(id).await?;
            Ok(Some(DraftStrategy { strategy, version, seal }))
        }
        Err(error @ ActorsError::NotFound { .. }) => {
            let found = Violation::new("/strategy_version", "not_found", error.to_string());
            violations.push(found.with("id", version));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn typed<T>(
    read: Result<T, Vec<Violation>>,
    under: &str,
    violations: &mut Vec<Violation>,
) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(found) => {
            violations.extend(found.into_iter().map(|mut one| {
                one.pointer = format!("{under}{}", one.pointer);
                one
            }));
            None
        }
    }
}

/// What is wrong with the plain fields.
fn plain_violations(wanted: &NewSession) -> Vec<Violation> {
    let outside = |pointer: &str, (min, max): (i64, i64), got: i64, detail: String| {
        let found = Violation::new(pointer, "out_of_range", detail);
        found.with("min", min).with("max", max).with("got", got)
    };
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    let chars = wanted.name.trim().chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&chars) {
        let detail = format!("a name has 1 to {NAME_CHARS_MAX} characters, found {chars}");
        found.push(outside("/name", (1, whole(NAME_CHARS_MAX)), whole(chars), detail));
    }
    if !(-PRIORITY_MAX..=PRIORITY_MAX).contains(&wanted.priority) {
        let detail = format!(
            "a priority lies between -{PRIORITY_MAX} and {PRIORITY_MAX}, found {}",
            wanted.priority
        );
        let limits = (i64::from(-PRIORITY_MAX), i64::from(PRIORITY_MAX));
        found.push(outside("/priority", limits, i64::from(wanted.priority), detail));
    }
    if TAGS_MAX < wanted.tags.len() {
        let detail = format!("at most {TAGS_MAX} labels, found {}", wanted.tags.len());
        found.push(outside("/tags", (0, whole(TAGS_MAX)), whole(wanted.tags.len()), detail));
    }
    for (index, tag) in wanted.tags.iter().enumerate() {
        let chars = tag.chars().count();
        if !(1..=TAG_CHARS_MAX).contains(&chars) {
            let detail = format!("a label has 1 to {TAG_CHARS_MAX} characters, found {chars}");
            let limits = (1, whole(TAG_CHARS_MAX));
            found.push(outside(&format!("/tags/{index}"), limits, whole(chars), detail));
        }
    }
    found.extend(super::wishes::violations(&wanted.wishes));
    found
}

/// What does not fit between what is to be done and who is to do it.
fn mismatch(config: &SessionConfig, strategy: &StrategyConfig) -> Option<Violation> {
    let algorithm = strategy.agent.algorithm();
    match config {
        SessionConfig::Training(_) if !strategy.agent.learns() => Some(
            Violation::new(
                "/config/kind",
                "does_not_learn",
                format!(
                    "'{algorithm}' is a rule and does not learn; choose a back-test, or a strategy that learns"
                ),
            )
            .with("algorithm", algorithm),
        ),
        SessionConfig::Backtest(backtest)
            if backtest.policy == BacktestPolicy::Strategy && strategy.agent.learns() =>
        {
            Some(not_trained(algorithm, "name the training session whose model is to be tested"))
        }
        SessionConfig::Evaluation(evaluation)
            if evaluation.policy == EvaluationPolicy::Strategy && strategy.agent.learns() =>
        {
            Some(not_trained(algorithm, "name the training sessions whose models are to be judged"))
        }
        SessionConfig::Training(_)
        | SessionConfig::Backtest(_)
        | SessionConfig::Labelling(_)
        | SessionConfig::Evaluation(_) => None,
    }
}

fn not_trained(algorithm: &str, next: &str) -> Violation {
    let detail = format!("'{algorithm}' has to be trained first; {next}");
    Violation::new("/config/policy", "not_trained", detail).with("algorithm", algorithm)
}

/// A column that data of this kind does not have.
fn unfit_column(config: &LabellingConfig, dataset: &DatasetView) -> Option<Violation> {
    let columns = columns_of(DataKind::from_name(&dataset.kind)?);
    let column = config.indicator.as_str();
    if columns.contains(&column) {
        return None;
    }
    let detail = format!(
        "data set '{}' is of kind '{}' and has no price column '{column}' to label; wanted {}",
        dataset.name,
        dataset.kind,
        columns.join(" or ")
    );
    let violation = Violation::new("/config/indicator", "not_allowed", detail);
    Some(violation.with("allowed", columns).with("got", column))
}

/// Data of a kind that the strategy's task does not run on.
fn unfit_data(strategy: &StrategyConfig, dataset: &DatasetView) -> Option<Violation> {
    let needed = engine::environment::data_kinds(&strategy.environment);
    let found = DataKind::from_name(&dataset.kind);
    if found.is_some_and(|kind| needed.contains(&kind)) {
        return None;
    }
    let task = strategy.environment.task();
    let allowed: Vec<&str> = needed.iter().map(|kind| kind.name()).collect();
    let detail = format!(
        "the task {task} needs data of kind {}; data set '{}' is of kind '{}'. Choose other data, or a strategy of another \
         task",
        allowed.join(" or "),
        dataset.name,
        dataset.kind
    );
    let violation = Violation::new("/dataset_id", "not_allowed", detail);
    Some(violation.with("allowed", allowed).with("got", dataset.kind.as_str()).with("task", task))
}

/// The sealed rows, where there are none or nobody may see them yet.
fn sealed(config: &SessionConfig, seal: &SealView) -> Option<Violation> {
    if config.segment() != Some(Segment::Sealed) {
        return None;
    }
    let pointer = "/config/segment";
    let seals = 0.0 < seal.share;
    if !seals {
        let detail = "the strategy seals nothing; choose another segment, or seal a share of the rows in a new version";
        return Some(Violation::new(pointer, "not_sealed", detail));
    }
    if seal.opening.is_some() {
        return None;
    }
    let detail = format!(
        "the newest rows (a share of {}) are sealed; open the seal of the strategy first, which can be done once, or choose \
         another segment",
        seal.share
    );
    Some(Violation::new(pointer, "sealed", detail).with("share", seal.share))
}

/// What is too short for what is to run on it: the worker would refuse it later, with the same words.
fn too_short(
    config: &SessionConfig,
    found: &DraftStrategy,
    dataset: &DatasetView,
) -> Option<Violation> {
    let split = config.split()?;
    let all = usize::try_from(dataset.rows).unwrap_or(usize::MAX);
    let rows = engine::market::part::sealed(all, found.seal.share).start;
    let kind = DataKind::from_name(&dataset.kind)?;
    let strategy = &found.version.config;
    let refused = if config.segment() == Some(Segment::Whole) {
        length::check_whole(strategy, (kind, rows))
    } else {
        length::check_rows(strategy, split, (kind, rows))
    }
    .err()?;
    let seal =
        if rows < all { format!(" without its {} sealed rows", all - rows) } else { String::new() };
    let detail = format!("data set '{}' is too short{seal}: {refused}", dataset.name);
    let found = Violation::new("/dataset_id", "too_short", detail).with("rows", refused.rows);
    Some(match refused.needed {
        Some(needed) => found.with("needed", needed),
        None => found,
    })
}
