//! What keys and answers do to a view, and the sentences of the first rows.

use mimikyu::status::{Behind, Severity, Trouble};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::super::headline::{audience, silent, verdict};
use super::super::plain::Tone;
use super::super::view::{Pane, Wish};
use super::super::words::clients;
use super::*;

fn press(view: &mut View, code: KeyCode) -> Wish {
    view.key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn keys_that_leave() {
    let mut view = view(fine());
    let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    assert_eq!(press(&mut view, KeyCode::Char('q')), Wish::Leave);
    assert_eq!(press(&mut view, KeyCode::Esc), Wish::Leave);
    assert_eq!((view.key(control('c')), view.key(control('l'))), (Wish::Leave, Wish::Redraw));
    assert_eq!(press(&mut view, KeyCode::Char('c')), Wish::Stay);
    let mut released = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
    released.kind = KeyEventKind::Release;
    assert_eq!(view.key(released), Wish::Stay);
    assert_eq!((press(&mut view, KeyCode::Char('?')), view.is_helping()), (Wish::Stay, true));
    golden("help.80x24", &text(&drawn(&mut view, SMALL, Instant::now())));
    assert_eq!((press(&mut view, KeyCode::Esc), view.is_helping()), (Wish::Stay, false));
}

#[test]
fn the_list_scrolls_within_its_bounds() {
    let mut view = view(many(1000));
    let mut title = |keys: &[KeyCode]| {
        for key in keys {
            press(&mut view, *key);
        }
        let shown = text(&drawn(&mut view, SMALL, Instant::now()));
        let line = shown.lines().find(|line| line.contains(" of 1000 ")).expect("an extent").to_owned();
        // Below the frame and the names of the columns.
        let first = shown.lines().skip_while(|other| **other != line).nth(2).unwrap().to_owned();
        (line.split_whitespace().find(|word| word.contains('-')).unwrap().to_owned(), first)
    };
    let (begin, first) = title(&[]);
    assert!(first.contains("n0:11211"), "{first}");
    let page: usize = begin.strip_prefix("1-").unwrap().parse().unwrap();
    assert!(page >= 5, "{page} rows at 80x24");
    assert_eq!(title(&[KeyCode::Up]).0, begin);
    assert_eq!(title(&[KeyCode::Down]).0, format!("2-{}", page + 1));
    assert_eq!(title(&[KeyCode::PageDown]).0, format!("{}-{}", page + 2, 2 * page + 1));
    assert_eq!(title(&[KeyCode::End]).0, format!("{}-1000", 1001 - page));
    assert_eq!(
        title(&[KeyCode::Down, KeyCode::PageDown, KeyCode::PageUp]).0.split('-').next().unwrap(),
        (1001 - 2 * page).to_string()
    );
    // Also where no screen is drawn between two keys.
    for beyond in [KeyCode::Down, KeyCode::PageDown, KeyCode::End] {
        let (shown, _) = title(&[KeyCode::Home, KeyCode::End, beyond, KeyCode::Up]);
        assert_eq!(shown, format!("{}-999", 1000 - page), "{beyond:?}");
    }
    let (_, across) = title(&[KeyCode::Home, KeyCode::Right]);
    assert!(!across.contains("n0:11211"), "{across}");
    for _ in 0..100 {
        title(&[KeyCode::Right]);
    }
    assert!(!title(&[]).1.trim_matches(['│', ' ']).is_empty(), "the longest row is never out of sight");
    assert_eq!(title(&[KeyCode::Home]), (begin, first));
}

#[test]
fn the_tabulator_goes_round_and_the_last_pane_stays_below_the_sources() {
    let mut view = view(fine());
    let mut seen = vec![view.focus()];
    for _ in 0..5 {
        press(&mut view, KeyCode::Tab);
        seen.push(view.focus());
        let shown = text(&drawn(&mut view, SMALL, Instant::now()));
        assert!(shown.contains(&format!("[{}]", view.focus().name())), "{shown}");
        let is_last_limits = view.focus() == Pane::Sources;
        assert_eq!(view.lower(), if is_last_limits { Pane::Limits } else { view.focus() });
    }
    assert_eq!(seen, [Pane::List, Pane::Changes, Pane::Clients, Pane::Limits, Pane::Sources, Pane::List]);
    press(&mut view, KeyCode::BackTab);
    assert_eq!(view.focus(), Pane::Sources);
}

#[test]
fn rates_are_differences_by_the_clock_of_the_daemon() {
    let mut view = view(fine());
    assert!(view.traffic(80).text.starts_with("requests 1,234,567 "));
    let mut next = fine();
    next.status.uptime += 2.0;
    next.status.traffic.requests += 3000;
    next.status.traffic.open = 7;
    view.answered(next.clone());
    let shown = view.traffic(80).text;
    assert!(shown.starts_with("requests/s 1,500 █") && shown.contains("connections 7 █▂"), "{shown}");
    // The same answer again is no time in which nothing was asked.
    view.answered(next.clone());
    assert!(view.traffic(80).text.starts_with("requests/s 1,500 █ "));
    next.status.started = "2026-11-22T10:30:00.000Z".into();
    next.status.uptime += 1.0;
    next.status.traffic.requests = 5;
    view.answered(next.clone());
    assert!(view.traffic(80).text.starts_with("requests 5 "), "another process: {}", view.traffic(80).text);
    for _ in 0..500 {
        next = later(next, 9);
        view.answered(next.clone());
    }
    assert_eq!(view.traffic(2000).text.matches('█').count(), 480, "240 of each are remembered");
}

#[test]
fn the_first_rows_are_true_sentences() {
    let of = |change: &dyn Fn(&mut mimikyu::status::Status)| {
        let mut answers = fine();
        change(&mut answers.status);
        (verdict(&answers.status, 9).remove(0), audience(&answers.status))
    };
    let (well, all) = of(&|_| {});
    assert_eq!((well.tone, all.tone), (Tone::Good, Tone::Good));
    assert_eq!(all.text, "All 214 clients seen in the last 2 min have version 1000024.");
    let (_, most) = of(&|s| (s.audience.current, s.audience.behind_count) = (213, 1));
    assert_eq!(most.text, "99 % of the 214 clients seen in the last 2 min have version 1000024; 1 has not.");
    let (_, one) = of(&|s| (s.audience.current, s.audience.seen) = (1, 1));
    assert_eq!(one.text, "The one client seen in the last 2 min has version 1000024.");
    let (_, not) = of(&|s| (s.audience.current, s.audience.seen, s.audience.behind_count) = (0, 1, 1));
    assert_eq!(not.text, "The one client seen in the last 2 min does not have version 1000024.");
    assert_eq!(not.tone, Tone::Doubtful);
    let (_, none) = of(&|s| (s.audience.current, s.audience.seen) = (0, 0));
    assert_eq!(none.text, "No client was seen in the last 2 min.");
    let (_, unknown) = of(&|s| s.audience.tracked_max = 0);
    assert!(unknown.text.contains("clients_tracked_max is 0"));
    let (near, _) = of(&|s| s.limits[0].used = 52_429);
    assert_eq!((near.tone, near.text.contains("connections at 80 % of the limit")), (Tone::Doubtful, true));
    let (far, _) = of(&|s| s.limits[0].used = 52_428);
    assert_eq!(far.tone, Tone::Good);
    for (severity, tone) in [(Severity::Warning, Tone::Doubtful), (Severity::Severe, Tone::Bad)] {
        let trouble = Trouble { what: "the list hurts".into(), severity, since: String::new() };
        let (hurt, _) = of(&|s| s.troubles = vec![trouble.clone()]);
        assert_eq!(hurt.text, "The list is served, but look at this: the list hurts.");
        assert_eq!(hurt.tone, tone);
    }
    let (unready, _) = of(&|s| (s.ready, s.waits_for) = (false, Some("it is stopping".into())));
    assert_eq!((unready.tone, unready.text.as_str()), (Tone::Bad, "Not ready: it is stopping."));
}

#[test]
fn every_trouble_has_a_row_up_to_so_many_and_the_last_counts_the_rest() {
    let mut status = fine().status;
    let trouble = |n: usize| Trouble {
        what: format!("trouble {n}"),
        severity: Severity::Warning,
        since: String::new(),
    };
    status.troubles = (0..4).map(trouble).collect();
    let told = |rows_max| verdict(&status, rows_max).into_iter().map(|row| row.text).collect::<Vec<_>>();
    let all = ["  trouble 0", "  trouble 1", "  trouble 2", "  trouble 3"];
    assert_eq!(told(4)[0], "The list is served, but look at these:");
    assert_eq!(told(4)[1..], all);
    assert_eq!(told(3)[1..], ["  trouble 0", "  trouble 1", "  and 2 more"]);
    assert_eq!(told(0)[1..], ["  and 4 more"]);
}

#[test]
fn who_has_not_asked_since_an_older_version_is_told_and_named() {
    let mut status = fine().status;
    assert_eq!((silent(&status), clients(&status)[0].tone), (None, Tone::Faint));
    let straggler = Behind { address: [10, 1, 0, 9].into(), version: 1_000_023, age: 431.0 };
    (status.audience.silent, status.audience.silent_count) = (vec![straggler], 2);
    let row = silent(&status).unwrap();
    assert_eq!(row.text, "And 2 clients not seen since, last with an older version.");
    let named: Vec<_> = clients(&status).into_iter().map(|row| row.text).collect();
    assert_eq!(named[1..], ["10.1.0.9  1000023  7 min ago", "and 1 more"]);
}
