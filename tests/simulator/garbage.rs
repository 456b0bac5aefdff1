//! Answers that are no list, as bytes.

use fastrand::Rng;
use mimikyu::cluster::{Cluster, Version};
use mimikyu::limits::{HOST_BYTES_MAX, NODES_MAX};
use mimikyu::protocol::payload;

/// A list as an endpoint writes it, in one of the forms that are known.
pub fn answer(rng: &mut Rng, cluster: &Cluster) -> Vec<u8> {
    let payload = String::from_utf8(payload::encode(cluster)).unwrap();
    let (name, payload) = match rng.u8(..4) {
        0 => ("VALUE AmazonElastiCache:cluster", payload),
        1 => ("CONFIG cluster", payload.trim_end().replace('\n', "\r\n")),
        _ => ("CONFIG cluster", payload),
    };
    // Some endpoints miscount.
    let length = if rng.u8(..8) == 0 { rng.usize(..9999) } else { payload.len() };
    format!("{name} 0 {length}\r\n{payload}\r\nEND\r\n").into_bytes()
}

/// A list without nodes.
pub fn empty(rng: &mut Rng, version: Version) -> Vec<u8> {
    let nodes = ["", " ", "\r\n"][rng.usize(..3)];
    format!("CONFIG cluster 0 3\r\n{version}\n{nodes}\n\r\nEND\r\n").into_bytes()
}

/// Bytes that are no list, some of them nearly the list that is given.
pub fn garbage(rng: &mut Rng, cluster: &Cluster) -> Vec<u8> {
    let whole = answer(rng, cluster);
    let frame = |payload: String| format!("CONFIG cluster 0 {}\r\n{payload}\r\nEND\r\n", payload.len());
    let version = cluster.version;
    // The last one takes long to make.
    let kinds = if rng.u8(..20) == 0 { 14 } else { 13 };
    let text = match rng.u8(..kinds) {
        0 => return whole[..rng.usize(..whole.len())].to_vec(),
        1 => return (0..rng.usize(1..600)).map(|_| rng.u8(..)).filter(|byte| *byte != b'C').collect(),
        2 => "ERROR\r\n".into(),
        3 => "END\r\n".into(),
        4 => "SERVER_ERROR out of memory\r\n".into(),
        5 => "HTTP/1.1 200 OK\r\n\r\n<html>a|10.0.0.1|11211</html>\r\nEND\r\n".into(),
        6 => frame(format!("{}\na|10.0.0.1|11211\n", i32::MAX)),
        7 => frame("-1\na|10.0.0.1|11211\n".into()),
        8 => frame("99999999999999999999\na|10.0.0.1|11211\n".into()),
        9 => frame(format!("{version}\na|10.0.0.1|{}\n", ["0", "65536", "+1", "", "x"][rng.usize(..5)])),
        10 => frame(format!("{version}\na|10.0.0.1\n")),
        11 => frame(format!("{version}\na|10.0.0.1|1\nb|10.0.0.1|1\n")),
        12 => frame(format!("{version}\n{}||1\n", "h".repeat(HOST_BYTES_MAX + 1))),
        _ => frame(format!("{version}\n{}\n", vec!["a||1"; NODES_MAX + 1].join(" "))),
    };
    text.into_bytes()
}
