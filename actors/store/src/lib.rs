//! Package `store`: the versioned codec, the journal on sled, the content-addressed files. Nobody else opens sled.
//!
//! What is durable when:
//! 1. A commit that answered `Ok` survives kill -9 and power cut on this disk.
//! 2. A blob that was put is whole on disk under its hash, or absent.
//! 3. Nothing is ever repaired by cutting: damaged data is set aside and named.
//! 4. Every version of every record ever written is readable for ever.
//!
//! Modules in reading order: [`codec`] (envelope, frames, schema ids), `journal` (the commit thread), `tables` (typed
//! reads and writes), `raft_log` (the control log), `blob` (content-addressed files), `disk` (free space), `faults`
//! (crash points for tests).

#[cfg(feature = "journal")]
pub mod blob;
pub mod codec;
#[cfg(feature = "journal")]
pub mod disk;
mod error;
#[cfg(feature = "journal")]
pub mod faults;
#[cfg(feature = "journal")]
pub mod journal;
#[cfg(feature = "journal")]
pub mod raft_log;
#[cfg(feature = "journal")]
pub mod records;
#[cfg(feature = "journal")]
pub mod tables;

#[cfg(feature = "journal")]
pub use blob::{BlobHash, BlobRef, Blobs};
pub use error::StoreError;
#[cfg(feature = "journal")]
pub use journal::{Batch, Journal, Key};
#[cfg(feature = "journal")]
pub use tables::Tables;
