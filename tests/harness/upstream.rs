//! A configuration endpoint that does what a test says, the wrong things too.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::until;

/// What it does with a question.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Answers `config get cluster` with this version and these hosts.
    List(u64, String),
    /// The same, a byte a segment.
    Split(u64, String),
    /// Answers like a plain memcached with the payload under the legacy key.
    Legacy(u64, String),
    /// Answers these bytes to anything but `version` and `stats`, and keeps the connection open.
    Bytes(String),
    /// Answers these bytes, then closes.
    Cut(String),
    /// Accepts, reads, and never answers.
    Hangs,
    /// Resets the connection.
    Resets,
}

/// A scripted upstream on a free port of 127.0.0.1.
pub struct Upstream {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    stats: Mutex<String>,
    version: Mutex<String>,
    questions: Mutex<Vec<String>>,
    connections: AtomicUsize,
    stopped: AtomicBool,
}

impl Upstream {
    pub fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            stats: Mutex::new("STAT version 1.6.18\r\nEND\r\n".into()),
            version: Mutex::new("VERSION 1.6.18\r\n".into()),
            questions: Mutex::default(),
            connections: AtomicUsize::default(),
            stopped: AtomicBool::default(),
        });
        let upstream = Self { address, shared };
        upstream.accept(listener);
        upstream
    }

    fn accept(&self, listener: TcpListener) {
        let accepting = self.shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = accepting.clone();
                std::thread::spawn(move || shared.converse(stream));
            }
        });
    }

    /// From now on who connects is refused.
    pub fn kill(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        until("the port to be closed", || TcpStream::connect(self.address).is_err().then_some(()));
    }

    /// It is back, on the same port.
    pub fn revive(&self) {
        let listener = until("the port to be free", || TcpListener::bind(self.address).ok());
        self.shared.stopped.store(false, Ordering::SeqCst);
        self.accept(listener);
    }

    /// One that answers a list.
    pub fn list(version: u64, hosts: &str) -> Self {
        Self::start(Behaviour::List(version, hosts.into()))
    }

    /// Changes what it does from the next question on.
    pub fn set(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().expect("no panic") = behaviour;
    }

    pub fn set_list(&self, version: u64, hosts: &str) {
        self.set(Behaviour::List(version, hosts.into()));
    }

    /// What it answers to `stats`.
    pub fn set_stats(&self, answer: &str) {
        *self.shared.stats.lock().expect("no panic") = answer.into();
    }

    /// What it answers to `version`.
    pub fn set_version(&self, answer: &str) {
        *self.shared.version.lock().expect("no panic") = answer.into();
    }

    /// Every line it was asked, so far.
    pub fn questions(&self) -> Vec<String> {
        self.shared.questions.lock().expect("no panic").clone()
    }

    /// How often it was asked this.
    pub fn asked(&self, question: &str) -> usize {
        self.questions().iter().filter(|asked| *asked == question).count()
    }

    /// Connections that it holds.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// The payload of a list of hosts, the way ElastiCache writes it.
pub fn payload(version: u64, hosts: &str) -> String {
    let nodes: Vec<_> = hosts
        .split_whitespace()
        .map(|host| if host.contains('|') { host.into() } else { format!("{host}|10.0.0.1|11211") })
        .collect();
    format!("{version}\n{}\n", nodes.join(" "))
}

impl Shared {
    fn converse(&self, stream: TcpStream) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let mut lines = BufReader::new(&stream);
        let mut line = String::new();
        while matches!(lines.read_line(&mut line), Ok(1..)) {
            let question = line.trim_end().to_string();
            self.questions.lock().expect("no panic").push(question.clone());
            line.clear();
            if !self.answer(&stream, &question) {
                break;
            }
        }
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether the connection stays open.
    fn answer(&self, mut stream: &TcpStream, question: &str) -> bool {
        let behaviour = self.behaviour.lock().expect("no panic").clone();
        let config = |version, hosts: &str| {
            let payload = payload(version, hosts);
            format!("CONFIG cluster 0 {}\r\n{payload}\r\nEND\r\n", payload.len())
        };
        let stats = question.starts_with("stats");
        let answer = match behaviour {
            Behaviour::Hangs => return true,
            Behaviour::Resets => {
                let socket = socket2::SockRef::from(stream);
                let _ = socket.set_linger(Some(Duration::ZERO));
                return false;
            }
            Behaviour::Cut(bytes) => {
                let _ = stream.write_all(bytes.as_bytes());
                let _ = stream.shutdown(Shutdown::Write);
                return false;
            }
            _ if stats => self.stats.lock().expect("no panic").clone(),
            _ if question == "version" => self.version.lock().expect("no panic").clone(),
            Behaviour::Bytes(bytes) => bytes,
            Behaviour::List(version, hosts) => config(version, &hosts),
            Behaviour::Split(version, hosts) => {
                let _ = stream.set_nodelay(true);
                return config(version, &hosts).bytes().all(|byte| stream.write_all(&[byte]).is_ok());
            }
            Behaviour::Legacy(version, hosts) if question == "get AmazonElastiCache:cluster" => {
                let payload = payload(version, &hosts);
                format!("VALUE AmazonElastiCache:cluster 0 {}\r\n{payload}\r\nEND\r\n", payload.len())
            }
            Behaviour::Legacy(..) => "ERROR\r\n".into(),
        };
        stream.write_all(answer.as_bytes()).is_ok()
    }
}
