//! A rollout at each stage, as people are told of it.

use mimikyu::status::{HitRate, Moves, Progress, Rollout, RolloutStep, Status};

use super::super::terminal::Paint;
use super::super::top::plain::Tone;
use super::super::top::tests::cases::{hostile, rolling};
use super::{preview, status, text, words};

/// A status, with its rollout changed so.
fn case(change: impl FnOnce(&mut Rollout)) -> (Status, Rollout) {
    let mut status = rolling().status;
    (status.audience.current, status.audience.behind_count) = (208, 6);
    let rollout = status.rollout.as_mut().unwrap();
    change(rollout);
    let rollout = rollout.clone();
    (status, rollout)
}

fn hits(rate: Option<f64>, is_good: bool, why: Option<&str>) -> Option<HitRate> {
    let why = why.map(str::to_owned);
    Some(HitRate { rate, requests: 120_345, floor: 0.85, resume: 0.87, window: 300.0, is_good, why })
}

fn waiting(rollout: &mut Rollout) {
    (rollout.progress, rollout.step) = (Progress::Waiting, 0);
    rollout.start = "2026-12-01T03:00:00.000Z".into();
    let next = rollout.next.as_mut().unwrap();
    (next.step, next.at) = (1, Some(rollout.start.clone()));
}

fn held_by_hit_rate(rollout: &mut Rollout) {
    let why = "82.1 % of the requests hit, and 85 % must";
    (rollout.progress, rollout.hold) = (Progress::Held, Some(why.into()));
    rollout.hit_rate = hits(Some(0.8214), false, Some(why));
    rollout.behind = 2;
    rollout.start_to_agree = Some("2026-11-22T10:09:00.000Z".into());
    rollout.next.as_mut().unwrap().at = None;
}

fn held_by_hold_at(rollout: &mut Rollout) {
    (rollout.progress, rollout.hold_at) = (Progress::Held, Some(3));
    rollout.hold = Some("hold_at = 3".into());
    rollout.next.as_mut().unwrap().at = None;
}

fn done(rollout: &mut Rollout) {
    (rollout.progress, rollout.step, rollout.next) = (Progress::Done, 6, None);
}

const LIST: &str = "list      version 1000024: 3 nodes of 2 sources, digest 4b825dc642cb, since 09:15:01 UTC\n\
                    clients   97 % of the 214 clients seen in the last 2 min have version 1000024; 6 have not.\n";

#[track_caller]
fn says(change: impl FnOnce(&mut Rollout), expected: &str) {
    let (whole, rollout) = case(change);
    let shown = text(&status::rows(&whole, &rollout), Paint::none());
    assert!(shown == format!("{expected}{LIST}"), "{shown}");
}

#[test]
fn the_status_says_where_it_is_and_what_is_next() {
    says(
        |rollout| rollout.hit_rate = hits(Some(0.9127), true, None),
        "rollout   swap old → new: 1 node a step, every 10 min from 09:59:00 UTC on\n\
         now       step 3 of 6\n\
         next      step 4 at 10:29:00 UTC, in 8 min: + new-4:11211 − old-4:11211\n          \
         moves 17 % of the keys of libmemcached-modula\n\
         hit rate  91.2 % of 120,345 requests in the last 5 min hit; 85 % must\n",
    );
    says(
        waiting,
        "rollout   swap old → new: 1 node a step, every 10 min from 2026-12-01 03:00:00 UTC on\n\
         now       waits for its start\n\
         next      step 1 at 2026-12-01 03:00:00 UTC, in 8 d 16 h: + new-4:11211 − old-4:11211\n          \
         moves 17 % of the keys of libmemcached-modula\n",
    );
    says(
        done,
        "rollout   swap old → new: 1 node a step, every 10 min from 09:59:00 UTC on\n\
         now       done, 6 steps taken\n\
         next      nothing: every step is taken\n",
    );
}

#[test]
fn the_status_says_why_it_is_held_and_how_late_it_is() {
    says(
        held_by_hit_rate,
        "rollout   swap old → new: 1 node a step, every 10 min from 09:59:00 UTC on\n\
         now       held at step 3 of 6: 82.1 % of the requests hit, and 85 % must\n          \
         2 steps behind; a replica that starts anew agrees with start = 2026-11-22T10:09:00.000Z\n\
         next      step 4: + new-4:11211 − old-4:11211\n          \
         moves 17 % of the keys of libmemcached-modula\n\
         hit rate  82.1 % of 120,345 requests in the last 5 min hit; 85 % must, and 87 % before it goes on\n",
    );
    says(
        held_by_hold_at,
        "rollout   swap old → new: 1 node a step, every 10 min from 09:59:00 UTC on\n\
         now       held at step 3 of 6: hold_at = 3\n\
         next      step 4: + new-4:11211 − old-4:11211\n          \
         moves 17 % of the keys of libmemcached-modula\n",
    );
    says(
        |rollout| {
            (rollout.hold_at, rollout.batch) = (Some(5), "20%".into());
            rollout.next.as_mut().unwrap().at = Some("2026-11-22T10:20:30.000Z".into());
        },
        "rollout   swap old → new: 20 % of the nodes a step, every 10 min from 09:59:00 UTC on\n\
         now       step 3 of 6\n          \
         not beyond step 5 (hold_at)\n\
         next      step 4, due now: + new-4:11211 − old-4:11211\n          \
         moves 17 % of the keys of libmemcached-modula\n",
    );
}

