//! The closed list of violation codes and the parameters that a translated text of each needs.
//!
//! The gateway writes the list into its description; a test of the web UI holds both dictionaries against it.

/// Every code with the names of its parameters. `a|b` means one of the two at least.
///
/// Other parameters may come besides: `got` where the found value is short, `suggestion` where a name is near.
pub const VIOLATION_CODES: [(&str, &[&str]); 42] = [
    ("archived", &["name"]),
    ("control_characters", &[]),
    ("data_bar", &["file", "wanted", "found"]),
    ("data_cell", &["file", "wanted", "found"]),
    ("data_columns", &["file", "wanted", "found"]),
    ("data_empty", &["file", "wanted", "found"]),
    ("data_instrument", &["file", "wanted", "found"]),
    ("data_snapshot", &["file", "wanted", "found"]),
    ("data_time", &["file", "wanted", "found"]),
    ("data_toolarge", &["file", "wanted", "found"]),
    ("data_unreadable", &["file", "wanted", "found"]),
    ("does_not_learn", &["algorithm"]),
    ("invalid_type", &["expected"]),
    ("missing_field", &[]),
    ("no_costs", &[]),
    ("no_model", &["session_id", "state"]),
    ("not_allowed", &["allowed", "got"]),
    ("not_an_identifier", &["prefix", "got"]),
    ("not_at_least", &["field", "limit", "got"]),
    ("not_at_most", &["field", "limit", "got"]),
    ("not_finite", &[]),
    ("not_found", &["id"]),
    ("not_hashed", &[]),
    ("not_of_strategy", &["session_id", "strategy"]),
    ("not_sealed", &[]),
    ("not_trained", &["algorithm"]),
    ("not_training", &["session_id"]),
    ("optimistic_fill", &[]),
    ("out_of_range", &["min|max"]),
    ("required", &[]),
    ("sealed", &["share"]),
    ("shares", &["train", "valid"]),
    ("too_short", &["rows"]),
    ("unchanged", &[]),
    ("unknown_field", &["allowed"]),
    ("unknown_zone", &["near", "got"]),
    ("unlike_training", &["trained", "wanted"]),
    ("unreadable", &["reason"]),
    ("user_name", &["max"]),
    ("verification_only", &[]),
    ("weak_password", &["reason", "min", "max"]),
    ("wrong_password", &[]),
];

/// Returns the parameters that a code needs; absent for a code that is not in the list.
#[must_use]
pub fn needs(code: &str) -> Option<&'static [&'static str]> {
    VIOLATION_CODES.iter().find(|(known, _)| *known == code).map(|(_, params)| *params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_without_repeats() {
        assert!(VIOLATION_CODES.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn what_is_not_in_the_list_is_told() {
        assert_eq!(needs("out_of_range"), Some(&["min|max"][..]));
        assert_eq!(needs("whatever"), None);
    }
}
