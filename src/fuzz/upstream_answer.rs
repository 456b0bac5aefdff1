//! An upstream's answer ends at the same byte and means the same, however it arrives.

use super::{cuts, payload};
use crate::cluster::Cluster;
use crate::limits::{ANSWER_BYTES_MAX, STATS_BYTES_MAX};
use crate::protocol::answer::{self, Error};
use crate::protocol::lines::Lines;
use crate::protocol::{Parsed, stats};

/// Reads `input` as the answer to `config get cluster`, and as the answer to `stats`.
pub fn upstream_answer(input: &[u8]) {
    list(input);
    end_of_stats(input);
}

fn list(input: &[u8]) {
    let whole = answer::parse(input);
    match &whole {
        Parsed::Partial => assert!(input.len() <= ANSWER_BYTES_MAX, "an endless answer waits for more"),
        Parsed::Complete { value, used } => {
            assert!((1..=input.len()).contains(used), "{used} of {}", input.len());
            taken(value, *used);
            if matches!(value, Ok(_) | Err(Error::Payload(_))) {
                assert_eq!(ends(&input[..*used]), [*used], "END, and only at its end");
            }
            if *value != Err(Error::TooLong) {
                assert_eq!(answer::parse(&input[..*used]), whole, "what follows an answer matters");
            }
        }
    }
    let (mut progress, mut has_ended) = (answer::Progress::default(), false);
    for cut in cuts(input) {
        let at_cut = answer::parse(&input[..cut]);
        if !has_ended {
            assert_eq!(answer::parse_on(&input[..cut], &mut progress), at_cut, "gone on with, at {cut}");
            has_ended = at_cut != Parsed::Partial;
        }
        match at_cut {
            Parsed::Partial => {
                let ended = matches!(whole, Parsed::Complete { used, .. } if used <= cut);
                assert!(!ended, "no longer whole at {cut}");
            }
            // Seen earlier than the line that would have said what it is: no list either way.
            Parsed::Complete { value: Err(Error::TooLong), .. } => {
                assert!(matches!(whole, Parsed::Complete { value: Err(_), .. }));
            }
            at_cut => assert_eq!(at_cut, whole, "another answer at {cut}"),
        }
    }
}

/// What holds for an answer that ended.
fn taken(value: &Result<Cluster, Error>, used: usize) {
    match value {
        Ok(cluster) => {
            assert!(used <= ANSWER_BYTES_MAX);
            payload::accepted(cluster);
        }
        Err(error) => payload::message(error),
    }
}

/// Where lines that are `END` end, the first line left out.
fn ends(answer: &[u8]) -> Vec<usize> {
    let mut end = 0;
    let lines = answer.split_inclusive(|byte| *byte == b'\n').map(|line| {
        end += line.len();
        (line, end)
    });
    let is_end = |line: &[u8]| line == b"END\n" || line == b"END\r\n";
    lines.skip(1).filter(|(line, _)| is_end(line)).map(|(_, end)| end).collect()
}

/// Byte by byte, with what was scanned remembered, it ends where it ends at once.
fn end_of_stats(input: &[u8]) {
    let whole = stats::end(input, &mut Lines::default());
    if let Parsed::Complete { used, .. } = whole {
        assert!((1..=input.len()).contains(&used), "{used} of {}", input.len());
        let lines = input[..used].split_inclusive(|byte| *byte == b'\n');
        assert!(
            used > STATS_BYTES_MAX
                || lines.count() == 1
                || input[..used].trim_ascii_end().ends_with(b"\nEND")
        );
    }
    let mut lines = Lines::default();
    for cut in cuts(input).chain([input.len()]) {
        let at_cut = stats::end(&input[..cut], &mut lines);
        let start = lines.start();
        assert!(start <= cut && (start == 0 || input[start - 1] == b'\n'), "not behind a line");
        if at_cut != Parsed::Partial {
            assert_eq!(at_cut, whole, "another end at {cut}");
            return;
        }
    }
    assert!(whole == Parsed::Partial && input.len() <= STATS_BYTES_MAX);
}
