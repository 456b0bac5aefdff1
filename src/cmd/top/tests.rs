//! Screens, whole: what is drawn for a status, a history and some keys. `TOP_GOLDEN=write` writes them anew.

pub mod cases;
mod keys;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use mimikyu::status::{Progress, Severity, Trouble};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::super::terminal::Paint;
use super::plain::Tone;
use super::screen::{Palette, draw};
use super::view::{Answers, View};
use super::{headline, report};
use cases::{failing, fine, hostile, many, nothing, rolling};

fn view(answers: Answers) -> View {
    View::new("127.0.0.1:9211".into(), Duration::from_secs(1), answers)
}

fn drawn(view: &mut View, (columns, rows): (u16, u16), now: Instant) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, view, Palette { is_coloured: true }, now)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let row = |cells: &[ratatui::buffer::Cell]| {
        let text: String = cells.iter().map(|cell| cell.symbol()).collect();
        format!("{}\n", text.trim_end())
    };
    buffer.content.chunks(width).map(row).collect()
}

#[track_caller]
fn golden(name: &str, shown: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cmd/top/golden").join(name);
    if std::env::var_os("TOP_GOLDEN").is_some_and(|word| word == "write") {
        fs::write(&path, shown).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert!(shown == expected, "{name} is\n{shown}\nand was\n{expected}");
}

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (120, 40);

/// A second later, with so many requests more.
fn later(mut answers: Answers, requests: u64) -> Answers {
    answers.status.uptime += 1.0;
    answers.status.traffic.requests += requests;
    answers
}

#[test]
fn all_is_well() {
    let now = Instant::now();
    let mut view = view(fine());
    let mut next = fine();
    for requests in [100, 1234, 700] {
        next = later(next, requests);
        view.answered(next.clone());
    }
    golden("fine.80x24", &text(&drawn(&mut view, SMALL, now)));
    golden("fine.120x40", &text(&drawn(&mut view, LARGE, now)));
}

#[test]
fn a_source_fails_and_others_are_in_doubt() {
    let mut view = view(failing());
    golden("failing.80x24", &text(&drawn(&mut view, SMALL, Instant::now())));
    golden("failing.120x40", &text(&drawn(&mut view, LARGE, Instant::now())));
}

#[test]
fn what_is_wrong_with_the_whole_is_told() {
    for (severity, tone) in [(Severity::Severe, Tone::Bad), (Severity::Warning, Tone::Doubtful)] {
        let mut answers = fine();
        let what = "the state file is not written".to_owned();
        answers.status.troubles = vec![Trouble { what, severity, since: answers.status.now.clone() }];
        let rows = headline::verdict(&answers.status, 9);
        assert_eq!((rows.len(), rows[0].tone), (1, tone));
        assert!(
            text(&drawn(&mut view(answers), SMALL, Instant::now())).contains("the state file is not written")
        );
    }
}

#[test]
fn a_rollout_has_a_line_and_one_that_is_stuck_is_to_be_looked_at() {
    golden("rolling.80x24", &text(&drawn(&mut view(rolling()), SMALL, Instant::now())));
    let mut answers = rolling();
    let rollout = answers.status.rollout.as_mut().unwrap();
    (rollout.progress, rollout.hold_at) = (Progress::Held, Some(3));
    assert_eq!(headline::verdict(&answers.status, 9)[0].tone, Tone::Good, "it was told to stay there");
    answers.status.rollout.as_mut().unwrap().hold_at = Some(4);
    let verdict = headline::verdict(&answers.status, 9);
    assert_eq!(verdict[0].text, "The list is served, but look at this: the rollout is held at step 3.");
    let told = headline::rollout(&answers.status).unwrap();
    assert_eq!(told.tone, Tone::Doubtful);
    let printed = report::text(&answers, "127.0.0.1:9211", Paint::none());
    assert!(printed.contains(&format!("\n{}\n", told.text)), "{printed}");
}

#[test]
fn nothing_is_served() {
    golden("nothing.80x24", &text(&drawn(&mut view(nothing()), SMALL, Instant::now())));
}

#[test]
fn the_daemon_is_gone_and_comes_back() {
    let begun = Instant::now();
    let mut view = view(fine());
    let before = text(&drawn(&mut view, SMALL, begun));
    view.unanswered("first".into(), begun, "10:20:31 UTC".into());
    let why = "127.0.0.1:9211 can't be reached: Connection refused (os error 111); does mimikyu run there?";
    view.unanswered(why.into(), begun + Duration::from_secs(9), "10:20:40 UTC".into());
    let buffer = drawn(&mut view, SMALL, begun + Duration::from_secs(75));
    golden("gone.80x24", &text(&buffer));
    // What was is dim, what is so is not.
    for (y, is_dim) in
        [(0, false), (1, false), (2, false), (3, false), (4, true), (5, true), (8, true), (14, true)]
    {
        let cell = &buffer[(1, y)];
        assert_eq!(cell.modifier.contains(Modifier::DIM), is_dim, "row {y}");
    }
    view.answered(fine());
    assert_eq!(text(&drawn(&mut view, SMALL, begun)).lines().next(), before.lines().next());
    assert!(!view.is_old() && text(&drawn(&mut view, SMALL, begun)).contains("All is well"));
}

#[test]
fn hostile_words_reach_no_terminal() {
    let answers = hostile();
    let mut view = view(answers.clone());
    let mut shown = text(&drawn(&mut view, SMALL, Instant::now()));
    golden("hostile.80x24", &shown);
    shown += &text(&drawn(&mut view, LARGE, Instant::now()));
    view.unanswered("\x1b]0;owned\x07".into(), Instant::now(), "10:20:31 UTC".into());
    shown += &text(&drawn(&mut view, SMALL, Instant::now()));
    shown += &report::text(&answers, "127.0.0.1:9211", Paint::none());
    let obeyed = |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
    assert_eq!(shown.chars().find(obeyed), None, "{shown:?}");
    assert!(shown.contains("?[2J"), "what was there is seen: {shown}");
}

#[test]
fn the_report_has_it_all() {
    golden("report", &report::text(&failing(), "127.0.0.1:9211", Paint::none()));
    let all = report::text(&many(1000), "127.0.0.1:9211", Paint::none());
    assert!(all.contains("n999:11211"));
}

#[test]
fn a_window_that_is_too_small_is_told_what_it_lacks() {
    let mut view = view(fine());
    golden("small.40x10", &text(&drawn(&mut view, (40, 10), Instant::now())));
    assert!(text(&drawn(&mut view, (59, 16), Instant::now())).contains("is the least"));
    assert!(text(&drawn(&mut view, (60, 15), Instant::now())).contains("is the least"));
    assert!(text(&drawn(&mut view, (60, 16), Instant::now())).contains("[List]"));
    // No size is a panic.
    for columns in [1, 2, 60, 61, 80, 109, 110, 300] {
        for rows in [1, 2, 16, 17, 33, 34, 35, 100] {
            drawn(&mut view, (columns, rows), Instant::now());
        }
    }
}

#[test]
fn without_colour_the_words_are_the_same() {
    let mut terminal = Terminal::new(TestBackend::new(LARGE.0, LARGE.1)).unwrap();
    let mut view = view(failing());
    let plain = Palette { is_coloured: false };
    terminal.draw(|frame| draw(frame, &mut view, plain, Instant::now())).unwrap();
    let buffer = terminal.backend().buffer().clone();
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    let coloured = drawn(&mut view, LARGE, Instant::now());
    assert_eq!(text(&buffer), text(&coloured));
    assert!(coloured.content.iter().any(|cell| cell.fg == Color::Red));
}
