//! A connection to one address, read the way a client does: it blocks, and counts its reads.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mimikyu::limits::STATS_BYTES_MAX;
use mimikyu::protocol::answer;

use super::error::Error;

/// Room for one read: more than any reply, so that it is not we who split it.
const READ_BYTES: usize = STATS_BYTES_MAX;

/// A connection on which questions are asked one after the other, until a deadline.
pub struct Conversation {
    stream: TcpStream,
    address: SocketAddr,
    buffer: Vec<u8>,
    begun: Instant,
    timeout: Duration,
}

/// A whole answer, and how it came.
pub struct Answer {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// In how many reads it came.
    pub reads: usize,
    /// From the question to its last byte.
    pub round_trip: Duration,
}

impl Conversation {
    /// Connects, and has `timeout` for that and for every question until [`Self::allow`].
    pub fn begin(address: SocketAddr, timeout: Duration) -> Result<Self, Error> {
        let begun = Instant::now();
        let stream = connect(address, timeout).map_err(|source| failure(address, timeout, source))?;
        Ok(Self { stream, address, buffer: vec![0; READ_BYTES], begun, timeout })
    }

    /// Goes on with another connection to the same address, in the time that is left.
    pub fn renew(&mut self) -> Result<(), Error> {
        self.stream = connect(self.address, self.left()?).map_err(|source| self.failure(source))?;
        Ok(())
    }

    /// Gives the questions that follow this time.
    pub fn allow(&mut self, timeout: Duration) {
        (self.begun, self.timeout) = (Instant::now(), timeout);
    }

    /// Asks, and reads until `end` knows how long the whole answer is.
    pub fn ask(
        &mut self,
        question: &[u8],
        mut end: impl FnMut(&[u8]) -> Option<usize>,
    ) -> Result<Answer, Error> {
        let asked = Instant::now();
        self.set_timeouts()?;
        self.stream.write_all(question).map_err(|source| self.failure(source))?;
        let (mut bytes, mut reads) = (Vec::new(), 0);
        loop {
            self.set_timeouts()?;
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(Error::Closed { address: self.address }),
                Ok(length) => bytes.extend_from_slice(&self.buffer[..length]),
                Err(source) if source.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(self.failure(source)),
            }
            reads += 1;
            if let Some(length) = end(&bytes) {
                bytes.truncate(length);
                return Ok(Answer { bytes, reads, round_trip: asked.elapsed() });
            }
            if bytes.len() > STATS_BYTES_MAX {
                return Err(Error::Unusable { address: self.address, source: answer::Error::TooLong });
            }
        }
    }

    fn set_timeouts(&self) -> Result<(), Error> {
        let left = Some(self.left()?);
        let set = self.stream.set_read_timeout(left).and_then(|()| self.stream.set_write_timeout(left));
        set.map_err(|source| self.failure(source))
    }

    /// The time until the deadline, which is not over.
    fn left(&self) -> Result<Duration, Error> {
        match self.timeout.saturating_sub(self.begun.elapsed()) {
            Duration::ZERO => Err(Error::Silent { address: self.address, timeout: self.timeout }),
            left => Ok(left),
        }
    }

    fn failure(&self, source: io::Error) -> Error {
        failure(self.address, self.timeout, source)
    }
}

fn connect(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn failure(address: SocketAddr, timeout: Duration, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Silent { address, timeout },
        _ => Error::Unreachable { address, source },
    }
}
