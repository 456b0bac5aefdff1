//! The questions that clients ask, in their order: the list, then the engine's version in two ways.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use mimikyu::cluster::Node;
use mimikyu::config::HostPort;
use mimikyu::limits::ADDRESSES_MAX;
use mimikyu::lint::{self, Question, Reading};
use mimikyu::protocol::answer::{self, Progress};
use mimikyu::protocol::lines::Lines;
use mimikyu::protocol::{LEGACY_KEY, Parsed, packet, stats};

use super::conversation::Conversation;
use super::error::Error;
use crate::cli::{Encoding, Probe};

const CONFIG: &str = "config get cluster";
const LEGACY: &str = "get AmazonElastiCache:cluster";

/// Opcodes of the binary protocol.
const CONFIG_GET: u8 = 0x60;
const GET: u8 = 0x00;
const VERSION: u8 = 0x0b;
const STAT: u8 = 0x10;
const NOOP: u8 = 0x0a;

/// The least time that an address has: none at all is no time-out to a socket.
const SHARE_MIN: Duration = Duration::from_millis(1);

/// Everything that was found out.
#[derive(Debug)]
pub struct Outcome {
    /// The endpoint, as it was named.
    pub target: HostPort,
    /// The address that answered.
    pub address: SocketAddr,
    /// Addresses that were tried before, and why they gave no list.
    pub tried: Vec<Error>,
    /// The protocol.
    pub encoding: Encoding,
    /// The question that was answered with the list.
    pub question: &'static str,
    /// From that question to the last byte of the answer.
    pub round_trip: Duration,
    /// The list, and whom it hurts; whom the engine's version hurts too.
    pub reading: Reading,
    /// What `version` answers.
    pub engine: Option<String>,
    /// What `stats` says of the version.
    pub stats_engine: Option<String>,
}

/// Asks an endpoint all that is to be known.
pub fn ask(probe: &Probe) -> Result<Outcome, Error> {
    let begun = Instant::now();
    let addresses = resolve(&probe.target, probe.timeout)?;
    let left = probe.timeout.saturating_sub(begun.elapsed());
    let (tried, listed) = first_list(&addresses, probe.encoding, left);
    let Some((address, listed)) = listed else { return Err(telling(tried)) };
    let Listed { mut conversation, question, round_trip, mut reading, .. } = listed;
    conversation.allow(probe.timeout);
    let mut engine = |question: Question| {
        let version = match probe.encoding {
            Encoding::Text => text_engine(&mut conversation, question),
            Encoding::Binary => binary_engine(&mut conversation, question),
        };
        // An endpoint that does not answer this is found wanting; the probe has not failed.
        let version = version.ok().flatten();
        reading.findings.extend(question.check(version.as_deref()));
        version
    };
    let (engine, stats_engine) = (engine(Question::Version), engine(Question::Stats));
    let (target, encoding) = (probe.target.clone(), probe.encoding);
    Ok(Outcome { target, address, tried, encoding, question, round_trip, reading, engine, stats_engine })
}

/// Asks an endpoint for its list and nothing else.
pub fn nodes(target: &HostPort, timeout: Duration) -> Result<Vec<Node>, Error> {
    let begun = Instant::now();
    let addresses = resolve(target, timeout)?;
    let (tried, listed) = first_list(&addresses, Encoding::Text, timeout.saturating_sub(begun.elapsed()));
    listed.map(|(_, listed)| listed.reading.nodes).ok_or_else(|| telling(tried))
}

/// Asks each address in turn until one has a list; says what became of those before it.
pub fn first_list(
    addresses: &[SocketAddr],
    encoding: Encoding,
    timeout: Duration,
) -> (Vec<Error>, Option<(SocketAddr, Listed)>) {
    let begun = Instant::now();
    let mut tried = Vec::new();
    for (at, &address) in addresses.iter().enumerate() {
        // An even share of what is left, so that one address which hangs leaves some to the others.
        let share = timeout.saturating_sub(begun.elapsed()) / (addresses.len() - at) as u32;
        match list(address, encoding, share.max(SHARE_MIN)) {
            Ok(listed) => return (tried, Some((address, listed))),
            Err(error) => tried.push(error),
        }
    }
    (tried, None)
}

