//! Nothing is allocated on the path of a request: a counting allocator has watched it.
//!
//! A program of its own and not a suite of tests: the count is of all threads, and a test's thread is never alone.

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use mimikyu::session::{Outbox, Session};
use mimikyu::snapshot::{Publisher, Snapshot};
use mimikyu::worker::{self, Admission, Features, Limits, Setup};
use mimikyu::{mailbox, metrics::Metrics, stats::Questions};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[path = "../benches/inputs/conversations.rs"]
mod conversations;
#[path = "../benches/inputs/lists.rs"]
mod lists;

use conversations::{Conversation, all, named, talk};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    the_count_sees_what_is_allocated();
    a_session_allocates_nothing();
    a_published_list_is_first_sent_as_it_is_ever_after();
    a_worker_allocates_nothing();
}

/// Allocations that `what` makes, on whatever thread; moving one to a larger place is another.
fn allocations(what: impl FnOnce()) -> usize {
    let count = || {
        let stats = ALLOCATOR.stats();
        stats.allocations + stats.reallocations
    };
    let before = count();
    what();
    count() - before
}

fn the_count_sees_what_is_allocated() {
    let count = allocations(|| drop(std::hint::black_box(vec![1])));
    assert_eq!(count, 1);
    let mut grows = vec![1];
    assert_eq!(allocations(|| grows.reserve_exact(std::hint::black_box(100))), 1);
}

/// What a conversation may allocate: its own memory, for what can't be answered from the snapshot's.
fn allowed(name: &str) -> usize {
    match name {
        // The first half of a line, until the other has come: the receive buffer goes back meanwhile.
        "one_in_two_pieces" => 2,
        // A queue of twelve unlike replies, which grows twice.
        "pipelined_12_of_three_kinds" => 4,
        // The client's own copy, which grows once where there are more than one.
        "binary_one" => 1,
        "binary_pipelined_16" => 2,
        _ => 0,
    }
}

fn a_session_allocates_nothing() {
    let snapshot = conversations::snapshot();
    for conversation in all(&snapshot) {
        let Conversation { name, pieces, expected, .. } = &conversation;
        let fresh = || {
            let (mut session, mut outbox) = (Session::default(), Outbox::default());
            assert_eq!(talk(&mut session, &mut outbox, &snapshot, pieces), *expected);
        };
        let count = allocations(fresh);
        println!("{name}: {count} in a new session");
        assert!(count <= allowed(name), "{name}: {count} in a new session");
        let (mut session, mut outbox) = (Session::default(), Outbox::default());
        let rounds = if conversation.ends { 1 } else { 3 };
        for round in 0..rounds {
            let count = allocations(|| {
                assert_eq!(talk(&mut session, &mut outbox, &snapshot, pieces), *expected);
            });
            assert!(count <= allowed(name), "{name}: {count} in round {round} of a session");
        }
    }
}

fn a_published_list_is_first_sent_as_it_is_ever_after() {
    for name in ["one", "legacy_get", "version", "miss", "empty_line"] {
        let snapshot = conversations::snapshot();
        let first = named(name, &snapshot);
        assert_eq!(allocations(|| drop(answer(&first, &snapshot))), 0, "{name}");
    }
}

fn answer(conversation: &Conversation, snapshot: &Snapshot) -> (Session, Outbox) {
    let (mut session, mut outbox) = (Session::default(), Outbox::default());
    assert_eq!(talk(&mut session, &mut outbox, snapshot, &conversation.pieces), conversation.expected);
    (session, outbox)
}

const CLIENTS: usize = 8;
const TIMES: usize = 20;
const DEEP: usize = 16;
const ROUNDS: usize = 10;

/// A whole worker with its ring, and clients that allocate nothing themselves.
fn a_worker_allocates_nothing() {
    let publisher = Publisher::new("1.6.22");
    publisher.publish(lists::cluster(7, "node", 8));
    let reply = publisher.reader().current().list.as_ref().map(|list| list.config.once().to_vec());
    let reply = reply.expect("a list was published");
    let questions = Questions::default();
    let (postbox, mailbox) = mailbox::pair().expect("an eventfd");
    let listeners = worker::bind(&[(Ipv4Addr::LOCALHOST, 0).into()], 1).expect("a port");
    let address = listeners.addresses[0];
    let listen = listeners.try_clone().expect("a descriptor");
    let limits = Limits {
        connections_max: 64,
        refused_max: 8,
        request_timeout: std::time::Duration::from_secs(10),
        idle_timeout: std::time::Duration::ZERO,
        clients_tracked_max: 100,
    };
    let setup = Setup {
        listeners,
        reader: publisher.reader(),
        workers: vec![(mailbox, questions.asker(postbox.clone()))],
        features: Features::ALL,
        admission: Admission::new(vec![], None),
        limits,
        metrics: Metrics::new(1),
    };
    let (threads, _) =
        worker::spawn(setup, |_| Box::new(|left| left.expect("its ring works"))).expect("a ring");
    listen.listen().expect("the port is ours");
    postbox.post(mailbox::Mail::Serve);

    let mut clients: Vec<_> = (0..CLIENTS).map(|_| connect(address)).collect();
    let mut buffer = vec![0; DEEP * reply.len()];
    // The first chunk of places is made for the first client.
    round(address, &mut clients, &mut buffer, &reply);
    for number in 1..ROUNDS {
        let counts = round(address, &mut clients, &mut buffer, &reply);
        assert_eq!(counts, [0; 3], "in round {number}");
    }
    postbox.post(mailbox::Mail::Leave);
    threads.into_iter().for_each(|thread| thread.join().expect("it leaves"));
}

/// What is allocated for requests one at a time, many at a time, and from clients that come for one each.
fn round(address: SocketAddr, clients: &mut [TcpStream], buffer: &mut [u8], reply: &[u8]) -> [usize; 3] {
    let [one, many] = [1, DEEP].map(|deep| {
        let asked = b"config get cluster\r\n".repeat(deep);
        allocations(|| {
            for _ in 0..TIMES {
                // All ask before any reads, so that the worker has batches of several.
                clients.iter_mut().for_each(|client| client.write_all(&asked).expect("it listens"));
                clients.iter_mut().for_each(|client| read(client, buffer, reply, deep));
            }
        })
    });
    let come_and_go = allocations(|| {
        for _ in 0..TIMES * CLIENTS {
            let mut client = connect(address);
            client.write_all(b"config get cluster\r\nquit\r\n").expect("it listens");
            read(&mut client, buffer, reply, 1);
            assert_eq!(client.read(buffer).expect("an end"), 0);
        }
    });
    let requests = TIMES * CLIENTS;
    println!(
        "a worker: {one} in {requests} requests, {many} in {requests} times {DEEP}, {come_and_go} for {requests} clients"
    );
    [one, many, come_and_go]
}

fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).expect("it accepts");
    let deadline = std::time::Duration::from_secs(10);
    client.set_read_timeout(Some(deadline)).expect("more than none");
    client
}

fn read(client: &mut TcpStream, buffer: &mut [u8], reply: &[u8], times: usize) {
    let bytes = &mut buffer[..times * reply.len()];
    client.read_exact(bytes).expect("an answer in time");
    assert!(bytes.chunks_exact(reply.len()).all(|each| each == reply));
}
