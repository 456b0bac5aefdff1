//! The clients: each knows every byte that it has to get.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Mutex;

use fastrand::Rng;
use socket2::{Domain, Socket, Type};

use super::server::PATIENCE;
use crate::worker::faults::Told;

const ASK: &[u8] = b"config get cluster\r\n";
const VERSION: &[u8] = b"VERSION 1.6.22\r\n";

/// Clients of one worker at a time.
const CLIENTS: usize = 42;
/// Clients that are there when it has to leave.
const LATE: usize = 8;

/// What all clients of one worker share.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub address: SocketAddr,
    pub list: &'a [u8],
    pub told: &'a Mutex<Told>,
}

/// What a client does.
#[derive(Debug, Clone, Copy)]
enum Role {
    Steady,
    Pipelined,
    Pieces,
    Unlike,
    Varied,
    Slow,
    Churn,
    Quit,
    HalfClose,
    Stats,
    WrongLine,
    Gone,
}

const ROLES: [Role; 12] = [
    Role::Steady,
    Role::Pipelined,
    Role::Pieces,
    Role::Unlike,
    Role::Varied,
    Role::Slow,
    Role::Churn,
    Role::Quit,
    Role::HalfClose,
    Role::Stats,
    Role::WrongLine,
    Role::Gone,
];

/// A connection that has ended, rightly or not.
type Ended = Result<(), String>;

impl Part<'_> {
    /// All that the worker's clients do, in two acts: in the second one it is told to leave while they are there.
    pub fn all(
        self,
        chance: &mut Rng,
        until_empty: impl Fn() -> Result<(), String>,
        drain: impl Fn(),
    ) -> Ended {
        let first = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|n| {
                    let mut chance = chance.fork();
                    scope.spawn(move || {
                        let role = ROLES[n % ROLES.len()];
                        self.play(role, &mut chance).map_err(|what| format!("{role:?}: {what}"))
                    })
                })
                .collect();
            clients.into_iter().map(|client| client.join().expect("no panic")).collect::<Result<Vec<_>, _>>()
        });
        first?;
        until_empty()?;
        // Asked before it is told to leave is answered, whoever has been accepted.
        let mut late: Vec<_> = (0..LATE).map(|_| self.client(None)).collect();
        for client in &mut late {
            client.say(&ASK.repeat(3))?;
        }
        drain();
        late.into_iter()
            .try_for_each(|client| client.rest(&self.list.repeat(3)).map_err(|what| format!("late: {what}")))
    }

    fn play(self, role: Role, chance: &mut Rng) -> Ended {
        let mut client = self.client(matches!(role, Role::Slow).then_some(4096));
        match role {
            Role::Steady => (0..40).try_for_each(|_| client.ask(1))?,
            Role::Pipelined => (0..20).try_for_each(|_| client.ask(16))?,
            Role::Pieces => {
                for _ in 0..5 {
                    let asked = ASK.repeat(3);
                    let mut rest = &asked[..];
                    while !rest.is_empty() {
                        let (piece, others) = rest.split_at(chance.usize(1..=rest.len().min(9)));
                        client.say(piece)?;
                        rest = others;
                    }
                    client.hear(&self.list.repeat(3))?;
                }
            }
            Role::Unlike => {
                let once = [b"version\r\n", ASK, b"config get x\r\n", ASK, ASK].concat();
                let answer = [VERSION, self.list, b"END\r\n", self.list, self.list].concat();
                for _ in 0..4 {
                    let times = chance.usize(1..40);
                    client.say(&once.repeat(times))?;
                    client.hear(&answer.repeat(times))?;
                }
            }
            // Answers of other sizes, one after the other, while earlier ones are on their way.
            Role::Varied => {
                for _ in 0..15 {
                    let times: Vec<_> = (0..8).map(|_| chance.usize(1..4)).collect();
                    times.iter().try_for_each(|&times| client.say(&ASK.repeat(times)))?;
                    client.hear(&self.list.repeat(times.iter().sum()))?;
                }
            }
            // More than the sockets hold and more than it may be owed.
            Role::Slow => {
                for _ in 0..2 {
                    client.say(&ASK.repeat(1500))?;
                    (0..15).try_for_each(|_| client.hear(&self.list.repeat(100)))?;
                }
            }
            Role::Churn => {
                for _ in 0..20 {
                    client.ask(1)?;
                    client = self.client(None);
                }
            }
            Role::Quit => {
                client.ask(2)?;
                client.say(&[ASK, b"quit\r\n"].concat())?;
                return client.rest(self.list);
            }
            Role::HalfClose => {
                let times = chance.usize(1..50);
                client.say(&ASK.repeat(times))?;
                client.finish();
                return client.rest(&self.list.repeat(times));
            }
            Role::Stats => {
                for _ in 0..4 {
                    client.say(&[b"stats\r\n", ASK].concat())?;
                    client.hear_stats()?;
                    client.hear(self.list)?;
                }
            }
            Role::WrongLine => {
                client.say(&[ASK, &b"x".repeat(5000)].concat())?;
                return client.rest(&[self.list, b"CLIENT_ERROR line too long\r\n"].concat());
            }
            Role::Gone => client.say(&ASK.repeat(chance.usize(1..300)))?,
        }
        Ok(())
    }

    fn client(&self, receive_buffer: Option<usize>) -> Client<'_> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        socket.set_tcp_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.connect(&self.address.into()).unwrap();
        let stream = TcpStream::from(socket);
        let name = stream.local_addr().unwrap();
        Client { stream, name, heard: 0, part: *self, over: false }
    }
}

