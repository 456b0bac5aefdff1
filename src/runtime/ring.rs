//! Reads and writes are operations of a ring.

use std::io;

pub use tokio_uring::Runtime;
pub use tokio_uring::net::{TcpListener, TcpStream};

/// Sets one up.
pub fn begin() -> io::Result<Runtime> {
    Runtime::new(&tokio_uring::builder())
}

/// A stream of this socket, which may still be connecting.
pub fn stream(socket: std::net::TcpStream) -> io::Result<TcpStream> {
    // On a blocking socket the ring waits for readiness by itself.
    socket.set_nonblocking(false)?;
    Ok(TcpStream::from_std(socket))
}

/// A listener of this socket.
pub fn listener(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(false)?;
    Ok(TcpListener::from_std(socket))
}
