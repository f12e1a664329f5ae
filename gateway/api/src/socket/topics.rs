//! Which topic needs which permission. A topic that is not listed does not exist.

use engine::ids::SessionId;

use crate::auth::caller::Caller;
use crate::auth::permissions::Permission;

/// What a topic shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A list that always exists.
    List,
    /// One session, which may not exist.
    Session(SessionId),
}

/// Returns what a topic shows and the permission it needs.
pub(crate) fn find(topic: &str) -> Option<(Subject, Permission)> {
    match topic {
        "sessions" => return Some((Subject::List, Permission::SessionRead)),
        "strategies" => return Some((Subject::List, Permission::StrategyRead)),
        "datasets" => return Some((Subject::List, Permission::DataRead)),
        "nodes" => return Some((Subject::List, Permission::ClusterRead)),
        _ => {}
    }
    let (kind, id) = topic.split_once('/')?;
    let id = id.parse().ok()?;
    let known = ["session", "session-events", "metrics", "log"].contains(&kind);
    known.then_some((Subject::Session(id), Permission::SessionRead))
}

/// Why a topic may not be watched: code and words.
pub(crate) fn refuse(topic: &str, caller: &Caller) -> Result<Subject, (&'static str, String)> {
    let Some((subject, permission)) = find(topic) else {
        let topic: String = topic.chars().take(80).collect();
        return Err(("unknown_topic", format!("there is no topic {topic}")));
    };
    if !caller.may(permission) {
        return Err(("forbidden", format!("your role does not include {}", permission.as_str())));
    }
    Ok(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_topics_exist() {
        let id = "ses_01900000000070008000000000000001";
        for topic in ["sessions", "nodes", &format!("metrics/{id}"), &format!("log/{id}")] {
            assert!(find(topic).is_some(), "{topic}");
        }
        for topic in [
            "",
            "session",
            "metrics/",
            "metrics/x",
            "orders/acc_1",
            "sessions/",
            &format!("metrics/{id}/x"),
        ] {
            assert!(find(topic).is_none(), "{topic}");
        }
    }
}
