//! Each rule broken alone, the good reply clean, and nothing in between.

use bytes::BytesMut;

use super::*;
use crate::cluster::Version;
use crate::limits::{NODES_MAX, NODES_NAMED_MAX};
use crate::protocol::binary as encoding;

const PAYLOAD: &str = "12\na.x|10.0.0.1|11211 b.x|10.0.0.2|11213\n";

fn config(payload: &str) -> Vec<u8> {
    reply::config(payload.as_bytes())
}

#[track_caller]
fn read(reply: &[u8]) -> Reading {
    text(reply, 1).unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(reply)))
}

/// The rules that a reply breaks, each once.
fn broken(findings: &[Finding]) -> Vec<Rule> {
    let mut rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    rules.dedup();
    rules
}

fn packet(key: Option<&'static str>, payload: &str) -> BytesMut {
    let echo = encoding::Echo { opcode: 0x60, opaque: 0, quiet: false, key };
    let mut out = BytesMut::new();
    encoding::value(&mut out, echo, 1, payload.as_bytes());
    out
}

/// A payload of exactly so many bytes, its nodes without fault.
fn sized(bytes: usize) -> String {
    let mut payload = String::from("1\na|10.0.0.1|1");
    while payload.len() + 1 < bytes {
        let host = (bytes - payload.len() - 1 - " |10.0.0.1|1".len()).min(200);
        // What is left must have room for one more node.
        let host = if (1..40).contains(&(bytes - payload.len() - 13 - host)) { host - 40 } else { host };
        payload.push_str(&format!(" {}|10.0.0.1|1", "h".repeat(host)));
    }
    payload + "\n"
}

#[test]
fn the_good_reply_is_clean_in_every_form() {
    for reply in
        [config(PAYLOAD), reply::value(PAYLOAD.as_bytes(), None), reply::value(PAYLOAD.as_bytes(), Some(7))]
    {
        let reading = read(&reply);
        assert_eq!(reading.findings, []);
        assert_eq!((reading.version.as_str(), reading.nodes.len()), ("12", 2));
        assert_eq!((reading.reply_bytes, reading.payload_bytes), (reply.len(), PAYLOAD.len()));
    }
    let packet = packet(None, PAYLOAD);
    let reading = binary(&packet).unwrap();
    assert_eq!((reading.findings, reading.nodes), (vec![], read(&config(PAYLOAD)).nodes));
    assert_eq!((reading.reply_bytes, reading.payload_bytes), (packet.len(), PAYLOAD.len()));
}

#[test]
fn each_rule_is_broken_alone() {
    let with = |from: &str, to: &str| config(&PAYLOAD.replace(from, to));
    let length = |length: &str| {
        String::from_utf8(config(PAYLOAD))
            .unwrap()
            .replace(&format!(" {}\r", PAYLOAD.len()), length)
            .into_bytes()
    };
    let ends =
        |from: &str, to: &str| String::from_utf8(config(PAYLOAD)).unwrap().replace(from, to).into_bytes();
    for (reply, rule, what, client) in [
        (with("12\n", "12\r\n"), Rule::R1, "the version ends in CRLF", "xmemcached"),
        (with("12\n", "12 \n"), Rule::R1, "the payload is not", ""),
        (with("12\n", "12\n\n"), Rule::R1, "the payload is not", ""),
        (with("11213\n", "11213\r\n"), Rule::R1, "the node list ends in CRLF", ""),
        (with("11213\n", "11213\n\n"), Rule::R1, "the payload is not", ""),
        (ends(&format!(" {}\r", PAYLOAD.len()), &format!(" {}", PAYLOAD.len())), Rule::R1, "the header", ""),
        (ends("\r\nEND\r\n", "\nEND\r\n"), Rule::R1, "the payload", ""),
        (ends("END\r\n", "END\n"), Rule::R1, "the line END", ""),
        (length(" 40\r"), Rule::R2, "the header says \"40\" bytes, the payload has 41", "AWS Java"),
        (length("\r"), Rule::R2, "is not CONFIG cluster 0 <length>", ""),
        (length(" 041\r"), Rule::R2, "the header says \"041\" bytes", "AWS Java"),
        (with("11213\n", "11213"), Rule::R3, "no LF at its end", "pymemcache"),
        (with(" b", "  b"), Rule::R4, "more than one space", "pymemcache"),
        (with("11213\n", "11213 \n"), Rule::R4, "after the last node", "pymemcache"),
        (with("12\na", "12\n a"), Rule::R4, "before the first node", "pymemcache"),
        (with("12\n", "0\n"), Rule::R7, "the version 0 is below 1", "AWS libmemcached/PHP"),
        (with("12\n", "2147483648\n"), Rule::R7, "over 2147483647", "xmemcached"),
        (with("12\n", "9223372036854775808\n"), Rule::R7, "over 9223372036854775807", "xmemcached"),
        (with("12\n", "99999999999999999999\n"), Rule::R7, "over 9223372036854775807", "xmemcached"),
        (with("10.0.0.2", ""), Rule::R8, "the ip field is empty in 1 of 2 nodes", "dalli-elasticache"),
        (
            with("10.0.0.2", "fd00::2"),
            Rule::R8,
            "IPv6 in the ip field of 1 of 2 nodes, IPv4",
            "dalli-elasticache",
        ),
        (with("10.0.0.2", "b.x"), Rule::R8, "the ip field is no address", "dalli-elasticache"),
        (with("b.x", "b_x"), Rule::R9, "another character", "dalli-elasticache"),
        (with("b.x", "fd00::2"), Rule::R9, "another character", "dalli-elasticache"),
        (with("b.x", "bENDx"), Rule::R9, "END or CONFIG", "Perl"),
        (with("b.x", "a.x"), Rule::Ports, "differ only in their port", "elasticache-pyclient"),
        (with("b.x", "CONFIG.x"), Rule::R9, "END or CONFIG", "Perl"),
    ] {
        let reading = read(&reply);
        let told = String::from_utf8_lossy(&reply).into_owned();
        let [finding] = &reading.findings[..] else { panic!("{told:?}: {:?}", reading.findings) };
        assert_eq!((finding.rule, finding.severity), (rule, Severity::Warning), "{told:?}");
        assert!(finding.what.contains(what), "{told:?}: {finding}");
        assert_eq!(finding.hurts.first().map_or("", |hurt| hurt.client), client, "{told:?}");
        let named: &[&str] = match rule {
            Rule::R8 => &["b.x:11213"],
            Rule::Ports => &["a.x:11211", "a.x:11213"],
            Rule::R9 => &["b_x:11213", "fd00::2:11213", "bENDx:11213", "CONFIG.x:11213"],
            _ => &[],
        };
        assert_eq!(finding.nodes.is_empty(), named.is_empty(), "{finding}");
        assert!(finding.nodes.iter().all(|node| named.contains(&node.as_str())), "{finding}");
    }
}

