//! Real client libraries: that each of them can use the endpoint.
//!
//! A test tries one client and compares what it found with the client's row of the README, which so
//! says no more and no less than what is true. `tests/run` installs the clients, `tests/clients/` has
//! their drivers, and `tests/clients/table` prints what was found.

mod harness;

#[path = "clients/driver.rs"]
mod driver;
#[path = "clients/steps.rs"]
mod steps;
#[path = "clients/table.rs"]
mod table;

use std::process::Command;

use driver::{Driver, Home};
use harness::{Memcached, Mimikyu, until};
use steps::{sees, stores_and_reads};
use table::{CLIENTS, Row, name_of, rows_of_the_readme};

const FAST: [&str; 4] = ["--poll-interval", "50ms", "--poll-timeout", "1s"];

/// How a library learns of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Learns {
    Polling,
    PollingWhenUsed,
    /// Only when the application has it ask again.
    AskedAgain,
}

struct Library {
    name: &'static str,
    version: &'static str,
    home: Home,
    learns: Learns,
    remark: &'static str,
}

/// What the steps of a library's test have shown, in their order.
#[derive(Default)]
struct Found {
    version: String,
    connects_to: &'static str,
    discovers: bool,
    stores: bool,
    sees: bool,
}

#[test]
fn django_elastipymemcache() {
    check(&Library {
        name: "django-elastipymemcache",
        version: "3.0.0",
        home: Home::Python,
        learns: Learns::PollingWhenUsed,
        remark: "polls only with `discovery_interval` set; its default is 0: never",
    });
}

#[test]
fn emcache() {
    check(&Library {
        name: "emcache",
        version: "1.3.3",
        home: Home::Python,
        learns: Learns::Polling,
        remark: "every 60 s",
    });
}

#[test]
fn memcachio() {
    check(&Library {
        name: "memcachio",
        version: "0.5.1",
        home: Home::Python,
        learns: Learns::Polling,
        remark: "the interval has no default; one poll that fails ends its polling for good",
    });
}

#[test]
fn elasticache_auto_discovery() {
    check(&Library {
        name: "elasticache-auto-discovery",
        version: "1.0.0",
        home: Home::Python,
        learns: Learns::AskedAgain,
        remark: "finds nodes and no more; here with pymemcache 4.0.0",
    });
}

#[test]
fn elasticache_pyclient() {
    check(&Library {
        name: "elasticache-pyclient",
        version: "2.1.2",
        home: Home::Python,
        learns: Learns::Polling,
        remark: "every 60 s; nodes of one host on several ports are one to it; from Python 3.12 on it needs setuptools, from 3.13 on standard-telnetlib too",
    });
}

#[test]
fn pyelasticache_client() {
    check(&Library {
        name: "pyelasticache-client",
        version: "0.1.3",
        home: Home::PythonOwnPymemcache,
        learns: Learns::Polling,
        remark: "every 60 s; one poll that fails ends its polling for good; a drained node comes back after its `dead_timeout`, 60 s; installs itself as `pymemcache`",
    });
}

#[test]
fn memcached_elasticache() {
    check(&Library {
        name: "memcached-elasticache",
        version: "1.1.1",
        home: Home::Node,
        learns: Learns::Polling,
        remark: "every 60 s; takes the endpoint for a node until its event `autoDiscover`: wait for that",
    });
}

#[test]
fn ecad() {
    check(&Library {
        name: "ecad",
        version: "0.2.0",
        home: Home::Node,
        learns: Learns::AskedAgain,
        remark: "finds nodes and no more; here with memcached 2.2.2",
    });
}

#[test]
fn memcache_plus() {
    check(&Library {
        name: "memcache-plus",
        version: "0.3.1",
        home: Home::Node,
        learns: Learns::AskedAgain,
        remark: "asks at its start only: a new client sees the change",
    });
}

#[test]
fn memcache() {
    check(&Library {
        name: "memcache",
        version: "1.7.0",
        home: Home::Node,
        learns: Learns::Polling,
        remark: "every 60 s; wants Node 20",
    });
}

#[test]
fn memcstat() {
    let (alpha, beta) = (Memcached::start(), Memcached::start());
    let mimikyu = merging(&alpha, &[&alpha], &beta, &[&beta]);
    let pid =
        alpha.ask("stats\r\n").lines().find_map(|line| line.strip_prefix("STAT pid ").map(String::from));
    let pid = format!("\tpid: {}\n", pid.expect("a pid"));
    let (mut text, mut binary) = (Ok(()), Ok(()));
    for (encoding, result) in [(None, &mut text), (Some("--binary"), &mut binary)] {
        // The numbers of the upstream, all of them, and the version that mimikyu gives itself.
        for (option, words) in
            [(None, &[pid.as_str(), "\tlimit_maxbytes: ", "\tthreads: "][..]), (Some("-S"), &["1.6.22"])]
        {
            if result.is_ok() {
                *result = tool("memcstat", &mimikyu, encoding.iter().chain(&option).copied(), words);
            }
        }
    }
    let remark = format!(
        "shows the `stats` of the upstream, and our `version`: text {}, `--binary` {}",
        yes(text.is_ok()),
        yes(binary.is_ok())
    );
    row_of_a_tool("memcstat", &remark, &format!("{text:?}\n{binary:?}"));
}

