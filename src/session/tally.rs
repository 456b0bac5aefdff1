//! What a session did, as plain numbers that its owner adds up.

/// How a client speaks. Its first byte tells, and it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lines of text.
    Ascii,
    /// Packets.
    Binary,
}

/// What a request is for, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `config get` of the list.
    ConfigGet,
    /// `get` and `gets` of the legacy key.
    Get,
    /// Keys that are not there.
    Absent,
    /// `version`.
    Version,
    /// `stats` that was to be asked of an upstream.
    Stats,
    /// Commands that do nothing here, and `quit`.
    Other,
    /// What is not served, and what is no request.
    Invalid,
}

/// What a reply says, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyKind {
    /// The list, as `config get` shows it.
    List,
    /// The list, as a value under its legacy key.
    Value,
    /// Our version.
    Version,
    /// The key is not there.
    Miss,
    /// An upstream's `stats`, or our own.
    Stats,
    /// Nothing, but successfully.
    Done,
    /// An error: an empty line, which some clients send after a command.
    EmptyLine,
    /// An error: a line or packet longer than any that is served.
    TooLong,
    /// An error: a command that is not served.
    Unsupported,
    /// An error: a request that contradicts itself.
    Malformed,
    /// An error: `stats` that would change the upstream.
    StatsChange,
    /// An error: there has never been a list.
    NoList,
    /// An error: nobody could be asked for `stats`, or nobody answered.
    NoStats,
    /// An error, without a request: too many connections.
    TooManyConnections,
}

impl Encoding {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Ascii, Self::Binary];

    /// Its name in a metric.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Binary => "binary",
        }
    }
}

impl Command {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::ConfigGet, Self::Get, Self::Absent, Self::Version, Self::Stats, Self::Other, Self::Invalid];

    /// Its name in a metric.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConfigGet => "config_get",
            Self::Get => "get",
            Self::Absent => "absent",
            Self::Version => "version",
            Self::Stats => "stats",
            Self::Other => "other",
            Self::Invalid => "invalid",
        }
    }
}

impl ReplyKind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::List,
        Self::Value,
        Self::Version,
        Self::Miss,
        Self::Stats,
        Self::Done,
        Self::EmptyLine,
        Self::TooLong,
        Self::Unsupported,
        Self::Malformed,
        Self::StatsChange,
        Self::NoList,
        Self::NoStats,
        Self::TooManyConnections,
    ];

    /// Its name in a metric; those of errors begin with `error_`.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Value => "value",
            Self::Version => "version",
            Self::Miss => "miss",
            Self::Stats => "stats",
            Self::Done => "done",
            Self::EmptyLine => "error_empty_line",
            Self::TooLong => "error_too_long",
            Self::Unsupported => "error_unsupported",
            Self::Malformed => "error_malformed",
            Self::StatsChange => "error_stats_change",
            Self::NoList => "error_no_list",
            Self::NoStats => "error_no_stats",
            Self::TooManyConnections => "error_too_many_connections",
        }
    }

    /// Whether it tells a client that its request was not served.
    pub fn is_error(self) -> bool {
        self as usize >= Self::EmptyLine as usize
    }
}

/// Requests and replies since the owner last took them. Replies are counted when they are on their way; a request for
/// `stats` has its reply later, and some have none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// By [`Encoding`], then by [`Command`].
    pub requests: [[u64; Command::ALL.len()]; Encoding::ALL.len()],
    /// By [`ReplyKind`].
    pub replies: [u64; ReplyKind::ALL.len()],
}

impl Tally {
    /// Counts a request.
    pub fn asked(&mut self, encoding: Encoding, command: Command) {
        self.requests[encoding as usize][command as usize] += 1;
    }

    /// Counts a reply.
    pub fn replied(&mut self, kind: ReplyKind) {
        self.replies[kind as usize] += 1;
    }

    /// Requests of any kind.
    pub fn requests(&self) -> u64 {
        self.requests.iter().flatten().sum()
    }

    /// Requests for one thing, whichever way it was asked.
    pub fn of(&self, command: Command) -> u64 {
        self.requests.iter().map(|commands| commands[command as usize]).sum()
    }

    /// Replies with the list in them.
    pub fn lists(&self) -> u64 {
        self.replies[ReplyKind::List as usize] + self.replies[ReplyKind::Value as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_place_and_a_name_of_its_own() {
        for (place, kind) in ReplyKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
            assert_eq!(kind.is_error(), kind.name().starts_with("error_"), "{kind:?}");
        }
        assert!(Command::ALL.iter().enumerate().all(|(place, command)| *command as usize == place));
        assert!(Encoding::ALL.iter().enumerate().all(|(place, encoding)| *encoding as usize == place));
        let mut names = ReplyKind::ALL.map(ReplyKind::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ReplyKind::ALL.len());
    }
}
