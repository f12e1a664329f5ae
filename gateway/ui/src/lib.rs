//! The web UI as bytes: path and accepted encodings in, bytes, content type and hash out.
//!
//! Feature `embed` compiles `webui/dist` in; without it one page says how to build it, so that tests need no Node.js.
//! No HTTP here: headers, caching and the content security policy are the gateway's (`pages.rs`).

use std::borrow::Cow;

/// Encodings that the client accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Encodings {
    /// Brotli, files `*.br`.
    pub br: bool,
    /// Gzip, files `*.gz`.
    pub gzip: bool,
}

/// One file, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// What is sent, encoded as `encoding` says.
    pub bytes: Cow<'static, [u8]>,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// SHA-256 of `bytes`, lower-case hexadecimal, without quotes.
    pub etag: String,
    /// `Content-Encoding`, where the bytes are compressed.
    pub encoding: Option<&'static str>,
}

/// Finds a file by its path below the root, for example `index.html` or `assets/app-1a2b.js`.
///
/// A compressed sibling is preferred where the client accepts it; `index.html` never is compressed, because the
/// gateway writes a nonce into it. Paths that climb (`..`) or name a compressed sibling find nothing.
#[must_use]
pub fn lookup(path: &str, encodings: Encodings) -> Option<Asset> {
    let path = path.trim_start_matches('/');
    let hidden = path.split('/').any(|part| part.is_empty() || part.starts_with('.'));
    if hidden || has_extension(path, "br") || has_extension(path, "gz") {
        return None;
    }
    let content_type = content_type(path);
    let compressible = path != "index.html";
    let wanted = [(encodings.br, "br", "br"), (encodings.gzip, "gz", "gzip")];
    let mut compressed = wanted.into_iter().filter(|(accepted, ..)| compressible && *accepted);
    compressed
        .find_map(|(_, extension, encoding)| {
            read(&format!("{path}.{extension}"), content_type, Some(encoding))
        })
        .or_else(|| read(path, content_type, None))
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(extension))
}

fn content_type(path: &str) -> &'static str {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(feature = "embed")]
mod files {
    /// What `npm run build` left.
    #[derive(rust_embed::Embed)]
    #[folder = "../../webui/dist"]
    pub(crate) struct Dist;
}

#[cfg(feature = "embed")]
fn read(path: &str, content_type: &'static str, encoding: Option<&'static str>) -> Option<Asset> {
    let file = files::Dist::get(path)?;
    let etag = hex(&file.metadata.sha256_hash());
    Some(Asset { bytes: file.data, content_type, etag, encoding })
}

/// Shown where the web UI was not built in.
#[cfg(not(feature = "embed"))]
const NOTICE: &str = include_str!("notice.html");

#[cfg(not(feature = "embed"))]
fn read(path: &str, content_type: &'static str, encoding: Option<&'static str>) -> Option<Asset> {
    use sha2::Digest;

    if path != "index.html" || encoding.is_some() {
        return None;
    }
    let etag = hex(&sha2::Sha256::digest(NOTICE.as_bytes()));
    Some(Asset { bytes: Cow::Borrowed(NOTICE.as_bytes()), content_type, etag, encoding })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_page_is_always_there_and_never_compressed() {
        let all = Encodings { br: true, gzip: true };
        let page = lookup("index.html", all).unwrap();
        assert_eq!(page.content_type, "text/html; charset=utf-8");
        assert_eq!(page.encoding, None);
        assert_eq!(page.etag.len(), 64);
        assert_eq!(lookup("/index.html", Encodings::default()), Some(page));
    }

    #[test]
    fn paths_that_climb_hide_or_name_a_compressed_sibling_find_nothing() {
        for path in [
            "",
            "/",
            "../Cargo.toml",
            "assets/../index.html",
            ".env",
            "a//b",
            "index.html.br",
            "app.js.GZ",
        ] {
            assert_eq!(lookup(path, Encodings { br: true, gzip: true }), None, "{path}");
        }
    }

    #[test]
    fn content_types_follow_the_extension() {
        assert_eq!(content_type("assets/a.b.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("assets/a.css"), "text/css; charset=utf-8");
        assert_eq!(content_type("no-extension"), "application/octet-stream");
    }
}
