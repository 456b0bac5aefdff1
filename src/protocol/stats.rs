//! Where an upstream's answer to `stats` ends.
//!
//! It is passed on whole, so its lines are looked at for nothing else.

use super::Parsed;
use super::lines::Lines;
use crate::limits::STATS_BYTES_MAX;

/// The answer has more than [`STATS_BYTES_MAX`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Finds the end of an answer to `stats` that starts with `input`, of which `lines` were looked at before.
///
/// It ends with `END`, or with the one line of an error; `RESET` and `OK` answer what is not passed on.
pub fn end(input: &[u8], lines: &mut Lines) -> Parsed<Result<(), TooLong>> {
    let mut is_first = lines.start() == 0;
    while let Some(line) = lines.next(input).map(<[u8]>::trim_ascii_end) {
        let used = lines.start();
        let error =
            line == b"ERROR" || line.starts_with(b"CLIENT_ERROR") || line.starts_with(b"SERVER_ERROR");
        if line == b"END" || (is_first && (error || line == b"OK" || line == b"RESET")) {
            let value = if used > STATS_BYTES_MAX { Err(TooLong) } else { Ok(()) };
            return Parsed::Complete { value, used };
        }
        is_first = false;
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
            let mut lines = Lines::default();
            for cut in 0..answer.len() {
                assert_eq!(
                    end(&answer.as_bytes()[..cut], &mut lines),
                    Parsed::Partial,
                    "{answer:?} at {cut}"
                );
            }
            let whole = end(answer.as_bytes(), &mut lines);
            assert_eq!(whole, Parsed::Complete { value: Ok(()), used: answer.len() });
        }
    }

    #[test]
    fn is_bounded() {
        let answer = |bytes: usize| format!("STAT {}\r\nEND\r\n", "x".repeat(bytes - 12)).into_bytes();
        assert!(matches!(
            end(&answer(STATS_BYTES_MAX), &mut Lines::default()),
            Parsed::Complete { value: Ok(()), .. }
        ));
        assert!(matches!(
            end(&answer(STATS_BYTES_MAX + 1), &mut Lines::default()),
            Parsed::Complete { value: Err(TooLong), .. }
        ));
        assert!(matches!(
            end(&vec![b'x'; STATS_BYTES_MAX + 1], &mut Lines::default()),
            Parsed::Complete { value: Err(TooLong), .. }
        ));
    }
}