/// Six steps, of which the fifth takes more at once.
fn steps(rollout: &Rollout) -> Vec<RolloutStep> {
    let minute = |step: usize| 589 + 10 * step;
    let step = |step: usize| RolloutStep {
        step,
        at: (step > rollout.step)
            .then(|| format!("2026-11-22T{:02}:{}:00.000Z", minute(step) / 60, minute(step) % 60)),
        nodes: 6,
        added: vec![format!("new-{step}:11211"); if step == 5 { 2 } else { 1 }],
        removed: if step == 6 { vec![] } else { vec![format!("old-{step}:11211")] },
        moved: vec![],
        moves: [("libmemcached-modula", 0.16654), ("jump", 0.004)]
            .map(|(client, share)| Moves { client: client.into(), share })
            .into(),
    };
    (1..=rollout.steps).map(step).collect()
}

#[track_caller]
fn previews(change: impl FnOnce(&mut Rollout), expected: &str) {
    let (whole, rollout) = case(change);
    let shown = text(&preview::rows(&rollout, &steps(&rollout), &whole.now), Paint::none());
    assert!(shown.starts_with(expected), "{shown}");
}

#[test]
fn the_preview_has_the_next_step_in_full_and_every_step_in_a_row() {
    previews(
        |rollout| {
            rollout.hit_rate = hits(Some(0.9127), true, None);
            let next = rollout.next.as_mut().unwrap();
            next.added.push("new-5:11211".into());
            next.moved = vec!["new-1:11211".into()];
            next.moves.push(Moves { client: "jump".into(), share: 0.004 });
        },
        "swap old → new: step 3 of 6\n\
         next: step 4 at 10:29:00 UTC, in 8 min\n  \
         + new-4:11211\n  \
         + new-5:11211\n  \
         − old-4:11211\n  \
         ↕ new-1:11211\n  \
         moves 17 % of the keys of libmemcached-modula, less than 1 % of jump\n\
         the guard lets it go on: hit rate 91.2 % of 120,345 requests in the last 5 min hit; 85 % must\n\
         \n       \
         step  at (UTC)  nodes  +            −            libmemcached-modula  jump\n\
         taken  1     -         6      new-1:11211  old-1:11211  16.7 %               0.4 %\n\
         taken  2     -         6      new-2:11211  old-2:11211  16.7 %               0.4 %\n\
         taken  3     -         6      new-3:11211  old-3:11211  16.7 %               0.4 %\n\
         next   4     10:29:00  6      new-4:11211  old-4:11211  16.7 %               0.4 %\n       \
         5     10:39:00  6      2 nodes      old-5:11211  16.7 %               0.4 %\n       \
         6     10:49:00  6      new-6:11211  -            16.7 %               0.4 %\n",
    );
}

#[test]
fn the_preview_says_whether_it_is_held() {
    previews(
        held_by_hit_rate,
        "swap old → new: held at step 3 of 6: 82.1 % of the requests hit, and 85 % must\n\
         next: step 4\n  + new-4:11211\n  − old-4:11211\n  moves 17 % of the keys of libmemcached-modula\n\
         the guard holds it: hit rate 82.1 % of 120,345 requests in the last 5 min hit; 85 % must, and 87 % before it goes on\n",
    );
    previews(
        held_by_hold_at,
        "swap old → new: held at step 3 of 6: hold_at = 3\n\
         next: step 4\n  + new-4:11211\n  − old-4:11211\n  moves 17 % of the keys of libmemcached-modula\n\
         no guard: hold_below_hit_rate is not given\n",
    );
    previews(done, "swap old → new: done, 6 steps taken\nonly the nodes of new are listed\n\n       step  ");
    previews(
        waiting,
        "swap old → new: waits for its start\nnext: step 1 at 2026-12-01 03:00:00 UTC, in 8 d 16 h\n",
    );
}

#[test]
fn a_hit_rate_is_never_rounded_up_to_its_floor() {
    for (rate, is_good, why, expected) in [
        (Some(0.84999), false, None, "84.9 % of "),
        (Some(0.85), true, None, "85 % of "),
        (Some(1.0), true, None, "100 % of "),
        (None, false, Some("new-2:11211 does not answer"), "not known: new-2:11211 does not answer; 85 % of"),
    ] {
        let row = words::hits(&hits(rate, is_good, why).unwrap());
        assert!(row.text.starts_with(expected), "{}", row.text);
        assert_eq!(row.tone == Tone::Good, is_good);
    }
    let other = words::hits(&hits(Some(0.9), false, Some("old-1:11211 does not answer")).unwrap());
    assert!(other.text.ends_with("goes on: old-1:11211 does not answer"), "{}", other.text);
}

#[test]
fn many_nodes_are_counted_in_a_sentence() {
    let (whole, mut rollout) = case(held_by_hit_rate);
    let next = rollout.next.as_mut().unwrap();
    next.added = (1..=12).map(|n| format!("new-{n}:11211")).collect();
    (next.removed, next.moves) = (vec![], vec![]);
    assert_eq!(
        words::headline(&rollout, &whole.now).text,
        "rollout swap old → new: held at step 3 of 6: 82.1 % of the requests hit, and 85 % must; 2 steps behind; \
         next: step 4: + new-1:11211, new-2:11211 and 10 more"
    );
}

#[test]
fn words_from_elsewhere_command_no_terminal() {
    let whole = hostile().status;
    let rollout = whole.rollout.clone().unwrap();
    let steps = [rollout.next.clone().unwrap()];
    for rows in [status::rows(&whole, &rollout), preview::rows(&rollout, &steps, &whole.now)] {
        assert!(rows.iter().all(|row| !row.text.contains(char::is_control)), "{rows:?}");
    }
}
