//! Connections that stay, each asking once a second, evenly over the second.

use std::io;
use std::time::{Duration, Instant};

use super::{Load, events};
use crate::support::round::{Measurement, Round};

const PERIOD: Duration = Duration::from_secs(1);

/// Asks in the order of the connections, so that a server which serves them in turn can keep up.
pub fn run(load: &mut Load, connections: usize, length: Duration) -> io::Result<Round> {
    let mut clients = load.clients(connections)?;
    // Accepting them all is no part of it.
    load.process().settle();
    let batch = load.batch(1);
    let mut events = events();
    let started = Instant::now();
    let mut measurement = Measurement::of(length);
    let due = |asked: u32| started + PERIOD * asked / connections as u32;
    let mut asked = 0;
    let mut answered = 0;
    loop {
        let mut now = Instant::now();
        while due(asked) <= now {
            // A server that is a whole second behind is waited for: nobody asks twice at a time.
            if asked - answered >= connections as u32 {
                break;
            }
            clients[asked as usize % connections].ask(&batch, now)?;
            asked += 1;
        }
        let idle = if asked - answered >= connections as u32 {
            None
        } else {
            Some(due(asked).saturating_duration_since(Instant::now()))
        };
        load.wait(&mut events, idle)?;
        for event in &events {
            answered += u32::from(load.receive(&mut clients[event.data.u64() as usize], 1, &mut now)?);
        }
        if let Some(round) = measurement.look(load, now) {
            return Ok(round);
        }
    }
}
