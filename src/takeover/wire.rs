//! Lines, descriptors and a state over a unix socket, each with a bound and a deadline.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use super::Estate;
use crate::limits::{STATE_BYTES_MAX, TAKEOVER_LINE_BYTES_MAX, TAKEOVER_SOCKETS_MAX};
use crate::state;

/// Descriptors in one message; the kernel takes 253.
const BATCH: usize = 64;

/// How much of a state is sent between two looks at the clock, in bytes: the kernel takes it in one piece.
const PIECE: usize = 16 * 1024;

/// Goes before the descriptors and the state.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    sockets: usize,
    state_bytes: u64,
}

/// The user at the other end.
pub fn peer(stream: &UnixStream) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw())
}

/// Whether that user may hand over to us, or take over from us.
pub fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// Sends one line.
pub fn write_line(mut stream: &UnixStream, line: &str) -> io::Result<()> {
    stream.write_all(format!("{line}\n").as_bytes())
}

/// The next line without its end; `None` where the other side has closed instead.
pub fn read_line(mut stream: &UnixStream, deadline: Option<Instant>) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        wait_until(stream, deadline)?;
        let mut byte = [0];
        // A byte at a time: what follows the line may come with descriptors.
        match stream.read(&mut byte) {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) if byte == *b"\n" => return Ok(Some(String::from_utf8_lossy(&line).into_owned())),
            Ok(_) if line.len() >= TAKEOVER_LINE_BYTES_MAX => {
                return Err(io::Error::other("a line is too long"));
            }
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Has the next read end by a deadline.
fn wait_until(stream: &UnixStream, deadline: Option<Instant>) -> io::Result<()> {
    stream.set_read_timeout(deadline.map(left).transpose()?)
}

/// The time until then, of which there must be some.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Whether an operation failed for the time that it took.
pub fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Sends what is handed over, by a deadline: a reader that takes a byte now and then has no longer than another.
pub fn send(mut stream: &UnixStream, estate: &Estate, deadline: Instant) -> io::Result<()> {
    let state = state::encode(&estate.state);
    let header = Header { sockets: estate.sockets.len(), state_bytes: state.len() as u64 };
    let on_time = || stream.set_write_timeout(Some(left(deadline)?));
    on_time()?;
    write_line(stream, &serde_json::to_string(&header)?)?;
    for batch in estate.sockets.chunks(BATCH) {
        let batch: Vec<BorrowedFd> = batch.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ancillary.push(SendAncillaryMessage::ScmRights(&batch)) {
            return Err(io::Error::other("too many descriptors for a message"));
        }
        on_time()?;
        sendmsg(stream, &[IoSlice::new(b".")], &mut ancillary, SendFlags::NOSIGNAL)?;
    }
    for piece in state.chunks(PIECE) {
        on_time()?;
        stream.write_all(piece)?;
    }
    Ok(())
}

/// Takes what is handed over, the header's line having been read; or says what is wrong with it.
pub fn receive(mut stream: &UnixStream, header: &str, deadline: Instant) -> Result<Estate, String> {
    let header: Header =
        serde_json::from_str(header).map_err(|_| format!("{:?} is no header", shown(header)))?;
    let (wanted, state_bytes) = (header.sockets, header.state_bytes);
    if wanted > TAKEOVER_SOCKETS_MAX || state_bytes > STATE_BYTES_MAX {
        return Err(format!("{wanted} sockets and {state_bytes} bytes are too many"));
    }
    let cut = |error: io::Error| {
        if is_late(&error) { "the rest does not come".into() } else { format!("it is cut short: {error}") }
    };
    let mut sockets = Vec::new();
    while sockets.len() < wanted {
        wait_until(stream, Some(deadline)).map_err(cut)?;
        let before = sockets.len();
        if !descriptors(stream, &mut sockets).map_err(cut)? {
            return Err("descriptors were lost; raise their limit (ulimit -n, LimitNOFILE=)".into());
        }
        if sockets.len() == before {
            return Err("there are fewer descriptors than it says".into());
        }
    }
    let mut bytes = vec![0; state_bytes as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        wait_until(stream, Some(deadline)).map_err(cut)?;
        match stream.read(&mut bytes[filled..]) {
            Ok(0) => return Err(cut(io::ErrorKind::UnexpectedEof.into())),
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(cut(error)),
        }
    }
    Ok(Estate { sockets, state: state::decode(&bytes)? })
}

