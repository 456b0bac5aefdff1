//! A new process takes over from a running one, and no client notices.

#[path = "takeover/first_moments.rs"]
mod first_moments;
mod harness;
#[path = "takeover/listening.rs"]
mod listening;
#[path = "takeover/reloaded.rs"]
mod reloaded;
#[path = "takeover/signals.rs"]
mod signals;
#[path = "takeover/strangers.rs"]
mod strangers;

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use harness::process::run;
use harness::{Behaviour, Mimikyu, PATIENCE, Reply, Upstream, until};

const FAST: [&str; 4] = ["--poll-interval", "50ms", "--poll-timeout", "250ms"];
const ASK: &str = "config get cluster\r\n";

/// Where a daemon is taken over, in a directory of its own.
struct Place {
    directory: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("takeover");
        Self { directory, path }
    }

    /// A daemon that takes over here, if there is one to be taken over.
    fn start(&self, arguments: &[&str]) -> Mimikyu {
        let takeover = ["--takeover", self.path.to_str().unwrap()];
        Mimikyu::start(&[&takeover, &FAST[..], arguments].concat())
    }

    /// A connection to the daemon's door.
    fn knock(&self) -> UnixStream {
        let stream = until("the door to open", || UnixStream::connect(&self.path).ok());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Waits until no more than the door is left beside what a test made.
    fn is_tidy(&self) -> bool {
        let names = fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
        !names.into_iter().any(|name| name.to_str().unwrap().starts_with("takeover."))
    }
}

/// What clients saw.
#[derive(Default)]
struct Seen {
    answers: AtomicUsize,
    ended: AtomicUsize,
    faults: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Seen {
    fn fault(&self, what: String) {
        self.faults.lock().unwrap().push(what);
    }

    /// Connects, asks, reads, closes, again and again.
    fn churn(&self, address: SocketAddr) {
        let mut version = 0;
        while !self.stop.load(Ordering::Relaxed) {
            match ask(address) {
                Ok((_, reply)) => {
                    if reply.version < version || !is_right(&reply) {
                        self.fault(format!("after version {version}: {reply:?}"));
                    }
                    version = reply.version;
                    self.answers.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => self.fault(error),
            }
        }
    }

    /// Connects, asks once, and waits for the other side to end it, which must be an orderly end.
    fn wait_long(&self, address: SocketAddr) {
        while !self.stop.load(Ordering::Relaxed) {
            match ask(address) {
                Ok((mut stream, reply)) => {
                    if !is_right(&reply) {
                        self.fault(format!("{reply:?}"));
                    }
                    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
                    let end = loop {
                        match stream.read(&mut [0; 64]) {
                            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                                if self.stop.load(Ordering::Relaxed) {
                                    return;
                                }
                            }
                            end => break end,
                        }
                    };
                    if !matches!(end, Ok(0)) {
                        self.fault(format!("a long one ended with {end:?}"));
                    }
                    self.ended.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => self.fault(error),
            }
        }
    }
}

/// One question on a new connection, which stays open.
fn ask(address: SocketAddr) -> Result<(TcpStream, Reply), String> {
    let mut stream = TcpStream::connect(address).map_err(|error| format!("connect: {error}"))?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(ASK.as_bytes()).map_err(|error| format!("send: {error}"))?;
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"END\r\n") {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).map_err(|error| format!("read: {error}"))? {
            0 => return Err(format!("closed after {} bytes", bytes.len())),
            length => bytes.extend_from_slice(&piece[..length]),
        }
    }
    Ok((stream, Reply::read(&String::from_utf8(bytes).unwrap())))
}

/// In these tests a version is a million more than the number in its list's only host.
fn is_right(reply: &Reply) -> bool {
    reply.hosts() == format!("n{}", reply.version - 1_000_000)
}

#[test]
fn twenty_takeovers_under_load_lose_no_client() {
    let place = Place::new();
    let upstream = Upstream::list(1, "n1");
    let source = format!("alpha={}", upstream.address);
    let state = place.directory.path().join("state");
    let arguments = ["--upstream", &source, "--state", state.to_str().unwrap()];
    let mut running = place.start(&[&arguments[..], &["--workers", "2"]].concat());
    let address = running.address;
    let listen = address.to_string();
    let seen = Seen::default();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| seen.churn(address));
        }
        for _ in 0..2 {
            scope.spawn(|| seen.wait_long(address));
        }
        // However this ends, the clients must.
        let stop = StopOnDrop(&seen);
        for round in 0..20 {
            upstream.set_list(round + 2, &format!("n{}", round + 2));
            let workers = ["1", "2", "3"][round as usize % 3];
            let more = ["--listen", &listen, "--workers", workers];
            let next = place.start(&[&arguments[..], &more].concat());
            let mut before = std::mem::replace(&mut running, next);
            assert!(before.exit().success());
            before.logged("taken over: answering");
            running.logged("taken over from the running daemon");
            assert_eq!(running.count("another process has the state file"), 0);
            let answered = seen.answers.load(Ordering::Relaxed);
            until("answers of the next one", || {
                (seen.answers.load(Ordering::Relaxed) > answered + 10).then_some(())
            });
        }
        running.until_hosts("n21");
        drop(stop);
    });
    assert_eq!(*seen.faults.lock().unwrap(), [""; 0]);
    let answers = seen.answers.load(Ordering::Relaxed);
    let ended = seen.ended.load(Ordering::Relaxed);
    eprintln!("{answers} answers, {ended} idle connections ended in order");
    assert!(answers > 200 && ended >= 20);
    until("the state on the disk", || {
        fs::read_to_string(&state).ok().filter(|text| text.contains("1000021"))
    });
    assert!(place.is_tidy());
}

