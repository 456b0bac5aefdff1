//! The daemon in a process of its own: this very test, once more.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio, exit};
use std::thread;
use std::time::{Duration, Instant};

use super::{Control, feature, run};
use crate::config::{Key, Layer, Origin, Provenance, RingFeature, resolve};
use crate::worker::faults::prepare_panic;
use crate::worker::{Feature, Inherited};

/// Tells the process that it is the one that panics.
const PANICS: &str = "MIMIKYU_TEST_PANICS";

#[test]
fn what_can_be_left_out_has_the_name_that_the_ready_line_shows() {
    let names = RingFeature::NAMES.map(|(name, left_out)| (name, feature(left_out)));
    assert_eq!(names, Feature::ALL.map(|feature| (feature.name(), feature)));
}

#[test]
fn a_worker_that_panics_under_load_ends_the_process_with_a_message() {
    if std::env::var_os(PANICS).is_some() {
        serve_and_panic();
    }
    let name = "daemon::tests::a_worker_that_panics_under_load_ends_the_process_with_a_message";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(PANICS, "1");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let said = thread::spawn(move || {
        let mut said = String::new();
        stderr.read_to_string(&mut said).map(|_| said)
    });
    let deadline = Instant::now() + Duration::from_secs(20);
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                child.kill().unwrap();
                panic!("it goes on without its worker");
            }
            None => thread::park_timeout(Duration::from_millis(5)),
        }
    };
    let said = said.join().unwrap().unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    // The other worker's backtrace may be on the same line.
    let told = [0, 1].map(|worker| {
        format!("mimikyu: worker {worker} panicked; stopping rather than serve with fewer workers")
    });
    assert!(told.iter().any(|told| said.contains(told)), "{said}");
}

fn serve_and_panic() -> ! {
    let mut layer = Layer::default();
    for (key, text) in [
        (Key::Static, "edge=127.0.0.1:9"),
        (Key::Listen, "127.0.0.1:0"),
        (Key::Workers, "2"),
        (Key::Admin, "none"),
    ] {
        layer.set(key, text, Origin::Flag(key.flag())).unwrap();
    }
    prepare_panic(500);
    let outcome = run(
        Control::begin(false, 0),
        resolve([layer]).unwrap(),
        Provenance::default(),
        None,
        Inherited::default(),
        |addresses, _| {
            let address = addresses[0];
            (0..8).for_each(|_| drop(thread::spawn(move || ask_for_ever(address))));
        },
    );
    if let Err(error) = &outcome {
        // In one write, as the program does it: the other worker's panic writes to the same place at the same time.
        let line = format!("mimikyu: {error}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    exit(i32::from(outcome.is_err()));
}

fn ask_for_ever(address: SocketAddr) {
    while let Ok(mut client) = TcpStream::connect(address) {
        let mut answer = [0; 4096];
        while client.write_all(b"config get cluster\r\n").is_ok()
            && client.read(&mut answer).is_ok_and(|length| length > 0)
        {}
    }
}