/// Takes one message's descriptors. False where the kernel had to leave some out.
fn descriptors(stream: &UnixStream, sockets: &mut Vec<OwnedFd>) -> io::Result<bool> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received =
        recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            sockets.extend(descriptors);
        }
    }
    Ok(!received.flags.contains(ReturnFlags::CTRUNC))
}

/// A peer's text for a message: not too long, without control characters.
pub fn shown(text: &str) -> String {
    text.chars().take(120).map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    /// What arrives of these bytes, sent without any descriptor.
    fn received(bytes: &[u8]) -> Result<Estate, String> {
        let (mut one, other) = UnixStream::pair().unwrap();
        one.write_all(bytes).unwrap();
        drop(one);
        let header = read_line(&other, Some(soon())).unwrap().unwrap();
        receive(&other, &header, soon())
    }

    #[test]
    fn more_descriptors_than_fit_a_message_arrive_in_order() {
        let (one, other) = UnixStream::pair().unwrap();
        let files: Vec<_> = (0..BATCH * 2 + 1).map(|_| tempfile::tempfile().unwrap()).collect();
        for (length, file) in files.iter().enumerate() {
            file.set_len(length as u64).unwrap();
        }
        let estate =
            Estate { sockets: files.into_iter().map(OwnedFd::from).collect(), state: State::default() };
        send(&one, &estate, soon()).unwrap();
        let header = read_line(&other, Some(soon())).unwrap().unwrap();
        let arrived = receive(&other, &header, soon()).unwrap();
        let lengths =
            arrived.sockets.into_iter().map(|file| std::fs::File::from(file).metadata().unwrap().len());
        assert!(lengths.eq(0..BATCH as u64 * 2 + 1));
        assert_eq!(arrived.state, State::default());
    }

    #[test]
    fn what_is_wrong_is_refused_and_ends() {
        let most = STATE_BYTES_MAX;
        for (text, words) in [
            ("hello\n".into(), "is no header"),
            ("{}\n".into(), "is no header"),
            (format!("{{\"sockets\":{},\"state_bytes\":0}}\n", TAKEOVER_SOCKETS_MAX + 1), "too many"),
            (format!("{{\"sockets\":0,\"state_bytes\":{}}}\n", most + 1), "too many"),
            ("{\"sockets\":1,\"state_bytes\":0}\n.".into(), "fewer descriptors"),
            ("{\"sockets\":0,\"state_bytes\":9}\nabc".into(), "cut short"),
            ("{\"sockets\":0,\"state_bytes\":3}\nabc".into(), "cut short"),
        ] {
            let text: String = text;
            let error = received(text.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_line_has_a_bound_and_a_deadline() {
        let (one, other) = UnixStream::pair().unwrap();
        let longest = "x".repeat(TAKEOVER_LINE_BYTES_MAX);
        write_line(&one, &longest).unwrap();
        assert_eq!(read_line(&other, Some(soon())).unwrap(), Some(longest.clone()));
        write_line(&one, &format!("{longest}x")).unwrap();
        assert!(read_line(&other, Some(soon())).is_err());
        let (_one, other) = UnixStream::pair().unwrap();
        assert!(read_line(&other, Some(Instant::now() + Duration::from_millis(10))).is_err());
        one.shutdown(std::net::Shutdown::Both).unwrap();
        let (one, other) = UnixStream::pair().unwrap();
        drop(one);
        assert_eq!(read_line(&other, None).unwrap(), None);
    }

    #[test]
    fn a_process_of_ours_is_trusted() {
        let (one, _other) = UnixStream::pair().unwrap();
        assert!(is_trusted(peer(&one).unwrap()) && is_trusted(0));
        assert!(!is_trusted(rustix::process::geteuid().as_raw() + 1));
    }
}
