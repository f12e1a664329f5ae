//! Keys that all nodes know: every node's public token key, and secrets made once for all.
//!
//! A public key is told with the name of its node, so that keys of nodes that left are no longer believed.

use std::time::Duration;

use cluster::control::Expected;
use engine::ids::NodeId;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::refresh::hex;
use crate::documents::{Documents, Stored, put};
use crate::error::ActorsError;
use crate::messages::CommandId;
use crate::messages::identity::SharedKey;

/// Collection of public token keys, by their names.
pub(crate) const TOKEN_KEYS: &str = "token_key";
/// Collection of secrets that all nodes share.
pub(crate) const SHARED_KEYS: &str = "shared_key";
/// Says what follows, and keeps the digits from being taken for the hash of a file.
const ED25519: &str = "ed25519:";
const SECRET: &str = "secret:";
/// Pause before a key that was not agreed upon is told again.
const AGAIN: Duration = Duration::from_secs(1);

/// A node's public token key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenKeyDocument {
    /// Whose it is.
    pub(crate) node: NodeId,
    /// `ed25519:` and 64 hexadecimal digits.
    pub(crate) public: String,
}

/// A secret that all nodes share.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SharedKeyDocument {
    /// `secret:` and 64 hexadecimal digits.
    secret: String,
}

/// Returns a published key's name and bytes; nothing where it is none of ours.
pub(super) fn public(stored: &Stored<TokenKeyDocument>) -> Option<(String, [u8; 32])> {
    Some((stored.id.clone(), digits(stored.value.public.strip_prefix(ED25519)?)?))
}

/// Tells all nodes this node's public key, until that is agreed upon.
pub(super) async fn publish(documents: Documents, node: NodeId, kid: String, key: [u8; 32]) {
    let document = TokenKeyDocument { node, public: format!("{ED25519}{}", hex(&key)) };
    loop {
        let told = match documents.get::<TokenKeyDocument>(TOKEN_KEYS, &kid) {
            Ok(Some(stored)) if stored.value == document => return,
            Ok(found) => {
                let expected =
                    found.map_or(Expected::Absent, |found| Expected::Revision(found.revision));
                match put(TOKEN_KEYS, &kid, expected, &document) {
                    Ok(change) => documents.change(CommandId::random(), vec![change]).await,
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        match told {
            Ok(_) => return,
            Err(error) => {
                tracing::debug!(%error, "the public key of this node is not known to the others yet");
                sleep(AGAIN).await;
            }
        }
    }
}

/// Returns the secret of this name; makes it when nobody did.
///
/// # Errors
/// Tells when it does not exist yet and no majority is reached.
pub(super) async fn shared(documents: &Documents, name: &str) -> Result<SharedKey, ActorsError> {
    if let Some(key) = known(documents, name)? {
        return Ok(key);
    }
    let mut bytes = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| ActorsError::internal("the system has no randomness"))?;
    let document = SharedKeyDocument { secret: format!("{SECRET}{}", hex(&bytes)) };
    let change = put(SHARED_KEYS, name, Expected::Absent, &document)?;
    match documents.change(CommandId::random(), vec![change]).await {
        Ok(_) => Ok(SharedKey(bytes)),
        // Somebody else was quicker.
        Err(error) => known(documents, name)?.ok_or(error),
    }
}

fn known(documents: &Documents, name: &str) -> Result<Option<SharedKey>, ActorsError> {
    let Some(stored) = documents.get::<SharedKeyDocument>(SHARED_KEYS, name)? else {
        return Ok(None);
    };
    let bytes = stored.value.secret.strip_prefix(SECRET).and_then(digits);
    let broken = || ActorsError::Store {
        detail: format!("the shared key '{name}' is no key of ours; upgrade this node"),
    };
    bytes.map(SharedKey).map(Some).ok_or_else(broken)
}

fn digits(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sixty_four_digits_are_a_key() {
        let bytes = [0xa5; 32];
        assert_eq!(digits(&hex(&bytes)), Some(bytes));
        for text in ["", "a5", &"g".repeat(64), &"é".repeat(32), &"a".repeat(66)] {
            assert_eq!(digits(text), None, "{text}");
        }
    }
}
