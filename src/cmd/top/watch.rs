//! Asks and draws until the reader leaves.

use std::io;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use mimikyu::signal::{Hangups, Signals};
use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{MissedTickBehavior, interval};

use super::ask::Asker;
use super::screen::{Palette, draw};
use super::seat::Seat;
use super::view::{Answers, View, Wish};

/// Events that may wait: keys that are pressed faster than is drawn are taken a batch at a time.
const EVENTS_MAX: usize = 64;

/// How often it is drawn where nothing happens: ages are told in seconds.
const TICK: Duration = Duration::from_secs(1);

enum News {
    Answer(Box<Result<Answers, String>>),
    Terminal(io::Result<Event>),
}

/// Shows the view, and asks for what is next. Ends with a key, a signal, or with the terminal.
pub async fn watch(mut asker: Asker, mut view: View, palette: Palette) -> io::Result<()> {
    let (mut signals, mut hangups) = (Signals::catch()?, Hangups::catch()?);
    let (sender, mut news) = channel(EVENTS_MAX);
    let mut seat = Seat::take()?;
    let keys = sender.clone();
    // It ends with the process: a read from a terminal can't be given up.
    thread::Builder::new().name("keys".into()).spawn(move || read_keys(&keys))?;
    let between = view.interval();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(between).await;
            if sender.send(News::Answer(Box::new(asker.answers().await))).await.is_err() {
                return;
            }
        }
    });
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seat.draw(|frame| draw(frame, &mut view, palette, Instant::now()))?;
        let first = tokio::select! {
            _ = signals.next() => return Ok(()),
            () = hangups.next() => return Ok(()),
            _ = tick.tick() => None,
            first = news.recv() => first,
        };
        let mut next = first;
        for _ in 0..EVENTS_MAX {
            let Some(one) = next else { break };
            match one {
                News::Answer(answer) => match *answer {
                    Ok(answers) => view.answered(answers),
                    Err(why) => view.unanswered(why, Instant::now(), clock(SystemTime::now())),
                },
                News::Terminal(Ok(Event::Key(key))) => match view.key(key) {
                    Wish::Stay => {}
                    Wish::Redraw => seat.clear()?,
                    Wish::Leave => return Ok(()),
                },
                // Another size is seen when it is drawn.
                News::Terminal(Ok(_)) => {}
                News::Terminal(Err(error)) => return Err(error),
            }
            next = news.try_recv().ok();
        }
    }
}

fn read_keys(keys: &Sender<News>) {
    loop {
        let read = event::read();
        let is_over = read.is_err();
        if keys.blocking_send(News::Terminal(read)).is_err() || is_over {
            return;
        }
    }
}

/// The time of day, as the daemon tells it.
fn clock(now: SystemTime) -> String {
    let now = humantime::format_rfc3339_seconds(now).to_string();
    format!("{} UTC", now.get(11..19).unwrap_or(&now))
}