struct StopOnDrop<'a>(&'a Seen);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

#[test]
fn list_and_version_go_on_without_a_state_file_and_without_the_upstream() {
    let place = Place::new();
    let upstream = Upstream::list(7, "a b");
    let source = format!("alpha={}", upstream.address);
    let mut old = place.start(&["--upstream", &source]);
    let before = old.list();
    upstream.set(Behaviour::Resets);
    let new = place.start(&["--listen", &old.address.to_string(), "--upstream", &source]);
    assert!(old.exit().success());
    assert_eq!((new.address, new.list()), (old.address, before));
}

#[test]
fn one_that_dies_before_it_is_ready_leaves_the_old_one_as_it_was() {
    let place = Place::new();
    let upstream = Upstream::list(1, "n1");
    let source = format!("alpha={}", upstream.address);
    let state = place.directory.path().join("state");
    let mut old = place.start(&["--upstream", &source, "--state", state.to_str().unwrap()]);
    for round in 2..4 {
        let mut stream = place.knock();
        stream.write_all(b"mimikyu-takeover 1\n").unwrap();
        let mut header = String::new();
        BufReader::new(&stream).read_line(&mut header).unwrap();
        assert!(header.contains("\"sockets\":"), "{header}");
        assert_eq!(old.list().hosts(), format!("n{}", round - 1), "it serves meanwhile");
        upstream.set_list(round, &format!("n{round}"));
        drop(stream);
        old.until_hosts(&format!("n{round}"));
        let version = (1_000_000 + round).to_string();
        until("the state on the disk", || {
            fs::read_to_string(&state).ok().filter(|text| text.contains(&version))
        });
    }
    old.logged("left before it was ready");
    let next = place.start(&["--listen", &old.address.to_string(), "--upstream", &source]);
    assert!(old.exit().success());
    assert_eq!(next.list().hosts(), "n3");
}

