//! What a session did, as plain numbers that its owner adds up.

/// Requests by command since the owner last took them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// `config get` of the list.
    pub config_get: u64,
    /// Keys that are not there.
    pub misses: u64,
    /// `get` and `gets` of the legacy key.
    pub get: u64,
    /// `version`.
    pub version: u64,
    /// `stats` that was to be asked of an upstream.
    pub stats: u64,
    /// Commands that do nothing here, and `quit`.
    pub others: u64,
    /// Lines answered with an error.
    pub errors: u64,
}

impl Tally {
    /// Requests of any kind.
    pub fn requests(&self) -> u64 {
        let Self { config_get, misses, get, version, stats, others, errors } = *self;
        config_get + misses + get + version + stats + others + errors
    }
}
