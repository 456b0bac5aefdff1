//! Takes over another configuration while everything runs.
//!
//! ```text
//!  SIGHUP, file ──▶ lookout ──▶ parse, check, bind ──▶ workers (listeners, bounds)
//!                                  │ fault             poller (sources, pace), stats, log
//!                                  ▼
//!                            one line; nothing else changes
//! ```

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{mpsc, watch};

use super::descriptors::{Shares, share_out};
use super::door::{Change, Door, Turn};
use super::service::Service;
use super::{joined, questioned, share_of};
use crate::config::{Config, Difference, Found, Key, Places, Provenance};
use crate::log::Dial;
use crate::mailbox::{Mail, Postbox};
use crate::metrics::Metrics;
use crate::offload::offload;
use crate::poller::renewal::names;
use crate::poller::troubles::Subject;
use crate::poller::view;
use crate::stats::Terms;
use crate::status::Severity;
use crate::worker::{self, BindError, Listeners};

/// What it takes to read the configuration again.
#[derive(Debug)]
pub struct Again {
    /// Where it comes from.
    pub places: Places,
    /// The file as it was found at the start.
    pub found: Found,
    /// Whether the file is looked at all the time.
    pub watch: bool,
    /// What is logged can be changed here.
    pub dial: Dial,
}

/// Who takes it over.
pub(super) struct Reload {
    pub places: Places,
    pub dial: Dial,
    /// What is in force.
    pub config: Config,
    /// Where that was given.
    pub provenance: Rc<RefCell<Provenance>>,
    pub shares: Shares,
    pub workers: usize,
    /// How many sockets were given to the process.
    pub given: usize,
    pub door: Rc<RefCell<Door>>,
    pub turn: Turn,
    pub postboxes: Vec<Postbox>,
    /// What the poller goes by, and what answers `stats`.
    pub configs: watch::Sender<Arc<Config>>,
    pub terms: watch::Sender<Terms>,
    pub metrics: Metrics,
    pub service: Service,
    pub view: view::Shared,
}

impl Reload {
    /// Takes over whatever is found, for ever.
    pub async fn run(mut self, mut finds: mpsc::Receiver<Found>) {
        while let Some(found) = finds.recv().await {
            let control = self.metrics.clone();
            let turn = self.turn.clone();
            let _turn = turn.lock().await;
            let outcome = self.take(&found).await;
            match &outcome {
                Ok(()) => control.control().reloads.add(1),
                Err(what) => {
                    control.control().reloads_refused.add(1);
                    tracing::error!("reload refused: {what}; what was in force stays");
                }
            }
            let refused = outcome.as_ref().err();
            let found = refused.map(|what| {
                (Severity::Warning, format!("the last reload was refused, what was in force stays: {what}"))
            });
            self.view.borrow_mut().troubles().note(Subject::Configuration, found, SystemTime::now());
            self.service.reloaded(outcome.err().as_deref());
        }
    }

    /// All of it, or nothing and the reason.
    async fn take(&mut self, found: &Found) -> Result<(), String> {
        let config = self.places.resolve(found).map_err(|error| error.to_string())?;
        let difference = Difference::between(&self.config, &config);
        let config = Difference::taken_over(&self.config, config);
        let provenance = self.places.provenance(found).taken_over(&self.provenance.borrow(), &difference);
        let shares = share_out(&config, self.workers, self.given).map_err(|error| error.to_string())?;
        let change = self.door.borrow().change(&config.listen);
        let listeners = self.bind(&change, &config.listen).await?;
        if let Some(listeners) = &listeners {
            let added = self.door.borrow_mut().add(&change.added, listeners);
            added.map_err(|error| error.to_string())?;
        }

        // From here on nothing can fail.
        self.listen_on(listeners, change.removed);
        let is_louder = config.log_level > self.config.log_level;
        let turn = || {
            if difference.taken.contains(&Key::LogLevel) && !self.dial.turn(config.log_level) {
                tracing::warn!("log_level changes nothing: RUST_LOG is set and wins");
            }
        };
        // Whichever level shows more has the line that says so.
        if is_louder {
            turn();
        }
        self.tell(&config, &difference);
        if !is_louder {
            turn();
        }
        self.provenance.replace(provenance);
        self.spread(config, shares);
        Ok(())
    }

