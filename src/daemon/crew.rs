//! The workers, as the control plane knows them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::Error;
use crate::limits::DRAIN;
use crate::mailbox::{Mail, Postbox};

/// Their threads, and the way to each.
pub(super) struct Crew {
    pub postboxes: Vec<Postbox>,
    pub threads: Vec<JoinHandle<()>>,
    /// How each left.
    pub exits: mpsc::UnboundedReceiver<Result<(), String>>,
}

impl Crew {
    /// Tells all of them.
    pub fn tell(&self, mail: impl Fn() -> Mail) {
        for postbox in &self.postboxes {
            postbox.post(mail());
        }
    }

    /// Waits for a worker to leave that was not told to.
    pub async fn loss(&mut self) -> Error {
        match self.exits.recv().await {
            Some(Err(what)) => Error::Worker(what),
            _ => Error::Worker("a worker left".into()),
        }
    }

    /// Has the workers leave the queues of these addresses to another process, and waits until they have, for a while at
    /// most.
    pub async fn leave_queues(&self, addresses: &[SocketAddr], patience: Duration) {
        let keeps: Arc<[SocketAddr]> = addresses.into();
        let (stopped, mut is_stopped) = mpsc::unbounded_channel::<Infallible>();
        self.tell(|| Mail::HandOver { keeps: keeps.clone(), stopped: stopped.clone() });
        drop(stopped);
        // Nothing is ever sent: it ends when every worker has let go.
        let _ = tokio::time::timeout(patience, is_stopped.recv()).await;
    }

    /// Waits until all have left. They watch the deadline themselves; that one does not is a fault.
    pub async fn gone(&mut self) -> Result<(), Error> {
        for _ in 0..self.threads.len() {
            match tokio::time::timeout(DRAIN + Duration::from_secs(1), self.exits.recv()).await {
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(what))) => return Err(Error::Worker(what)),
                _ => return Err(Error::Worker("a worker did not stop".into())),
            }
        }
        Ok(())
    }

    /// Has them leave, whatever is under way, and waits for the threads' ends.
    pub fn dismiss(self) -> Result<(), Error> {
        self.tell(|| Mail::Leave);
        for thread in self.threads {
            if thread.join().is_err() {
                return Err(Error::Worker("a worker panicked".into()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::mailbox;

    #[test]
    fn a_worker_that_does_not_let_go_is_waited_for_as_long_as_its_bound_and_no_longer() {
        let (short, long) = (Duration::from_millis(100), Duration::from_secs(20));
        let (busy, quick) = (mailbox::pair().unwrap(), mailbox::pair().unwrap());
        let (_left, exits) = mpsc::unbounded_channel();
        let crew = Crew { postboxes: vec![busy.0, quick.0], threads: Vec::new(), exits };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let begun = Instant::now();
        runtime.block_on(crew.leave_queues(&[], short));
        assert!((short..long).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        let mut mailboxes = [busy.1, quick.1];
        let read =
            |mailbox: &mut mailbox::Mailbox| assert!(matches!(mailbox.take(), Some(Mail::HandOver { .. })));
        mailboxes.iter_mut().for_each(read);
        // Both let go.
        let workers = std::thread::spawn(move || {
            mailboxes.iter_mut().for_each(|mailbox| while mailbox.take().is_none() {});
        });
        let begun = Instant::now();
        runtime.block_on(crew.leave_queues(&[], long));
        assert!(begun.elapsed() < long);
        workers.join().unwrap();
    }
}
