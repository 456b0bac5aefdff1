//! Too much of everything: garbage, `stats`, connections that come and go.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::control::{Control, Ways};
use super::harness::{Behaviour, Client, Mimikyu, Upstream, raise_descriptor_limit};
use super::traces::{QUIET, Traces};
use super::{FULL, reset, scaled, start, try_connect};

const MIB: usize = 1 << 20;

/// Clients that work at the same time.
const THREADS: u64 = 4;

/// What a connection of garbage is made of.
#[derive(Debug, Clone, Copy)]
enum Garbage {
    /// Any bytes.
    Bytes,
    /// Words that are nearly requests, so that most are answered.
    Lines,
    /// Packets with wrong lengths and unknown opcodes.
    Packets,
}

impl Garbage {
    /// The next piece of it.
    fn fill(self, piece: &mut Vec<u8>, random: &mut fastrand::Rng) {
        const WORDS: [&str; 10] = [
            "config",
            "get",
            "cluster",
            "version",
            "\r\n",
            "\n",
            "AmazonElastiCache:cluster",
            "\0",
            "verbosity 1",
            "\u{fffd}",
        ];
        piece.clear();
        while piece.len() < 32 * 1024 {
            match self {
                Self::Bytes => piece.extend_from_slice(&random.u64(..).to_ne_bytes()),
                Self::Lines => {
                    piece.extend_from_slice(WORDS[random.usize(..WORDS.len())].as_bytes());
                    piece.push(b' ');
                }
                Self::Packets => {
                    let (opcode, key) = (random.u8(..), random.u8(..4));
                    piece.extend_from_slice(&[0x80, opcode, 0, key, 0, 0, 0, 0, 0, 0, 0, random.u8(..8)]);
                    piece.extend_from_slice(&random.u128(..).to_ne_bytes());
                }
            }
        }
    }
}

/// One connection of garbage: until the daemon has had enough of it, or it is 4 MiB. How much went in.
fn pour(address: SocketAddr, garbage: Garbage, random: &mut fastrand::Rng) -> usize {
    let Ok(mut stream) = try_connect(Ipv4Addr::LOCALHOST, address) else { return 0 };
    stream.set_nonblocking(true).expect("a socket");
    let (mut piece, mut answers) = (Vec::new(), vec![0; 256 * 1024]);
    let (mut from, mut poured) = (0, 0);
    while poured < 4 * MIB {
        if from == piece.len() {
            garbage.fill(&mut piece, random);
            from = 0;
        }
        match stream.write(&piece[from..]) {
            Ok(bytes) => {
                from += bytes;
                poured += bytes;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::park_timeout(Duration::from_micros(100));
            }
            Err(_) => break,
        }
        // Read, or it stops to answer, and then to receive.
        match stream.read(&mut answers) {
            Ok(0) => break,
            Err(error) if error.kind() != ErrorKind::WouldBlock => break,
            _ => {}
        }
    }
    poured
}

#[test]
fn garbage() {
    let (megabytes, connections) = (scaled(100, 1000), AtomicUsize::new(0));
    let mimikyu = start(&[]);
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::KeptAndNew);
    let poured = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for seed in 0..THREADS {
            let (poured, connections, address) = (&poured, &connections, mimikyu.address);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for kind in [Garbage::Bytes, Garbage::Lines, Garbage::Packets].into_iter().cycle() {
                    if poured.load(Ordering::Relaxed) >= megabytes * 1_000_000 {
                        break;
                    }
                    poured.fetch_add(pour(address, kind, &mut random), Ordering::Relaxed);
                    connections.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let what = format!("garbage | {megabytes} MB over {} connections", connections.into_inner());
    before.are_gone(&mimikyu, &what, control);
}

/// They come, say nothing, a part, a whole or what needs no answer, and reset the connection. No time-out clears up
/// after them.
#[test]
fn connects_and_resets() {
    let rounds = scaled(3000, 50_000);
    let mimikyu = start(&["--request-timeout", "0s"]);
    // Places once made are kept for the next ones: the second storm finds those of the first, and adds none.
    storm_of_resets(mimikyu.address, rounds);
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::KeptAndNew);
    storm_of_resets(mimikyu.address, rounds);
    let what = format!("connects and resets | {rounds}");
    before.are_gone(&mimikyu, &what, control);
}

