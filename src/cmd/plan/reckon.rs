//! Every family along every way, on all CPUs, with a bar for who waits at a terminal.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;

use indicatif::{ProgressBar, ProgressStyle};
use mimikyu::plan::{Family, Hashed, Keys, Outlook, course};

use super::Way;

/// What becomes of each family on each way: by family first, then by way.
pub fn outlooks(families: &[Family], ways: &[Way], keys: &Keys) -> Vec<Outlook> {
    let lists: usize = ways.iter().map(|way| way.lists.len()).sum();
    let bar = bar(lists * families.len());
    // Ways of a family share its hashes, which whoever comes first makes.
    let hashed: Vec<OnceLock<Hashed<'_>>> = families.iter().map(|_| OnceLock::new()).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= families.len() * ways.len() {
                return;
            }
            let (family, way) = (families[job / ways.len()], &ways[job % ways.len()]);
            let keys = hashed[job / ways.len()].get_or_init(|| Hashed::new(family, keys));
            let course = course(keys, &way.lists, || bar.inc(1));
            let outlook = Outlook { family, strategy: way.strategy, course };
            found.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((job, outlook));
        }
    };
    thread::scope(|scope| {
        let others = thread::available_parallelism().map_or(1, usize::from) - 1;
        for _ in 0..others {
            // Who can't be started leaves its part to the others.
            let _ = thread::Builder::new().name("plan".into()).spawn_scoped(scope, work);
        }
        work();
    });
    bar.finish_and_clear();
    let mut found = found.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    found.sort_by_key(|(job, _)| *job);
    found.into_iter().map(|(_, outlook)| outlook).collect()
}

/// On standard error, and only where that is a terminal.
fn bar(lists: usize) -> ProgressBar {
    let bar = ProgressBar::new(lists as u64);
    match ProgressStyle::with_template("reckoning {wide_bar} {percent} % ({eta} left)") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
