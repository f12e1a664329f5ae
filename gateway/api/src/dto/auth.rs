//! Sign-in and the signed-in user.

use actors::views::UserView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Credentials of a person.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LoginRequest")]
pub(crate) struct LoginDto {
    /// Login name.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) user: String,
    /// Password.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) password: String,
}

/// A signed-in session of a person; the refresh token travels in a cookie.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SignedIn")]
pub(crate) struct SignedInDto {
    /// Send as `Authorization: Bearer …`. Keep it in memory only.
    pub(crate) access_token: String,
    /// RFC 3339 UTC.
    pub(crate) expires_at: String,
    /// Who signed in.
    pub(crate) user: UserView,
}

/// The signed-in user.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Me")]
pub(crate) struct MeDto {
    /// Who.
    #[serde(flatten)]
    pub(crate) user: UserView,
    /// What the access token allows.
    pub(crate) permissions: Vec<&'static str>,
}

/// A new password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasswordChange")]
pub(crate) struct PasswordDto {
    /// The password now.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) current: String,
    /// The password from now on: at least twelve characters.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) new: String,
}

/// A ticket for the live stream.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SocketTicket")]
pub(crate) struct TicketDto {
    /// Send in `hello`; works once.
    pub(crate) ticket: String,
    /// RFC 3339 UTC.
    pub(crate) expires_at: String,
}
