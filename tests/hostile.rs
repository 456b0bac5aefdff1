//! Hostile and unlucky clients: whatever they do, the others are served, and nothing of it stays.
//!
//! In each story a control client asks all the while and checks every byte. Afterwards connections and descriptors are
//! as many as before, and memory is within [`GROWTH_KIB_MAX`](traces::GROWTH_KIB_MAX) of it.
//!
//! `HOSTILE_FULL=1 cargo test --test hostile -- --nocapture --test-threads=1` does as much as
//! `docs/reliability.md` says, and prints its table; without it, it is less of the same.

mod harness;

#[path = "hostile/admission.rs"]
mod admission;
#[path = "hostile/again.rs"]
mod again;
#[path = "hostile/control.rs"]
mod control;
#[path = "hostile/cuts.rs"]
mod cuts;
#[path = "hostile/deadlines.rs"]
mod deadlines;
#[path = "hostile/descriptors.rs"]
mod descriptors;
#[path = "hostile/floods.rs"]
mod floods;
#[path = "hostile/traces.rs"]
mod traces;

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use harness::{Client, Mimikyu, PATIENCE};

/// What clients get who are too many.
const FULL: &str = "ERROR Too many open connections\r\n";

/// A daemon with one list that does not change.
fn start(arguments: &[&str]) -> Mimikyu {
    Mimikyu::start(&[&["--static", "edge=127.0.0.1:9,127.0.0.2:9"], arguments].concat())
}

/// How much of it: `few` in a usual run, `all` for the figures.
fn scaled(few: usize, all: usize) -> usize {
    if std::env::var_os("HOSTILE_FULL").is_some() { all } else { few }
}

/// A connection from an address of the loopback network, or why there is none.
fn try_connect(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    if to.is_ipv4() {
        socket.bind(&SocketAddr::from((from, 0)).into())?;
    }
    socket.connect(&to.into())?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A client from an address of the loopback network.
#[track_caller]
fn connect(from: Ipv4Addr, to: SocketAddr) -> Client {
    Client { stream: try_connect(from, to).expect("it listens") }
}

/// Closes without a word of farewell: the other side gets a reset.
fn reset(stream: TcpStream) {
    // It fails where the other side has reset it before.
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

/// One of the daemon's own counters; a source that is asked for `stats` would hide them.
#[track_caller]
fn stat(mimikyu: &Mimikyu, name: &str) -> usize {
    let stats = mimikyu.ask("stats\r\n");
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("STAT {name} ")));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {stats:?}"))
}
