//! A browser that shows the page and does what a test says; `tests/page/driver.js` is its other half.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::harness::PATIENCE;

/// Whether there is a browser; the test that asks says that it is skipped.
pub fn has_browser() -> bool {
    let has = env::var("PAGE_CHROMIUM").as_deref() != Ok("none");
    if !has {
        eprintln!("skipped: there is no Chromium here");
    }
    has
}

pub fn in_this_tree(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// Node with the packages that `tests/run` has installed.
pub fn node() -> Command {
    let prepared = env::var_os("PAGE_NODE_MODULES");
    let modules = prepared.map_or_else(|| in_this_tree("target/page/node_modules").into(), PathBuf::from);
    let mut command = Command::new("node");
    command.env("NODE_PATH", modules);
    command
}

/// A page that is shown.
pub struct Driver {
    child: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Driver {
    /// Shows what is at this address.
    #[track_caller]
    pub fn start(url: &str) -> Self {
        let mut command = node();
        command.arg(in_this_tree("tests/page/driver.js")).arg(url);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("node is installed (tests/run installs it)");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let driver = Self { commands: child.stdin.take(), child, answers };
        assert_eq!(driver.answer("the page"), json!("shown"));
        driver
    }

    /// Waits until a part of the page has these words.
    #[track_caller]
    pub fn says(&mut self, selector: &str, words: &str) {
        self.ask(&["says", selector, words]);
    }

    /// Has it carry out a command.
    #[track_caller]
    pub fn ask(&mut self, command: &[&str]) -> Value {
        let commands = self.commands.as_mut().expect("open until the end");
        writeln!(commands, "{}", json!(command)).expect("it reads");
        self.answer(&command.join(" "))
    }

    #[track_caller]
    fn answer(&self, what: &str) -> Value {
        // The browser's own deadline is PATIENCE: this one is for a browser that hangs.
        let line = self.answers.recv_timeout(2 * PATIENCE);
        let line = line.unwrap_or_else(|error| panic!("{what}: {error} (tests/run installs what it needs)"));
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert!(answer.get("error").is_none(), "{what}: {}", answer["error"]);
        answer["answer"].clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It takes its browser down with it when there are no more commands; killed, it would leave it behind.
        self.commands = None;
        let _ = self.child.wait();
    }
}
