//! What replicas are compared by.

use sha2::{Digest, Sha256};

/// SHA-256 of a reply, in hexadecimal: equal where the same bytes are served.
pub fn digest(reply: &[u8]) -> String {
    Sha256::digest(reply).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_one_of_fips_180() {
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(b"abc"), of_abc);
    }
}
