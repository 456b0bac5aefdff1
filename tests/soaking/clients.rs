//! Clients of every kind, each on a thread of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::harness::Client;
use crate::witness::Witness;

const ASK: &str = "config get cluster\r\n";

/// What the clients did.
#[derive(Debug, Default)]
pub struct Counts {
    pub visits: u64,
    pub steady: u64,
    pub slow: u64,
    pub hostile: u64,
    pub drips: u64,
}

impl Counts {
    pub fn plus(self, other: Self) -> Self {
        Self {
            visits: self.visits + other.visits,
            steady: self.steady + other.steady,
            slow: self.slow + other.slow,
            hostile: self.hostile + other.hostile,
            drips: self.drips + other.drips,
        }
    }

    pub fn all_happened(&self) -> bool {
        [self.visits, self.steady, self.slow, self.hostile, self.drips].iter().all(|count| *count > 0)
    }

    /// Answers that were checked.
    pub fn answers(&self) -> u64 {
        self.visits + self.steady + self.slow
    }
}

/// Starts them all. They go on until they are told to stop.
pub fn start(address: SocketAddr, witness: &Arc<Witness>, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<Counts>> {
    let kinds: [fn(SocketAddr, &Witness) -> Counts; 6] = [visit, visit, stay, read_slowly, harm, drip];
    kinds
        .into_iter()
        .map(|kind| {
            let (witness, stop) = (witness.clone(), stop.clone());
            std::thread::spawn(move || {
                let mut counts = Counts::default();
                while !stop.load(Ordering::Relaxed) {
                    counts = counts.plus(kind(address, &witness));
                }
                counts
            })
        })
        .collect()
}

/// Asks `times` in one write, and checks each answer.
fn ask(stream: &mut BufReader<TcpStream>, witness: &Witness, times: usize, pause: Duration) {
    let floor = witness.floor();
    stream.get_mut().write_all(ASK.repeat(times).as_bytes()).expect("it takes the questions");
    for turn in 0..times {
        let mut answer = String::new();
        while !answer.ends_with("END\r\n") {
            assert!(stream.read_line(&mut answer).expect("an answer") > 0, "closed after {answer:?}");
        }
        witness.heard(&answer, floor);
        if turn % 64 == 0 && !pause.is_zero() {
            std::thread::park_timeout(pause);
        }
    }
}

fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    BufReader::with_capacity(4096, Client::connect(address).stream)
}

/// Comes, asks and leaves: what most clients do.
fn visit(address: SocketAddr, witness: &Witness) -> Counts {
    ask(&mut connect(address), witness, 1, Duration::ZERO);
    Counts { visits: 1, ..Counts::default() }
}

/// Stays a while, and asks one time or several at once.
fn stay(address: SocketAddr, witness: &Witness) -> Counts {
    let mut stream = connect(address);
    let mut steady = 0;
    for _ in 0..200 {
        let times = fastrand::usize(1..=16);
        ask(&mut stream, witness, times, Duration::ZERO);
        steady += times as u64;
    }
    Counts { steady, ..Counts::default() }
}

/// Asks for more than the sockets hold, and takes its time to read it.
fn read_slowly(address: SocketAddr, witness: &Witness) -> Counts {
    let times = fastrand::usize(1000..3000);
    ask(&mut connect(address), witness, times, Duration::from_millis(5));
    Counts { slow: times as u64, ..Counts::default() }
}

/// Says what no client says, or leaves as none should.
fn harm(address: SocketAddr, _: &Witness) -> Counts {
    let mut client = Client::connect(address);
    // It may be cut off while it writes or reads, and that is as it should be.
    match fastrand::u8(..6) {
        0 => drop(client.stream.write_all(&[b'x'; 1 << 20])),
        1 => drop(client.stream.write_all(b"config get clu")),
        2 => drop(client.stream.write_all(&(0..4096).map(|_| fastrand::u8(..)).collect::<Vec<_>>())),
        3 => {
            let questions = ASK.repeat(500) + &"stats\r\n".repeat(20);
            drop(client.stream.write_all(questions.as_bytes()));
            // With what it was sent still unread, it leaves by a reset.
        }
        4 => {
            let _ = client.stream.write_all(b"\x80\x60\0\xff\xff\xff\xff\xff\xff\xff\xff\xff");
            client.finish();
        }
        _ => {
            // Never reads, for a while.
            let _ = client.stream.write_all(ASK.repeat(2000).as_bytes());
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
    Counts { hostile: 1, ..Counts::default() }
}

/// A byte now and then, on many connections at once: it is cut off, or gets an answer like anyone else.
fn drip(address: SocketAddr, witness: &Witness) -> Counts {
    let floor = witness.floor();
    let mut streams: Vec<_> = (0..50).map(|_| connect(address)).collect();
    for byte in ASK.bytes() {
        for stream in &mut streams {
            let _ = stream.get_mut().write_all(&[byte]);
        }
        std::thread::park_timeout(Duration::from_millis(fastrand::u64(1..200)));
    }
    for stream in &mut streams {
        let mut answer = String::new();
        while stream.read_line(&mut answer).is_ok_and(|length| length > 0) && !answer.ends_with("END\r\n") {}
        if answer.ends_with("END\r\n") {
            witness.heard(&answer, floor);
        }
    }
    Counts { drips: streams.len() as u64, ..Counts::default() }
}
