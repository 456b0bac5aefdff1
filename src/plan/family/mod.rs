//! How clients spread keys over nodes: a [`Family`] is the libraries that do it alike.
//!
//! Each agrees with what the real library chose for 300 keys over four lists: `tests/data/hash/`.

mod continuum;
mod hash;
mod points;
mod rendezvous;
#[cfg(test)]
mod tests;

use twox_hash::XxHash64;

pub use continuum::Continuum;
pub use rendezvous::Scorer;

use crate::cluster::Node;

/// A way to spread keys, named after a client that does so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Java's `hashCode` modulo the nodes: AWS Java, spymemcached and xmemcached unless told otherwise.
    JavaModulo,
    /// Jenkins's one-at-a-time modulo the nodes: libmemcached and PHP unless told otherwise.
    LibmemcachedModula,
    /// CRC-32 modulo the nodes: Go, bradfitz's and Google's.
    Gomemcache,
    /// 15 bits of CRC-32 modulo the nodes.
    PythonMemcached,
    /// Ketama of MD5 over host names: PHP's `OPT_LIBKETAMA_COMPATIBLE`, pylibmc.
    LibmemcachedKetama,
    /// The same in npm's memcached and memcached-elasticache.
    NpmMemcached,
    /// Ketama of MD5 over addresses.
    SpymemcachedKetama,
    /// Ketama of SHA-384 over addresses: AWS Java since 1.2.0.
    AwsJavaKetama,
    /// Ruby's: SHA-1 points, CRC-32 keys.
    Dalli,
    /// Rendezvous of murmur3 over addresses.
    PymemcacheRendezvous,
    /// AWS .NET: FNV-1a points.
    Enyim,
    /// Jump consistent hash over xxhash64, in the order of the list.
    Jump,
}

/// What a family knows a node by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// Its place in the list: another order moves keys.
    Place,
    /// Its host's text.
    Host,
    /// Its ip's text; its host's where the list has no ip.
    Ip,
}

