//! The names of the settings, each written three ways: `poll_interval`, `--poll-interval`, `MIMIKYU_POLL_INTERVAL`.

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// An address that clients connect to.
    Listen,
    /// A source: a configuration endpoint.
    Upstream,
    /// A source: nodes given in the configuration.
    Static,
    /// A source: a DNS name.
    Dns,
    /// The number of worker threads.
    Workers,
    /// Time between polls.
    PollInterval,
    /// Longest time for a poll.
    PollTimeout,
    /// Longest wait for the first answers.
    StartupGrace,
    /// Whether a partial list may be served.
    Require,
    /// How much of a source's list one answer may remove.
    MaxShrink,
    /// The state file.
    State,
    /// The socket by which a running daemon is taken over.
    Takeover,
    /// Where operators are answered.
    Admin,
    /// What is added to the upstreams' versions.
    VersionBase,
    /// Most connections at a time.
    ConnectionsMax,
    /// Most connections of one address at a time.
    ConnectionsPerIpMax,
    /// Networks that clients may come from.
    Allow,
    /// How many clients are remembered with the version they were served.
    ClientsTrackedMax,
    /// When a connection with an unfinished request is closed.
    RequestTimeout,
    /// When a silent connection is closed.
    IdleTimeout,
    /// How log lines are written.
    LogFormat,
    /// What is logged.
    LogLevel,
    /// What `version` answers.
    VersionReply,
    /// Features of io_uring that are not used.
    RingWithout,
}

impl Key {
    /// Every setting. Those that name sources are in the order in which the environment's sources are listed.
    pub const ALL: [Key; 24] = [
        Key::Listen,
        Key::Upstream,
        Key::Static,
        Key::Dns,
        Key::Workers,
        Key::PollInterval,
        Key::PollTimeout,
        Key::StartupGrace,
        Key::Require,
        Key::MaxShrink,
        Key::State,
        Key::Takeover,
        Key::Admin,
        Key::VersionBase,
        Key::ConnectionsMax,
        Key::ConnectionsPerIpMax,
        Key::Allow,
        Key::ClientsTrackedMax,
        Key::RequestTimeout,
        Key::IdleTimeout,
        Key::LogFormat,
        Key::LogLevel,
        Key::VersionReply,
        Key::RingWithout,
    ];

    /// The name in a configuration file.
    pub fn name(self) -> &'static str {
        match self {
            Key::Listen => "listen",
            Key::Upstream => "upstream",
            Key::Static => "static",
            Key::Dns => "dns",
            Key::Workers => "workers",
            Key::PollInterval => "poll_interval",
            Key::PollTimeout => "poll_timeout",
            Key::StartupGrace => "startup_grace",
            Key::Require => "require",
            Key::MaxShrink => "max_shrink",
            Key::State => "state",
            Key::Takeover => "takeover",
            Key::Admin => "admin",
            Key::VersionBase => "version_base",
            Key::ConnectionsMax => "connections_max",
            Key::ConnectionsPerIpMax => "connections_per_ip_max",
            Key::Allow => "allow",
            Key::ClientsTrackedMax => "clients_tracked_max",
            Key::RequestTimeout => "request_timeout",
            Key::IdleTimeout => "idle_timeout",
            Key::LogFormat => "log_format",
            Key::LogLevel => "log_level",
            Key::VersionReply => "version_reply",
            Key::RingWithout => "ring_without",
        }
    }

    /// The flag on the command line.
    pub fn flag(self) -> String {
        format!("--{}", self.name().replace('_', "-"))
    }

    /// The variable in the environment.
    pub fn variable(self) -> String {
        format!("MIMIKYU_{}", self.name().to_ascii_uppercase())
    }

    /// Whether the setting names a source.
    pub fn is_source(self) -> bool {
        matches!(self, Key::Upstream | Key::Static | Key::Dns)
    }

    /// Whether the setting may be given more than once.
    pub fn is_list(self) -> bool {
        self.is_source() || matches!(self, Key::Listen | Key::Allow)
    }
}

/// A value other than the default of each setting that names no source.
#[cfg(test)]
pub(super) const OTHERS: [(Key, &str); 21] = [
    (Key::Listen, "127.0.0.1:1"),
    (Key::Workers, "3"),
    (Key::PollInterval, "3s"),
    (Key::PollTimeout, "3s"),
    (Key::StartupGrace, "3s"),
    (Key::Require, "all"),
    (Key::MaxShrink, "50%"),
    (Key::State, "/s"),
    (Key::Takeover, "/t"),
    (Key::Admin, "none"),
    (Key::VersionBase, "3"),
    (Key::ConnectionsMax, "3"),
    (Key::ConnectionsPerIpMax, "3"),
    (Key::Allow, "10.0.0.0/8"),
    (Key::ClientsTrackedMax, "3"),
    (Key::RequestTimeout, "3s"),
    (Key::IdleTimeout, "3s"),
    (Key::LogFormat, "json"),
    (Key::LogLevel, "warn"),
    (Key::VersionReply, "1.5.0"),
    (Key::RingWithout, "inline_send"),
];

/// Longest word that a likely meaning is looked for, in characters; nothing we know is longer.
const WORD_CHARS_MAX: usize = 40;

/// The known word that a misspelt one probably means.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let length = word.chars().take(WORD_CHARS_MAX + 1).count();
    if length > WORD_CHARS_MAX {
        return None;
    }
    let tolerated = (length / 3).clamp(1, 3);
    let distances = known.into_iter().map(|candidate| (distance(word, candidate), candidate));
    distances.filter(|(distance, _)| *distance <= tolerated).min().map(|(_, candidate)| candidate)
}

/// How many characters must be put in, taken out or replaced to make one word of the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_three_names() {
        assert_eq!(Key::PollInterval.name(), "poll_interval");
        assert_eq!(Key::PollInterval.flag(), "--poll-interval");
        assert_eq!(Key::PollInterval.variable(), "MIMIKYU_POLL_INTERVAL");
    }

    #[test]
    fn the_nearest_word_is_near() {
        let known = || Key::ALL.map(Key::name);
        for (word, meant) in [
            ("pol_interval", Some("poll_interval")),
            ("poll-interval", Some("poll_interval")),
            ("pollinterval", Some("poll_interval")),
            ("worker", Some("workers")),
            ("lisen", Some("listen")),
            ("colour", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, known()), meant, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), known()), None);
    }

    #[test]
    fn distance_counts_edits() {
        for (from, to, edits) in [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3)] {
            assert_eq!(distance(from, to), edits, "{from} {to}");
        }
    }
}
