//! Tickets for the live stream: browsers may not send headers with a socket, so they send one of these. Single use.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use engine::error::ErrorCode;

use super::caller::Caller;
use crate::problem::Problem;
use crate::text;

/// How long a ticket is good.
pub(crate) const LIFE_MS: i64 = 30_000;
/// Tickets open at once.
const TICKETS_MAX: usize = 10_000;

/// Open tickets by the hash of their text.
#[derive(Default)]
pub(crate) struct Tickets {
    open: Mutex<HashMap<[u8; 32], (Caller, i64)>>,
}

impl Tickets {
    /// Makes a ticket for a caller.
    ///
    /// # Errors
    /// `overloaded` when too many are open.
    pub(crate) fn issue(&self, caller: Caller, now_ms: i64) -> Result<String, Problem> {
        let ticket = format!("wst_{}", text::base64url(&text::random::<24>()?));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= TICKETS_MAX {
            open.retain(|_, (_, until)| *until > now_ms);
        }
        if open.len() >= TICKETS_MAX {
            return Err(Problem::new(
                ErrorCode::Overloaded,
                "too many tickets are open; try again in a moment",
            ));
        }
        open.insert(text::sha256(ticket.as_bytes()), (caller, now_ms + LIFE_MS));
        Ok(ticket)
    }

    /// Takes a ticket: it works once, and only for a while.
    pub(crate) fn take(&self, ticket: &str, now_ms: i64) -> Option<Caller> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (caller, until) = open.remove(&text::sha256(ticket.as_bytes()))?;
        (now_ms < until && now_ms < caller.expires_ms).then_some(caller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Caller {
        Caller {
            user: "usr_01900000000070008000000000000001".parse().unwrap(),
            permissions: std::collections::BTreeSet::new(),
            login: "l".to_owned(),
            expires_ms: 1_000_000,
            must_change_password: false,
        }
    }

    #[test]
    fn a_ticket_works_once_and_for_thirty_seconds() {
        let tickets = Tickets::default();
        let ticket = tickets.issue(caller(), 0).unwrap();
        assert!(ticket.starts_with("wst_") && ticket.len() >= 36);
        assert_eq!(tickets.take(&ticket, LIFE_MS - 1), Some(caller()));
        assert_eq!(tickets.take(&ticket, LIFE_MS - 1), None);
        let late = tickets.issue(caller(), 0).unwrap();
        assert_eq!(tickets.take(&late, LIFE_MS), None);
        let expired = tickets.issue(caller(), 999_999).unwrap();
        assert_eq!(tickets.take(&expired, 1_000_000), None);
        assert_eq!(tickets.take("wst_unknown", 0), None);
    }
}
