//! A service manager's end of the socket.

use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{Mimikyu, PATIENCE, until};

/// What is heard at a socket, and so far was.
pub struct Manager {
    socket: UnixDatagram,
    name: String,
    heard: RefCell<Vec<String>>,
    directory: Option<tempfile::TempDir>,
}

impl Manager {
    pub fn at_a_path() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self::of(socket, path.to_str().unwrap().into(), Some(directory))
    }

    pub fn at_an_abstract_name() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("mimikyu-test-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Self::of(socket, format!("@{name}"), None)
    }

    fn of(socket: UnixDatagram, name: String, directory: Option<tempfile::TempDir>) -> Self {
        Self { socket, name, heard: RefCell::default(), directory }
    }

    /// The binary, told of this manager.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Mimikyu::command(arguments);
        command.env("NOTIFY_SOCKET", &self.name).env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
        command
    }

    /// Takes the socket away.
    pub fn leave(&mut self) {
        self.directory = None;
    }

    /// Lets it get no more until something is read.
    pub fn fill(&self) {
        let socket = UnixDatagram::unbound().unwrap();
        socket.set_nonblocking(true).unwrap();
        while socket.send_to(b"FILL=1\n", &self.name).is_ok() {}
    }

    fn hear(&self, longest: Duration) -> bool {
        self.socket.set_read_timeout(Some(longest.max(Duration::from_millis(1)))).unwrap();
        let mut bytes = [0; 8192];
        let Ok(length) = self.socket.recv(&mut bytes) else { return false };
        assert!(length <= 4096, "systemd throws away messages of more than 4096 bytes");
        self.heard.borrow_mut().push(String::from_utf8(bytes[..length].to_vec()).unwrap());
        true
    }

    /// Waits for a message with these words, also if it came before.
    #[track_caller]
    pub fn until(&self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.heard.borrow().iter().find(|message| message.contains(words)).cloned();
            if let Some(found) = found {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {words:?} in {:#?}", self.heard.borrow());
            self.hear(left);
        }
    }

    /// Waits for one more.
    #[track_caller]
    pub fn next(&self, words: &str) -> String {
        self.heard.borrow_mut().retain(|message| !message.contains(words));
        self.until(words)
    }

    /// Waits until no such message has come for so long, and forgets those that came.
    #[track_caller]
    pub fn until_silent(&self, words: &str, silence: Duration) {
        let deadline = Instant::now() + PATIENCE;
        let mut last = Instant::now();
        while last.elapsed() < silence {
            assert!(Instant::now() < deadline, "{words:?} never ends");
            if self.hear(silence.saturating_sub(last.elapsed()))
                && self.heard.borrow().last().is_some_and(|message| message.contains(words))
            {
                last = Instant::now();
            }
        }
        self.forget();
    }

    pub fn count(&self, words: &str) -> usize {
        while self.hear(Duration::ZERO) {}
        self.heard.borrow().iter().filter(|message| message.contains(words)).count()
    }

    /// Forgets what came so far.
    pub fn forget(&self) {
        while self.hear(Duration::ZERO) {}
        self.heard.borrow_mut().clear();
    }
}

/// What `CLOCK_MONOTONIC` shows, in microseconds.
pub fn monotonic_usec() -> u128 {
    let sd_notify::NotifyState::MonotonicUsec(usec) = sd_notify::NotifyState::monotonic_usec_now().unwrap()
    else {
        unreachable!("it is what was asked for")
    };
    usec.try_into().unwrap()
}

/// A tracer, which lets go of what it traces when it is dropped.
pub struct Tracer(Child);

/// Has a worker's next entry to its ring take a minute.
pub fn strace_worker(process: u32, name: &str) -> Tracer {
    let thread = until("the worker's thread", || {
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let mut threads = threads.map_while(Result::ok).map(|thread| thread.path());
        threads
            .find(|thread| std::fs::read_to_string(thread.join("comm")).is_ok_and(|comm| comm.trim() == name))
    });
    let id = thread.file_name().unwrap().to_str().unwrap().to_owned();
    let mut command = Command::new("strace");
    command.args([
        "-p",
        &id,
        "-e",
        "trace=io_uring_enter",
        "-e",
        "inject=io_uring_enter:delay_enter=60000000",
    ]);
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("strace is installed (tests/run installs it)");
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("attached"), "{line}");
    // It goes on writing, and must not be stopped by a pipe that is closed.
    std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(drop));
    Tracer(child)
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
