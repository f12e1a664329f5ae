//! Who calls, and what they may do: passwords, access tokens, refresh cookies, socket tickets, roles.

pub(crate) mod caller;
pub(crate) mod cookie;
pub(crate) mod first_admin;
pub(crate) mod lockout;
pub(crate) mod login;
pub(crate) mod password;
pub(crate) mod permissions;
pub(crate) mod ticket;
pub(crate) mod token;
