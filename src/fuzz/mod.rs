//! The bodies of the fuzz targets: what must hold for any bytes that a peer, a disk or an operator can hand us.
//!
//! They live here and not with the targets so that `cargo test` replays the committed corpora (`fuzz/corpus`)
//! through them on a stable compiler. They assert; a body that returns has found nothing.

mod ascii;
mod binary;
mod config;
mod payload;
mod session;
mod session_packets;
mod state_file;
mod upstream_answer;

pub use ascii::ascii;
pub use binary::binary;
pub use config::config;
pub use payload::payload;
pub use session::session;
pub use state_file::state_file;
pub use upstream_answer::upstream_answer;

/// The body of one target.
pub type Body = fn(&[u8]);

/// Every target: its name, which is also the name of its corpus, and its body.
pub const TARGETS: [(&str, Body); 7] = [
    ("ascii", ascii),
    ("binary", binary),
    ("config", config),
    ("payload", payload),
    ("session", session),
    ("state_file", state_file),
    ("upstream_answer", upstream_answer),
];

/// Lengths at which a prefix of `input` is tried: all of a short input, some 256 of a long one, whose
/// square would leave the fuzzer no time for anything else.
fn cuts(input: &[u8]) -> impl Iterator<Item = usize> {
    (0..input.len()).step_by(1 + input.len() / 256)
}
