//! Path matching: a request path against the table's templates, `:verb` split off the last segment.

use std::collections::BTreeMap;

use crate::spec::RouteSpec;
use crate::text;

/// What the table says about a path.
pub(crate) enum Found<'a> {
    /// This route, with its parameters.
    Route(&'a RouteSpec, BTreeMap<&'static str, String>),
    /// The path exists with other methods.
    OtherMethods(Vec<&'static str>),
    /// Nothing is served there.
    Nothing,
}

/// Finds the route of a method and a path below `/api/v1`.
///
/// A literal segment wins over a parameter, so that `/schemas/strategy` and `/schemas/{x}` may stand side by side.
pub(crate) fn find<'a>(table: &'a [RouteSpec], method: &str, path: &str) -> Found<'a> {
    let mut others = Vec::new();
    let mut best: Option<(usize, &RouteSpec, BTreeMap<&'static str, String>)> = None;
    for spec in table {
        let Some(params) = matches(spec.path, path) else { continue };
        if spec.method.as_str() != method {
            others.push(spec.method.as_str());
            continue;
        }
        if best.as_ref().is_none_or(|(count, _, _)| params.len() < *count) {
            best = Some((params.len(), spec, params));
        }
    }
    match best {
        Some((_, spec, params)) => Found::Route(spec, params),
        None if others.is_empty() => Found::Nothing,
        None => Found::OtherMethods(others),
    }
}

fn matches(template: &'static str, path: &str) -> Option<BTreeMap<&'static str, String>> {
    let (template, wanted_verb) = split_verb(template);
    let (path, verb) = split_verb(path);
    if wanted_verb != verb {
        return None;
    }
    let mut params = BTreeMap::new();
    let mut segments = path.split('/');
    for wanted in template.split('/') {
        let segment = segments.next()?;
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => {
                let value = text::percent_decode(segment, false)?;
                if value.is_empty() || value.chars().any(|c| c == '/' || c.is_control()) {
                    return None;
                }
                params.insert(name, value);
            }
            None if wanted == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(params)
}

fn split_verb(path: &str) -> (&str, Option<&str>) {
    let last = path.rfind('/').map_or(0, |slash| slash + 1);
    match path.get(last..).and_then(|segment| segment.rfind(':')) {
        Some(colon) => (path.get(..last + colon).unwrap_or(path), path.get(last + colon + 1..)),
        None => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_verbs_are_read() {
        let params = matches("/sessions/{id}:pause", "/sessions/ses_1:pause").unwrap();
        assert_eq!(params.get("id").map(String::as_str), Some("ses_1"));
        assert!(matches("/sessions/{id}", "/sessions/ses_1:pause").is_none());
        assert!(matches("/sessions/{id}:pause", "/sessions/ses_1").is_none());
        assert!(matches("/sessions/{id}:pause", "/sessions/ses_1:stop").is_none());
        assert!(matches("/configs:validate", "/configs:validate").is_some());
        assert!(matches("/configs:validate", "/configs").is_none());
    }

    #[test]
    fn extra_missing_and_empty_segments_do_not_match() {
        for path in [
            "/sessions",
            "/sessions/",
            "/sessions/a/b",
            "/sessions/a/",
            "//sessions/a",
            "/sessions/%2f",
            "/sessions/%zz",
        ] {
            assert!(matches("/sessions/{id}", path).is_none(), "{path}");
        }
    }
}
