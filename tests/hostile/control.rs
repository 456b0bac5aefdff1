//! The client that nothing may happen to: it asks all the while, and checks every answer.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::connect;
use super::harness::{Client, Mimikyu, until};

/// How it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// On a connection that it keeps, and beside that on new ones, one after the other.
    KeptAndNew,
    /// On the one that it keeps: no new client could be let in.
    Kept,
}

/// What it has seen in one of the ways.
#[derive(Debug, Clone, Copy)]
struct Answers {
    count: usize,
    /// The longest from a question (for a new connection: from its connect) to the end of its answer.
    slowest: Duration,
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, slowest {:.1} ms", self.count, self.slowest.as_secs_f64() * 1e3)
    }
}

/// What it has seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    kept: Answers,
    new: Option<Answers>,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} | ", self.kept)?;
        match self.new {
            Some(new) => new.fmt(f),
            None => f.write_str("–"),
        }
    }
}

/// A thread that asks in one way until it is stopped.
struct Asking {
    answers: Arc<AtomicUsize>,
    thread: JoinHandle<Answers>,
}

/// The threads: what a new connection has to wait for does not hold up the one that is kept.
pub struct Control {
    stopped: Arc<AtomicBool>,
    kept: Asking,
    new: Option<Asking>,
}

/// From where it comes: an address that hostile clients do not have.
pub const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

impl Control {
    pub fn start(mimikyu: &Mimikyu, ways: Ways) -> Self {
        let questions =
            ["config get cluster", "version", "get AmazonElastiCache:cluster", "config get nothing"];
        let answers = questions.map(|question| {
            let mut client = connect(HOME, mimikyu.address);
            client.send(format!("{question}\r\n"));
            client.finish();
            (format!("{question}\r\n"), client.rest())
        });
        assert!(answers[0].1.starts_with("CONFIG cluster 0 ") && answers[2].1.starts_with("VALUE "));
        assert_eq!((&*answers[1].1, &*answers[3].1), ("VERSION 1.6.22\r\n", "END\r\n"));
        let stopped = Arc::new(AtomicBool::new(false));
        let address = mimikyu.address;
        let mut kept = connect(HOME, address);
        let is_new = ways == Ways::KeptAndNew;
        let fresh = move |question: &str, answer: &str| ask(&mut connect(HOME, address), question, answer);
        Self {
            new: is_new.then(|| Asking::start(&stopped, answers.clone(), fresh)),
            kept: Asking::start(&stopped, answers, move |question, answer| ask(&mut kept, question, answer)),
            stopped,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Asking> {
        [Some(&self.kept), self.new.as_ref()].into_iter().flatten()
    }

    /// Waits until it was answered so many times more, in each way.
    #[track_caller]
    pub fn is_answered(&self, times: usize) {
        let counts = || self.all().map(|asking| asking.answers.load(Ordering::Relaxed));
        let enough: Vec<_> = counts().map(|count| count + times).collect();
        let has_failed = || self.all().any(|asking| asking.thread.is_finished());
        until("the control client to be answered", || {
            (has_failed() || counts().zip(&enough).all(|(count, enough)| count >= *enough)).then_some(())
        });
        assert!(!has_failed(), "the control client got no right answer");
    }

    /// Has it leave. All its answers were right.
    #[track_caller]
    pub fn stop(self) -> Seen {
        self.is_answered(5);
        self.stopped.store(true, Ordering::Relaxed);
        let seen =
            |asking: Asking| asking.thread.join().expect("every answer of the control client was right");
        Seen { kept: seen(self.kept), new: self.new.map(seen) }
    }
}

impl Asking {
    fn start(
        stopped: &Arc<AtomicBool>,
        answers: [(String, String); 4],
        mut ask: impl FnMut(&str, &str) + Send + 'static,
    ) -> Self {
        let (stopped, count) = (stopped.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = count.clone();
        let thread = std::thread::spawn(move || {
            let mut slowest = Duration::ZERO;
            for (number, (question, answer)) in answers.iter().cycle().enumerate() {
                let asked = Instant::now();
                ask(question, answer);
                slowest = slowest.max(asked.elapsed());
                counted.store(number + 1, Ordering::Relaxed);
                if stopped.load(Ordering::Relaxed) {
                    return Answers { count: number + 1, slowest };
                }
                // The others need the processor too.
                std::thread::park_timeout(Duration::from_millis(1));
            }
            unreachable!("it goes round for ever");
        });
        Self { answers: count, thread }
    }
}

fn ask(client: &mut Client, question: &str, answer: &str) {
    client.send(question);
    client.expect(answer);
}
