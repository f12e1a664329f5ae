//! The key that signs access tokens: Ed25519, made once, readable by the node's user only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::error::ActorsError;
use crate::messages::identity::Signature;

/// Name of the key's file.
const FILE: &str = "token.key";
/// A PKCS#8 file of this key is far smaller.
const BYTES_MAX: u64 = 4_096;

/// A signing key and its name.
#[derive(Debug)]
pub(crate) struct TokenKey {
    pair: Ed25519KeyPair,
    kid: String,
}

impl TokenKey {
    /// Reads the key of `folder`, or makes one when there is none.
    ///
    /// # Errors
    /// Tells when the file cannot be read or written, is open to others, or is no key.
    pub(crate) fn open(folder: &Path) -> Result<Self, ActorsError> {
        let path = folder.join(FILE);
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => make(folder)?,
            Err(error) => {
                return Err(boot(
                    &path,
                    &format!("cannot be read ({error}); check its owner and mode"),
                ));
            }
        };
        let pair = Ed25519KeyPair::from_pkcs8(&bytes)
            .map_err(|error| boot(&path, &format!("is no Ed25519 key ({error}); restore it from a backup, or remove it: every login then ends")))?;
        let kid: String =
            engine::digest::sha256(pair.public_key().as_ref()).chars().take(16).collect();
        Ok(Self { pair, kid })
    }

    /// Signs bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, ActorsError> {
        let signature = self.pair.sign(message);
        let bytes = signature.as_ref().try_into().map_err(ActorsError::internal)?;
        Ok(Signature { kid: self.kid.clone(), bytes })
    }

    /// Returns the key's name and public half.
    pub(crate) fn public(&self) -> Result<(String, [u8; 32]), ActorsError> {
        let bytes = self.pair.public_key().as_ref().try_into().map_err(ActorsError::internal)?;
        Ok((self.kid.clone(), bytes))
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mode = file.metadata()?.mode();
    if mode & 0o077 != 0 {
        return Err(std::io::Error::other(format!(
            "mode {:o} lets others read it, 600 is needed",
            mode & 0o777
        )));
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes a key: written beside its place, then renamed, so that a crash leaves a whole key or none.
fn make(folder: &Path) -> Result<Vec<u8>, ActorsError> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map_err(|_| ActorsError::internal("the system has no randomness"))?;
    let written = || -> std::io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let temporary = folder.join(format!("{FILE}.new"));
        if temporary.exists() {
            fs::remove_file(&temporary)?;
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(document.as_ref())?;
        file.sync_all()?;
        fs::rename(&temporary, folder.join(FILE))?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|error| {
        boot(folder, &format!("cannot hold the token key ({error}); make it writable"))
    })?;
    Ok(document.as_ref().to_vec())
}

fn boot(path: &Path, what: &str) -> ActorsError {
    ActorsError::Boot { detail: format!("{} {what}", path.display()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = folder.path().join("secrets");
        let first = TokenKey::open(&secrets).unwrap();
        let second = TokenKey::open(&secrets).unwrap();
        assert_eq!(first.public(), second.public());
        assert_eq!(fs::metadata(secrets.join(FILE)).unwrap().mode() & 0o777, 0o600);
        let (_, public) = second.public().unwrap();
        let signature = first.sign(b"token").unwrap();
        UnparsedPublicKey::new(&ED25519, public).verify(b"token", &signature.bytes).unwrap();
    }

    #[test]
    fn refuses_a_key_that_others_can_read_and_one_that_is_garbage() {
        let folder = tempfile::tempdir().unwrap();
        TokenKey::open(folder.path()).unwrap();
        let path = folder.path().join(FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(TokenKey::open(folder.path()).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, b"garbage").unwrap();
        assert!(TokenKey::open(folder.path()).is_err());
    }
}
