//! A driver: a small program in the library's own language, which does what a test says.
//!
//! What the two say to each other is written in `tests/clients/conversation.py`.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::harness::PATIENCE;

/// What a library needs to run; `tests/run` prepares it.
#[derive(Debug, Clone, Copy)]
pub enum Home {
    Python,
    /// The environment of the library that installs itself as `pymemcache`.
    PythonOwnPymemcache,
    Node,
}

impl Home {
    /// The command for a driver of this name.
    fn command(self, name: &str) -> Command {
        let prepared = |variable, default| {
            std::env::var_os(variable).map_or_else(|| PathBuf::from(in_this_tree(default)), PathBuf::from)
        };
        let script = |extension| in_this_tree(&format!("tests/clients/with_{name}.{extension}"));
        let python = |variable, default| {
            let mut command = Command::new(prepared(variable, default));
            // Old libraries name what Python will lose one day.
            command.args(["-W", "ignore::DeprecationWarning"]).arg(script("py"));
            command.env("PYTHONDONTWRITEBYTECODE", "1");
            command
        };
        match self {
            Self::Python => python("CLIENTS_PYTHON", "target/clients/python/bin/python"),
            Self::PythonOwnPymemcache => {
                python("CLIENTS_PYTHON_OWN_PYMEMCACHE", "target/clients/python-own-pymemcache/bin/python")
            }
            Self::Node => {
                let mut command = Command::new("node");
                command
                    .env("NODE_PATH", prepared("CLIENTS_NODE_MODULES", "target/clients/node/node_modules"));
                command.arg(script("js"));
                command
            }
        }
    }
}

pub fn in_this_tree(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// A running driver.
pub struct Driver {
    child: Child,
    commands: ChildStdin,
    answers: Receiver<String>,
    log: PathBuf,
    /// The version of the library, as it says itself.
    pub version: String,
}

impl Driver {
    /// Starts it; it is ready when the library has discovered its nodes for the first time.
    pub fn start(home: Home, name: &str, endpoint: SocketAddr) -> Result<Self, String> {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("with_{name}.log"));
        let mut command = home.command(name);
        command.args([endpoint.ip().to_string(), endpoint.port().to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(std::fs::File::create(&log).expect("a place for the log"));
        let mut child =
            command.spawn().map_err(|error| format!("{command:?}: {error} (tests/run installs it)"))?;
        let commands = child.stdin.take().expect("piped");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut driver = Self { child, commands, answers, log, version: String::new() };
        let hello = driver.answer("discover at first")?;
        driver.version = hello["version"].as_str().unwrap_or_default().into();
        Ok(driver)
    }

    /// The library's nodes, sorted.
    pub fn nodes(&mut self) -> Result<Vec<String>, String> {
        let answer = self.ask("nodes")?;
        let nodes = answer["nodes"].as_array().ok_or_else(|| format!("no nodes in {answer}"))?;
        let mut nodes: Vec<_> = nodes.iter().map(|node| node.as_str().unwrap_or("?").to_string()).collect();
        nodes.sort_unstable();
        Ok(nodes)
    }

    /// Has it carry out a command.
    pub fn ask(&mut self, command: &str) -> Result<Value, String> {
        writeln!(self.commands, "{command}").map_err(|error| self.told(&format!("{command}: {error}")))?;
        self.answer(command)
    }

    fn answer(&mut self, command: &str) -> Result<Value, String> {
        let line = self.answers.recv_timeout(PATIENCE);
        let line = line.map_err(|error| self.told(&format!("{command}: {error}")))?;
        let answer: Value =
            serde_json::from_str(&line).map_err(|error| self.told(&format!("{command}: {error}: {line}")))?;
        match answer.get("error") {
            Some(error) => Err(self.told(&format!("{command}: {error}"))),
            None => Ok(answer),
        }
    }

    /// The sentence, and what the library has logged.
    fn told(&self, sentence: &str) -> String {
        format!("{sentence}\n{}", std::fs::read_to_string(&self.log).unwrap_or_default())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
