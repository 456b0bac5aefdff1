//! A configuration endpoint for the mimikyus under test: a thread that answers every line with the same list.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::support::question::{UPSTREAM_VERSION, config_reply};

/// Starts it. It ends with the process; mimikyu asks once at its start and then not within an hour.
pub fn start(nodes: &str) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let reply = config_reply(UPSTREAM_VERSION, nodes);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let reply = reply.clone();
            thread::spawn(move || answer(client, &reply));
        }
    });
    Ok(address)
}

/// Answers one client until it leaves.
fn answer(mut client: TcpStream, reply: &[u8]) -> io::Result<()> {
    for line in BufReader::new(client.try_clone()?).lines() {
        let answer: &[u8] = if line? == "config get cluster" { reply } else { b"ERROR\r\n" };
        client.write_all(answer)?;
    }
    Ok(())
}
