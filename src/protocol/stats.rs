//! Where an upstream's answer to `stats` ends.
//!
//! It is passed on whole, so its lines are looked at for nothing else.

use super::Parsed;
use crate::limits::STATS_BYTES_MAX;

/// The answer has more than [`STATS_BYTES_MAX`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Finds the end of an answer to `stats` that starts with `input`.
///
/// `scanned` is how many bytes an earlier call has looked at in vain; it must stand after a line.
/// It ends with `END`, or with the one line of an error; `RESET` and `OK` answer what is not passed on.
pub fn end(input: &[u8], scanned: &mut usize) -> Parsed<Result<(), TooLong>> {
    while let Some(length) = memchr::memchr(b'\n', &input[*scanned..]) {
        let first = *scanned == 0;
        let line = input[*scanned..*scanned + length].trim_ascii_end();
        *scanned += length + 1;
        let error =
            line == b"ERROR" || line.starts_with(b"CLIENT_ERROR") || line.starts_with(b"SERVER_ERROR");
        if line == b"END" || (first && (error || line == b"OK" || line == b"RESET")) {
            let value = if *scanned > STATS_BYTES_MAX { Err(TooLong) } else { Ok(()) };
            return Parsed::Complete { value, used: *scanned };
        }
    }
    if input.len() > STATS_BYTES_MAX {
        return Parsed::Complete { value: Err(TooLong), used: input.len() };
    }
    Parsed::Partial
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_with_its_last_line() {
        for answer in
            ["STAT pid 1\r\nSTAT END 2\r\nEND\r\n", "END\r\n", "ERROR\r\n", "SERVER_ERROR x\r\n", "RESET\r\n"]
        {
            let mut scanned = 0;
            for cut in 0..answer.len() {
                assert_eq!(
                    end(&answer.as_bytes()[..cut], &mut scanned),
                    Parsed::Partial,
                    "{answer:?} at {cut}"
                );
            }
            let whole = end(answer.as_bytes(), &mut scanned);
            assert_eq!(whole, Parsed::Complete { value: Ok(()), used: answer.len() });
        }
    }

    #[test]
    fn is_bounded() {
        let answer = |bytes: usize| format!("STAT {}\r\nEND\r\n", "x".repeat(bytes - 12)).into_bytes();
        assert!(matches!(end(&answer(STATS_BYTES_MAX), &mut 0), Parsed::Complete { value: Ok(()), .. }));
        assert!(matches!(
            end(&answer(STATS_BYTES_MAX + 1), &mut 0),
            Parsed::Complete { value: Err(TooLong), .. }
        ));
        assert!(matches!(
            end(&vec![b'x'; STATS_BYTES_MAX + 1], &mut 0),
            Parsed::Complete { value: Err(TooLong), .. }
        ));
    }
}
