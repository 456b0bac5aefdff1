//! A state file is taken whole or refused; what is taken is written and read again unchanged, and known when torn.

use super::{cuts, payload};
use crate::cluster::{Cluster, Version};
use crate::limits::HOST_BYTES_MAX;
use crate::state::{self, State};

/// Reads `input` as a state file, and as what follows a first line that is right: a checksum can't be guessed.
pub fn state_file(input: &[u8]) {
    read(input);
    let first = format!("mimikyu-state 1 {:08x}\n", crc32fast::hash(input));
    read(&[first.as_bytes(), input].concat());
}

fn read(bytes: &[u8]) {
    match state::decode(bytes) {
        Ok(state) => {
            accepted(&state);
            assert_ne!(state::decode(&[bytes, b" "].concat()).as_ref(), Ok(&state), "more than was checked");
        }
        Err(what) => payload::line(&what),
    }
}

/// What holds for every state that a start goes on from.
fn accepted(state: &State) {
    state.served.iter().chain(state.sources.iter().map(|source| &source.cluster)).for_each(list);
    let written = state::encode(state);
    assert_eq!(state::decode(&written).as_ref(), Ok(state));
    let mut changed = written.clone();
    for cut in cuts(&written) {
        assert!(state::decode(&written[..cut]).is_err(), "torn at {cut} of {}", written.len());
        changed[cut] ^= 1;
        assert!(state::decode(&changed).is_err(), "changed at {cut} of {}", written.len());
        changed[cut] ^= 1;
    }
}

fn list(cluster: &Cluster) {
    assert!(cluster.version <= Version::MAX && !cluster.nodes.is_empty());
    for node in &cluster.nodes {
        assert!((1..=HOST_BYTES_MAX).contains(&node.host.len()) && node.ip.len() <= HOST_BYTES_MAX);
        assert!(node.port != 0);
        assert_eq!(node.to_string().parse().as_ref(), Ok(node));
    }
}
