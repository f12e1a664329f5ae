//! Package `store`: the versioned codec, the journal on sled, the content-addressed files. Nobody else opens sled.
//!
//! What is durable when:
//! 1. A commit that answered `Ok` survives kill -9 and power cut on this disk.
//! 2. A blob that was put is whole on disk under its hash, or absent.
//! 3. Nothing is ever repaired by cutting: damaged data is set aside and named.
//! 4. Every version of every record ever written is readable for ever.
//!
//! Modules in reading order: [`codec`] (envelope, frames, schema ids).

pub mod codec;
mod error;

pub use error::StoreError;
