//! Knows what the upstreams have ever said, and judges what clients hear.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::harness::Reply;

/// The node of the source that comes and goes with the configuration, the last one.
pub const GUEST: &str = "cguest";

/// What was told, and what was heard.
pub struct Witness {
    /// Lists that each upstream was made to tell, in order; a list's version is its place.
    told: Mutex<[Vec<String>; 2]>,
    /// The one answer of each version.
    heard: Mutex<BTreeMap<u64, String>>,
    /// The greatest version that any client has heard.
    high: AtomicU64,
    fault: Mutex<Option<String>>,
}

impl Witness {
    /// The upstreams' first lists, each of version 1.
    pub fn new(first: [&str; 2]) -> Self {
        Self {
            told: Mutex::new(first.map(|hosts| vec![hosts.into()])),
            heard: Mutex::default(),
            high: AtomicU64::new(0),
            fault: Mutex::default(),
        }
    }

    /// An upstream is about to tell these hosts, under the version that is returned.
    pub fn tell(&self, upstream: usize, hosts: &str) -> u64 {
        let mut told = self.told.lock().expect("no panic");
        told[upstream].push(hosts.into());
        told[upstream].len() as u64
    }

    /// What any answer to a question asked from now on must not be older than.
    pub fn floor(&self) -> u64 {
        self.high.load(Ordering::SeqCst)
    }

    /// A client has got an answer to a question that it asked at that floor.
    pub fn heard(&self, answer: &str, floor: u64) {
        let reply = Reply::read(answer);
        let note = |what: &str| {
            self.fault.lock().expect("no panic").get_or_insert(format!("{what}: {answer:?} at {floor}"));
        };
        if reply.version < floor {
            note("an older list than was heard before it was asked for");
        }
        {
            let mut heard = self.heard.lock().expect("no panic");
            let first = heard.entry(reply.version).or_insert_with(|| answer.into());
            if first != answer {
                note(&format!("another list of the same version than {first:?}"));
            }
        }
        self.high.fetch_max(reply.version, Ordering::SeqCst);
        let hosts = reply.hosts();
        let of = |source: char| {
            let hosts = hosts.split(' ').filter(|host| host.starts_with(source));
            hosts.collect::<Vec<_>>().join(" ")
        };
        let [a, b, guest] = ['a', 'b', 'c'].map(of);
        if hosts != format!("{a} {b} {guest}").trim_end() {
            note("the sources are not in their order");
        }
        if !["", GUEST].contains(&&*guest) {
            note("a source that comes and goes has other nodes than its own");
        }
        let told = self.told.lock().expect("no panic");
        for (list, told) in [a, b].iter().zip(&*told) {
            if !told.contains(list) {
                note(&format!("{list:?} was never told"));
            }
        }
    }

    /// What was wrong first, if anything was.
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().expect("no panic").clone()
    }

    /// Lists that were heard.
    pub fn lists(&self) -> usize {
        self.heard.lock().expect("no panic").len()
    }
}