#[test]
fn one_that_stops_before_it_is_ready_leaves_the_old_one_as_it_was() {
    let place = Place::new();
    let old = place.start(&["--static", "s=127.0.0.1:9"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let path = place.path.to_str().unwrap();
    let first = old.address.to_string();
    let (code, written) = run(Mimikyu::command(&[
        "serve",
        "--takeover",
        path,
        "--listen",
        &first,
        "--listen",
        &listen,
        "--static",
        "s=127.0.0.1:9",
    ]));
    assert_eq!(code, Some(1), "{written}");
    assert!(written.contains("another process has the port"), "{written}");
    assert_eq!(old.list().hosts(), "127.0.0.1");
    assert!(place.is_tidy());
}

#[test]
fn the_queue_is_left_to_the_one_that_takes_over_as_it_is() {
    let place = Place::new();
    let mut old = place.start(&["--static", "s=127.0.0.1:9", "--workers", "1"]);
    let (predecessor, estate) =
        mimikyu::takeover::find(&place.path, Default::default()).unwrap().expect("it is at its door");
    let verdict = predecessor.verdict().unwrap();
    predecessor.go(&[old.address]);
    assert!(matches!(verdict.blocking_recv(), Ok(mimikyu::takeover::Verdict::Stopped)));
    let clients: Vec<_> = (0..8).map(|_| TcpStream::connect(old.address).unwrap()).collect();
    assert!(old.exit().success());
    let socket = TcpListener::from(estate.sockets.into_iter().next().expect("one worker's socket"));
    // A flag of the socket and not of the descriptor: what the one process sets, the other has.
    let flags = fs::read_to_string(format!("/proc/self/fdinfo/{}", socket.as_raw_fd())).unwrap();
    let flags = flags.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
    assert_eq!(u32::from_str_radix(flags, 8).unwrap() & 0o4000, 0, "an accept in a ring must wait");
    socket.set_nonblocking(true).unwrap();
    assert_eq!(std::iter::from_fn(|| socket.accept().ok()).count(), clients.len());
}

#[test]
fn garbage_at_the_door_is_refused_and_the_next_is_let_in() {
    let place = Place::new();
    let mut old = place.start(&["--static", "s=127.0.0.1:9"]);
    for garbage in ["GET / HTTP/1.1\r\n\r\n", "mimikyu-takeover 2\n", "\n", "\0\n"] {
        let mut stream = place.knock();
        stream.write_all(garbage.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("no ") && answer.lines().count() == 1, "{answer:?}");
    }
    let mut stream = place.knock();
    stream.write_all(b"mimikyu-takeover 1\n").unwrap();
    let mut lines = BufReader::new(&stream);
    lines.read_line(&mut String::new()).unwrap();
    (&stream).write_all(b"go nowhere\n").unwrap();
    let mut rest = Vec::new();
    let _ = lines.read_to_end(&mut rest);
    assert!(String::from_utf8_lossy(&rest).contains("no it said"), "{rest:?}");
    // One that says nothing holds up the next for a while only.
    let _silent = place.knock();
    let next = place.start(&["--listen", &old.address.to_string(), "--static", "s=127.0.0.1:9"]);
    assert!(old.exit().success());
    assert_eq!(next.list().hosts(), "127.0.0.1");
}

#[test]
fn what_is_no_daemon_is_not_taken_over() {
    for (answer, words) in [
        ("no it is a holiday\n", "it is a holiday"),
        ("hello\n", "is no header"),
        ("{\"sockets\":1,\"state_bytes\":3}\n.", "fewer descriptors"),
    ] {
        let place = Place::new();
        let listener = UnixListener::bind(&place.path).unwrap();
        let other = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            BufReader::new(&stream).read_line(&mut String::new()).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let path = place.path.to_str().unwrap();
        let (code, written) = run(Mimikyu::command(&[
            "serve",
            "--takeover",
            path,
            "--listen",
            "127.0.0.1:0",
            "--static",
            "s=127.0.0.1:9",
        ]));
        other.join().unwrap();
        assert_eq!((code, written.lines().count()), (Some(1), 1), "{written}");
        assert!(written.contains(words) && written.contains(path), "{written}");
    }
}

#[test]
fn another_number_of_workers_leaves_no_queue_alone() {
    let place = Place::new();
    let mut running = place.start(&["--static", "s=127.0.0.1:9", "--workers", "1"]);
    let listen = running.address.to_string();
    for workers in ["2", "1", "3", "1"] {
        let next = place.start(&["--listen", &listen, "--static", "s=127.0.0.1:9", "--workers", workers]);
        assert!(std::mem::replace(&mut running, next).exit().success());
        for _ in 0..64 {
            assert_eq!(running.list().hosts(), "127.0.0.1");
        }
    }
}

#[test]
fn addresses_that_are_not_wanted_any_more_are_closed_and_new_ones_bound() {
    let place = Place::new();
    let edge = ["--static", "s=127.0.0.1:9"];
    let both = ["--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0"];
    let mut old = place.start(&[&both[..], &edge].concat());
    let line = old.logged("ready");
    let addresses: Vec<SocketAddr> =
        harness::process::field(&line, "listen").split(',').map(|text| text.parse().unwrap()).collect();
    let kept = addresses[0].to_string();
    let mut new = place.start(&[&["--listen", &kept, "--listen", "127.0.0.3:0"][..], &edge].concat());
    assert!(old.exit().success());
    let line = new.logged("ready");
    for text in harness::process::field(&line, "listen").split(',') {
        assert!(ask(text.parse().unwrap()).is_ok(), "{text}");
    }
    assert_eq!(new.address, addresses[0]);
    assert!(TcpStream::connect(addresses[1]).is_err(), "nobody listens there any more");
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_removed_in_the_end() {
    let place = Place::new();
    drop(UnixListener::bind(&place.path).unwrap());
    let mut mimikyu = place.start(&["--static", "s=127.0.0.1:9"]);
    drop(place.knock());
    assert_eq!(mimikyu.list().hosts(), "127.0.0.1");
    mimikyu.signal("TERM");
    assert!(mimikyu.exit().success());
    assert!(!place.path.exists() && place.is_tidy());
}

#[test]
fn a_path_of_no_use_is_said_at_the_start() {
    let place = Place::new();
    fs::write(&place.path, "precious").unwrap();
    let absent = place.directory.path().join("absent/takeover");
    for (path, words) in [
        (place.path.as_path(), "another file"),
        (&absent, "No such file"),
        (Path::new("/dev/null"), "another file"),
    ] {
        let (code, written) = run(Mimikyu::command(&[
            "serve",
            "--takeover",
            path.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
            "--static",
            "s=127.0.0.1:9",
        ]));
        assert_eq!((code, written.lines().count()), (Some(1), 1), "{written}");
        assert!(written.contains(words) && written.contains("--takeover"), "{written}");
    }
    assert_eq!(fs::read_to_string(&place.path).unwrap(), "precious");
}
