//! What a service manager is told: systemd's `sd_notify`, datagrams to the socket that `NOTIFY_SOCKET` names.
//!
//! Never waits. A manager that does not read is told again later; one that is gone is told nothing, and neither changes what
//! clients get. The words and the clock are `sd-notify`'s, the socket is ours: theirs waits for the manager, and knows no
//! abstract addresses. The variables stay set, since the process starts no other.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;

use crate::limits::{NOTIFY_STATUS_BYTES_MAX, NOTIFY_WAITING_MAX};

/// How a service manager is told.
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    manager: SocketAddr,
    /// What the manager had no room for: the oldest first, at most [`NOTIFY_WAITING_MAX`].
    waiting: VecDeque<String>,
}

impl Notifier {
    /// The one that `NOTIFY_SOCKET` names; none where it is not set. A name that is of no use is a line in the log.
    pub fn from_environment() -> Option<Self> {
        let name = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty())?;
        match Self::new(&name) {
            Ok(notifier) => Some(notifier),
            Err(error) => {
                tracing::warn!(
                    socket = ?name, %error,
                    "the service manager can't be told anything: NOTIFY_SOCKET is to be a path, or @ and a name"
                );
                None
            }
        }
    }

    /// One that tells this socket: an absolute path, or `@` and an abstract name.
    pub fn new(name: &OsStr) -> io::Result<Self> {
        let manager = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, manager, waiting: VecDeque::new() })
    }

    /// Tells all of this in one message, after what waits. Where there is no room, it waits too; of too many the oldest
    /// are forgotten, since the newest is what is true.
    pub fn tell(&mut self, states: &[NotifyState<'_>]) {
        self.waiting.push_back(message(states));
        self.retry();
        if self.waiting.len() > NOTIFY_WAITING_MAX {
            self.waiting.pop_front();
        }
    }

    /// Tells this if there is room now: it is worth nothing later.
    pub fn tell_now(&mut self, states: &[NotifyState<'_>]) {
        self.retry();
        if self.waiting.is_empty() {
            let _ = self.send(&message(states));
        }
    }

    /// Tells what waits, as far as there is room.
    pub fn retry(&mut self) {
        while let Some(message) = self.waiting.front() {
            match self.send(message) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => tracing::debug!(%error, "the service manager is gone"),
                Ok(()) => {}
            }
            self.waiting.pop_front();
        }
    }

    fn send(&self, message: &str) -> io::Result<()> {
        // A datagram goes whole or not at all.
        self.socket.send_to_addr(message.as_bytes(), &self.manager).map(drop)
    }
}

/// A line for each state.
fn message(states: &[NotifyState<'_>]) -> String {
    states.iter().map(|state| format!("{state}\n")).collect()
}

/// A text as a `STATUS=` may have it: one line, and so short that the message it is in is not thrown away.
pub fn status_line(text: &str) -> String {
    let mut line = text.replace(char::is_control, " ");
    if line.len() > NOTIFY_STATUS_BYTES_MAX {
        let end = "…";
        let cut = (0..=NOTIFY_STATUS_BYTES_MAX - end.len()).rev().find(|&at| line.is_char_boundary(at));
        line.truncate(cut.unwrap_or(0));
        line.push_str(end);
    }
    line
}

/// The time within which the manager wants to hear [`NotifyState::Watchdog`] again; none where it does not.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|time| !time.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manager() -> (tempfile::TempDir, UnixDatagram, Notifier) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let notifier = Notifier::new(path.as_os_str()).unwrap();
        (directory, socket, notifier)
    }

    fn heard(socket: &UnixDatagram) -> Option<String> {
        let mut bytes = [0; 8192];
        let length = socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..length].to_vec()).unwrap())
    }

    /// Fills the manager's socket, and says with how many messages.
    fn fill(notifier: &mut Notifier) -> usize {
        let flags = rustix::fs::fcntl_getfl(&notifier.socket).unwrap();
        assert!(flags.contains(rustix::fs::OFlags::NONBLOCK), "it would wait here for ever");
        (0..).take_while(|_| notifier.send("FILL=1\n").is_ok()).count()
    }

    #[test]
    fn states_come_as_one_message_of_lines() {
        let (_directory, socket, mut notifier) = manager();
        notifier.tell(&[NotifyState::Ready, NotifyState::Status("all is well")]);
        assert_eq!(heard(&socket).unwrap(), "READY=1\nSTATUS=all is well\n");
        assert_eq!(heard(&socket), None);
    }

    #[test]
    fn what_a_full_socket_has_no_room_for_comes_later_in_its_order() {
        let (_directory, socket, mut notifier) = manager();
        let filled = fill(&mut notifier);
        notifier.tell(&[NotifyState::Ready]);
        notifier.tell_now(&[NotifyState::Watchdog]);
        notifier.tell(&[NotifyState::Stopping]);
        for _ in 0..filled {
            assert_eq!(heard(&socket).unwrap(), "FILL=1\n");
        }
        assert_eq!(heard(&socket), None);
        notifier.retry();
        assert_eq!(
            [(); 3].map(|()| heard(&socket)),
            [Some("READY=1\n".into()), Some("STOPPING=1\n".into()), None]
        );
        notifier.tell_now(&[NotifyState::Watchdog]);
        assert_eq!(heard(&socket).unwrap(), "WATCHDOG=1\n");
    }

    #[test]
    fn one_message_too_many_has_the_oldest_forgotten() {
        let (_directory, socket, mut notifier) = manager();
        let filled = fill(&mut notifier);
        for number in 0..=NOTIFY_WAITING_MAX {
            notifier.tell(&[NotifyState::Status(&number.to_string())]);
        }
        for _ in 0..filled {
            heard(&socket).unwrap();
        }
        let mut left = Vec::new();
        while !notifier.waiting.is_empty() {
            notifier.retry();
            left.extend(std::iter::from_fn(|| heard(&socket)));
        }
        let expected: Vec<_> = (1..=NOTIFY_WAITING_MAX).map(|number| format!("STATUS={number}\n")).collect();
        assert_eq!(left, expected);
    }

    #[test]
    fn who_is_gone_is_told_nothing_and_keeps_nothing_waiting() {
        let (directory, socket, mut notifier) = manager();
        drop((directory, socket));
        notifier.tell(&[NotifyState::Ready]);
        assert!(notifier.waiting.is_empty());
    }

    #[test]
    fn a_name_is_a_path_or_abstract() {
        let abstract_name = format!("mimikyu-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket.set_nonblocking(true).unwrap();
        Notifier::new(format!("@{abstract_name}").as_ref()).unwrap().tell(&[NotifyState::Ready]);
        assert_eq!(heard(&socket).unwrap(), "READY=1\n");
        for useless in ["notify", "vsock:2:1234", &format!("/{}", "x".repeat(200))] {
            assert!(Notifier::new(useless.as_ref()).is_err(), "{useless}");
        }
    }

    #[test]
    fn a_status_is_one_line_that_is_cut_one_byte_over_its_bound() {
        assert_eq!(status_line("a\nb\tc"), "a b c");
        let whole = "x".repeat(NOTIFY_STATUS_BYTES_MAX);
        assert_eq!(status_line(&whole), whole);
        let cut = status_line(&format!("{whole}x"));
        assert_eq!((cut.len(), cut.ends_with("x…")), (NOTIFY_STATUS_BYTES_MAX, true));
        assert!(status_line(&"é".repeat(NOTIFY_STATUS_BYTES_MAX)).len() <= NOTIFY_STATUS_BYTES_MAX);
    }
}
