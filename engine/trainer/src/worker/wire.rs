//! Commands and events as versioned records, one per frame.

use engine::session::protocol::{WorkerCommand, WorkerEvent};
use serde::{Deserialize, Serialize};
use store::codec::{self, CodecError, Record, schema};

/// A command on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandRecord(pub WorkerCommand);

impl Record for CommandRecord {
    const SCHEMA: u32 = schema::SCHEMA_WORKER_COMMAND;
    const VERSION: u16 = 1;
}

/// An event on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventRecord(pub WorkerEvent);

impl Record for EventRecord {
    const SCHEMA: u32 = schema::SCHEMA_WORKER_EVENT;
    const VERSION: u16 = 1;
}

/// Returns the payload of a frame.
///
/// # Errors
/// The event is larger than a record may be.
pub fn encode(event: WorkerEvent) -> Result<Vec<u8>, CodecError> {
    codec::encode(&EventRecord(event))
}

/// Reads the payload of a frame.
///
/// # Errors
/// Not a command of a version we know, or damaged.
pub fn decode(payload: &[u8]) -> Result<WorkerCommand, CodecError> {
    codec::decode::<CommandRecord>(payload).map(|record| record.0)
}
