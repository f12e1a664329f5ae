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
        &["evaluate", "--help"],
        &["session", "report", "--help"],
        &["config", "check", "--help"],
        &["login", "--help"],
        &["passwd", "--help"],
        &["cluster", "status", "--help"],
        &["sched", "quota", "set", "--help"],
        &["node", "drain", "--help"],
        &["session", "move", "--help"],
        &["cert", "node", "--help"],
        &["env", "replay", "--help"],
        &["olps", "run", "--help"],
        &["api", "--help"],
        &["label", "run", "--help"],
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

/// A wave of 40 days a period with a little drift; dates from 2020-01-01.
fn wave(folder: &Path, rows: i32) -> String {
    let mut text = String::from(",date,tic,close\n");
    let first: jiff::civil::Date = "2020-01-01".parse().unwrap();
    for row in 0..rows {
        let price = 100.0 + 10.0 * (f64::from(row) * std::f64::consts::TAU / 40.0).sin();
        let price = price + 0.01 * f64::from(row);
        let date = first.checked_add(jiff::Span::new().days(row)).unwrap();
        text.push_str(&format!("{row},{date},\"A, B\",{price}\n"));
    }
    let path = folder.join("wave.csv");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_series_is_labelled_here_without_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let data = wave(folder.path(), 400);
    let config = folder.path().join("labelling.toml");
    std::fs::write(&config, "data = \"wave.csv\"\nindicator = \"close\"\nmin_length = 5\n")
        .unwrap();
    let config = config.to_str().unwrap();
    let found = json(&run(&["-o", "json", "label", "run", "--config", config]));
    assert_eq!((&found["hindsight"], &found["mode"]), (&true.into(), &"corrected".into()));
    assert_eq!((&found["ticker"], &found["times_checked"]), (&"A, B".into(), &true.into()));
    let points = found["turning_points"].as_array().unwrap();
    assert_eq!((&points[0], points.last().unwrap()), (&0.into(), &400.into()));
    assert_eq!(found["labels"].as_array().unwrap().len(), 400);
    let segments = found["segments"].as_array().unwrap();
    assert_eq!((segments.len(), &segments[0]["from"]), (points.len() - 1, &"2020-01-01".into()));
    let rows: u64 =
        found["rows_per_label"].as_array().unwrap().iter().filter_map(|n| n.as_u64()).sum();
    assert_eq!(rows, 400);
    let faithful = run(&["-o", "json", "label", "run", "--config", config, "--mode", "faithful"]);
    assert!(stderr(&faithful).contains("for verification"), "{}", stderr(&faithful));
    assert_eq!(json(&faithful)["mode"], "faithful");
    // The table is for people.
    let table = run(&["label", "run", "--config", config, "--data", &data]);
    let text = String::from_utf8(table.stdout).unwrap();
    assert!(text.starts_with("LABEL") && text.contains('█'), "{text}");
    let presets = json(&run(&["-o", "json", "label", "presets"]));
    assert!(presets["items"].as_array().unwrap().iter().any(|one| one["name"] == "btc"));
}

