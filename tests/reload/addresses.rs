//! Several addresses that are new in one reload: all of them are listened on, or none.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use super::configured::{Configured, forget, hang_up, reload};
use super::harness::process::field;
use super::harness::{Client, Mimikyu, Reply, until};

/// A file that listens there.
fn write(configured: &Configured, listen: &[&str]) {
    let source = "[[source]]\nname = \"s\"\nstatic = [\"n1:1\"]\n";
    fs::write(&configured.file, format!("workers = 2\nlisten = {listen:?}\n{source}")).unwrap();
}

#[track_caller]
fn is_served(address: SocketAddr) {
    let mut client = Client::connect(address);
    client.send("config get cluster\r\n");
    assert_eq!(Reply::read(&client.answer()).hosts(), "n1");
}

fn listens(line: &str) -> Vec<SocketAddr> {
    field(line, "listen").split(',').map(|text| text.parse().unwrap()).collect()
}

fn descriptors(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

#[test]
fn one_of_several_new_addresses_that_is_taken_keeps_the_others_from_being_bound() {
    let configured = Configured::new();
    write(&configured, &["127.0.0.1:0"]);
    let mut mimikyu = configured.start(&[]);
    let before = descriptors(mimikyu.id());
    let taken = TcpListener::bind("127.0.0.9:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for listen in [
        ["127.0.0.1:0", "127.0.0.10:0", "127.0.0.11:0", &taken],
        ["127.0.0.1:0", &taken, "127.0.0.10:0", "127.0.0.11:0"],
        // Nor does the one that would go.
        ["127.0.0.10:0", "127.0.0.11:0", &taken, "127.0.0.12:0"],
    ] {
        write(&configured, &listen);
        let line = hang_up(&mut mimikyu, "ERROR reload refused:");
        assert!(line.contains("another process has the port") && line.contains(&taken), "{line}");
        is_served(mimikyu.address);
        until("the descriptors to be given back", || (descriptors(mimikyu.id()) == before).then_some(()));
    }
    write(&configured, &["127.0.0.1:0", "127.0.0.10:0", "127.0.0.11:0"]);
    let listens = listens(&reload(&mut mimikyu));
    assert_eq!((listens.len(), listens[0]), (3, mimikyu.address));
    listens.into_iter().for_each(is_served);
}

/// The process that strace looks at, which would outlive it where a test fails.
struct Traced(u32);

impl Traced {
    /// Whether there was such a process.
    fn signal(&self, name: &str) -> bool {
        Command::new("kill").args(["-s", name, &self.0.to_string()]).status().unwrap().success()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.signal("KILL");
        }
    }
}

/// Somebody else may listen on an address between our bind and our listen. strace has that happen: it lets the fourth
/// listen fail, the first two being those of the start.
#[test]
fn one_of_several_new_addresses_that_can_not_be_listened_on_keeps_the_others_from_being_served() {
    let configured = Configured::new();
    write(&configured, &["127.0.0.1:0"]);
    let binary = configured.command(&[]);
    let mut command = Command::new("strace");
    command.args(["-f", "-e", "trace=listen", "-e", "inject=listen:error=EADDRINUSE:when=4", "-o"]);
    command.arg(configured.directory.path().join("trace")).arg(binary.get_program());
    command.args(binary.get_args()).env("NO_COLOR", "1").env("MIMIKYU_ADMIN", "none").env_remove("RUST_LOG");
    let mut mimikyu = Mimikyu::spawn(command);
    mimikyu.ready();
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", mimikyu.id())).unwrap();
    let traced = Traced(children.trim().parse().unwrap());
    let before = descriptors(traced.0);
    write(&configured, &["127.0.0.1:0", "127.0.0.10:0", "127.0.0.11:0"]);
    traced.signal("HUP");
    let line = mimikyu.logged("ERROR reload refused: can't listen another process has the port");
    assert!(line.contains("127.0.0.11:"), "the second of them: {line}");
    is_served(mimikyu.address);
    until("the descriptors to be given back", || (descriptors(traced.0) == before).then_some(()));
    forget(&mut mimikyu);
    traced.signal("HUP");
    let listens = listens(&mimikyu.logged("INFO configuration reloaded"));
    assert_eq!((listens.len(), listens[0]), (3, mimikyu.address));
    listens.into_iter().for_each(is_served);
    traced.signal("TERM");
    assert_eq!(mimikyu.exit().code(), Some(0));
}
