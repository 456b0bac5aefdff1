//! Each bound crossed by one, by clients that know no manners.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::*;
use crate::limits::{ADMIN_HEADERS_MAX, ADMIN_REQUEST_BYTES_MAX};
use crate::status::{Entry, Traffic};

/// Facts that are as large and as slow as a test wants.
#[derive(Default)]
struct Said {
    unready: RefCell<Option<String>>,
    changes: Cell<usize>,
    slow: Cell<bool>,
    hangs: Cell<bool>,
    /// How often the history was asked for.
    asked: Cell<usize>,
}

impl Facts for Said {
    async fn is_alive(&self) -> bool {
        !self.hangs.get()
    }

    fn unready(&self) -> Option<String> {
        self.unready.borrow().clone()
    }

    async fn status(&self) -> Status {
        if self.slow.get() {
            std::future::pending::<()>().await;
        }
        Status {
            mimikyu: "1".into(),
            now: String::new(),
            started: String::new(),
            uptime: 1.5,
            ready: true,
            waits_for: None,
            listen: Vec::new(),
            troubles: Vec::new(),
            list: None,
            sources: Vec::new(),
            rollout: None,
            audience: crate::status::Audience::default(),
            traffic: Traffic::default(),
            workers: crate::status::Workers { count: 1, ring_features: Vec::new() },
            limits: Vec::new(),
        }
    }

    fn configuration(&self) -> Configuration {
        Configuration::default()
    }

    fn history(&self) -> History {
        self.asked.set(self.asked.get() + 1);
        let entry = Entry {
            at: "x".repeat(1000),
            version: 1,
            nodes: 1,
            why: String::new(),
            added: Vec::new(),
            removed: Vec::new(),
            moved: Vec::new(),
            readdressed: Vec::new(),
            omitted: 0,
        };
        History { changes: vec![entry; self.changes.get()] }
    }

    fn rollout(&self) -> RolloutPlan {
        RolloutPlan::default()
    }

    async fn metrics(&self) -> String {
        "# EOF\n".into()
    }
}

const FAST: Bounds = Bounds {
    connections_max: 4,
    request: Duration::from_millis(150),
    response: Duration::from_millis(150),
    answer: Duration::from_millis(150),
};
const LONG: Duration = Duration::from_secs(20);
const PATIENT: Bounds = Bounds { connections_max: 4, request: LONG, response: LONG, answer: LONG };

/// Runs a test against an admin address of its own.
fn against<T: Future<Output = ()>>(bounds: Bounds, test: impl FnOnce(SocketAddr, Rc<Said>) -> T) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let said = Rc::new(Said::default());
    LocalSet::new().block_on(&runtime, async {
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into(), Duration::ZERO).await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::task::spawn_local(serve(listener, said.clone(), bounds));
        tokio::time::timeout(3 * LONG, test(address, said)).await.expect("in time");
        served.abort();
    });
}

/// Writes all of it.
async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads some.
async fn read(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 65_536];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            length => {
                bytes.truncate(length?);
                return Ok(bytes);
            }
        }
    }
}

async fn send(address: SocketAddr, bytes: &str) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    write(&stream, bytes.as_bytes()).await.unwrap();
    stream
}

