//! The closed list of topics and the class of each. Pure.

use engine::ids::SessionId;

use crate::messages::topics::TopicClass;

/// Topics without a parameter.
const PLAIN: [&str; 4] = ["sessions", "strategies", "datasets", "nodes"];
/// Topics with a session's id.
const OF_SESSION: [(&str, TopicClass); 4] = [
    ("session", TopicClass::State),
    ("session-events", TopicClass::Log),
    ("metrics", TopicClass::Series),
    ("log", TopicClass::Text),
];

/// Returns the class of a topic, if there is such a topic.
pub(crate) fn class_of(topic: &str) -> Option<TopicClass> {
    if PLAIN.contains(&topic) {
        return Some(TopicClass::State);
    }
    let (kind, id) = topic.split_once('/')?;
    let (_, class) = OF_SESSION.iter().find(|(name, _)| *name == kind)?;
    id.parse::<SessionId>().ok().map(|_| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_topics_have_a_class() {
        let id = "ses_01900000000070008000000000000001";
        assert_eq!(class_of("sessions"), Some(TopicClass::State));
        assert_eq!(class_of(&format!("session-events/{id}")), Some(TopicClass::Log));
        assert_eq!(class_of(&format!("metrics/{id}")), Some(TopicClass::Series));
        assert_eq!(class_of(&format!("log/{id}")), Some(TopicClass::Text));
        for topic in ["", "/", "session", "session/", "session/ses_1", "metrics/../etc", "SESSIONS"]
        {
            assert_eq!(class_of(topic), None, "{topic}");
        }
    }
}
