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
        &["olps", "run", "--help"],
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

#[test]
fn certificates_are_made_shown_and_replaced_and_keys_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ca, node) = (path("ca"), path("a"));
    let done = |arguments: &[&str]| {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    done(&["-o", "json", "cert", "ca", "--dir", &ca, "--cluster", "tm"]);
    let made = ["cert", "node", "a", "--ca", &ca, "--dir", &node, "--host", "10.0.0.1,a.example"];
    let first = done(&[&["-o", "json"][..], &made].concat());
    assert_eq!(first["items"][0]["names"], serde_json::json!(["a.tm.tm", "10.0.0.1", "a.example"]));
    for key in ["ca/ca.key", "a/node.key"] {
        let mode = std::fs::metadata(folder.path().join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    let again = run(&made);
    assert_eq!(again.status.code(), Some(1), "nothing is replaced that was not asked for");
    assert!(stderr(&again).contains("exists already"), "{}", stderr(&again));
    let second = done(&["-o", "json", "cert", "rotate", "--ca", &ca, "--dir", &node]);
    assert_ne!(first["items"][0]["fingerprint"], second["items"][0]["fingerprint"]);
    assert_eq!(first["items"][0]["names"], second["items"][0]["names"]);
    done(&["-o", "json", "cert", "rotate", "--ca-dir", &ca]);
    let bundle = path("ca/ca.pem");
    let shown = done(&["-o", "json", "cert", "show", &bundle]);
    assert_eq!(shown["items"].as_array().unwrap().len(), 2, "the old CA is still trusted");
    let retired = done(&["-o", "json", "cert", "rotate", "--ca-dir", &ca, "--retire"]);
    assert_eq!(retired["retired"], 1);
}

#[test]
fn the_first_node_is_made_once_and_what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.toml");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    let init = || run(&["-o", "json", "cluster", "init", "--config", file.to_str().unwrap()]);
    write("[node]\nname = \"a\"\n");
    let output = init();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("[cluster] name"), "{}", stderr(&output));
    let node = "[node]\nname = \"a\"\ndata_dir = \"data\"\n";
    write(&format!("{node}[cluster]\nname = \"tm\"\n[listen]\ncluster = \"127.0.0.1:7\"\n"));
    for made in [true, false] {
        let output = init();
        assert!(output.status.success(), "{}", stderr(&output));
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&value["cluster"], &value["made"]), (&"tm".into(), &made.into()));
    }
    assert!(folder.path().join("join.token").is_file());
    // Alone, it would forget what it has promised the cluster.
    write(node);
    let alone = run(&[
        "node",
        "start",
        "--config",
        file.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
        "--worker",
        "/bin/true",
    ]);
    assert!(stderr(&alone).contains("belongs to node a of cluster 'tm'"), "{}", stderr(&alone));
}

#[test]
fn portfolio_selection_runs_on_a_file_and_names_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relatives.csv");
    let path = file.to_str().unwrap();
    let rows: String = (0..20).map(|row| ["5,1,2\n", "5,1,0.5\n"][row % 2]).collect();
    std::fs::write(&file, format!("date,cash,coin\n{rows}")).unwrap();
    let simple = ["olps", "run", "--data", path, "--relatives", "simple"];
    let json = |more: &[&str]| {
        let output = run(&[&simple[..], &["-o", "json"], more].concat());
        assert!(output.status.success(), "{more:?}: {}", stderr(&output));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let olmar = json(&["--method", "olmar1"]);
    assert!((olmar["wealth"].as_f64().unwrap() - 36.0).abs() < 1e-9);
    assert_eq!(olmar["assets"], serde_json::json!(["cash", "coin"]));
    assert_eq!(olmar["cost_ladder"]["steps"].as_array().unwrap().len(), 5);
    assert_eq!(json(&["--method", "olmar1", "--set", "window=3"])["parameters"]["window"], 3);
    assert_eq!(json(&["--method", "bcrp"])["hindsight"], true);
    let table = run(&[&simple[..], &["--method", "all", "--cost", "0.001"]].concat());
    let text = String::from_utf8(table.stdout).unwrap();
    for name in ["bcrp *", "market", "corn_k", "olmar2"] {
        assert!(text.contains(name), "{name} is not in {text}");
    }
    for (more, code, word) in [
        (&["--method", "olmar"][..], 2, "olmar1"),
        (&["--method", "olmar1", "--set", "window=0"], 2, "window"),
        (&["--method", "olmar1", "--set", "windw=5"], 2, "windw"),
        (&["--method", "bcrp", "--set", "window=5"], 2, "no parameters"),
        (&["--method", "all", "--set", "window=5"], 2, "--method"),
        (&["--method", "eg", "--cost", "1.5"], 1, "0.001 is 0.1 %"),
    ] {
        let output = run(&[&simple[..], more].concat());
        assert_eq!(output.status.code(), Some(code), "{more:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(word), "{more:?}: {}", stderr(&output));
    }
    std::fs::write(&file, "cash,coin\n1,2\n1,x\n").unwrap();
    let output = run(&[&simple[..], &["--method", "eg"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("line 3") && text.contains("coin") && text.contains("'x'"), "{text}");
    let listed = run(&["olps", "ls"]);
    assert!(String::from_utf8(listed.stdout).unwrap().contains("Li and Hoi 2012"));
}
