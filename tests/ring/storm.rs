//! A storm that lasts: clients that come and are gone at once, as fast as they can.
//!
//! What is measured is not time, which a busy machine stretches, but how many of the storm came meanwhile.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::harness::process::field;
use super::harness::{Client, raise_descriptor_limit, until};
use super::{ASK, start};

/// Most of a storm that may come between a question and its answer: as many as one batch may take in (a completion each).
/// On a busy machine it is some thousand; who had to wait for the storm's end would see tens of thousands, or nothing.
const TURN_MAX: u64 = 16_384;

/// Those who come, and for how long they do.
#[derive(Default)]
struct Storm {
    came: AtomicU64,
    is_over: AtomicBool,
}

impl Storm {
    fn rage(&self, address: SocketAddr) {
        while !self.is_over.load(Ordering::Relaxed) {
            if let Ok(stream) = TcpStream::connect(address) {
                // Gone with a reset, so that it leaves nothing behind here.
                let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                self.came.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many come while this is done.
    fn during(&self, act: impl FnOnce()) -> u64 {
        let before = self.came.load(Ordering::Relaxed);
        act();
        self.came.load(Ordering::Relaxed) - before
    }
}

/// However a test ends, its storm must.
struct Over<'a>(&'a Storm);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_storm_that_lasts_leaves_those_who_are_there_and_another_address_their_turn() {
    raise_descriptor_limit();
    // One worker, so that all of it is that one's; it has to share its time between two queues.
    let mut mimikyu = start(&["--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0"]);
    let line = mimikyu.logged("ready");
    let addresses: Vec<SocketAddr> =
        field(&line, "listen").split(',').map(|text| text.parse().expect("an address")).collect();
    let [stormy, quiet] = addresses[..] else { panic!("two addresses: {line}") };
    let list = mimikyu.ask(ASK);
    let mut here = Client::connect(stormy);
    let storm = &Storm::default();
    let (mut kept, mut new) = (0, 0);
    std::thread::scope(|scope| {
        let over = Over(storm);
        for _ in 0..3 {
            scope.spawn(move || storm.rage(stormy));
        }
        until("the storm", || (storm.came.load(Ordering::Relaxed) > 1000).then_some(()));
        for _ in 0..100 {
            kept = kept.max(storm.during(|| {
                here.send(ASK);
                here.expect(&list);
            }));
            new = new.max(storm.during(|| {
                let mut client = Client::connect(quiet);
                client.send(ASK);
                client.expect(&list);
            }));
        }
        drop(over);
    });
    let came = storm.came.load(Ordering::Relaxed);
    eprintln!("{came} came; while one that was there was answered {kept} at most, a new one elsewhere {new}");
    assert!(kept <= TURN_MAX, "{kept} of the storm were let in before one that was there was answered");
    assert!(new <= TURN_MAX, "{new} of the storm were let in before one at another address");
}
