//! A takeover from a daemon that has reloaded, and a reload in the middle of a takeover.

use std::path::Path;

use super::harness::process::field;
use super::*;

/// A file that listens on one address that stays, and on this one, whose port is the kernel's to choose.
fn write(file: &Path, second: &str) {
    // Of a static list the version is a million and one.
    let source = "[[source]]\nname = \"s\"\nstatic = [\"n1:1\"]\n";
    fs::write(file, format!("listen = [\"127.0.0.1:0\", \"{second}:0\"]\n{source}")).unwrap();
}

/// The addresses of a line of the log.
fn addresses(line: &str) -> [SocketAddr; 2] {
    let addresses: Vec<_> = field(line, "listen").split(',').map(|text| text.parse().unwrap()).collect();
    addresses.try_into().unwrap()
}

/// A daemon that reads that file and takes over, and where it listens.
fn start(place: &Place, file: &Path, workers: &str) -> (Mimikyu, [SocketAddr; 2]) {
    let path = place.path.to_str().unwrap();
    let arguments = ["--config", file.to_str().unwrap(), "--takeover", path, "--workers", workers];
    let mut mimikyu = Mimikyu::spawn(Mimikyu::command(&[&["serve"], &arguments[..]].concat()));
    let addresses = addresses(&mimikyu.ready());
    (mimikyu, addresses)
}

fn reload(mimikyu: &mut Mimikyu) -> [SocketAddr; 2] {
    mimikyu.count("");
    mimikyu.log.clear();
    mimikyu.signal("HUP");
    addresses(&mimikyu.logged("INFO configuration reloaded"))
}

#[test]
fn what_a_reload_has_added_is_handed_over_and_what_it_has_removed_is_closed() {
    let place = Place::new();
    let file = place.directory.path().join("mimikyu.toml");
    write(&file, "127.0.0.2");
    let (mut old, first) = start(&place, &file, "3");
    // From three workers to two: one of them has two sockets for each address.
    let (mut running, inherited) = start(&place, &file, "2");
    assert!(old.exit().success());
    assert_eq!(inherited, first);
    write(&file, "127.0.0.3");
    let [kept, added] = reload(&mut running);
    assert_eq!(kept, first[0]);
    let is_closed = || TcpStream::connect(first[1]).is_err().then_some(());
    until("every socket of the removed address to be closed", is_closed);
    let seen = &Seen::default();
    std::thread::scope(|scope| {
        for address in [kept, added] {
            scope.spawn(move || seen.churn(address));
            scope.spawn(move || seen.wait_long(address));
        }
        let stop = StopOnDrop(seen);
        for workers in ["1", "3", "2"] {
            let (next, listens) = start(&place, &file, workers);
            assert_eq!(listens, [kept, added]);
            assert!(std::mem::replace(&mut running, next).exit().success());
            assert!(is_closed().is_some(), "it was not handed over");
            let answered = seen.answers.load(Ordering::Relaxed);
            until("answers of the next one", || {
                (seen.answers.load(Ordering::Relaxed) > answered + 10).then_some(())
            });
        }
        drop(stop);
    });
    assert_eq!(*seen.faults.lock().unwrap(), [""; 0]);
}

#[test]
fn a_reload_waits_for_a_takeover_that_is_under_way() {
    let place = Place::new();
    let file = place.directory.path().join("mimikyu.toml");
    write(&file, "127.0.0.2");
    let (mut mimikyu, [kept, removed]) = start(&place, &file, "2");
    let mut stream = place.knock();
    stream.write_all(b"mimikyu-takeover 1\n").unwrap();
    BufReader::new(&stream).read_line(&mut String::new()).unwrap();
    write(&file, "127.0.0.3");
    mimikyu.signal("HUP");
    // It has had the time to reload by then, many times over.
    (0..200).for_each(|_| assert!(mimikyu.ask("stats\r\n").starts_with("STAT ")));
    assert!(ask(removed).is_ok());
    assert_eq!(mimikyu.count("reloaded"), 0);
    drop(stream);
    let listens = addresses(&mimikyu.logged("INFO configuration reloaded"));
    assert_eq!(listens[0], kept);
    listens.iter().for_each(|&address| drop(ask(address).unwrap()));
    until("the address to be closed", || TcpStream::connect(removed).is_err().then_some(()));
    let (_next, taken_over) = start(&place, &file, "1");
    assert!(mimikyu.exit().success());
    assert_eq!(taken_over, listens);
}
