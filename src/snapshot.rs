//! What is served now, already encoded; one publisher, a reader per worker.
//!
//! Replies are encoded when a list is published and not when a client asks: a request costs a look-up.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::cluster::Cluster;
use crate::protocol::reply::{self, Reply};
use crate::protocol::{Error, payload};

/// Every reply that does not depend on the client.
#[derive(Debug)]
pub struct Snapshot {
    /// The list, unless there has never been one.
    pub list: Option<List>,
    /// Answers `version`.
    pub version: Reply,
    /// The version itself, for encodings that need only that.
    pub version_text: Box<str>,
    /// Answers a `config get` of something that is not there.
    pub miss: Reply,
    /// Answers an empty line, which some clients send after every command.
    pub empty: Reply,
}

/// The list that is served, in each form that clients ask for.
#[derive(Debug)]
pub struct List {
    /// The version and the nodes themselves.
    pub cluster: Cluster,
    /// The version and the nodes as every reply has them.
    pub payload: Box<[u8]>,
    /// Answers `config get cluster`.
    pub config: Reply,
    /// Answers `get` of the legacy key.
    pub value: Reply,
    /// Answers `gets` of it; the unique number is the version.
    pub value_cas: Reply,
}

impl Snapshot {
    /// Encodes the replies for a list, or for its absence.
    pub fn new(cluster: Option<Cluster>, version_reply: &str) -> Self {
        let version = Reply::repeated(&reply::version(version_reply));
        let miss = Reply::repeated(reply::MISS.as_bytes());
        let empty = Reply::repeated(Error::Empty.line().as_bytes());
        Self { list: cluster.map(List::new), version, version_text: version_reply.into(), miss, empty }
    }
}

impl List {
    fn new(cluster: Cluster) -> Self {
        let payload = payload::encode(&cluster);
        let cas = u64::from(cluster.version.number());
        Self {
            payload: payload.clone().into(),
            config: Reply::repeated(&reply::config(&payload)),
            value: Reply::repeated(&reply::value(&payload, None)),
            value_cas: Reply::repeated(&reply::value(&payload, Some(cas))),
            cluster,
        }
    }
}

/// The one writer of the snapshot.
#[derive(Debug)]
pub struct Publisher {
    current: Arc<ArcSwap<Snapshot>>,
    version_reply: String,
}

impl Publisher {
    /// A publisher whose first snapshot has no list.
    pub fn new(version_reply: &str) -> Self {
        let first = Snapshot::new(None, version_reply);
        Self { current: Arc::new(ArcSwap::from_pointee(first)), version_reply: version_reply.into() }
    }

    /// Replaces what is served. Replies that are being sent keep the snapshot they came from.
    pub fn publish(&self, cluster: Cluster) {
        self.current.store(Arc::new(Snapshot::new(Some(cluster), &self.version_reply)));
    }

    /// Answers `version` with this from now on.
    pub fn turn_version(&mut self, version_reply: &str) {
        if self.version_reply != version_reply {
            self.version_reply = version_reply.into();
            let cluster = self.current.load().list.as_ref().map(|list| list.cluster.clone());
            self.current.store(Arc::new(Snapshot::new(cluster, version_reply)));
        }
    }

    /// A reader of whatever is current.
    pub fn reader(&self) -> Reader {
        Reader { cache: arc_swap::Cache::new(self.current.clone()) }
    }
}

/// A thread's view of the snapshot: without a change, reading it costs one load and no shared write.
#[derive(Debug, Clone)]
pub struct Reader {
    cache: arc_swap::Cache<Arc<ArcSwap<Snapshot>>, Arc<Snapshot>>,
}

impl Reader {
    /// What is served now.
    pub fn current(&mut self) -> &Arc<Snapshot> {
        self.cache.load()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Node, Version};

    #[test]
    fn readers_see_what_was_published_last() {
        let publisher = Publisher::new("1.6.22");
        let mut reader = publisher.reader();
        assert!(reader.current().list.is_none());
        assert_eq!(reader.current().version.once(), b"VERSION 1.6.22\r\n");
        let before = reader.current().clone();
        let nodes = vec![Node::new("a", "10.0.0.1", 11211)];
        publisher.publish(Cluster { version: Version::new(7).unwrap(), nodes });
        let list = reader.current().list.as_ref().unwrap();
        assert_eq!(list.config.once(), b"CONFIG cluster 0 19\r\n7\na|10.0.0.1|11211\n\r\nEND\r\n");
        assert!(list.value_cas.once().starts_with(b"VALUE AmazonElastiCache:cluster 0 19 7\r\n"));
        assert!(before.list.is_none(), "what is being sent must not change");
        let mut publisher = publisher;
        publisher.turn_version("1.5.0");
        assert_eq!(reader.current().version.once(), b"VERSION 1.5.0\r\n");
        assert_eq!(reader.current().list.as_ref().unwrap().cluster.version.number(), 7);
    }
}
