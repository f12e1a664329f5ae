//! The worker's frames as records of the codec.

use engine::session::protocol::{WorkerCommand, WorkerEvent};
use serde::{Deserialize, Serialize};
use store::codec::Record;
use store::codec::schema::{SCHEMA_WORKER_COMMAND, SCHEMA_WORKER_EVENT};

/// Node → worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct CommandRecord(pub(crate) WorkerCommand);

impl Record for CommandRecord {
    const SCHEMA: u32 = SCHEMA_WORKER_COMMAND;
    const VERSION: u16 = 1;
}

/// Worker → node.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct EventRecord(pub(crate) WorkerEvent);

impl Record for EventRecord {
    const SCHEMA: u32 = SCHEMA_WORKER_EVENT;
    const VERSION: u16 = 1;
}
