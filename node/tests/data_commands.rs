//! `tm data` as people and scripts meet it: looking at files, their quality, rebuilding splits without a node; importing
//! and deriving with one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod command_kit;

use std::io::Write;
use std::path::{Path, PathBuf};

use command_kit::{Node, json, run, stderr, stdout, tm};
use serde_json::Value;

const PANEL: &str = "date,tic,open,high,low,close,volume\n\
    2024-01-01,A,10,12,9,11,5\n2024-01-01,B,20,22,19,21,5\n\
    2024-01-02,A,11,13,10,12,6\n\
    2024-01-03,A,12,14,11,13,7\n2024-01-03,B,21,23,20,22,6\n";
const BARS: &str = "date,open,high,low,close\n2024-01-01,1,2,1,2\n2024-01-02,1,2,1,2\n";

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn every_verb_explains_itself_with_examples() {
    for verb in ["import", "inspect", "quality", "derive", "rebuild"] {
        let output = run(&["data", verb, "--help"]);
        assert!(output.status.success(), "{verb}");
        assert!(stdout(&output).contains("Examples:"), "{verb}: {}", stdout(&output));
    }
    assert!(run(&["data", "preview", "--help"]).status.success());
}

#[test]
fn a_look_at_a_file_needs_no_node() {
    let folder = tempfile::tempdir().unwrap();
    let panel = file(folder.path(), "panel.csv", PANEL);
    let shown = run(&["data", "inspect", &panel]);
    assert!(shown.status.success(), "{}", stderr(&shown));
    assert!(stdout(&shown).contains("As it would be stored"), "{}", stdout(&shown));
    let view =
        json(&run(&["data", "inspect", &panel, "--missing", "forward_fill:2", "-o", "json"]));
    assert_eq!(
        (&view["data"]["rows"], &view["data"]["filled"]),
        (&Value::from(6), &Value::from(1))
    );
    let dry =
        json(&run(&["data", "import", &panel, "--dry-run", "--instruments", "B", "-o", "json"]));
    assert_eq!(dry["data"]["instruments"], serde_json::json!(["B"]));

    let stocks = folder.path().join("stocks");
    std::fs::create_dir(&stocks).unwrap();
    file(&stocks, "AA.csv", BARS);
    file(&stocks, "BB.csv", BARS);
    let view = json(&run(&["data", "inspect", &stocks.to_string_lossy(), "-o", "json"]));
    assert_eq!(view["data"]["instruments"], serde_json::json!(["AA", "BB"]));
}

#[test]
fn a_file_that_cannot_be_imported_is_an_error_with_its_place_and_wrong_words_are_usage() {
    let folder = tempfile::tempdir().unwrap();
    let bad = file(folder.path(), "bad.csv", &PANEL.replace("11,13,10,12", "11,13,10,-12"));
    let output = run(&["data", "inspect", &bad]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("line 4") && text.contains("close"), "{text}");
    for wrong in [
        &["--resample", "soon"][..],
        &["--missing", "interpolate"],
        &["--dialect", "excel"],
        &["--kind", "candles"],
        &["--timezone", "Moon"],
        &["--timezone", "Europe/Berlin", "--clock-change", "both"],
        &["--map", "nonsense=x"],
        &["--action", "2020-01-01:split:2"],
    ] {
        let arguments = [&["data", "inspect", bad.as_str()][..], wrong].concat();
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", stderr(&output));
    }
    let missing = run(&["data", "inspect", "/nonexistent/x.csv"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("/nonexistent/x.csv"), "{}", stderr(&missing));
}

#[test]
fn the_quality_of_a_file_and_of_its_split_is_told_without_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let panel = file(folder.path(), "panel.csv", PANEL);
    let split = "train:2024-01-02..2024-01-03,test:2024-01-01..2024-01-02";
    let report = json(&run(&["data", "quality", &panel, "--split", split, "-o", "json"]));
    let codes: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"segment_overlap") && codes.contains(&"completeness"), "{codes:?}");
    let table = stdout(&run(&["data", "quality", &panel, "--calendar", "us_equities"]));
    assert!(table.contains("SEVERITY") && table.contains("score"), "{table}");
    assert_eq!(run(&["data", "quality", &panel, "--split", "all"]).status.code(), Some(2));
}

