//! Hashes of a few lines each, as the clients have them. Those with a standard behind them come from crates.

/// Java's `String.hashCode()`: `31·h + unit` over the UTF-16 units (the Java language's own definition).
pub fn java(key: &str) -> u32 {
    key.encode_utf16().fold(0, |hash: u32, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

/// Bob Jenkins's one-at-a-time, the default hash of libmemcached (Dr. Dobb's Journal, September 1997).
pub fn one_at_a_time(key: &[u8]) -> u32 {
    let mixed = key.iter().fold(0, |hash: u32, byte| {
        let hash = hash.wrapping_add(u32::from(*byte));
        let hash = hash.wrapping_add(hash << 10);
        hash ^ (hash >> 6)
    });
    let mixed = mixed.wrapping_add(mixed << 3);
    let mixed = mixed ^ (mixed >> 11);
    mixed.wrapping_add(mixed << 15)
}

/// Where FNV-1a of 32 bits starts by the book (Fowler, Noll and Vo).
pub const FNV_BASIS: u32 = 2_166_136_261;

/// FNV-1a of 32 bits from a given state: Enyim starts from 0 where it should not.
pub fn fnv1a(state: u32, text: &[u8]) -> u32 {
    text.iter().fold(state, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(16_777_619))
}

/// MurmurHash3 x86 of 32 bits, seed 0 (Austin Appleby's `MurmurHash3_x86_32`, public domain).
///
/// Ours, since the crates that have it read streams or are kept by nobody.
pub fn murmur3(text: &[u8]) -> u32 {
    let mix = |word: u32| word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (words, tail) = text.as_chunks::<4>();
    let hash = words.iter().fold(0, |hash: u32, word| {
        (hash ^ mix(u32::from_le_bytes(*word))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    let rest = tail.iter().rev().fold(0, |rest, byte| rest << 8 | u32::from(*byte));
    // The length counts modulo 2³².
    let hash = hash ^ mix(rest) ^ text.len() as u32;
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// Jump consistent hash (Lamping and Veach, 2014, arXiv:1406.2294): which of `buckets` a hash falls into.
///
/// The buckets are at least 1 and at most some thousands, which `f64` and `i64` hold with room to spare.
pub fn jump(hash: u64, buckets: usize) -> usize {
    let (mut state, mut bucket, mut next) = (hash, 0, 0);
    while next < buckets as i64 {
        bucket = next;
        state = state.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        // A jump from a bucket below 2³¹ by less than 2³¹ times its width fits.
        next = ((bucket + 1) as f64 * ((1_u64 << 31) as f64 / ((state >> 33) + 1) as f64)) as i64;
    }
    bucket as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        for (key, hash) in [("", 0), ("a", 97), ("hello", 99_162_322), ("Aa", 2112), ("BB", 2112)] {
            assert_eq!(java(key), hash, "{key}");
        }
        for (key, hash) in
            [("a", 0xca2e_9442), ("The quick brown fox jumps over the lazy dog", 0x519e_91f5), ("", 0)]
        {
            assert_eq!(one_at_a_time(key.as_bytes()), hash, "{key}");
        }
        for (key, hash) in [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] {
            assert_eq!(fnv1a(FNV_BASIS, key.as_bytes()), hash, "{key}");
        }
        for (key, hash) in [
            ("", 0),
            ("test", 0xba6b_d213),
            ("Hello, world!", 0xc036_3e43),
            ("The quick brown fox jumps over the lazy dog", 0x2e4f_f723),
        ] {
            assert_eq!(murmur3(key.as_bytes()), hash, "{key}");
        }
    }

    /// The values that implementations in Go, C and Rust are tested with.
    #[test]
    fn jump_agrees_with_other_languages() {
        for (hash, buckets, bucket) in
            [(1, 1, 0), (42, 57, 43), (0xdead_10cc, 1, 0), (0xdead_10cc, 666, 361), (256, 1024, 520)]
        {
            assert_eq!(jump(hash, buckets), bucket, "{hash} in {buckets}");
        }
    }
}