#[test]
fn a_reply_in_several_reads_hurts_who_reads_once() {
    assert_eq!(text(&config(PAYLOAD), 1).unwrap().findings, []);
    let findings = text(&config(PAYLOAD), 2).unwrap().findings;
    assert_eq!(broken(&findings), [Rule::R5]);
    assert_eq!(findings[0].what, "the reply came in 2 reads");
    assert_eq!(findings[0].hurts[0].client, "pymemcache");
}

#[test]
fn sizes_may_be_reached_and_not_crossed() {
    let reply_of = |bytes: usize| config(&sized(bytes - config(&sized(4000)).len() + 4000));
    assert_eq!(reply_of(4096).len(), 4096);
    assert_eq!(read(&reply_of(4096)).findings, []);
    let over = read(&reply_of(4097)).findings;
    assert_eq!(over[0].what, "the reply has 4097 bytes, 1 over 4096");
    assert_eq!((broken(&over), over[0].severity), (vec![Rule::R6], Severity::Warning));

    // A binary reply is read by none of those that mind 4096 bytes.
    assert_eq!(binary(&packet(None, &sized(8196))).unwrap().findings, []);
    let over = binary(&packet(None, &sized(8197))).unwrap().findings;
    assert_eq!(over[0].what, "the payload has 8197 bytes, 1 over 8196");
    assert_eq!((over.len(), over[0].rule, over[0].severity), (1, Rule::R6, Severity::Severe));
    assert_eq!(over[0].hurts[0].client, "AWS libmemcached/PHP");
    let severities: Vec<_> =
        read(&config(&sized(8197))).findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Warning, Severity::Severe]);
}

#[test]
fn a_key_or_strange_extras_in_a_packet_corrupt_the_list() {
    let findings = binary(&packet(Some("cluster"), PAYLOAD)).unwrap().findings;
    assert_eq!((broken(&findings), findings[0].hurts[0].client), (vec![Rule::R2], "AWS Java"));
    let mut bare = packet(None, PAYLOAD).to_vec();
    bare.drain(24..28);
    bare[4] = 0;
    bare[11] -= 4;
    let findings = binary(&bare).unwrap().findings;
    assert_eq!(broken(&findings), [Rule::R2]);
    assert!(findings[0].what.contains("behind 0 bytes of extras"), "{}", findings[0]);
}

#[test]
fn what_is_no_list_is_unusable() {
    use answer::Error;
    let payload = |payload: &str| text(&config(payload), 1).unwrap_err();
    assert_eq!(text(b"ERROR\r\n", 1), Err(Error::UnknownCommand));
    assert_eq!(text(b"END\r\n", 1), Err(Error::Miss));
    assert!(matches!(text(b"CONFIG cluster 0 3\r\n1\n", 1), Err(Error::Unexpected(_))));
    assert_eq!(payload("12\n\n"), Error::Payload(codec::Error::Empty));
    assert_eq!(payload("x\na|1|1\n"), Error::Payload(codec::Error::Version("x".into())));
    assert_eq!(payload("1\na|1\n"), Error::Payload(codec::Error::Node("a|1".into())));
    let mut miss = packet(None, "");
    miss[7] = 1;
    assert_eq!(binary(&miss), Err(Error::Miss));
    assert!(matches!(binary(&miss[..9]), Err(Error::Unexpected(_))));
}

