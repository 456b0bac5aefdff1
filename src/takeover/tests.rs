//! Two processes that wait for each other, both in this one, and one of them in vain.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::TryRecvError;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::*;
use crate::cluster::{Cluster, Node, Version};

/// Longest that anything here takes that is not waited for in vain.
const LONG: Duration = Duration::from_secs(20);
/// A bound that is crossed.
const SHORT: Duration = Duration::from_millis(150);

fn patient() -> Patience {
    Patience { hello: LONG, ready: LONG, answer: LONG, stop: LONG }
}

/// A daemon's door, in a directory of its own.
struct Place {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { path: directory.path().join("door"), _directory: directory }
    }

    /// Attends it from now on.
    fn attend(&self, patience: Patience) -> mpsc::Receiver<Request> {
        let listener = UnixListener::bind(&self.path).unwrap();
        let (sender, requests) = mpsc::channel(1);
        thread::spawn(move || attend(&listener, &sender, patience));
        requests
    }

    fn knock(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }
}

fn line(stream: &UnixStream) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

/// One socket, and a list with so many nodes.
fn estate(nodes: usize) -> Estate {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap().into();
    let host = "n".repeat(200);
    let nodes = (0..nodes).map(|_| Node::new(host.as_str(), "10.0.0.1", 1)).collect();
    let served = Some(Cluster { version: Version::FIRST, nodes });
    Estate { sockets: vec![socket], state: State { served, ..State::default() } }
}

#[test]
fn one_that_says_nothing_is_waited_for_as_long_as_its_bound_and_no_longer() {
    let place = Place::new();
    let _requests = place.attend(Patience { hello: SHORT, ..patient() });
    let begun = Instant::now();
    let stream = place.knock();
    assert_eq!(line(&stream), "no it said nothing\n");
    assert!((SHORT..LONG).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[test]
fn a_successor_that_says_hello_and_then_nothing_is_waited_for_as_long_as_its_bound_and_no_longer() {
    let place = Place::new();
    let mut requests = place.attend(Patience { ready: SHORT, ..patient() });
    let begun = Instant::now();
    let stream = place.knock();
    write_hello(&stream);
    let Request { estate: wanted, successor } = requests.blocking_recv().unwrap();
    assert!(wanted.send(Ok(estate(1))).is_ok());
    assert!(successor.blocking_recv().is_err(), "nobody is ready: the daemon goes on");
    assert!((SHORT..LONG).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    let mut said = Vec::new();
    let _ = (&stream).read_to_end(&mut said);
    assert!(said.ends_with(b"no it was not ready in 150ms\n"), "{}", String::from_utf8_lossy(&said));
    // The next one is let in.
    let stream = place.knock();
    write_hello(&stream);
    assert!(requests.blocking_recv().is_some());
}

#[test]
fn a_successor_that_reads_nothing_is_waited_for_no_longer_either() {
    let place = Place::new();
    let mut requests = place.attend(Patience { ready: SHORT, ..patient() });
    let begun = Instant::now();
    let stream = place.knock();
    write_hello(&stream);
    let Request { estate: wanted, successor } = requests.blocking_recv().unwrap();
    // More than the socket holds.
    assert!(wanted.send(Ok(estate(20_000))).is_ok());
    let (end, taken) = std::sync::mpsc::channel::<()>();
    let taking = thread::spawn(move || {
        // A byte now and then, which is not enough.
        let mut byte = [0];
        while taken.try_recv() == Err(TryRecvError::Empty) && (&stream).read(&mut byte).is_ok() {
            thread::park_timeout(Duration::from_millis(1));
        }
    });
    assert!(successor.blocking_recv().is_err());
    // What the kernel holds of one write may take a byte's reader longer than that.
    assert!((SHORT..LONG / 4).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    drop(end);
    taking.join().unwrap();
}

#[test]
fn a_successor_that_is_ready_within_its_bound_takes_over() {
    let place = Place::new();
    let mut requests = place.attend(patient());
    let path = place.path.clone();
    let keeps: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let new = thread::spawn(move || {
        let (predecessor, estate) = find(&path, patient()).unwrap().expect("it is there");
        let verdict = predecessor.verdict().unwrap();
        predecessor.go(&[keeps]);
        (estate.sockets.len(), verdict.blocking_recv().unwrap())
    });
    let Request { estate: wanted, successor } = requests.blocking_recv().unwrap();
    assert!(wanted.send(Ok(estate(1))).is_ok());
    let successor = successor.blocking_recv().expect("it is ready");
    assert_eq!(successor.keeps, [keeps]);
    successor.tell_stopped();
    let (sockets, verdict) = new.join().unwrap();
    assert!(sockets == 1 && matches!(verdict, Verdict::Stopped), "{verdict:?}");
}

/// What the new process makes of one at the door.
fn found(path: &Path, answer: Duration) -> Error {
    let begun = Instant::now();
    let error = find(path, Patience { answer, ..patient() }).unwrap_err();
    assert!((answer..LONG).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert_eq!(error.to_string().lines().count(), 1);
    error
}

#[test]
fn a_predecessor_that_says_nothing_or_not_all_is_waited_for_as_long_as_its_bound_and_no_longer() {
    for (said, words) in [
        ("", "it says nothing for 150ms"),
        ("{\"sockets\"", "it says nothing for 150ms"),
        ("{\"sockets\":1,\"state_bytes\":3}\n", "the rest does not come"),
        ("{\"sockets\":0,\"state_bytes\":3}\na", "the rest does not come"),
    ] {
        let place = Place::new();
        let listener = UnixListener::bind(&place.path).unwrap();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let other = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(said.as_bytes()).unwrap();
            // It stays until the test has seen enough.
            let _ = ended.recv();
        });
        let error = found(&place.path, SHORT).to_string();
        assert!(error.contains(words), "{said:?}: {error}");
        drop(end);
        other.join().unwrap();
    }
}

#[test]
fn a_door_with_a_full_queue_is_not_waited_at_for_ever() {
    let place = Place::new();
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    socket.bind(&socket2::SockAddr::unix(&place.path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let _first = place.knock();
    assert!(found(&place.path, SHORT).to_string().contains("it lets nobody in"));
}

#[test]
fn a_predecessor_that_leaves_says_nothing_and_is_then_gone() {
    let place = Place::new();
    let requests = place.attend(patient());
    // It attends, and is in the middle of the next conversation when it is to leave.
    let stream = place.knock();
    (&stream).write_all(b"\n").unwrap();
    assert!(line(&stream).starts_with("no it said"));
    let stream = place.knock();
    let (half, rest) = HELLO.split_at(5);
    (&stream).write_all(half.as_bytes()).unwrap();
    drop(requests);
    let _ = (&stream).write_all(format!("{rest}\n").as_bytes());
    let mut said = Vec::new();
    let _ = (&stream).read_to_end(&mut said);
    assert_eq!(String::from_utf8_lossy(&said), "", "what it says would be the end of who has asked");
    let found = find(&place.path, patient());
    assert!(matches!(found, Ok(None)), "{found:?}");
}

fn write_hello(mut stream: &UnixStream) {
    stream.write_all(format!("{HELLO}\n").as_bytes()).unwrap();
}
