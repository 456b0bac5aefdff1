//! The version of the engine, which some clients ask before they ask for the list (R10).

use super::clients::{STATS_ABSENT, STATS_FORM, STATS_OLD, VERSION_ABSENT, VERSION_FORM, VERSION_OLD};
use super::finding::{Finding, Rule};

/// The oldest engine that every client asks `config get cluster`.
const ENGINE_MIN: [u32; 3] = [1, 4, 14];

/// How a client asks for the engine's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// `version`.
    Version,
    /// `stats`, of which it reads the line `STAT version`.
    Stats,
}

impl Question {
    /// The question as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Stats => "stats",
        }
    }

    /// The engine's version in a text reply, letter by letter.
    pub fn version_in(self, reply: &[u8]) -> Option<String> {
        let prefix = match self {
            Self::Version => "VERSION ",
            Self::Stats => "STAT version ",
        };
        let reply = String::from_utf8_lossy(reply);
        // Only the first line answers `version`; `lines` takes CRLF for a line's end and leaves a lone CR.
        let lines = reply.lines().take(if self == Self::Version { 1 } else { usize::MAX });
        lines.filter_map(|line| line.strip_prefix(prefix)).map(str::to_owned).next()
    }

    /// What is wrong with the version that was answered; `None` is no answer or none with a version.
    pub fn check(self, answered: Option<&str>) -> Option<Finding> {
        let (absent, form, old) = match self {
            Self::Version => (VERSION_ABSENT, VERSION_FORM, VERSION_OLD),
            Self::Stats => (STATS_ABSENT, STATS_FORM, STATS_OLD),
        };
        let word = self.word();
        let Some(answered) = answered else {
            return Some(Finding::new(Rule::R10, format!("{word} answers no version"), absent));
        };
        // Cut, since it may be anything.
        let quoted: String = answered.chars().take(40).collect();
        match three_numbers(answered) {
            None => {
                let what = format!("{word} answers {quoted:?}, which is not three numbers");
                Some(Finding::new(Rule::R10, what, form))
            }
            Some(numbers) if numbers < ENGINE_MIN => {
                Some(Finding::new(Rule::R10, format!("{word} answers {quoted}, less than 1.4.14"), old))
            }
            Some(_) => None,
        }
    }
}

fn three_numbers(text: &str) -> Option<[u32; 3]> {
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?;
    text.split('.').map(number).collect::<Option<Vec<u32>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_numbers_from_1_4_14_on_are_fine() {
        for answered in ["1.4.14", "1.4.34", "1.6.22", "2.0.0"] {
            for question in [Question::Version, Question::Stats] {
                assert_eq!(question.check(Some(answered)), None);
            }
        }
    }

    #[test]
    fn anything_else_hurts_who_asks_that_way() {
        for (answered, what, clients) in [
            (None, "answers no version", ("npm memcached-elasticache", "dalli-elasticache")),
            (Some("1.6"), "not three numbers", ("npm memcached", "AWS .NET")),
            (Some("1.6.22.1"), "not three numbers", ("npm memcached", "AWS .NET")),
            (Some("1.6.22-x"), "not three numbers", ("npm memcached", "AWS .NET")),
            (Some("1.6.22 "), "not three numbers", ("npm memcached", "AWS .NET")),
            (Some("1.6.+2"), "not three numbers", ("npm memcached", "AWS .NET")),
            (Some("1..2"), "not three numbers", ("npm memcached", "AWS .NET")),
            (Some("1.4.13"), "less than 1.4.14", ("npm memcached-elasticache", "dalli-elasticache")),
            (Some("1.2.20"), "less than 1.4.14", ("npm memcached-elasticache", "dalli-elasticache")),
        ] {
            for (question, client) in [(Question::Version, clients.0), (Question::Stats, clients.1)] {
                let finding = question.check(answered).unwrap();
                assert_eq!((finding.rule, finding.hurts[0].client), (Rule::R10, client), "{answered:?}");
                assert!(finding.what.starts_with(question.word()), "{finding}");
                assert!(finding.what.contains(what), "{finding}");
            }
        }
    }

    #[test]
    fn the_version_is_found_in_replies() {
        let found = |question: Question, reply: &str| question.version_in(reply.as_bytes());
        assert_eq!(found(Question::Version, "VERSION 1.6.22\r\n").as_deref(), Some("1.6.22"));
        assert_eq!(found(Question::Version, "VERSION 1.6.22 \r\n").as_deref(), Some("1.6.22 "));
        assert_eq!(found(Question::Version, "ERROR\r\nVERSION 1.6.22\r\n"), None);
        let stats = "STAT pid 1\r\nSTAT version 1.6.18\r\nEND\r\n";
        assert_eq!(found(Question::Stats, stats).as_deref(), Some("1.6.18"));
        assert_eq!(found(Question::Stats, "STAT pid 1\r\nEND\r\n"), None);
    }
}
