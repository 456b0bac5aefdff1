use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::rc::Rc;

use super::*;
use crate::config::Share;
use crate::runtime::{TcpStream, begin, listener};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a scripted node does from now on.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    /// Counts as many hits and misses before each answer.
    Counts(u64, u64),
    Hangs,
}

/// A node of cache that is none.
struct Scripted {
    port: u16,
    behaviour: Cell<Behaviour>,
    counted: RefCell<(u64, u64)>,
    asked: Cell<u32>,
    ended: Cell<u32>,
}

impl Scripted {
    fn start(behaviour: Behaviour) -> Rc<Self> {
        let clients = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = clients.local_addr().unwrap().port();
        let scripted = Rc::new(Self {
            port,
            behaviour: Cell::new(behaviour),
            counted: RefCell::default(),
            asked: Cell::default(),
            ended: Cell::default(),
        });
        let node = scripted.clone();
        tokio::task::spawn_local(async move {
            let clients = listener(clients).unwrap();
            while let Ok((client, _)) = clients.accept().await {
                tokio::task::spawn_local(node.clone().converse(client));
            }
        });
        scripted
    }

    async fn converse(self: Rc<Self>, client: TcpStream) {
        loop {
            let (read, question) = client.read(Vec::with_capacity(100)).await;
            if read.is_ok_and(|length| length > 0) {
                assert_eq!(question, b"stats\r\n");
                self.asked.set(self.asked.get() + 1);
            } else {
                return self.ended.set(self.ended.get() + 1);
            }
            if let Behaviour::Counts(hits, misses) = self.behaviour.get() {
                let answer = {
                    let mut counted = self.counted.borrow_mut();
                    *counted = (counted.0 + hits, counted.1 + misses);
                    format!("STAT get_hits {}\r\nSTAT get_misses {}\r\nEND\r\n", counted.0, counted.1)
                };
                // Whoever asked may be gone.
                let _ = client.write_all(answer.into_bytes()).await;
            }
        }
    }

    fn node(&self, name: &str) -> Node {
        Node::new(name, "127.0.0.1", self.port)
    }
}

/// The task, and both ends of what it is told and tells.
struct Watched {
    wanted: watch::Sender<Wanted>,
    told: watch::Receiver<Option<Seen>>,
    metrics: Metrics,
}

fn guard() -> Guard {
    Guard { floor: Share::new("85%").unwrap(), window: Duration::from_millis(1200), requests_min: 10 }
}

impl Watched {
    fn start() -> Self {
        let (wanted, wanted_end) = watch::channel(Wanted::default());
        let (told_end, told) = watch::channel(None);
        let pace = Pace { interval: PATIENCE, timeout: Duration::from_millis(300) };
        let (_, pace) = watch::channel(pace);
        let metrics = Metrics::new(1);
        tokio::task::spawn_local(watch(wanted_end, pace, told_end, metrics.clone()));
        Self { wanted, told, metrics }
    }

    fn want(&self, guard: Option<Guard>, nodes: &[Node]) {
        self.wanted.send_replace(Wanted { guard, nodes: nodes.to_vec(), beginning: 0 });
    }

    /// Waits until it is told what is looked for.
    async fn until(&mut self, what: &str, is_it: impl Fn(&Option<Seen>) -> bool) -> Option<Seen> {
        let found = tokio::time::timeout(PATIENCE, self.told.wait_for(|told| is_it(told))).await;
        let found = found.map(|told| told.unwrap().clone());
        found.unwrap_or_else(|_| panic!("waited for {what}: {:?}", self.told.borrow()))
    }
}

fn is_good(told: &Option<Seen>) -> bool {
    told.as_ref().is_some_and(|seen| seen.verdict.is_good)
}

fn is_held(told: &Option<Seen>, why: &str) -> bool {
    told.as_ref().and_then(|seen| seen.verdict.why.as_ref()).is_some_and(|told| told.contains(why))
}

