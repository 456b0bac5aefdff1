//! `mimikyu serve`: the configuration from its four places, then the daemon.

use std::env;
use std::net::SocketAddr;

use mimikyu::config::{self, Fault, Layer, Origin};
use mimikyu::daemon::{Again, Control};
use mimikyu::worker::{self, Inherited};

use super::Failure;
use super::configured::{Configured, Gathered};
use crate::cli::{Serve, complain};

/// Serves until it is told to stop.
pub fn run(serve: Serve) -> Result<(), Failure> {
    // Before any file is opened: it could get the number of a descriptor that was announced and not passed.
    let activated = activated()?;
    // From here on SIGHUP ends nothing.
    let mut control = Control::begin(true, activated.len());
    let passed = listening_on(&activated.addresses());
    let gathered = Gathered::new(serve, passed);
    let looking = gathered.places.clone();
    // Its disk may hang, and it may be a pipe.
    let found = match control.unless_told_to_leave("config", move || looking.look())? {
        Ok(found) => found,
        Err(signal) => {
            complain(&format!("{signal}: stopping before anything was served"));
            return Ok(());
        }
    };
    let Configured { places, found, watch, warnings, examined } = gathered.examine(found);
    let config = examined.faults.unless(examined.config)?;
    all_wanted(&activated.addresses(), &config.listen)?;

    // Dropped on the way out, before an error is told: the log comes first.
    let guard = mimikyu::log::init(config.log_format, config.log_level);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let given = places.provenance(&found);
    let again = Again { places, found, watch, dial: guard.dial() };
    Ok(mimikyu::daemon::run(control, config, given, Some(again), activated, |_, _| {})?)
}

/// The listening sockets that a service manager has passed (systemd's socket activation).
fn activated() -> Result<Inherited, config::Error> {
    let variable = |name| env::var(name).unwrap_or_default();
    worker::activated(&variable("LISTEN_PID"), &variable("LISTEN_FDS")).map_err(|error| {
        Fault::new(error.to_string(), "pass TCP sockets that listen (ListenStream=)").at(passed())
    })
}

/// The lowest layer: without an address in any other, those that were passed are the addresses.
fn listening_on(addresses: &[SocketAddr]) -> Layer {
    let listen = addresses.iter().map(|&value| config::Setting { value, origin: passed() });
    Layer { listen: listen.collect(), ..Layer::default() }
}

/// Whether there is a use for every address that was passed: clients would wait for ever at one that nobody has.
fn all_wanted(passed_addresses: &[SocketAddr], listen: &[SocketAddr]) -> Result<(), config::Error> {
    let unwanted = |bound: &&SocketAddr| !listen.iter().any(|&configured| worker::fits(configured, **bound));
    match passed_addresses.iter().find(unwanted) {
        None => Ok(()),
        Some(address) => Err(Fault::new(
            format!("a socket on {address} was passed, which is none of the addresses to listen on"),
            format!("add {address} to listen, or leave listen out to take what is passed"),
        )
        .at(passed())),
    }
}

fn passed() -> Origin {
    Origin::Environment("LISTEN_FDS".into())
}
