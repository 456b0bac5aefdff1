//! A client's `stats`: asked of the first upstream that answers, and passed back whole.
//!
//! Clients that ask the same at the same time share one conversation. How many may wait, and for how
//! long, is bounded. Where no source is an endpoint, our own counters answer.

mod own;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Mutex, mpsc, watch};

use crate::config::HostPort;
use crate::limits::{STATS_DEADLINE, STATS_QUESTIONS_MAX, STATS_WAITERS_MAX};
use crate::mailbox::{Mail, Postbox};
use crate::protocol::reply;
use crate::upstream::Endpoint;

pub use own::Own;

/// A client that waits, and what it asked.
#[derive(Debug)]
struct Question {
    arguments: Box<str>,
    waiter: Waiter,
}

/// Where an answer goes.
#[derive(Debug)]
struct Waiter {
    postbox: Postbox,
    token: u64,
}

/// A worker's way to ask.
#[derive(Debug)]
pub struct Asker {
    questions: mpsc::Sender<Question>,
    postbox: Postbox,
}

impl Asker {
    /// Asks on behalf of the client that the worker calls `token`; the answer comes by mail.
    ///
    /// Never waits: where too many clients do already, the line to tell this one is returned.
    pub fn ask(&self, arguments: Box<str>, token: u64) -> Result<(), &'static str> {
        let waiter = Waiter { postbox: self.postbox.clone(), token };
        self.questions.try_send(Question { arguments, waiter }).map_err(|_| reply::STATS_BUSY)
    }
}

/// The end of the queue where questions are answered.
#[derive(Debug)]
pub struct Questions {
    sender: mpsc::Sender<Question>,
    receiver: mpsc::Receiver<Question>,
}

impl Default for Questions {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(STATS_WAITERS_MAX);
        Self { sender, receiver }
    }
}

impl Questions {
    /// A way to ask, for the worker with this postbox.
    pub fn asker(&self, postbox: Postbox) -> Asker {
        Asker { questions: self.sender.clone(), postbox }
    }

    /// Answers questions for ever, on the terms that are in force when they are asked.
    pub async fn answer(mut self, mut terms: watch::Receiver<Terms>) {
        let waiting = Waiting::default();
        let mut service = Service::new(&terms.borrow_and_update(), waiting.clone());
        loop {
            tokio::select! {
                // First, so that nobody is told what an upstream says that has just been taken away.
                biased;
                Ok(()) = terms.changed() => {
                    service = Service::new(&terms.borrow_and_update(), waiting.clone());
                }
                question = self.receiver.recv() => match question {
                    Some(question) => service.take(question),
                    None => return,
                },
            }
        }
    }
}

/// Who is asked.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The sources that are endpoints, in their order.
    pub endpoints: Vec<HostPort>,
    /// Longest that each is given.
    pub timeout: Duration,
    /// What answers where there are none.
    pub own: Own,
}

/// Who waits for which conversation; shared, so that the bounds hold over a change of the terms.
type Waiting = Rc<RefCell<HashMap<Box<str>, Vec<Waiter>>>>;

/// The conversations under way, and who waits for them.
struct Service {
    /// For plain `stats`, which a flood of other questions must not hold up.
    plain: Vec<Mutex<Endpoint>>,
    /// For `stats` with arguments. Each is asked one question at a time, however many different ones there are.
    others: Vec<Mutex<Endpoint>>,
    timeout: Duration,
    own: Own,
    waiting: Waiting,
}

impl Service {
    fn new(terms: &Terms, waiting: Waiting) -> Rc<Self> {
        let endpoint = |target: &HostPort| Mutex::new(Endpoint::new(target.clone()));
        let lane = || terms.endpoints.iter().map(endpoint).collect();
        let (timeout, own) = (terms.timeout, terms.own.clone());
        Rc::new(Self { plain: lane(), others: lane(), timeout, own, waiting })
    }

    fn take(self: &Rc<Self>, Question { arguments, waiter }: Question) {
        if self.plain.is_empty() {
            return waiter.tell(Ok(self.own.answer(&arguments)));
        }
        let mut waiting = self.waiting.borrow_mut();
        if waiting.values().map(Vec::len).sum::<usize>() >= STATS_WAITERS_MAX {
            return waiter.tell(Err(reply::STATS_BUSY));
        }
        let others = waiting.keys().filter(|asked| !asked.is_empty()).count();
        if others >= STATS_QUESTIONS_MAX && !waiting.contains_key(&arguments) && !arguments.is_empty() {
            return waiter.tell(Err(reply::STATS_BUSY));
        }
        let waiters = waiting.entry(arguments.clone()).or_default();
        waiters.push(waiter);
        if waiters.len() == 1 {
            tokio::task::spawn_local(self.clone().converse(arguments));
        }
    }

    /// One conversation, for all who asked this by the time it ends.
    async fn converse(self: Rc<Self>, arguments: Box<str>) {
        let answer = self.ask_each(&arguments).await;
        let waiters = self.waiting.borrow_mut().remove(&arguments).unwrap_or_default();
        for waiter in waiters {
            waiter.tell(answer.clone());
        }
    }

    /// Asks each endpoint in order until one answers.
    async fn ask_each(&self, arguments: &str) -> Result<Bytes, &'static str> {
        let deadline = Instant::now() + STATS_DEADLINE;
        let endpoints = if arguments.is_empty() { &self.plain } else { &self.others };
        let mut failure = reply::STATS_BUSY;
        for (asked, endpoint) in endpoints.iter().enumerate() {
            // An even share of the time that is left, the wait for its turn included: one that hangs leaves
            // some to the others.
            let left = deadline.saturating_duration_since(Instant::now());
            let share = self.timeout.min(left / (endpoints.len() - asked) as u32);
            let until = Instant::now() + share;
            // Where even the turn does not come, it is not the endpoint's fault.
            let Ok(mut endpoint) = tokio::time::timeout(share, endpoint.lock()).await else { continue };
            let share = until.saturating_duration_since(Instant::now());
            match endpoint.stats(arguments, share).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    failure = reply::NO_STATS;
                    tracing::debug!(%error, "no stats");
                }
            }
        }
        Err(failure)
    }
}

impl Waiter {
    fn tell(self, answer: Result<Bytes, &'static str>) {
        self.postbox.post(Mail::Stats { token: self.token, answer });
    }
}
