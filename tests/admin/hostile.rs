//! Admin clients that know no manners harm neither clients nor polls.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::harness::admin::get;
use super::harness::{PATIENCE, Upstream, raise_descriptor_limit, until};
use super::start;

/// What one says, and the status of the answer.
fn said(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_thousand_that_hang_delay_neither_clients_nor_polls_nor_operators() {
    raise_descriptor_limit();
    let upstream = Upstream::list(1, "a");
    let mut mimikyu = start(&[("alpha", &upstream)], &[]);
    let admin = mimikyu.admin();
    let before = mimikyu.descriptors();
    let asked = upstream.asked("config get cluster");
    let mut hanging = Vec::new();
    let mut slowest = Duration::ZERO;
    for number in 0..1000 {
        let mut stream = TcpStream::connect(admin).unwrap();
        let words = [
            "",
            "GET /status HTTP/1.1\r\n",
            "GET /history HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "\r\n\0\u{ff}",
        ];
        // It may be gone already, for the sake of those that came after it.
        let _ = stream.write_all(words[number % words.len()].as_bytes());
        hanging.push(stream);
        if number % 100 == 0 {
            let begun = Instant::now();
            assert_eq!(mimikyu.list().hosts(), "a");
            assert_eq!(get(admin, "/live").status, 200);
            slowest = slowest.max(begun.elapsed());
        }
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    upstream.set_list(2, "a b");
    mimikyu.until_hosts("a b");
    assert!(upstream.asked("config get cluster") > asked);
    assert!(mimikyu.descriptors() <= before + mimikyu::limits::ADMIN_CONNECTIONS_MAX + 4);
    drop(hanging);
    until("the descriptors to be given back", || (mimikyu.descriptors() <= before).then_some(()));
    assert_eq!(get(admin, "/ready").status, 200);
}

#[test]
fn who_asks_for_another_host_or_with_a_body_or_to_change_something_is_told_why_not() {
    let upstream = Upstream::list(1, "a");
    let mut mimikyu = start(&[("alpha", &upstream)], &[]);
    let admin = mimikyu.admin();
    for (request, status, word) in [
        ("GET /status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 421, "localhost"),
        (
            "GET http://evil.example/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            421,
            "localhost",
        ),
        ("POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 413, "body"),
        ("DELETE /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 405, "GET"),
        ("GET /etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404, "/status"),
    ] {
        let answer = said(admin, request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        assert!(body.contains(word) && body.lines().count() == 1, "{request}: {body}");
    }
    assert!(said(admin, "GET /live HTTP/1.0\r\n\r\n").contains("live\n"), "an old client needs no Host");
    assert!(
        said(admin, "config get cluster\r\n\r\n").starts_with("HTTP/1.1 400 "),
        "a memcached client is lost"
    );
}
