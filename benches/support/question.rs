//! What a peer is asked and the only right answer, byte for byte.

/// A request and its reply.
#[derive(Clone)]
pub struct Question {
    pub request: Vec<u8>,
    pub reply: Vec<u8>,
}

/// The version that the scripted upstream tells.
pub const UPSTREAM_VERSION: u64 = 7;
/// What mimikyu adds to it unless it is told otherwise.
const VERSION_BASE: u64 = 1_000_000;

/// The nodes of a list with names as long as ElastiCache's.
pub fn nodes(count: u16) -> String {
    let node = |n: u16| {
        let (high, low) = (n / 250, n % 250 + 1);
        format!("mc.abc123.{:04}.use1.cache.amazonaws.com|10.0.{high}.{low}|11211", n + 1)
    };
    (0..count).map(node).collect::<Vec<_>>().join(" ")
}

/// What a configuration endpoint with this version and these nodes answers.
pub fn config_reply(version: u64, nodes: &str) -> Vec<u8> {
    let payload = format!("{version}\n{nodes}\n");
    format!("CONFIG cluster 0 {}\r\n{payload}\r\nEND\r\n", payload.len()).into_bytes()
}

/// The payload that is served, which all peers hold.
pub fn payload(nodes: &str) -> String {
    format!("{}\n{nodes}\n", VERSION_BASE + UPSTREAM_VERSION)
}

impl Question {
    /// What nearly all clients ask a configuration endpoint.
    pub fn config(nodes: &str) -> Self {
        let reply = config_reply(VERSION_BASE + UPSTREAM_VERSION, nodes);
        Self { request: b"config get cluster\r\n".to_vec(), reply }
    }

    /// The same payload as memcached knows it.
    pub fn memcached(payload: &str) -> Self {
        let head = format!("VALUE AmazonElastiCache:cluster 0 {}", payload.len());
        Self {
            request: b"get AmazonElastiCache:cluster\r\n".to_vec(),
            reply: format!("{head}\r\n{payload}\r\nEND\r\n").into_bytes(),
        }
    }

    /// The same payload under the shortest key of a redis.
    pub fn redis(payload: &str) -> Self {
        Self {
            request: b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".to_vec(),
            reply: format!("${}\r\n{payload}\r\n", payload.len()).into_bytes(),
        }
    }
}
