//! Users, their refresh tokens, and the only holder of the key that signs access tokens.
//!
//! Passwords arrive hashed and leave to nobody but the gateway's login. Users and families of refresh tokens are
//! documents of control state; the key is a file of this node, and its public half is told to all nodes, so that each
//! verifies the tokens of every other.

mod document;
mod key;
mod refresh;
mod shared;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use cluster::control::state::Node as ControlNode;
use cluster::control::{ControlHandle, DocumentChange, Expected};
use engine::config::Violation;
use engine::ids::{NodeId, UserId};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use serde_json::json;

use self::document::{FAMILIES, NAMES, USERS, UserDocument, credentials, view};
use self::key::TokenKey;
use self::refresh::{Family, Step, hex, rotate};
use self::shared::{TOKEN_KEYS, TokenKeyDocument};
use crate::clock::Clock;
use crate::documents::{Claim, Documents, Mirror, Stored, delete, name_key, put};
use crate::error::ActorsError;
use crate::messages::identity::{
    Credentials, IdentityMsg, NewPassword, NewUser, ROLES, Rotation, TokenHash,
};
use crate::messages::{Command, CommandId, answer};
use crate::tasks::Task;
use crate::views::UserView;

/// Longest login name.
const NAME_CHARS_MAX: usize = 64;
/// Families ended in one change beside what it is about: a change holds at most sixteen documents.
const SWEEP_MAX: usize = 12;

/// The identity actor.
#[derive(Debug)]
pub(crate) struct Identity;

/// What identity works with.
pub(crate) struct IdentityArguments {
    /// This node.
    pub(crate) node: NodeId,
    /// Where users and families live.
    pub(crate) control: ControlHandle,
    /// The folder of secrets.
    pub(crate) secrets: PathBuf,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// What identity keeps.
pub(crate) struct IdentityState {
    control: ControlHandle,
    documents: Documents,
    key: TokenKey,
    clock: Arc<dyn Clock>,
    users: Mirror<UserDocument>,
    families: Mirror<Family>,
    keys: Mirror<TokenKeyDocument>,
    _published: Task,
}

impl Actor for Identity {
    type Msg = IdentityMsg;
    type State = IdentityState;
    type Arguments = IdentityArguments;

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        arguments: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let IdentityArguments { node, control, secrets, clock } = arguments;
        let documents = Documents::new(control.clone());
        let key = TokenKey::open(&secrets)?;
        let (kid, public) = key.public()?;
        let published = shared::publish(documents.clone(), node, kid, public);
        Ok(IdentityState {
            control,
            documents,
            key,
            clock,
            users: Mirror::new(USERS),
            families: Mirror::new(FAMILIES),
            keys: Mirror::new(TOKEN_KEYS),
            _published: Task::spawn("token key published", published),
        })
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        state.users.refresh(&state.documents)?;
        state.families.refresh(&state.documents)?;
        match message {
            IdentityMsg::UserByName { name, reply } => answer(reply, state.by_name(&name)),
            IdentityMsg::User { id, reply } => {
                answer(reply, state.users.get(&id.to_string()).map(credentials).transpose());
            }
            IdentityMsg::Users { reply } => answer(reply, state.all()),
            IdentityMsg::CreateUser { command, wanted, reply } => {
                answer(reply, state.create(&command, wanted).await)
            }
            IdentityMsg::SetPassword { command, id, wanted, reply } => {
                answer(reply, state.set_password(&command, id, wanted).await);
            }
            IdentityMsg::UserCount { reply } => {
                answer(reply, Ok(u64::try_from(state.users.iter().count()).unwrap_or(u64::MAX)));
            }
            IdentityMsg::PutRefresh { hash, user, expires_ms, reply } => {
                answer(reply, state.put_refresh(&hash, user, expires_ms).await);
            }
            IdentityMsg::RotateRefresh { old, new, now_ms, reply } => {
                answer(reply, state.rotate(&old, &new, now_ms).await);
            }
            IdentityMsg::RevokeFamily { hash, reply } => answer(reply, state.revoke(&hash).await),
            IdentityMsg::Sign { message, reply } => answer(reply, state.key.sign(&message)),
            IdentityMsg::PublicKeys { reply } => answer(reply, state.public_keys()),
            IdentityMsg::SigningKey { reply } => {
                answer(reply, state.key.public().map(|(kid, _)| kid))
            }
            IdentityMsg::SharedKey { name, reply } => {
                answer(reply, shared::shared(&state.documents, &name).await)
            }
        }
        Ok(())
    }
}

