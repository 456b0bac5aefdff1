//! Instructions from bytes received to bytes that can be sent, counted by valgrind: the same on a busy machine as on a
//! quiet one, so that they can be held to a bound where times can't.
//!
//! Each conversation of `inputs/conversations.rs` may need [`TOLERANCE_PERCENT`] more than
//! `baselines/session_instructions.txt` says; more is a failure. `tests/instructions` runs it, says which lines of
//! the baseline are out of date, and with `--accept` writes them anew.
//!
//! The counts are of x86-64 with AVX2, which `memchr` and the C library look for when the program runs. Elsewhere they
//! are shown, and held to nothing.

use std::hint::black_box;

use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use mimikyu::session::{Next, Outbox, Session};
use mimikyu::snapshot::Snapshot;

#[path = "inputs/conversations.rs"]
mod conversations;
#[path = "inputs/lists.rs"]
mod lists;

use conversations::{Conversation, named, talk};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/baselines/session_instructions.txt");

/// A compiler's next version moves the counts by less; a look-up, a copy or an allocation more on the path of a
/// request moves them by more.
const TOLERANCE_PERCENT: u64 = 5;

/// The bound of one conversation. One that the baseline does not name has none, and `tests/instructions` says so.
fn bounded(name: &str) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    let mut callgrind = Callgrind::with_args(["--cache-sim=no"]);
    let baseline = std::fs::read_to_string(BASELINE).unwrap_or_default();
    let line = baseline.lines().find_map(|line| line.split_once(' ').filter(|(named, _)| *named == name));
    if let Some((_, count)) = line.filter(|_| comparable()) {
        let count: u64 = count.trim().parse().expect("the baseline has a name and a number a line");
        callgrind.hard_limits([(EventKind::Ir, count + count * TOLERANCE_PERCENT / 100)]);
    }
    config.tool(callgrind);
    config
}

/// Whether this machine runs the code that the baseline was counted with.
fn comparable() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// All that a conversation needs, with its answer known to be right.
struct Ready {
    conversation: Conversation,
    snapshot: Snapshot,
    session: Session,
    outbox: Outbox,
}

fn ready(name: &str) -> Ready {
    let snapshot = conversations::snapshot();
    let conversation = named(name, &snapshot);
    let (mut session, mut outbox) = (Session::default(), Outbox::default());
    let answer = talk(&mut session, &mut outbox, &snapshot, &conversation.pieces);
    assert_eq!(answer, conversation.expected, "{name}");
    if conversation.ends {
        (session, outbox) = (Session::default(), Outbox::default());
    }
    Ready { conversation, snapshot, session, outbox }
}

#[library_benchmark(setup = ready)]
#[bench::one(args = ("one"), config = bounded("one"))]
#[bench::one_in_two_pieces(args = ("one_in_two_pieces"), config = bounded("one_in_two_pieces"))]
#[bench::one_and_another_after_it(args = ("one_and_another_after_it"), config = bounded("one_and_another_after_it"))]
#[bench::pipelined_16(args = ("pipelined_16"), config = bounded("pipelined_16"))]
#[bench::pipelined_12_of_three_kinds(args = ("pipelined_12_of_three_kinds"), config = bounded("pipelined_12_of_three_kinds"))]
#[bench::legacy_get(args = ("legacy_get"), config = bounded("legacy_get"))]
#[bench::version(args = ("version"), config = bounded("version"))]
#[bench::miss(args = ("miss"), config = bounded("miss"))]
#[bench::empty_line(args = ("empty_line"), config = bounded("empty_line"))]
#[bench::binary_one(args = ("binary_one"), config = bounded("binary_one"))]
#[bench::binary_pipelined_16(args = ("binary_pipelined_16"), config = bounded("binary_pipelined_16"))]
#[bench::connect_ask_quit(args = ("connect_ask_quit"), config = bounded("connect_ask_quit"))]
#[bench::unknown_command(args = ("unknown_command"), config = bounded("unknown_command"))]
fn conversation(mut ready: Ready) -> (Ready, (Next, usize)) {
    let Ready { conversation, snapshot, session, outbox } = &mut ready;
    let answer = talk(session, outbox, snapshot, black_box(&conversation.pieces));
    (ready, answer)
}

library_benchmark_group!(name = session, benchmarks = conversation);
main!(library_benchmark_groups = session);
