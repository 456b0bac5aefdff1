//! Operators are answered here, by HTTP/1.1 on the control thread: what there is to see, never to change.
//!
//! ```text
//!  accept ──▶ head (bounded in bytes and time) ──▶ route ──▶ answer, made of ready values ──▶ write (bounded in time)
//!               ▲                                                                               │
//!               └──────────────────────── kept alive, closed when idle ─────────────────────────┘
//! ```
//!
//! Whatever comes here, polls and clients do not wait for it: places are few, the one that is without a request for
//! longest goes for the next one, and answers that take work are made one at a time, for half of the thread at most.

mod answer;
mod ask;
mod page;
mod patient;
mod places;
mod route;
mod serve;

use std::time::Duration;

pub use ask::{Unanswered, ask};
pub use serve::{bind, serve};

use crate::limits::{ADMIN_ANSWER, ADMIN_CONNECTIONS_MAX, ADMIN_REQUEST, ADMIN_RESPONSE};
use crate::status::{Configuration, History, RolloutPlan, Status};

/// Who knows what there is to tell.
pub trait Facts: 'static {
    /// Whether every thread answers in time; that this is asked shows that the control thread does.
    fn is_alive(&self) -> impl Future<Output = bool>;
    /// Why clients are not served a list, in a sentence; none where they are.
    fn unready(&self) -> Option<String>;
    /// Everything at a glance.
    fn status(&self) -> impl Future<Output = Status>;
    /// What is in force.
    fn configuration(&self) -> Configuration;
    /// What has changed.
    fn history(&self) -> History;
    /// The migration in steps, with every step; empty where none is configured.
    fn rollout(&self) -> RolloutPlan;
    /// All that is counted, in the OpenMetrics text format.
    fn metrics(&self) -> impl Future<Output = String>;
}

/// What one operator may take from the others and from the control thread.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections held at a time.
    pub connections_max: usize,
    /// See [`ADMIN_REQUEST`].
    pub request: Duration,
    /// See [`ADMIN_RESPONSE`].
    pub response: Duration,
    /// See [`ADMIN_ANSWER`].
    pub answer: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections_max: ADMIN_CONNECTIONS_MAX,
            request: ADMIN_REQUEST,
            response: ADMIN_RESPONSE,
            answer: ADMIN_ANSWER,
        }
    }
}

#[cfg(test)]
mod tests;
