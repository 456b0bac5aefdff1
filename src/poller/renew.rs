//! Takes over another configuration.

use std::time::Instant;

use super::ask::Pace;
use super::chronicle::RELOADED;
use super::renewal::{Origin, origins};
use super::rollout::Plan;
use super::{Poller, memory, tell, wall};
use crate::config::Config;

impl Poller {
    /// Goes on with another configuration: what has not changed is left alone.
    pub(super) async fn renew(&mut self, config: &Config) {
        let origins = origins(&self.sources, &config.sources);
        let sources = config.sources.iter().zip(&origins);
        let terms =
            sources.clone().map(|(source, &origin)| (memory::terms(config, source), origin)).collect();
        self.ledger.replan(Plan::of(config.rollout.as_ref(), &config.sources), wall());
        let publication = self.ledger.renew(memory::rules(config), terms, self.started.elapsed());
        let lasts = self.ledger.sources().iter().map(|source| source.last());
        self.askers.renew(sources.zip(lasts).map(|((source, &origin), last)| (source, origin, last)));
        let place = |origin: &Origin| match *origin {
            Origin::Kept(index) => self.endpoints[index].clone(),
            Origin::Replaces(_) | Origin::New => None,
        };
        self.endpoints = origins.iter().map(place).collect();
        if self.sources != config.sources {
            self.waiting_since = Instant::now();
        }
        self.sources.clone_from(&config.sources);
        self.show_sources(&origins);
        self.grace = config.startup_grace;
        let pace = Pace::of(config);
        self.pace.send_if_modified(|before| std::mem::replace(before, pace) != pace);
        self.publisher.turn_version(&config.version_reply);
        self.announce_if_wanted();
        match publication {
            Some(publication) => self.publish(publication, RELOADED.into()).await,
            None => {
                self.saver.save(self.state()).await;
                self.announce();
                self.tell_what_is_missing();
            }
        }
    }

    /// Says where the list stays as it is because sources have not answered.
    pub(super) fn tell_what_is_missing(&self) {
        if self.ledger.is_published() && self.ledger.is_held() {
            tell::held(&self.missing());
        }
    }
}
