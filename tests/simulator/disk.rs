//! A disk with one state file, and whoever keeps it: newest state first, tried again where it could not be written.

use fastrand::Rng;
use mimikyu::state::{self, State};

use super::trail::Tally;

/// Invariant: `file` holds the newest state unless `wanted` does.
#[derive(Default, Clone)]
pub struct Disk {
    file: Option<Vec<u8>>,
    /// The file before this one, as a backup may bring it back.
    older: Option<Vec<u8>>,
    wanted: Option<State>,
    pub full: bool,
}

/// What happens to the file while nobody runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Whole,
    Absent,
    Torn(u32),
    Changed(u32),
    Older,
}

impl Fate {
    pub fn any(rng: &mut Rng) -> Self {
        match rng.u8(..20) {
            0 => Self::Absent,
            1 => Self::Torn(rng.u32(..)),
            2 => Self::Changed(rng.u32(..)),
            3 => Self::Older,
            _ => Self::Whole,
        }
    }
}

impl Disk {
    pub fn save(&mut self, state: State) {
        self.wanted = Some(state);
        self.retry();
    }

    /// Writes what is still wanted, if there is room.
    pub fn retry(&mut self) {
        if let Some(state) = self.wanted.take_if(|_| !self.full) {
            self.older = self.file.replace(state::encode(&state));
        }
    }

    /// What the next run finds, and whether that is what the last one knew.
    pub fn restart(&mut self, fate: Fate, tally: &mut Tally) -> Result<(State, bool), String> {
        let is_newest = self.wanted.take().is_none();
        if !is_newest {
            tally.count("state not written");
        }
        match (fate, &mut self.file) {
            (Fate::Absent, file) => {
                *file = None;
                tally.count("state absent");
            }
            (Fate::Torn(at), Some(file)) => {
                file.truncate(at as usize % file.len());
                tally.count("state torn");
            }
            (Fate::Changed(at), Some(file)) => {
                let at = at as usize % file.len();
                // Case does not matter in the checksum, and every digit of it does.
                file[at] ^= 0x01;
                tally.count("state changed");
            }
            (Fate::Older, file) => {
                *file = self.older.clone();
                tally.count("state older");
            }
            (Fate::Whole, _) | (_, None) => {}
        }
        let read = self.file.as_deref().map(state::decode);
        if matches!(read, Some(Err(_))) {
            // It is put aside, as the real one is.
            self.file = None;
        }
        match (fate, read) {
            (Fate::Torn(_) | Fate::Changed(_), Some(Ok(state))) => {
                Err(format!("a bad file is read as {state:?}"))
            }
            (Fate::Whole | Fate::Older, Some(Err(what))) => Err(format!("a good file is not read: {what}")),
            (_, Some(Ok(state))) => Ok((state, is_newest && fate == Fate::Whole)),
            (_, _) => Ok((State::default(), is_newest && fate == Fate::Whole)),
        }
    }
}
