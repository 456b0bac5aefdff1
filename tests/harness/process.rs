//! The built binary and real memcached, as processes.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use super::{Client, PATIENCE, Reply, until};

/// A running mimikyu, and what it has written to its log.
pub struct Mimikyu {
    child: Child,
    lines: Receiver<String>,
    /// The log so far, as far as a test has waited for it.
    pub log: Vec<String>,
    /// Where it listens; known once it is ready.
    pub address: SocketAddr,
}

impl Mimikyu {
    /// The binary with these arguments, not yet started.
    pub fn command(arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mimikyu"));
        command.args(arguments).env("NO_COLOR", "1").env_remove("RUST_LOG");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MIMIKYU_")) {
            command.env_remove(name);
        }
        // Many run at once; a test that wants the admin address says which.
        command.env("MIMIKYU_ADMIN", "none");
        command
    }

    /// Starts it on a free port of 127.0.0.1, and waits until clients may come.
    pub fn start(arguments: &[&str]) -> Self {
        let listen = if arguments.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] };
        let mut mimikyu = Self::spawn(Self::command(&[&["serve"], listen, arguments].concat()));
        mimikyu.ready();
        mimikyu
    }

    /// Starts it without waiting.
    pub fn spawn(command: Command) -> Self {
        Self::spawn_with(command, Stdio::null())
    }

    /// The same with something to read on descriptor 0.
    pub fn spawn_with(mut command: Command, stdin: Stdio) -> Self {
        let command = command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines, log: Vec::new(), address: (Ipv4Addr::LOCALHOST, 0).into() }
    }

    /// Waits for the ready line, and learns the address from it.
    pub fn ready(&mut self) -> String {
        let line = self.logged("ready");
        self.address =
            field(&line, "listen").split(',').next().and_then(|text| text.parse().ok()).expect("an address");
        line
    }

    /// Waits for a line of the log that has all these words in it, also if it was written before.
    #[track_caller]
    pub fn logged(&mut self, words: &str) -> String {
        let has = |line: &String| words.split(' ').all(|word| line.contains(word));
        if let Some(line) = self.log.iter().find(|line| has(line)) {
            return line.clone();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.log.push(line.clone());
                    if has(&line) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no line with {words:?} in the log:\n{}", self.log.join("\n"));
                }
            }
        }
    }

    /// How many lines of the log so far have all these words.
    pub fn count(&mut self, words: &str) -> usize {
        self.log.extend(self.lines.try_iter());
        self.log.iter().filter(|line| words.split(' ').all(|word| line.contains(word))).count()
    }

    /// A new connection.
    #[track_caller]
    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// What a client gets for one request on a connection of its own.
    #[track_caller]
    pub fn ask(&self, request: &str) -> String {
        let mut client = self.client();
        client.send(request);
        client.finish();
        client.rest()
    }

    /// The list that is served, read strictly.
    #[track_caller]
    pub fn list(&self) -> Reply {
        Reply::read(&self.ask("config get cluster\r\n"))
    }

    /// Waits until the hosts of the list are these.
    #[track_caller]
    pub fn until_hosts(&self, hosts: &str) -> Reply {
        let mut last = String::new();
        until(&format!("the hosts {hosts:?}"), || {
            last = self.ask("config get cluster\r\n");
            (last.starts_with("CONFIG")).then(|| Reply::read(&last)).filter(|reply| reply.hosts() == hosts)
        })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().expect("kill").success());
    }

    /// Waits for its end.
    #[track_caller]
    pub fn exit(&mut self) -> ExitStatus {
        let status = until("the process to end", || self.child.try_wait().expect("our child"));
        self.log.extend(self.lines.iter());
        status
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our child").is_none()
    }

    /// Descriptors that it has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).map_or(0, Iterator::count)
    }
}

impl Drop for Mimikyu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "--- log of mimikyu\n{}",
                self.log.iter().cloned().chain(self.lines.iter()).collect::<Vec<_>>().join("\n")
            );
        }
    }
}

/// The value of a field of a log line.
pub fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let start =
        line.find(&format!("{name}=")).unwrap_or_else(|| panic!("no {name} in {line:?}")) + name.len() + 1;
    line[start..].split(' ').next().unwrap_or_default().trim_matches('"')
}

/// A real memcached on a free port.
pub struct Memcached {
    child: Child,
    pub address: SocketAddr,
    number: u8,
}

impl Memcached {
    pub fn start() -> Self {
        static STARTED: AtomicU8 = AtomicU8::new(0);
        // It may wrap: a port is free on 127.0.0.1 for one memcached at a time anyway.
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        // Another process may take a port between its choice and its use: then this tries the next.
        for _ in 0..20 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .and_then(|socket| socket.local_addr())
                .expect("a port");
            let port = free.port().to_string();
            let mut command = Command::new("memcached");
            let addresses = format!("127.0.0.1,127.0.1.{number},127.0.2.{number}");
            command.args(["-u", "root", "-l", &addresses, "-m", "16", "-U", "0", "-p", &port]);
            let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
            let mut child = child.expect("memcached is installed (tests/run installs it)");
            let serves =
                until("memcached to listen or to end", || match child.try_wait().expect("our child") {
                    Some(_) => Some(false),
                    None => TcpStream::connect(free).is_ok().then_some(true),
                });
            if serves {
                return Self { child, address: free, number };
            }
        }
        panic!("memcached found no free port in 20 tries");
    }

    /// It in the host field of a list: no other node has this host, as in the real world, where each
    /// has a machine of its own.
    pub fn by_host(&self) -> String {
        format!("127.0.1.{}", self.number)
    }

    /// It in the ip field of a list: it listens there too, so that one sees which field a client uses.
    pub fn by_ip(&self) -> String {
        format!("127.0.2.{}", self.number)
    }

    /// The payload of nodes that really run.
    pub fn list(version: u64, nodes: &[&Self]) -> String {
        let nodes: Vec<_> = nodes
            .iter()
            .map(|node| format!("{}|{}|{}", node.by_host(), node.by_ip(), node.address.port()))
            .collect();
        format!("{version}\n{}\n", nodes.join(" "))
    }

    /// What it answers to a request.
    #[track_caller]
    pub fn ask(&self, request: &str) -> String {
        let mut client = Client::connect(self.address);
        client.send(request);
        client.send("quit\r\n");
        client.rest()
    }

    /// Makes it an upstream: the payload under the key that engines before 1.4.14 use.
    #[track_caller]
    pub fn publish(&self, payload: &str) {
        let set = format!("set AmazonElastiCache:cluster 0 0 {}\r\n{payload}\r\n", payload.len());
        assert_eq!(self.ask(&set), "STORED\r\n");
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end: its exit code and what it wrote to standard error.
pub fn run(command: Command) -> (Option<i32>, String) {
    run_with(command, Stdio::null())
}

/// The same with something to read on descriptor 0.
pub fn run_with(mut command: Command, stdin: Stdio) -> (Option<i32>, String) {
    let mut child =
        command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stderr = child.stderr.take().expect("piped");
    let written = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text).expect("text")
    });
    let status = until("the process to end", || child.try_wait().expect("our child"));
    (status.code(), written.join().expect("no panic"))
}
