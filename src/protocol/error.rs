//! What is wrong with a request, and what its client is told.

use std::fmt;

/// A request that is not served. It knows its reply and whether the connection outlives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// An empty line; some clients send one after their command.
    Empty,
    /// A line longer than [`LINE_BYTES_MAX`](crate::limits::LINE_BYTES_MAX).
    LineTooLong,
    /// A command that this endpoint does not serve, `set` for one.
    Unsupported,
    /// `stats` with bytes in its arguments that no memcached would take.
    BadStats,
    /// `stats reset` and the like: they would change the upstream.
    StatsChange,
}

impl Error {
    /// The reply line, in the ASCII encoding.
    pub fn line(self) -> &'static str {
        match self {
            Self::Empty => "ERROR\r\n",
            Self::LineTooLong => "CLIENT_ERROR line too long\r\n",
            Self::Unsupported => {
                "SERVER_ERROR mimikyu serves only config get cluster, get AmazonElastiCache:cluster, version, stats and quit\r\n"
            }
            Self::BadStats => "CLIENT_ERROR bad command line format\r\n",
            Self::StatsChange => "CLIENT_ERROR mimikyu does not pass on stats that change the upstream\r\n",
        }
    }

    /// Whether the connection is closed after the reply.
    ///
    /// It is where what follows on the connection cannot be told from commands (the block of a `set`).
    pub fn closes(self) -> bool {
        match self {
            Self::LineTooLong | Self::Unsupported => true,
            Self::Empty | Self::BadStats | Self::StatsChange => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.line().trim_end())
    }
}

impl std::error::Error for Error {}