    /// Binds what is new. It may wait for a moment, which the control thread must not.
    async fn bind(&self, change: &Change, all: &[SocketAddr]) -> Result<Option<Listeners>, String> {
        if change.added.is_empty() {
            return Ok(None);
        }
        let (added, all, workers) = (change.added.clone(), all.to_vec(), self.workers);
        let bound = offload("bind", move || worker::bind_among(&added, &all, workers));
        let bound = bound.map_err(|error| format!("no thread to bind: {error}"))?.await;
        let bound = bound.map_err(|_| "the bind was lost".to_owned())?;
        bound.map(Some).map_err(|error| self.in_the_way(&error).unwrap_or_else(|| error.to_string()))
    }

    /// Where an address of ours has the port, that is what to say.
    fn in_the_way(&self, error: &BindError) -> Option<String> {
        let door = self.door.borrow();
        let ours = door.addresses().find(|ours| ours.port() == error.address.port() && error.is_in_use())?;
        let wanted = error.address;
        Some(format!(
            "can't listen on {wanted} beside {ours}, which has the port; remove that one first, or restart"
        ))
    }

    fn listen_on(&mut self, listeners: Option<Listeners>, removed: Vec<SocketAddr>) {
        self.door.borrow_mut().remove(&removed);
        let sockets = listeners.into_iter().flat_map(Listeners::into_descriptors);
        for (postbox, sockets) in self.postboxes.iter().zip(sockets) {
            postbox.post(Mail::Listen(sockets));
        }
        for postbox in &self.postboxes {
            removed.iter().for_each(|&address| postbox.post(Mail::Unlisten(address)));
        }
    }

    /// One line for what is taken over, and one for what is not.
    fn tell(&self, config: &Config, difference: &Difference) {
        let keys = |keys: &[Key]| joined(keys.iter().map(|key| key.name()));
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        if difference.is_none() {
            tracing::info!("configuration reloaded: nothing has changed");
        } else {
            let names = names(&self.config.sources, &config.sources);
            let is_listen = difference.taken.contains(&Key::Listen);
            // Values have commas in them.
            let rollout = || match &config.rollout {
                Some(rollout) => rollout.changes_since(self.config.rollout.as_ref()).join(" "),
                None => "none".to_owned(),
            };
            tracing::info!(
                keys = some(keys(&difference.taken)),
                added = some(joined(&names.added)),
                removed = some(joined(&names.removed)),
                changed = some(joined(&names.changed)),
                sources =
                    difference.sources.then(|| joined(config.sources.iter().map(|source| &source.name))),
                rollout = difference.rollout.then(rollout),
                listen = is_listen.then(|| joined(self.door.borrow().addresses())),
                "configuration reloaded"
            );
        }
        if !difference.left.is_empty() {
            let keys = keys(&difference.left);
            tracing::warn!(keys, "these settings need a restart: what was in force stays");
        }
    }

    /// Tells everyone.
    fn spread(&mut self, config: Config, shares: Shares) {
        let Shares { connections_max, refused_max } = shares;
        let Config { idle_timeout, request_timeout, connections_per_ip_max, .. } = config;
        let allow: Arc<[_]> = config.allow.clone().into();
        for postbox in &self.postboxes {
            let allow = allow.clone();
            postbox.post(Mail::Limits {
                connections_max,
                refused_max,
                idle_timeout,
                request_timeout,
                allow,
                connections_per_ip_max,
                clients_tracked_max: share_of(config.clients_tracked_max, self.workers),
            });
        }
        let own = self.terms.borrow().own.clone();
        let terms = questioned(&config, connections_max, own);
        if config != self.config {
            self.terms.send_replace(terms);
            self.configs.send_replace(Arc::new(config.clone()));
        }
        (self.config, self.shares) = (config, shares);
    }
}
