//! Query parameters: read once, checked against the route's list; every wrong one is named at once.

use std::collections::BTreeMap;

use engine::config::Violation;
use engine::error::ErrorCode;
use serde_json::Value;

use crate::problem::{Problem, violation};
use crate::spec::{Param, ParamKind};
use crate::text;

/// Parameters that passed the check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads and checks a raw query string.
    ///
    /// # Errors
    /// `unknown_parameter` for names that the route does not have, `malformed` for broken escapes and repeated names,
    /// `validation_failed` for values out of range.
    pub(crate) fn parse(raw: &str, allowed: &[Param]) -> Result<Self, Problem> {
        let pairs = pairs(raw)?;
        let unknown: Vec<&str> =
            pairs.keys().filter(|name| find(allowed, name).is_none()).map(String::as_str).collect();
        if !unknown.is_empty() {
            let known: Vec<&str> = allowed.iter().map(|param| param.name).collect();
            let detail = match known.as_slice() {
                [] => format!(
                    "unknown query parameters: {}; this path takes none",
                    unknown.join(", ")
                ),
                known => format!(
                    "unknown query parameters: {}; known are {}",
                    unknown.join(", "),
                    known.join(", ")
                ),
            };
            let names: Vec<Value> = unknown.into_iter().map(Value::from).collect();
            return Err(Problem::new(ErrorCode::UnknownParameter, detail).with("parameters", names));
        }
        let errors: Vec<_> = pairs
            .iter()
            .filter_map(|(name, value)| {
                let param = find(allowed, name)?;
                let mut found = refuse(param.kind, value)?;
                found.detail = format!("query parameter {name}: {}", found.detail);
                Some(found.with("parameter", name.as_str()))
            })
            .collect();
        if errors.is_empty() { Ok(Self(pairs)) } else { Err(Problem::invalid(errors)) }
    }

    /// Returns a parameter's text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns a whole number; the check has already been made.
    pub(crate) fn integer(&self, name: &str) -> Option<u64> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// Returns a whole number that fits 32 bits.
    pub(crate) fn small(&self, name: &str) -> Option<u32> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// Whether a parameter is `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// Returns every parameter whose name begins with `prefix`, without it.
    pub(crate) fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// Returns the parameters except some, in order, for the hash that binds a cursor to its filters.
    pub(crate) fn fingerprint(&self, except: &[&str]) -> String {
        let kept = self.0.iter().filter(|(name, _)| !except.contains(&name.as_str()));
        kept.map(|(name, value)| format!("{}:{name}={}:{value};", name.len(), value.len()))
            .collect()
    }
}

fn pairs(raw: &str) -> Result<BTreeMap<String, String>, Problem> {
    let broken = || {
        Problem::new(
            ErrorCode::Malformed,
            "the query string cannot be read: escapes must be %XX of UTF-8",
        )
    };
    let mut pairs = BTreeMap::new();
    for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let name = text::percent_decode(name, true).ok_or_else(broken)?;
        let value = text::percent_decode(value, true).ok_or_else(broken)?;
        if pairs.insert(name.clone(), value).is_some() {
            let detail = format!("query parameter {name} is given more than once; give it once");
            return Err(Problem::new(ErrorCode::Malformed, detail));
        }
    }
    Ok(pairs)
}

fn find<'a>(allowed: &'a [Param], name: &str) -> Option<&'a Param> {
    allowed.iter().find(|param| match param.kind {
        ParamKind::Prefix(_) => name.len() > param.name.len() && name.starts_with(param.name),
        ParamKind::Text(_) | ParamKind::Integer(..) | ParamKind::Boolean | ParamKind::OneOf(_) => {
            param.name == name
        }
    })
}

/// What is wrong with a value; the violation's pointer stays empty, for it points into no body.
fn refuse(kind: ParamKind, value: &str) -> Option<Violation> {
    let outside = |min: u64, max: u64, detail: String| {
        violation("", "out_of_range", detail).with("min", min).with("max", max)
    };
    let outside_list = |allowed: &[&str], detail: String| {
        let shown: String = value.chars().take(60).collect();
        violation("", "not_allowed", detail).with("allowed", allowed.to_vec()).with("got", shown)
    };
    match kind {
        ParamKind::Text(max) | ParamKind::Prefix(max) => {
            let most = u64::try_from(max).unwrap_or(u64::MAX);
            (value.is_empty() || value.chars().count() > max)
                .then(|| outside(1, most, format!("expected 1 to {max} characters")))
        }
        ParamKind::Integer(min, max) => {
            let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
            let number = value.parse::<u64>().ok().filter(|_| digits);
            (!number.is_some_and(|n| (min..=max).contains(&n)))
                .then(|| outside(min, max, format!("expected a whole number from {min} to {max}")))
        }
        ParamKind::Boolean => {
            let words = ["true", "false"];
            (!words.contains(&value))
                .then(|| outside_list(&words, "expected true or false".to_owned()))
        }
        ParamKind::OneOf(list) => {
            let detail = || format!("expected one of {}", list.join(", "));
            (!list.contains(&value)).then(|| outside_list(list, detail()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: &[Param] = &[
        Param { name: "limit", kind: ParamKind::Integer(1, 500), meaning: "Rows." },
        Param { name: "raw", kind: ParamKind::Boolean, meaning: "Raw." },
        Param { name: "name", kind: ParamKind::Text(5), meaning: "Name." },
        Param { name: "map.", kind: ParamKind::Prefix(20), meaning: "Columns." },
    ];

    #[test]
    fn known_parameters_are_decoded() {
        let query =
            Query::parse("limit=7&raw=true&name=a+b&map.close=Last%20Price", ALLOWED).unwrap();
        assert_eq!(query.small("limit"), Some(7));
        assert!(query.is_true("raw"));
        assert_eq!(query.text("name"), Some("a b"));
        assert_eq!(query.with_prefix("map.").collect::<Vec<_>>(), vec![("close", "Last Price")]);
    }

    #[test]
    fn every_unknown_parameter_is_named() {
        let problem = Query::parse("limit=7&x=1&y=2&map.=3", ALLOWED).unwrap_err();
        assert_eq!(problem.code, ErrorCode::UnknownParameter);
        assert_eq!(problem.params["parameters"], serde_json::json!(["map.", "x", "y"]));
    }

    #[test]
    fn every_wrong_value_is_named_at_once() {
        let problem = Query::parse("limit=0&raw=yes&name=toolong", ALLOWED).unwrap_err();
        assert_eq!(problem.code, ErrorCode::ValidationFailed);
        assert_eq!(problem.errors.len(), 3);
    }

    #[test]
    fn signs_spaces_repeats_and_broken_escapes_are_refused() {
        for raw in [
            "limit=+7",
            "limit=-1",
            "limit=",
            "limit=1e2",
            "limit=501",
            "limit=1&limit=2",
            "name=%f",
        ] {
            assert!(Query::parse(raw, ALLOWED).is_err(), "{raw}");
        }
    }
}
