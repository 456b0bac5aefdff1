//! A terminal to run `top` in: a pseudo-terminal of `script`, and what is written on it, as it would be seen.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::harness::until;

/// `mimikyu top` on a terminal.
pub struct Screen {
    script: Child,
    keys: ChildStdin,
    pieces: Receiver<Vec<u8>>,
    /// All that was written so far.
    written: Vec<u8>,
}

impl Screen {
    /// With these arguments, on 80x24, and in colour unless `no_color` says something.
    pub fn top(arguments: &str, no_color: &str) -> Self {
        // What is said after it shows what it left behind.
        let line = format!(
            "stty rows 24 cols 80; sh -c 'echo pid=$$ tty=$(tty).; exec {} top {arguments}'; echo code=$?.; stty -a; echo over.",
            env!("CARGO_BIN_EXE_mimikyu")
        );
        let mut script = Command::new("script")
            .args(["-qefc", &line, "/dev/null"])
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .env("NO_COLOR", no_color)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script, of util-linux");
        let keys = script.stdin.take().expect("piped");
        let mut output = script.stdout.take().expect("piped");
        let (sender, pieces) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                let _ = sender.send(piece[..length].to_vec());
            }
        });
        Self { script, keys, pieces, written: Vec::new() }
    }

    /// Waits until these words are on it.
    #[track_caller]
    pub fn shows(&mut self, words: &str) {
        let mut seen = String::new();
        let mut look = || {
            seen = self.look();
            seen.contains(words)
        };
        let deadline = std::time::Instant::now() + super::harness::PATIENCE;
        while !look() {
            assert!(std::time::Instant::now() < deadline, "no {words:?} on\n{seen}");
        }
    }

    /// What is on it now, after a moment for more to come.
    pub fn look(&mut self) -> String {
        self.written.extend(self.pieces.recv_timeout(Duration::from_millis(5)).into_iter().flatten());
        self.written.extend(self.pieces.try_iter().flatten());
        self.text()
    }

    /// What is on it.
    pub fn text(&self) -> String {
        seen(&String::from_utf8_lossy(&self.written))
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("it is read");
    }

    /// What follows a word in what was written, up to a space or dot.
    fn told(&self, word: &str) -> String {
        let all = String::from_utf8_lossy(&self.written).into_owned();
        let rest = all.split(word).nth(1).unwrap_or_else(|| panic!("no {word} in {all:?}"));
        rest.split([' ', '.']).next().expect("something").to_owned()
    }

    /// To the program, not to the shell around it.
    pub fn signal(&self, name: &str) {
        assert!(
            Command::new("kill").args(["-s", name, &self.told("pid=")]).status().expect("kill").success()
        );
    }

    /// Another size, which the kernel tells the program.
    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let stty = Command::new("stty")
            .args(["-F", &self.told("tty="), "cols", &columns, "rows", &rows])
            .status()
            .expect("coreutils");
        assert!(stty.success());
    }

    /// Whether anything was written in a colour.
    pub fn is_coloured(&self) -> bool {
        let all = String::from_utf8_lossy(&self.written);
        let codes = all.split("\x1b[").filter_map(|rest| rest.split_once('m')).map(|(code, _)| code);
        // 39 and 49 are the terminal's own.
        codes
            .filter(|code| code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'))
            .flat_map(|code| code.split(';'))
            .any(|number| number.len() > 1 && number.starts_with(['3', '4', '9']) && !number.ends_with('9'))
    }

    /// Waits for the end: a good one, on the first screen, with a cursor, lines and an echo.
    #[track_caller]
    pub fn leaves_all_as_it_was(mut self) {
        until("the end", || {
            self.look();
            String::from_utf8_lossy(&self.written).contains("over.").then_some(())
        });
        let all = String::from_utf8_lossy(&self.written).into_owned();
        let (before, after) = all.split_once("\x1b[?1049l").expect("the screen is left");
        assert!(before.contains("\x1b[?1049h") && !after.contains("\x1b[?1049h"), "{all:?}");
        assert!(all.rfind("\x1b[?25h") > all.rfind("\x1b[?25l"), "the cursor is shown: {all:?}");
        assert!(after.contains("code=0."), "{after:?}");
        let modes: Vec<_> = after.split_whitespace().collect();
        for mode in ["icanon", "echo", "isig", "opost", "icrnl", "ixon"] {
            assert!(modes.contains(&mode), "{mode}: {after:?}");
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The program leaves with its terminal.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

/// What a terminal shows of this: places, clearing, and words; colour is passed over.
fn seen(written: &str) -> String {
    let mut rows = vec![vec![' '; 200]; 60];
    let (mut x, mut y) = (0, 0);
    let mut rest = written.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' if rest.peek() == Some(&'[') => {
                rest.next();
                let mut numbers = String::new();
                let end = loop {
                    match rest.next() {
                        Some(c @ '\x40'..='\x7e') => break c,
                        Some(c) => numbers.push(c),
                        None => break ' ',
                    }
                };
                match end {
                    'H' => {
                        let mut place = numbers.split(';').map(|number| number.parse().unwrap_or(1));
                        y = place.next().unwrap_or(1) - 1;
                        x = place.next().unwrap_or(1) - 1;
                    }
                    'J' => rows.iter_mut().for_each(|row| row.fill(' ')),
                    _ => {}
                }
            }
            '\r' => x = 0,
            '\n' => y += 1,
            c => {
                if let Some(cell) = rows.get_mut(y).and_then(|row| row.get_mut(x)) {
                    *cell = c;
                }
                x += 1;
            }
        }
    }
    let text = rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned());
    text.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}
