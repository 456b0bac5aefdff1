//! When the configuration is read again: on SIGHUP, and where it is watched, when the file is another one.
//!
//! The file is looked at on a thread of its own, since a disk may hang. It is compared by what is in it: what is
//! watched may be a chain of links, one of which is swapped (a Kubernetes ConfigMap), and times are too coarse.

use tokio::sync::mpsc;

use super::service::Service;
use crate::config::{Found, Places};
use crate::limits::{CONFIG_WAIT, WATCH_INTERVAL};
use crate::offload::offload;
use crate::signal::Hangups;

/// Who looks.
pub(super) struct Lookout {
    places: Places,
    watch: bool,
    hangups: Hangups,
    /// What was handed on last.
    told: Found,
    /// What was there at the last look.
    seen: Found,
}

impl Lookout {
    /// One that knows what is in force. A SIGHUP that came before counts.
    pub fn new(places: Places, found: Found, watch: bool, hangups: Hangups) -> Self {
        Self { places, watch, hangups, told: found.clone(), seen: found }
    }

    /// Hands on what is found whenever it is to be taken over, for ever.
    pub async fn run(mut self, finds: mpsc::Sender<Found>, service: Service) {
        loop {
            let is_asked = tokio::select! {
                () = self.hangups.next() => true,
                () = tokio::time::sleep(WATCH_INTERVAL), if self.watch => false,
            };
            if is_asked {
                service.reloading();
            }
            if self.places.file.is_none() {
                let what =
                    "there is no configuration file to read again; flags and environment need a restart";
                tracing::warn!("SIGHUP: {what}");
                service.reloaded(Some(what));
                continue;
            }
            let Some(found) = self.look().await else {
                if is_asked {
                    service.reloaded(Some("the configuration file can't be looked at"));
                }
                continue;
            };
            // A file that is just being written is not yet what its writer means: it counts once it was the same
            // in two looks.
            let is_another = found != self.told && found == self.seen;
            self.seen = found;
            if is_asked || is_another {
                self.told.clone_from(&self.seen);
                if !is_asked {
                    service.reloading();
                }
                if finds.send(self.seen.clone()).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Looks at the file, however long that takes; one look at a time.
    async fn look(&self) -> Option<Found> {
        let places = self.places.clone();
        let mut look = match offload("config", move || places.look()) {
            Ok(look) => look,
            Err(error) => {
                tracing::error!(
                    "reload refused: no thread to read the configuration: {error}; what was in force stays"
                );
                return None;
            }
        };
        if let Ok(found) = tokio::time::timeout(CONFIG_WAIT, &mut look).await {
            return found.ok();
        }
        tracing::warn!("the configuration file takes long to read: what is in force stays until it is");
        look.await.ok()
    }
}
