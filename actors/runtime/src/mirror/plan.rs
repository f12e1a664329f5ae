//! What has to be done so that this node's copy of a session's records is the true one. Pure.
//!
//! The archive in control state is what is agreed upon; beyond it only the present holder knows. What an earlier holder
//! recorded after its last checkpoint is work that was lost: it is forgotten everywhere and done again.

use cluster::control::ControlState;
use cluster::control::state::Segment;
use engine::ids::SessionId;

use super::archive::{LINES, METRICS, archived_to};

/// A session's records as control state describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// The newest assignment.
    pub(crate) epoch: u64,
    /// Who holds it.
    pub(crate) holder: Option<String>,
    /// Whether the holder is up.
    pub(crate) holder_up: bool,
    /// Whether it has ended.
    pub(crate) ended: bool,
    /// Records in files.
    pub(crate) archive: Vec<Segment>,
}

/// Returns the picture of a session; nothing when it is not known.
pub(crate) fn picture(state: &ControlState, session: SessionId) -> Option<Picture> {
    let found = state.sessions.get(session.uuid().as_bytes())?;
    let holder = found.placement.as_ref().map(|placement| placement.node.clone());
    let node = holder.as_ref().and_then(|holder| state.nodes.get(holder));
    Some(Picture {
        epoch: found.epoch,
        holder_up: node.is_some_and(|node| node.down_since_ms.is_none()),
        holder,
        ended: found.ended(),
        archive: found.archive.clone(),
    })
}

/// What to do, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Forget points from this number on.
    pub(crate) cut_metrics: Option<u64>,
    /// Forget lines after this number.
    pub(crate) cut_lines: Option<u64>,
    /// Points among them that go beyond what was agreed upon.
    pub(crate) points_lost: u64,
    /// Lines up to this number were shown already.
    pub(crate) lines_shown: u64,
    /// Files to read, in order.
    pub(crate) files: Vec<Segment>,
    /// Whom to ask for what is newer.
    pub(crate) ask: Option<String>,
}

/// Returns what to do. `mirrored` is the assignment that this node's copy was taken from, as far as it knows; `points`
/// and `last_line` are what it has.
pub(crate) fn steps(
    picture: &Picture,
    node: &str,
    mirrored: Option<u64>,
    points: u64,
    last_line: u64,
) -> Steps {
    if picture.holder.as_deref() == Some(node) {
        return Steps::default();
    }
    let base = archived_to(&picture.archive, METRICS);
    // Lines are numbered from 1, `to` is the number after the last one.
    let base_line = archived_to(&picture.archive, LINES).saturating_sub(1);
    // A session that ended before it had an archive has its only records where it ran.
    let judged = !(picture.ended && picture.archive.is_empty());
    // What was copied from another assignment may be work that was lost, wherever the archive has got to since: it is
    // read again from the beginning. Once nobody holds the session, only what was agreed upon is left.
    let foreign = mirrored != Some(picture.epoch);
    let unheld = picture.holder.is_none();
    let cut = |has: u64, base: u64| {
        let left = if foreign { 0 } else { base };
        (judged && (foreign || unheld) && left < has).then_some(left)
    };
    let (cut_metrics, cut_lines) = (cut(points, base), cut(last_line, base_line));
    let points_lost = if cut_metrics.is_some() { points.saturating_sub(base) } else { 0 };
    let lines_shown = last_line.min(base_line);
    let (points, last_line) = (cut_metrics.unwrap_or(points), cut_lines.unwrap_or(last_line));
    let needed = |one: &&Segment| match one.kind {
        METRICS => points < one.to,
        LINES => last_line + 1 < one.to,
        _ => false,
    };
    let ask = picture.holder.clone().filter(|_| picture.holder_up && !picture.ended);
    Steps {
        cut_metrics,
        cut_lines,
        points_lost,
        lines_shown,
        files: picture.archive.iter().filter(needed).cloned().collect(),
        ask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(kind: u8, from: u64, to: u64) -> Segment {
        Segment { kind, from, to, sha256: [0; 32], size_bytes: 1, nodes: Vec::new() }
    }

    fn picture() -> Picture {
        Picture {
            epoch: 2,
            holder: Some("b".into()),
            holder_up: true,
            ended: false,
            archive: vec![
                segment(METRICS, 0, 100),
                segment(METRICS, 100, 200),
                segment(LINES, 1, 11),
            ],
        }
    }

    #[test]
    fn the_holder_itself_does_nothing() {
        assert_eq!(steps(&picture(), "b", None, 500, 50), Steps::default());
    }

    #[test]
    fn what_was_copied_from_another_assignment_is_read_again() {
        for mirrored in [Some(1), None] {
            let found = steps(&picture(), "a", mirrored, 260, 30);
            assert_eq!((found.cut_metrics, found.cut_lines), (Some(0), Some(0)));
            assert_eq!((found.points_lost, found.lines_shown), (60, 10));
            assert_eq!(found.files, picture().archive);
            assert_eq!(found.ask.as_deref(), Some("b"));
        }
    }

    #[test]
    fn once_nobody_holds_it_only_what_was_agreed_upon_is_left() {
        let now = Picture { holder: None, ..picture() };
        let found = steps(&now, "a", Some(2), 260, 30);
        assert_eq!((found.cut_metrics, found.cut_lines, found.ask), (Some(200), Some(10), None));
        assert!(found.files.is_empty());
    }

    #[test]
    fn a_copy_of_the_present_holder_goes_on() {
        let found = steps(&picture(), "a", Some(2), 260, 30);
        assert_eq!((found.cut_metrics, found.cut_lines), (None, None));
        assert!(found.files.is_empty());
    }

    #[test]
    fn what_is_missing_is_read_from_files_first() {
        let found = steps(&picture(), "a", Some(2), 120, 0);
        assert_eq!(found.files, [segment(METRICS, 100, 200), segment(LINES, 1, 11)]);
    }

    #[test]
    fn records_of_a_session_that_ended_without_an_archive_stay() {
        let old = Picture { holder: None, ended: true, archive: Vec::new(), ..picture() };
        assert_eq!(steps(&old, "a", None, 500, 50), Steps::default());
        let ended = Picture { holder: None, ended: true, ..picture() };
        assert_eq!(steps(&ended, "a", Some(2), 500, 50).cut_metrics, Some(200));
    }
}
