//! Where a session may run and who pays for it: what a submission may wish beside resources. Pure.

use std::collections::BTreeMap;

use cluster::control::state::Requirements;
use engine::config::Violation;
use engine::ids::NodeId;

/// Most labels of a wish.
const LABELS_MAX: usize = 16;
/// Longest word in a wish, characters.
const WORD_CHARS_MAX: usize = 64;

/// Where a session may run, and who pays for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// Labels that its node must carry, at most 16.
    pub labels: BTreeMap<String, String>,
    /// A role that its node must have.
    pub role: Option<String>,
    /// The one node it may run on.
    pub node: Option<NodeId>,
    /// Whether a more urgent session may take its place.
    pub preemptible: bool,
    /// The team whose quota it counts for.
    pub team: Option<String>,
}

impl Default for Wishes {
    fn default() -> Self {
        let labels = BTreeMap::new();
        Self { labels, role: None, node: None, preemptible: true, team: None }
    }
}

impl Wishes {
    /// Returns what the scheduler keeps to.
    pub(crate) fn requirements(&self) -> Requirements {
        Requirements {
            labels: self.labels.clone(),
            role: self.role.clone(),
            node: self.node.as_ref().map(ToString::to_string),
        }
    }
}

/// Says what is wrong with the words of a wish.
pub(super) fn violations(wishes: &Wishes) -> Vec<Violation> {
    let outside = |pointer: &str, what: &str, got: usize| {
        let detail = format!("{what} has 1 to {WORD_CHARS_MAX} characters, found {got}");
        let found = Violation::new(pointer, "out_of_range", detail);
        found.with("min", 1).with("max", WORD_CHARS_MAX).with("got", got)
    };
    let fits = |text: &str| (1..=WORD_CHARS_MAX).contains(&text.chars().count());
    let mut found = Vec::new();
    let words = [("/team", "a team", &wishes.team), ("/placement/role", "a role", &wishes.role)];
    for (pointer, what, word) in words {
        if let Some(word) = word.as_ref().filter(|word| !fits(word)) {
            found.push(outside(pointer, what, word.chars().count()));
        }
    }
    if LABELS_MAX < wishes.labels.len() {
        let got = wishes.labels.len();
        let detail = format!("at most {LABELS_MAX} labels, found {got}; wish for fewer");
        let one = Violation::new("/placement/labels", "out_of_range", detail);
        found.push(one.with("min", 0).with("max", LABELS_MAX).with("got", got));
    }
    for word in wishes.labels.iter().flat_map(|(name, value)| [name, value]) {
        if !fits(word) {
            let what = "the name or value of a label";
            found.push(outside("/placement/labels", what, word.chars().count()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wish_out_of_bounds_is_named_at_once() {
        assert_eq!(violations(&Wishes::default()), []);
        let long = "x".repeat(65);
        let wishes = Wishes {
            labels: BTreeMap::from([(String::new(), "gpu".to_owned())]),
            role: Some(long.clone()),
            team: Some(long),
            ..Wishes::default()
        };
        let found = violations(&wishes);
        let pointers: Vec<&str> = found.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(pointers, ["/team", "/placement/role", "/placement/labels"]);
    }
}