/// One connection. Once its own connection has failed by a fault, the rest of what it does is left out.
struct Client<'a> {
    stream: TcpStream,
    name: SocketAddr,
    heard: usize,
    part: Part<'a>,
    over: bool,
}

impl Client<'_> {
    fn ask(&mut self, times: usize) -> Ended {
        self.say(&ASK.repeat(times))?;
        self.hear(&self.part.list.repeat(times))
    }

    fn say(&mut self, bytes: &[u8]) -> Ended {
        if self.over {
            return Ok(());
        }
        match self.stream.write_all(bytes) {
            Ok(()) => Ok(()),
            Err(error) => self.excuse(&format!("can't write: {error}")),
        }
    }

    fn finish(&mut self) {
        // It fails only where the connection has, and then reading says so.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next bytes have to be these.
    fn hear(&mut self, expected: &[u8]) -> Ended {
        let mut left = expected;
        let mut bytes = [0; 16 * 1024];
        while !left.is_empty() && !self.over {
            let most = left.len().min(bytes.len());
            match self.stream.read(&mut bytes[..most]) {
                Ok(0) => self.excuse("an early end")?,
                Ok(length) if bytes[..length] == left[..length] => {
                    self.heard += length;
                    left = &left[length..];
                }
                Ok(length) => return Err(self.tell(&format!("a wrong answer within {length} bytes"))),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.excuse(&format!("{} bytes are missing: {error}", left.len()))?,
            }
        }
        Ok(())
    }

    /// The next bytes have to be these, and the last.
    fn rest(mut self, expected: &[u8]) -> Ended {
        self.hear(expected)?;
        if self.over {
            return Ok(());
        }
        match self.stream.read(&mut [0; 16]) {
            Ok(0) => Ok(()),
            Ok(more) => Err(self.tell(&format!("{more} bytes more than all"))),
            Err(error) => self.excuse(&format!("no end: {error}")),
        }
    }

    /// An answer to `stats`, whose numbers are any.
    fn hear_stats(&mut self) -> Ended {
        let mut line = Vec::new();
        while !self.over {
            let mut byte = [0];
            match self.stream.read(&mut byte) {
                Ok(1) if byte[0] != b'\n' => line.push(byte[0]),
                Ok(1) if line == b"END\r" => return Ok(()),
                Ok(1) if line.starts_with(b"STAT ") => line.clear(),
                Ok(1) => return Err(self.tell(&format!("no stats: {}", String::from_utf8_lossy(&line)))),
                Ok(_) => self.excuse("an early end of stats")?,
                Err(error) => self.excuse(&format!("no stats: {error}"))?,
            }
        }
        Ok(())
    }

    /// A failure is right only where a fault has struck this very connection.
    fn excuse(&mut self, what: &str) -> Ended {
        self.over = self.part.told.lock().unwrap().victims.contains(&self.name);
        if self.over { Ok(()) } else { Err(self.tell(what)) }
    }

    fn tell(&self, what: &str) -> String {
        format!("{what}, after {} bytes", self.heard)
    }
}
