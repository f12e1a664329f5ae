//! The command line as people and scripts meet it: help, usage errors, exit codes, closed pipes, configuration files.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn tm() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tm"));
    // Neither a login nor a setting of the person who runs the tests may matter.
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TM_CREDENTIALS", "/nonexistent/credentials.json");
    command
}

fn run(arguments: &[&str]) -> Output {
    tm().args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_noun_and_verb_explains_itself() {
    for arguments in [
        &["--help"][..],
        &["node", "--help"],
        &["node", "start", "--help"],
        &["demo", "--help"],
        &["data", "import", "--help"],
        &["strategy", "create", "--help"],
        &["session", "start", "--help"],
        &["session", "logs", "--help"],
        &["backtest", "run", "--help"],
        &["config", "check", "--help"],
        &["login", "--help"],
        &["passwd", "--help"],
        &["cluster", "status", "--help"],
        &["sched", "quota", "set", "--help"],
        &["node", "drain", "--help"],
        &["session", "move", "--help"],
        &["cert", "node", "--help"],
        &["api", "--help"],
    ] {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.len() > 100, "{arguments:?}");
    }
}

#[test]
fn a_misspelt_word_is_a_usage_error_with_a_suggestion() {
    let output = run(&["sesion", "ls"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("session"), "{}", stderr(&output));
}

#[test]
fn a_node_that_is_not_there_is_exit_code_6_and_says_how_to_start_one() {
    let output = run(&["--url", "http://127.0.0.1:9", "node", "status"]);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(stderr(&output).contains("tm node start"), "{}", stderr(&output));
}

#[test]
fn an_address_that_is_none_is_a_usage_error() {
    let output = run(&["--url", "127.0.0.1:8080", "session", "ls"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn a_closed_pipe_is_success() {
    let mut child = tm()
        .args(["completion", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

#[test]
fn the_shipped_configuration_file_is_valid() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cluster.toml");
    let output = run(&["config", "check", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_wrong_configuration_file_names_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    std::fs::write(&file, "[listen]\ngatway = \"127.0.0.1:8080\"\n").unwrap();
    let output = run(&["config", "check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(
        text.contains("gatway") && text.contains("gateway") && text.contains("line 2"),
        "{text}"
    );
}

#[test]
fn plain_http_is_refused_on_other_addresses_than_loopback() {
    let folder = tempfile::tempdir().unwrap();
    let worker = Path::new(env!("CARGO_BIN_EXE_tm"));
    let output = tm()
        .args(["node", "start", "--listen", "0.0.0.0:0", "--data-dir"])
        .arg(folder.path().join("data"))
        .arg("--worker")
        .arg(worker)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("loopback"), "{}", stderr(&output));
}

#[test]
fn a_missing_worker_says_how_to_build_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = tm()
        .args(["node", "start", "--worker", "/nonexistent/tm-worker", "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("make worker"), "{}", stderr(&output));
}

#[test]
fn values_in_force_are_shown_with_their_source() {
    let output = tm()
        .args(["config", "show", "-o", "json"])
        .env("TM_LISTEN_GATEWAY", "127.0.0.1:9999")
        .output()
        .unwrap();
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = value["items"].as_array().unwrap();
    let row = rows.iter().find(|row| row["key"] == "listen.gateway").unwrap();
    assert_eq!(row["value"], "127.0.0.1:9999");
    assert_eq!(row["source"], "flag or environment");
}
