//! Who calls: what a verified access token says.

use std::collections::BTreeSet;

use actors::IdentityHandle;
use engine::error::ErrorCode;
use engine::ids::UserId;

use super::permissions::Permission;
use crate::problem::Problem;

/// A signed-in caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The user.
    pub(crate) user: UserId,
    /// What the token allows.
    pub(crate) permissions: BTreeSet<Permission>,
    /// The login this token came from.
    pub(crate) login: String,
    /// When the token ends, milliseconds since 1970 UTC.
    pub(crate) expires_ms: i64,
    /// The password was generated and had not been changed when the token was issued.
    pub(crate) must_change_password: bool,
}

impl Caller {
    /// Whether a permission is held.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Refuses a caller whose generated password has not been changed yet.
    ///
    /// Only a token that says so costs a question: it stays good until it ends, and the password may have been
    /// changed with it meanwhile.
    ///
    /// # Errors
    /// `password_change_required`; tells when the identity actor does not answer.
    pub(crate) async fn need_own_password(&self, identity: &IdentityHandle) -> Result<(), Problem> {
        if !self.must_change_password {
            return Ok(());
        }
        let found = identity.user(self.user).await?;
        if found.is_some_and(|credentials| !credentials.user.must_change_password) {
            return Ok(());
        }
        let detail = "your password was generated; choose your own first: POST /api/v1/me/password, \
                      `tm passwd`, or the web UI after logging in";
        Err(Problem::new(ErrorCode::PasswordChangeRequired, detail))
    }

    /// Asks for a permission.
    ///
    /// # Errors
    /// `forbidden` when it is not held.
    pub(crate) fn need(&self, permission: Permission) -> Result<(), Problem> {
        if self.may(permission) {
            return Ok(());
        }
        Err(forbidden(&[permission]))
    }

    /// Asks to change an object of `owner`.
    ///
    /// # Errors
    /// `forbidden` when it is somebody else's and the caller may not change those.
    pub(crate) fn need_ownership(&self, owner: UserId) -> Result<(), Problem> {
        if owner == self.user || self.may(Permission::ObjectsWriteAny) {
            return Ok(());
        }
        let detail = "this belongs to somebody else; ask its owner or an administrator";
        Err(Problem::new(ErrorCode::Forbidden, detail).with("owner", owner.to_string()))
    }
}

/// Refuses for lack of permissions, naming them.
pub(crate) fn forbidden(wanted: &[Permission]) -> Problem {
    let names: Vec<&str> = wanted.iter().map(|permission| permission.as_str()).collect();
    let detail = format!("your role does not include {}; ask an administrator", names.join(" or "));
    Problem::new(ErrorCode::Forbidden, detail).with("permissions", names)
}
