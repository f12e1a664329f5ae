//! The first administrator: made once, when there is no user at all.

use actors::{Command, CommandId, NewUser, Platform};
use engine::error::ErrorCode;

use super::password::{PasswordCost, Passwords};
use crate::GatewayError;
use crate::problem::Problem;
use crate::text;

/// Login name of the first administrator.
const NAME: &str = "admin";
/// Letters and digits that nobody confuses.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of the password, 5 bits each.
const LENGTH: usize = 24;

/// Name and password of the first administrator. Show them once; the password is stored nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstAdmin {
    /// Login name.
    pub user: String,
    /// Generated password, to be changed after the first sign-in.
    pub password: String,
}

impl std::fmt::Debug for FirstAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstAdmin").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Makes an administrator with a generated password if there is no user yet.
///
/// # Errors
/// Tells when the identity actor does not answer or the system gives no random bytes.
pub async fn ensure_first_admin(platform: &Platform) -> Result<Option<FirstAdmin>, GatewayError> {
    ensure(platform, PasswordCost::default()).await.map_err(GatewayError::from)
}

/// As [`ensure_first_admin`] at a given cost, for tests.
///
/// # Errors
/// As [`ensure_first_admin`].
pub async fn ensure_first_admin_at_cost(
    platform: &Platform,
    cost: PasswordCost,
) -> Result<Option<FirstAdmin>, GatewayError> {
    ensure(platform, cost).await.map_err(GatewayError::from)
}

/// Gives a user a new generated password, which is returned once and has to be changed at the next login; all logins of
/// the user end.
///
/// # Errors
/// Tells when there is no such user or the identity actor does not answer.
pub async fn reset_password(platform: &Platform, user: &str) -> Result<String, GatewayError> {
    reset(platform, user).await.map_err(GatewayError::from)
}

async fn reset(platform: &Platform, user: &str) -> Result<String, Problem> {
    let found = platform.identity.user_by_name(user).await?;
    let credentials = found
        .ok_or_else(|| Problem::new(ErrorCode::NotFound, format!("there is no user {user}")))?;
    let password = generate()?;
    let phc = Passwords::new(PasswordCost::default())?.hash(password.clone()).await?;
    let command = Command {
        id: CommandId(text::random::<16>()?),
        actor: "system".to_owned(),
        reason: Some("password reset on the node".to_owned()),
    };
    platform.identity.give_password(command, credentials.user.id, phc).await?;
    Ok(password)
}

async fn ensure(platform: &Platform, cost: PasswordCost) -> Result<Option<FirstAdmin>, Problem> {
    if platform.identity.user_count().await? > 0 {
        return Ok(None);
    }
    let password = generate()?;
    let phc = Passwords::new(cost)?.hash(password.clone()).await?;
    let command = Command {
        id: CommandId(text::random::<16>()?),
        actor: "system".to_owned(),
        reason: Some("first start".to_owned()),
    };
    let wanted = NewUser {
        name: NAME.to_owned(),
        role: "admin".to_owned(),
        password_phc: phc,
        must_change_password: true,
    };
    match platform.identity.create_user(command, wanted).await.map_err(Problem::from) {
        Ok(user) => Ok(Some(FirstAdmin { user: user.name, password })),
        // Somebody else was first: then there is an administrator, and no password to show.
        Err(problem) if problem.code == ErrorCode::Conflict => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn generate() -> Result<String, Problem> {
    let random = text::random::<LENGTH>()?;
    let mut password = String::with_capacity(LENGTH + LENGTH / 6);
    for (index, byte) in random.iter().enumerate() {
        if index > 0 && index % 6 == 0 {
            password.push('-');
        }
        let letter = ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'x');
        password.push(char::from(letter));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_passwords_are_long_different_and_acceptable() {
        let (a, b) = (generate().unwrap(), generate().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), LENGTH + 3);
        assert_eq!(super::super::password::weakness(&a, NAME), None);
    }
}