/// Every address of a name, each once and as many as are tried. Never empty.
pub fn resolve(target: &HostPort, timeout: Duration) -> Result<Vec<SocketAddr>, Error> {
    addresses(target, timeout, ADDRESSES_MAX)
}

/// Every address of a name, each once and `most` of them at most. Never empty.
pub fn addresses(target: &HostPort, timeout: Duration, most: usize) -> Result<Vec<SocketAddr>, Error> {
    let error = |source| Error::Resolve { target: target.clone(), source };
    let (sender, receiver) = mpsc::channel();
    let (host, port) = (target.host.clone(), target.port);
    // The resolver can't be given up; its thread ends with the process.
    let look_up = move || {
        let found = (host.as_str(), port).to_socket_addrs();
        let _ = sender.send(found.map(Iterator::collect::<Vec<_>>));
    };
    thread::Builder::new().name("resolver".into()).spawn(look_up).map_err(error)?;
    let late = || io::Error::other(format!("the resolver took over {} ms", timeout.as_millis()));
    let found = receiver.recv_timeout(timeout).map_err(|_| error(late()))?.map_err(error)?;
    let mut addresses = Vec::new();
    for address in found {
        if !addresses.contains(&address) && addresses.len() < most {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(error(io::Error::other("the name has none"))) } else { Ok(addresses) }
}

/// Of several failures, that of an endpoint which answered; else the last. There is one at least.
pub fn telling(mut tried: Vec<Error>) -> Error {
    let answered = tried.iter().position(|error| matches!(error, Error::Unusable { .. }));
    tried.swap_remove(answered.unwrap_or(tried.len() - 1))
}

/// A list, and how it was had.
pub struct Listed {
    conversation: Conversation,
    question: &'static str,
    round_trip: Duration,
    /// What the list is.
    pub reading: Reading,
    /// The whole reply.
    pub reply: Vec<u8>,
}

/// Asks one address for its list; where it knows no configuration, for the legacy key.
fn list(address: SocketAddr, encoding: Encoding, timeout: Duration) -> Result<Listed, Error> {
    let mut conversation = Conversation::begin(address, timeout)?;
    let ask = |conversation: &mut Conversation, question: &str, opcode, key| {
        let answer = match encoding {
            Encoding::Text => {
                let mut progress = Progress::default();
                let end = |input: &[u8]| length(answer::frame_on(input, &mut progress));
                conversation.ask(format!("{question}\r\n").as_bytes(), end)?
            }
            Encoding::Binary => {
                // A plain memcached (1.6) keeps its error back until more comes, and loses step after it: so
                // something does come, and the next question is asked on a connection of its own.
                let question = [packet::request(opcode, key), packet::request(NOOP, "")].concat();
                conversation.ask(&question, |input| length(packet::parse(input)))?
            }
        };
        let reading = match encoding {
            Encoding::Text => lint::text(&answer.bytes, answer.reads),
            Encoding::Binary => lint::binary(&answer.bytes),
        };
        Ok((answer.round_trip, answer.bytes, reading))
    };
    let mut question = CONFIG;
    let (mut round_trip, mut reply, mut reading) = ask(&mut conversation, question, CONFIG_GET, "cluster")?;
    if matches!(reading, Err(answer::Error::UnknownCommand | answer::Error::Miss)) {
        question = LEGACY;
        if encoding == Encoding::Binary {
            conversation.renew()?;
        }
        (round_trip, reply, reading) = ask(&mut conversation, question, GET, LEGACY_KEY)?;
    }
    let reading = reading.map_err(|source| Error::Unusable { address, source })?;
    Ok(Listed { conversation, question, round_trip, reading, reply })
}

/// How long an answer is, once it is whole.
fn length<T>(parsed: Parsed<T>) -> Option<usize> {
    match parsed {
        Parsed::Complete { used, .. } => Some(used),
        Parsed::Partial => None,
    }
}

/// The engine's version by a text command.
fn text_engine(conversation: &mut Conversation, question: Question) -> Result<Option<String>, Error> {
    let mut lines = Lines::default();
    let end = |input: &[u8]| match question {
        Question::Version => input.iter().position(|byte| *byte == b'\n').map(|end| end + 1),
        Question::Stats => length(stats::end(input, &mut lines)),
    };
    let answer = conversation.ask(format!("{}\r\n", question.word()).as_bytes(), end)?;
    Ok(question.version_in(&answer.bytes))
}

/// The engine's version by packets: one answers `version`, one a line and an empty one answer `stats`.
fn binary_engine(conversation: &mut Conversation, question: Question) -> Result<Option<String>, Error> {
    let opcode = match question {
        Question::Version => VERSION,
        Question::Stats => STAT,
    };
    conversation.renew()?;
    let (mut version, mut seen) = (None, 0);
    let end = |input: &[u8]| {
        while let Parsed::Complete { value, used } = packet::parse(&input[seen..]) {
            seen += used;
            let Some(response) = value.ok().filter(|response| response.status == 0) else {
                return Some(seen);
            };
            if question == Question::Version || response.key == b"version" {
                version = Some(String::from_utf8_lossy(response.value).into_owned());
            }
            if question == Question::Version || response.key.is_empty() {
                return Some(seen);
            }
        }
        None
    };
    conversation.ask(&packet::request(opcode, ""), end)?;
    Ok(version)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, Shutdown, TcpListener};

    use bytes::BytesMut;
    use mimikyu::protocol::binary::{self, Echo};

    use super::*;
    use crate::cli::Format;

    /// An address where each connection is told this.
    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut question = [0; 100];
                let _ = stream.read(&mut question).and_then(|_| stream.write_all(answer.as_bytes()));
            }
        });
        address
    }

    /// An address where nobody listens, an address where nobody answers (and what keeps it so).
    fn dead_and_silent() -> (SocketAddr, SocketAddr, TcpListener) {
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (dead, silent) = (bind().local_addr().unwrap(), bind());
        (dead, silent.local_addr().unwrap(), silent)
    }

    #[test]
    fn each_address_is_tried_and_one_that_hangs_leaves_time_to_the_others() {
        let (dead, silent, _listener) = dead_and_silent();
        let good = answering("CONFIG cluster 0 17\r\n1\na|10.0.0.1|123\n\r\nEND\r\n");
        let unused = answering("END\r\n");
        let timeout = Duration::from_secs(3);
        let begun = Instant::now();
        let (tried, listed) = first_list(&[dead, silent, good, unused], Encoding::Text, timeout);
        assert!(begun.elapsed() < timeout, "it took {:?}", begun.elapsed());
        let (address, listed) = listed.expect("one has a list");
        assert_eq!((address, listed.reading.version.as_str(), listed.question), (good, "1", CONFIG));
        assert!(
            matches!(&tried[..], [Error::Unreachable { address, .. }, Error::Silent { address: second, .. }]
                if *address == dead && *second == silent),
            "{tried:?}"
        );
    }

    #[test]
    fn of_several_failures_the_one_of_who_answered_is_told() {
        let (dead, ..) = dead_and_silent();
        let (tried, listed) =
            first_list(&[dead, answering("nonsense\r\n"), dead], Encoding::Text, SHARE_MIN * 900);
        assert!(listed.is_none());
        assert!(matches!(telling(tried), Error::Unusable { .. }));
    }

    #[test]
    fn by_packets_each_question_has_a_connection_of_its_own() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut header = [0; 24];
                stream.read_exact(&mut header).unwrap();
                let (mut out, echo) =
                    (BytesMut::new(), Echo { opcode: header[1], opaque: 0, quiet: false, key: None });
                match header[1] {
                    CONFIG_GET => binary::value(&mut out, echo, 1, b"1\na|10.0.0.1|123\n"),
                    VERSION => binary::text(&mut out, echo, "1.6.22"),
                    _ => binary::stats(&mut out, echo, b"STAT pid 1\r\nSTAT version 1.6.18\r\nEND\r\n"),
                }
                let _ = stream.write_all(&out);
                let _ = stream.shutdown(Shutdown::Write);
                // To its end, lest unread input make the kernel reset what was sent.
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        let target = HostPort { host: "127.0.0.1".into(), port };
        let timeout = Duration::from_secs(10);
        let probe = Probe { target, encoding: Encoding::Binary, format: Format::Text, timeout };
        let outcome = ask(&probe).unwrap();
        assert_eq!(outcome.reading.findings, []);
        assert_eq!(outcome.engine.as_deref(), Some("1.6.22"));
        assert_eq!(outcome.stats_engine.as_deref(), Some("1.6.18"));
    }
}
