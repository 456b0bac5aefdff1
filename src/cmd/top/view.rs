//! What is looked at: the last answers, what came before them, and where the reader is in them.
//!
//! Pure: it is told what was answered, which keys were pressed and what time it is.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mimikyu::status::{History, Status};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::plain::{Row, Tone, count, elapsed};
use super::{headline, words};

/// Answers that the charts remember.
const SAMPLES: usize = 240;

/// Columns that an arrow moves.
const STEP: usize = 8;

/// What there is at an admin address.
#[derive(Debug, Clone)]
pub struct Answers {
    /// `/status`.
    pub status: Status,
    /// `/history`.
    pub history: History,
}

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// Where nodes come from.
    Sources,
    /// The nodes.
    List,
    /// What changed.
    Changes,
    /// Who has another version.
    Clients,
    /// How near the bounds are.
    Limits,
}

impl Pane {
    /// In the order of the tabulator.
    pub const ALL: [Pane; 5] = [Pane::Sources, Pane::List, Pane::Changes, Pane::Clients, Pane::Limits];

    /// Its title.
    pub fn name(self) -> &'static str {
        match self {
            Pane::Sources => "Sources",
            Pane::List => "List",
            Pane::Changes => "Changes",
            Pane::Clients => "Clients behind",
            Pane::Limits => "Limits",
        }
    }

    /// The rows of it.
    pub fn rows(self, Answers { status, history }: &Answers) -> Vec<Row> {
        match self {
            Pane::Sources => words::sources(status),
            Pane::List => words::list(status),
            Pane::Changes => words::changes(history, &status.now),
            Pane::Clients => words::clients(status),
            Pane::Limits => words::limits(status),
        }
    }
}

/// Where the reader is in a pane.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    down: usize,
    across: usize,
    /// Rows that were shown of it last: a page.
    height: usize,
}

/// Since when nobody answers.
#[derive(Debug)]
struct Gone {
    why: String,
    begun: Instant,
    /// The time of day then.
    clock: String,
}

/// What a key asks for that is not done by looking elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    Stay,
    /// To have everything drawn anew.
    Redraw,
    /// To leave.
    Leave,
}

/// What is looked at.
#[derive(Debug)]
pub struct View {
    target: String,
    interval: Duration,
    answers: Answers,
    panes: [Vec<Row>; 5],
    places: [Place; 5],
    focus: Pane,
    /// The pane below the sources where there is place for one.
    lower: Pane,
    is_helping: bool,
    gone: Option<Gone>,
    requests: VecDeque<u64>,
    open: VecDeque<u64>,
}

impl View {
    /// The first answers of who was named so, asked again after so long.
    pub fn new(target: String, interval: Duration, answers: Answers) -> Self {
        Self {
            target,
            interval,
            panes: Pane::ALL.map(|pane| pane.rows(&answers)),
            places: [Place::default(); 5],
            focus: Pane::List,
            lower: Pane::List,
            is_helping: false,
            gone: None,
            requests: VecDeque::new(),
            open: VecDeque::from([answers.status.traffic.open as u64]),
            answers,
        }
    }

    /// The next answers.
    pub fn answered(&mut self, answers: Answers) {
        let (before, now) = (&self.answers.status, &answers.status);
        let took = now.uptime - before.uptime;
        // Another process begins to count anew.
        if now.started == before.started && took > 0.0 {
            let asked = now.traffic.requests.saturating_sub(before.traffic.requests);
            remember(&mut self.requests, (asked as f64 / took).round() as u64);
        } else if now.started != before.started {
            self.requests.clear();
        }
        remember(&mut self.open, now.traffic.open as u64);
        self.gone = None;
        self.panes = Pane::ALL.map(|pane| pane.rows(&answers));
        self.answers = answers;
    }

    /// There was no answer, at this time of day (`HH:MM:SS UTC`).
    pub fn unanswered(&mut self, why: String, now: Instant, clock: String) {
        match &mut self.gone {
            Some(gone) => gone.why = why,
            None => self.gone = Some(Gone { why, begun: now, clock }),
        }
    }

    /// Whether what is shown is what was.
    pub fn is_old(&self) -> bool {
        self.gone.is_some()
    }

    /// The rows above the panes, of which what is not well takes so many at most.
    pub fn head(&self, now: Instant, verdict_rows_max: usize) -> Vec<Row> {
        let status = &self.answers.status;
        let first = headline::speaker(status, &self.target);
        match &self.gone {
            Some(Gone { why, begun, clock }) => {
                let lasts = elapsed(now.saturating_duration_since(*begun).as_secs_f64());
                vec![
                    first,
                    Row::new(
                        Tone::Bad,
                        format!(
                            "No answer since {clock} ({lasts}); asked again all the time. Below: what was."
                        ),
                    ),
                    Row::new(Tone::Bad, why),
                    Row { tone: Tone::Faint, ..headline::served(status) },
                ]
            }
            None => {
                let mut rows = vec![first];
                rows.extend(headline::verdict(status, verdict_rows_max));
                rows.push(headline::served(status));
                rows.extend(headline::rollout(status));
                rows.push(headline::audience(status));
                rows.extend(headline::silent(status));
                rows
            }
        }
    }

