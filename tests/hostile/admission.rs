//! Who may come in, and how many of one address.

use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::control::{Control, Ways};
use super::harness::{Client, raise_descriptor_limit, until};
use super::traces::Traces;
use super::{FULL, connect, reset, scaled, start, stat};

/// Where the hostile clients come from; the control client and the tests' own questions do not.
const HOSTILE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

#[track_caller]
fn is_served(client: &mut Client) {
    client.send("version\r\n");
    client.expect("VERSION 1.6.22\r\n");
}

/// All workers count together; who is too many is told so, and others are let in meanwhile.
#[test]
fn connections_per_ip_max_reached_and_left() {
    raise_descriptor_limit();
    let (most, rounds) = (scaled(20, 200), scaled(10, 40));
    let mut mimikyu = start(&["--connections-per-ip-max", &most.to_string(), "--workers", "2"]);
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::KeptAndNew);
    for round in 0..rounds {
        let mut crowd: Vec<_> = (0..most).map(|_| connect(HOSTILE, mimikyu.address)).collect();
        crowd.iter_mut().for_each(is_served);
        for _ in 0..most {
            assert_eq!(connect(HOSTILE, mimikyu.address).rest(), FULL);
        }
        is_served(&mut connect(Ipv4Addr::new(127, 0, 0, 10), mimikyu.address));
        crowd.iter_mut().for_each(is_served);
        // However they leave.
        for client in crowd {
            if round % 2 == 0 {
                reset(client.stream);
            }
        }
        until("all places of the address to be free", || {
            (stat(&mimikyu, "curr_connections") <= 3).then_some(())
        });
    }
    assert_eq!(stat(&mimikyu, "rejected_per_ip"), most * rounds);
    let what = format!(
        "`connections_per_ip_max` of {most} reached and left | {rounds} times, {} refused",
        most * rounds
    );
    before.are_gone(&mimikyu, &what, control);
    assert_eq!(mimikyu.count("WARN too many connections of one address"), 1);
}

/// Others are closed without a word, and a storm of them disturbs nobody.
#[test]
fn networks_that_are_not_allowed() {
    let strangers = scaled(1000, 20_000);
    let mut mimikyu = start(&["--allow", "127.0.0.0/29", "--allow", "10.0.0.0/8"]);
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::KeptAndNew);
    for _ in 0..strangers {
        let mut stranger = connect(HOSTILE, mimikyu.address);
        assert_eq!(stranger.stream.read(&mut [0]).expect("an orderly end"), 0);
    }
    is_served(&mut connect(Ipv4Addr::new(127, 0, 0, 7), mimikyu.address));
    assert_eq!(stat(&mimikyu, "rejected_not_allowed"), strangers);
    let what = format!("networks that are not allowed (`allow`) | {strangers} connections");
    before.are_gone(&mimikyu, &what, control);
    assert_eq!(mimikyu.count("WARN network is not allowed"), 1);
}

/// A socket for both families shows IPv4 clients as IPv6 ones. They are IPv4 to every rule.
#[test]
fn ipv4_clients_of_an_ipv6_socket_count_as_ipv4() {
    let mimikyu = start(&[
        "--listen",
        "[::]:0",
        "--allow",
        "127.0.0.0/8",
        "--connections-per-ip-max",
        "2",
        "--workers",
        "2",
    ]);
    let port = mimikyu.address.port();
    let connect = |address: SocketAddr| Client::connect(address);
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut clients = [connect(v4), connect(v4)];
    clients.iter_mut().for_each(is_served);
    assert_eq!(connect(v4).rest(), FULL);
    assert_eq!(connect((Ipv6Addr::LOCALHOST, port).into()).rest(), "");
    clients.iter_mut().for_each(is_served);
}
