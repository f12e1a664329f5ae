//! The closed list of schema ids: one number for every kind of thing that is stored or sent.
//!
//! A number is never given twice and never taken back: bytes written under it are readable for ever.

/// Node → worker frame (`engine::session::protocol::WorkerCommand`).
pub const SCHEMA_WORKER_COMMAND: u32 = 1;
/// Worker → node frame (`engine::session::protocol::WorkerEvent`).
pub const SCHEMA_WORKER_EVENT: u32 = 2;
/// Everything a training worker needs to resume.
pub const SCHEMA_CHECKPOINT: u32 = 3;

/// A session's newest status, whole.
pub const SCHEMA_SESSION_STATUS: u32 = 16;
/// One change of a session's state.
pub const SCHEMA_SESSION_TRANSITION: u32 = 17;
/// A run of metric points.
pub const SCHEMA_METRIC_BATCH: u32 = 18;
/// One line of a session's log.
pub const SCHEMA_LOG_LINE: u32 = 19;
/// A checkpoint known to this node.
pub const SCHEMA_CHECKPOINT_ENTRY: u32 = 20;
/// A named value of this node.
pub const SCHEMA_NODE_VALUE: u32 = 21;

/// A vote in the control log.
pub const SCHEMA_LOG_VOTE: u32 = 32;
/// The point up to which the control log was purged.
pub const SCHEMA_LOG_PURGED: u32 = 33;
/// Where the newest snapshot of the control state lies.
pub const SCHEMA_LOG_SNAPSHOT: u32 = 34;
/// The last index known to be committed.
pub const SCHEMA_LOG_COMMITTED: u32 = 35;
/// How many commits the journal has made.
pub const SCHEMA_COMMIT_COUNT: u32 = 36;

/// One entry of the control log: time and commands.
pub const SCHEMA_CONTROL_ENTRY: u32 = 48;
/// The whole control state.
pub const SCHEMA_CONTROL_SNAPSHOT: u32 = 49;
/// One command alone, for its fingerprint.
pub const SCHEMA_CONTROL_COMMAND: u32 = 50;
/// Who votes and who follows, as an entry of the control log and beside its snapshot.
pub const SCHEMA_RAFT_MEMBERSHIP: u32 = 51;
/// What nodes say to each other about the control log.
pub const SCHEMA_RAFT_MESSAGE: u32 = 52;
/// Proposals and reads that are passed on to the leader, and its answers.
pub const SCHEMA_CONTROL_CALL: u32 = 53;

/// A node renews its lease.
pub const SCHEMA_LEASE_RENEWAL: u32 = 64;
/// What the leader says to a renewal.
pub const SCHEMA_LEASE_ANSWER: u32 = 65;
/// A node asks to be admitted.
pub const SCHEMA_JOIN_REQUEST: u32 = 66;
/// Whether it was admitted.
pub const SCHEMA_JOIN_ANSWER: u32 = 67;

/// A question that one node's actors ask another's.
pub const SCHEMA_NODE_QUESTION: u32 = 68;
/// Its answer.
pub const SCHEMA_NODE_ANSWER: u32 = 69;

/// A message between two nodes' routers.
pub const SCHEMA_ROUTER_ENVELOPE: u32 = 80;
/// How long a frame takes between two routers.
pub const SCHEMA_ROUTER_PROBE: u32 = 81;
/// Why a router or a receiver refused a message.
pub const SCHEMA_ROUTER_REFUSAL: u32 = 82;

/// Every schema id with its name, in order.
pub const SCHEMAS: [(u32, &str); 29] = [
    (SCHEMA_WORKER_COMMAND, "worker_command"),
    (SCHEMA_WORKER_EVENT, "worker_event"),
    (SCHEMA_CHECKPOINT, "checkpoint"),
    (SCHEMA_SESSION_STATUS, "session_status"),
    (SCHEMA_SESSION_TRANSITION, "session_transition"),
    (SCHEMA_METRIC_BATCH, "metric_batch"),
    (SCHEMA_LOG_LINE, "log_line"),
    (SCHEMA_CHECKPOINT_ENTRY, "checkpoint_entry"),
    (SCHEMA_NODE_VALUE, "node_value"),
    (SCHEMA_LOG_VOTE, "log_vote"),
    (SCHEMA_LOG_PURGED, "log_purged"),
    (SCHEMA_LOG_SNAPSHOT, "log_snapshot"),
    (SCHEMA_LOG_COMMITTED, "log_committed"),
    (SCHEMA_COMMIT_COUNT, "commit_count"),
    (SCHEMA_CONTROL_ENTRY, "control_entry"),
    (SCHEMA_CONTROL_SNAPSHOT, "control_snapshot"),
    (SCHEMA_CONTROL_COMMAND, "control_command"),
    (SCHEMA_RAFT_MEMBERSHIP, "raft_membership"),
    (SCHEMA_RAFT_MESSAGE, "raft_message"),
    (SCHEMA_CONTROL_CALL, "control_call"),
    (SCHEMA_LEASE_RENEWAL, "lease_renewal"),
    (SCHEMA_LEASE_ANSWER, "lease_answer"),
    (SCHEMA_JOIN_REQUEST, "join_request"),
    (SCHEMA_JOIN_ANSWER, "join_answer"),
    (SCHEMA_NODE_QUESTION, "node_question"),
    (SCHEMA_NODE_ANSWER, "node_answer"),
    (SCHEMA_ROUTER_ENVELOPE, "router_envelope"),
    (SCHEMA_ROUTER_PROBE, "router_probe"),
    (SCHEMA_ROUTER_REFUSAL, "router_refusal"),
];

/// Returns the name of a schema id, or `unknown`.
#[must_use]
pub fn name(schema: u32) -> &'static str {
    SCHEMAS.iter().find(|(id, _)| *id == schema).map_or("unknown", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_given_once_and_in_order() {
        assert!(SCHEMAS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (id, text) in SCHEMAS {
            assert_eq!(
                SCHEMAS.iter().filter(|(_, other)| *other == text).count(),
                1,
                "{id} {text}"
            );
        }
    }
}
