//! Connections that ask once: those that close then (*churn*) and those that stay (*storm*).

use std::io;
use std::time::{Duration, Instant};

use rustix::event::epoll::Event;

use super::{Client, Load, events};
use crate::support::round::{Measurement, Round, Window};

/// Unanswered connections of a storm at a time: no more than the shortest queue of a listening socket among the
/// peers, since what it drops comes again a second later.
const UNANSWERED_MAX: usize = 500;

/// Connects, asks, reads and closes, this many at a time; the client closes first, as clients do.
pub fn churn(load: &mut Load, at_once: usize, length: Duration) -> io::Result<Round> {
    let mut visits = Vec::with_capacity(at_once);
    for key in 0..at_once {
        visits.push(begin(load, key)?);
    }
    let mut events = events();
    let mut measurement = Measurement::of(length);
    let mut now = Instant::now();
    loop {
        load.wait(&mut events, None)?;
        for event in &events {
            let key = event.data.u64() as usize;
            if proceed(load, &mut visits[key], &mut now)? {
                // The one that was there is closed by this.
                visits[key] = begin(load, key)?;
            }
        }
        if let Some(round) = measurement.look(load, now) {
            return Ok(round);
        }
    }
}

/// Connections as fast as the server answers them, all of which stay until the last has its reply.
pub fn storm(load: &mut Load, connections: usize) -> io::Result<Round> {
    let window = Window::open(load);
    let _visits = gather(load, connections)?;
    Ok(window.close(load))
}

/// The same connections, to be kept: each has asked once and has its reply.
pub fn gather(load: &mut Load, connections: usize) -> io::Result<Vec<Client>> {
    load.forget();
    let mut visits = Vec::with_capacity(connections);
    let mut events: Vec<Event> = events();
    let mut now = Instant::now();
    while load.completed < connections as u64 {
        while visits.len() < connections && visits.len() - (load.completed as usize) < UNANSWERED_MAX {
            visits.push(begin(load, visits.len())?);
        }
        load.wait(&mut events, None)?;
        for event in &events {
            proceed(load, &mut visits[event.data.u64() as usize], &mut now)?;
        }
    }
    Ok(visits)
}

fn begin(load: &Load, key: usize) -> io::Result<Client> {
    let client = Client::visit(load.server.address, &load.question.request)?;
    load.watch(&client, key)?;
    Ok(client)
}

/// Goes on with a visit as far as it goes; true once it has its reply.
fn proceed(load: &mut Load, client: &mut Client, now: &mut Instant) -> io::Result<bool> {
    if !client.asked {
        client.ask_once_connected(&load.question.request)?;
    }
    load.receive(client, 1, now)
}
