//! Passwords: Argon2id on blocking threads, at most two at once, the same work for unknown users.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use engine::config::Violation;
use engine::error::ErrorCode;
use tokio::sync::Semaphore;

use crate::problem::Problem;
use crate::text;

/// Hashes computed at once on one node: each takes 64 MiB.
const HASHES_AT_ONCE: usize = 2;
/// Callers that may wait for a hash; more are refused, for a queue of sign-ins is an attack.
const HASHES_WAITING: usize = 32;
/// Shortest password.
const LENGTH_MIN: usize = 12;
/// Longest password: hashing must not be fed with megabytes.
const LENGTH_MAX: usize = 256;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for PasswordCost {
    /// Argon2id with 64 MiB and three passes; about 0.12 s on one core.
    fn default() -> Self {
        Self { memory_kib: 65_536, passes: 3 }
    }
}

/// Hashes and verifies.
pub(crate) struct Passwords {
    cost: PasswordCost,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Verified when there is no such user, so that the answer takes as long.
    decoy: String,
}

impl Passwords {
    /// Prepares hashing at a cost.
    ///
    /// # Errors
    /// Refuses a cost outside Argon2's limits.
    pub(crate) fn new(cost: PasswordCost) -> Result<Self, Problem> {
        let random = text::random::<24>()?;
        let decoy = hash(cost, &text::base64url(&random))?;
        Ok(Self {
            cost,
            running: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            waiting: Arc::new(Semaphore::new(HASHES_WAITING)),
            decoy,
        })
    }

    /// Hashes a password into PHC form.
    ///
    /// # Errors
    /// `overloaded` when too many wait.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Problem> {
        let cost = self.cost;
        self.blocking(move || hash(cost, &password)).await?
    }

    /// Whether a password fits; `None` does the same work and never fits.
    ///
    /// # Errors
    /// `overloaded` when too many wait.
    pub(crate) async fn verify(
        &self,
        password: String,
        phc: Option<String>,
    ) -> Result<bool, Problem> {
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.decoy.clone());
        let fits = self.blocking(move || verify(&password, &phc)).await?;
        Ok(fits && known)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || {
            Problem::new(
                ErrorCode::Overloaded,
                "too many people sign in at once; try again in a moment",
            )
        };
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| busy())?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| busy())?;
        let task = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((waiting, running));
            done
        });
        task.await
            .map_err(|error| Problem::new(ErrorCode::Internal, format!("hashing failed: {error}")))
    }
}

fn argon2(cost: PasswordCost) -> Result<Argon2<'static>, Problem> {
    let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(|error| {
        Problem::new(ErrorCode::Internal, format!("impossible password cost: {error}"))
    })?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(cost: PasswordCost, password: &str) -> Result<String, Problem> {
    let failed = |error| Problem::new(ErrorCode::Internal, format!("hashing failed: {error}"));
    let salt = SaltString::encode_b64(&text::random::<16>()?).map_err(failed)?;
    let phc = argon2(cost)?.hash_password(password.as_bytes(), &salt).map_err(failed)?;
    Ok(phc.to_string())
}

fn verify(password: &str, phc: &str) -> bool {
    // Parameters are those of the stored hash, so raised costs do not lock anybody out.
    let Ok(stored) = PasswordHash::new(phc) else { return false };
    password.len() <= LENGTH_MAX
        && Argon2::default().verify_password(password.as_bytes(), &stored).is_ok()
}

/// Says what is wrong with a new password; nothing when it will do.
pub(crate) fn weakness(password: &str, user: &str) -> Option<Violation> {
    let weak = |reason: &str, detail: String| {
        let found = Violation::new("/new", "weak_password", detail).with("reason", reason);
        Some(found.with("min", LENGTH_MIN).with("max", LENGTH_MAX))
    };
    let length = password.chars().count();
    if length < LENGTH_MIN || password.len() > LENGTH_MAX {
        let detail = format!("must have {LENGTH_MIN} to {LENGTH_MAX} characters, has {length}");
        return weak("length", detail);
    }
    let lower = password.to_lowercase();
    if !user.is_empty() && lower.contains(&user.to_lowercase()) {
        return weak("name", "must not contain the user name".to_owned());
    }
    let stem: String = lower.chars().filter(|c| c.is_alphabetic()).collect();
    let repeated = lower.chars().collect::<std::collections::BTreeSet<_>>().len() < 5;
    let common = COMMON.contains(&lower.as_str()) || COMMON_STEMS.contains(&stem.as_str());
    if common || repeated {
        let detail = "is one of the passwords that attackers try first; choose another";
        return weak("common", detail.to_owned());
    }
    None
}

/// Common passwords of at least twelve characters.
const COMMON: [&str; 14] = [
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456789abc",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "q1w2e3r4t5y6",
    "qwerty123456",
    "abcdefghijkl",
    "abcdef123456",
    "zaq12wsxcde3",
    "aa1234567890",
    "p@ssw0rd1234",
    "qwertyuiop[]",
];

/// Words that stay common whatever digits and signs surround them.
const COMMON_STEMS: [&str; 14] = [
    "password",
    "passwordpassword",
    "passwort",
    "qwertyuiop",
    "qwertyuiopasdfgh",
    "letmein",
    "letmeinplease",
    "administrator",
    "iloveyou",
    "welcome",
    "changeme",
    "trademaster",
    "correcthorsebatterystaple",
    "woaini",
];

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordCost = PasswordCost { memory_kib: 16, passes: 1 };

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_fits() {
        let passwords = Passwords::new(CHEAP).unwrap();
        let phc = passwords.hash("correct horse 7".to_owned()).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=16,t=1,p=1$"));
        assert!(passwords.verify("correct horse 7".to_owned(), Some(phc.clone())).await.unwrap());
        assert!(!passwords.verify("correct horse 8".to_owned(), Some(phc)).await.unwrap());
        assert!(!passwords.verify("correct horse 7".to_owned(), None).await.unwrap());
        assert!(!passwords.verify("x".to_owned(), Some("not a hash".to_owned())).await.unwrap());
    }

    #[test]
    fn the_default_cost_is_the_specified_one() {
        assert_eq!(PasswordCost::default(), PasswordCost { memory_kib: 65_536, passes: 3 });
        assert_eq!(argon2(PasswordCost::default()).unwrap().params().p_cost(), 1);
    }

    #[test]
    fn weak_passwords_are_named() {
        for weak in [
            "short",
            "passWORD123456",
            "123456789012",
            "aaaaaaaaaaaaaa",
            "xx alice xx yy zz",
            &"x1y2z".repeat(60),
        ] {
            assert!(weakness(weak, "Alice").is_some(), "{weak}");
        }
        assert_eq!(weakness("violet-umbrella-92", "alice"), None);
    }
}
