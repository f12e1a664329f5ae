//! Generated files are current: `UPDATE_GENERATED=1` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::path::Path;

#[test]
fn openapi_json_is_what_the_code_generates() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let mut wanted = serde_json::to_string_pretty(&gateway::openapi()).unwrap();
    wanted.push('\n');
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "gateway/api/openapi.json is old: run the tests with UPDATE_GENERATED=1"
    );
}
