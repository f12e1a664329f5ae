//! What identity keeps in control state: `user/<id>`, `user_name/<hash of the name>`, `refresh/<family>`.

use engine::ids::UserId;
use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::documents::Stored;
use crate::error::ActorsError;
use crate::messages::identity::Credentials;
use crate::views::UserView;

/// Collection of users.
pub(crate) const USERS: &str = "user";
/// Collection of claims on login names.
pub(crate) const NAMES: &str = "user_name";
/// Collection of families of refresh tokens.
pub(crate) const FAMILIES: &str = "refresh";

/// A person or program that may log in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserDocument {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) password_phc: String,
    pub(crate) must_change_password: bool,
    pub(crate) permission_version: u64,
    /// The newest command that changed the password, hexadecimal.
    pub(crate) command: String,
}

impl std::fmt::Debug for UserDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserDocument")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Returns what the world is shown.
///
/// # Errors
/// Tells when the identifier is broken.
pub(crate) fn view(stored: &Stored<UserDocument>) -> Result<UserView, ActorsError> {
    Ok(UserView {
        id: stored.id.parse::<UserId>().map_err(ActorsError::internal)?,
        name: stored.value.name.clone(),
        role: stored.value.role.clone(),
        must_change_password: stored.value.must_change_password,
        created_at: rfc3339(stored.created_ms),
    })
}

/// Returns what a login is checked against.
///
/// # Errors
/// Tells when the identifier is broken.
pub(crate) fn credentials(stored: &Stored<UserDocument>) -> Result<Credentials, ActorsError> {
    Ok(Credentials {
        user: view(stored)?,
        password_phc: stored.value.password_phc.clone(),
        permission_version: stored.value.permission_version,
    })
}
