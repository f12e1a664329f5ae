//! Checks of plain fields that several actors share. Pure.

use std::collections::BTreeMap;

use cluster::control::state::NodeState;
use engine::config::Violation;
use serde_json::Value;

pub(crate) use crate::session::lifecycle::state_of;

/// Longest name, characters.
pub(crate) const NAME_CHARS_MAX: usize = 120;
/// Longest description, characters.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 4_000;

/// Says what is wrong with a name, if anything.
pub(crate) fn name(pointer: &str, name: &str) -> Option<Violation> {
    let found = name.trim().chars().count();
    if found == 0 {
        return Some(violation(
            pointer,
            "required",
            "must not be empty; type a name".to_owned(),
            &[],
        ));
    }
    if name.chars().any(char::is_control) {
        let detail = "must be one line of text without control characters; remove them".to_owned();
        return Some(violation(pointer, "control_characters", detail, &[]));
    }
    longer(pointer, found, NAME_CHARS_MAX)
}

/// Says what is wrong with a description, if anything.
pub(crate) fn description(pointer: &str, text: &str) -> Option<Violation> {
    longer(pointer, text.chars().count(), DESCRIPTION_CHARS_MAX)
}

pub(crate) fn longer(pointer: &str, found: usize, limit: usize) -> Option<Violation> {
    if found <= limit {
        return None;
    }
    let detail = format!("must have at most {limit} characters, found {found}; shorten it");
    Some(violation(pointer, "out_of_range", detail, &[("max", limit), ("got", found)]))
}

fn violation(pointer: &str, code: &str, detail: String, numbers: &[(&str, usize)]) -> Violation {
    let params: BTreeMap<String, Value> =
        numbers.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    Violation { pointer: pointer.to_owned(), code: code.to_owned(), params, detail }
}

/// Returns violations with their pointers moved under `prefix`: from a field's root to the request's.
pub(crate) fn under(prefix: &str, violations: Vec<Violation>) -> Vec<Violation> {
    violations
        .into_iter()
        .map(|violation| Violation {
            pointer: format!("{prefix}{}", violation.pointer),
            ..violation
        })
        .collect()
}

/// Returns the word for a node's state.
pub(crate) fn node_word(state: NodeState) -> &'static str {
    match state {
        NodeState::Ready => "ready",
        NodeState::Cordoned => "cordoned",
        NodeState::Draining => "draining",
        NodeState::Drained => "drained",
        NodeState::Down => "down",
        NodeState::Joining => "joining",
        NodeState::Left => "left",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_of_bounded_length() {
        assert_eq!(name("/name", "BTC daily · 日线"), None);
        assert_eq!(name("/name", "  ").map(|found| found.code), Some("required".to_owned()));
        assert_eq!(
            name("/name", "a\nb").map(|found| found.code),
            Some("control_characters".to_owned())
        );
        assert_eq!(
            name("/name", &"x".repeat(121)).map(|found| found.code),
            Some("out_of_range".to_owned())
        );
    }
}
