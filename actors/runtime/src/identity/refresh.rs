//! Families of refresh tokens: rotation at each use, and what an old token means. Pure.
//!
//! A login starts a family. Each use replaces the token; the one just replaced is forgiven for a moment (two tabs),
//! an older one means that somebody copied it: the whole family ends. Only hashes are kept.

use engine::ids::UserId;
use serde::{Deserialize, Serialize};

use crate::messages::identity::{Rotation, TokenHash};

/// How long the token just replaced is forgiven, in milliseconds.
pub(crate) const GRACE_MS: i64 = 10_000;
/// A family not used for so long ends, in milliseconds.
pub(crate) const IDLE_MS: i64 = 12 * 3_600_000;
/// Old hashes remembered, so that their reuse is noticed: more than a week of use every ten minutes would need is
/// beyond one document; the newest matter most.
const PAST_MAX: usize = 128;

/// One login's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Family {
    pub(crate) user: UserId,
    /// Hash of the token that is good now, hexadecimal.
    pub(crate) current: String,
    /// Hashes of replaced tokens, oldest first.
    pub(crate) past: Vec<String>,
    /// When the current one took its place, milliseconds since 1970 UTC.
    pub(crate) rotated_ms: i64,
    /// When the family ends whatever happens, milliseconds since 1970 UTC.
    pub(crate) expires_ms: i64,
}

/// What to do with a family after a token was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Store the family as it is now.
    Keep(Family),
    /// End the family.
    Revoke,
    /// Nothing changes.
    Nothing,
}

/// Decides what a token of `family`, hashed `old`, means at `now_ms`; `new` takes its place when it is good.
pub(crate) fn rotate(
    family: &Family,
    old: &TokenHash,
    new: &TokenHash,
    now_ms: i64,
) -> (Rotation, Step) {
    let user = family.user;
    if family.over(now_ms) {
        return (Rotation::Unknown, Step::Revoke);
    }
    let shown = hex(old);
    if shown == family.current {
        let mut next = family.clone();
        next.past.push(std::mem::replace(&mut next.current, hex(new)));
        let excess = next.past.len().saturating_sub(PAST_MAX);
        next.past.drain(..excess);
        next.rotated_ms = now_ms;
        return (Rotation::Rotated { user, expires_ms: family.expires_ms }, Step::Keep(next));
    }
    let just_replaced = family.past.last().is_some_and(|last| *last == shown);
    if just_replaced && now_ms - family.rotated_ms <= GRACE_MS {
        return (Rotation::Grace { user }, Step::Nothing);
    }
    if family.past.contains(&shown) {
        return (Rotation::Reused { user }, Step::Revoke);
    }
    (Rotation::Unknown, Step::Nothing)
}

impl Family {
    /// Whether the family has ended by age or silence.
    pub(crate) fn over(&self, now_ms: i64) -> bool {
        self.expires_ms <= now_ms || IDLE_MS < now_ms.saturating_sub(self.rotated_ms)
    }

    /// Whether a token belongs to this family.
    pub(crate) fn knows(&self, hash: &str) -> bool {
        self.current == hash || self.past.iter().any(|past| past == hash)
    }
}

/// Returns lower-case hexadecimal digits.
pub(crate) fn hex(hash: &TokenHash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn family() -> Family {
        Family {
            user: UserId::from_uuid(Uuid::from_u128(1)),
            current: hex(&[0; 32]),
            past: Vec::new(),
            rotated_ms: 0,
            expires_ms: 7 * 86_400_000,
        }
    }

    #[test]
    fn the_token_just_replaced_is_forgiven_for_ten_seconds() {
        let (first, step) = rotate(&family(), &[0; 32], &[1; 32], 1_000);
        assert!(matches!(first, Rotation::Rotated { .. }));
        let Step::Keep(next) = step else { panic!("not kept") };
        assert!(matches!(
            rotate(&next, &[0; 32], &[2; 32], 11_000),
            (Rotation::Grace { .. }, Step::Nothing)
        ));
        assert!(matches!(
            rotate(&next, &[0; 32], &[2; 32], 11_001),
            (Rotation::Reused { .. }, Step::Revoke)
        ));
    }

    #[test]
    fn silence_and_age_end_a_family() {
        assert_eq!(rotate(&family(), &[0; 32], &[1; 32], IDLE_MS + 1).0, Rotation::Unknown);
        let busy = Family { rotated_ms: 7 * 86_400_000 - 1, ..family() };
        assert_eq!(rotate(&busy, &[0; 32], &[1; 32], 7 * 86_400_000).0, Rotation::Unknown);
    }

    proptest! {
        #[test]
        fn every_token_ever_replaced_ends_the_family_except_the_newest_in_its_grace(
            uses in 2_u8..100, shown in 0_u8..100,
        ) {
            let mut now = family();
            for next in 1..=uses {
                let (rotation, step) = rotate(&now, &[next - 1; 32], &[next; 32], i64::from(next) * 60_000);
                let rotated = matches!(rotation, Rotation::Rotated { .. });
                prop_assert!(rotated);
                let Step::Keep(kept) = step else { panic!("not kept") };
                now = kept;
            }
            let (rotation, step) = rotate(&now, &[shown; 32], &[200; 32], i64::from(uses) * 60_000 + 20_000);
            match shown.cmp(&uses) {
                std::cmp::Ordering::Less => {
                    let ended = matches!((rotation, step), (Rotation::Reused { .. }, Step::Revoke));
                    prop_assert!(ended);
                }
                std::cmp::Ordering::Equal => {
                    let rotated = matches!((rotation, step), (Rotation::Rotated { .. }, Step::Keep(_)));
                    prop_assert!(rotated);
                }
                std::cmp::Ordering::Greater => prop_assert_eq!((rotation, step), (Rotation::Unknown, Step::Nothing)),
            }
        }
    }
}
