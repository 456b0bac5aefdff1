//! Where clients come in: addresses, ports, queues.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use mimikyu::config::{Admin, Config, Examined};
use mimikyu::limits::BACKLOG;
use mimikyu::worker;

use super::super::machine;
use super::Diagnosis;

/// The queue that Linux gives by default since 5.4; a shorter one loses clients when many come at once.
const QUEUE_LEAST: usize = 4096;

/// All of it.
pub fn look(Examined { config, .. }: &Examined) -> Vec<Diagnosis> {
    let mut found: Vec<_> = config
        .listen
        .iter()
        .map(|listen| address(*listen, &config.listen, config.takeover.as_deref()))
        .collect();
    found.extend(config.admin.address().map(|address| admin(address, config)));
    let read = |path: &str| fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok());
    found.extend(read("/proc/sys/net/core/somaxconn").map(queue));
    // Only where they are off does it matter: a queue that is full then drops who knocks.
    if read("/proc/sys/net/ipv4/tcp_syncookies") == Some(0) {
        let what = "0: a flood of connections that are never finished keeps clients out";
        found.push(Diagnosis::worse("tcp_syncookies", what, "sysctl -w net.ipv4.tcp_syncookies=1"));
    }
    found
}

fn address(address: SocketAddr, all: &[SocketAddr], takeover: Option<&Path>) -> Diagnosis {
    let name = format!("listen {address}");
    if let Err(fault) = machine::address(address) {
        return Diagnosis::broken(name, fault.what, fault.cure);
    }
    match worker::bind_among(&[address], all, 1) {
        Ok(_) => Diagnosis::ok(name, "the port is free"),
        // Whoever is behind the socket gives the port away.
        Err(error) if error.is_in_use() && takeover.is_some_and(|path| path.exists()) => {
            Diagnosis::ok(name, "the port is taken, and there is a daemon to take over")
        }
        Err(error) => {
            let line = error.to_string();
            let (what, cure) = line.split_once("; ").unwrap_or((&line, "choose another address"));
            Diagnosis::broken(name, what, cure)
        }
    }
}

/// Where operators come in. One that nobody has asked for is not worth a failure.
fn admin(address: SocketAddr, config: &Config) -> Diagnosis {
    let name = format!("admin {address}");
    let told = |what: String, cure: String| match config.admin {
        Admin::Usual => Diagnosis::worse(&name, what, cure),
        _ => Diagnosis::broken(&name, what, cure),
    };
    let another = "give another address with --admin, or none";
    if let Err(fault) = machine::address(address) {
        return told(fault.what, fault.cure);
    }
    if let Some(listen) = config.admin.overlap(&config.listen) {
        return told(format!("clients connect to {listen}"), another.into());
    }
    let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
    match TcpListener::bind(address) {
        Ok(_) => Diagnosis::ok(name, "the port is free"),
        Err(error) if is_taken(&error) && config.takeover.as_deref().is_some_and(Path::exists) => {
            Diagnosis::ok(name, "the port is taken, and there is a daemon to take over")
        }
        Err(error) if is_taken(&error) => told("another process has the port".into(), another.into()),
        Err(error) => told(error.to_string(), another.into()),
    }
}

fn queue(somaxconn: usize) -> Diagnosis {
    let what = format!("{somaxconn} clients may wait for each worker, who asks for {BACKLOG}");
    match somaxconn < QUEUE_LEAST {
        false => Diagnosis::ok("somaxconn", what),
        true => Diagnosis::worse("somaxconn", what, format!("sysctl -w net.core.somaxconn={BACKLOG}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_short_queue_is_worse() {
        assert_eq!(queue(QUEUE_LEAST).verdict, Verdict::Ok);
        assert_eq!(queue(QUEUE_LEAST - 1).verdict, Verdict::Worse);
    }
}
