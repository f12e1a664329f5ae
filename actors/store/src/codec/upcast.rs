//! Reading older versions: decode the frozen struct of that version, then go up one version at a time.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use store::codec::{self, CodecError, Record, upcast};
//!
//! #[derive(Serialize, Deserialize)]
//! struct V1 { name: String }
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct V2 { name: String, note: Option<String> }
//!
//! impl From<V1> for V2 {
//!     fn from(old: V1) -> Self { Self { name: old.name, note: None } }
//! }
//! impl Record for V1 { const SCHEMA: u32 = 21; const VERSION: u16 = 1; }
//! impl Record for V2 {
//!     const SCHEMA: u32 = 21;
//!     const VERSION: u16 = 2;
//!     fn decode_older(version: u16, payload: &[u8]) -> Option<Result<Self, CodecError>> {
//!         match version {
//!             1 => Some(upcast::from::<V1, Self>(payload)),
//!             _ => None,
//!         }
//!     }
//! }
//!
//! let old = codec::encode(&V1 { name: "a".into() }).unwrap();
//! assert_eq!(codec::decode::<V2>(&old), Ok(V2 { name: "a".into(), note: None }));
//! ```

use super::{CodecError, Record, decode_payload};

/// Decodes `payload` as `Old` and converts it.
///
/// # Errors
/// As [`decode_payload`].
pub fn from<Old: Record, New: From<Old>>(payload: &[u8]) -> Result<New, CodecError> {
    decode_payload::<Old>(payload).map(New::from)
}