/// So many clients come, say something and leave by a reset, as fast as they can.
fn storm_of_resets(address: SocketAddr, rounds: usize) {
    std::thread::scope(|scope| {
        for seed in 0..THREADS {
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                let pieces: [&[u8]; 6] = [
                    b"",
                    b"config ge",
                    b"config get cluster\r\n",
                    b"nonsense\r\nquit\r\n",
                    b"stats\r\nversion",
                    QUIET,
                ];
                for _ in 0..rounds / THREADS as usize {
                    let mut stream = try_connect(Ipv4Addr::LOCALHOST, address).expect("it listens");
                    let _ = stream.write_all(pieces[random.usize(..pieces.len())]);
                    reset(stream);
                }
            });
        }
    });
}

/// Its own counters, which it alone can tell; read by nobody in the end.
#[test]
fn stats_of_our_own() {
    let (clients, each) = (scaled(50, 500), scaled(20, 200));
    let mimikyu = start(&[]);
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::KeptAndNew);
    let mut crowd: Vec<_> = (0..clients).map(|_| mimikyu.client()).collect();
    for client in &mut crowd {
        client.send("stats\r\n".repeat(each));
        client.finish();
    }
    for client in &mut crowd {
        let answers = client.rest();
        assert_eq!(answers.matches("STAT curr_connections ").count(), each);
        assert!(answers.ends_with("END\r\n"));
    }
    drop(crowd);
    let what = format!("floods of `stats`, no upstream | {clients} connections, {each} each");
    before.are_gone(&mimikyu, &what, control);
}

/// An upstream that hangs, answers and resets by turns, and more clients than may wait for it. Each gets an
/// upstream's answer or a line that says why not, and the upstream is not asked by each.
#[test]
fn stats_of_an_upstream() {
    raise_descriptor_limit();
    let (clients, rounds) = (scaled(1100, 3000), scaled(3, 9));
    let upstream = Upstream::list(1, "a");
    let address = upstream.address.to_string();
    let mimikyu = Mimikyu::start(&["--poll-timeout", "1s", "--poll-interval", "1h", &address]);
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::KeptAndNew);
    let mut told = [0; 2];
    for round in 0..rounds {
        upstream.set(match round % 3 {
            0 => Behaviour::Hangs,
            1 => Behaviour::List(1, "a".into()),
            _ => Behaviour::Resets,
        });
        let mut crowd: Vec<_> = (0..clients).map(|_| mimikyu.client()).collect();
        for (number, client) in crowd.iter_mut().enumerate() {
            let word = if number % 2 == 0 { String::new() } else { format!(" items{}", number % 100) };
            // A refusal closes the connection, under what is still being sent.
            client.send(format!("stats{word}\r\nquit\r\n"));
        }
        for answer in crowd.iter_mut().map(Client::rest) {
            let is_answer = answer == "STAT version 1.6.18\r\nEND\r\n";
            assert!(
                is_answer || (answer.starts_with("SERVER_ERROR ") && answer.ends_with("\r\n")),
                "{answer:?}"
            );
            told[usize::from(is_answer)] += 1;
        }
    }
    let asked = upstream.questions().iter().filter(|question| question.starts_with("stats")).count();
    assert!(told[1] >= 1 && asked < clients * rounds / 4, "{told:?}, {asked} asked");
    let what = format!(
        "floods of `stats`, upstream hangs, answers, resets | {} connections, {} told why not, {asked} asked upstream",
        clients * rounds,
        told[0]
    );
    before.are_gone(&mimikyu, &what, control);
}

/// As many as there may be come, one more is told so, all leave; again and again.
#[test]
fn connections_max_reached_and_left() {
    let (most, rounds) = (50, scaled(20, 500));
    let mimikyu = start(&["--connections-max", &most.to_string(), "--workers", "2"]);
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::Kept);
    let mut refused = 0;
    for _ in 0..rounds {
        let mut crowd: Vec<_> = (0..most + 10).map(|_| mimikyu.client()).collect();
        let is_served = |client: &mut Client| {
            // A refused one may be closed by then, and a reset is as good a refusal.
            let _ = client.stream.write_all(b"version\r\nquit\r\n");
            let mut answer = String::new();
            match client.stream.read_to_string(&mut answer) {
                Ok(_) => assert!(answer == "VERSION 1.6.22\r\n" || answer == FULL, "{answer:?}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            }
            answer == "VERSION 1.6.22\r\n"
        };
        let served = crowd.iter_mut().filter_map(|client| is_served(client).then_some(())).count();
        // The places of those that have left a moment ago may not be free yet; all of them are in the end.
        assert!(served > 0, "nobody is served");
        refused += crowd.len() - served;
    }
    assert!(refused >= rounds, "{refused} refused");
    let what = format!("`connections_max` of {most} reached and left | {rounds} times, {refused} refused");
    before.are_gone(&mimikyu, &what, control);
}
