//! The loop that takes connections, and what becomes of each.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer::{Answer, Scribe};
use super::patient::Patient;
use super::places::{Idle, Places};
use super::{Bounds, Facts};
use crate::limits::{ADMIN_HEADERS_MAX, ADMIN_REQUEST_BYTES_MAX};

/// Pause after an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Time between two tries to bind.
const BIND_PAUSE: Duration = Duration::from_millis(10);

/// Listens at an address; tries again for `patience` while that is taken.
pub async fn bind(address: SocketAddr, patience: Duration) -> io::Result<TcpListener> {
    let deadline = Instant::now() + patience;
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                tokio::time::sleep(BIND_PAUSE).await;
            }
            bound => return bound,
        }
    }
}

/// Answers whoever comes, for ever. Dropped, it closes every connection.
pub async fn serve<F: Facts>(listener: TcpListener, facts: Rc<F>, bounds: Bounds) {
    let scribe = Rc::new(Scribe::new(facts, bounds));
    let mut connections = JoinSet::new();
    let mut places = Places::new(bounds.connections_max);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                places.make_room();
                let idle = Idle::new(Some(Instant::now()).into());
                let connection = converse(stream, scribe.clone(), bounds, idle.clone());
                places.take(connections.spawn_local(connection), idle);
                // Whoever has to go is gone before the next one is let in, and a flood of connections lets others work.
                tokio::task::yield_now().await;
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse<F: Facts>(stream: TcpStream, scribe: Rc<Scribe<F>>, bounds: Bounds, idle: Idle) {
    // A connection that is gone already needs no answer.
    let Ok(local) = stream.local_addr() else { return };
    let _ = stream.set_nodelay(true);
    let is_loopback = local.ip().to_canonical().is_loopback();
    let service = service_fn(|request: Request<Incoming>| {
        idle.set(None);
        let (scribe, idle) = (scribe.clone(), idle.clone());
        async move {
            let (parts, _) = request.into_parts();
            let answer = scribe.answer(&parts, is_loopback).await;
            idle.set(Some(Instant::now()));
            Ok::<Answer, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.request).half_close(true);
    http.max_buf_size(2 * ADMIN_REQUEST_BYTES_MAX);
    http.max_header_size(ADMIN_REQUEST_BYTES_MAX).max_headers(ADMIN_HEADERS_MAX);
    let connection = http.serve_connection(TokioIo::new(Patient::new(stream, bounds.response)), service);
    // That it ended with an error is the client's affair.
    let _ = connection.await;
}
