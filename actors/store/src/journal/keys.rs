//! Every tree and key of the journal, on one page.
//!
//! A key is a prefix byte and fixed-width big-endian fields, followed on disk by a part number (u16), so that text
//! order is number order and no key is the beginning of another.
//!
//! ```text
//! tree       key                                   value
//! journal    s session[16]                         status snapshot
//!            t session[16] seq u64                 transition
//!            m session[16] first index u64         metric batch
//!            l session[16] seq u64                 log line
//!            c session[16] step u64                checkpoint
//!            v kind u16 id[32]                     named value of this node
//!            z                                     commits made (see `mark`)
//! raft_log   index u64                             entry of the control log (see `raft_log`)
//! raft_meta  v | p | s | c                         vote, purged, snapshot, committed
//! ```

/// Longest key on disk, part number included.
pub(crate) const KEY_BYTES_MAX: usize = 64;

/// The trees. What must be written atomically together lies in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Tree {
    /// Everything of sessions and this node.
    Journal,
    /// Entries of the control log.
    RaftLog,
    /// What is remembered beside the log.
    RaftMeta,
}

impl Tree {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::RaftLog => "raft_log",
            Self::RaftMeta => "raft_meta",
        }
    }
}

/// A key or the beginning of keys, without part number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    fn with(prefix: u8, fields: &[&[u8]]) -> Self {
        let mut bytes = vec![prefix];
        for field in fields {
            bytes.extend_from_slice(field);
        }
        debug_assert!(bytes.len() + 2 <= KEY_BYTES_MAX, "keys are short by construction");
        Self(bytes)
    }

    /// A session's status snapshot.
    #[must_use]
    pub fn session_status(session: &[u8; 16]) -> Self {
        Self::with(b's', &[session])
    }

    /// All status snapshots.
    #[must_use]
    pub fn session_statuses() -> Self {
        Self::with(b's', &[])
    }

    /// One transition of a session.
    #[must_use]
    pub fn transition(session: &[u8; 16], seq: u64) -> Self {
        Self::with(b't', &[session, &seq.to_be_bytes()])
    }

    /// All transitions of a session.
    #[must_use]
    pub fn transitions(session: &[u8; 16]) -> Self {
        Self::with(b't', &[session])
    }

    /// A run of metric points.
    #[must_use]
    pub fn metric_batch(session: &[u8; 16], first: u64) -> Self {
        Self::with(b'm', &[session, &first.to_be_bytes()])
    }

    /// All metric points of a session.
    #[must_use]
    pub fn metric_batches(session: &[u8; 16]) -> Self {
        Self::with(b'm', &[session])
    }

    /// A line of a session's log.
    #[must_use]
    pub fn log_line(session: &[u8; 16], seq: u64) -> Self {
        Self::with(b'l', &[session, &seq.to_be_bytes()])
    }

    /// All lines of a session's log.
    #[must_use]
    pub fn log_lines(session: &[u8; 16]) -> Self {
        Self::with(b'l', &[session])
    }

    /// A checkpoint of a session.
    #[must_use]
    pub fn checkpoint(session: &[u8; 16], step: u64) -> Self {
        Self::with(b'c', &[session, &step.to_be_bytes()])
    }

    /// All checkpoints of a session.
    #[must_use]
    pub fn checkpoints(session: &[u8; 16]) -> Self {
        Self::with(b'c', &[session])
    }

    /// A named value of this node.
    #[must_use]
    pub fn node_value(kind: u16, id: &[u8; 32]) -> Self {
        Self::with(b'v', &[&kind.to_be_bytes(), id])
    }

    /// All named values of a kind.
    #[must_use]
    pub fn node_values(kind: u16) -> Self {
        Self::with(b'v', &[&kind.to_be_bytes()])
    }

    /// How many commits were made.
    pub(crate) fn commit_count() -> Self {
        Self::with(b'z', &[])
    }

    /// What is remembered beside the control log.
    pub(crate) fn raft_meta(name: u8) -> Self {
        Self::with(name, &[])
    }

    /// An entry of the control log.
    pub(crate) fn raft_entry(index: u64) -> Self {
        Self(index.to_be_bytes().to_vec())
    }

    /// A key as read back from the disk.
    pub(crate) fn from_base(base: &[u8]) -> Self {
        Self(base.to_vec())
    }

    /// The key's bytes without part number.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key of one part on disk.
    pub(crate) fn part(&self, part: u16) -> Vec<u8> {
        let mut bytes = self.0.clone();
        bytes.extend_from_slice(&part.to_be_bytes());
        bytes
    }

    /// Reads the last eight bytes as a number: seq, first index or step.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    /// For messages.
    pub(crate) fn place(&self, tree: Tree) -> String {
        let text: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}/{text}", tree.name())
    }
}

/// Splits a key on disk into base and part number.
pub(crate) fn split(on_disk: &[u8]) -> Option<(&[u8], u16)> {
    let (base, part) = on_disk.split_last_chunk::<2>()?;
    Some((base, u16::from_be_bytes(*part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_order_is_key_order_and_keys_stay_short() {
        let session = [7; 16];
        assert!(Key::transition(&session, 255) < Key::transition(&session, 256));
        assert!(Key::metric_batch(&session, u64::MAX).part(u16::MAX).len() <= KEY_BYTES_MAX);
        assert!(Key::node_value(u16::MAX, &[0xff; 32]).part(u16::MAX).len() <= KEY_BYTES_MAX);
        assert_eq!(Key::checkpoint(&session, 77).number(), 77);
    }

    #[test]
    fn base_and_part_come_apart_again() {
        let key = Key::log_line(&[1; 16], 9);
        assert_eq!(split(&key.part(3)), Some((key.bytes(), 3)));
        assert_eq!(split(&[1]), None);
    }
}
