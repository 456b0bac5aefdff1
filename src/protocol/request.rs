//! What a client asks, whichever encoding it asks in.

/// One request of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// `config get cluster`: the merged list.
    Config,
    /// A key that is not there: a miss.
    Absent,
    /// `get` or `gets` of the ordinary key that holds the payload on older engines.
    Legacy {
        /// Whether the client wants the unique number of the value too (`gets`).
        cas: bool,
    },
    /// `version`.
    Version,
    /// `stats` with these arguments, spaced as the client did, without spaces at the ends.
    Stats(&'a str),
    /// Nothing but an answer (binary `noop`).
    Nothing,
    /// `quit`.
    Quit,
}
