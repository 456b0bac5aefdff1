//! How a daemon's time ends: it is told to leave, or another process takes its place; or both at once.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::watch;

use super::succession::{Heir, Stage};

/// Who has the clients from now on.
#[derive(Debug)]
pub(super) enum End {
    /// A process that is ready: it is told when we have stopped.
    TakenOver(Heir),
    /// One that has our sockets and may be ready soon.
    Left,
    /// Nobody.
    Alone,
}

impl End {
    /// After a signal: a takeover that is under way then goes on, for a while at most. `next` must be polled no more
    /// once it has been ready.
    pub async fn after_signal(
        mut next: Pin<&mut impl Future<Output = Heir>>,
        stage: &mut watch::Receiver<Stage>,
        patience: Duration,
    ) -> Self {
        // One that has just asked counts: it is looked for once.
        if let Ok(heir) = tokio::time::timeout(Duration::ZERO, next.as_mut()).await {
            return Self::TakenOver(heir);
        }
        tokio::select! {
            heir = next => return Self::TakenOver(heir),
            // The other one is gone, or there was none.
            _ = stage.wait_for(|stage| *stage == Stage::Nobody) => {}
            () = tokio::time::sleep(patience) => {}
        }
        if *stage.borrow() == Stage::Lent { Self::Left } else { Self::Alone }
    }

    /// Tells one that is ready only now that we have stopped, and never ends.
    pub async fn tell_when_ready(&self, next: Pin<&mut impl Future<Output = Heir>>) {
        if !matches!(self, Self::Left) {
            return std::future::pending().await;
        }
        // Kept, so that nothing of ours changes any more.
        let heir = next.await;
        heir.successor.tell_stopped();
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::time::Instant;

    use super::*;

    #[test]
    fn after_a_signal_a_next_one_is_waited_for_as_long_as_its_bound_where_there_is_one() {
        let (short, long) = (Duration::from_millis(100), Duration::from_secs(20));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for (before, is_left, wait) in [
            (Stage::Nobody, false, None),
            (Stage::Asked, false, Some(short)),
            (Stage::Lent, true, Some(short)),
        ] {
            let (_sender, mut stage) = watch::channel(before);
            let begun = Instant::now();
            let patience = wait.unwrap_or(long);
            let end = runtime.block_on(End::after_signal(pin!(pending()), &mut stage, patience));
            assert_eq!(matches!(end, End::Left), is_left, "{before:?}: {end:?}");
            assert!(!matches!(end, End::TakenOver(_)));
            assert!((wait.unwrap_or_default()..long).contains(&begun.elapsed()), "{before:?}");
        }
    }
}