impl IdentityState {
    /// Returns this node's key and those of all other members.
    fn public_keys(&mut self) -> Result<Vec<(String, [u8; 32])>, ActorsError> {
        self.keys.refresh(&self.documents)?;
        let own = self.key.public()?;
        let member = |node: &NodeId| {
            self.control
                .read(|state| state.nodes.get(node.as_str()).is_some_and(ControlNode::member))
        };
        let others = self.keys.iter().filter(|stored| member(&stored.value.node));
        let others = others.filter_map(shared::public).filter(|(kid, _)| *kid != own.0);
        let others: Vec<_> = others.collect();
        Ok(std::iter::once(own).chain(others).collect())
    }

    fn by_name(&self, name: &str) -> Result<Option<Credentials>, ActorsError> {
        let Some(claim) = self.documents.get::<Claim>(NAMES, &name_key(name))? else {
            return Ok(None);
        };
        self.users.get(&claim.value.id).map(credentials).transpose()
    }

    fn all(&self) -> Result<Vec<UserView>, ActorsError> {
        let mut views = self.users.iter().map(view).collect::<Result<Vec<_>, _>>()?;
        views.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(views)
    }

    async fn create(
        &mut self,
        command: &Command,
        wanted: NewUser,
    ) -> Result<UserView, ActorsError> {
        let violations = violations(&wanted);
        if !violations.is_empty() {
            return Err(ActorsError::Invalid { errors: violations });
        }
        let id = UserId::from_uuid(command.id.derive(USERS)).to_string();
        if let Some(first) = self.users.get(&id) {
            if name_key(&first.value.name) != name_key(&wanted.name) {
                return Err(ActorsError::IdempotencyMismatch { found: format!("user {id}") });
            }
            return view(first);
        }
        if self.documents.get::<Claim>(NAMES, &name_key(&wanted.name))?.is_some() {
            return Err(ActorsError::Conflict {
                detail: format!(
                    "a user named '{}' exists already; choose another name",
                    wanted.name
                ),
                params: BTreeMap::from([("name".to_owned(), json!(wanted.name))]),
            });
        }
        let key = name_key(&wanted.name);
        let user = UserDocument {
            name: wanted.name,
            role: wanted.role,
            password_phc: wanted.password_phc,
            must_change_password: wanted.must_change_password,
            permission_version: 1,
            command: command.id.to_string(),
        };
        let changes = vec![
            put(NAMES, &key, Expected::Absent, &Claim { id: id.clone() })?,
            put(USERS, &id, Expected::Absent, &user)?,
        ];
        self.documents.change(command.id, changes).await?;
        view(&self.user(&id)?)
    }

    fn user(&self, id: &str) -> Result<Stored<UserDocument>, ActorsError> {
        self.documents.get(USERS, id)?.ok_or_else(|| ActorsError::NotFound {
            what: "user",
            id: id.to_owned(),
            reason: "there is none of that id".to_owned(),
        })
    }

    async fn set_password(
        &mut self,
        command: &Command,
        id: UserId,
        wanted: NewPassword,
    ) -> Result<(), ActorsError> {
        let stored = self.user(&id.to_string())?;
        if stored.value.command == command.id.to_string() {
            return Ok(());
        }
        if let Some(violation) = not_hashed(&wanted.phc) {
            return Err(ActorsError::Invalid { errors: vec![violation] });
        }
        let mut user = stored.value.clone();
        user.password_phc = wanted.phc;
        user.must_change_password = wanted.must_change;
        user.permission_version += 1;
        user.command = command.id.to_string();
        let mut ended = self.families_where(|family| family.user == id);
        let mut changes = vec![put(USERS, &stored.id, Expected::Revision(stored.revision), &user)?];
        let first = ended.len().min(SWEEP_MAX);
        changes.extend(ended.drain(..first));
        self.documents.change(command.id, changes).await?;
        while !ended.is_empty() {
            let some = ended.len().min(SWEEP_MAX);
            self.documents.change(CommandId::random(), ended.drain(..some).collect()).await?;
        }
        Ok(())
    }

