//! A node list is understood whole or refused; what is understood is written and read again unchanged.

use crate::cluster::{Cluster, Version};
use crate::limits::{HOST_BYTES_MAX, NODES_MAX};
use crate::protocol::{Parsed, answer, payload, reply};

/// Reads `input` as the payload of an upstream's answer.
pub fn payload(input: &[u8]) {
    match payload::decode(input) {
        Ok(cluster) => {
            accepted(&cluster);
            letter_by_letter(input, &cluster);
        }
        Err(error) => message(&error),
    }
}

/// What holds for every list that is taken from an upstream.
pub(super) fn accepted(cluster: &Cluster) {
    assert!(cluster.version <= Version::MAX);
    assert!((1..=NODES_MAX).contains(&cluster.nodes.len()));
    for node in &cluster.nodes {
        assert!((1..=HOST_BYTES_MAX).contains(&node.host.len()) && node.ip.len() <= HOST_BYTES_MAX);
        assert!(node.port != 0);
        let mut bytes = node.host.bytes().chain(node.ip.bytes());
        assert!(bytes.all(|byte| byte.is_ascii_graphic() && byte != b'|'), "{node}");
    }
    let written = payload::encode(cluster);
    assert_eq!(payload::decode(&written).as_ref(), Ok(cluster));
    let cas = u64::from(cluster.version.number());
    for reply in [reply::config(&written), reply::value(&written, None), reply::value(&written, Some(cas))] {
        // Clients are not as lenient as we are: they read by the length, and CRLF stands here and nowhere else.
        let body = [b"\r\n", &written[..], b"\r\nEND\r\n"].concat();
        let header = reply.strip_suffix(&body[..]).map(String::from_utf8_lossy).unwrap_or_default();
        assert_eq!(header.split(' ').nth(3), Some(written.len().to_string().as_str()), "{header}");
        let Parsed::Complete { value: Ok(read), used } = answer::parse(&reply) else {
            panic!("our own reply is refused: {:?}", String::from_utf8_lossy(&reply));
        };
        assert_eq!((&read, used), (cluster, reply.len()));
    }
}

/// An error can be logged on one line of bounded length, whatever an upstream wrote.
pub(super) fn message(error: &dyn std::error::Error) {
    line(&error.to_string());
}

/// The same for the text alone.
pub(super) fn line(message: &str) {
    assert!(!message.chars().any(char::is_control), "{message:?}");
    // A quoted byte has eight characters at most (`\u{1234}` and the like).
    assert!(message.len() <= 8 * (HOST_BYTES_MAX + 64) + 100, "{} bytes", message.len());
}

/// Names are hashed by clients, so they must come out as they went in, all of them, in their order.
fn letter_by_letter(input: &[u8], cluster: &Cluster) {
    let mut words = input.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let version = words.next().map(String::from_utf8_lossy).unwrap_or_default();
    assert_eq!(version.parse(), Ok(cluster.version.number()));
    for node in &cluster.nodes {
        let names = format!("{}|{}|", node.host, node.ip);
        let port = words.next().and_then(|word| word.strip_prefix(names.as_bytes()));
        let port = port.map(String::from_utf8_lossy).unwrap_or_default();
        assert_eq!(port.parse(), Ok(node.port), "{node}");
    }
    assert_eq!(words.next(), None, "a node was left out");
}
