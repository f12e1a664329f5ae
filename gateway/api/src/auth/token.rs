//! Access tokens: compact JWT, EdDSA (Ed25519) only, ten minutes.
//!
//! Written by hand on `ring`, not with a JWT library: the private key never leaves the identity actor, so a library
//! that signs with a key of its own has nothing to sign with; and one fixed algorithm, one header shape and six
//! claims are less code to be sure of than a provider for a general one.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use actors::IdentityHandle;
use engine::error::ErrorCode;
use engine::ids::UserId;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::permissions::{Permission, of_role};
use crate::problem::Problem;
use crate::text;

/// For whom tokens are.
const AUDIENCE: &str = "tm";
/// How far clocks of two nodes may be apart.
const LEEWAY_SECONDS: i64 = 5;
/// Longest token that is even looked at.
const LENGTH_MAX: usize = 4096;
/// Keys are asked for again at most this often when a token names one we do not know.
const KEYS_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    iat: i64,
    jti: String,
    user_id: UserId,
    permissions: Vec<String>,
    /// The login.
    sid: String,
    /// Permission version of the user when issued.
    pv: u64,
    /// How the user proved who they are.
    amr: Vec<String>,
    /// The password was generated and had not been changed when this was issued. Absent means no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    must_change_password: bool,
}

/// For whom a token is made.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// The user.
    pub(crate) user: UserId,
    /// The role, from which permissions follow.
    pub(crate) role: String,
    /// Permission version of the user.
    pub(crate) permission_version: u64,
    /// The login.
    pub(crate) login: String,
    /// The password was generated and has not been changed.
    pub(crate) must_change_password: bool,
}

/// Makes and verifies access tokens.
pub(crate) struct Tokens {
    identity: IdentityHandle,
    issuer: String,
    ttl: Duration,
    keys: RwLock<Keys>,
}

#[derive(Default)]
struct Keys {
    by_kid: BTreeMap<String, [u8; 32]>,
    /// The one that this node signs with.
    signing: Option<String>,
    asked_at: Option<Instant>,
}

/// A signed token.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    /// The token.
    pub(crate) token: String,
    /// When it ends, milliseconds since 1970 UTC.
    pub(crate) expires_ms: i64,
}

impl Tokens {
    /// Signs through the identity actor.
    pub(crate) fn new(identity: IdentityHandle, issuer: String, ttl: Duration) -> Self {
        Self { identity, issuer, ttl, keys: RwLock::default() }
    }

    /// Signs a token for somebody.
    ///
    /// # Errors
    /// Tells when the identity actor does not answer.
    pub(crate) async fn issue(&self, subject: &Subject, now_ms: i64) -> Result<Issued, Problem> {
        let now = now_ms.div_euclid(1000);
        let ttl = i64::try_from(self.ttl.as_secs()).unwrap_or(600);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            exp: now + ttl,
            iat: now,
            jti: text::base64url(&text::random::<12>()?),
            user_id: subject.user,
            permissions: of_role(&subject.role)
                .into_iter()
                .map(|p| p.as_str().to_owned())
                .collect(),
            sid: subject.login.clone(),
            pv: subject.permission_version,
            amr: vec!["pwd".to_owned()],
            must_change_password: subject.must_change_password,
        };
        let kid = self.signing_kid().await?;
        let message = message(&kid, &claims)?;
        let mut signature = self.identity.sign(message.as_bytes()).await?;
        let mut message = message;
        if signature.kid != kid {
            // The key changed between the two questions: write the new name and sign again.
            self.write().signing = Some(signature.kid.clone());
            message = self::message(&signature.kid, &claims)?;
            signature = self.identity.sign(message.as_bytes()).await?;
        }
        let token = format!("{message}.{}", text::base64url(&signature.bytes));
        Ok(Issued { token, expires_ms: claims.exp * 1000 })
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// `token_expired` for a good one that has ended, `unauthenticated` for anything else.
    pub(crate) async fn verify(&self, token: &str, now_ms: i64) -> Result<Caller, Problem> {
        let parts = split(token)?;
        let key = match self.known(&parts.kid) {
            Some(key) => key,
            None => {
                self.ask_keys().await?;
                self.known(&parts.kid)
                    .ok_or_else(|| refuse("was signed with a key that is not ours"))?
            }
        };
        check(&parts, &key, &self.issuer, now_ms)
    }

