//! Connections that stay, each asking again as soon as it has its replies.

use std::io;
use std::time::{Duration, Instant};

use super::{Load, events};
use crate::support::round::{Measurement, Round};

/// Asks on all connections, `depth` requests at a time, and measures once all is warm.
pub fn run(load: &mut Load, connections: usize, depth: usize, length: Duration) -> io::Result<Round> {
    let mut clients = load.clients(connections)?;
    let batch = load.batch(depth);
    for client in &mut clients {
        client.ask(&batch, Instant::now())?;
    }
    let mut events = events();
    let mut measurement = Measurement::of(length);
    let mut now = Instant::now();
    loop {
        load.wait(&mut events, None)?;
        for event in &events {
            let client = &mut clients[event.data.u64() as usize];
            if load.receive(client, depth, &mut now)? {
                client.ask(&batch, now)?;
            }
        }
        if let Some(round) = measurement.look(load, now) {
            return Ok(round);
        }
    }
}