    /// Requests per second and open connections, with their charts.
    pub fn traffic(&self, columns: usize) -> Row {
        let open = count(self.answers.status.traffic.open as u64);
        let asked = match self.requests.back() {
            Some(rate) => format!("requests/s {}", count(*rate)),
            None => format!("requests {}", count(self.answers.status.traffic.requests)),
        };
        let connections = format!("connections {open}");
        let left = columns.saturating_sub(asked.len() + connections.len() + 6) / 2;
        let chart =
            |numbers: &VecDeque<u64>| super::plain::chart(&numbers.iter().copied().collect::<Vec<_>>(), left);
        let (requests, held) = (chart(&self.requests), chart(&self.open));
        Row::new(Tone::Plain, format!("{asked} {requests:left$}  {connections} {held}"))
    }

    /// How often it asks.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Whether the keys are explained.
    pub fn is_helping(&self) -> bool {
        self.is_helping
    }

    /// Where the keys go.
    pub fn focus(&self) -> Pane {
        self.focus
    }

    /// The pane that stands for all below the sources where there is no place for more.
    pub fn lower(&self) -> Pane {
        self.lower
    }

    /// Rows that there are in a pane.
    pub fn rows(&self, pane: Pane) -> usize {
        self.panes[pane as usize].len()
    }

    /// What of a pane is shown in so many rows: its head, then rows from a place on. Also how many there are.
    pub fn page(&mut self, pane: Pane, height: usize) -> Page<'_> {
        let rows = &self.panes[pane as usize];
        let head = rows.first().filter(|row| row.tone == Tone::Head);
        let body = if head.is_some() { &rows[1..] } else { &rows[..] };
        let height = height.saturating_sub(usize::from(head.is_some()));
        let place = &mut self.places[pane as usize];
        place.height = height;
        place.down = place.down.min(body.len().saturating_sub(height));
        let shown = &body[place.down..body.len().min(place.down + height)];
        Page { head, shown, from: place.down, of: body.len(), across: place.across }
    }

    /// A key was pressed.
    pub fn key(&mut self, key: KeyEvent) -> Wish {
        if key.kind == KeyEventKind::Release {
            return Wish::Stay;
        }
        let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let rows = &self.panes[self.focus as usize];
        let longest = rows.iter().map(|row| row.text.chars().count()).max().unwrap_or_default();
        let body = rows.len() - usize::from(rows.first().is_some_and(|row| row.tone == Tone::Head));
        let place = &mut self.places[self.focus as usize];
        // Kept here and not only where it is drawn: several keys may come between two times.
        let last = body.saturating_sub(place.height);
        match key.code {
            KeyCode::Char('c') if has_control => return Wish::Leave,
            KeyCode::Char('l') if has_control => return Wish::Redraw,
            KeyCode::Char('?') | KeyCode::Esc if self.is_helping => self.is_helping = false,
            KeyCode::Char('q') | KeyCode::Esc => return Wish::Leave,
            KeyCode::Char('?') => self.is_helping = true,
            KeyCode::Tab => self.turn(1),
            KeyCode::BackTab => self.turn(Pane::ALL.len() - 1),
            KeyCode::Up => place.down = place.down.saturating_sub(1),
            KeyCode::Down => place.down = last.min(place.down + 1),
            KeyCode::PageUp => place.down = place.down.saturating_sub(place.height.max(1)),
            KeyCode::PageDown => place.down = last.min(place.down + place.height.max(1)),
            KeyCode::Home => *place = Place { down: 0, across: 0, ..*place },
            KeyCode::End => place.down = last,
            KeyCode::Left => place.across = place.across.saturating_sub(STEP),
            KeyCode::Right if place.across + STEP < longest => place.across += STEP,
            _ => {}
        }
        Wish::Stay
    }

    fn turn(&mut self, steps: usize) {
        self.focus = Pane::ALL[(self.focus as usize + steps) % Pane::ALL.len()];
        if self.focus != Pane::Sources {
            self.lower = self.focus;
        }
    }
}

/// What of a pane is shown.
#[derive(Debug)]
pub struct Page<'a> {
    /// The names of the columns, which stay.
    pub head: Option<&'a Row>,
    /// The rows.
    pub shown: &'a [Row],
    /// Rows above them.
    pub from: usize,
    /// Rows that there are.
    pub of: usize,
    /// Characters of each row that are to the left.
    pub across: usize,
}

fn remember(numbers: &mut VecDeque<u64>, number: u64) {
    if numbers.len() == SAMPLES {
        numbers.pop_front();
    }
    numbers.push_back(number);
}
