//! A daemon that reads its configuration again, and a client that watches it.

// Each test binary uses another part of it.
#![allow(dead_code)]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::harness::{Client, Mimikyu, Reply, Upstream};

/// A configuration file, and the daemon that reads it.
pub struct Configured {
    pub file: PathBuf,
    pub directory: tempfile::TempDir,
}

impl Configured {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { file: directory.path().join("mimikyu.toml"), directory }
    }

    /// Writes settings, and sources as `name` and where it is.
    pub fn write(&self, settings: &str, sources: &[(&str, &Upstream)]) {
        fs::write(&self.file, text(settings, sources)).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> std::process::Command {
        Mimikyu::command(&[&["serve", "--config", self.file.to_str().unwrap()], arguments].concat())
    }

    pub fn start(&self, arguments: &[&str]) -> Mimikyu {
        let mut mimikyu = Mimikyu::spawn(self.command(arguments));
        mimikyu.ready();
        mimikyu
    }
}

pub fn text(settings: &str, sources: &[(&str, &Upstream)]) -> String {
    let paces = ["poll_interval = \"50ms\"", "poll_timeout = \"250ms\"", "listen = \"127.0.0.1:0\""];
    let is_given = |key: &&&str| !settings.contains(key.split(' ').next().unwrap());
    let paces: Vec<_> = paces.iter().filter(is_given).map(|line| format!("{line}\n")).collect();
    let source = |(name, upstream): &(&str, &Upstream)| {
        format!("[[source]]\nname = \"{name}\"\nupstream = \"{}\"\n", upstream.address)
    };
    format!("{}{settings}\n{}", paces.concat(), sources.iter().map(source).collect::<String>())
}

/// Sends SIGHUP and waits for the line that has these words.
#[track_caller]
pub fn hang_up(mimikyu: &mut Mimikyu, words: &str) -> String {
    forget(mimikyu);
    mimikyu.signal("HUP");
    mimikyu.logged(words)
}

/// Forgets the log so far.
pub fn forget(mimikyu: &mut Mimikyu) {
    mimikyu.count("");
    mimikyu.log.clear();
}

#[track_caller]
pub fn reload(mimikyu: &mut Mimikyu) -> String {
    hang_up(mimikyu, "INFO configuration reloaded")
}

/// A client that asks all the while on one connection, and whether each answer may follow the one before.
pub struct Control {
    is_over: Arc<AtomicBool>,
    asking: JoinHandle<Vec<Reply>>,
}

impl Control {
    pub fn of(address: SocketAddr) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, mut client) = (is_over.clone(), Client::connect(address));
        // Before anything changes, so that it is there when the test goes on.
        client.send("config get cluster\r\n");
        let first = Reply::read(&client.answer());
        let asking = std::thread::spawn(move || {
            let mut seen = vec![first];
            let mut is_last = false;
            while !is_last {
                // Whatever was served before its end was asked for is seen, too.
                is_last = over.load(Ordering::Relaxed);
                client.send("config get cluster\r\n");
                let reply = Reply::read(&client.answer());
                if let Some(last) = seen.last().filter(|last| **last != reply) {
                    assert!(reply.version > last.version, "{reply:?} after {last:?}");
                }
                if seen.last() != Some(&reply) {
                    seen.push(reply);
                }
            }
            seen
        });
        Self { is_over, asking }
    }

    /// Every list that was seen, in order.
    pub fn end(self) -> Vec<String> {
        self.is_over.store(true, Ordering::Relaxed);
        let seen = self.asking.join().expect("no wrong answer, and no end of the connection");
        seen.iter().map(|reply| format!("{}: {}", reply.version, reply.hosts())).collect()
    }
}
