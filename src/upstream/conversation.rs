//! A connection to one address: questions out, answers in.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream as StdStream};

use socket2::{Domain, Protocol, Socket, Type};

use super::Error;
use crate::protocol::Parsed;
use crate::runtime::{self, TcpStream};

/// Bytes read at a time.
const READ_BYTES: usize = 16 * 1024;

/// A connection on which questions are asked one after the other.
///
/// Dropping it, as a time-out does, shuts the socket down: an operation that was left in the ring would
/// otherwise hold it open until the upstream says something.
pub(super) struct Conversation {
    stream: TcpStream,
    address: SocketAddr,
    received: Vec<u8>,
}

impl Conversation {
    /// Begins to connect. The first question waits until it has, or says why not.
    ///
    /// The connect is not an operation of the ring because such a one, given up, could not be shut down.
    pub fn begin(address: SocketAddr) -> Result<Self, Error> {
        let error = |source| Error::Connection { address, source };
        let socket =
            Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP)).map_err(error)?;
        socket.set_tcp_nodelay(true).map_err(error)?;
        socket.set_nonblocking(true).map_err(error)?;
        match socket.connect(&address.into()) {
            Ok(()) => {}
            Err(source) if source.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(source) => return Err(error(source)),
        }
        let stream = runtime::stream(StdStream::from(socket)).map_err(error)?;
        Ok(Self { stream, address, received: Vec::new() })
    }

    /// Asks, and reads until `parse` finds the whole answer. What follows it is thrown away. It is called for each read with
    /// all that came so far, and is to remember how far it has looked: the peer says how small the pieces are.
    pub async fn ask<T>(
        &mut self,
        question: impl Into<Vec<u8>>,
        mut parse: impl FnMut(&[u8]) -> Parsed<T>,
    ) -> Result<(T, Vec<u8>), Error> {
        let error = |source| Error::Connection { address: self.address, source };
        self.received.clear();
        self.stream.write_all(question.into()).await.0.map_err(error)?;
        let mut buffer = Vec::with_capacity(READ_BYTES);
        loop {
            let read;
            (read, buffer) = self.stream.read(buffer).await;
            match read {
                Ok(0) => return Err(Error::Closed { address: self.address }),
                Ok(length) => self.received.extend_from_slice(&buffer[..length]),
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(error(source)),
            }
            buffer.clear();
            if let Parsed::Complete { value, used } = parse(&self.received) {
                self.received.truncate(used);
                return Ok((value, std::mem::take(&mut self.received)));
            }
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // It fails where the connection has ended already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
