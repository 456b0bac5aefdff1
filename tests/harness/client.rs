//! A client that sees every byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::{PATIENCE, until};

/// A connection.
pub struct Client {
    pub stream: TcpStream,
}

impl Client {
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self { stream }
    }

    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("it reads");
    }

    /// Says that no more requests come, and still reads.
    pub fn finish(&mut self) {
        // It fails where the other side has closed already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Everything until the other side closes.
    #[track_caller]
    pub fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).expect("an orderly end, not a reset or silence");
        String::from_utf8(bytes).expect("text")
    }

    /// Exactly as many bytes as `expected` has, which must be these.
    #[track_caller]
    pub fn expect(&mut self, expected: &str) {
        let mut bytes = vec![0; expected.len()];
        self.stream.read_exact(&mut bytes).expect("as many bytes as expected");
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    /// Whole lines up to and with `END`.
    #[track_caller]
    pub fn answer(&mut self) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"END\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).expect("an answer that ends with END");
            bytes.push(byte[0]);
        }
        String::from_utf8(bytes).expect("text")
    }

    /// Whether the other side has closed, without reading what it sent.
    pub fn is_closed(&mut self) -> bool {
        self.stream.set_nonblocking(true).expect("non-blocking");
        let mut byte = [0];
        let peeked = self.stream.peek(&mut byte);
        self.stream.set_nonblocking(false).expect("blocking");
        match peeked {
            Ok(length) => length == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }

    #[track_caller]
    pub fn until_closed(&mut self) {
        until("the connection to be closed", || self.is_closed().then_some(()));
    }
}

/// A `CONFIG cluster` reply, read as strictly as the strictest client does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub version: u64,
    /// `host|ip|port` each.
    pub nodes: Vec<String>,
}

impl Reply {
    #[track_caller]
    pub fn read(reply: &str) -> Self {
        let (header, rest) = reply.split_once("\r\n").unwrap_or_else(|| panic!("no header in {reply:?}"));
        let length = header.strip_prefix("CONFIG cluster 0 ").unwrap_or_else(|| panic!("no list: {reply:?}"));
        let length: usize = length.parse().expect("a length");
        let (payload, end) = rest.split_at(length);
        assert_eq!(end, "\r\nEND\r\n", "the length is exact in {reply:?}");
        assert!(!payload.contains('\r') && payload.ends_with('\n'), "bare LFs in {reply:?}");
        let (version, nodes) = payload[..payload.len() - 1].split_once('\n').expect("two lines");
        let nodes: Vec<String> = nodes.split(' ').map(String::from).collect();
        for node in &nodes {
            assert_eq!(node.split('|').count(), 3, "{node:?} in {reply:?}");
        }
        let version = version.parse().expect("a number");
        assert!((1..=2_147_483_647).contains(&version));
        Self { version, nodes }
    }

    /// The hosts, in order, with spaces between.
    pub fn hosts(&self) -> String {
        let hosts: Vec<_> = self.nodes.iter().filter_map(|node| node.split('|').next()).collect();
        hosts.join(" ")
    }
}
