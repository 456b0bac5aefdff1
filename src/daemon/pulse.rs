//! Whether every worker takes its mail: one that hangs does not.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};

use crate::mailbox::{Mail, Postbox};

/// Asks the workers. A question that was not answered yet is asked no second time, so that nothing piles up with a worker
/// that hangs.
#[derive(Debug)]
pub(super) struct Pulse {
    postboxes: Vec<Postbox>,
    /// Ends when every worker has dropped its half of the question under way.
    under_way: Mutex<Option<mpsc::UnboundedReceiver<Infallible>>>,
}

impl Pulse {
    pub fn new(postboxes: Vec<Postbox>) -> Self {
        Self { postboxes, under_way: Mutex::default() }
    }

    /// Waits until every worker has taken its mail, or has left.
    pub async fn all_alive(&self) {
        let mut under_way = self.under_way.lock().await;
        let all_taken = under_way.get_or_insert_with(|| {
            let (asked, all_taken) = mpsc::unbounded_channel();
            self.postboxes.iter().for_each(|postbox| postbox.post(Mail::Alive(asked.clone())));
            all_taken
        });
        // Nothing is ever sent. Whoever gives up here leaves the question to the next one.
        let _ = all_taken.recv().await;
        *under_way = None;
    }

    /// Whether they have within this time.
    pub async fn all_alive_within(&self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.all_alive()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::mailbox;

    #[test]
    fn is_felt_when_every_worker_has_taken_its_mail_and_asked_for_once() {
        let (postboxes, mailboxes): (Vec<_>, Vec<_>) =
            [(); 2].map(|()| mailbox::pair().unwrap()).into_iter().unzip();
        let pulse = Pulse::new(postboxes);
        let is_felt = |mut felt: std::pin::Pin<&mut dyn Future<Output = ()>>| {
            felt.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
        };
        // The first one gives up.
        assert!(!is_felt(pin!(pulse.all_alive())));
        let mut felt = pin!(pulse.all_alive());
        assert!(!is_felt(felt.as_mut()));
        for (mailbox, expected) in mailboxes.iter().zip([false, true]) {
            assert!(matches!(mailbox.take(), Some(Mail::Alive(_))));
            assert!(mailbox.take().is_none(), "asked twice");
            assert_eq!(is_felt(felt.as_mut()), expected);
        }
        assert!(!is_felt(pin!(pulse.all_alive())), "asked anew");
        // One that has left does not hang.
        drop(mailboxes);
        assert!(is_felt(pin!(pulse.all_alive())));
    }
}
