//! Asks every worker, and makes one answer of theirs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::{Roll, Seen};
use crate::limits::{CENSUS_BEHIND_MAX, CENSUS_INTERVAL, CENSUS_WAIT, CENSUS_WINDOW};
use crate::mailbox::{Mail, Postbox};
use crate::metrics::Metrics;
use crate::status::{Audience, Behind};

/// Finds out which versions the clients have.
#[derive(Debug)]
pub struct Surveyor {
    postboxes: Vec<Postbox>,
    metrics: Metrics,
    last: Option<(Instant, Merged)>,
}

/// What the workers know together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Merged {
    /// The latest word of each client.
    clients: HashMap<IpAddr, Seen>,
    /// Places that are taken in all tables, and that there are. A client of several workers has one in each.
    tracked: usize,
    tracked_max: usize,
}

impl Surveyor {
    /// One that asks the workers with these postboxes.
    pub fn new(postboxes: Vec<Postbox>, metrics: Metrics) -> Self {
        Self { postboxes, metrics, last: None }
    }

    /// Who was served which version last, when the `current` one is this. Within [`CENSUS_INTERVAL`] of the last time nobody is
    /// asked again. A worker that does not answer within [`CENSUS_WAIT`] is left out.
    pub async fn survey(&mut self, now: Instant, current: Option<u32>) -> Audience {
        let is_fresh = |at: &Instant| now.saturating_duration_since(*at) < CENSUS_INTERVAL;
        let merged = match self.last.take_if(|(at, _)| is_fresh(at)) {
            Some(last) => last,
            None => (now, Merged::of(self.ask().await)),
        };
        let untracked = self.metrics.sum(|worker| &worker.clients_untracked);
        let audience = merged.1.audience(now, current, untracked);
        self.last = Some(merged);
        audience
    }

    async fn ask(&self) -> Vec<Roll> {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for postbox in &self.postboxes {
            postbox.post(Mail::Census(sender.clone()));
        }
        drop(sender);
        let mut rolls = Vec::new();
        let all = async {
            // Ends when each has answered, or has left.
            while let Some(roll) = receiver.recv().await {
                rolls.push(roll);
            }
        };
        // Who has not answered by then is left out.
        let _ = tokio::time::timeout(CENSUS_WAIT, all).await;
        rolls
    }
}

impl Merged {
    fn of(rolls: Vec<Roll>) -> Self {
        let mut merged = Self::default();
        for Roll { clients, clients_max } in rolls {
            merged.tracked += clients.len();
            merged.tracked_max += clients_max;
            for seen in clients {
                let latest = merged.clients.entry(seen.address).or_insert(seen);
                if latest.at < seen.at {
                    *latest = seen;
                }
            }
        }
        merged
    }

    fn audience(&self, now: Instant, current: Option<u32>, untracked: u64) -> Audience {
        let age = |seen: &Seen| now.saturating_duration_since(seen.at);
        let is_recent = |seen: &Seen| age(seen) <= CENSUS_WINDOW;
        let (up_to_date, others): (Vec<&Seen>, Vec<&Seen>) =
            self.clients.values().partition(|seen| Some(seen.version) == current);
        let up_to_date = up_to_date.into_iter().filter(|seen| is_recent(seen)).count();
        let (behind, silent): (Vec<&Seen>, Vec<&Seen>) = others.into_iter().partition(|seen| is_recent(seen));
        let (behind_count, silent_count) = (behind.len(), silent.len());
        let named = |mut clients: Vec<&Seen>| {
            // The address decides between equal times, so that the same is told in the same order.
            clients.sort_unstable_by_key(|seen| (age(seen), seen.address));
            clients.truncate(CENSUS_BEHIND_MAX);
            let told = |seen: &Seen| Behind {
                address: seen.address,
                version: seen.version,
                age: rounded(age(seen)),
            };
            clients.into_iter().map(told).collect()
        };
        let seen = up_to_date + behind_count;
        Audience {
            window: CENSUS_WINDOW.as_secs(),
            seen,
            current: up_to_date,
            share: (seen > 0).then(|| up_to_date as f64 / seen as f64),
            behind: named(behind),
            behind_count,
            silent: named(silent),
            silent_count,
            tracked: self.tracked,
            tracked_max: self.tracked_max,
            untracked,
        }
    }
}