impl KnownBy {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Host => "host",
            Self::Ip => "ip",
        }
    }
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 12] = [
        Family::JavaModulo,
        Family::LibmemcachedModula,
        Family::Gomemcache,
        Family::PythonMemcached,
        Family::LibmemcachedKetama,
        Family::NpmMemcached,
        Family::SpymemcachedKetama,
        Family::AwsJavaKetama,
        Family::Dalli,
        Family::PymemcacheRendezvous,
        Family::Enyim,
        Family::Jump,
    ];

    /// The word for it in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::JavaModulo => "java-modulo",
            Self::LibmemcachedModula => "libmemcached-modula",
            Self::Gomemcache => "gomemcache",
            Self::PythonMemcached => "python-memcached",
            Self::LibmemcachedKetama => "libmemcached-ketama",
            Self::NpmMemcached => "npm-memcached",
            Self::SpymemcachedKetama => "spymemcached-ketama",
            Self::AwsJavaKetama => "aws-java-ketama",
            Self::Dalli => "dalli",
            Self::PymemcacheRendezvous => "pymemcache-rendezvous",
            Self::Enyim => "enyim",
            Self::Jump => "jump",
        }
    }

    /// The family of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// The clients that spread keys like this, and when.
    pub fn clients(self) -> &'static str {
        match self {
            Self::JavaModulo => "AWS Java, spymemcached and xmemcached by default",
            Self::LibmemcachedModula => "libmemcached and PHP by default",
            Self::Gomemcache => "Go: bradfitz's and Google's gomemcache",
            Self::PythonMemcached => "python-memcached",
            Self::LibmemcachedKetama => "PHP with OPT_LIBKETAMA_COMPATIBLE, pylibmc with ketama",
            Self::NpmMemcached => "npm memcached, memcached-elasticache",
            Self::SpymemcachedKetama => "spymemcached with ketama",
            Self::AwsJavaKetama => "AWS Java with ketama, since 1.2.0",
            Self::Dalli => "Ruby: dalli",
            Self::PymemcacheRendezvous => "pymemcache, django-elastipymemcache",
            Self::Enyim => "AWS .NET",
            Self::Jump => "jump consistent hash over xxhash64, nodes in the order of the list",
        }
    }

    /// What it knows a node by.
    pub fn known_by(self) -> KnownBy {
        match self {
            Self::JavaModulo
            | Self::LibmemcachedModula
            | Self::Gomemcache
            | Self::PythonMemcached
            | Self::Jump => KnownBy::Place,
            Self::LibmemcachedKetama | Self::NpmMemcached | Self::Dalli => KnownBy::Host,
            Self::SpymemcachedKetama | Self::AwsJavaKetama | Self::PymemcacheRendezvous | Self::Enyim => {
                KnownBy::Ip
            }
        }
    }

    /// What this family does with a list of nodes, of which there is one at least.
    pub fn picker(self, nodes: &[Node]) -> Picker {
        let method = match self.method() {
            Method::Modulo(hash) => Kind::Modulo { hash, nodes: nodes.len() },
            Method::Points(hash, points, rule) => {
                let points: Vec<_> = nodes.iter().map(|node| points::of(points, node)).collect();
                Kind::Circle { hash, continuum: Continuum::new(rule, points.iter().map(Vec::as_slice)) }
            }
            Method::Highest => Kind::Highest { names: nodes.iter().map(points::address).collect() },
            Method::Jump => Kind::Jump { nodes: nodes.len() },
        };
        Picker(method)
    }

    /// How it works, for those who pick for many keys or many lists at a time.
    pub(super) fn method(self) -> Method {
        use continuum::Rule::{Predecessor, Successor, SuccessorElseLast};
        use points::Points;
        match self {
            Self::JavaModulo => Method::Modulo(hash::java),
            Self::LibmemcachedModula => Method::Modulo(|key| hash::one_at_a_time(key.as_bytes())),
            Self::Gomemcache => Method::Modulo(crc32),
            // It takes 1 for 0, as cmemcache once did.
            Self::PythonMemcached => Method::Modulo(|key| (crc32(key) >> 16 & 0x7fff).max(1)),
            Self::LibmemcachedKetama | Self::NpmMemcached => {
                Method::Points(points::md5_word, Points::KetamaHost, Successor)
            }
            Self::SpymemcachedKetama => Method::Points(points::md5_word, Points::KetamaIp, Successor),
            Self::AwsJavaKetama => Method::Points(points::sha384_word, Points::KetamaIpSha384, Successor),
            Self::Dalli => Method::Points(crc32, Points::Dalli, Predecessor),
            Self::Enyim => {
                Method::Points(|key| hash::fnv1a(0, key.as_bytes()), Points::Enyim, SuccessorElseLast)
            }
            Self::PymemcacheRendezvous => Method::Highest,
            Self::Jump => Method::Jump,
        }
    }
}

/// How a family works.
#[derive(Debug, Clone, Copy)]
pub(super) enum Method {
    /// The hash modulo the number of nodes.
    Modulo(fn(&str) -> u32),
    /// A hash and the circle that it falls on.
    Points(fn(&str) -> u32, points::Points, continuum::Rule),
    /// The node with the highest score.
    Highest,
    /// Jump consistent hash of [`xxhash`].
    Jump,
}

/// A family with a list of nodes: it is built once, and picks for many keys.
#[derive(Debug, Clone)]
pub struct Picker(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Modulo { hash: fn(&str) -> u32, nodes: usize },
    Circle { hash: fn(&str) -> u32, continuum: Continuum },
    Highest { names: Vec<String> },
    Jump { nodes: usize },
}

impl Picker {
    /// The place in the list of the node that has this key.
    pub fn pick(&self, key: &str) -> usize {
        match &self.0 {
            Kind::Modulo { hash, nodes } => modulo(hash(key), *nodes),
            Kind::Circle { hash, continuum } => continuum.pick(hash(key)),
            Kind::Highest { names } => Scorer::default().highest(names, key).1,
            Kind::Jump { nodes } => jump(xxhash(key), *nodes),
        }
    }
}

pub(super) use hash::jump;
pub(super) use points::{address, of as points_of};

/// A hash modulo the nodes.
pub(super) fn modulo(hash: u32, nodes: usize) -> usize {
    hash as usize % nodes
}

/// What jump jumps by.
pub(super) fn xxhash(key: &str) -> u64 {
    XxHash64::oneshot(0, key.as_bytes())
}

fn crc32(key: &str) -> u32 {
    crc32fast::hash(key.as_bytes())
}
