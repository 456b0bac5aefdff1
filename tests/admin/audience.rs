//! Which clients have seen the list: a real one, at an address of its own.

use std::net::SocketAddr;

use mimikyu::status::Audience;
use socket2::{Domain, Socket, Type};

use super::harness::admin::get;
use super::harness::{Client, Mimikyu, PATIENCE, Upstream, until};
use super::start;

/// A client at 127.0.0.2 asks for the list.
fn asks(mimikyu: &Mimikyu) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
    socket.connect(&mimikyu.address.into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Client { stream: socket.into() };
    client.send("config get cluster\r\nquit\r\n");
    assert!(client.rest().starts_with("CONFIG cluster"));
}

/// Waits until so many of the one client have the list, and the metrics agree.
#[track_caller]
fn until_current(mimikyu: &mut Mimikyu, version: u32, current: usize) -> Audience {
    let admin = mimikyu.admin();
    until(&format!("{current} of 1 to have version {version}"), || {
        let status = mimikyu.status();
        let page = get(admin, "/metrics").body;
        let has = |line: &str| page.lines().any(|one| one == line);
        let is_so = status.list.is_some_and(|list| list.version == version)
            && (status.audience.seen, status.audience.current) == (1, current)
            && has("mimikyu_clients_seen 1")
            && has(&format!("mimikyu_clients_current {current}"))
            && has("mimikyu_clients_silent 0");
        is_so.then_some(status.audience)
    })
}

#[test]
fn a_client_that_has_not_asked_since_a_change_is_named_until_it_does() {
    let upstream = Upstream::list(1, "a");
    let mut mimikyu = start(&[("alpha", &upstream)], &["--workers", "2"]);
    asks(&mimikyu);
    assert!(until_current(&mut mimikyu, 1_000_001, 1).behind.is_empty());
    upstream.set_list(2, "a b");
    let audience = until_current(&mut mimikyu, 1_000_002, 0);
    let named: Vec<_> = audience.behind.iter().map(|one| (one.address.to_string(), one.version)).collect();
    assert_eq!((named, audience.behind_count), (vec![("127.0.0.2".into(), 1_000_001)], 1));
    assert_eq!((audience.silent_count, audience.share), (0, Some(0.0)), "it is within the window");
    asks(&mimikyu);
    assert!(until_current(&mut mimikyu, 1_000_002, 1).behind.is_empty());
}