/// Everything until the other side ends it.
async fn rest(stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    while let Ok(more) = read(&stream).await
        && !more.is_empty()
    {
        bytes.extend(more);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One whole answer that is as short as a line, on a connection that stays.
async fn line(stream: &TcpStream) -> String {
    let mut text = String::new();
    while !text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.ends_with('\n')) {
        let more = read(stream).await.unwrap();
        assert!(!more.is_empty(), "it was closed after {text:?}");
        text.push_str(&String::from_utf8_lossy(&more));
    }
    text
}

const LIVE: &str = "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n";
const LAST: &str = "GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[test]
fn answers_are_typed_and_a_browser_may_do_little_with_them() {
    against(PATIENT, |address, said| async move {
        let get = async |path: &str, method: &str| {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            rest(send(address, &request).await).await
        };
        for (path, kind) in [
            ("/", "text/html; charset=utf-8"),
            ("/status", "application/json"),
            ("/config", "application/json"),
            ("/history", "application/json"),
            ("/rollout", "application/json"),
            ("/metrics", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
            ("/live", "text/plain; charset=utf-8"),
        ] {
            let whole = get(path, "GET").await;
            let (head, body) = whole.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 200 OK") && !body.is_empty(), "{whole}");
            assert!(head.contains(&format!("content-type: {kind}")), "{path}: {head}");
            for header in ["cache-control: no-store", "x-content-type-options: nosniff", "default-src 'none'"]
            {
                assert!(head.contains(header), "{path}: no {header} in {head}");
            }
            assert!(!head.contains("access-control"), "{head}");
            let (head_alone, nothing) = get(path, "HEAD").await.split_once("\r\n\r\n").map(own).unwrap();
            assert!(head_alone.contains(&format!("content-length: {}", body.len())), "{head_alone}");
            assert_eq!(nothing, "");
        }
        assert!(get("/live", "DELETE").await.contains("allow: GET, HEAD\r\n"));
        said.unready.replace(Some("it waits".into()));
        let unready = get("/ready", "GET").await;
        assert!(unready.starts_with("HTTP/1.1 503") && unready.ends_with("\r\n\r\nit waits\n"), "{unready}");
        assert!(get("/live", "GET").await.starts_with("HTTP/1.1 200"));
        said.hangs.set(true);
        assert!(get("/live", "GET").await.starts_with("HTTP/1.1 503"));
    });
}

fn own((one, other): (&str, &str)) -> (String, String) {
    (one.into(), other.into())
}

#[test]
fn for_one_connection_too_many_the_longest_idle_one_goes() {
    against(PATIENT, |address, _| async move {
        let mut streams = Vec::new();
        for _ in 0..PATIENT.connections_max {
            let stream = send(address, LIVE).await;
            line(&stream).await;
            streams.push(stream);
        }
        // The first one has just asked again: the second is without a request for longest.
        write(&streams[0], LIVE.as_bytes()).await.unwrap();
        line(&streams[0]).await;
        assert!(rest(send(address, LAST).await).await.starts_with("HTTP/1.1 200"), "one too many is let in");
        let gone = streams.remove(1);
        assert_eq!(rest(gone).await, "");
        for stream in &streams {
            write(stream, LIVE.as_bytes()).await.unwrap();
            assert!(line(stream).await.starts_with("HTTP/1.1 200"), "the others stay");
        }
    });
}

#[test]
fn a_request_that_does_not_come_or_does_not_end_closes_its_connection() {
    against(FAST, |address, _| async move {
        let begun = Instant::now();
        for bytes in ["", "G", "GET /live HTTP/1.1\r\nHost: localhost\r\n"] {
            rest(send(address, bytes).await).await;
        }
        assert!(begun.elapsed() >= FAST.request && begun.elapsed() < LONG / 2);
        let kept = send(address, LIVE).await;
        line(&kept).await;
        assert_eq!(rest(kept).await, "", "it was idle");
        // A byte now and then is no request.
        let (dripping, begun) = (send(address, "GET /live HTTP/1.1\r\n").await, Instant::now());
        while write(&dripping, b"x").await.is_ok() && begun.elapsed() < LONG / 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(begun.elapsed() < LONG / 2);
    });
}

#[test]
fn a_head_may_have_as_many_bytes_and_headers_as_the_bounds_and_not_one_more() {
    against(PATIENT, |address, _| async move {
        let status = async |request: String| {
            let answer = rest(send(address, &request).await).await;
            answer.split(' ').nth(1).unwrap_or_default().to_owned()
        };
        let sized = |bytes: usize| {
            let bare = LAST.strip_suffix("\r\n").unwrap();
            let filler = bytes - bare.len() - "X: \r\n\r\n".len();
            format!("{bare}X: {}\r\n\r\n", "x".repeat(filler))
        };
        assert_eq!(sized(ADMIN_REQUEST_BYTES_MAX).len(), ADMIN_REQUEST_BYTES_MAX);
        assert_eq!(status(sized(ADMIN_REQUEST_BYTES_MAX)).await, "200");
        assert_eq!(status(sized(ADMIN_REQUEST_BYTES_MAX + 1)).await, "431");
        let headers = |count: usize| {
            let bare = LAST.strip_suffix("\r\n").unwrap();
            format!("{bare}{}\r\n", "X: y\r\n".repeat(count - 2))
        };
        assert_eq!(status(headers(ADMIN_HEADERS_MAX)).await, "200");
        assert_eq!(status(headers(ADMIN_HEADERS_MAX + 1)).await, "431");
        assert_eq!(status("nonsense\r\n\r\n".into()).await, "400");
        let body = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
        assert_eq!(status(body.into()).await, "413");
    });
}

#[test]
fn who_does_not_read_is_cut_and_holds_up_nobody() {
    against(Bounds { answer: LONG, request: LONG, ..FAST }, |address, said| async move {
        // Far more than the kernel takes for a client that does not read.
        said.changes.set(12_000);
        let mut deaf = Vec::new();
        for _ in 0..FAST.connections_max - 1 {
            deaf.push(send(address, "GET /history HTTP/1.1\r\nHost: localhost\r\n\r\n").await);
        }
        let begun = Instant::now();
        assert!(rest(send(address, LAST).await).await.starts_with("HTTP/1.1 200"));
        assert!(begun.elapsed() < LONG / 4);
        while said.asked.get() < deaf.len() {
            tokio::time::sleep(FAST.response / 10).await;
        }
        tokio::time::sleep(2 * FAST.response).await;
        for stream in deaf {
            let heard = rest(stream).await;
            assert!(
                heard.starts_with("HTTP/1.1 200") && heard.len() < 12_000_000,
                "it is cut: {}",
                heard.len()
            );
        }
    });
}

#[test]
fn an_answer_that_is_not_made_in_time_says_so() {
    against(FAST, |address, said| async move {
        said.slow.set(true);
        let late = ask(address, "/status", LONG).await.unwrap_err().to_string();
        assert!(late.starts_with("503: the answer took too long"), "{late}");
        assert_eq!(ask(address, "/live", LONG).await.unwrap(), b"live\n");
        said.slow.set(false);
        assert!(ask(address, "/status", LONG).await.is_ok(), "nothing is left of it");
    });
}

#[test]
fn who_asks_is_told_why_there_is_no_answer() {
    against(PATIENT, |address, said| async move {
        assert_eq!(ask(address, "/live", LONG).await.unwrap(), b"live\n");
        let bounded = |bytes_max| ask::ask_within(address, "/live", LONG, bytes_max);
        assert_eq!(bounded(5).await.unwrap(), b"live\n");
        assert!(matches!(bounded(4).await, Err(Unanswered::Broken { .. })));
        let absent = ask(address, "/nowhere", LONG).await.unwrap_err().to_string();
        assert!(absent.starts_with("404: ") && absent.contains("/status"), "{absent}");
        said.slow.set(true);
        let late = ask(address, "/status", Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(late, Unanswered::Timeout { .. }), "{late}");
        let closed =
            bind((Ipv4Addr::LOCALHOST, 0).into(), Duration::ZERO).await.unwrap().local_addr().unwrap();
        let refused = ask(closed, "/live", LONG).await.unwrap_err();
        assert!(refused.to_string().contains("can't be reached"), "{refused}");
    });
}
