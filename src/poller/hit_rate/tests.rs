use super::*;
use crate::config::Share;

const WINDOW: u64 = 60;

fn guard(floor: &str, requests_min: u64) -> Guard {
    Guard { floor: Share::new(floor).unwrap(), window: Duration::from_secs(WINDOW), requests_min }
}

fn nodes(names: &str) -> Vec<Node> {
    names.split_whitespace().map(|name| Node::new(name, "", 11211)).collect()
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A story: nodes that tell what they count, by name.
struct Story(HitRate);

impl Story {
    fn new(floor: &str, requests_min: u64, names: &str) -> Self {
        let mut hit_rate = HitRate::new(guard(floor, requests_min));
        hit_rate.ask_again(&nodes(names));
        Self(hit_rate)
    }

    #[track_caller]
    fn tells(&mut self, name: &str, hits: u64, misses: u64, seconds: u64) -> &mut Self {
        self.0.note(&nodes(name)[0], Ok(Counters { hits, misses }), at(seconds));
        self
    }

    fn fails(&mut self, name: &str, seconds: u64) -> &mut Self {
        self.0.note(&nodes(name)[0], Err("it did not answer in time".into()), at(seconds));
        self
    }

    #[track_caller]
    fn is_good(&mut self, rate: f64, requests: u64, seconds: u64) -> &mut Self {
        let verdict = self.0.verdict(at(seconds));
        assert_eq!(verdict, Verdict { is_good: true, rate: Some(rate), requests, why: None });
        self
    }

    #[track_caller]
    fn is_held(&mut self, rate: Option<f64>, requests: u64, seconds: u64, why: &str) -> &mut Self {
        let verdict = self.0.verdict(at(seconds));
        assert_eq!(verdict, Verdict { is_good: false, rate, requests, why: Some(why.to_owned()) });
        self
    }
}

#[test]
fn a_rollout_is_held_until_every_node_has_told_enough() {
    let silent = |count, name| {
        format!("{count} of 2 nodes did not tell their hits and misses within 1m: {name}:11211")
    };
    let few =
        |requests| format!("{requests} of the 100 requests that tell a hit rate were counted within 1m");
    let mut story = Story::new("85%", 100, "a b");
    story.is_held(None, 0, 0, &silent(2, "a"));
    assert!(!story.0.is_settled());
    // What was counted before it was asked first tells nothing of now.
    story.tells("a", 1000, 9000, 1).is_held(None, 0, 1, &silent(1, "b"));
    story.tells("b", 5, 5, 2).is_held(None, 0, 2, &few(0));
    assert!(!story.0.is_settled());
    story.tells("a", 1090, 9009, 11).is_held(None, 99, 11, &few(99));
    story.tells("b", 6, 5, 12).is_good(0.91, 100, 12);
    assert!(story.0.is_settled());
}

#[test]
fn a_node_that_falls_silent_holds_once_its_last_answer_is_older_than_the_window() {
    let mut story = Story::new("85%", 100, "a b");
    for (second, hits) in [(0, 0), (10, 100), (20, 200)] {
        story.tells("a", hits, 0, second).tells("b", hits, 0, second);
    }
    story.is_good(1.0, 400, 20);
    for second in (30..=80).step_by(10) {
        story.tells("a", 10 * second, 0, second).fails("b", second);
    }
    story.is_good(1.0, 600, 80);
    let why = "1 of 2 nodes did not tell their hits and misses within 1m: b:11211, it did not answer in time";
    story.is_held(None, 500, 81, why);
    story.tells("b", 900, 0, 82).is_good(1.0, 500, 82);
    assert_eq!(
        story.0.verdict(at(1000)).why.unwrap(),
        "2 of 2 nodes did not tell their hits and misses within 1m: a:11211"
    );
}

#[test]
fn exactly_at_the_floor_is_good_and_once_held_it_takes_more_to_go_on() {
    let mut story = Story::new("85%", 100, "a");
    // Each window has a rate of its own: the answers before are over.
    let mut told = (0, 0);
    let mut window = |story: &mut Story, hits: u64, number: u64| {
        let begin = 1000 * number;
        story.tells("a", told.0, told.1, begin);
        told = (told.0 + hits, told.1 + 1000 - hits);
        story.tells("a", told.0, told.1, begin + 10);
        begin + 10
    };
    let now = window(&mut story, 850, 1);
    story.is_good(0.85, 1000, now);
    let now = window(&mut story, 849, 2);
    let why = "84.9% of 1000 requests hit within 1m, less than 85%: it goes on from 87%";
    story.is_held(Some(0.849), 1000, now, why);
    for (number, hits, rate) in [(3, 850, "85%"), (4, 869, "86.9%")] {
        let now = window(&mut story, hits, number);
        let why = format!("{rate} of 1000 requests hit within 1m, after less than 85%: it goes on from 87%");
        story.is_held(Some(hits as f64 / 1000.0), 1000, now, &why);
    }
    // Silence between is no rate, and changes nothing of that.
    assert!(story.0.verdict(at(4900)).rate.is_none());
    let now = window(&mut story, 869, 5);
    assert!(!story.0.verdict(at(now)).is_good);
    let now = window(&mut story, 870, 6);
    story.is_good(0.87, 1000, now);
    let now = window(&mut story, 850, 7);
    story.is_good(0.85, 1000, now);
    // Another floor is another question.
    let now = window(&mut story, 800, 8);
    assert!(!story.0.verdict(at(now)).is_good);
    story.0.renew(guard("85%", 50));
    assert!(!story.0.verdict(at(now)).is_good);
    story.0.renew(guard("80%", 50));
    story.is_good(0.8, 1000, now);
}

#[test]
fn what_is_a_hair_below_the_floor_does_not_read_as_the_floor() {
    let mut story = Story::new("85%", 1, "a");
    story.tells("a", 0, 0, 0).tells("a", 84_999_999, 15_000_001, 1);
    let why = "84.99% of 100000000 requests hit within 1m, less than 85%: it goes on from 87%";
    story.is_held(Some(0.849_999_99), 100_000_000, 1, why);
}

#[test]
fn resume_is_above_the_floor_and_never_above_one() {
    for (floor, expected) in
        [(0.85, 0.87), (0.5, 0.52), (0.96, 0.98), (0.97, 0.985), (0.999_999, 0.999_999_5), (1.0, 1.0)]
    {
        assert_eq!(resume(floor), expected);
    }
    for millionths in 1..=1_000_000 {
        let floor = f64::from(millionths) / 1e6;
        let resume = resume(floor);
        assert!(resume <= 1.0 && (resume > floor || floor == 1.0), "{floor}");
    }
}

#[test]
fn every_request_must_hit_where_the_floor_is_the_whole() {
    let mut story = Story::new("100%", 1, "a");
    story.tells("a", 0, 0, 0).tells("a", 10, 0, 10).is_good(1.0, 10, 10).tells("a", 20, 1, 20);
    assert!(!story.0.verdict(at(20)).is_good);
    let why = "95.23% of 21 requests hit within 1m, less than 100%: it goes on from 100%";
    story.tells("a", 30, 1, 70).is_held(Some(20.0 / 21.0), 21, 70, why);
    // The miss came before the oldest answer within the window.
    story.is_good(1.0, 10, 71);
}

#[test]
fn a_node_that_is_started_anew_begins_its_history_anew() {
    let mut story = Story::new("85%", 100, "a b");
    story.tells("a", 1_000_000, 10, 0).tells("b", 0, 0, 0);
    story.tells("a", 1_000_090, 20, 10).tells("b", 100, 0, 10).is_good(0.95, 200, 10);
    // Both counters begin with nothing.
    story.tells("a", 5, 45, 20).is_good(1.0, 100, 20);
    story.tells("a", 5, 145, 30);
    story.is_held(
        Some(0.5),
        200,
        30,
        "50% of 200 requests hit within 1m, less than 85%: it goes on from 87%",
    );
    // One of them that falls is enough to say so: the other one has overtaken.
    story.tells("a", 500, 144, 40).is_good(1.0, 100, 40);
    story.tells("a", 499, 200, 50).is_good(1.0, 100, 50);
}

#[test]
fn a_node_that_comes_holds_until_it_has_answered_and_one_that_goes_is_forgotten() {
    let mut story = Story::new("85%", 10, "a b");
    story.tells("a", 0, 0, 0).tells("b", 0, 0, 0).tells("a", 90, 10, 10).tells("b", 0, 100, 10);
    assert!(!story.0.verdict(at(10)).is_good);
    story.0.ask_again(&nodes("a c"));
    // It knows a as before.
    let why = "1 of 2 nodes did not tell their hits and misses within 1m: c:11211";
    story.is_held(None, 100, 11, why);
    assert!(!story.0.is_settled());
    story.tells("b", 0, 1000, 12).tells("c", 7, 7, 12).is_good(0.9, 100, 12);
    // One that comes back is a new one.
    story.0.ask_again(&nodes("b c c a"));
    story.is_held(None, 100, 13, &why.replace("2 nodes", "3 nodes").replace("c:", "b:"));
    story.0.ask_again(&nodes("c a"));
    story.is_good(0.9, 100, 14);
    story.0.ask_again(&[]);
    story.is_held(None, 0, 15, "no node is listed, so none tells its hits and misses");
}

#[test]
fn the_window_slides() {
    let mut story = Story::new("85%", 10, "a");
    // Ten minutes of hits, then one of misses.
    for second in (0..=600).step_by(10) {
        story.tells("a", second, 0, second);
    }
    story.is_good(1.0, 60, 600);
    story.tells("a", 600, 10, 610);
    assert_eq!(story.0.verdict(at(610)).rate, Some(50.0 / 60.0));
    for second in (620..=660).step_by(10) {
        story.tells("a", 600, second - 600, second);
    }
    // The answer that is exactly as old as the window counts, and one that is older does not.
    assert_eq!(story.0.verdict(at(660)).requests, 60);
    assert_eq!(story.0.verdict(at(661)).requests, 50);
    assert_eq!(story.0.verdict(at(660)).rate, Some(0.0));
}

#[test]
fn the_greatest_numbers_do_no_harm() {
    let max = u64::MAX;
    let mut story = Story::new("85%", 10, "a b");
    story.tells("a", 0, 0, 0).tells("b", 0, 0, 0).tells("a", max, max, 10).tells("b", max, max, 10);
    let verdict = story.0.verdict(at(10));
    assert_eq!((verdict.is_good, verdict.rate, verdict.requests), (false, Some(0.5), max));
    story.tells("a", max, max, 20).tells("b", 0, 0, 20);
    assert_eq!(story.0.verdict(at(20)).rate, Some(0.5));
    assert!(!story.0.verdict(Duration::MAX).is_good);
    // A window longer than the process, and as many requests as can't be.
    let guard = Guard { window: Duration::MAX, requests_min: max, ..guard("85%", 0) };
    story.0.renew(guard);
    assert_eq!(story.0.verdict(at(30)).requests, max);
}

#[test]
fn a_clock_that_stands_still_or_is_behind_does_no_harm() {
    let mut story = Story::new("85%", 10, "a");
    for n in 0..1000 {
        story.tells("a", 10 * n, 0, 5);
        assert!(story.0.nodes[0].samples.len() <= HIT_RATE_SAMPLES_MAX);
    }
    story.is_good(1.0, 10 * (HIT_RATE_SAMPLES_MAX as u64 - 1), 5);
    story.tells("a", 20_000, 0, 4).is_held(
        None,
        0,
        4,
        "0 of the 10 requests that tell a hit rate were counted within 1m",
    );
}

#[test]
fn as_many_answers_are_kept_as_the_bound_and_not_one_more() {
    let mut story = Story::new("85%", 1, "a");
    for n in 0..HIT_RATE_SAMPLES_MAX as u64 {
        story.tells("a", 10 * n, 0, n);
    }
    let all = 10 * (HIT_RATE_SAMPLES_MAX as u64 - 1);
    story.is_good(1.0, all, 20);
    // One more takes the oldest one's place, and with it what was counted since that.
    story.tells("a", all + 5, 0, 20).is_good(1.0, all - 5, 20);
}

#[test]
fn no_request_at_all_is_no_hit_rate_whatever_the_least() {
    let mut story = Story::new("85%", 0, "a");
    story.tells("a", 0, 0, 0).tells("a", 0, 0, 10);
    story.is_held(None, 0, 10, "0 of the 1 requests that tell a hit rate were counted within 1m");
}