#[test]
fn memcping() {
    let (alpha, beta) = (Memcached::start(), Memcached::start());
    let mimikyu = merging(&alpha, &[&alpha], &beta, &[&beta]);
    let text = tool("memcping", &mimikyu, [], &[]);
    let binary = tool("memcping", &mimikyu, ["--binary"], &[]);
    let told = match &binary {
        Err(told) if told.contains("unrecognized option '--binary'") => "is no option of it",
        other => yes(other.is_ok()),
    };
    let remark = format!("finds it alive: text {}, `--binary` {told}", yes(text.is_ok()));
    row_of_a_tool("memcping", &remark, &format!("{text:?}\n{binary:?}"));
}

#[test]
fn the_readme_has_a_row_for_every_client() {
    let rows = rows_of_the_readme();
    assert_eq!(rows.iter().map(|row| name_of(row)).collect::<Vec<_>>(), CLIENTS);
}

/// Tries a library, and compares what came of it with the README.
#[track_caller]
fn check(library: &Library) {
    let mut found = Found::default();
    let wrong = try_out(library, &mut found).err().unwrap_or_default();
    let sees = match (found.sees, library.learns) {
        (false, _) => "no",
        (true, Learns::Polling) => "yes, polling",
        (true, Learns::PollingWhenUsed) => "yes, polling when used",
        (true, Learns::AskedAgain) => "yes, asked again",
    };
    let row = Row {
        client: library.name,
        version: library.version,
        discovers: yes(found.discovers),
        stores: yes(found.stores),
        sees,
        connects_to: found.connects_to,
        remark: library.remark,
    };
    row.is_in_the_readme(&wrong);
    assert_eq!(found.version, library.version, "what is installed is what is pinned");
}

/// Two clusters of two; then the first grows by one, and one of the second is drained.
fn try_out(library: &Library, found: &mut Found) -> Result<(), String> {
    let [alpha, beta, gamma, delta, epsilon] = std::array::from_fn(|_| Memcached::start());
    let mimikyu = merging(&alpha, &[&alpha, &beta], &gamma, &[&gamma, &delta]);
    let four = [&alpha, &beta, &gamma, &delta];
    let mut driver = Driver::start(library.home, &library.name.replace('-', "_"), mimikyu.address)?;
    found.version = driver.version.clone();
    found.connects_to = sees(&mut driver, &four)?;
    found.discovers = true;
    stores_and_reads(&mut driver, &four, &[&epsilon])?;
    found.stores = true;

    let mut learns = |before: &[&Memcached], nodes: &[&Memcached], others: &[&Memcached]| {
        until("the list to change", || (mimikyu.list().nodes.len() == nodes.len()).then_some(()));
        if library.learns == Learns::AskedAgain {
            sees(&mut driver, before)?;
            driver.ask("discover")?;
        }
        sees(&mut driver, nodes)?;
        stores_and_reads(&mut driver, nodes, others)
    };
    let five = [&alpha, &beta, &epsilon, &gamma, &delta];
    alpha.publish(&Memcached::list(6, &five[..3]));
    learns(&four, &five, &[])?;
    gamma.publish(&Memcached::list(8, &[&gamma]));
    learns(&five, &five[..4], &[&delta])?;
    found.sees = true;
    Ok(())
}

/// A mimikyu in front of two clusters, each told of by its first node.
#[track_caller]
fn merging(old: &Memcached, olds: &[&Memcached], new: &Memcached, news: &[&Memcached]) -> Mimikyu {
    old.publish(&Memcached::list(5, olds));
    new.publish(&Memcached::list(7, news));
    let (old, new) = (old.address.to_string(), new.address.to_string());
    let mimikyu = Mimikyu::start(&[&FAST[..], &[&old, &new]].concat());
    assert_eq!(mimikyu.list().nodes.len(), olds.len() + news.len());
    mimikyu
}

/// Runs one of libmemcached's tools on mimikyu itself: it succeeds, and its output has these words.
fn tool<'a>(
    name: &str,
    mimikyu: &Mimikyu,
    options: impl IntoIterator<Item = &'a str>,
    words: &[&str],
) -> Result<(), String> {
    let mut command = Command::new(name);
    command.arg(format!("--servers={}", mimikyu.address)).args(options);
    let output = command.output().map_err(|error| format!("{command:?}: {error} (tests/run installs it)"))?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // `memcstat -S` writes its answer to standard error.
    match words.iter().find(|word| !stdout.contains(*word) && !stderr.contains(*word)) {
        None if output.status.success() => Ok(()),
        missing => Err(format!("{command:?}: {}, without {missing:?}\n{stdout}{stderr}", output.status)),
    }
}

#[track_caller]
fn row_of_a_tool(client: &str, remark: &str, wrong: &str) {
    let (discovers, stores, sees, connects_to) = ("–", "–", "–", "–");
    Row { client, version: "Debian's", discovers, stores, sees, connects_to, remark }.is_in_the_readme(wrong);
}

fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