#[test]
fn the_layouts_seen_in_the_wild_break_what_they_are_known_to_break() {
    let memorystore = read(b"CONFIG cluster 0 27\r\n12\r\n10.0.0.5|10.0.0.5|11211\r\nEND\r\n");
    assert_eq!(broken(&memorystore.findings), [Rule::R1, Rule::R3]);
    let encrypted = read(&config("12\na.x||11211 b.x||11211\n"));
    assert_eq!(broken(&encrypted.findings), [Rule::R8]);
    assert_eq!(encrypted.findings[0].what, "the ip field is empty");
    assert_eq!(encrypted.findings[0].nodes, ["a.x:11211", "b.x:11211"]);
    let six = read(&config("12\na.x|fd00::1|11211 b.x|fd00::2|11211\n"));
    assert_eq!(six.findings[0].what, "the ip field is an IPv6 address");
    let kinds = read(&config("12\na.x|fd00::1|1 b.x||2 c.x|10.0.0.1|3\n")).findings;
    assert_eq!(kinds.iter().map(|finding| finding.nodes.join(" ")).collect::<Vec<_>>(), ["b.x:2", "a.x:1"]);
}

/// Whatever white space is put in or taken out: the reply is the good one, or there is a finding, or it is no list.
#[test]
fn no_white_space_passes_unseen() {
    for good in [config(PAYLOAD), reply::value(PAYLOAD.as_bytes(), None)] {
        let mut seen = 0;
        for at in 0..=good.len() {
            let whole = |reply: &[u8]| matches!(answer::frame(reply), Parsed::Complete { used, .. } if used == reply.len());
            let mut changed: Vec<Vec<u8>> = b" \r\n"
                .iter()
                .map(|byte| [&good[..at], &[*byte], &good[at..]].concat())
                .filter(|reply| whole(reply))
                .collect();
            if good.get(at).is_some_and(u8::is_ascii_whitespace) {
                changed.push([&good[..at], &good[at + 1..]].concat());
            }
            for reply in changed {
                if let Ok(reading) = text(&reply, 1) {
                    assert_ne!(reading.findings, [], "{:?}", String::from_utf8_lossy(&reply));
                    seen += 1;
                }
            }
        }
        assert!(seen > 10, "only {seen} were lists");
    }
}

#[test]
fn what_we_serve_is_looked_at_whole_however_long() {
    let cluster = |nodes: Vec<Node>| Cluster { version: Version::new(7).unwrap(), nodes };
    let node = |n: usize, ip: &str| Node::new(format!("n{n}"), ip, 11211);
    assert_eq!(served(&cluster((0..50).map(|n| node(n, "10.0.0.1")).collect())), []);
    let many = cluster((0..NODES_MAX * 20).map(|n| node(n, "")).collect());
    let findings = served(&many);
    assert_eq!(broken(&findings), [Rule::R6, Rule::R8]);
    assert_eq!((findings[1].severity, findings[2].nodes.len()), (Severity::Severe, NODES_MAX * 20));
}

#[test]
fn a_finding_is_one_line_that_names_nodes_up_to_a_bound() {
    let list = |count: usize| {
        let nodes: Vec<_> = (0..count).map(|n| format!("n{n}||1")).collect();
        read(&config(&format!("1\n{}\n", nodes.join(" ")))).findings.remove(0)
    };
    let most = list(NODES_NAMED_MAX).to_string();
    assert!(most.starts_with("R8 the ip field is empty: n0:1, n1:1, "), "{most}");
    assert!(most.contains("n7:1; clients: dalli-elasticache (no servers, "), "{most}");
    assert!(
        most.ends_with(", pymemcache, memcachio, google/gomemcache (an address without a host)"),
        "{most}"
    );
    let over = list(NODES_NAMED_MAX + 1).to_string();
    assert!(over.contains("n7:1 and 1 more; clients: dalli-elasticache"), "{over}");
    assert!(!over.contains('\n') && !over.contains("n8"), "{over}");
    let nobody = read(&config("1 \na|10.0.0.1|1\n")).findings.remove(0).to_string();
    assert!(nobody.ends_with("; clients: none is known to mind"), "{nobody}");
}

#[test]
fn findings_are_alike_unless_rule_nodes_or_clients_differ() {
    let first = |payload: &str| read(&config(payload)).findings.remove(0);
    assert!(first(&sized(5000)).is_like(&first(&sized(6000))));
    assert!(!first(&sized(5000)).is_like(&binary(&packet(None, &sized(9000))).unwrap().findings[0]));
    assert!(first("1\na||1\n").is_like(&first("1\na||1 b|10.0.0.1|1\n")));
    assert!(!first("1\na||1\n").is_like(&first("1\nb||1\n")));
    assert!(!first("1\na||1\n").is_like(&first("1\na|fd00::1|1\n")));
}
