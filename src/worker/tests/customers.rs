//! Who is remembered to have been served which version, by a real worker.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::sync::mpsc::unbounded_channel;

use super::server::{PATIENCE, Server};
use crate::census::Seen;
use crate::mailbox::Mail;
use crate::worker::Features;
use crate::worker::faults::Faults;

const ASK: &str = "config get cluster\r\n";

/// A connection of the client at 127.0.0.`last`.
fn connect(server: &Server, last: u8) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)).into()).unwrap();
    socket.connect(&server.address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn ask(stream: &mut TcpStream, request: &str, answer: &[u8]) {
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = vec![0; answer.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, answer);
}

/// The last parts of the addresses that the worker remembers, and how many it could.
fn roll(server: &Server) -> (Vec<u8>, usize) {
    let (sender, mut receiver) = unbounded_channel();
    server.post(Mail::Census(sender));
    let roll = receiver.blocking_recv().expect("it answers");
    let last = |seen: &Seen| {
        assert_eq!(seen.version, 7);
        seen.address.to_string().rsplit('.').next().unwrap().parse().unwrap()
    };
    let mut clients: Vec<u8> = roll.clients.iter().map(last).collect();
    clients.sort_unstable();
    (clients, roll.clients_max)
}

fn remember(server: &Server, clients_tracked_max: usize) {
    server.post(Mail::Limits {
        connections_max: 1000,
        refused_max: 8,
        idle_timeout: Duration::ZERO,
        request_timeout: Duration::ZERO,
        allow: Arc::new([]),
        connections_per_ip_max: None,
        clients_tracked_max,
    });
}

#[test]
fn who_was_served_a_list_is_remembered_by_address() {
    let server = Server::start(Features::ALL, (64, 128, 16), Duration::ZERO, Faults::default());
    let list = server.list.clone();
    let [mut first, mut again, mut second, mut third] = [1, 1, 2, 3].map(|last| connect(&server, last));
    ask(&mut first, "version\r\n", b"VERSION 1.6.22\r\n");
    ask(&mut first, "config get other\r\n", b"END\r\n");
    assert_eq!(roll(&server), (vec![], 100), "none was served a list");
    ask(&mut first, ASK, &list);
    assert_eq!(roll(&server).0, [1]);
    ask(&mut first, &ASK.repeat(3), &list.repeat(3));
    ask(&mut again, ASK, &list);
    assert_eq!(roll(&server).0, [1], "two connections, one client");
    // With a `stats` between them, the list is served when the answer has come.
    second.write_all(format!("stats items\r\n{ASK}").as_bytes()).unwrap();
    ask(&mut second, "", &[b"END\r\n", &list[..]].concat());
    assert_eq!(roll(&server).0, [1, 2]);

    let untracked = || server.metrics.worker(0).clients_untracked.value();
    remember(&server, 2);
    for _ in 0..3 {
        ask(&mut third, ASK, &list);
    }
    assert_eq!(
        (roll(&server), untracked()),
        ((vec![1, 2], 2), 1),
        "one more than there is room for, told once"
    );
    remember(&server, 3);
    ask(&mut third, ASK, &list);
    assert_eq!((roll(&server), untracked()), ((vec![1, 2, 3], 3), 1), "now there is");
    remember(&server, 1);
    assert_eq!(roll(&server), (vec![], 1), "a smaller table begins anew");
    ask(&mut second, ASK, &list);
    ask(&mut first, ASK, &list);
    assert_eq!((roll(&server), untracked()), ((vec![2], 1), 2));
    remember(&server, 0);
    ask(&mut third, ASK, &list);
    ask(&mut connect(&server, 4), ASK, &list);
    assert_eq!((roll(&server), untracked()), ((vec![], 0), 2), "switched off");
    assert_eq!(server.metrics.worker(0).clients_unknown.value(), 0);
    drop([first, again, second, third]);
    let metrics = server.end().unwrap();
    let latency = metrics.latency();
    // All but the one for `stats`.
    assert_eq!(latency.count(), metrics.requests() - 1);
    assert!(latency.sum > Duration::ZERO && metrics.worker(0).completions.value() > 10);
}
