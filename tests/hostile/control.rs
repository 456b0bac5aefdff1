//! The client that nothing may happen to: it asks all the while, and checks every answer.

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
    /// On a connection that it keeps, and every fourth time on a new one.
    KeptAndNew,
    /// On the one that it keeps: no new client could be let in.
    Kept,
}

/// What it has seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub answers: usize,
    /// The longest from a question (for a new connection: from its connect) to the end of its answer.
    pub slowest: Duration,
}

/// A thread that asks until it is stopped.
pub struct Control {
    stopped: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    thread: JoinHandle<Seen>,
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
        let (stopped, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (is_stopped, counted, address) = (stopped.clone(), count.clone(), mimikyu.address);
        let mut kept = connect(HOME, address);
        let thread = std::thread::spawn(move || {
            let mut slowest = Duration::ZERO;
            for (number, (question, answer)) in answers.iter().cycle().enumerate() {
                let asked = Instant::now();
                match ways {
                    // Not a divisor of the number of questions, so that each is asked both ways.
                    Ways::KeptAndNew if number % 5 == 4 => ask(&mut connect(HOME, address), question, answer),
                    _ => ask(&mut kept, question, answer),
                }
                slowest = slowest.max(asked.elapsed());
                counted.store(number + 1, Ordering::Relaxed);
                if is_stopped.load(Ordering::Relaxed) {
                    return Seen { answers: number + 1, slowest };
                }
                // The others need the processor too.
                std::thread::park_timeout(Duration::from_millis(1));
            }
            unreachable!("it goes round for ever");
        });
        Self { stopped, answers: count, thread }
    }

    /// Waits until it was answered so many times more.
    #[track_caller]
    pub fn is_answered(&self, times: usize) {
        let enough = self.answers.load(Ordering::Relaxed) + times;
        until("the control client to be answered", || {
            let failed = self.thread.is_finished();
            (failed || self.answers.load(Ordering::Relaxed) >= enough).then_some(())
        });
        assert!(!self.thread.is_finished(), "the control client got no right answer");
    }

    /// Has it leave. All its answers were right.
    #[track_caller]
    pub fn stop(self) -> Seen {
        self.is_answered(5);
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.join().expect("every answer of the control client was right")
    }
}

fn ask(client: &mut Client, question: &str, answer: &str) {
    client.send(question);
    client.expect(answer);
}