    fn families_where(&self, which: impl Fn(&Family) -> bool) -> Vec<DocumentChange> {
        let found = self.families.iter().filter(|stored| which(&stored.value));
        found.map(|stored| delete(FAMILIES, &stored.id, Expected::Any)).collect()
    }

    async fn put_refresh(
        &mut self,
        hash: &TokenHash,
        user: UserId,
        expires_ms: i64,
    ) -> Result<(), ActorsError> {
        self.user(&user.to_string())?;
        let now_ms = self.clock.wall_ms();
        let family =
            Family { user, current: hex(hash), past: Vec::new(), rotated_ms: now_ms, expires_ms };
        let mut changes = self.families_where(|family| family.over(now_ms));
        changes.truncate(SWEEP_MAX);
        changes.push(put(FAMILIES, &hex(hash), Expected::Absent, &family)?);
        self.documents.change(CommandId::random(), changes).await.map(drop)
    }

    async fn rotate(
        &mut self,
        old: &TokenHash,
        new: &TokenHash,
        now_ms: i64,
    ) -> Result<Rotation, ActorsError> {
        let shown = hex(old);
        let Some(family) = self.families.iter().find(|family| family.value.knows(&shown)) else {
            return Ok(Rotation::Unknown);
        };
        let (rotation, step) = rotate(&family.value, old, new, now_ms);
        let expected = Expected::Revision(family.revision);
        let changes = match step {
            Step::Nothing => return Ok(rotation),
            Step::Keep(next) => vec![put(FAMILIES, &family.id, expected, &next)?],
            Step::Revoke => vec![delete(FAMILIES, &family.id, Expected::Any)],
        };
        if let Rotation::Reused { user } = &rotation {
            tracing::warn!(%user, "a refresh token was used again after it was replaced; its family is revoked");
        }
        self.documents.change(CommandId::random(), changes).await?;
        Ok(rotation)
    }

    async fn revoke(&mut self, hash: &TokenHash) -> Result<(), ActorsError> {
        let shown = hex(hash);
        let mut changes = self.families_where(|family| family.knows(&shown));
        changes.truncate(1);
        if changes.is_empty() {
            return Ok(());
        }
        self.documents.change(CommandId::random(), changes).await.map(drop)
    }
}

fn violations(wanted: &NewUser) -> Vec<Violation> {
    let mut found = Vec::new();
    let count = wanted.name.chars().count();
    let plain = wanted
        .name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'));
    if !(1..=NAME_CHARS_MAX).contains(&count) || !plain {
        let detail = format!(
            "must be 1 to {NAME_CHARS_MAX} characters of a-z A-Z 0-9 . _ - @, found '{}'",
            wanted.name
        );
        found.push(Violation::new("/name", "user_name", detail).with("max", NAME_CHARS_MAX));
    }
    if !ROLES.contains(&wanted.role.as_str()) {
        let detail = format!("must be one of {}, found '{}'", ROLES.join(", "), wanted.role);
        let bad = Violation::new("/role", "not_allowed", detail);
        found.push(bad.with("allowed", ROLES.to_vec()).with("got", wanted.role.as_str()));
    }
    found.extend(not_hashed(&wanted.password_phc));
    found
}

fn not_hashed(phc: &str) -> Option<Violation> {
    if phc.starts_with("$argon2id$") && phc.len() <= 512 {
        return None;
    }
    let detail = "must be an Argon2id hash in PHC form; hash it before it is stored";
    Some(Violation::new("/password", "not_hashed", detail))
}