#[test]
fn bitcoin_is_rebuilt_as_it_was_published() {
    let root = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let raw = root.join("raw/crypto/coin_Bitcoin.csv");
    if !raw.exists() {
        eprintln!("SKIPPED: {} is not there; set TM_TEST_DATA", raw.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output = tm()
        .args(["data", "rebuild", "bitcoin", "--faithful", "-o", "json", "--raw"])
        .arg(&raw)
        .arg("--out")
        .arg(&out)
        .arg("--compare")
        .arg(root.join("algorithmic_trading/BTC"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let record = json(&output);
    let compared = record["comparisons"].as_array().unwrap();
    assert_eq!(compared.len(), 4);
    for one in compared {
        assert_eq!(one["rows"], one["rows_published"], "{one}");
        let distance = |column: &str| one["distances"][column].as_f64().unwrap();
        assert!(distance("close") <= 3e-13 && distance("zd_30") <= 1e-15, "{one}");
        assert_eq!(one["empty"], 0, "{one}");
    }
    let written = std::fs::read(out.join("train.csv")).unwrap();
    assert_eq!(record["outputs"][1]["sha256"], engine::digest::sha256(&written));
    assert!(out.join("manifest.json").is_file());
    let several = tm()
        .args(["data", "rebuild", "bitcoin", "--out"])
        .arg(&out)
        .arg("--raw")
        .arg(root.join("raw/crypto"))
        .output()
        .unwrap();
    assert_eq!(several.status.code(), Some(2), "{}", stderr(&several));
}

#[test]
fn files_of_every_kind_reach_a_node_and_sets_are_derived_there() {
    let node = Node::start();
    let folder = node.folder();
    let stocks = folder.join("stocks");
    std::fs::create_dir(&stocks).unwrap();
    file(&stocks, "AA.csv", BARS);
    file(&stocks, "BB.csv", &BARS.replace("2024-01-02", "2024-01-03"));
    let joined =
        ["data", "import", &stocks.to_string_lossy(), "--missing", "forward_fill:2", "-o", "json"];
    let view = json(&node.run(&joined));
    assert_eq!(
        (&view["kind"], &view["rows"], &view["filled"]),
        (&"panel".into(), &6.into(), &2.into())
    );
    assert_eq!(view["source"], "2 files of stocks");

    let panel = file(folder, "panel.csv", PANEL);
    node.run(&["data", "import", &panel, "--name", "prices"]);
    let table = stdout(&node.run(&["data", "ls"]));
    assert!(table.contains("2 instruments") && table.contains("prices"), "{table}");
    let derived = ["data", "derive", "prices", "--name", "one", "--instruments", "B", "-o", "json"];
    assert_eq!(json(&node.run(&derived))["instrument"], "B");
    let rows = stdout(&node.run(&["data", "preview", "prices", "--rows", "2"]));
    assert!(rows.contains("INSTRUMENT") && rows.contains("5 rows"), "{rows}");
    let report = stdout(&node.run(&[
        "data",
        "quality",
        "prices",
        "--split",
        "train:2024-01-01..2024-01-02",
    ]));
    assert!(report.contains("score"), "{report}");
    let refused = node.typed(&["data", "derive", "prices", "--name", "none"], "");
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    let dry = ["data", "derive", "prices", "--instruments", "B", "--dry-run", "-o", "json"];
    assert_eq!(json(&node.run(&dry))["data"]["instruments"], serde_json::json!(["B"]));
    assert_eq!(json(&node.run(&["data", "verify", "prices", "-o", "json"]))["found"], "good");
    node.run(&["data", "rm", "one"]);
    // A pipe can be read once and tells no size.
    let piped = node.typed(&["data", "import", "/dev/stdin", "--name", "piped"], BARS);
    assert!(piped.status.success(), "{}", stderr(&piped));
    assert!(stdout(&node.run(&["data", "ls"])).contains("piped"));
}

/// More than may be sent: read here, piece by piece, and sent as a snapshot; and more than is read at all.
#[test]
fn a_large_file_is_read_here_and_a_huge_one_refused_by_its_size_alone() {
    let node = Node::start();
    let folder = node.folder();
    let path = folder.join("large.csv");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(out, "time,open,high,low,close").unwrap();
    let tail = format!("1.{}", "0".repeat(250));
    for time in 0..70_000 {
        writeln!(out, "{},{tail},{tail},{tail},{tail}", 1_600_000_000 + time * 60).unwrap();
    }
    drop(out);
    let large = path.to_string_lossy().into_owned();
    assert!(64 << 20 < std::fs::metadata(&path).unwrap().len());
    let view = json(&node.run(&["data", "import", &large, "--resample", "1h", "-o", "json"]));
    assert_eq!((&view["kind"], &view["source"]), (&"bars".into(), &"large.csv".into()), "{view}");
    assert_eq!(view["transformations"][0]["name"], "resample");
    let huge = folder.join("huge.csv");
    std::fs::File::create(&huge).unwrap().set_len(10 << 30).unwrap();
    let huge = huge.to_string_lossy().into_owned();
    for arguments in [&["data", "inspect", &huge][..], &["data", "import", &huge]] {
        let refused = node.typed(arguments, "");
        assert!(!refused.status.success());
        assert!(stderr(&refused).contains("1073741824"), "{}", stderr(&refused));
    }
}
