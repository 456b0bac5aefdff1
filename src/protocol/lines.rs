//! The lines of an answer that comes in pieces.

/// How far the answer was looked at: `start ≤ scanned ≤ received`. No byte is looked at twice, however small the pieces
/// are: a peer that sends them one by one would have all of it searched for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lines {
    /// Behind the last line that has ended.
    start: usize,
    /// Up to here that which begins there has no end.
    scanned: usize,
    /// Bytes that were searched.
    #[cfg(test)]
    pub(super) searched: usize,
}

impl Lines {
    /// The next line with its ending, once that is there. `received` is all that came so far.
    pub fn next<'a>(&mut self, received: &'a [u8]) -> Option<&'a [u8]> {
        let found = memchr::memchr(b'\n', received.get(self.scanned..)?);
        let scanned = found.map_or(received.len(), |at| self.scanned + at + 1);
        #[cfg(test)]
        {
            self.searched += scanned - self.scanned;
        }
        self.scanned = scanned;
        found?;
        let line = &received[self.start..scanned];
        self.start = scanned;
        Some(line)
    }

    /// Where the line begins that comes next.
    pub fn start(&self) -> usize {
        self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_every_byte_searched_once_however_it_is_cut() {
        let text = b"one\r\n\n\nlonger than the others\nno end";
        for step in 1..=text.len() {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            for cut in (0..text.len()).step_by(step).chain([text.len()]) {
                while let Some(line) = lines.next(&text[..cut]) {
                    found.push(line);
                }
            }
            assert_eq!(found, [&b"one\r\n"[..], b"\n", b"\n", b"longer than the others\n"], "{step}");
            assert_eq!((lines.searched, lines.start()), (text.len(), text.len() - 6));
        }
        assert_eq!(Lines { scanned: 2, ..Lines::default() }.next(b"x"), None, "fewer bytes than before");
    }
}
