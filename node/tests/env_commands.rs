//! `tm env` as people and scripts meet it: replays in each mode, side by side, and checks, without a node.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tm"));
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["-o", "json"]].concat());
    serde_json::from_str(&stdout(&output)).unwrap()
}

fn replay<'a>(env: &'a str, mode: &'a str, file: &'a str, policy: &'a str) -> Vec<&'a str> {
    vec!["env", "replay", "--env", env, "--mode", mode, "--data", file, "--policy", policy]
}

fn near(found: &Value, wanted: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - wanted).abs() < 1e-6, "{found}, not {wanted}");
}

/// Writes bars of one instrument: each opens at the close before.
fn bars(folder: &Path, closes: &[f64]) -> String {
    let mut text = "date,open,high,low,close\n".to_owned();
    let mut open = closes[0];
    for (day, close) in closes.iter().enumerate() {
        let (high, low) = (open.max(*close), open.min(*close));
        let (month, day) = (1 + day / 28, 1 + day % 28);
        writeln!(text, "2024-{month:02}-{day:02},{open},{high},{low},{close}").unwrap();
        open = *close;
    }
    write(folder, "bars.csv", &text)
}

/// Writes a panel of two tickers over three days, in the reference's layout.
fn panel(folder: &Path) -> String {
    let text = ",date,tic,open,high,low,close\n\
        0,2024-01-01,A B,10,10,10,10\n0,2024-01-01,7,20,20,20,20\n\
        1,2024-01-02,A B,10,11,10,11\n1,2024-01-02,7,20,20,20,20\n\
        2,2024-01-03,A B,11,12.1,11,12.1\n2,2024-01-03,7,20,20,10,10\n";
    write(folder, "panel.csv", text)
}

/// Writes a book of two levels a side.
fn book(folder: &Path, mids: &[f64]) -> String {
    let mut text = "system_time".to_owned();
    for side in ["bid", "ask"] {
        for level in 1..=5 {
            write!(text, ",{side}{level}_price,{side}{level}_size").unwrap();
        }
    }
    for (minute, mid) in mids.iter().enumerate() {
        write!(text, "\n2024-01-01 00:{minute:02}:00").unwrap();
        for sign in [-1.0, 1.0] {
            for level in 1..=5_u8 {
                write!(text, ",{},1", mid + sign * f64::from(level)).unwrap();
            }
        }
    }
    write(folder, "book.csv", &(text + "\n"))
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_corrected_replay_needs_no_node_and_its_figures_are_those_done_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let file = bars(folder.path(), &[100.0; 7]);
    // A short opened and closed at the same price costs the fees.
    let arguments = replay("algorithmic_trading", "corrected", &file, "cycle:0,2");
    let found = json(&arguments);
    near(&found["final_assets"], 99_999.8);
    near(&found["fees"], 0.2);
    assert_eq!((&found["mode"], &found["calls"]), (&"corrected".into(), &2.into()));
    assert_eq!(found["ledger"]["balances"], true);
    assert!(found["metrics"]["time_in_market"].is_number(), "{found}");
    let free = json(&[&arguments[..], &["--cost-rate", "0", "--slippage-bps", "10"]].concat());
    near(&free["slippage"], 0.2);
    let table = stdout(&run(&arguments));
    for words in ["final_assets", "99999.", "balances", "turnover"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let file = panel(folder.path());
    let mut arguments = replay("portfolio", "corrected", &file, "weights:0,0,1");
    arguments.extend(["--cost-rate", "0"]);
    near(&json(&arguments)["final_assets"], 50_000.0);
    let found = json(&replay("portfolio", "corrected", &file, "rule:momentum,window=1"));
    assert_eq!(found["tickers"], serde_json::json!(["A B", "7"]));
    let file = book(folder.path(), &[100.0, 100.0, 120.0, 110.0]);
    let mut arguments = replay("hft", "corrected", &file, "oracle");
    arguments.extend(["--cost-rate", "0"]);
    near(&json(&arguments)["final_balance"], 0.18);
}

#[test]
fn both_modes_stand_side_by_side_over_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let closes: Vec<f64> = (0..20).map(|day| 100.0 + f64::from(day)).collect();
    let file = bars(folder.path(), &closes);
    let arguments = replay("algorithmic_trading", "both", &file, "cycle:2,1");
    let found = json(&arguments);
    // The reference's terminal call repeats the last reward.
    assert_eq!(
        (&found["faithful"]["calls"], &found["corrected"]["calls"]),
        (&10.into(), &9.into())
    );
    near(&found["corrected"]["holding"], found["faithful"]["holding"].as_f64().unwrap());
    let free = json(&[&arguments[..], &["--cost-rate", "0"]].concat());
    let assets = |mode: &str| free[mode]["final_assets"].as_f64().unwrap();
    assert!((assets("faithful") - assets("corrected")).abs() < 1e-6, "opens are the closes before");
    let table = stdout(&run(&arguments));
    for words in ["FAITHFUL", "CORRECTED", "DIFFERENCE", "final_assets", "balances"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    for (env, policy) in [("portfolio_eiie", "uniform"), ("portfolio", "average_holding")] {
        let file = panel(folder.path());
        let mut arguments = replay(env, "both", &file, policy);
        if env == "portfolio_eiie" {
            arguments.extend(["--time-steps", "1"]);
        }
        let found = json(&arguments);
        let calls = |mode: &str| found[mode]["calls"].as_u64().unwrap();
        assert_eq!(calls("faithful"), calls("corrected") + 1, "{env}");
    }
    let file = book(folder.path(), &[100.0, 101.0, 102.0, 101.0]);
    let found = json(&replay("hft", "both", &file, "constant:10"));
    assert_eq!(found["faithful"]["calls"], found["corrected"]["calls"]);
    assert_eq!(found["faithful"]["actions"], found["corrected"]["actions"]);
}

#[test]
fn a_configuration_file_and_single_values_set_anything() {
    let folder = tempfile::tempdir().unwrap();
    let file = bars(folder.path(), &[100.0; 9]);
    let json_file = write(
        folder.path(),
        "environment.json",
        r#"{"task": "algorithmic_trading", "lot_share": 0.1, "allow_short": false}"#,
    );
    let toml_file = write(folder.path(), "strategy.toml", "[matching]\nfee_rate = 0.0\n");
    let arguments = replay("algorithmic_trading", "corrected", &file, "cycle:2,0,0");
    let with = |more: &[&str]| json(&[&arguments[..], more].concat());
    let found = with(&["--config", &json_file]);
    near(&found["lot"], 100.0);
    assert_eq!(found["cut_count"], 1);
    let found = with(&["--config", &json_file, "--set", "matching.fee_rate=0.01"]);
    // Bought, sold, no short opened, bought again.
    near(&found["fees"], 300.0);
    assert_eq!(found["config"]["environment"]["lot_share"], 0.1);
    near(&with(&["--config", &toml_file])["fees"], 0.0);
    let wrong = run(&[&arguments[..], &["--set", "environment.lots=1"]].concat());
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("environment.lots"), "{}", stderr(&wrong));
    let broken = write(folder.path(), "broken.json", "{");
    let wrong = run(&[&arguments[..], &["--config", &broken]].concat());
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
}

