//! The command line beside a node of its own: commands as people and scripts type them.

#![allow(dead_code, reason = "each test program uses a part")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const PASSWORD: &str = "violet-umbrella-92";

pub(crate) fn tm() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tm"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TM_CREDENTIALS", "/nonexistent/credentials.json");
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    tm().args(arguments).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

/// A node without a worker, killed at the end.
pub(crate) struct Node {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Node {
    /// Returns a folder of the test's own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = env!("CARGO_BIN_EXE_tm");
        let mut child = Command::new(program)
            .args(["node", "start", "--listen", "127.0.0.1:0", "--worker", program, "--data-dir"])
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut url, mut password) = (None, None);
        while url.is_none() || password.is_none() {
            let line = lines.next().expect("the node says where it serves").unwrap();
            if let Some(rest) = line.strip_prefix("serving ") {
                url = rest.split_whitespace().next().map(str::to_owned);
            }
            if let Some(rest) = line.split("password ").nth(1) {
                password = rest.split_whitespace().next().map(str::to_owned);
            }
        }
        // A full pipe would stop the node.
        std::thread::spawn(move || lines.for_each(drop));
        let node = Self { child, url: url.unwrap(), folder };
        let generated = password.unwrap();
        let login = node.typed(&["login", "--user", "admin"], &format!("{generated}\n"));
        assert!(login.status.success(), "{}", stderr(&login));
        let change = node.typed(&["passwd"], &format!("{generated}\n{PASSWORD}\n"));
        assert!(change.status.success(), "{}", stderr(&change));
        let login = node.typed(&["login", "--user", "admin"], &format!("{PASSWORD}\n"));
        assert!(login.status.success(), "{}", stderr(&login));
        node
    }

    pub(crate) fn typed(&self, arguments: &[&str], text: &str) -> Output {
        let mut child = tm()
            .env("TM_URL", &self.url)
            .env("TM_CREDENTIALS", self.folder.path().join("credentials.json"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = self.typed(arguments, "");
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        output
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
