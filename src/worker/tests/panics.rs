//! A worker that panics says so, even while it has much to do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::server::{PATIENCE, Server};
use crate::worker::Features;
use crate::worker::faults::prepare_panic;

#[test]
fn a_panic_is_told_of_while_clients_ask_on() {
    prepare_panic(200);
    let server = Server::start_prepared(Features::ALL, Duration::ZERO);
    let address = server.address;
    let clients: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                // Until the worker is gone, and its listener with it.
                while let Ok(mut client) = TcpStream::connect(address) {
                    client.set_read_timeout(Some(PATIENCE)).unwrap();
                    let mut answer = [0; 4096];
                    while client.write_all(b"config get cluster\r\n").is_ok()
                        && client.read(&mut answer).is_ok_and(|length| length > 0)
                    {}
                }
            })
        })
        .collect();
    let outcome = server.exit.recv_timeout(PATIENCE).expect("it does not go without a word");
    assert_eq!(outcome, Err("worker 0 panicked".into()));
    clients.into_iter().for_each(|client| client.join().unwrap());
}
