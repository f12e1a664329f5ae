//! The stored login: one file per user of this machine, readable by them alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::CliError;

/// One login at one address.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Short-lived token.
    pub(crate) access_token: String,
    /// `name=value` of the refresh cookie; worth a login until it expires.
    pub(crate) refresh_cookie: String,
}

/// Logins by address.
#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    logins: BTreeMap<String, Login>,
}

fn path() -> Result<PathBuf, CliError> {
    crate::config::credentials_file().ok_or_else(|| {
        CliError::Usage(
            "neither TM_CREDENTIALS, XDG_CONFIG_HOME nor HOME is set, so no login can be kept"
                .to_owned(),
        )
    })
}

fn read() -> Result<File, CliError> {
    match fs::read(path()?) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(File::default()),
        Err(source) => Err(CliError::Io { what: "read the stored login".to_owned(), source }),
    }
}

fn write(file: &File) -> Result<(), CliError> {
    let path = path()?;
    let failed =
        |source| CliError::Io { what: format!("store the login in {}", path.display()), source };
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let fresh = path.with_extension("new");
    let bytes = serde_json::to_vec_pretty(file).map_err(|error| failed(error.into()))?;
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(failed)?;
    out.write_all(&bytes).map_err(failed)?;
    fs::rename(&fresh, &path).map_err(failed)
}

/// Returns the login at `url`, if any.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn load(url: &str) -> Result<Option<Login>, CliError> {
    Ok(read()?.logins.remove(url))
}

/// Keeps or forgets the login at `url`.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn store(url: &str, login: Option<Login>) -> Result<(), CliError> {
    let mut file = read()?;
    match login {
        Some(login) => file.logins.insert(url.to_owned(), login),
        None => file.logins.remove(url),
    };
    write(&file)
}
