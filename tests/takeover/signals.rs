//! Signals to a daemon that is just being taken over, between the first word of the next one and its last.

use std::path::PathBuf;

use mimikyu::takeover::{Estate, Predecessor, Verdict, find};

use super::*;

const STATIC: [&str; 2] = ["--static", "s=127.0.0.1:9"];

/// A next process that has asked and is not ready: this one.
fn asked(place: &Place, old: &mut Mimikyu) -> (Predecessor, Estate) {
    let asked = find(&place.path, Default::default()).unwrap().expect("it is at its door");
    old.logged("another process asks to take over");
    asked
}

/// Connects, asks for the version, reads it, closes, again and again: there need not be a list.
fn churn(seen: &Seen, address: SocketAddr) {
    let once = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"version\r\n")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    };
    while !seen.stop.load(Ordering::Relaxed) {
        match once() {
            Ok(line) if line.starts_with("VERSION ") => {
                seen.answers.fetch_add(1, Ordering::Relaxed);
            }
            outcome => seen.fault(format!("{outcome:?}")),
        }
    }
}

#[test]
fn one_that_is_told_to_leave_leaves_its_clients_to_a_next_one_that_is_not_ready() {
    let place = Place::new();
    let upstream = Upstream::start(Behaviour::Hangs);
    let source = format!("alpha={}", upstream.address);
    // Without a list, the next one is not ready before there is one.
    let mut old = place.start(&["--upstream", &source, "--startup-grace", "50ms", "--workers", "2"]);
    let listen = old.address.to_string();
    let address = old.address;
    let seen = &Seen::default();
    let new = std::thread::scope(|scope| {
        let stop = StopOnDrop(seen);
        for _ in 0..3 {
            scope.spawn(move || churn(seen, address));
        }
        let more = ["--startup-grace", "1h", "--workers", "2"];
        let takeover = ["serve", "--takeover", place.path.to_str().unwrap(), "--listen", &listen];
        let arguments = [&takeover, &FAST[..], &["--upstream", &source], &more].concat();
        let mut new = Mimikyu::spawn(Mimikyu::command(&arguments));
        old.logged("another process asks to take over");
        old.signal("HUP");
        old.signal("TERM");
        old.logged("new clients wait for the process that takes over");
        assert_eq!(old.exit().code(), Some(0));
        new.logged("WARN the daemon that was to be taken over is gone: its sockets are ours");
        let answered = seen.answers.load(Ordering::Relaxed);
        upstream.set_list(1, "n1");
        new.ready();
        until("answers of the next one", || {
            (seen.answers.load(Ordering::Relaxed) > answered + 10).then_some(())
        });
        assert_eq!(new.list().hosts(), "n1");
        drop(stop);
        // The last clients are answered before it is gone.
        new
    });
    assert_eq!(*seen.faults.lock().unwrap(), [""; 0]);
    drop(new);
    assert!(place.is_tidy());
}

#[test]
fn one_that_is_told_to_leave_waits_a_moment_for_a_next_one_that_is_nearly_ready() {
    let place = Place::new();
    let mut old = place.start(&STATIC);
    let (predecessor, estate) = asked(&place, &mut old);
    let verdict = predecessor.verdict().unwrap();
    old.signal("TERM");
    old.logged("INFO stopping");
    assert_eq!(old.list().hosts(), "127.0.0.1", "it serves meanwhile");
    predecessor.go(&[old.address]);
    assert!(matches!(verdict.blocking_recv(), Ok(Verdict::Stopped)));
    assert_eq!(old.exit().code(), Some(0));
    old.logged("taken over: answering");
    assert_eq!(old.count("new clients wait"), 0);
    drop(TcpStream::connect(old.address).expect("it waits in the queue"));
    drop(estate);
}

#[test]
fn one_that_has_left_its_queues_says_so_to_a_next_one_that_is_ready_later() {
    let place = Place::new();
    let mut old = place.start(&STATIC);
    let (predecessor, _estate) = asked(&place, &mut old);
    let verdict = predecessor.verdict().unwrap();
    // Answers of its own keep it a while longer.
    let _reader = unread(&old);
    old.signal("TERM");
    old.logged("new clients wait for the process that takes over");
    predecessor.go(&[old.address]);
    assert!(matches!(verdict.blocking_recv(), Ok(Verdict::Stopped)));
    assert!(old.is_running(), "it said so before it was gone");
    old.signal("TERM");
    assert_eq!(old.exit().code(), Some(1), "a second signal");
}

#[test]
fn one_that_is_told_to_leave_ends_as_ever_when_the_next_one_is_gone() {
    let place = Place::new();
    let mut old = place.start(&STATIC);
    let asked = asked(&place, &mut old);
    old.signal("STOP");
    let mut clients: Vec<_> = (0..20).map(|_| old.client()).collect();
    clients.iter_mut().for_each(|client| client.send("version\r\n"));
    old.signal("TERM");
    drop(asked);
    old.signal("CONT");
    clients.iter_mut().for_each(|client| assert_eq!(client.rest(), "VERSION 1.6.22\r\n"));
    assert_eq!(old.exit().code(), Some(0));
    assert_eq!(old.count("new clients wait"), 0);
    assert!(!place.path.exists() && place.is_tidy());
}

#[test]
fn one_that_leaves_is_waited_for_by_who_asks_too_late() {
    let place = Place::new();
    let mut old = place.start(&STATIC);
    // It is busy with its last answers until its deadline.
    let _reader = unread(&old);
    old.signal("TERM");
    old.logged("INFO stopping");
    let state: PathBuf = place.directory.path().join("state");
    let listen = old.address.to_string();
    let arguments = ["--listen", &listen, "--state", state.to_str().unwrap()];
    let new = place.start(&[&STATIC[..], &arguments].concat());
    assert!(!old.is_running());
    assert_eq!((new.address, &*new.list().hosts()), (old.address, "127.0.0.1"));
}

#[test]
fn a_hangup_before_the_next_one_is_ready_disturbs_nothing() {
    let place = Place::new();
    let file = place.directory.path().join("mimikyu.toml");
    fs::write(&file, "listen = \"127.0.0.1:0\"\n[[source]]\nname = \"s\"\nstatic = [\"n1:1\"]\n").unwrap();
    let mut old = place.start(&["--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()]);
    let (predecessor, _estate) = asked(&place, &mut old);
    let verdict = predecessor.verdict().unwrap();
    fs::write(&file, "listen = \"127.0.0.1:0\"\n[[source]]\nname = \"s\"\nstatic = [\"n2:1\"]\n").unwrap();
    old.signal("HUP");
    (0..50).for_each(|_| assert_eq!(old.list().hosts(), "n1"));
    predecessor.go(&[old.address]);
    assert!(matches!(verdict.blocking_recv(), Ok(Verdict::Stopped)));
    old.signal("HUP");
    assert_eq!(old.exit().code(), Some(0));
    assert_eq!(old.count("reloaded"), 0);
}

/// A client that is owed more than it reads, so that a daemon that leaves waits for it until its deadline.
fn unread(mimikyu: &Mimikyu) -> TcpStream {
    let mut stream = TcpStream::connect(mimikyu.address).unwrap();
    stream.set_nonblocking(true).unwrap();
    let requests = ASK.repeat(1000);
    until("the connection to be full", || stream.write(requests.as_bytes()).is_err().then_some(()));
    stream
}
