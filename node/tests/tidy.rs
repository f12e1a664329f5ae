//! The rules of the house that a machine can hold: who imports whom, lengths, heads of files, generated files.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Most code lines of a file, without tests.
const FILE_LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir()
            && !matches!(
                name.as_str(),
                "target"
                    | "node_modules"
                    | "dist"
                    | ".git"
                    | "generated"
                    | "artifacts"
                    | ".libtorch"
                    | ".downloads"
                    | "data"
            )
        {
            walk(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    found.sort();
    found
}

fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Code lines before the first inline test module.
fn code_lines(text: &str) -> usize {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .filter(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with("//")
        })
        .count()
}

#[test]
fn no_file_is_longer_than_the_limit() {
    let mut long = Vec::new();
    for path in files("", ".rs")
        .into_iter()
        .chain(files("webui/src", ".ts"))
        .chain(files("webui/src", ".tsx"))
    {
        let lines = code_lines(&fs::read_to_string(&path).unwrap());
        if FILE_LINES_MAX < lines {
            long.push(format!("{lines} {}", short(&path)));
        }
    }
    assert!(long.is_empty(), "cut these: {long:#?}");
}

#[test]
fn every_rust_file_says_what_it_is() {
    let silent: Vec<_> = files("", ".rs")
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            !text.trim_start_matches("#!/usr/bin/env run\n").starts_with("//!")
                && !short(path).ends_with("build.rs")
        })
        .map(|path| short(&path))
        .collect();
    assert!(silent.is_empty(), "these files do not begin with //!: {silent:#?}");
}

#[test]
fn nothing_is_left_unfinished() {
    // Put together at run time, so that this file does not find itself.
    let marks = [
        "todo".to_owned() + "!(",
        "unimplemented".to_owned() + "!(",
        "FIX".to_owned() + "ME",
        "X".repeat(3) + ":",
    ];
    let mut found = Vec::new();
    for path in files("", ".rs")
        .into_iter()
        .chain(files("webui/src", ".ts"))
        .chain(files("webui/src", ".tsx"))
    {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                found.push(format!("{}:{} {}", short(&path), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Packages a manifest depends on, development excluded.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(manifest)).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    table
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn packages_import_only_what_the_design_allows() {
    let ours = ["engine", "trainer", "store", "cluster", "actors", "gateway", "ui"];
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("engine/core/Cargo.toml", &[][..]),
        ("engine/trainer/Cargo.toml", &["engine", "store"][..]),
        ("actors/store/Cargo.toml", &[][..]),
        ("actors/cluster/Cargo.toml", &["store"][..]),
        ("actors/runtime/Cargo.toml", &["engine", "store", "cluster"][..]),
        ("gateway/api/Cargo.toml", &["engine", "actors"][..]),
        ("gateway/ui/Cargo.toml", &[][..]),
        ("node/Cargo.toml", &["engine", "actors", "gateway", "ui", "cluster"][..]),
    ]);
    for (manifest, allowed) in allowed {
        let used: Vec<_> = dependencies(manifest)
            .into_iter()
            .filter(|name| ours.contains(&name.as_str()))
            .collect();
        let wrong: Vec<_> = used.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
        assert!(wrong.is_empty(), "{manifest} may not use {wrong:?}");
    }
}

#[test]
fn heavy_packages_stay_where_they_belong() {
    let only: &[(&str, &[&str])] = &[
        ("sled", &["actors/store"]),
        ("tch", &["engine/trainer"]),
        ("warp", &["gateway/api"]),
        ("ractor", &["actors/cluster", "actors/runtime"]),
        ("openraft", &["actors/cluster"]),
    ];
    for folder in [
        "engine/core",
        "engine/trainer",
        "actors/store",
        "actors/cluster",
        "actors/runtime",
        "gateway/api",
        "gateway/ui",
        "node",
    ] {
        let used = dependencies(&format!("{folder}/Cargo.toml"));
        for (package, homes) in only {
            let here = used.iter().any(|name| name == package);
            assert!(
                !here || homes.contains(&folder),
                "{folder} may not use {package}; only {homes:?} may"
            );
        }
    }
    let engine = dependencies("engine/core/Cargo.toml");
    for package in ["tokio", "tracing", "rustix", "sysinfo", "reqwest"] {
        assert!(
            !engine.iter().any(|name| name == package),
            "the engine is pure and may not use {package}"
        );
    }
}

#[test]
fn the_engine_touches_neither_files_nor_clocks_nor_threads() {
    let banned = [
        "std::fs",
        "std::net",
        "std::thread",
        "std::env",
        "SystemTime",
        "Instant",
        "HashMap",
        "HashSet",
    ];
    let mut found = Vec::new();
    for path in files("engine/core/src", ".rs") {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        for (number, line) in code.enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            if banned.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{} {}", short(&path), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// `engine` modules in import order: each may use what stands before it.
const ENGINE_ORDER: [&str; 18] = [
    "ids",
    "num",
    "clock",
    "rng",
    "error",
    "config",
    "market",
    "labelling",
    "features",
    "orders",
    "portfolio",
    "risk",
    "matching",
    "metrics",
    "environment",
    "policies",
    "evaluation",
    "session",
];

#[test]
fn engine_modules_import_only_what_stands_before_them() {
    let rank = |name: &str| ENGINE_ORDER.iter().position(|module| *module == name);
    let mut found = Vec::new();
    for path in files("engine/core/src", ".rs") {
        let inside = path.strip_prefix(root().join("engine/core/src")).unwrap();
        let module =
            inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        let Some(own) = rank(&module) else { continue };
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")) {
            let Some(rest) =
                line.trim().split("crate::").nth(1).filter(|_| !line.trim().starts_with("//"))
            else {
                continue;
            };
            let used: String = rest
                .chars()
                .take_while(|letter| letter.is_ascii_lowercase() || *letter == '_')
                .collect();
            if rank(&used).is_some_and(|used| own < used) {
                found.push(format!("{}: {}", short(&path), line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn unsafe_code_stands_only_where_it_is_listed() {
    let listed = ["engine/trainer/src/device.rs"];
    let word = "unsafe".to_owned() + " {";
    let found: Vec<_> = files("", ".rs")
        .into_iter()
        .filter(|path| fs::read_to_string(path).unwrap().contains(&word))
        .map(|path| short(&path))
        .filter(|path| !listed.contains(&path.as_str()))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_documented_supervision_table_is_the_one_in_force() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let begin = page
        .find("<!-- supervision:begin -->")
        .expect("docs/architecture.md marks where the table begins");
    let end = page
        .find("<!-- supervision:end -->")
        .expect("docs/architecture.md marks where the table ends");
    let wanted = actors::tree::markdown();
    let found = page[begin..end].trim_start_matches("<!-- supervision:begin -->").trim();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        let fresh = format!(
            "{}<!-- supervision:begin -->\n{}\n{}",
            &page[..begin],
            wanted.trim(),
            &page[end..]
        );
        fs::write(root().join("docs/architecture.md"), fresh).unwrap();
        return;
    }
    assert_eq!(found, wanted.trim(), "run `make generate`");
}
