//! `mimikyu probe`, and the same lint on what is served.

mod harness;

use std::net::{Ipv4Addr, TcpListener};

use harness::upstream::payload;
use harness::{Behaviour, Memcached, Mimikyu, Upstream, until};
use serde_json::Value;

/// What a probe ends with, and writes to standard output and error.
fn probe(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Mimikyu::command(&[&["probe"], arguments].concat()).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Its exit code and its document.
#[track_caller]
fn document(arguments: &[&str]) -> (Option<i32>, Value) {
    let (code, out, error) = probe(&[&["--json"], arguments].concat());
    assert_eq!((error.as_str(), out.lines().count()), ("", 1), "{out}");
    (code, serde_json::from_str(&out).expect("one JSON document"))
}

/// The rules of the findings, each with its first client.
fn findings(document: &Value) -> Vec<(&str, &str)> {
    let findings = document["findings"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().map(|text| text.to_owned().leak() as &str).unwrap_or_default();
    findings.iter().map(|one| (text(&one["rule"]), text(&one["clients"][0]["client"]))).collect()
}

fn config(payload: &str) -> String {
    format!("CONFIG cluster 0 {}\r\n{payload}\r\nEND\r\n", payload.len())
}

#[test]
fn a_good_endpoint_is_shown_and_is_clean() {
    let upstream = Upstream::list(12, "a.x cache-1.example|10.0.0.17|11212");
    let address = upstream.address.to_string();
    let (code, out, error) = probe(&[&address]);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    let size = config(&payload(12, "a.x cache-1.example|10.0.0.17|11212")).len();
    for line in [
        format!("address   {address}"),
        "asked     \"config get cluster\" by the text protocol".into(),
        "engine    1.6.18; by stats 1.6.18".into(),
        format!("reply     {size} bytes, {} below 4096", 4096 - size),
        "payload   54 bytes, 8142 below 8196".into(),
        "version   12".into(),
        "nodes     2".into(),
        "host             ip          port".into(),
        "a.x              10.0.0.1   11211".into(),
        "cache-1.example  10.0.0.17  11212".into(),
        "No client is hurt.".into(),
    ] {
        assert!(out.lines().any(|found| found == line), "no line {line:?} in\n{out}");
    }
    let took = out.lines().find_map(|line| line.strip_prefix("took")?.trim().strip_suffix(" ms"));
    assert!(took.and_then(|ms| ms.parse::<f64>().ok()).is_some_and(|ms| ms > 0.0), "{out}");
    assert_eq!(upstream.questions(), ["config get cluster", "version", "stats"]);

    let (code, document) = document(&[&address]);
    assert_eq!((code, findings(&document)), (Some(0), vec![]));
    assert_eq!(document["nodes"][1]["host"], "cache-1.example");
    assert_eq!(document["nodes"][1]["port"], 11212);
    assert_eq!((&document["version"], &document["reply_bytes"]), (&12.into(), &size.into()));
    assert_eq!(document["reply_bytes_left"], 4096 - size);
    assert_eq!((&document["address"], &document["protocol"]), (&address.into(), &"text".into()));
    assert!(document["round_trip_us"].as_u64().is_some_and(|us| us > 0));
}

#[test]
fn each_rule_that_an_answer_breaks_is_found_with_its_clients() {
    let good = payload(12, "a.x b.x");
    let with = |from: &str, to: &str| config(&good.replace(from, to));
    let hosts =
        |count: usize| (0..count).map(|n| format!("host-number-{n:03}")).collect::<Vec<_>>().join(" ");
    let upstream = Upstream::list(1, "a");
    let address = upstream.address.to_string();
    for (reply, expected) in [
        (with("12\n", "12\r\n"), &[("R1", "xmemcached")][..]),
        (config(&good).replace(&format!(" {}\r", good.len()), " 9\r"), &[("R2", "AWS Java")]),
        (config(good.trim_end()), &[("R3", "pymemcache")]),
        (with(" b.x", "  b.x"), &[("R4", "pymemcache")]),
        (config(&payload(7, &hosts(135))), &[("R6", "pymemcache")]),
        (config(&payload(7, &hosts(270))), &[("R6", "pymemcache"), ("R6", "AWS libmemcached/PHP")]),
        (with("12\n", "0\n"), &[("R7", "AWS libmemcached/PHP")]),
        (with("12\n", "99999999999999999999\n"), &[("R7", "xmemcached")]),
        (with("b.x|10.0.0.1", "b.x|"), &[("R8", "dalli-elasticache")]),
        (with("b.x|10.0.0.1", "b.x|fd00::1"), &[("R8", "dalli-elasticache")]),
        (with("b.x", "b_x"), &[("R9", "dalli-elasticache")]),
        (with("b.x", "CONFIG.x"), &[("R9", "Perl")]),
    ] {
        upstream.set(Behaviour::Bytes(reply.clone()));
        let (code, document) = document(&[&address]);
        // A long reply may really come in several reads.
        let found: Vec<_> = findings(&document).into_iter().filter(|(rule, _)| *rule != "R5").collect();
        assert_eq!((code, &found[..]), (Some(3), expected), "{reply:.200}");
        let (code, out, _) = probe(&[&address]);
        assert_eq!(code, Some(3));
        for (rule, client) in expected {
            assert!(out.contains(&format!(": {rule} ")) && out.contains(client), "{out}");
        }
    }
    let (_, out, _) = probe(&[&address]);
    assert!(
        out.contains("warning: R9 END or CONFIG is a part of a host\n  nodes:   CONFIG.x:11211\n"),
        "{out}"
    );
    upstream.set(Behaviour::Bytes(config(&payload(7, &hosts(270)))));
    let (_, out, _) = probe(&[&address]);
    assert!(out.contains("severe: R6 the payload has ") && out.contains(" over 8196\n"), "{out}");
}

#[test]
fn an_engine_version_that_clients_stumble_over_is_found() {
    let upstream = Upstream::list(1, "a");
    let address = upstream.address.to_string();
    for (version, stats, expected) in [
        ("VERSION 1.6.22-x\r\n", "STAT version 1.6.22\r\nEND\r\n", ("R10", "npm memcached")),
        ("VERSION 1.6.22\r\n", "STAT version 1.6.22-x\r\nEND\r\n", ("R10", "AWS .NET")),
        ("VERSION 1.4.13\r\n", "STAT version 1.6.22\r\nEND\r\n", ("R10", "npm memcached-elasticache")),
        ("ERROR\r\n", "STAT version 1.6.22\r\nEND\r\n", ("R10", "npm memcached-elasticache")),
        ("VERSION 1.6.22\r\n", "SERVER_ERROR no\r\n", ("R10", "dalli-elasticache")),
    ] {
        upstream.set_version(version);
        upstream.set_stats(stats);
        let (code, document) = document(&[&address]);
        assert_eq!((code, findings(&document)), (Some(3), vec![expected]), "{version:?} {stats:?}");
    }
}

#[test]
fn a_reply_in_pieces_is_found() {
    let upstream = Upstream::start(Behaviour::Split(5, "a b c".into()));
    let address = upstream.address.to_string();
    // The pieces may meet again on their way, if the machine is busy.
    let document = until("a split reply", || {
        let (_, document) = document(&[&address]);
        (!findings(&document).is_empty()).then_some(document)
    });
    assert_eq!(findings(&document), [("R5", "pymemcache")]);
}

#[test]
fn without_a_list_it_says_why_and_what_to_do_on_one_line() {
    let upstream = Upstream::list(1, "a");
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("bound");
    let (address, closed) = (upstream.address.to_string(), closed.to_string());
    for (behaviour, target, expected) in [
        (Behaviour::Hangs, &closed, "refused"),
        (Behaviour::Hangs, &"no-such-host.invalid:1".to_owned(), "no-such-host.invalid has no address"),
        (Behaviour::Hangs, &address, "no whole answer within "),
        (Behaviour::Cut("CONFIG cluster 0 9\r\n1\na|".into()), &address, "closed the connection before"),
        (Behaviour::Bytes("ERROR\r\n".into()), &address, "does not know config get cluster"),
        (Behaviour::Bytes("END\r\n".into()), &address, "no node list"),
        (Behaviour::Bytes("SERVER_ERROR out of order\r\n".into()), &address, "\"SERVER_ERROR out of order\""),
        (Behaviour::Bytes("HTTP/1.1 400 Bad Request\r\n".into()), &address, "which is no node list"),
        (Behaviour::Bytes(config("1\n\n")), &address, "the list is empty"),
        (Behaviour::Bytes("x".repeat(300_000)), &address, "is over 262144 bytes"),
    ] {
        upstream.set(behaviour);
        for format in [&[][..], &["--json"]] {
            let (code, out, error) = probe(&[format, &["--timeout", "300ms", target]].concat());
            let document: Option<Value> = serde_json::from_str(&out).ok();
            let told = document.as_ref().and_then(|document| document["error"].as_str());
            assert_eq!(
                (code, told.is_none(), out.is_empty()),
                (Some(1), format.is_empty(), format.is_empty())
            );
            assert!(told.is_none_or(|told| error == format!("mimikyu: {told}\n")), "{out}");
            assert!(error.starts_with("mimikyu: ") && error.contains(expected), "{expected}: {error}");
            assert!(error.lines().count() == 1 && error.contains("; "), "{error}");
        }
    }
}

#[test]
fn a_plain_memcached_is_asked_for_its_key_by_both_protocols() {
    let memcached = Memcached::start();
    let address = memcached.address.to_string();
    for protocol in [&[][..], &["--binary"]] {
        let (code, _, error) = probe(&[protocol, &[&address]].concat());
        assert_eq!(code, Some(1), "{protocol:?}");
        assert!(error.contains("no node list"), "{error}");
    }
    memcached.publish(&payload(12, "a.x b.x"));
    for protocol in [&[][..], &["--binary"]] {
        let (code, found) = document(&[protocol, &[&address]].concat());
        assert_eq!((code, findings(&found)), (Some(0), vec![]), "{protocol:?}");
        assert_eq!((&found["version"], &found["nodes"][1]["host"]), (&12.into(), &"b.x".into()));
        assert_eq!(found["question"], "get AmazonElastiCache:cluster");
        assert!(found["engine"].as_str().is_some_and(|engine| engine.starts_with("1.")), "{found}");
        assert_eq!(found["engine"], found["stats_engine"]);
    }
    memcached.publish("12\r\na.x||11211");
    for protocol in [&[][..], &["--binary"]] {
        let (code, found) = document(&[protocol, &[&address]].concat());
        let rules: Vec<_> = findings(&found).into_iter().map(|(rule, _)| rule).collect();
        assert_eq!((code, rules), (Some(3), vec!["R1", "R3", "R8"]), "{protocol:?}");
    }
}

#[test]
fn mimikyu_is_clean_by_both_protocols_over_ipv6_and_by_name() {
    let upstream = Upstream::list(5, "a b");
    let mimikyu =
        Mimikyu::start(&["--listen", "[::1]:0", "--listen", "127.0.0.1:0", &upstream.address.to_string()]);
    assert!(mimikyu.address.is_ipv6());
    for protocol in [&[][..], &["--binary"]] {
        let (code, found) = document(&[protocol, &[&mimikyu.address.to_string()]].concat());
        assert_eq!((code, findings(&found)), (Some(0), vec![]), "{protocol:?}");
        assert_eq!(
            (&found["version"], &found["question"]),
            (&1_000_005.into(), &"config get cluster".into())
        );
        assert_eq!((&found["engine"], &found["stats_engine"]), (&"1.6.22".into(), &"1.6.18".into()));
    }
    let named = format!("localhost:{}", upstream.address.port());
    let (code, found) = document(&[&named]);
    assert_eq!((code, &found["address"]), (Some(0), &upstream.address.to_string().into()));
}

#[test]
fn a_served_list_that_hurts_clients_is_warned_of_once_a_change() {
    let upstream = Upstream::list(1, "a b");
    let arguments = ["--poll-interval", "50ms", "--poll-timeout", "250ms", &upstream.address.to_string()];
    let mut mimikyu = Mimikyu::start(&arguments);
    mimikyu.until_hosts("a b");
    assert_eq!(mimikyu.count("list hurts"), 0);

    upstream.set_list(2, "a b||11211 c_d");
    let line = mimikyu.logged("WARN list hurts some clients version=1000002");
    for words in ["R8 ", ": b:11211; ", "pymemcache", "R9 ", ": c_d:11211; ", "dalli-elasticache"] {
        assert!(line.contains(words), "no {words:?} in {line}");
    }
    // Another list, but nothing else to be said of it.
    upstream.set_list(3, "a b||11211 c_d e");
    mimikyu.logged("list changed version=1000003");
    upstream.set_list(4, "a b||11211 c_d e");
    mimikyu.logged("list is as before version=1000004");
    upstream.set_list(5, "a b|fd00::1|11211 c_d");
    let line = mimikyu.logged("WARN list hurts some clients version=1000005");
    assert!(line.contains("IPv6 in the ip field of 1 of 3 nodes, IPv4 in others: b:11211"), "{line}");
    assert_eq!(mimikyu.count("list hurts some clients"), 2);

    let many: Vec<_> = (0..300).map(|n| format!("host-number-{n:03}")).collect();
    upstream.set_list(6, &many.join(" "));
    let line = mimikyu.logged("ERROR list hurts some clients version=1000006");
    assert!(
        line.contains(" over 4096; clients: pymemcache") && line.contains("AWS libmemcached/PHP"),
        "{line}"
    );
    upstream.set_list(7, "a");
    mimikyu.logged("INFO list hurts no client any more version=1000007");
    assert_eq!(mimikyu.count("list hurts some clients"), 3);
}

#[test]
fn a_list_from_the_state_file_is_looked_at_as_well() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = directory.path().join("state");
    let state = state.to_str().expect("text");
    let upstream = Upstream::list(1, "a||11211");
    let address = upstream.address.to_string();
    let mut first = Mimikyu::start(&["--state", state, &address]);
    first.logged("WARN list hurts some clients");
    first.signal("TERM");
    assert!(first.exit().success());
    upstream.set(Behaviour::Hangs);
    let mut second = Mimikyu::start(&["--state", state, &address]);
    second.logged("list restored");
    second.logged("WARN list hurts some clients a:11211");
}
