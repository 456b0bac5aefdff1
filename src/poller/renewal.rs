//! What becomes of the sources under another configuration: which of them is one that was there before. Pure.

use crate::config::Source;

/// Where a source comes from, by its place among those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The same place is asked: all that is known of it stays.
    Kept(usize),
    /// Another place is asked under the same name: the list of the one before stands in for its first answer.
    Replaces(usize),
    /// Nothing is known of it.
    New,
}

/// The origin of each source of `after`.
///
/// The place that is asked counts for more than the name: where two sources swap their names, each list stays that of
/// its place.
pub fn origins(before: &[Source], after: &[Source]) -> Vec<Origin> {
    let mut origins = vec![Origin::New; after.len()];
    let mut taken = vec![false; before.len()];
    let mut round = |is_match: Match, origin: fn(usize) -> Origin| {
        for (source, slot) in after.iter().zip(&mut origins).filter(|(_, slot)| **slot == Origin::New) {
            let found = before.iter().enumerate().find(|(at, one)| !taken[*at] && is_match(one, source));
            if let Some((at, _)) = found {
                taken[at] = true;
                *slot = origin(at);
            }
        }
    };
    round(|one, other| is_same_name(one, other) && is_same_place(one, other), Origin::Kept);
    round(is_same_place, Origin::Kept);
    round(is_same_name, Origin::Replaces);
    origins
}

/// Whether a source may be the same as one before.
type Match = fn(&Source, &Source) -> bool;

fn is_same_place(one: &Source, other: &Source) -> bool {
    one.kind == other.kind && one.fill_ip == other.fill_ip
}

fn is_same_name(one: &Source, other: &Source) -> bool {
    one.name == other.name
}

/// The names of sources that are different in another configuration, for the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Those that are new.
    pub added: Vec<String>,
    /// Those that are gone.
    pub removed: Vec<String>,
    /// Those that go on with something else about them.
    pub changed: Vec<String>,
}

/// What is different, by name.
pub fn names(before: &[Source], after: &[Source]) -> Names {
    let mut names = Names::default();
    for source in after {
        match before.iter().find(|one| one.name == source.name) {
            None => names.added.push(source.name.clone()),
            Some(one) if one != source => names.changed.push(source.name.clone()),
            Some(_) => {}
        }
    }
    let is_gone = |one: &&Source| after.iter().all(|source| source.name != one.name);
    names.removed.extend(before.iter().filter(is_gone).map(|one| one.name.clone()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FillIp, HostPort, SourceKind};

    /// `name=host` each; `name=host!` has its ips filled.
    fn sources(words: &str) -> Vec<Source> {
        let source = |word: &str| {
            let (name, host) = word.split_once('=').unwrap();
            let target = HostPort { host: host.trim_end_matches('!').into(), port: 1 };
            let fill_ip = if host.ends_with('!') { FillIp::Missing } else { FillIp::Never };
            Source { fill_ip, ..Source::new(name, SourceKind::Endpoint(target)) }
        };
        words.split_whitespace().map(source).collect()
    }

    #[test]
    fn a_source_is_known_by_its_place_and_then_by_its_name() {
        use Origin::{Kept, New, Replaces};
        for (before, after, expected) in [
            ("a=x b=y", "a=x b=y", &[Kept(0), Kept(1)][..]),
            ("a=x b=y", "b=y a=x", &[Kept(1), Kept(0)]),
            ("a=x b=y", "a=y b=x", &[Kept(1), Kept(0)]),
            ("a=x b=y", "c=x b=y", &[Kept(0), Kept(1)]),
            ("a=x b=y", "a=z b=y", &[Replaces(0), Kept(1)]),
            ("a=x b=y", "a=y", &[Kept(1)]),
            ("a=x", "a=y b=x", &[New, Kept(0)]),
            ("a=x", "a=x! b=x", &[New, Kept(0)]),
            ("a=x", "a=x!", &[Replaces(0)]),
            ("a=x b=x", "b=x a=x c=x", &[Kept(1), Kept(0), New]),
            ("a=x", "b=y", &[New]),
        ] {
            assert_eq!(origins(&sources(before), &sources(after)), expected, "{before} to {after}");
        }
    }

    #[test]
    fn names_tell_what_an_operator_did() {
        let names = names(&sources("a=x b=y c=z"), &sources("c=w b=y d=x"));
        let expected =
            Names { added: vec!["d".into()], removed: vec!["a".into()], changed: vec!["c".into()] };
        assert_eq!(names, expected);
    }
}
