//! `mimikyu demo`: two small clusters inside the process, the proxy in front of them, and a migration
//! from one to the other to look at.

use std::error::Error;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use mimikyu::cluster::{Cluster, Node, Version};
use mimikyu::config::{Admin, Config, HostPort, Layer, Setting, Source, SourceKind, resolve};
use mimikyu::config::{LogFormat, LogLevel, Origin, Provenance};
use mimikyu::daemon::Control;
use mimikyu::runtime::{self, TcpListener, TcpStream};
use mimikyu::session::{Next, Outbox, Session, Tally};
use mimikyu::snapshot::Publisher;
use mimikyu::worker::Inherited;
use tokio::task::spawn_local;

/// Time between two steps of the migration.
const STEP: Duration = Duration::from_secs(8);

/// The migration: how many nodes alpha and beta have at each step. Neither is ever empty, since an
/// empty list is no answer.
const STEPS: [(usize, usize); 6] = [(3, 1), (3, 2), (3, 3), (2, 3), (1, 3), (1, 4)];

/// Serves the demonstration on `listen` until it is told to stop; operators at `admin`.
pub fn run(listen: SocketAddr, admin: Option<Admin>) -> Result<(), Box<dyn Error>> {
    let _guard = mimikyu::log::init(LogFormat::Text, LogLevel::Info);
    let alpha = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let beta = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let layer = layer(listen, admin, alpha.local_addr()?, beta.local_addr()?);
    let given = Provenance::of([layer.clone()]);
    let config = Config { poll_interval: Duration::from_secs(1), ..resolve([layer])? };
    mimikyu::worker::available()?;
    let body = move || match runtime::begin() {
        Ok(runtime) => runtime.block_on(clusters(alpha, beta)),
        Err(error) => tracing::error!(%error, "the demo's clusters can't run"),
    };
    thread::Builder::new().name("demo".into()).spawn(body)?;
    Ok(mimikyu::daemon::run(
        Control::begin(false, 0),
        config,
        given,
        None,
        Inherited::default(),
        |addresses, admin| addresses.iter().for_each(|address| greet(*address, admin)),
    )?)
}

/// What the flags say, and the two clusters, which are given nowhere.
fn layer(listen: SocketAddr, admin: Option<Admin>, alpha: SocketAddr, beta: SocketAddr) -> Layer {
    fn given<T>(flag: &'static str, value: T) -> Setting<T> {
        Setting { value, origin: Origin::Flag(flag.into()) }
    }
    let source = |name: &str, address: SocketAddr| {
        let target = HostPort { host: address.ip().to_string(), port: address.port() };
        let source = Source::new(name, SourceKind::Endpoint(target));
        Setting { value: source, origin: Origin::Unset }
    };
    let sources = vec![source("alpha", alpha), source("beta", beta)];
    let (listen, admin) = (vec![given("--listen", listen)], admin.map(|admin| given("--admin", admin)));
    Layer { sources, listen, admin, ..Layer::default() }
}

/// What to type next.
fn greet(address: SocketAddr, admin: Option<SocketAddr>) {
    let (ip, port) = (address.ip(), address.port());
    let page =
        admin.map_or_else(String::new, |admin| format!("\x20 look at it             http://{admin}/\n"));
    // Written whole: the log is another stream, and would get between its lines.
    let text = format!(
        "\n\
         Two clusters run inside this process, alpha (3 nodes) and beta (1 node); {address} serves both as one.\n\
         Every {step} seconds a node comes to beta or leaves alpha, as in a migration. The nodes are only names.\n\n\
         \x20 ask as a client does   printf 'config get cluster\\r\\nquit\\r\\n' | nc {ip} {port}\n\
         \x20 see it change          watch -n1 \"printf 'config get cluster\\r\\nquit\\r\\n' | nc {ip} {port}\"\n\
         {page}\
         \x20 with your own          mimikyu serve --upstream old=HOST:PORT --upstream new=HOST:PORT\n\
         \x20 leave                  Ctrl-C\n",
        step = STEP.as_secs(),
    );
    say(&text);
}

fn say(text: &str) {
    // Who has closed the output does not want to know.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Both clusters' own configuration endpoints, and what becomes of the clusters.
async fn clusters(alpha: StdListener, beta: StdListener) {
    let publishers = [alpha, beta].map(|listener| {
        let publisher = Rc::new(Publisher::new("1.6.22"));
        match runtime::listener(listener) {
            Ok(listener) => drop(spawn_local(serve(listener, publisher.clone()))),
            Err(error) => tracing::error!(%error, "a cluster of the demo can't be asked"),
        }
        publisher
    });
    let (mut alpha_version, mut beta_version) = (0, 0);
    let mut before = (0, 0);
    for (alpha, beta) in STEPS {
        if alpha != before.0 {
            alpha_version += 1;
            publishers[0].publish(cluster("alpha", 1, alpha, alpha_version));
        }
        if beta != before.1 {
            beta_version += 1;
            publishers[1].publish(cluster("beta", 2, beta, beta_version));
        }
        before = (alpha, beta);
        tokio::time::sleep(STEP).await;
    }
    say("That was the migration: alpha is nearly drained. Ctrl-C to leave, or run the demo again.\n");
    std::future::pending().await
}

/// A cluster of `count` nodes; the youngest are the first to leave.
fn cluster(name: &str, network: u8, count: usize, version: u64) -> Cluster {
    let node = |n| Node::new(format!("{name}-{n}.demo"), format!("127.0.{network}.{n}"), 11211);
    let version = Version::new(version).unwrap_or(Version::FIRST);
    Cluster { version, nodes: (1..=count).map(node).collect() }
}

/// A configuration endpoint of one cluster.
async fn serve(listener: TcpListener, publisher: Rc<Publisher>) {
    while let Ok((stream, _)) = listener.accept().await {
        spawn_local(converse(stream, publisher.clone()));
    }
}

async fn converse(stream: TcpStream, publisher: Rc<Publisher>) {
    let (mut session, mut outbox, mut tally) = (Session::default(), Outbox::default(), Tally::default());
    let mut reader = publisher.reader();
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let read;
        (read, buffer) = stream.read(buffer).await;
        if !matches!(read, Ok(1..)) {
            return;
        }
        let mut next = session.receive(&buffer, reader.current(), &mut outbox, &mut tally);
        buffer.clear();
        loop {
            while !outbox.is_empty() {
                let piece = outbox.piece().to_vec();
                outbox.sent(piece.len());
                if stream.write_all(piece).await.0.is_err() {
                    return;
                }
            }
            next = match next {
                Next::More => break,
                Next::Full => session.resume(reader.current(), &mut outbox, &mut tally),
                Next::Stats(_) => {
                    let answer = "STAT version 1.6.22\r\nSTAT demo 1\r\nEND\r\n".into();
                    session.answer(answer, reader.current(), &mut outbox, &mut tally)
                }
                Next::Close(_) => {
                    if outbox.is_empty() {
                        return;
                    }
                    continue;
                }
            };
        }
    }
}
