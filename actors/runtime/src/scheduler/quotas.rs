//! Quotas as control documents, and as the planner counts with them. Pure but for [`Documents`].

use std::collections::BTreeMap;

use cluster::control::Expected;

use super::picture::{Quota, Quotas};
use crate::clock::rfc3339;
use crate::documents::{Documents, Stored, delete, put};
use crate::error::ActorsError;
use crate::messages::Command;
use crate::messages::scheduler::{QuotaLimits, QuotaScope};
use crate::placement::amounts::Dimension;
use crate::views::QuotaView;

/// Collection of the documents.
const KIND: &str = "quota";
/// The name that stands for everybody without a quota of their own.
const DEFAULT: &str = "default";
/// Longest name, characters.
const NAME_CHARS_MAX: usize = 64;

/// Returns every quota by id.
pub(super) fn list(documents: &Documents) -> Result<Vec<QuotaView>, ActorsError> {
    documents.list::<QuotaLimits>(KIND)?.iter().map(view).collect()
}

/// Returns all quotas as the planner counts with them.
pub(super) fn load(documents: &Documents) -> Result<Quotas, ActorsError> {
    Ok(quotas(documents.list(KIND)?.into_iter().map(|one| (one.id, one.value))))
}

fn quotas(stored: impl Iterator<Item = (String, QuotaLimits)>) -> Quotas {
    let mut found = Quotas::default();
    for (id, limits) in stored {
        let quota = quota(&limits);
        match id.split_once(':') {
            Some(("user", DEFAULT)) => found.user_default = quota,
            Some(("team", DEFAULT)) => found.team_default = quota,
            Some(("user", name)) => drop(found.users.insert(name.to_owned(), quota)),
            Some(("team", name)) => drop(found.teams.insert(name.to_owned(), quota)),
            // Written by a newer program; nobody here can mean it.
            Some(_) | None => {}
        }
    }
    found
}

fn quota(limits: &QuotaLimits) -> Quota {
    let amounts = [
        (Dimension::Cpu, limits.cpu_max.map(|cores| u64::from(cores) * 1_000)),
        (Dimension::Memory, limits.memory_mib_max.map(u64::from)),
        (Dimension::Gpu, limits.gpus_max.map(u64::from)),
    ];
    let max: BTreeMap<Dimension, u64> =
        amounts.into_iter().filter_map(|(dimension, max)| Some((dimension, max?))).collect();
    Quota { max, sessions_max: limits.sessions_max, weight: limits.weight.max(1) }
}

fn view(stored: &Stored<QuotaLimits>) -> Result<QuotaView, ActorsError> {
    let (scope, name) = stored.id.split_once(':').ok_or_else(|| {
        ActorsError::internal(format!("the quota {} has no scope in its id", stored.id))
    })?;
    let limits = &stored.value;
    Ok(QuotaView {
        id: stored.id.clone(),
        scope: scope.to_owned(),
        name: name.to_owned(),
        sessions_max: limits.sessions_max,
        cpu_max: limits.cpu_max,
        memory_mib_max: limits.memory_mib_max,
        gpus_max: limits.gpus_max,
        weight: limits.weight.max(1),
        revision: stored.revision,
        updated_at: rfc3339(stored.updated_ms),
    })
}

fn id(scope: QuotaScope, name: &str) -> Result<String, ActorsError> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if name.is_empty() || NAME_CHARS_MAX < name.chars().count() || !name.chars().all(fits) {
        return Err(ActorsError::Malformed {
            detail: format!(
                "'{name}' cannot have a quota: a name has 1 to {NAME_CHARS_MAX} letters, digits, '-', '_' or '.'"
            ),
        });
    }
    Ok(format!("{}:{name}", scope.word()))
}

/// Writes a quota; revision 0 makes a new one.
pub(super) async fn write(
    documents: &Documents,
    command: &Command,
    (scope, name): (QuotaScope, &str),
    revision: u64,
    limits: &QuotaLimits,
) -> Result<QuotaView, ActorsError> {
    let id = id(scope, name)?;
    let expected = if revision == 0 { Expected::Absent } else { Expected::Revision(revision) };
    documents.change(command.id, vec![put(KIND, &id, expected, limits)?]).await.map_err(
        |error| match documents.get::<QuotaLimits>(KIND, &id) {
            // Somebody made it in between: say which revision to read.
            Ok(Some(found)) if matches!(error, ActorsError::Conflict { .. }) => {
                let (wanted, current) = (revision, found.revision);
                ActorsError::StaleRevision { what: "the quota", wanted, current }
            }
            Ok(_) | Err(_) => error,
        },
    )?;
    let stored = documents.get::<QuotaLimits>(KIND, &id)?.ok_or_else(|| missing(&id))?;
    view(&stored)
}

/// Removes a quota.
pub(super) async fn remove(
    documents: &Documents,
    command: &Command,
    (scope, name): (QuotaScope, &str),
    revision: u64,
) -> Result<(), ActorsError> {
    let id = id(scope, name)?;
    if documents.remembers(command.id) {
        return Ok(());
    }
    if documents.get::<QuotaLimits>(KIND, &id)?.is_none() {
        return Err(missing(&id));
    }
    documents.change(command.id, vec![delete(KIND, &id, Expected::Revision(revision))]).await?;
    Ok(())
}

fn missing(id: &str) -> ActorsError {
    ActorsError::NotFound {
        what: "quota",
        id: id.to_owned(),
        reason: "nobody set it; the default holds".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_become_what_the_planner_counts_with() {
        let limits = |cpu| QuotaLimits { cpu_max: Some(cpu), ..QuotaLimits::default() };
        let found = quotas(
            [("user:usr_1", 4), ("user:default", 2), ("team:alpha", 8), ("else:x", 1)]
                .into_iter()
                .map(|(id, cpu)| (id.to_owned(), limits(cpu))),
        );
        assert_eq!(found.users["usr_1"].max[&Dimension::Cpu], 4_000);
        assert_eq!(found.user_default.max[&Dimension::Cpu], 2_000);
        assert_eq!(found.teams["alpha"].max[&Dimension::Cpu], 8_000);
        assert_eq!((found.team_default, found.users.len()), (Quota::default(), 1));
    }

    #[test]
    fn names_that_could_be_something_else_are_refused() {
        for name in ["", "a b", "a:b", "a/b"] {
            assert!(id(QuotaScope::Team, name).is_err(), "{name}");
        }
        assert_eq!(id(QuotaScope::Team, "alpha-1").unwrap(), "team:alpha-1");
    }
}
