//! Says what a start waits for: once in the log, and on a terminal until it is over.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::log::show;

/// Time between two looks at how long it takes.
const SECOND: Duration = Duration::from_secs(1);

/// Ends when nothing is waited for any more.
pub(super) async fn tell(mut waits: watch::Receiver<Vec<String>>, grace: Duration) {
    let begun = Instant::now();
    let mut is_told = false;
    loop {
        let names = waits.borrow_and_update().join(",");
        if names.is_empty() {
            break;
        }
        if !is_told {
            let grace_ms = grace.as_millis() as u64;
            tracing::info!(waits_for = names, grace_ms, "no client is let in before the first answers");
            is_told = true;
        }
        let seconds = begun.elapsed().as_secs();
        show(&format!("waiting for {names} ({seconds} s of {} s)", grace.as_secs_f64()));
        if let Ok(Err(_)) = tokio::time::timeout(SECOND, waits.changed()).await {
            break;
        }
    }
    show("");
}
