//! The list is held still while another process takes this one's place.

use tokio::sync::oneshot;

use super::Poller;
use crate::state::State;

/// An order to change nothing for a while: neither the list that is served nor the state file.
#[derive(Debug)]
pub struct Hold {
    /// Told what the other process has to go on from; dropped where it can't be held.
    pub state: oneshot::Sender<State>,
    /// The poller goes on when the other end of this is dropped.
    pub until: oneshot::Receiver<()>,
}

impl Poller {
    /// Stands still as long as it is told to, with the state file free for another process. Sources that answer
    /// meanwhile wait with their answers.
    pub(super) async fn hold(&mut self, Hold { state, until }: Hold) {
        if !self.saver.lend().await {
            return;
        }
        if state.send(self.state()).is_ok() {
            let _ = until.await;
        }
        // The other process may have written something else meanwhile, which nobody was served.
        self.saver.save(self.state()).await;
    }
}
