//! Reads and writes are system calls, each after word from epoll. The same names as `ring` has, with as much behind them
//! as is used.

use std::io;
use std::net::{Shutdown, SocketAddr};

use socket2::SockRef;
use tokio::task::LocalSet;

/// Runs tasks on the thread that it was made on.
#[derive(Debug)]
pub struct Runtime {
    // Goes first: what its tasks hold belongs to the other one.
    tasks: LocalSet,
    runtime: tokio::runtime::Runtime,
}

impl Runtime {
    /// Runs this to its end, and the other tasks meanwhile.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.tasks.block_on(&self.runtime, future)
    }
}

/// Sets one up.
pub fn begin() -> io::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(Runtime { tasks: LocalSet::new(), runtime })
}

/// A stream of this socket, which may still be connecting. To be called by a task.
pub fn stream(socket: std::net::TcpStream) -> io::Result<TcpStream> {
    socket.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(socket).map(TcpStream)
}

/// A listener of this socket. To be called by a task.
pub fn listener(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(socket).map(TcpListener)
}

/// A connection, whose reads and writes take a buffer and give it back, as those of a ring must.
#[derive(Debug)]
pub struct TcpStream(tokio::net::TcpStream);

impl TcpStream {
    /// Reads once, as much as the buffer has capacity for.
    pub async fn read(&self, mut buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        buffer.resize(buffer.capacity(), 0);
        let read = loop {
            if let Err(error) = self.0.readable().await {
                break Err(error);
            }
            match self.0.try_read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => break read,
            }
        };
        buffer.truncate(*read.as_ref().unwrap_or(&0));
        (read, buffer)
    }

    /// Writes all of it.
    pub async fn write_all(&self, buffer: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        let mut left = buffer.as_slice();
        while !left.is_empty() {
            if let Err(error) = self.0.writable().await {
                return (Err(error), buffer);
            }
            match self.0.try_write(left) {
                Ok(0) => return (Err(io::ErrorKind::WriteZero.into()), buffer),
                Ok(written) => left = &left[written..],
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) => return (Err(error), buffer),
            }
        }
        (Ok(()), buffer)
    }

    /// Ends one direction or both, now.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        SockRef::from(&self.0).shutdown(how)
    }
}

/// A socket to which clients come.
#[derive(Debug)]
pub struct TcpListener(tokio::net::TcpListener);

impl TcpListener {
    /// The next client, and where it comes from.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = self.0.accept().await?;
        Ok((TcpStream(stream), address))
    }
}
