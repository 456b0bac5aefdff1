//! The connections that there is room for, and who goes when there is none.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use tokio::task::AbortHandle;

/// Since when a connection is without a request; none while one is being answered.
pub(super) type Idle = Rc<Cell<Option<Instant>>>;

/// The connections that are there.
#[derive(Debug)]
pub(super) struct Places {
    max: usize,
    taken: Vec<(AbortHandle, Idle)>,
}

impl Places {
    pub fn new(max: usize) -> Self {
        Self { max: max.max(1), taken: Vec::new() }
    }

    /// Makes room for one more. Where there is none, the connection that is without a request for longest is closed;
    /// where all are being answered, the one that came first. So whoever holds connections keeps nobody out.
    pub fn make_room(&mut self) {
        self.taken.retain(|(task, _)| !task.is_finished());
        while self.taken.len() >= self.max {
            let idle = |(_, (_, idle)): &(usize, &(AbortHandle, Idle))| (idle.get().is_none(), idle.get());
            let Some((at, _)) = self.taken.iter().enumerate().min_by_key(idle) else { return };
            self.taken.remove(at).0.abort();
        }
    }

    pub fn take(&mut self, task: AbortHandle, idle: Idle) {
        self.taken.push((task, idle));
    }
}
