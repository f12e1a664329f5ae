//! Users, their refresh tokens and the key that signs access tokens.

use engine::ids::UserId;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use super::{Command, ask};
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::views::UserView;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "identity";
/// Every role there is.
pub const ROLES: [&str; 5] = ["viewer", "ordinary", "advanced", "admin", "operator"];

/// What a login is checked against. Never leaves the gateway.
#[derive(Clone, PartialEq)]
pub struct Credentials {
    /// The user.
    pub user: UserView,
    /// Argon2id in PHC form.
    pub password_phc: String,
    /// Grows with every change of role or password.
    pub permission_version: u64,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A user as asked for.
#[derive(Clone)]
pub struct NewUser {
    /// Login name, 1 to 64 characters of `a–z A–Z 0–9 . _ - @`, unique whatever the case.
    pub name: String,
    /// One of [`ROLES`].
    pub role: String,
    /// Argon2id in PHC form.
    pub password_phc: String,
    /// The password was generated and should be changed.
    pub must_change_password: bool,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// A password that takes the place of another.
#[derive(Clone)]
pub(crate) struct NewPassword {
    /// Argon2id in PHC form.
    pub(crate) phc: String,
    /// It was generated and has to be changed.
    pub(crate) must_change: bool,
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewPassword")
            .field("must_change", &self.must_change)
            .finish_non_exhaustive()
    }
}

/// What became of a refresh token that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// Good: the new hash took its place.
    Rotated {
        /// Whose it is.
        user: UserId,
        /// When the family ends, milliseconds since 1970 UTC.
        expires_ms: i64,
    },
    /// The token just replaced, shown again within the grace time (two tabs): give an access token, no new cookie.
    Grace {
        /// Whose it is.
        user: UserId,
    },
    /// A token replaced earlier was shown again: somebody copied it. The whole family is revoked.
    Reused {
        /// Whose it was.
        user: UserId,
    },
    /// Not known, revoked or run out.
    Unknown,
}

/// SHA-256 of a refresh token: the token itself is never stored.
pub type TokenHash = [u8; 32];

type Reply<T> = RpcReplyPort<Result<T, ActorsError>>;

/// Everything the identity actor can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum IdentityMsg {
    /// A user's credentials by login name.
    UserByName { name: String, reply: Reply<Option<Credentials>> },
    /// A user's credentials by id.
    User { id: UserId, reply: Reply<Option<Credentials>> },
    /// All users, by name.
    Users { reply: Reply<Vec<UserView>> },
    /// Make a user.
    CreateUser { command: Command, wanted: NewUser, reply: Reply<UserView> },
    /// Replace a password; every refresh token of the user ends.
    SetPassword { command: Command, id: UserId, wanted: NewPassword, reply: Reply<()> },
    /// How many users there are.
    UserCount { reply: Reply<u64> },
    /// A login made a refresh token.
    PutRefresh { hash: TokenHash, user: UserId, expires_ms: i64, reply: Reply<()> },
    /// A refresh token is shown; a new one takes its place.
    RotateRefresh { old: TokenHash, new: TokenHash, now_ms: i64, reply: Reply<Rotation> },
    /// End the family a token belongs to.
    RevokeFamily { hash: TokenHash, reply: Reply<()> },
    /// Sign bytes with the token key.
    Sign { message: Vec<u8>, reply: Reply<Signature> },
    /// The keys tokens may be verified with.
    PublicKeys { reply: Reply<Vec<(String, [u8; 32])>> },
    /// The name of the key this node signs with.
    SigningKey { reply: Reply<String> },
    /// The secret of this name that all nodes share.
    SharedKey { name: String, reply: Reply<SharedKey> },
}

/// A signature and the key it was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub kid: String,
    /// Ed25519.
    pub bytes: [u8; 64],
}

/// A secret that all nodes share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SharedKey(pub [u8; 32]);

impl std::fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedKey")
    }
}

/// The door to identity.
#[derive(Debug, Clone)]
pub struct IdentityHandle {
    directory: Directory,
}

