//! Headers that decide how a request is read: each stands once, and content comes as it is declared.

use engine::error::ErrorCode;
use warp::http::HeaderMap;

use crate::problem::Problem;
use crate::spec::RouteSpec;

/// Headers of which a second one would leave open which counts.
const SINGLE: [&str; 4] = ["authorization", "idempotency-key", "if-match", "content-type"];

/// Returns a header's text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Refuses deciding headers that stand twice or are no plain text.
///
/// # Errors
/// `malformed`, naming the header.
pub(crate) fn unambiguous(headers: &HeaderMap) -> Result<(), Problem> {
    for name in SINGLE {
        let mut values = headers.get_all(name).iter();
        let readable = values.next().is_none_or(|value| value.to_str().is_ok());
        let detail = if values.next().is_some() {
            format!("the header {name} stands more than once; send it once")
        } else if !readable {
            format!("the header {name} is not plain ASCII text; send it as ASCII")
        } else {
            continue;
        };
        return Err(Problem::new(ErrorCode::Malformed, detail).with("header", name));
    }
    Ok(())
}

/// Which of the route's content types was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// JSON.
    Json,
    /// One of the route's raw types.
    Raw,
}

/// Returns how the body is to be read.
///
/// # Errors
/// `unsupported_media_type` for types the route does not read and for encoded bodies.
pub(crate) fn content_type(spec: &RouteSpec, headers: &HeaderMap) -> Result<Kind, Problem> {
    let refuse = |detail: String| Err(Problem::new(ErrorCode::UnsupportedMediaType, detail));
    for encoding in headers.get_all("content-encoding") {
        if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") {
            let found = String::from_utf8_lossy(encoding.as_bytes()).into_owned();
            return refuse(format!(
                "bodies are read as they are, found Content-Encoding {found}; send it unpacked"
            ));
        }
    }
    if !spec.has_body() {
        return Ok(Kind::Json);
    }
    let sent = header(headers, "content-type");
    match sent {
        None if spec.raw_types.is_empty() => Ok(Kind::Json),
        Some(sent) if spec.request.is_some() && is_json(sent) => Ok(Kind::Json),
        Some(sent) if spec.raw_types.iter().any(|raw| raw.eq_ignore_ascii_case(essence(sent))) => {
            Ok(Kind::Raw)
        }
        other => {
            let mut known: Vec<&str> =
                spec.request.map(|_| "application/json").into_iter().collect();
            known.extend(spec.raw_types);
            let found = other.unwrap_or("no Content-Type");
            refuse(format!("expected Content-Type {}, found {found}", known.join(" or ")))
        }
    }
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// `application/json`, with UTF-8 as its character set or none.
fn is_json(content_type: &str) -> bool {
    let utf_8 = |parameter: &str| {
        let parameter = parameter.trim();
        parameter.is_empty()
            || parameter.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("charset")
                    && value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            })
    };
    essence(content_type).eq_ignore_ascii_case("application/json")
        && content_type.split(';').skip(1).all(utf_8)
}