/// In seconds, to the millisecond.
fn rounded(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{self, Mailbox};

    const SECOND: Duration = Duration::from_secs(1);

    fn seen(n: u16, version: u32, at: Instant) -> Seen {
        let [high, low] = n.to_be_bytes();
        Seen { address: [10, 0, high, low].into(), version, at }
    }

    #[test]
    fn the_latest_word_of_a_client_counts_whichever_worker_has_it() {
        let start = Instant::now();
        let now = start + CENSUS_WINDOW;
        let at = |seconds| start + SECOND * seconds;
        let one = vec![seen(1, 7, at(1)), seen(2, 8, at(2)), seen(3, 7, at(60))];
        let other = vec![seen(1, 8, at(5)), seen(2, 7, at(1)), seen(4, 6, start)];
        for rolls in [[one.clone(), other.clone()], [other, one]] {
            let rolls = rolls.map(|clients| Roll { clients, clients_max: 10 });
            let merged = Merged::of(rolls.into());
            let audience = merged.audience(now, Some(8), 3);
            assert_eq!((audience.seen, audience.current, audience.share), (4, 2, Some(0.5)));
            assert_eq!((audience.tracked, audience.tracked_max, audience.untracked), (6, 20, 3));
            let behind: Vec<_> = audience.behind.iter().map(|it| (it.version, it.age)).collect();
            assert_eq!(behind, [(7, 60.0), (6, 120.0)], "the latest first");
            let later = merged.audience(now + Duration::from_nanos(1), Some(8), 3);
            assert_eq!((later.seen, later.behind_count), (3, 1), "out of the window");
            assert_eq!((later.silent_count, later.silent[0].version, audience.silent_count), (1, 6, 0));
            let long_after = merged.audience(now + CENSUS_WINDOW * 9, Some(8), 3);
            let silent: Vec<_> = long_after.silent.iter().map(|it| it.version).collect();
            assert_eq!((long_after.seen, silent), (0, vec![7, 6]), "who has the list is not among them");
            assert_eq!(merged.audience(now, None, 3).current, 0);
        }
        assert_eq!(Merged::of(vec![]).audience(now, Some(8), 0).share, None);
    }

    #[test]
    fn names_so_many_that_are_behind_and_not_one_more() {
        let now = Instant::now();
        let of = |count: usize| {
            let clients = (0..count).map(|n| seen(n as u16, 7, now)).collect();
            Merged::of(vec![Roll { clients, clients_max: count }]).audience(now, Some(8), 0)
        };
        let most = of(CENSUS_BEHIND_MAX);
        assert_eq!((most.behind.len(), most.behind_count), (CENSUS_BEHIND_MAX, CENSUS_BEHIND_MAX));
        let more = of(CENSUS_BEHIND_MAX + 1);
        assert_eq!((more.behind.len(), more.behind_count), (CENSUS_BEHIND_MAX, CENSUS_BEHIND_MAX + 1));
        assert_eq!(more.behind, most.behind);
        let late = now + CENSUS_WINDOW + SECOND;
        let clients = (0..=CENSUS_BEHIND_MAX).map(|n| seen(n as u16, 7, now)).collect();
        let silent = Merged::of(vec![Roll { clients, clients_max: 200 }]).audience(late, Some(8), 0);
        assert_eq!((silent.silent.len(), silent.silent_count), (CENSUS_BEHIND_MAX, CENSUS_BEHIND_MAX + 1));
    }

    /// Answers the mail that is there.
    fn answer(mailbox: &Mailbox, clients: &[Seen]) -> usize {
        let mut asked = 0;
        while let Some(mail) = mailbox.take() {
            let Mail::Census(reply) = mail else { panic!("{mail:?}") };
            asked += 1;
            reply.send(Roll { clients: clients.to_vec(), clients_max: 10 }).unwrap();
        }
        asked
    }

    fn block_on<T>(what: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(what)
    }

    #[test]
    fn workers_are_asked_once_a_second_and_the_silent_are_left_out() {
        let (first, second) = (mailbox::pair().unwrap(), mailbox::pair().unwrap());
        let gone = mailbox::pair().unwrap().0;
        let mut surveyor = Surveyor::new(vec![first.0, second.0, gone], Metrics::new(3));
        let now = Instant::now();
        block_on(async {
            let mut survey = async |now: Instant, current: Option<u32>, answers: &[usize]| {
                let boxes = [&first.1, &second.1];
                let respond = async {
                    tokio::task::yield_now().await;
                    let asked = |&index: &usize| answer(boxes[index], &[seen(index as u16, 7, now)]);
                    answers.iter().map(asked).sum::<usize>()
                };
                tokio::join!(biased; surveyor.survey(now, current), respond)
            };
            let (audience, asked) = survey(now, Some(7), &[0, 1]).await;
            assert_eq!((audience.seen, audience.current, asked), (2, 2, 2));
            let soon = now + CENSUS_INTERVAL - Duration::from_nanos(1);
            let (audience, asked) = survey(soon, Some(8), &[0, 1]).await;
            assert_eq!((audience.seen, audience.current, asked), (2, 0, 0), "remembered, and compared anew");
            let (audience, asked) = survey(now + CENSUS_INTERVAL, Some(7), &[0]).await;
            assert_eq!((audience.seen, audience.tracked_max, asked), (1, 10, 1), "the other was left out");
        });
    }
}
