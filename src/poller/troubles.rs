//! What is wrong with the whole, and not with a source, kept ready by who knows. Pure.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::status::{Severity, Trouble};

/// What something may be wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The list, which hurts clients.
    List,
    /// The nodes that are to hold the list (`publish`).
    Publish,
    /// The state file.
    State,
    /// The configuration that was read last.
    Configuration,
}

/// What is wrong, by what it is wrong with. A subject of which nothing is wrong is not in it.
#[derive(Debug, Clone, Default)]
pub struct Troubles(BTreeMap<Subject, Vec<Trouble>>);

impl Troubles {
    /// This is wrong with a subject from `now` on, and nothing else; what was so before is so since then.
    pub fn note(
        &mut self,
        subject: Subject,
        found: impl IntoIterator<Item = (Severity, String)>,
        now: SystemTime,
    ) {
        let before = self.0.remove(&subject).unwrap_or_default();
        let trouble = |(at, (severity, what)): (usize, (Severity, String))| {
            // Its words may have a count in them, and so be others.
            let same = before.iter().find(|known| known.what == what).or_else(|| before.get(at));
            let since = same.map(|known| known.since.clone());
            let since = since.unwrap_or_else(|| humantime::format_rfc3339_millis(now).to_string());
            Trouble { what, severity, since }
        };
        let found: Vec<_> = found.into_iter().enumerate().map(trouble).collect();
        if !found.is_empty() {
            self.0.insert(subject, found);
        }
    }

    /// All of it, the worst first.
    pub fn told(&self) -> Vec<Trouble> {
        let mut all: Vec<_> = self.0.values().flatten().cloned().collect();
        all.sort_by_key(|trouble| trouble.severity);
        all
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_trouble_has_its_first_time_until_it_is_over_and_the_worst_comes_first() {
        let mut troubles = Troubles::default();
        let mut note = |subject, severity: Severity, whats: &[&str], second| {
            let found = whats.iter().map(|&what| (severity, what.to_owned()));
            troubles.note(subject, found, UNIX_EPOCH + Duration::from_secs(second));
            let told = |trouble: Trouble| format!("{} {}", &trouble.since[17..19], trouble.what);
            troubles.told().into_iter().map(told).collect::<Vec<_>>()
        };
        assert_eq!(note(Subject::State, Severity::Warning, &["disk"], 1), ["01 disk"]);
        assert_eq!(note(Subject::State, Severity::Warning, &["full disk"], 2), ["01 full disk"]);
        assert_eq!(note(Subject::Configuration, Severity::Severe, &["file"], 3), ["03 file", "01 full disk"]);
        assert_eq!(note(Subject::State, Severity::Warning, &[], 4), ["03 file"]);
        assert_eq!(note(Subject::State, Severity::Warning, &["disk"], 5), ["03 file", "05 disk"]);
        assert_eq!(
            note(Subject::List, Severity::Warning, &["R8", "R9"], 6),
            ["03 file", "06 R8", "06 R9", "05 disk"]
        );
        assert_eq!(note(Subject::List, Severity::Warning, &["R9"], 7), ["03 file", "06 R9", "05 disk"]);
    }
}
