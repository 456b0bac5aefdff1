//! Where a node's points are on a family's circle.

use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha384;

use super::hash::{FNV_BASIS, fnv1a};
use crate::cluster::Node;

/// The port that ketama leaves out of a node's name.
const MEMCACHED_PORT: u16 = 11211;

/// Points of a node with dalli, whose formula gives this for equal weights.
const DALLI_POINTS: u32 = 160;

/// Points of a node with Enyim.
const ENYIM_POINTS: u32 = 100;

/// Digests of a node with ketama, each of which is four points.
const KETAMA_DIGESTS: u32 = 40;

/// A family's way to make points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Points {
    /// MD5 of `host-i`, with the port where it is not 11211.
    KetamaHost,
    /// MD5 of `ip:port-i`.
    KetamaIp,
    /// SHA-384 of `ip:port-i`.
    KetamaIpSha384,
    /// The first eight hex digits of SHA-1 of `host:port:i`.
    Dalli,
    /// FNV-1a of `ip:port-i`, from 0 for the first.
    Enyim,
}

/// The points of a node.
pub fn of(points: Points, node: &Node) -> Vec<u32> {
    match points {
        Points::KetamaHost if node.port == MEMCACHED_PORT => ketama::<Md5>(&node.host),
        Points::KetamaHost => ketama::<Md5>(&format!("{}:{}", node.host, node.port)),
        Points::KetamaIp => ketama::<Md5>(&address(node)),
        Points::KetamaIpSha384 => ketama::<Sha384>(&address(node)),
        Points::Dalli => (0..DALLI_POINTS)
            .map(|i| {
                let [a, b, c, d, ..] = Sha1::digest(format!("{}:{}:{i}", node.host, node.port)).0;
                u32::from_be_bytes([a, b, c, d])
            })
            .collect(),
        Points::Enyim => {
            let name = address(node);
            let basis = |i: u32| if i == 0 { 0 } else { FNV_BASIS };
            (0..ENYIM_POINTS).map(|i| fnv1a(basis(i), format!("{name}-{i}").as_bytes())).collect()
        }
    }
}

/// What clients of the ip kind call a node. Where the list has no ip (in-transit encryption), they connect to the host.
pub fn address(node: &Node) -> String {
    let ip = if node.ip.is_empty() { &node.host } else { &node.ip };
    format!("{ip}:{}", node.port)
}

fn ketama<D: Digest>(name: &str) -> Vec<u32> {
    let digest = |i| D::digest(format!("{name}-{i}"));
    (0..KETAMA_DIGESTS).flat_map(|i| four_words(&digest(i))).collect()
}

fn four_words(digest: &[u8]) -> [u32; 4] {
    let (words, _) = digest.as_chunks::<4>();
    std::array::from_fn(|at| u32::from_le_bytes(words[at]))
}

/// The hash of a key on a circle of MD5.
pub fn md5_word(key: &str) -> u32 {
    four_words(&Md5::digest(key))[0]
}

/// The hash of a key on a circle of SHA-384.
pub fn sha384_word(key: &str) -> u32 {
    four_words(&Sha384::digest(key))[0]
}
