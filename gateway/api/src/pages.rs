//! The web UI under a strict content security policy: a nonce per answer, immutable assets, no HTML under `/api`.

use std::borrow::Cow;

use bytes::Bytes;
use engine::error::ErrorCode;
use warp::http::{HeaderMap, StatusCode};

use crate::answer::{Answer, Handled};
use crate::problem::Problem;
use crate::text;

/// What `index.html` holds in place of the nonce.
const NONCE_MARK: &str = "__CSP_NONCE__";

/// Encodings that the client accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Encodings {
    /// Brotli.
    pub br: bool,
    /// Gzip.
    pub gzip: bool,
}

/// One file of the web UI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFile {
    /// What is sent, encoded as `encoding` says.
    pub bytes: Cow<'static, [u8]>,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Hash of `bytes`, without quotes.
    pub etag: String,
    /// `Content-Encoding`, where the bytes are compressed.
    pub encoding: Option<&'static str>,
}

/// Where the files of the web UI come from; `node` hands in package `ui`.
pub trait Pages: Send + Sync {
    /// Finds a file by its path below the root, for example `index.html`.
    fn lookup(&self, path: &str, encodings: Encodings) -> Option<PageFile>;
}

/// Answers a path outside `/api`.
///
/// # Errors
/// `not_found` for files that are not there.
pub(crate) fn answer(pages: &dyn Pages, path: &str, headers: &HeaderMap) -> Handled {
    let path = path.trim_start_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    if path.is_empty() || path == "index.html" || !last.contains('.') {
        return index(pages);
    }
    let file = pages
        .lookup(path, accepted(headers))
        .ok_or_else(|| Problem::not_found(&format!("file /{path}")))?;
    let etag = format!("\"{}\"", file.etag);
    let immutable = path.starts_with("assets/");
    let caching = if immutable {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=0, must-revalidate"
    };
    let known = headers.get("if-none-match").and_then(|value| value.to_str().ok());
    let unchanged = known
        .is_some_and(|list| list.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag));
    let answer = if unchanged {
        Answer::empty(StatusCode::NOT_MODIFIED)
    } else {
        let body = match file.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let answer = Answer::bytes(StatusCode::OK, file.content_type, body);
        match file.encoding {
            Some(encoding) => answer.header("content-encoding", encoding),
            None => answer,
        }
    };
    Ok(answer
        .header("etag", etag)
        .header("cache-control", caching)
        .header("vary", "accept-encoding"))
}

fn index(pages: &dyn Pages) -> Handled {
    let file = pages.lookup("index.html", Encodings::default()).ok_or_else(|| {
        Problem::new(ErrorCode::NotFound, "this program was built without a web UI")
    })?;
    let nonce = text::base64url(&text::random::<18>()?);
    let html = String::from_utf8_lossy(&file.bytes).replace(NONCE_MARK, &nonce);
    Ok(Answer::bytes(StatusCode::OK, file.content_type, Bytes::from(html))
        .header("cache-control", "no-store")
        .header("content-security-policy", policy(&nonce)))
}

fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src-elem 'self' 'nonce-{nonce}'; \
         style-src-attr 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src 'self'; \
         object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

fn accepted(headers: &HeaderMap) -> Encodings {
    let mut found = Encodings::default();
    let lines =
        headers.get_all("accept-encoding").into_iter().filter_map(|value| value.to_str().ok());
    for item in lines.flat_map(|line| line.split(',')) {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = parts.any(|part| {
            matches!(part.replace(' ', "").as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        });
        match name {
            "br" => found.br = !refused,
            "gzip" => found.gzip = !refused,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Files;

    impl Pages for Files {
        fn lookup(&self, path: &str, encodings: Encodings) -> Option<PageFile> {
            let (text, content_type): (&'static str, _) = match path {
                "index.html" => ("<meta content=\"__CSP_NONCE__\">", "text/html; charset=utf-8"),
                "assets/app.js" => ("let a", "text/javascript; charset=utf-8"),
                _ => return None,
            };
            let encoding = (encodings.br && path != "index.html").then_some("br");
            Some(PageFile {
                bytes: Cow::Borrowed(text.as_bytes()),
                content_type,
                etag: "abc".to_owned(),
                encoding,
            })
        }
    }

    fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
        answer.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn the_index_has_a_new_nonce_each_time_and_is_never_stored() {
        let (a, b) = (index(&Files).unwrap(), index(&Files).unwrap());
        assert_ne!(a.body, b.body);
        assert_eq!(header(&a, "cache-control"), Some("no-store"));
        assert_eq!(header(&a, "etag"), None);
        let html = String::from_utf8(a.body.to_vec()).unwrap();
        let nonce = html.split('"').nth(1).unwrap();
        assert!(
            header(&a, "content-security-policy").unwrap().contains(&format!("'nonce-{nonce}'"))
        );
    }

    #[test]
    fn pages_fall_back_to_the_index_and_files_do_not() {
        assert!(answer(&Files, "/sessions/ses_1", &HeaderMap::new()).is_ok());
        assert!(answer(&Files, "/missing.js", &HeaderMap::new()).is_err());
    }

    #[test]
    fn assets_are_immutable_encoded_and_revalidated() {
        let mut headers = HeaderMap::new();
        headers.insert("accept-encoding", "gzip;q=0, br".parse().unwrap());
        let first = answer(&Files, "/assets/app.js", &headers).unwrap();
        assert_eq!(header(&first, "content-encoding"), Some("br"));
        assert_eq!(header(&first, "cache-control"), Some("public, max-age=31536000, immutable"));
        headers.insert("if-none-match", "\"abc\"".parse().unwrap());
        let second = answer(&Files, "/assets/app.js", &headers).unwrap();
        assert_eq!(second.status, StatusCode::NOT_MODIFIED);
        assert!(second.body.is_empty());
    }
}