impl IdentityHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// Returns a user's credentials by login name (case ignored), if there is such a user.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<Credentials>, ActorsError> {
        let name = name.to_owned();
        ask(&self.directory, NAME, |reply| IdentityMsg::UserByName { name, reply }).await
    }

    /// Returns a user's credentials by id, if there is such a user.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn user(&self, id: UserId) -> Result<Option<Credentials>, ActorsError> {
        ask(&self.directory, NAME, |reply| IdentityMsg::User { id, reply }).await
    }

    /// Returns every user, by name.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn users(&self) -> Result<Vec<UserView>, ActorsError> {
        ask(&self.directory, NAME, |reply| IdentityMsg::Users { reply }).await
    }

    /// Makes a user.
    ///
    /// # Errors
    /// Refuses a bad or taken name, an unknown role and something that is no Argon2id hash.
    pub async fn create_user(
        &self,
        command: Command,
        wanted: NewUser,
    ) -> Result<UserView, ActorsError> {
        ask(&self.directory, NAME, |reply| IdentityMsg::CreateUser { command, wanted, reply }).await
    }

    /// Replaces a password and ends every refresh token of the user.
    ///
    /// # Errors
    /// Refuses an unknown user and something that is no Argon2id hash.
    pub async fn set_password(
        &self,
        command: Command,
        id: UserId,
        password_phc: String,
    ) -> Result<(), ActorsError> {
        let wanted = NewPassword { phc: password_phc, must_change: false };
        ask(&self.directory, NAME, |reply| IdentityMsg::SetPassword { command, id, wanted, reply })
            .await
    }

    /// Gives a user a generated password, which opens nothing until it is changed, and ends every refresh token of the
    /// user.
    ///
    /// # Errors
    /// Refuses an unknown user and something that is no Argon2id hash.
    pub async fn give_password(
        &self,
        command: Command,
        id: UserId,
        password_phc: String,
    ) -> Result<(), ActorsError> {
        let wanted = NewPassword { phc: password_phc, must_change: true };
        ask(&self.directory, NAME, |reply| IdentityMsg::SetPassword { command, id, wanted, reply })
            .await
    }

    /// Returns how many users there are.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn user_count(&self) -> Result<u64, ActorsError> {
        ask(&self.directory, NAME, |reply| IdentityMsg::UserCount { reply }).await
    }

    /// Starts a family of refresh tokens with the hash of its first token.
    ///
    /// # Errors
    /// Refuses an unknown user.
    pub async fn put_refresh(
        &self,
        hash: TokenHash,
        user: UserId,
        expires_ms: i64,
    ) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| IdentityMsg::PutRefresh {
            hash,
            user,
            expires_ms,
            reply,
        })
        .await
    }

    /// Replaces the token hashed `old` by the one hashed `new` and says what became of it.
    ///
    /// # Errors
    /// Tells when the actor does not answer; a bad token is an answer, not an error.
    pub async fn rotate_refresh(
        &self,
        old: TokenHash,
        new: TokenHash,
        now_ms: i64,
    ) -> Result<Rotation, ActorsError> {
        ask(&self.directory, NAME, |reply| IdentityMsg::RotateRefresh { old, new, now_ms, reply })
            .await
    }

    /// Ends the family a token belongs to (logout). Unknown tokens change nothing.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn revoke_family(&self, hash: TokenHash) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| IdentityMsg::RevokeFamily { hash, reply }).await
    }

    /// Signs bytes with the token key (Ed25519).
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn sign(&self, message: &[u8]) -> Result<Signature, ActorsError> {
        let message = message.to_vec();
        ask(&self.directory, NAME, |reply| IdentityMsg::Sign { message, reply }).await
    }

    /// Returns the name of the key this node signs with.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn signing_kid(&self) -> Result<String, ActorsError> {
        ask(&self.directory, NAME, |reply| IdentityMsg::SigningKey { reply }).await
    }

    /// Returns the secret of this name that all nodes of the cluster share; the first who asks makes it.
    ///
    /// # Errors
    /// Tells when it does not exist yet and no majority is reached.
    pub async fn shared_key(&self, name: &str) -> Result<[u8; 32], ActorsError> {
        let name = name.to_owned();
        let key = ask(&self.directory, NAME, |reply| IdentityMsg::SharedKey { name, reply }).await;
        key.map(|SharedKey(bytes)| bytes)
    }

    /// Returns name and bytes of every key that tokens may be verified with: those of all members.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn public_keys(&self) -> Result<Vec<(String, [u8; 32])>, ActorsError> {
        ask(&self.directory, NAME, |reply| IdentityMsg::PublicKeys { reply }).await
    }
}