    fn known(&self, kid: &str) -> Option<[u8; 32]> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).by_kid.get(kid).copied()
    }

    async fn signing_kid(&self) -> Result<String, Problem> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner).signing.clone();
        if let Some(kid) = known {
            return Ok(kid);
        }
        let kid = self.identity.signing_kid().await?;
        self.write().signing = Some(kid.clone());
        Ok(kid)
    }

    async fn ask_keys(&self) -> Result<(), Problem> {
        let now = Instant::now();
        {
            let mut keys = self.write();
            if keys.asked_at.is_some_and(|at| now.saturating_duration_since(at) < KEYS_EVERY) {
                return Ok(());
            }
            keys.asked_at = Some(now);
        }
        let found = self.identity.public_keys().await?;
        self.write().by_kid = found.into_iter().collect();
        Ok(())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn message(kid: &str, claims: &Claims) -> Result<String, Problem> {
    let header =
        Header { alg: "EdDSA".to_owned(), typ: "JWT".to_owned(), kid: kid.to_owned(), crit: None };
    let failed = |error| {
        Problem::new(ErrorCode::Internal, format!("the token could not be written: {error}"))
    };
    let header = serde_json::to_vec(&header).map_err(failed)?;
    let claims = serde_json::to_vec(claims).map_err(failed)?;
    Ok(format!("{}.{}", text::base64url(&header), text::base64url(&claims)))
}

struct Parts<'a> {
    kid: String,
    message: &'a str,
    claims: &'a str,
    signature: Vec<u8>,
}

fn refuse(why: &str) -> Problem {
    Problem::new(ErrorCode::Unauthenticated, format!("the access token {why}; sign in again"))
        .header("www-authenticate", "Bearer error=\"invalid_token\"")
}

fn split(token: &str) -> Result<Parts<'_>, Problem> {
    if token.len() > LENGTH_MAX {
        return Err(refuse("is too long"));
    }
    let (message, signature) = token.rsplit_once('.').ok_or_else(|| refuse("cannot be read"))?;
    let (header, claims) = message.split_once('.').ok_or_else(|| refuse("cannot be read"))?;
    let header = text::from_base64url(header).ok_or_else(|| refuse("cannot be read"))?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| refuse("cannot be read"))?;
    if header.alg != "EdDSA" || header.crit.is_some() {
        return Err(refuse("is not signed with EdDSA"));
    }
    let signature = text::from_base64url(signature).ok_or_else(|| refuse("cannot be read"))?;
    Ok(Parts { kid: header.kid, message, claims, signature })
}

