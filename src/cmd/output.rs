//! Standard output: what a command has found goes there, whole.

use std::io::{ErrorKind, Write, stdout};

use super::{EXIT_RUNTIME, Failure};

/// Writes all of it. Who has closed the pipe does not want the rest, which is no error.
pub fn write(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let line =
                format!("can't write to standard output: {error}; see where it leads, and if there is room");
            Err(Failure { line, exit_code: EXIT_RUNTIME })
        }
        _ => Ok(()),
    }
}