#[test]
fn the_files_of_a_labelling_appear_together_and_are_replaced_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let data = wave(folder.path(), 400);
    let config = folder.path().join("labelling.json");
    std::fs::write(&config, r#"{"key_indicator": "close", "min_length_limit": 5}"#).unwrap();
    let out = folder.path().join("labels");
    let arguments = |more: &[&'static str]| {
        let fixed = ["-o", "json", "label", "run", "--data", &data, "--config"];
        let fixed = fixed.map(str::to_owned).into_iter();
        let paths = [config.to_str().unwrap(), "--out", out.to_str().unwrap()].map(str::to_owned);
        fixed.chain(paths).chain(more.iter().map(|one| (*one).to_owned())).collect::<Vec<_>>()
    };
    let run_with = |more: &[&'static str]| {
        let arguments = arguments(more);
        run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let found = json(&run_with(&[]));
    assert_eq!(found["mode"], "faithful", "the reference's spelling asks for its numbers");
    let read = |path: &str| std::fs::read_to_string(out.join(path)).unwrap();
    let table = read("wave_labelled.csv");
    assert_eq!(table.lines().count(), 401);
    assert!(table.starts_with(
        ",date,tic,close,pct_return,key_indicator_filtered,pct_return_filtered,label\n"
    ));
    assert!(table.lines().nth(1).unwrap().starts_with("0,2020-01-01,\"A, B\",100,0,"));
    assert_eq!(read("dynamics_metrics.csv").lines().count(), 4);
    for kind in ["labelled", "filtered", "original"] {
        assert!(read(&format!("A__B_{kind}.svg")).contains("2020-01-01"));
    }
    // Every row is in a slice, but for the last of each label.
    let mut rows = 0;
    for (label, of_label) in found["slices"].as_array().unwrap().iter().enumerate() {
        for (number, slice) in of_label["slices"].as_array().unwrap().iter().enumerate() {
            let text = read(&format!("label_{label}/label_{label}_{number}.csv"));
            let start = slice["start"].as_u64().unwrap();
            let wanted = table.lines().nth(usize::try_from(start).unwrap() + 1).unwrap();
            let first = text.lines().nth(1).unwrap();
            assert_eq!(first.split_once(',').unwrap().1, wanted.split_once(',').unwrap().1);
            assert!(first.starts_with("0,"));
            rows += text.lines().count() - 1;
        }
    }
    assert_eq!(rows, 397);
    let again = run_with(&[]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("--force"), "{}", stderr(&again));
    assert!(run_with(&["--force"]).status.success());
    std::fs::remove_file(out.join("labelling.json")).unwrap();
    assert_eq!(run_with(&["--force"]).status.code(), Some(2));
    // Nothing else was left beside it.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn what_cannot_be_labelled_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = wave(folder.path(), 12);
    let config = folder.path().join("labelling.toml");
    let path = config.to_str().unwrap();
    let cases = [
        ("min_lenght = 3", Some(1), "Did you mean 'min_length'"),
        ("filter_strength = nan", Some(1), "finite"),
        ("indicator = \"price\"", Some(1), "date, tic, close"),
        ("indicator = \"close\"", Some(1), "more than 15 rows"),
    ];
    for (text, code, words) in cases {
        std::fs::write(&config, text).unwrap();
        let output = run(&["label", "run", "--config", path, "--data", &data]);
        assert_eq!(output.status.code(), code, "{text}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{text}: {}", stderr(&output));
    }
    std::fs::write(&config, "data = \"nowhere.csv\"").unwrap();
    assert_eq!(run(&["label", "run", "--config", path]).status.code(), Some(3));
    assert_eq!(run(&["label", "run", "--preset", "bct"]).status.code(), Some(2));
    assert_eq!(run(&["label", "run"]).status.code(), Some(2));
}

/// Writes a panel of two tickers over three days.
fn small_panel(folder: &Path) -> String {
    let path = folder.join("panel.csv");
    let rows =
        ["0,2024-01-01,A B,100", "0,2024-01-01,7,50", "1,2024-01-02,A B,110", "1,2024-01-02,7,50"];
    let last = ["2,2024-01-03,A B,110", "2,2024-01-03,7,45"];
    let text = format!(",date,tic,close\n{}\n{}\n", rows.join("\n"), last.join("\n"));
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_replay_needs_no_node_and_prints_the_same_figures_as_table_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let file = small_panel(folder.path());
    let mut arguments =
        vec!["env", "replay", "--env", "portfolio", "--mode", "faithful", "--data", &file];
    arguments.extend(["--policy", "nothing"]);
    let output = run(&arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("final_assets") && table.contains("100000"), "{table}");
    arguments.extend(["-o", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&run(&arguments).stdout).unwrap();
    assert_eq!(json["calls"], 3);
    assert_eq!(json["final_assets"], 100_000.0);
    assert_eq!(json["mode"], "faithful");
    assert_eq!(json["tickers"], serde_json::json!(["A B", "7"]));
}

#[test]
fn a_replay_that_cannot_be_names_file_column_line_and_what_would_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = small_panel(folder.path());
    let replay = |env: &str, policy: &str, more: &[&str]| {
        let mut arguments = vec!["env", "replay", "--env", env, "--data", &file];
        arguments.extend(["--policy", policy]);
        arguments.extend(more);
        let output = run(&arguments);
        (output.status.code(), stderr(&output))
    };
    let (code, text) = replay("execution_eteo", "nothing", &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("panel.csv") && text.contains("midpoint"), "{text}");
    let (code, text) = replay("portfolio", "twap", &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("logits:ramp"), "{text}");
    let (code, text) = replay("portfolio", "sometimes", &[]);
    assert_eq!(code, Some(2), "{text}");
    let (code, text) = replay("portfoglio", "nothing", &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("portfolio_eiie"), "{text}");
    let (code, text) = replay("portfolio", "nothing", &["--mode", "corrected"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("open (") && text.contains("--mode faithful"), "{text}");
    std::fs::write(&file, ",tic,close\n0,A,1\n0,B,2\n1,A,1\n1,B,x\n").unwrap();
    let (_, text) = replay("portfolio", "nothing", &[]);
    assert!(text.contains("line 5, column 'close'") && text.contains("'x'"), "{text}");
}

#[test]
fn the_environments_are_listed_with_policies_and_columns() {
    let output = run(&["env", "ls"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in ["algorithmic_trading", "execution_eteo", "hft"] {
        assert!(text.contains(name), "{text}");
    }
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
