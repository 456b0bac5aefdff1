//! Which clients break on what: the tables of `docs/protocol.md`, seen by running them.

/// A client that is hurt, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hurt {
    /// The library.
    pub client: &'static str,
    /// What becomes of it.
    pub effect: &'static str,
}

const fn hurt(client: &'static str, effect: &'static str) -> Hurt {
    Hurt { client, effect }
}

const FAILS: &str = "the list is not read";
const NO_SERVERS: &str = "no servers";
const BARE_PORT: &str = "an address without a host";
const HANGS: &str = "a hang";
const ASKS_LEGACY: &str = "taken for an old engine";
const NO_VERSION: &str = "no version";

/// Nobody that is known.
pub(super) const NOBODY: &[Hurt] = &[];

/// R1: CRLF after the version.
pub(super) const CRLF_AFTER_VERSION: &[Hurt] = &[
    hurt("xmemcached", FAILS),
    hurt("npm memcached", FAILS),
    hurt("npm memcached-elasticache", FAILS),
    hurt("dalli-elasticache 0.2", FAILS),
    hurt("nytris", FAILS),
    hurt("mero", FAILS),
];

/// R2: a wrong length.
pub(super) const WRONG_LENGTH: &[Hurt] = &[
    hurt("AWS Java", FAILS),
    hurt("AWS libmemcached/PHP", FAILS),
    hurt("AWS .NET", FAILS),
    hurt("npm memcache", FAILS),
    hurt("emcache", FAILS),
];

/// R2, binary: anything but the flags before the payload.
pub(super) const KEY_IN_ANSWER: &[Hurt] = &[hurt("AWS Java", "taken for a part of the list")];

/// R3: no LF at the end of the payload.
pub(super) const NO_FINAL_LF: &[Hurt] =
    &[hurt("pymemcache", HANGS), hurt("django-elasticache", HANGS), hurt("at least five others", FAILS)];

/// R4: more spaces than one between nodes, or any after the last.
pub(super) const SPACES: &[Hurt] = &[
    hurt("pymemcache", "an exception"),
    hurt("AWS .NET", NO_SERVERS),
    hurt("npm memcached-elasticache", "a server named undefined"),
];

/// R5: a reply in several reads.
pub(super) const SPLIT: &[Hurt] = &[
    hurt("pymemcache", HANGS),
    hurt("django-elastipymemcache", "no nodes"),
    hurt("emcache", "no nodes"),
    hurt("npm memcached", "undefined"),
];

/// R6: a whole reply over 4096 bytes.
pub(super) const LONG_REPLY: &[Hurt] = &[hurt("pymemcache", "only the nodes of its last read")];

/// R6: a payload over 8196 bytes.
pub(super) const LONG_PAYLOAD: &[Hurt] = &[hurt("AWS libmemcached/PHP", NO_SERVERS)];

/// R7: version 0.
pub(super) const VERSION_ZERO: &[Hurt] =
    &[hurt("AWS libmemcached/PHP", FAILS), hurt("elasticache-pyclient", FAILS), hurt("pyelasticache", FAILS)];

/// R7: a version over 31 bits.
pub(super) const VERSION_OVER_31: &[Hurt] = &[hurt("xmemcached", FAILS), hurt("AWS .NET", FAILS)];

/// R7: a version over 63 bits.
pub(super) const VERSION_OVER_63: &[Hurt] = &[
    hurt("xmemcached", FAILS),
    hurt("AWS .NET", FAILS),
    hurt("AWS Java", FAILS),
    hurt("google/gomemcache", FAILS),
];

/// R8: an empty ip field.
pub(super) const EMPTY_IP: &[Hurt] = &[
    hurt("dalli-elasticache", "no servers, whatever the other nodes are"),
    hurt("Perl", NO_SERVERS),
    hurt("AWS .NET", "the node is dropped"),
    hurt("pymemcache", BARE_PORT),
    hurt("memcachio", BARE_PORT),
    hurt("google/gomemcache", BARE_PORT),
];

/// R8: an ip field without an IPv4 address. Its pattern for a line of nodes has four numbers in each ip field.
pub(super) const NO_IPV4: &[Hurt] = &[hurt("dalli-elasticache", "no servers, whatever the other nodes are")];

/// R9: a character that is not in `[-.A-Za-z0-9]`.
pub(super) const HOST_CHARACTER: &[Hurt] =
    &[hurt("dalli-elasticache", "no servers, whatever the other nodes are")];

/// R9: `END` or `CONFIG` in a host.
pub(super) const HOST_WORD: &[Hurt] =
    &[hurt("Perl", "reading stops"), hurt("google/gomemcache", "the list is misread")];

/// Ports: nodes differ in nothing but their port.
pub(super) const SHARED_HOST: &[Hurt] =
    &[hurt("elasticache-pyclient", "all keys of the nodes of one host go to one of them")];

/// R10: what `version` answers is not three numbers.
pub(super) const VERSION_FORM: &[Hurt] = &[
    hurt("npm memcached", "the process crashes"),
    hurt("elasticache-pyclient", "a failure"),
    hurt("django-elasticache", "a failure"),
];

/// R10: what `stats` says of the version is not three numbers.
pub(super) const STATS_FORM: &[Hurt] = &[hurt("AWS .NET", "a failure")];

/// R10: `version` answers less than 1.4.14. These ask it before they ask for the list.
pub(super) const VERSION_OLD: &[Hurt] = &[
    hurt("npm memcached-elasticache", ASKS_LEGACY),
    hurt("django-elasticache", ASKS_LEGACY),
    hurt("elasticache-pyclient", ASKS_LEGACY),
    hurt("pyelasticache", ASKS_LEGACY),
    hurt("elasticachex", ASKS_LEGACY),
    hurt("nytris", ASKS_LEGACY),
];

/// R10: `stats` says less than 1.4.14.
pub(super) const STATS_OLD: &[Hurt] =
    &[hurt("dalli-elasticache", ASKS_LEGACY), hurt("AWS .NET", ASKS_LEGACY)];

/// R10: `version` is not answered.
pub(super) const VERSION_ABSENT: &[Hurt] = &[
    hurt("npm memcached-elasticache", NO_VERSION),
    hurt("django-elasticache", NO_VERSION),
    hurt("elasticache-pyclient", NO_VERSION),
    hurt("pyelasticache", NO_VERSION),
    hurt("elasticachex", NO_VERSION),
    hurt("nytris", NO_VERSION),
];

/// R10: `stats` is not answered, or has no version in it.
pub(super) const STATS_ABSENT: &[Hurt] =
    &[hurt("dalli-elasticache", NO_VERSION), hurt("AWS .NET", NO_VERSION)];
