//! The refresh cookie and the checks that keep other sites from using it.

use engine::error::ErrorCode;
use warp::http::HeaderMap;

use crate::problem::Problem;
use crate::text;

/// Name, attributes and life of the refresh cookie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefreshCookie {
    /// TLS is on: the `__Host-` prefix and `Secure` are set.
    pub(crate) secure: bool,
}

impl RefreshCookie {
    fn name(self) -> &'static str {
        if self.secure { "__Host-tm_refresh" } else { "tm_refresh" }
    }

    /// Returns `Set-Cookie` for a token.
    pub(crate) fn set(self, token: &str, life_seconds: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!(
            "{}={token}; Path=/; Max-Age={life_seconds}; HttpOnly; SameSite=Strict{secure}",
            self.name()
        )
    }

    /// Returns `Set-Cookie` that removes it.
    pub(crate) fn clear(self) -> String {
        self.set("", 0)
    }

    /// Returns the token a request carries.
    pub(crate) fn read(self, headers: &HeaderMap) -> Option<String> {
        let lines = headers.get_all("cookie").into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == self.name())?;
        (!value.is_empty() && value.len() <= 128).then(|| value.to_owned())
    }
}

/// A new refresh token and what is stored of it.
///
/// # Errors
/// Refuses when the system has no randomness.
pub(crate) fn new_token() -> Result<(String, [u8; 32]), Problem> {
    let token = text::base64url(&text::random::<32>()?);
    let hash = hash(&token);
    Ok((token, hash))
}

/// Returns what is stored of a refresh token.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    text::sha256(token.as_bytes())
}

/// Checks that a cookie request comes from our own pages.
///
/// # Errors
/// `forbidden` without `TM-CSRF: 1`, with a foreign or missing `Origin`, or from another site.
pub(crate) fn check_same_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), Problem> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let refuse = |why: &str| {
        Problem::new(ErrorCode::Forbidden, format!("this request uses a cookie: {why}"))
    };
    if header("tm-csrf") != Some("1") {
        return Err(refuse("send the header TM-CSRF: 1"));
    }
    if !origin_is_ours(header("origin"), header("host"), allowed) {
        return Err(refuse("it must come from this node's own pages (Origin)"));
    }
    match header("sec-fetch-site") {
        None | Some("same-origin") => Ok(()),
        Some(_) => Err(refuse("it must come from the same origin (Sec-Fetch-Site)")),
    }
}

/// Whether an origin is this node as the client names it, or one of the configured ones. A missing one is not.
pub(crate) fn origin_is_ours(origin: Option<&str>, host: Option<&str>, allowed: &[String]) -> bool {
    let Some(origin) = origin else { return false };
    if allowed.iter().any(|known| known == origin) {
        return true;
    }
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| !authority.is_empty() && Some(authority) == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| ((*name).try_into().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_cookie_is_strict_and_secure_under_tls() {
        assert_eq!(
            RefreshCookie { secure: true }.set("t", 60),
            "__Host-tm_refresh=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            RefreshCookie { secure: false }.set("t", 60),
            "tm_refresh=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
        );
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let cookie = RefreshCookie { secure: false };
        assert_eq!(
            cookie.read(&headers(&[("cookie", "a=b; tm_refresh=xyz; c=d")])).as_deref(),
            Some("xyz")
        );
        assert_eq!(cookie.read(&headers(&[("cookie", "xtm_refresh=xyz")])), None);
        assert_eq!(cookie.read(&headers(&[("cookie", "tm_refresh=")])), None);
    }

    #[test]
    fn only_our_own_pages_pass() {
        let ours =
            [("tm-csrf", "1"), ("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")];
        assert!(check_same_origin(&headers(&ours), &[]).is_ok());
        assert!(check_same_origin(&headers(&ours[1..]), &[]).is_err());
        assert!(check_same_origin(&headers(&[ours[0], ours[2]]), &[]).is_err());
        assert!(
            check_same_origin(&headers(&[ours[0], ("origin", "http://evil"), ours[2]]), &[])
                .is_err()
        );
        assert!(check_same_origin(&headers(&[ours[0], ("origin", "null"), ours[2]]), &[]).is_err());
        let cross = [ours[0], ours[1], ours[2], ("sec-fetch-site", "cross-site")];
        assert!(check_same_origin(&headers(&cross), &[]).is_err());
        let other = [ours[0], ("origin", "https://ui.example"), ours[2]];
        assert!(check_same_origin(&headers(&other), &["https://ui.example".to_owned()]).is_ok());
    }
}
