//! What nodes ask each other through the router.
//!
//! Rows of the journal travel in the journal's own layout. What people are shown travels as JSON, so that a node may add
//! a field before its neighbours know it.

use std::collections::BTreeMap;

use engine::ids::SessionId;
use serde::{Deserialize, Serialize};
use store::codec::{Record, schema};
use store::records::log_line::LogLineRecord;
use store::records::metric::MetricBatchRecord;

use crate::views::ProgressView;

/// What is asked of a session's holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TailAsk {
    /// Which session.
    pub(crate) session: SessionId,
    /// Which assignment.
    pub(crate) epoch: u64,
    /// Number of the first point wanted.
    pub(crate) points_from: u64,
    /// Lines after this number are wanted.
    pub(crate) lines_after: u64,
}

/// What the holder answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TailAnswer {
    /// Rows of points; as many as fit.
    pub(crate) metrics: Vec<MetricBatchRecord>,
    /// Lines; as many as fit.
    pub(crate) lines: Vec<LogLineRecord>,
    /// How far the session is.
    pub(crate) progress: ProgressView,
    /// Newest value of each metric.
    pub(crate) newest: BTreeMap<String, Option<f64>>,
}

/// A question to a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Question {
    /// What a session that is held there recorded beyond what is known here: [`Answer::Tail`].
    Tail(TailAsk),
    /// Its links: [`Answer::Json`] of a list of `views::LinkView`.
    Links,
    /// Its tree of actors: [`Answer::Json`] of a list of `views::ActorView`.
    Actors,
    /// How far the sessions are that are held there: [`Answer::Json`] of a list of `views::SeenView`.
    Seen,
}

impl Record for Question {
    const SCHEMA: u32 = schema::SCHEMA_NODE_QUESTION;
    const VERSION: u16 = 1;
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// To [`Question::Tail`].
    Tail(TailAnswer),
    /// To the others.
    Json(#[serde(with = "serde_bytes")] Vec<u8>),
    /// It has none, for this reason.
    Refused(String),
}

impl Record for Answer {
    const SCHEMA: u32 = schema::SCHEMA_NODE_ANSWER;
    const VERSION: u16 = 1;
    const BYTES_MAX: usize = 1 << 20;
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::path::PathBuf;

    use proptest::prelude::*;
    use store::codec;
    use store::records::metric::PackedPoint;
    use uuid::Uuid;

    use super::*;

    /// As in the other golden tests: `UPDATE_GOLDEN=1` writes missing files, none is ever rewritten.
    fn golden<R: Record + PartialEq + Debug>(sample: &R, part: &str) {
        let name = format!("{}_{part}_v{}.bin", schema::name(R::SCHEMA), R::VERSION);
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        let bytes = codec::encode(sample).unwrap();
        if !file.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &bytes).unwrap();
        }
        let stored =
            std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(codec::decode::<R>(&stored).as_ref(), Ok(sample), "{}", file.display());
        assert_eq!(stored, bytes, "{}: variants and fields are only appended", file.display());
    }

    fn tail() -> Answer {
        let points = vec![PackedPoint { name: 0, step: 7, value: Some(0.5) }];
        let names = vec!["loss".to_owned()];
        let row = MetricBatchRecord { first: 6, stored_at_ms: 1_000, names, points };
        let (level, text) = ("info".to_owned(), "a line".to_owned());
        Answer::Tail(TailAnswer {
            metrics: vec![row],
            lines: vec![LogLineRecord { seq: 3, at_ms: 1_001, level, text }],
            progress: ProgressView { step: 7, step_count: 10, ..ProgressView::default() },
            newest: BTreeMap::from([("loss".to_owned(), Some(0.5)), ("sharpe".to_owned(), None)]),
        })
    }

    #[test]
    fn what_nodes_ask_and_answer_is_readable_for_ever() {
        let session = SessionId::from_uuid(Uuid::from_u128(7));
        let ask = TailAsk { session, epoch: 2, points_from: 6, lines_after: 2 };
        golden(&Question::Tail(ask), "tail");
        golden(&Question::Links, "links");
        golden(&Question::Actors, "actors");
        golden(&Question::Seen, "seen");
        golden(&tail(), "tail");
        golden(&Answer::Json(b"[]".to_vec()), "json");
        golden(&Answer::Refused("not here".to_owned()), "refused");
    }

    proptest! {
        #[test]
        fn garbage_and_damage_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), at: prop::sample::Index) {
            prop_assert!(codec::decode::<Question>(&bytes).is_err());
            prop_assert!(codec::decode::<Answer>(&bytes).is_err());
            let mut changed = codec::encode(&tail()).unwrap();
            let at = at.index(changed.len());
            changed[at] ^= 1;
            prop_assert!(codec::decode::<Answer>(&changed).is_err());
        }
    }
}
