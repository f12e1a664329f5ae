//! `tm strategy` as people and scripts meet it, with a node.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod command_kit;

use command_kit::{Node, json, stderr, stdout};

fn share(node: &Node, name: &str) -> f64 {
    let seal = json(&node.run(&["strategy", "seal", name, "-o", "json"]));
    seal["share"].as_f64().unwrap()
}

#[test]
fn a_seal_is_offered_to_new_strategies_and_stays_as_it_is_with_new_versions() {
    let node = Node::start();
    let create = |name: &str, rest: &[&str]| {
        node.run(&[&["strategy", "create", name, "--algorithm", "dqn"], rest].concat())
    };
    create("offered", &[]);
    assert!((share(&node, "offered") - 0.15).abs() < 1e-12);
    create("open", &["--set", "seal.share=0"]);
    create("open", &["--new-version", "--set", "agent.gamma=0.95"]);
    assert!(share(&node, "open").abs() < 1e-12);
    create("strict", &["--set", "seal.share=0.3"]);
    create("strict", &["--new-version", "--set", "agent.gamma=0.95"]);
    assert!((share(&node, "strict") - 0.3).abs() < 1e-12);
    // A file that names a share means it; one that names none leaves it.
    let file = node.folder().join("strategy.json");
    let shown = json(&node.run(&["strategy", "show", "strict", "-o", "json"]));
    let mut config = shown["config"].clone();
    assert!(config.is_object(), "{shown}");
    config.as_object_mut().unwrap().remove("seal");
    std::fs::write(&file, config.to_string()).unwrap();
    let path = file.to_string_lossy().into_owned();
    node.run(&["strategy", "create", "strict", "--new-version", "--file", &path]);
    assert!((share(&node, "strict") - 0.3).abs() < 1e-12);
    config["seal"]["share"] = serde_json::json!(0.1);
    std::fs::write(&file, config.to_string()).unwrap();
    let less = ["strategy", "create", "strict", "--new-version", "--file", &path];
    let refused = node.typed(&less, "");
    assert!(!refused.status.success() && stderr(&refused).contains("seal"), "{}", stderr(&refused));
    assert!(stdout(&node.run(&["strategy", "seal", "strict"])).contains("30 %"));
}
