//! Keeps what operators see up to date.

use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

use super::Poller;
use super::chronicle::{FIRST_ANSWERS, reason};
use super::event::Event;
use super::renewal::Origin;
use super::troubles::Subject;
use super::view::Poll;
use crate::cluster::{Change, Cluster};
use crate::lint;
use crate::status::Severity;

/// Where the first list is from.
pub(super) const RESTORED: &str = "restored from the state file";
pub(super) const TAKEN_OVER: &str = "taken over from the process before";

/// Why there is a list although not every source has answered.
pub(super) fn without(missing: &[&str]) -> String {
    format!("startup_grace is over: the list does without {}", missing.join(", "))
}

/// A point in time as it is shown.
fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

impl Poller {
    /// The sources are others, or the first ones.
    pub(super) fn show_sources(&self, origins: &[Origin]) {
        let next_polls = self.askers.next_polls();
        self.view.borrow_mut().renew(&self.sources, origins, &self.ledger, next_polls, Instant::now());
    }

    /// A source was asked. What that would change the list for.
    pub(super) fn show_poll(
        &self,
        source: usize,
        failure: Option<String>,
        events: &[Event],
        address: Option<SocketAddr>,
    ) -> String {
        let mut view = self.view.borrow_mut();
        let why = reason(&self.sources[source].name, events, view.held(source));
        let poll = Poll::new(failure, events, address);
        view.polled(source, &self.ledger.sources()[source], poll, Instant::now());
        let have_several_answered = self.sources.len() > view.missing().len() + 1;
        if have_several_answered && view.chronicle().is_empty() { FIRST_ANSWERS.into() } else { why }
    }

    /// Another list is served.
    pub(super) fn show_list(&self, cluster: &Cluster, change: &Change, why: String) {
        let mut view = self.view.borrow_mut();
        view.chronicle().note(now(), why, cluster, change);
        view.serve_since(Some(now()));
        view.attribute(&self.ledger);
    }

    /// Whom the list hurts. A finding that no client is known to mind is no trouble.
    pub(super) fn show_doubts(&self) {
        let found = self.doubts.findings().iter().filter(|finding| !finding.hurts.is_empty());
        let found = found.map(|finding| {
            let severity = match finding.severity {
                lint::Severity::Severe => Severity::Severe,
                lint::Severity::Warning => Severity::Warning,
            };
            (severity, format!("the list hurts some clients: {finding}"))
        });
        self.view.borrow_mut().troubles().note(Subject::List, found, SystemTime::now());
    }

    /// Whether the state file is written.
    pub(super) fn show_state_file(&self) {
        let found = self.saver.fault().map(|fault| (Severity::Warning, fault.to_owned()));
        self.view.borrow_mut().troubles().note(Subject::State, found, SystemTime::now());
    }

    /// The list of before the start is served again.
    pub(super) fn show_restored(&self, cluster: &Cluster) {
        let mut view = self.view.borrow_mut();
        view.chronicle().note(now(), self.why.into(), cluster, &Change::default());
        view.attribute(&self.ledger);
    }
}
