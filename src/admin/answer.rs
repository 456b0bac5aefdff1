//! An answer: status, headers, body.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::Mutex;

use super::page::{PAGE, POLICY, POLICY_NONE};
use super::route::{Path, route};
use super::{Bounds, Facts};

/// What comes back.
pub(super) type Answer = Response<Full<Bytes>>;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Who makes answers.
#[derive(Debug)]
pub(super) struct Scribe<F> {
    facts: Rc<F>,
    bounds: Bounds,
    /// Whose turn it is to have an answer made that takes work.
    turn: Mutex<()>,
    /// When the next one may be made: the thread is for the polls for as long as the last one took.
    not_before: Cell<Option<Instant>>,
}

/// A pause shorter than this is none: the timer knows no shorter one.
const PAUSE_MIN: Duration = Duration::from_millis(1);

impl<F: Facts> Scribe<F> {
    pub fn new(facts: Rc<F>, bounds: Bounds) -> Self {
        Self { facts, bounds, turn: Mutex::default(), not_before: Cell::default() }
    }

    /// The answer to a request that came to an address of the loopback interface, or to another one.
    pub async fn answer(&self, request: &Parts, is_loopback: bool) -> Answer {
        let path = match route(request, is_loopback) {
            Ok(path) => path,
            Err((status, line)) => return refusal(status, &line),
        };
        match path {
            Path::Page => response(StatusCode::OK, HTML, &POLICY, PAGE.into()),
            Path::Live if self.facts.is_alive().await => text(StatusCode::OK, "live"),
            Path::Live => text(StatusCode::SERVICE_UNAVAILABLE, "a worker hangs: start the process anew"),
            Path::Ready => match self.facts.unready() {
                None => text(StatusCode::OK, "ready"),
                Some(why) => text(StatusCode::SERVICE_UNAVAILABLE, &why),
            },
            Path::Metrics | Path::Status | Path::Config | Path::History | Path::Rollout => {
                let made = tokio::time::timeout(self.bounds.answer, self.work(path)).await;
                let late = "the answer took too long to make: the process is overloaded; try again";
                made.unwrap_or_else(|_| text(StatusCode::SERVICE_UNAVAILABLE, late))
            }
        }
    }

    /// An answer that grows with the configuration and the list.
    async fn work(&self, path: Path) -> Answer {
        let _turn = self.turn.lock().await;
        if let Some(not_before) = self.not_before.take() {
            tokio::time::sleep_until(not_before.into()).await;
        }
        // Before what has to be waited for: other tasks run meanwhile.
        let status = match path {
            Path::Status => Some(self.facts.status().await),
            _ => None,
        };
        let metrics = match path {
            Path::Metrics => Some(self.facts.metrics().await),
            _ => None,
        };
        let begun = Instant::now();
        let answer = match (status, metrics, path) {
            (Some(status), ..) => json(&status),
            (_, Some(metrics), _) => response(StatusCode::OK, METRICS, POLICY_NONE, metrics.into()),
            (.., Path::Config) => json(&self.facts.configuration()),
            (.., Path::Rollout) => json(&self.facts.rollout()),
            _ => json(&self.facts.history()),
        };
        let took = begun.elapsed();
        if took >= PAUSE_MIN {
            self.not_before.set(Some(Instant::now() + took));
        }
        answer
    }
}

fn json(value: &impl Serialize) -> Answer {
    match serde_json::to_vec_pretty(value) {
        Ok(mut body) => {
            body.push(b'\n');
            response(StatusCode::OK, JSON, POLICY_NONE, body.into())
        }
        Err(error) => {
            text(StatusCode::INTERNAL_SERVER_ERROR, &format!("the answer can't be written: {error}"))
        }
    }
}

fn text(status: StatusCode, line: &str) -> Answer {
    response(status, TEXT, POLICY_NONE, format!("{line}\n").into())
}

fn refusal(status: StatusCode, line: &str) -> Answer {
    let mut answer = text(status, line);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        // What comes next is the body.
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

fn response(status: StatusCode, kind: &'static str, policy: &str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // Yesterday's state is of no use, and no proxy should keep it.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let resource_policy = header::HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource_policy, HeaderValue::from_static("same-origin"));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}