#[test]
fn what_cannot_be_replayed_says_what_is_missing_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let closes = write(folder.path(), "closes.csv", ",close\n0,1\n1,2\n2,3\n");
    let refused = |arguments: &[&str], code: i32| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        stderr(&output)
    };
    let text = refused(&replay("algorithmic_trading", "corrected", &closes, "nothing"), 1);
    for words in ["closes.csv", "date (", "open (", "--mode faithful"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let file = bars(folder.path(), &[100.0; 40]);
    let text = refused(&replay("hft", "corrected", &file, "nothing"), 1);
    assert!(text.contains("an order book"), "{text}");
    let text = refused(&replay("algorithmic_trading", "corrected", &file, "rule:olmar1"), 1);
    assert!(text.contains("buy_and_hold"), "{text}");
    let text = refused(&replay("algorithmic_trading", "both", &file, "rule:random"), 2);
    assert!(text.contains("--mode corrected"), "{text}");
    let mut faithful = replay("algorithmic_trading", "faithful", &file, "nothing");
    faithful.extend(["--slippage-bps", "1", "--set", "a=1"]);
    let text = refused(&faithful, 2);
    assert!(text.contains("--slippage-bps, --set"), "{text}");
    let mut named = replay("algorithmic_trading", "corrected", &file, "nothing");
    named.extend(["--features", "open,close"]);
    assert!(refused(&named, 2).contains("classic_11"));
    let mut earlier = replay("algorithmic_trading", "corrected", &file, "nothing");
    earlier.push("--earlier-release");
    assert!(refused(&earlier, 2).contains("--mode faithful"));
    assert!(refused(&["env", "check", "--env", "hft", "--data", &file], 1).contains("order book"));
}

#[test]
fn the_checker_finds_nothing_wrong_with_sound_environments_and_foresight_in_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let closes: Vec<f64> = (0..80_u32).map(|day| 100.0 + f64::from(day * 7 % 11)).collect();
    let file = bars(folder.path(), &closes);
    let check = ["env", "check", "--data", &file, "--cuts", "3", "--env"];
    for env in ["algorithmic_trading", "execution_pd", "portfolio"] {
        let report = json(&[&check[..], &[env]].concat());
        assert_eq!(report["passed"], true, "{env}: {report}");
    }
    let depth = book(folder.path(), &[100.0, 101.0, 102.0, 101.0, 103.0, 99.0, 100.0, 104.0]);
    for env in ["hft", "execution_eteo"] {
        let report = json(&["env", "check", "--env", env, "--data", &depth, "--cuts", "5"]);
        assert_eq!(report["findings"], serde_json::json!([]), "{env}");
        assert_eq!(report["causality_cuts"], 5);
    }
    let faithful = ["env", "check", "--env", "algorithmic_trading", "--mode", "faithful"];
    let output = run(&[&faithful[..], &["--data", &file, "--cuts", "16"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("FOUND causality") && text.contains("the reward"), "{text}");
    assert!(stderr(&output).contains("found wrong"), "{}", stderr(&output));
}

#[test]
fn the_list_shows_both_modes_and_every_verb_has_examples() {
    let listed = json(&["env", "ls"]);
    let rows = listed["items"].as_array().unwrap();
    assert_eq!(rows.len(), 9);
    for row in rows {
        for key in ["policies", "columns", "options"] {
            assert!(row.get(key).is_some() && row["corrected"].get(key).is_some(), "{row}");
        }
        assert!(row["corrected"]["rules"].as_array().unwrap().contains(&"random".into()));
    }
    let table = stdout(&run(&["env", "ls"]));
    for words in ["corrected", "slippage-bps", "almgren_chriss", "olmar1", "rule:NAME"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    for verb in ["replay", "check"] {
        assert!(stdout(&run(&["env", verb, "--help"])).contains("Examples:"), "{verb}");
    }
}
