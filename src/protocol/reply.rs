//! What clients are answered, in the ASCII encoding.
//!
//! The form is the one that all of 25 real clients accept, AWS's documented samples included: CRLF
//! ends only the header, the payload and `END`; inside the payload there are bare LFs.

use bytes::{BufMut, Bytes, BytesMut};

use super::LEGACY_KEY;
use crate::limits::{REPEATED_BYTES_MAX, REPEATS_MAX};

/// Answers a `config get` of something that is not there.
pub const MISS: &str = "END\r\n";

/// Answers whoever asks for the list before there has ever been one; the connection is closed, since
/// an error that leaves it open hangs some clients for ever.
pub const NO_LIST: &str = "SERVER_ERROR mimikyu has no node list yet\r\n";

/// Greets a connection over the limit, as memcached does.
pub const TOO_MANY_CONNECTIONS: &str = "ERROR Too many open connections\r\n";

/// Answers `stats` when no upstream endpoint does; the connection is closed.
pub const NO_STATS: &str = "SERVER_ERROR mimikyu has no upstream that answers stats\r\n";

/// Answers `stats` when too many clients wait for one already; the connection is closed.
pub const STATS_BUSY: &str = "SERVER_ERROR mimikyu has too many stats requests waiting\r\n";

/// A reply as it is kept ready: the same bytes many times over, so that k pipelined requests are
/// answered from one buffer.
#[derive(Debug, Clone)]
pub struct Reply {
    repeated: Bytes,
    unit: usize,
}

impl Reply {
    /// A reply that is sent once or seldom: kept a single time.
    pub fn single(bytes: impl Into<Bytes>) -> Self {
        let repeated = bytes.into();
        Self { unit: repeated.len(), repeated }
    }

    /// A reply that is sent often: kept as many times over as fit the bound.
    pub fn repeated(unit: &[u8]) -> Self {
        let times = (REPEATED_BYTES_MAX / unit.len().max(1)).clamp(1, REPEATS_MAX);
        // A `Bytes` that fills its memory to the last byte allocates when it is first cloned; this one does not.
        let mut repeated = BytesMut::with_capacity(unit.len() * times + 1);
        for _ in 0..times {
            repeated.put_slice(unit);
        }
        Self { repeated: repeated.freeze(), unit: unit.len() }
    }

    /// A reply that never changes and is seldom sent.
    pub fn fixed(line: &'static str) -> Self {
        Self::single(Bytes::from_static(line.as_bytes()))
    }

    /// The reply, once.
    pub fn once(&self) -> &[u8] {
        &self.repeated[..self.unit]
    }

    /// Length of the reply in bytes.
    pub fn unit(&self) -> usize {
        self.unit
    }

    /// The longest piece of the reply's endless repetition that starts `offset` bytes into it, lies in
    /// one piece of memory and has `limit` bytes at most.
    pub fn piece(&self, offset: usize, limit: usize) -> &[u8] {
        let start = offset % self.unit.max(1);
        &self.repeated[start..self.repeated.len().min(start.saturating_add(limit))]
    }

    /// Whether both are the same memory, so that one can be sent as the other once more.
    pub fn is(&self, other: &Reply) -> bool {
        self.unit == other.unit && self.repeated.as_ptr() == other.repeated.as_ptr()
    }
}

/// `CONFIG cluster 0 <length>`, the payload, `END`.
pub fn config(payload: &[u8]) -> Vec<u8> {
    [format!("CONFIG cluster 0 {}\r\n", payload.len()).as_bytes(), payload, b"\r\nEND\r\n"].concat()
}

/// `VALUE AmazonElastiCache:cluster 0 <length> [<cas>]`, the payload, `END`.
pub fn value(payload: &[u8], cas: Option<u64>) -> Vec<u8> {
    let cas = cas.map(|cas| format!(" {cas}")).unwrap_or_default();
    let header = format!("VALUE {LEGACY_KEY} 0 {}{cas}\r\n", payload.len());
    [header.as_bytes(), payload, b"\r\nEND\r\n"].concat()
}

/// Asks a node for what it holds under the legacy key.
pub fn retrieval() -> Vec<u8> {
    format!("get {LEGACY_KEY}\r\n").into_bytes()
}

/// Has a node hold the payload under the legacy key: flags 0, no expiry.
pub fn storage(payload: &[u8]) -> Vec<u8> {
    [format!("set {LEGACY_KEY} 0 0 {}\r\n", payload.len()).as_bytes(), payload, b"\r\n"].concat()
}

/// `VERSION <version>`.
pub fn version(version: &str) -> Vec<u8> {
    format!("VERSION {version}\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_counts_both_line_feeds_and_nothing_else() {
        let payload = b"12\nhost|10.0.0.1|11211\n";
        let reply = config(payload);
        assert_eq!(reply, b"CONFIG cluster 0 23\r\n12\nhost|10.0.0.1|11211\n\r\nEND\r\n");
        let value = value(payload, Some(7));
        assert_eq!(value, b"VALUE AmazonElastiCache:cluster 0 23 7\r\n12\nhost|10.0.0.1|11211\n\r\nEND\r\n");
    }

    #[test]
    fn a_piece_goes_on_where_the_last_one_ended() {
        let reply = Reply::repeated(b"abc");
        let mut sent = Vec::new();
        let total = 3 * (REPEATS_MAX + 5);
        while sent.len() < total {
            let piece = reply.piece(sent.len(), (total - sent.len()).min(50));
            assert!(!piece.is_empty());
            sent.extend_from_slice(piece);
        }
        assert_eq!(sent, b"abc".repeat(REPEATS_MAX + 5));
    }

    #[test]
    fn is_kept_as_often_as_the_bounds_allow() {
        assert_eq!(Reply::repeated(b"abc").repeated.len(), 3 * REPEATS_MAX);
        let long = vec![b'x'; REPEATED_BYTES_MAX / 3];
        assert_eq!(Reply::repeated(&long).repeated.len(), long.len() * 3);
        let longer = vec![b'x'; REPEATED_BYTES_MAX + 1];
        assert_eq!(Reply::repeated(&longer).repeated.len(), longer.len());
    }
}
