//! Asks an admin address.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;
use super::process::{Mimikyu, field};

/// An answer by HTTP.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// What there is at a path.
#[track_caller]
pub fn get(address: SocketAddr, path: &str) -> Answer {
    try_get(address, path).expect("an answer")
}

/// The same, where there may be nobody.
pub fn try_get(address: SocketAddr, path: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer {
        status: status.ok_or(std::io::ErrorKind::InvalidData)?,
        head: head.into(),
        body: body.into(),
    })
}

/// `/status`, read as the types that the page and `top` are written against.
#[track_caller]
pub fn status(admin: SocketAddr) -> mimikyu::status::Status {
    serde_json::from_str(&get(admin, "/status").body).expect("the status")
}

impl Mimikyu {
    /// Where operators are answered, which the ready line says.
    #[track_caller]
    pub fn admin(&mut self) -> SocketAddr {
        let line = self.logged("ready");
        field(&line, "admin").parse().expect("an admin address")
    }

    /// Its status.
    #[track_caller]
    pub fn status(&mut self) -> mimikyu::status::Status {
        status(self.admin())
    }
}
