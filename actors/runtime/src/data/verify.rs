//! Whether a data set is still what was imported: its snapshot is hashed and decoded anew and compared with the
//! catalogue. Blocking; changes nothing.

use bytes::Bytes;
use engine::market::snapshot;
use store::{BlobHash, Blobs, StoreError};

use super::document::DatasetDocument;
use crate::error::ActorsError;
use crate::views::{VerificationView, VerifiedAs};

/// Checks the snapshot of a data set on this node.
///
/// # Errors
/// Tells when the catalogue's hash is none, which is our fault; a snapshot that is wrong is an answer.
pub(crate) fn verify(
    blobs: &Blobs,
    document: &DatasetDocument,
) -> Result<VerificationView, ActorsError> {
    let hash: BlobHash = document.sha256.parse().map_err(ActorsError::internal)?;
    let told = |found: VerifiedAs, detail: String, next: &str| VerificationView {
        sha256: document.sha256.clone(),
        size_bytes: document.size_bytes,
        rows: document.rows,
        ok: found == VerifiedAs::Good,
        found,
        detail,
        next: next.to_owned(),
    };
    let bytes = match blobs.read(hash) {
        Ok(bytes) => bytes,
        Err(StoreError::NoBlob { .. }) => {
            let next = "Start a node that has it, or import the source again under another name: equal content \
                        gives the snapshot back to both";
            let detail = "no node that can be reached has the snapshot".to_owned();
            return Ok(told(VerifiedAs::Missing, detail, next));
        }
        Err(error) => {
            let next = "Import the source again under another name: equal content repairs the snapshot of both. If \
                        it happens again, check the disk of this node";
            return Ok(told(VerifiedAs::Damaged, error.to_string(), next));
        }
    };
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let next = "Import the source again under another name, and report this: the snapshot is as it was written";
    let data = match snapshot::decode_any(Bytes::from(bytes)) {
        Ok(stored) => stored.data,
        Err(error) => return Ok(told(VerifiedAs::Unreadable, error.to_string(), next)),
    };
    let rows = u64::try_from(data.rows()).unwrap_or(u64::MAX);
    let kind = data.kind().name();
    if (rows, size, kind) != (document.rows, document.size_bytes, document.kind.as_str()) {
        let detail = format!(
            "the catalogue says {} rows of {} in {} bytes; the snapshot holds {rows} rows of {kind} in {size} bytes",
            document.rows, document.kind, document.size_bytes
        );
        return Ok(told(VerifiedAs::Different, detail, next));
    }
    let detail = format!("{rows} rows of {kind} in {size} bytes, as they were imported");
    Ok(told(VerifiedAs::Good, detail, ""))
}