fn check(parts: &Parts<'_>, key: &[u8; 32], issuer: &str, now_ms: i64) -> Result<Caller, Problem> {
    UnparsedPublicKey::new(&ED25519, key)
        .verify(parts.message.as_bytes(), &parts.signature)
        .map_err(|_| refuse("has a wrong signature"))?;
    let claims = text::from_base64url(parts.claims).ok_or_else(|| refuse("cannot be read"))?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| refuse("cannot be read"))?;
    if claims.aud != AUDIENCE || claims.iss != issuer {
        return Err(refuse("is for somebody else"));
    }
    let now = now_ms.div_euclid(1000);
    if claims.iat > now + LEEWAY_SECONDS {
        return Err(refuse("is from the future"));
    }
    if now >= claims.exp {
        let detail = "the access token has expired; refresh it";
        return Err(Problem::new(ErrorCode::TokenExpired, detail).header(
            "www-authenticate",
            "Bearer error=\"invalid_token\", error_description=\"expired\"",
        ));
    }
    Ok(Caller {
        user: claims.user_id,
        permissions: claims.permissions.iter().filter_map(|text| Permission::parse(text)).collect(),
        login: claims.sid,
        expires_ms: claims.exp * 1000,
        must_change_password: claims.must_change_password,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    const NOW_MS: i64 = 1_772_443_800_000;

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn public(seed: u8) -> [u8; 32] {
        pair(seed).public_key().as_ref().try_into().unwrap()
    }

    fn claims() -> Claims {
        Claims {
            iss: "tm".to_owned(),
            aud: AUDIENCE.to_owned(),
            exp: NOW_MS / 1000 + 600,
            iat: NOW_MS / 1000,
            jti: "j".to_owned(),
            user_id: "usr_01900000000070008000000000000001".parse().unwrap(),
            permissions: vec!["session:read".to_owned(), "unheard:of".to_owned()],
            sid: "login".to_owned(),
            pv: 1,
            amr: vec!["pwd".to_owned()],
            must_change_password: false,
        }
    }

    fn signed(claims: &Claims, seed: u8) -> String {
        let message = message("k1", claims).unwrap();
        let signature = pair(seed).sign(message.as_bytes());
        format!("{message}.{}", text::base64url(signature.as_ref()))
    }

    fn verify(token: &str) -> Result<Caller, Problem> {
        check(&split(token)?, &public(1), "tm", NOW_MS)
    }

    #[test]
    fn a_good_token_names_its_user_and_known_permissions() {
        let caller = verify(&signed(&claims(), 1)).unwrap();
        assert_eq!(
            caller.permissions.into_iter().collect::<Vec<_>>(),
            vec![Permission::SessionRead]
        );
        assert_eq!(caller.login, "login");
        assert_eq!(caller.expires_ms, NOW_MS + 600_000);
        assert!(!caller.must_change_password);
        let bound = Claims { must_change_password: true, ..claims() };
        assert!(verify(&signed(&bound, 1)).unwrap().must_change_password);
    }

    #[test]
    fn expired_is_told_apart_from_wrong() {
        let expired = signed(&Claims { exp: NOW_MS / 1000, ..claims() }, 1);
        assert_eq!(verify(&expired).unwrap_err().code, ErrorCode::TokenExpired);
        for wrong in [
            signed(&claims(), 2),
            signed(&Claims { aud: "other".to_owned(), ..claims() }, 1),
            signed(&Claims { iss: "other".to_owned(), ..claims() }, 1),
            signed(&Claims { iat: NOW_MS / 1000 + 60, ..claims() }, 1),
        ] {
            assert_eq!(verify(&wrong).unwrap_err().code, ErrorCode::Unauthenticated);
        }
    }

    #[test]
    fn other_algorithms_missing_kid_and_crit_are_refused() {
        let good = signed(&claims(), 1);
        let rest = good.split_once('.').unwrap().1;
        for header in [
            r#"{"alg":"none","typ":"JWT","kid":"k1"}"#,
            r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#,
            r#"{"alg":"EdDSA","typ":"JWT"}"#,
            r#"{"alg":"EdDSA","typ":"JWT","kid":"k1","crit":["x"]}"#,
        ] {
            let token = format!("{}.{rest}", text::base64url(header.as_bytes()));
            assert_eq!(verify(&token).unwrap_err().code, ErrorCode::Unauthenticated, "{header}");
        }
        let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
        assert!(verify(&unsigned).is_err());
    }

    #[test]
    fn no_changed_byte_passes() {
        let good = signed(&claims(), 1);
        for index in 0..good.len() {
            let mut bad = good.clone().into_bytes();
            bad[index] = if bad[index] == b'A' { b'B' } else { b'A' };
            let bad = String::from_utf8(bad).unwrap();
            assert!(bad == good || verify(&bad).is_err(), "byte {index}");
        }
        for garbage in ["", ".", "..", "a.b.c", &"x".repeat(LENGTH_MAX + 1)] {
            assert!(verify(garbage).is_err());
        }
    }
}
