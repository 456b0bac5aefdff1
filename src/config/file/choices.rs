//! What a `[[source]]` table may say beside its name and its place.

use std::time::Duration;

use super::super::error::{Fault, Origin};
use super::super::faults::Faults;
use super::super::{FillIp, Share, Source, SourceKind};

/// What else a source may have, and where it was given.
#[derive(Default)]
pub(super) struct Choices {
    pub fill_ip: Option<(FillIp, Origin)>,
    pub publish: Option<(bool, Origin)>,
    pub max_shrink: Option<(Share, Origin)>,
    pub drop_after: Option<(Duration, Origin)>,
}

impl Choices {
    /// Whether a source of this kind has them.
    pub fn check(&self, kind: &SourceKind, faults: &mut Faults) {
        let is_endpoint = matches!(kind, SourceKind::Endpoint(_));
        let is_static = matches!(kind, SourceKind::Static(_));
        let mut wrong = |what, cure, origin: &Origin| faults.push(Fault::new(what, cure).at(origin.clone()));
        if let Some((_, origin)) = self.fill_ip.as_ref().filter(|_| !is_endpoint) {
            wrong("it is for an upstream only", "leave it out", origin);
        }
        if let Some((true, origin)) = self.publish.as_ref().filter(|_| is_endpoint) {
            let cure = "leave it out, or give plain memcached nodes by static or dns";
            wrong("an upstream's nodes can't be written to", cure, origin);
        }
        // What is given in the configuration neither shrinks nor falls silent by itself.
        let origins = [
            self.max_shrink.as_ref().map(|(_, origin)| origin),
            self.drop_after.as_ref().map(|(_, origin)| origin),
        ];
        for origin in origins.into_iter().flatten().filter(|_| is_static) {
            wrong("it is not for a static source", "leave it out", origin);
        }
    }

    /// Gives them to a source.
    pub fn put(self, mut source: Source) -> Source {
        source.fill_ip = self.fill_ip.map(|(choice, _)| choice).unwrap_or_default();
        source.publish = self.publish.is_some_and(|(choice, _)| choice);
        source.max_shrink = self.max_shrink.map(|(share, _)| share);
        source.drop_after = self.drop_after.map(|(time, _)| time);
        source
    }
}
