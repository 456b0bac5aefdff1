//! Asks an admin address, for whoever shows what it answers.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::limits::ADMIN_ANSWER_BYTES_MAX;

/// Why there is no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// It did not come in time.
    Timeout {
        /// Who was asked.
        address: SocketAddr,
        /// How long it had.
        timeout: Duration,
    },
    /// Nobody listens there, or can't be reached.
    Unreachable {
        /// Who was asked.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// What answers is no admin address, or it ended in the middle.
    Broken {
        /// Who was asked.
        address: SocketAddr,
        /// What is wrong.
        what: String,
    },
    /// It answers that it does not answer.
    Refused {
        /// Its status, such as 404 or 503.
        status: u16,
        /// Its reason, in a line.
        line: String,
    },
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { address, timeout } => write!(
                f,
                "{address} does not answer within {}; is it the address given with --admin?",
                humantime::format_duration(*timeout)
            ),
            Self::Unreachable { address, source } => {
                write!(
                    f,
                    "{address} can't be reached: {source}; does mimikyu run there, with --admin {address}?"
                )
            }
            Self::Broken { address, what } => {
                write!(f, "{address} is no admin address of mimikyu: {what}; give the one of --admin")
            }
            Self::Refused { status, line } => write!(f, "{status}: {line}"),
        }
    }
}

impl std::error::Error for Unanswered {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        None
    }
}

/// What there is at a path (`/status`), within `timeout` and [`ADMIN_ANSWER_BYTES_MAX`]. Needs a tokio runtime with time
/// and I/O.
pub async fn ask(address: SocketAddr, path: &str, timeout: Duration) -> Result<Vec<u8>, Unanswered> {
    ask_within(address, path, timeout, ADMIN_ANSWER_BYTES_MAX).await
}

pub(super) async fn ask_within(
    address: SocketAddr,
    path: &str,
    timeout: Duration,
    bytes_max: usize,
) -> Result<Vec<u8>, Unanswered> {
    let conversation = converse(address, path, bytes_max);
    tokio::time::timeout(timeout, conversation).await.unwrap_or(Err(Unanswered::Timeout { address, timeout }))
}

async fn converse(address: SocketAddr, path: &str, bytes_max: usize) -> Result<Vec<u8>, Unanswered> {
    let broken = |what: String| Unanswered::Broken { address, what };
    let unreachable = |source| Unanswered::Unreachable { address, source };
    let stream = TcpStream::connect(address).await.map_err(unreachable)?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| broken(error.to_string()))?;
    let request = Request::builder().uri(path).header(HOST, address.to_string()).header(CONNECTION, "close");
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| broken(error.to_string()))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?;
        let status = response.status();
        let body = body(response, bytes_max).await.map_err(broken)?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body);
        let line =
            text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
        Err(Unanswered::Refused { status: status.as_u16(), line })
    };
    // One task for both, so that it runs on any runtime: the connection goes on until the answer is there.
    tokio::pin!(connection, answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = &mut connection => answer.await,
    }
}

async fn body(response: Response<Incoming>, bytes_max: usize) -> Result<Vec<u8>, String> {
    let body =
        Limited::new(response.into_body(), bytes_max).collect().await.map_err(|error| error.to_string())?;
    Ok(body.to_bytes().to_vec())
}
