//! A configuration endpoint: ElastiCache's, Memorystore's, another mimikyu, or a plain memcached.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Error;
use super::conversation::Conversation;
use super::resolve::{Lookups, Resolver};
use crate::cluster::Cluster;
use crate::config::HostPort;
use crate::limits::ADDRESSES_MAX;
use crate::protocol::answer::{self, Progress};
use crate::protocol::counters::{self, Counters};
use crate::protocol::lines::Lines;
use crate::protocol::stats;

/// The question that an endpoint answers with its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// `config get cluster`.
    Config,
    /// `get AmazonElastiCache:cluster`: engines before 1.4.14, and plain memcached.
    Legacy,
}

impl Dialect {
    fn question(self) -> &'static str {
        match self {
            Self::Config => "config get cluster\r\n",
            Self::Legacy => "get AmazonElastiCache:cluster\r\n",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Config => Self::Legacy,
            Self::Legacy => Self::Config,
        }
    }
}

/// An endpoint, and what is remembered of it from one poll to the next.
#[derive(Debug)]
pub struct Endpoint {
    resolver: Resolver,
    dialect: Dialect,
    /// The address that answered last.
    answered: Option<SocketAddr>,
    /// Every address that the name led to last.
    places: Vec<SocketAddr>,
    /// Addresses that did not answer when they were tried last: tried after the others.
    failed: HashSet<SocketAddr>,
}

impl Endpoint {
    /// An endpoint that nothing is known of.
    pub fn new(target: HostPort) -> Self {
        Self::at(Resolver::new(target))
    }

    /// The same, whose name waits with others for its look-up.
    pub(super) fn sharing(target: HostPort, lookups: Lookups) -> Self {
        Self::at(Resolver::sharing(target, lookups))
    }

    fn at(resolver: Resolver) -> Self {
        Self {
            resolver,
            dialect: Dialect::Config,
            answered: None,
            places: Vec::new(),
            failed: HashSet::new(),
        }
    }

    /// Asks for the list: every address in turn until one answers, within `timeout` altogether.
    pub async fn list(&mut self, timeout: Duration) -> Result<Cluster, Error> {
        let mut dialect = self.dialect;
        let answer = self.first_answer(timeout, async |address| {
            let found = ask_for_list(address, dialect).await?;
            dialect = found.1;
            Ok(found.0)
        });
        let cluster = answer.await?;
        self.dialect = dialect;
        Ok(cluster)
    }

    /// The address that answered last.
    pub fn answered(&self) -> Option<SocketAddr> {
        self.answered
    }

    /// Every address that the name led to last.
    pub fn places(&self) -> &[SocketAddr] {
        &self.places
    }

    /// Asks for `stats` with these arguments, and returns the answer whole.
    pub async fn stats(&mut self, arguments: &str, timeout: Duration) -> Result<Bytes, Error> {
        let question = format!("stats {arguments}");
        let question = format!("{}\r\n", question.trim_end());
        self.first_answer(timeout, async |address| {
            let mut lines = Lines::default();
            let asked = Conversation::begin(address)?
                .ask(question.as_str(), |input| stats::end(input, &mut lines))
                .await?;
            match asked {
                (Ok(()), answer) => Ok(answer.into()),
                (Err(stats::TooLong), _) => Err(Error::StatsTooLong { address }),
            }
        })
        .await
    }

    /// Asks for `stats`, and reads what it counts.
    pub(super) async fn counters(&mut self, timeout: Duration) -> Result<Counters, Error> {
        self.first_answer(timeout, async |address| {
            let mut lines = Lines::default();
            let parse = |input: &[u8]| counters::parse(input, &mut lines);
            let (told, _) = Conversation::begin(address)?.ask("stats\r\n", parse).await?;
            told.map_err(|source| Error::Counters { address, source })
        })
        .await
    }

    /// Tries each address of the name. Each has an even share of the time
    /// that is left, so that one which hangs leaves some to the others.
    async fn first_answer<T>(
        &mut self,
        timeout: Duration,
        mut ask: impl AsyncFnMut(SocketAddr) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + timeout;
        let addresses = self.resolver.resolve(timeout).await?;
        self.places.clone_from(&addresses);
        self.failed.retain(|failed| addresses.contains(failed));
        let addresses = in_turn(addresses, &self.failed);
        let mut failure = Error::ResolveTimeout { target: self.resolver.target().clone(), timeout };
        for (tried, &address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / (addresses.len() - tried) as u32;
            self.failed.insert(address);
            match tokio::time::timeout(share, ask(address)).await {
                Ok(Ok(answer)) => {
                    self.failed.remove(&address);
                    self.answered = Some(address);
                    return Ok(answer);
                }
                Ok(Err(error)) => failure = error,
                Err(_) => failure = Error::Timeout { address, timeout: share },
            }
        }
        Err(failure)
    }
}

/// Asks one address in the dialect that it spoke last; where it does not know that question any more, in the other.
async fn ask_for_list(address: SocketAddr, dialect: Dialect) -> Result<(Cluster, Dialect), Error> {
    let mut conversation = Conversation::begin(address)?;
    let mut progress = Progress::default();
    let list = |input: &[u8]| answer::parse_on(input, &mut progress);
    match conversation.ask(dialect.question(), list).await?.0 {
        Ok(cluster) => Ok((cluster, dialect)),
        Err(answer::Error::UnknownCommand | answer::Error::Miss) => {
            let other = dialect.other();
            let mut progress = Progress::default();
            let list = |input: &[u8]| answer::parse_on(input, &mut progress);
            let (value, _) = conversation.ask(other.question(), list).await?;
            value.map(|cluster| (cluster, other)).map_err(|source| Error::Answer { address, source })
        }
        Err(source) => Err(Error::Answer { address, source }),
    }
}

/// The addresses in the order in which they are tried: the resolver's, but those that failed last time at the end.
///
/// Not the one that answered last first: it may lag behind another, and would be asked for ever.
fn in_turn(mut addresses: Vec<SocketAddr>, failed: &HashSet<SocketAddr>) -> Vec<SocketAddr> {
    addresses.sort_by_key(|address| failed.contains(address));
    addresses.truncate(ADDRESSES_MAX);
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_failed_are_tried_last_and_their_number_is_bounded() {
        let addresses = |count: usize| -> Vec<SocketAddr> {
            (0..count).map(|n| SocketAddr::from(([10, 0, 0, n as u8], 11211))).collect()
        };
        let three = addresses(3);
        assert_eq!(in_turn(three.clone(), &HashSet::new()), three);
        assert_eq!(in_turn(three.clone(), &HashSet::from([three[0]])), [three[1], three[2], three[0]]);
        assert_eq!(in_turn(three.clone(), &three.iter().copied().collect()), three);
        assert_eq!(in_turn(addresses(ADDRESSES_MAX), &HashSet::new()).len(), ADDRESSES_MAX);
        let over = addresses(ADDRESSES_MAX + 1);
        let failed = over[..ADDRESSES_MAX].iter().copied().collect();
        let turns = in_turn(over.clone(), &failed);
        assert_eq!(
            (turns.len(), turns[0]),
            (ADDRESSES_MAX, over[ADDRESSES_MAX]),
            "the last has its turn too"
        );
    }
}