/// Waits for what is not told, with other tasks at work meanwhile.
async fn until(what: &str, is_it: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_it() {
        assert!(Instant::now() < deadline, "waited for {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn nodes_are_asked_again_and_again_and_what_follows_is_told() {
    begin().unwrap().block_on(async {
        let a = Scripted::start(Behaviour::Counts(10, 0));
        let b = Scripted::start(Behaviour::Counts(9, 1));
        let mut watched = Watched::start();
        let both = [a.node("a"), b.node("b")];
        watched.want(Some(guard()), &both);
        watched.until("the first word", |told| is_held(told, "2 of 2 nodes did not tell")).await;
        let seen = watched.until("a good rate", is_good).await.unwrap();
        let told = status::HitRate::from(&seen);
        assert!(told.is_good && told.rate.unwrap() >= 0.9 && told.requests >= 10 && told.why.is_none());
        assert_eq!((told.floor, told.resume, told.window), (0.85, 0.87, 1.2));
        b.behaviour.set(Behaviour::Counts(0, 10));
        watched.until("a bad one", |told| is_held(told, "less than 85%: it goes on from 87%")).await;
        let polls = watched.metrics.control().hit_rate_polls.value();
        assert!(polls >= 4 && watched.metrics.control().hit_rate_failures.value() == 0);

        // One that hangs holds, and delays no other.
        b.behaviour.set(Behaviour::Hangs);
        let asked = a.asked.get();
        let why = "1 of 2 nodes did not tell their hits and misses within 1s 200ms";
        let why = format!("{why}: b:{}, it did not answer in time", b.port);
        watched.until("silence", |told| is_held(told, &why)).await;
        until("the other to be asked", || a.asked.get() > asked + 3).await;
        assert!(watched.metrics.control().hit_rate_failures.value() > 0);

        // What is known of the one that stays is kept: it has not to be asked again for a verdict.
        watched.want(Some(guard()), &both[..1]);
        watched.until("the other alone", is_good).await;

        // Nothing is wanted: nobody is asked, and nothing stays open.
        watched.want(None, &both);
        watched.until("nothing", Option::is_none).await;
        until("the conversations to end", || {
            a.ended.get() == a.asked.get() && b.ended.get() == b.asked.get()
        })
        .await;
        let asked = a.asked.get() + b.asked.get();
        watched.want(None, &both[..1]);
        watched.want(Some(guard()), &[]);
        watched.until("no nodes", |told| is_held(told, "no node is listed")).await;
        assert_eq!(a.asked.get() + b.asked.get(), asked);
    });
}

#[test]
fn a_conversation_that_is_given_up_leaves_nothing_open() {
    begin().unwrap().block_on(async {
        let hanging = Scripted::start(Behaviour::Hangs);
        let mut watched = Watched::start();
        watched.want(Some(guard()), &[hanging.node("a")]);
        until("some to be given up", || hanging.ended.get() >= 3).await;
        // Also that which is given up for want of a guard.
        let asked = hanging.asked.get();
        until("another question", || hanging.asked.get() > asked).await;
        watched.want(None, &[]);
        watched.until("nothing", Option::is_none).await;
        until("the last to end", || hanging.ended.get() == hanging.asked.get()).await;
    });
}

#[test]
fn a_node_without_an_address_is_found_by_its_name_and_one_that_is_not_there_is_told() {
    begin().unwrap().block_on(async {
        let a = Scripted::start(Behaviour::Counts(10, 0));
        let nobody = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut watched = Watched::start();
        let named = [Node::new("localhost", "", a.port), Node::new("localhost", "nonsense", nobody)];
        watched.want(Some(guard()), &named[..1]);
        watched.until("a good rate", is_good).await;
        watched.want(Some(guard()), &named);
        let why = format!("localhost:{nobody}, Connection refused");
        watched.until("who is not there", |told| is_held(told, &why)).await;
        // It is another one once it has an address.
        let b = Scripted::start(Behaviour::Counts(10, 0));
        watched.want(Some(guard()), &[b.node("b"), Node::new("localhost", "127.0.0.1", a.port)]);
        watched.until("a good rate", is_good).await;
    });
}

#[test]
fn a_node_is_asked_several_times_within_the_window_and_not_more_often_than_the_bound() {
    let tenth = HIT_RATE_INTERVAL_MIN;
    assert_eq!(period(Duration::from_secs(60)), Duration::from_secs(10));
    assert_eq!(period(tenth * HIT_RATE_POLLS), tenth);
    assert_eq!(period((tenth - Duration::from_nanos(1)) * HIT_RATE_POLLS), tenth);
    assert_eq!(period(Duration::ZERO), tenth);
}

#[test]
fn a_verdict_is_reckoned_once_a_moment_and_the_log_is_told_of_it_once_it_is_news() {
    begin().unwrap().block_on(async {
        let node = Node::new("a", "", 1);
        let (told, mut seen) = watch::channel(None);
        let mut lookout = Lookout::new(guard(), Metrics::new(1));
        lookout.renew(guard(), std::slice::from_ref(&node));
        let note = |lookout: &mut Lookout, hits, misses, now| {
            lookout.hit_rate.note(&node, Ok(Counters { hits, misses }), now);
            lookout.is_news = true;
        };
        assert_eq!(lookout.reckon(Duration::ZERO, &told), None);
        assert!(seen.has_changed().unwrap() && !lookout.is_told_bad, "it was not asked yet");
        seen.mark_unchanged();
        assert_eq!(lookout.reckon(Duration::ZERO, &told), None, "there is no news");
        note(&mut lookout, 0, 0, Duration::ZERO);
        let just_before = HIT_RATE_RECKONING - Duration::from_nanos(1);
        assert_eq!(lookout.reckon(just_before, &told), Some(HIT_RATE_RECKONING));
        assert!(!seen.has_changed().unwrap());
        assert_eq!(lookout.reckon(HIT_RATE_RECKONING, &told), None);
        assert!(seen.has_changed().unwrap() && !lookout.is_told_bad);
        let mut now = HIT_RATE_RECKONING;
        for (hits, misses, is_told_bad) in
            [(0, 10, true), (0, 20, true), (1000, 20, false), (1010, 20, false)]
        {
            now += HIT_RATE_RECKONING;
            note(&mut lookout, hits, misses, now);
            assert_eq!(lookout.reckon(now, &told), None);
            assert_eq!(lookout.is_told_bad, is_told_bad, "{hits} {misses}");
            assert_eq!(is_good(&seen.borrow()), !is_told_bad);
        }
        // The same once more is no news for whoever listens.
        seen.mark_unchanged();
        note(&mut lookout, 1010, 20, now);
        assert_eq!(lookout.reckon(now + HIT_RATE_RECKONING, &told), None);
        assert!(!seen.has_changed().unwrap());
    });
}
