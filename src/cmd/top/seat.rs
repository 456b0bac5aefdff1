//! The terminal, taken whole and given back as it was: at the end, after an error, and before a panic is told.

use std::io::{self, Stdout, stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};

/// Whether there is something to give back.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours.
pub struct Seat {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Seat {
    /// Takes it.
    pub fn take() -> io::Result<Self> {
        let told = panic::take_hook();
        // What a panic says would be lost with the screen that it is written on.
        panic::set_hook(Box::new(move |panic| {
            give_back();
            told(panic);
        }));
        IS_TAKEN.store(true, Ordering::SeqCst);
        let terminal = enable_raw_mode()
            .and_then(|()| execute!(stdout(), EnterAlternateScreen, Hide))
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())));
        let seat = terminal.map(|terminal| Self { terminal }).and_then(|mut seat| {
            // A terminal without a second screen has the first one's words on it still.
            seat.clear()?;
            Ok(seat)
        });
        if seat.is_err() {
            give_back();
        }
        seat
    }

    /// Has everything drawn anew on a clear screen.
    pub fn clear(&mut self) -> io::Result<()> {
        // Its own clear asks the terminal where the cursor is, and not every terminal answers.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Draws.
    pub fn draw(&mut self, body: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.terminal.draw(body).map(drop)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        give_back();
    }
}

/// Also where half of it was taken, and only once: to leave a screen twice moves the cursor back over what was written
/// since. Who has closed the terminal does not want it back.
fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}
