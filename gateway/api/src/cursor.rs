//! Signed page cursors: where the next page begins, for which filters, issued when; nobody else can make one.

use engine::error::ErrorCode;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::text;

/// A cursor older than this is refused: the list has changed too much to go on.
const AGE_MS_MAX: i64 = 24 * 60 * 60 * 1000;
/// Longest cursor that is even looked at.
const LENGTH_MAX: usize = 2048;
const TAG_BYTES: usize = 32;

#[derive(Serialize, Deserialize)]
struct Content {
    /// `Page::next` of the handle.
    next: String,
    /// Hash of route and filters.
    filters: String,
    /// Issue time, milliseconds since 1970 UTC.
    issued: i64,
}

/// Makes and reads cursors.
pub(crate) struct Cursors {
    key: hmac::Key,
}

impl Cursors {
    /// Takes the key that all gateways of the cluster share.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// Signs where the next page begins.
    pub(crate) fn sign(&self, next: &str, filters: &str, now_ms: i64) -> String {
        let content =
            Content { next: next.to_owned(), filters: fingerprint(filters), issued: now_ms };
        let mut bytes = serde_json::to_vec(&content).unwrap_or_default();
        let tag = hmac::sign(&self.key, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        text::base64url(&bytes)
    }

    /// Reads a cursor made for the same filters.
    ///
    /// # Errors
    /// `bad_cursor` for foreign, changed, old and misused ones.
    pub(crate) fn open(&self, cursor: &str, filters: &str, now_ms: i64) -> Result<String, Problem> {
        let refuse = |why: &str| {
            Problem::new(
                ErrorCode::BadCursor,
                format!("the cursor {why}; start again without a cursor"),
            )
        };
        if cursor.len() > LENGTH_MAX {
            return Err(refuse("is too long"));
        }
        let bytes = text::from_base64url(cursor).ok_or_else(|| refuse("cannot be read"))?;
        let split = bytes.len().checked_sub(TAG_BYTES).ok_or_else(|| refuse("is too short"))?;
        let (body, tag) = bytes.split_at(split);
        hmac::verify(&self.key, body, tag).map_err(|_| refuse("was not made here"))?;
        let content: Content =
            serde_json::from_slice(body).map_err(|_| refuse("cannot be read"))?;
        if content.filters != fingerprint(filters) {
            return Err(refuse("belongs to other filters"));
        }
        let age = now_ms.saturating_sub(content.issued);
        if !(0..=AGE_MS_MAX).contains(&age) {
            return Err(refuse("is more than a day old"));
        }
        Ok(content.next)
    }
}

fn fingerprint(filters: &str) -> String {
    text::base64url(text::sha256(filters.as_bytes()).get(..12).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_for_its_filters_only_and_for_a_day() {
        let cursors = Cursors::new(&[7; 32]);
        let cursor = cursors.sign("ses_1", "kind=training", 1_000);
        assert_eq!(cursors.open(&cursor, "kind=training", 2_000).unwrap(), "ses_1");
        assert!(cursors.open(&cursor, "kind=backtest", 2_000).is_err());
        assert!(cursors.open(&cursor, "kind=training", 1_000 + AGE_MS_MAX + 1).is_err());
        assert!(cursors.open(&cursor, "kind=training", 999).is_err());
        assert!(Cursors::new(&[8; 32]).open(&cursor, "kind=training", 2_000).is_err());
    }

    #[test]
    fn no_changed_byte_passes() {
        let cursors = Cursors::new(&[7; 32]);
        let good = text::from_base64url(&cursors.sign("ses_1", "", 0)).unwrap();
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 1;
            let problem = cursors.open(&text::base64url(&bad), "", 0).unwrap_err();
            assert_eq!(problem.code, ErrorCode::BadCursor);
        }
        for garbage in ["", "x", "%%%", &"a".repeat(5000)] {
            assert_eq!(cursors.open(garbage, "", 0).unwrap_err().code, ErrorCode::BadCursor);
        }
    }
}
