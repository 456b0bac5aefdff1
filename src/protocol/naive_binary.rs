//! The slow, obvious reader of packets that [`binary`](super::binary) must agree with.
//!
//! Field by field and with copies, from memcached's description of the packets and AWS's of the configuration commands.
//! Only tests and fuzz targets call it.

use super::{LEGACY_KEY, naive};
use crate::limits::PACKET_BYTES_MAX;

/// One request, in words and numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What is asked, in the words of [`naive`] (`config other` is any key that is not there), or the number of the error.
    pub words: Result<String, u16>,
    /// Whether nothing behind it is read.
    pub closes: bool,
    /// Repeated in the response.
    pub opcode: u8,
    /// Repeated in the response.
    pub opaque: u32,
    /// Whether a miss, or the end, is left without a response.
    pub quiet: bool,
    /// The key that a value is shown with.
    pub key: &'static str,
}

/// What the fast parser must find, and the bytes it took to tell; `None` is "not yet".
pub fn parse(input: &[u8]) -> Option<(Asked, usize)> {
    let mut asked = Asked { words: Err(4), closes: true, opcode: 0, opaque: 0, quiet: false, key: "" };
    if *input.first()? != 0x80 {
        return Some((asked, 1));
    }
    let header = input.get(..24)?;
    let number = |fields: &[u8]| fields.iter().fold(0, |number, byte| number * 256 + u64::from(*byte));
    let (key_length, extras_length) = (number(&header[2..4]), number(&header[4..5]));
    let body_length = number(&header[8..12]);
    asked.opcode = header[1];
    asked.opaque = number(&header[12..16]) as u32;
    if key_length + extras_length > body_length {
        return Some((asked, 24));
    }
    if body_length > PACKET_BYTES_MAX as u64 {
        asked.words = Err(3);
        return Some((asked, 24));
    }
    asked.closes = false;
    let end = 24 + body_length as usize;
    let body = input.get(24..end)?;
    let key: Vec<u8> = body.iter().skip(extras_length as usize).take(key_length as usize).copied().collect();
    asked.words = words(asked.opcode, &key);
    if asked.words.is_ok() {
        // GetQ, GetKQ, QuitQ, and the quiet forms of `config get`.
        asked.quiet = [0x09, 0x0d, 0x17, 0x61, 0x63].contains(&asked.opcode);
        // GetK and GetKQ show the key, and so do the two later forms of `config get`.
        asked.key = match asked.opcode {
            0x0c | 0x0d => LEGACY_KEY,
            0x62 | 0x63 => "cluster",
            _ => "",
        };
    }
    Some((asked, end))
}

fn words(opcode: u8, key: &[u8]) -> Result<String, u16> {
    let held = |held: &str, words: &str| {
        Ok(if key == held.as_bytes() { words.to_owned() } else { "config other".to_owned() })
    };
    match opcode {
        0x60..=0x63 => held("cluster", "config"),
        0x00 | 0x09 | 0x0c | 0x0d => held(LEGACY_KEY, "legacy cas"),
        0x07 | 0x17 => Ok("quit".into()),
        0x0a => Ok("nothing".into()),
        0x0b => Ok("version".into()),
        0x10 => naive::words(&[b"stats ", key].concat()).map_err(|_| 0x81),
        _ => Err(0x81),
    }
}
